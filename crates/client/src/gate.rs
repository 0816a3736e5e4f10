//! When a request may go out: a limit on requests per second, and the pauses
//! that an archive asks of everybody.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Longest distance between two requests, for limits near zero: an hour.
const LONGEST_SPACING: f64 = 3600.0;

/// Lets requests pass one after the other, none before its time.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Least distance between two requests.
    spacing: Option<Duration>,
    /// Earliest moment of the next request.
    opens: Mutex<Option<Instant>>,
}

impl Gate {
    /// A limit that is no positive number is none.
    pub(crate) fn new(requests_per_second: Option<f64>) -> Self {
        let spacing = requests_per_second
            .filter(|rate| *rate > 0.0 && rate.is_finite())
            .map(|rate| Duration::from_secs_f64((1.0 / rate).min(LONGEST_SPACING)));
        Self {
            spacing,
            opens: Mutex::new(None),
        }
    }

    /// Waits until a request may go out.
    pub(crate) async fn pass(&self) {
        let (now, turn) = {
            let mut opens = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = opens.map_or(now, |opens| opens.max(now));
            if let Some(spacing) = self.spacing {
                *opens = Some(turn + spacing);
            }
            (now, turn)
        };
        // Even a sleep without length takes up to a millisecond.
        if turn > now {
            sleep_until(turn).await;
        }
    }

    /// Lets nothing pass for a while.
    pub(crate) fn hold(&self, pause: Duration) {
        let mut opens = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
        let end = Instant::now() + pause;
        *opens = Some(opens.map_or(end, |opens| opens.max(end)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn passed(gate: &Gate, start: Instant) -> u128 {
        gate.pass().await;
        start.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spread_evenly() {
        let (gate, start) = (Gate::new(Some(10.0)), Instant::now());
        assert_eq!(passed(&gate, start).await, 0);
        assert_eq!(passed(&gate, start).await, 100);
        assert_eq!(passed(&gate, start).await, 200);
        // Time that nobody used is not made up for.
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(passed(&gate, start).await, 1200);
        assert_eq!(passed(&gate, start).await, 1300);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody() {
        let (gate, start) = (Gate::new(None), Instant::now());
        gate.hold(Duration::from_secs(3));
        gate.hold(Duration::from_secs(1));
        let both = tokio::join!(passed(&gate, start), passed(&gate, start));
        assert_eq!(both, (3000, 3000));
        assert_eq!(passed(&gate, start).await, 3000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_no_positive_number_is_none() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let (gate, start) = (Gate::new(Some(rate)), Instant::now());
            passed(&gate, start).await;
            assert_eq!(passed(&gate, start).await, 0, "{rate}");
        }
        let (gate, start) = (Gate::new(Some(1e-300)), Instant::now());
        passed(&gate, start).await;
        assert_eq!(passed(&gate, start).await, 3_600_000);
    }
}
