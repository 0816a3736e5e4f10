//! What the numbers of an event type are measured in, and how they are written.

/// A unit of measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Bits per second, written with k, M, G or T.
    BitsPerSecond,
    /// Percent; archives hold fractions of 1.
    Percent,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Bytes.
    Bytes,
    /// Things that are counted, such as `packets`.
    Count(&'static str),
    /// Not known.
    None,
}

/// How the numbers of an axis are written: divided, and with a unit that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// What a number is divided by.
    pub divisor: f64,
    /// The unit that is then left, such as `Gb/s`; empty for none.
    pub unit: String,
}

const PREFIXES: [(f64, &str); 5] = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

impl Unit {
    /// Returns the unit of an event type's numbers, once
    /// [converted](Self::factor). Of types that are none of the standard ones
    /// it is not known.
    #[must_use]
    pub fn of(event_type: &str) -> Self {
        let name = event_type.strip_prefix("streams-").unwrap_or(event_type);
        let name = name.strip_suffix("-subintervals").unwrap_or(name);
        let name = name.strip_suffix("-bidir").unwrap_or(name);
        match name {
            "throughput" => Self::BitsPerSecond,
            "packet-loss-rate" => Self::Percent,
            "histogram-owdelay" | "histogram-rtt" | "time-error-estimates" => Self::Milliseconds,
            "packet-rtt" => Self::Microseconds,
            "path-mtu" | "tcp-windowsize" => Self::Bytes,
            "histogram-ttl" | "histogram-ttl-reverse" => Self::Count("hops left (TTL)"),
            "packet-retransmits" | "packet-duplicates" | "packet-count-lost"
            | "packet-count-sent" | "packet-reorders" => Self::Count("packets"),
            "failures" => Self::Count("failures"),
            _ => Self::None,
        }
    }

    /// Returns what the numbers of an archive are multiplied by to be in this
    /// unit.
    #[must_use]
    pub const fn factor(self) -> f64 {
        match self {
            Self::Percent => 100.0,
            _ => 1.0,
        }
    }

    /// Returns the name, such as `bit/s`; empty when it is not known.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BitsPerSecond => "bit/s",
            Self::Percent => "%",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Bytes => "bytes",
            Self::Count(what) => what,
            Self::None => "",
        }
    }

    /// Tells whether an axis of it always begins at zero, since the height of a
    /// value is read as its size.
    pub(crate) fn begins_at_zero(self) -> bool {
        matches!(
            self,
            Self::BitsPerSecond | Self::Percent | Self::Count("packets" | "failures")
        )
    }

    /// Returns how numbers up to `largest` (in size) are written.
    #[must_use]
    pub fn scale(self, largest: f64) -> Scale {
        let prefix = || PREFIXES.into_iter().find(|(size, _)| largest >= *size);
        let (divisor, unit) = match self {
            Self::BitsPerSecond => prefix().map_or((1.0, "b/s".to_owned()), |(size, prefix)| {
                (size, format!("{prefix}b/s"))
            }),
            Self::Bytes | Self::Count(_) if largest >= 1e5 => prefix()
                .map_or((1.0, self.name().to_owned()), |(size, prefix)| {
                    (size, format!("{prefix} {}", self.name()))
                }),
            other => (1.0, other.name().to_owned()),
        };
        Scale { divisor, unit }
    }
}

/// Significant digits of a value in words.
pub(crate) const DIGITS: i32 = 4;

/// Writes a number with at most `digits` significant digits, without zeros at the
/// end of a fraction.
pub(crate) fn short(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-6.0..15.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = (digits - 1 - magnitude as i32).max(0) as usize;
    trim_zeros(format!("{value:.decimals$}"))
}

/// Drops zeros at the end of a fraction.
pub(crate) fn trim_zeros(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

impl Scale {
    /// Writes a value without its unit, with that many significant digits.
    #[must_use]
    pub fn number(&self, value: f64, digits: i32) -> String {
        short(value / self.divisor, digits)
    }

    /// Writes a value with its unit, such as `9.41 Gb/s`.
    #[must_use]
    pub fn told(&self, value: f64) -> String {
        let number = self.number(value, DIGITS);
        match self.unit.as_str() {
            "" => number,
            "%" => format!("{number} %"),
            unit => format!("{number} {unit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_written_in_the_prefix_of_its_largest_value() {
        for (largest, value, told) in [
            (9.41e9, 9.41e9, "9.41 Gb/s"),
            (9.41e9, 3e8, "0.3 Gb/s"),
            (999.0, 999.0, "999 b/s"),
            (1e12, 1e12, "1 Tb/s"),
            (0.0, 0.0, "0 b/s"),
        ] {
            assert_eq!(Unit::BitsPerSecond.scale(largest).told(value), told);
        }
    }

    #[test]
    fn event_types_of_one_quantity_share_its_unit() {
        for name in [
            "throughput",
            "throughput-subintervals",
            "streams-throughput-subintervals",
        ] {
            assert_eq!(Unit::of(name), Unit::BitsPerSecond, "{name}");
        }
        assert_eq!(Unit::of("packet-loss-rate-bidir"), Unit::Percent);
        assert_eq!(Unit::of("x-of-mine"), Unit::None);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.000_04, "-0.00004"),
            (41.099_999, "41.1"),
            (1234.56, "1235"),
            (1e20, "1.00e20"),
            (100.0, "100"),
        ] {
            assert_eq!(short(value, 4), text);
        }
    }
}
