//! The word that was probably meant.

/// Returns the known word that is spelled most like this one, if one is near enough
/// to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min()
        .map(|(_, known)| known)
}

/// Returns the end of a complaint about an unknown word: `; did you mean X?`, or
/// nothing.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    quote: &str,
) -> String {
    nearest(word, known)
        .map(|near| format!("; did you mean {quote}{near}{quote}?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_spelled_alike_is_suggested() {
        let known = ["timeout", "retries", "cacert"];
        for (word, expected) in [
            ("tiemout", Some("timeout")),
            ("retrys", Some("retries")),
            ("ca-cert", Some("cacert")),
            ("bogus", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
