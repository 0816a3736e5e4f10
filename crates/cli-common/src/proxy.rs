//! Which proxy may be at fault when no connection can be made.
//!
//! The HTTP library takes proxies from the environment and does not say so in its
//! errors: `connection refused` beside the address of an archive sends people to
//! the wrong host.

use std::env;

/// Returns what to look at when no connection could be made for this address, if
/// the environment names a proxy for it.
pub(crate) fn hint(url: &str) -> Option<String> {
    hint_with(url, |name| {
        env::var(name).ok().filter(|text| !text.is_empty())
    })
}

fn hint_with(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    let exempt = variable("NO_PROXY").or_else(|| variable("no_proxy"));
    let is_exempt = |entry: &str| entry.trim() == "*" || entry.trim() == host;
    if exempt.is_some_and(|exempt| exempt.split(',').any(is_exempt)) {
        return None;
    }
    let names: &[&str] = match scheme {
        "http" => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
        "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => return None,
    };
    let name = names.iter().find(|name| variable(name).is_some())?;
    // The value may hold a password.
    Some(format!(
        "{name} names a proxy, which may be what cannot be reached (NO_PROXY names hosts \
         that need none)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        hint_with(url, |name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn the_proxy_of_the_scheme_is_named_without_its_password() {
        let variables = [("https_proxy", "http://u:s3cret@p:1"), ("ALL_PROXY", "p:2")];
        let https = told("https://h:8443/x", &variables).unwrap();
        assert!(https.contains("https_proxy names") && !https.contains("s3cret"));
        assert!(
            told("http://h/x", &variables)
                .unwrap()
                .contains("ALL_PROXY")
        );
    }

    #[test]
    fn without_a_proxy_for_the_host_there_is_nothing_to_say() {
        assert_eq!(told("http://h/x", &[("HTTPS_PROXY", "p")]), None);
        for exempt in ["*", "a, h"] {
            let variables = [("HTTP_PROXY", "p"), ("NO_PROXY", exempt)];
            assert_eq!(told("http://h:8080/x", &variables), None);
        }
    }
}
