//! When a request is sent again, and how long to wait before.
//!
//! DIFFERENCE: the original library never does.

use std::time::{Duration, SystemTime};

/// How often, and after which pauses, a failed request is sent again.
///
/// Sent again are requests that met a connection error or a time-out, and those
/// answered with 429, 502, 503 or 504 (see
/// [`Error::is_transient`](crate::Error::is_transient)). An answer that broke
/// off is asked for again as a whole.
///
/// The pauses double from [`first_pause`](Self::first_pause) up to
/// [`longest_pause`](Self::longest_pause), each of them shortened by a random
/// part of up to a half, so that many clients of one archive do not come back
/// at the same moment. A `Retry-After` of the archive is followed instead, up
/// to [`longest_retry_after`](Self::longest_retry_after).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is sent again; 0 switches retries off. Default 3.
    pub retries: u32,
    /// Pause before the first retry. Default 0.5 s.
    pub first_pause: Duration,
    /// The longest pause between retries. Default 30 s.
    pub longest_pause: Duration,
    /// The longest pause that an archive can ask for with `Retry-After`.
    /// Default 120 s.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 3,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// Returns the pause before the attempt after `attempt` (from 1); `None`
    /// when there is none. `random` is in 0..1.
    pub(crate) fn pause(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        if attempt > self.retries {
            return None;
        }
        if let Some(asked) = retry_after {
            return Some(asked.min(self.longest_retry_after));
        }
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let pause = self
            .first_pause
            .saturating_mul(factor)
            .min(self.longest_pause);
        Some(pause.mul_f64(1.0 - random / 2.0))
    }
}

/// Reads a `Retry-After` header: seconds, or the date of an HTTP header. A date
/// that has passed means at once.
pub(crate) fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_retries() {
        let policy = RetryPolicy {
            retries: 4,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(3),
            ..RetryPolicy::default()
        };
        let pauses: Vec<_> = (1..=5)
            .map(|attempt| policy.pause(attempt, None, 0.0).map(|p| p.as_secs()))
            .collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(3), Some(3), None]);
        let forever = RetryPolicy {
            retries: u32::MAX,
            ..policy
        };
        assert_eq!(
            forever.pause(4_000_000_000, None, 0.0),
            Some(Duration::from_secs(3))
        );
    }

    #[test]
    fn chance_takes_away_at_most_half_of_a_pause() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.pause(1, None, 0.0), Some(Duration::from_millis(500)));
        assert_eq!(policy.pause(1, None, 1.0), Some(Duration::from_millis(250)));
    }

    #[test]
    fn the_wish_of_the_archive_is_followed_but_not_without_end() {
        let policy = RetryPolicy::default();
        let asked = |seconds| policy.pause(1, Some(Duration::from_secs(seconds)), 0.7);
        assert_eq!(asked(0), Some(Duration::ZERO));
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(86_400), Some(Duration::from_secs(120)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |text| retry_after(text, now).map(|pause| pause.as_secs());
        assert_eq!(read(" 12 "), Some(12));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:07 GMT"), Some(0));
        assert_eq!(read("-1"), None);
        assert_eq!(read("soon"), None);
    }
}
