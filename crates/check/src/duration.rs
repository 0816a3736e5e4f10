//! Lengths of time, as people type and read them.

/// Reads a length of time in seconds: `90`, `90s`, `15m`, `2h`, `7d`, `1w`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let count: u32 = digits.parse().ok()?;
    i64::from(count).checked_mul(unit)
}

/// Says a length of time in its largest unit, such as `5 min` or `3 days`.
pub(crate) fn words(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "min"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_units() {
        let read = |text| parse(text).unwrap();
        assert_eq!(
            [read("90"), read("90s"), read("15m"), read("2h"), read("1w")],
            [90, 90, 900, 7_200, 604_800]
        );
        for bad in [
            "",
            "h",
            "-5",
            "1.5h",
            "2 h",
            "5y",
            "2hh",
            "99999999999",
            "é",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(
            [words(5), words(300), words(86_400), words(400_000)],
            ["5 s", "5 min", "24 h", "4 days"]
        );
    }
}
