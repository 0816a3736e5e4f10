//! The clients, what runs beside them, and the figures of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use esmond_ps_tests::eras::Eras;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::blocking::Client;

use crate::archive::{Archive, Memory, allowed, mb};
use crate::figures::{Figures, HEAD};
use crate::values::Lane;
use crate::{audit, readers, writers};

const WARM_UP: Duration = Duration::from_mins(1);
/// Between two runs of `prune`.
const PRUNE_PAUSE: Duration = Duration::from_millis(500);
const SAMPLES: Duration = Duration::from_secs(1);
/// Clients that compare at the end.
const AUDITORS: usize = 4;

/// All clients, and what runs beside them.
pub(crate) struct Load<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) client: &'a Client,
    pub(crate) lanes: &'a [Lane],
    pub(crate) eras: Eras,
    pub(crate) readers: u64,
}

/// What happened under load.
pub(crate) struct Loaded {
    time: Duration,
    writes: Figures,
    reads: Figures,
    watched: Watched,
    /// Runs of `prune`.
    prunes: u32,
    failed_prunes: Vec<String>,
}

/// The server, as the system saw it.
struct Watched {
    warm: Memory,
    end: Memory,
    store: u64,
    /// The most that the write-ahead log had.
    log: u64,
}

impl Load<'_> {
    /// Lets them write and read for a while.
    pub(crate) fn run(&self, time: Duration) -> Loaded {
        let start = Instant::now();
        let end = start + time;
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let mut seeds = 0..;
            let mut next = || StdRng::seed_from_u64(seeds.next().unwrap_or_default());
            let lanes = self.lanes.iter().map(|lane| (lane, next()));
            let writers: Vec<_> = lanes
                .map(|(lane, dice)| {
                    scope.spawn(move || {
                        writers::write(self.archive, self.client, lane, self.eras, dice, end)
                    })
                })
                .collect();
            let readers: Vec<_> = (0..self.readers)
                .map(|_| {
                    let dice = next();
                    let (archive, client) = (self.archive, self.client);
                    scope.spawn(move || {
                        readers::read(archive, client, self.lanes, self.eras, dice, end)
                    })
                })
                .collect();
            let prune = scope.spawn(|| self.prune(&is_over));
            let (stop, over) = mpsc::channel();
            let watch = scope.spawn(move || self.watch(start + warm_up(time), &over));

            let [writes, reads] = [writers, readers].map(|clients| {
                let mut figures = Figures::default();
                for client in clients {
                    figures.merge(client.join().expect("it ends"));
                }
                figures
            });
            let time = start.elapsed();
            drop(stop);
            let watched = watch.join().expect("it ends");
            is_over.store(true, Ordering::Relaxed);
            let (prunes, failed_prunes) = prune.join().expect("it ends");
            Loaded {
                time,
                writes,
                reads,
                watched,
                prunes,
                failed_prunes,
            }
        })
    }

    /// Prunes until all is over; returns how often, and the failures.
    fn prune(&self, is_over: &AtomicBool) -> (u32, Vec<String>) {
        let mut runs = 0;
        let mut failures = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let run = self.archive.prune();
            runs += 1;
            if run.status != Some(0) {
                failures.push(format!("prune: {run:?}"));
            }
            thread::sleep(PRUNE_PAUSE);
        }
        (runs, failures)
    }

    /// Looks at the server now and then until the other side of the channel is gone.
    fn watch(&self, warm_at: Instant, over: &mpsc::Receiver<()>) -> Watched {
        let mut warm = None;
        let mut log = 0;
        while over.recv_timeout(SAMPLES) == Err(RecvTimeoutError::Timeout) {
            log = self.archive.size().1.max(log);
            if warm.is_none() && Instant::now() >= warm_at {
                warm = Some(self.archive.memory());
            }
        }
        let end = self.archive.memory();
        Watched {
            warm: warm.unwrap_or(end),
            end,
            store: self.archive.size().0,
            log,
        }
    }

    /// Compares everything; returns the number of points, or what is wrong.
    pub(crate) fn audit(&self) -> Result<i64, Vec<String>> {
        let size = self.lanes.len().div_ceil(AUDITORS).max(1);
        let audited: Vec<Result<i64, String>> = thread::scope(|scope| {
            let auditors: Vec<_> = self
                .lanes
                .chunks(size)
                .map(|lanes| {
                    scope.spawn(|| {
                        let audit = |lane| audit::audit(self.archive, self.client, lane, self.eras);
                        lanes.iter().map(audit).collect::<Vec<_>>()
                    })
                })
                .collect();
            let audited = auditors.into_iter();
            audited
                .flat_map(|auditor| auditor.join().expect("it ends"))
                .collect()
        });
        let mut points = 0;
        let mut lost = Vec::new();
        for result in audited {
            match result {
                Ok(count) => points += count,
                Err(text) => lost.push(text),
            }
        }
        if lost.is_empty() {
            Ok(points)
        } else {
            Err(lost)
        }
    }
}

/// The caches fill and the first tests are registered in the warm-up.
fn warm_up(time: Duration) -> Duration {
    WARM_UP.min(time / 2)
}

impl Loaded {
    /// Prints the figures; returns what is wrong with them.
    pub(crate) fn tell(&self, lanes: &[Lane], readers: u64, time: Duration) -> Vec<String> {
        let seconds = self.time.as_secs_f64();
        let processors = thread::available_parallelism().map_or(1, usize::from);
        println!(
            "{seconds:.0} s, {} writers, {readers} readers, {processors} processors",
            lanes.len()
        );
        print!("{HEAD}");
        print!("{}", self.writes.table("writes", seconds));
        print!("{}", self.reads.table("reads", seconds));
        let points: i64 = lanes.iter().map(Lane::points).sum();
        let old: i64 = lanes.iter().map(|lane| 2 * lane.old.get()).sum();
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let speed = points as f64 / seconds;
        println!("points: {points} acknowledged, {speed:.0} a second");
        println!("put off and tried again: {}", self.writes.put_off);
        println!("prune: {} runs; {old} points to remove", self.prunes);
        let Watched {
            warm,
            end,
            store,
            log,
        } = self.watched;
        println!(
            "memory after {} s: {} MiB, peak {} MiB; at the end: {} MiB, peak {} MiB; flat up to {} MiB, peak {} MiB",
            warm_up(time).as_secs(),
            mb(warm.now),
            mb(warm.peak),
            mb(end.now),
            mb(end.peak),
            mb(allowed(warm.now)),
            mb(allowed(warm.peak))
        );
        println!("store: {} MiB, its log at most {} MiB", mb(store), mb(log));

        let failures = [
            &self.writes.failures,
            &self.reads.failures,
            &self.failed_prunes,
        ];
        let mut failures: Vec<String> = failures.into_iter().flatten().cloned().collect();
        let is_judged = warm_up(time) == WARM_UP;
        let is_flat = end.now <= allowed(warm.now) && end.peak <= allowed(warm.peak);
        if is_judged && !is_flat {
            failures.push("the memory is not flat".to_owned());
        }
        for (name, figures) in [("writes", &self.writes), ("reads", &self.reads)] {
            if figures.count() == 0 {
                failures.push(format!("no {name}"));
            }
        }
        failures
    }
}
