//! What tells a run to stop.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use esmond_ps_store::{Error, Result};

/// How long a run gives way when more writes wait than the store can do.
const GIVE_WAY: Duration = Duration::from_secs(1);

/// Tells whether to stop; the future must not be asked again when it has.
pub(crate) struct Stop<'a, S> {
    future: Pin<&'a mut S>,
    told: bool,
}

impl<'a, S: Future<Output = ()>> Stop<'a, S> {
    pub(crate) const fn new(future: Pin<&'a mut S>) -> Self {
        Self {
            future,
            told: false,
        }
    }

    pub(crate) async fn told(&mut self) -> bool {
        if !self.told {
            let future = &mut self.future;
            self.told =
                poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        }
        self.told
    }

    /// Tells whether to stop, after others of the runtime had their turn: disk
    /// and store may answer so fast that they would have none.
    pub(crate) async fn told_after_others(&mut self) -> bool {
        tokio::task::yield_now().await;
        self.told().await
    }

    /// Does one write, giving way while the store is busy; `None` when told to
    /// stop meanwhile.
    pub(crate) async fn write<T, F>(&mut self, write: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            match write().await {
                Err(Error::Busy) => {}
                other => return other.map(Some),
            }
            if self.told().await {
                return Ok(None);
            }
            tokio::time::sleep(GIVE_WAY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};
    use std::pin::pin;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_busy_store_is_asked_again_until_told_to_stop() {
        let asked = Cell::new(0);
        let busy_for = |times| {
            asked.set(0);
            let asked = &asked;
            move || {
                asked.set(asked.get() + 1);
                ready(if asked.get() > times {
                    Ok("done")
                } else {
                    Err(Error::Busy)
                })
            }
        };
        let mut never = pin!(pending());
        let mut stop = Stop::new(never.as_mut());
        assert_eq!(stop.write(busy_for(3)).await.unwrap(), Some("done"));
        assert_eq!(asked.get(), 4);
        let mut soon = pin!(tokio::time::sleep(GIVE_WAY * 5 / 2));
        let mut stop = Stop::new(soon.as_mut());
        assert_eq!(stop.write(busy_for(u32::MAX)).await.unwrap(), None);
        assert_eq!(asked.get(), 4);
        assert!(stop.told().await);
    }
}
