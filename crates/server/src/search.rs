//! From filters, such as those of a query, to the conditions of a search.

use std::net::IpAddr;

use esmond_ps_model::registry::{FieldKind, SubjectFilter};
use esmond_ps_model::{Registry, SummaryType, TimeArguments, integer};
use esmond_ps_store::Search;
use esmond_ps_store::search::SubjectSearch;

use crate::config::Resolver;
use crate::context::Context;
use crate::error::Error;

/// Names that are no filters of their own.
const RESERVED: [&str; 4] = ["limit", "offset", "format", DNS_MATCH_RULE];
const DNS_MATCH_RULE: &str = "dns-match-rule";

/// Reads the conditions of the metadata search that a request asks for; `key`
/// limits it to one record. `None` when no record can match.
pub(crate) async fn asked(context: &Context, key: Option<&str>) -> Result<Option<Search>, Error> {
    let filters: Vec<(&str, &str)> = context.query.iter().collect();
    let config = &context.app.config;
    let now = context.app.now();
    let resolver = config.resolver.as_ref();
    let Some(mut search) = conditions(&filters, &config.registry, resolver, now).await? else {
        return Ok(None);
    };
    let wanted = key.map(str::to_owned);
    if wanted.is_some() && search.key.is_some() && search.key != wanted {
        return Ok(None);
    }
    search.key = search.key.or(wanted);
    Ok(Some(search))
}

/// Reads the filters of a metadata search, each name once. Names that are no
/// standard filter and none of a subject type select by a parameter. `now` is in
/// Unix seconds, for times relative to it. `None` when no record can match.
///
/// # Errors
///
/// A filter whose value cannot be understood; the text names it.
pub async fn conditions(
    filters: &[(&str, &str)],
    registry: &Registry,
    resolver: &dyn Resolver,
    now: i64,
) -> Result<Option<Search>, Error> {
    let value_of = |name: &str| {
        let found = filters.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    };
    let mut search = Search::default();
    let mut can_match = true;
    for &(name, value) in filters {
        if RESERVED.contains(&name) || TimeArguments::NAMES.contains(&name) {
            continue;
        }
        match name {
            "metadata-key" => search.key = Some(value.to_owned()),
            "subject-type" => search.subject_type = Some(value.to_owned()),
            "event-type" => search.series.event_type = Some(value.to_owned()),
            "summary-type" => {
                search.series.summary_type = SummaryType::from_name(value);
                can_match &= search.series.summary_type.is_some();
            }
            "summary-window" => {
                let window = integer::parse_saturating(value).ok_or_else(|| {
                    Error::bad_request("Summary window parameter must be an integer")
                })?;
                search.series.window = Some(window);
            }
            _ => match registry.subject_filter(name) {
                Some(filter) => {
                    let rule = value_of(DNS_MATCH_RULE);
                    let values = wanted(&filter, value, rule, resolver).await?;
                    let fields = filter.fields.into_iter().map(str::to_owned);
                    search.subject.push(SubjectSearch {
                        fields: fields.collect(),
                        values,
                    });
                }
                None => {
                    if let Some(field) = registry.subject_field(name) {
                        let detail = format!("{name} is found by the filter {}", field.filter);
                        return Err(Error::bad_request(detail));
                    }
                    search.parameters.push((name.to_owned(), value.to_owned()));
                }
            },
        }
    }
    // DIFFERENCE: the whole last second counts; the original compares with the
    // microseconds of an update, which it does not show.
    search.series.updated = TimeArguments::resolve(value_of, now)
        .map_err(|error| Error::bad_request(error.to_string()))?;
    Ok(can_match.then_some(search))
}

/// Returns the values of a subject field that match a filter's value.
async fn wanted(
    filter: &SubjectFilter<'_>,
    value: &str,
    rule: Option<&str>,
    resolver: &dyn Resolver,
) -> Result<Vec<String>, Error> {
    if filter.resolves {
        let rule = DnsMatchRule::parse(rule)?;
        return rule.addresses(resolver, value).await;
    }
    // Addresses are stored in their canonical spelling.
    let address = value.parse::<IpAddr>().ok();
    let address = address.filter(|_| filter.kind == FieldKind::Address);
    Ok(vec![address.map_or_else(
        || value.to_owned(),
        |address| address.to_canonical().to_string(),
    )])
}

