//! Running programs: how long, and in how much memory.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Memory of a process, in bytes; 0 where the system does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// What it has.
    pub(crate) now: u64,
    /// The most that it ever had.
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.trim().strip_suffix("kB"));
            number.and_then(|number| number.trim().parse::<u64>().ok())
        };
        Self {
            now: field("VmRSS:").unwrap_or_default() * 1024,
            peak: field("VmHWM:").unwrap_or_default() * 1024,
        }
    }
}

/// Bytes as megabytes, of a million bytes each.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What one run of a program took, or the best of several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) seconds: f64,
    /// The most memory, in bytes.
    pub(crate) peak: u64,
}

impl Taken {
    pub(crate) const WORST: Self = Self {
        seconds: f64::MAX,
        peak: 0,
    };

    /// Takes the better time, and the worse memory.
    pub(crate) fn better(self, other: Self) -> Self {
        Self {
            seconds: self.seconds.min(other.seconds),
            peak: self.peak.max(other.peak),
        }
    }
}

/// Runs a program to its end, which must be a good one, with its output to nowhere
/// unless the command says otherwise.
pub(crate) fn timed(command: &mut Command) -> Taken {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a program") {
            break status;
        }
        peak = Memory::of(child.id()).peak.max(peak);
        thread::sleep(Duration::from_millis(1));
    };
    let seconds = start.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?} failed");
    Taken { seconds, peak }
}

/// Returns how long something takes, in seconds.
pub(crate) fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Runs the sides of a comparison turn by turn, and returns the least of each.
pub(crate) fn least<const N: usize>(
    rounds: usize,
    mut sides: [&mut dyn FnMut() -> f64; N],
) -> [f64; N] {
    let mut least = [f64::MAX; N];
    for _ in 0..rounds {
        for (least, side) in least.iter_mut().zip(&mut sides) {
            *least = side().min(*least);
        }
    }
    least
}

/// Tells whether a program that others are compared with is there; says so when not.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
pub(crate) fn is_there(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("SKIPPED: {program} is missing");
    }
    found
}
