//! The query string of a request.

use url::form_urlencoded;

/// Query parameters by name. Of a name that comes twice the last value counts;
/// `&` and `;` both separate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    parameters: Vec<(String, String)>,
}

/// Names of the query parameters that together are the older form of
/// credentials.
pub(crate) const CREDENTIALS: [&str; 2] = ["username", "api_key"];

impl Query {
    /// Reads the text after the question mark. What is no UTF-8 becomes
    /// replacement characters, which match nothing.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let mut query = Self::default();
        for piece in Self::pieces(text.unwrap_or_default()) {
            for (name, value) in form_urlencoded::parse(piece.as_bytes()) {
                query.set(&name, &value);
            }
        }
        query
    }

    /// Returns what the separators separate.
    pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
        text.split(['&', ';'])
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.parameters.iter_mut().find(|(known, _)| known == name) {
            Some(parameter) => value.clone_into(&mut parameter.1),
            None => self.parameters.push((name.to_owned(), value.to_owned())),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.parameters.retain(|(known, _)| known != name);
    }

    /// Returns user name and key, if the query carries both.
    pub(crate) fn credentials(&self) -> Option<(&str, &str)> {
        let [user, key] = CREDENTIALS.map(|name| self.get(name));
        Some((user?, key?))
    }

    /// Returns the query string, sorted by name.
    pub(crate) fn encoded(&self) -> String {
        let mut sorted = self.parameters.clone();
        sorted.sort();
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(sorted)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn the_last_value_of_a_name_counts_and_both_separators_do() {
        let query = Query::parse(Some("a=1&b=x+y%2Fz;a=2&flag&&c="));
        assert_eq!(query.get("a"), Some("2"));
        assert_eq!(query.get("b"), Some("x y/z"));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("c"), Some(""));
        assert_eq!(query.get("d"), None);
        assert_eq!(query.encoded(), "a=2&b=x+y%2Fz&c=&flag=");
        assert_eq!(Query::parse(None).encoded(), "");
    }
}