/// Which of a host's addresses count.
#[derive(Clone, Copy)]
enum DnsMatchRule {
    Both,
    OnlyV4,
    OnlyV6,
    PreferV4,
    PreferV6,
}

impl DnsMatchRule {
    fn parse(text: Option<&str>) -> Result<Self, Error> {
        Ok(match text {
            None | Some("v4v6") => Self::Both,
            Some("only-v4") => Self::OnlyV4,
            Some("only-v6") => Self::OnlyV6,
            Some("prefer-v4") => Self::PreferV4,
            Some("prefer-v6") => Self::PreferV6,
            Some(other) => {
                let detail = format!("Invalid dns-match-rule parameter {other}");
                return Err(Error::bad_request(detail));
            }
        })
    }

    /// Returns the addresses of a host that count, in their canonical spelling.
    ///
    /// DIFFERENCE: all addresses of a host; the original looks at the first of
    /// each family only.
    async fn addresses(self, resolver: &dyn Resolver, host: &str) -> Result<Vec<String>, Error> {
        let found = match host.parse::<IpAddr>() {
            Ok(literal) => vec![literal],
            Err(_) if host.is_empty() || host.contains('\0') => Vec::new(),
            Err(_) => resolver.lookup(host).await,
        };
        let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = found
            .iter()
            .map(IpAddr::to_canonical)
            .partition(IpAddr::is_ipv4);
        let chosen = match self {
            Self::Both => [v4, v6].concat(),
            Self::OnlyV4 => v4,
            Self::OnlyV6 => v6,
            Self::PreferV4 if v4.is_empty() => v6,
            Self::PreferV4 => v4,
            Self::PreferV6 if v6.is_empty() => v4,
            Self::PreferV6 => v6,
        };
        if chosen.is_empty() {
            let detail = format!("Unable to find address for host {host}");
            return Err(Error::bad_request(detail));
        }
        Ok(chosen.iter().map(ToString::to_string).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;

    #[derive(Debug)]
    struct TwoOfEach;

    #[async_trait]
    impl Resolver for TwoOfEach {
        async fn lookup(&self, host: &str) -> Vec<IpAddr> {
            let addresses: &[&str] = match host {
                "both" => &["2001:db8::1", "192.0.2.1", "192.0.2.2", "2001:db8::2"],
                "v4" => &["192.0.2.1"],
                _ => &[],
            };
            addresses.iter().map(|text| text.parse().unwrap()).collect()
        }
    }

    async fn found(rule: &str, host: &str) -> String {
        let rule = DnsMatchRule::parse(Some(rule)).unwrap_or_else(|_| panic!("{rule}"));
        match rule.addresses(&TwoOfEach, host).await {
            Ok(addresses) => addresses.join(" "),
            Err(error) => error.status().to_string(),
        }
    }

    #[tokio::test]
    async fn the_rule_chooses_among_all_addresses_of_a_host() {
        // DIFFERENCE: the original looks at the first of each family.
        let (v4, v6) = ("192.0.2.1 192.0.2.2", "2001:db8::1 2001:db8::2");
        assert_eq!(found("v4v6", "both").await, format!("{v4} {v6}"));
        assert_eq!(found("only-v4", "both").await, v4);
        assert_eq!(found("prefer-v4", "both").await, v4);
        assert_eq!(found("only-v6", "both").await, v6);
        assert_eq!(found("prefer-v6", "both").await, v6);
        assert_eq!(found("prefer-v6", "v4").await, "192.0.2.1");
        assert_eq!(found("only-v6", "v4").await, "400 Bad Request");
        assert_eq!(found("v4v6", "nobody").await, "400 Bad Request");
    }

    #[tokio::test]
    async fn address_literals_are_not_looked_up_and_made_canonical() {
        assert_eq!(found("v4v6", "2001:0DB8:0::1").await, "2001:db8::1");
        assert_eq!(found("v4v6", "::ffff:192.0.2.9").await, "192.0.2.9");
        assert_eq!(found("only-v6", "192.0.2.9").await, "400 Bad Request");
        assert_eq!(found("v4v6", "a\0b").await, "400 Bad Request");
    }
}
