//! Host names for addresses: reverse lookups of the addresses in rows.
//!
//! A [`Resolver`] asks for each address once in its life, for several at a time, and
//! waits a limited time for each ([`TIME_LIMIT`]). Whatever goes wrong, the address
//! stands for itself. A name is text from somebody else's name server: one that does
//! not look like a host name is not used.
//!
//! DIFFERENCE: the originals ask one after the other, without a time limit.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, thread};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore, oneshot};
use tokio::time::timeout;

use crate::rows::Row;

/// How long one lookup may take: 2 seconds.
pub const TIME_LIMIT: Duration = Duration::from_secs(2);

/// How many lookups are under way at a time, at most.
pub const AT_ONCE: usize = 16;

/// The fields of a row that hold addresses of hosts. `input_source` and
/// `input_destination` are what somebody typed, and stay.
const FIELDS: [&str; 4] = ["source", "destination", "measurement_agent", "ip"];

/// Finds the name of an address.
pub trait Lookup: Send + Sync {
    /// Returns the name of an address, or nothing if it has none or cannot be asked.
    ///
    /// May take any time; [`Resolver`] stops waiting.
    fn name_of(&self, address: IpAddr) -> impl Future<Output = Option<String>> + Send;
}

/// Finds names the way the system does: hosts file, DNS, whatever is configured.
///
/// Of several names, the first that has a dot; `0.0.0.0` stands for this host.
///
/// Each lookup has a thread of its own. The system's lookup cannot be interrupted, and
/// an async runtime waits for its blocking tasks when it ends; so one stuck lookup,
/// long given up, would keep a finished program from exiting. A plain thread ends with
/// the process, and `main` has nothing to do for that.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        in_own_thread(move || system_name(address)).await.flatten()
    }
}

/// Replaces addresses by names, remembering all answers.
#[derive(Debug)]
pub struct Resolver<L = SystemLookup> {
    lookup: L,
    known: Mutex<HashMap<IpAddr, Arc<OnceCell<Option<String>>>>>,
    slots: Semaphore,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new(SystemLookup)
    }
}

impl<L: Lookup> Resolver<L> {
    /// Returns a resolver that knows nothing yet.
    pub fn new(lookup: L) -> Self {
        Self {
            lookup,
            known: Mutex::default(),
            slots: Semaphore::new(AT_ONCE),
        }
    }

    /// Replaces the addresses in the fields `source`, `destination`,
    /// `measurement_agent` and `ip` by names. What is no address stays.
    ///
    /// All addresses of the rows are looked up at the same time (within [`AT_ONCE`]),
    /// so rows should come in batches rather than one by one.
    pub async fn resolve_rows(&self, rows: &mut [Row]) {
        let cells = rows
            .iter()
            .flat_map(|row| FIELDS.map(|field| row.get(field)));
        let addresses: BTreeSet<IpAddr> = cells.flatten().filter_map(address).collect();
        let lookups = addresses
            .into_iter()
            .map(async |address| (address, self.name(address).await));
        let names: HashMap<_, _> = join_all(lookups).await.into_iter().collect();
        for row in rows {
            for field in FIELDS {
                if let Some(cell) = row.get_mut(field)
                    && let Some(Some(name)) = address(cell).and_then(|known| names.get(&known))
                {
                    *cell = Value::from(name.as_str());
                }
            }
        }
    }

    /// Returns the name for a text that is an address, otherwise the text.
    pub async fn resolve(&self, text: &str) -> String {
        let name = match text.parse() {
            Ok(address) => self.name(address).await,
            Err(_) => None,
        };
        name.unwrap_or_else(|| text.to_owned())
    }

    async fn name(&self, address: IpAddr) -> Option<String> {
        let answer = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(address).or_default())
        };
        answer.get_or_init(|| self.look_up(address)).await.clone()
    }

    async fn look_up(&self, address: IpAddr) -> Option<String> {
        let _slot = self.slots.acquire().await.ok()?;
        let answer = timeout(TIME_LIMIT, self.lookup.name_of(address)).await;
        answer.ok().flatten().filter(|name| is_host_name(name))
    }
}

fn address(value: &Value) -> Option<IpAddr> {
    value.as_str()?.parse().ok()
}

/// Tells whether a text can be a host name: letters, digits, `-`, `_` and single dots,
/// and not an address, which would pass for another host's.
///
/// DIFFERENCE: the originals print whatever a name service answers.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty()
            && !label.starts_with('-')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 253 && text.split('.').all(is_label) && text.parse::<IpAddr>().is_err()
}

/// Runs blocking work in a thread of its own, which ends with the process (see
/// [`SystemLookup`]); nothing when the thread could not be started.
pub async fn in_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (answer, result) = oneshot::channel();
    // Nobody waits for an answer after the time limit, so sending may fail.
    let run = move || drop(answer.send(work()));
    thread::Builder::new()
        .name(String::from("name-lookup"))
        .spawn(run)
        .ok()?;
    result.await.ok()
}

fn system_name(address: IpAddr) -> Option<String> {
    if address != IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        return dotted_name(address);
    }
    let host = dns_lookup::get_hostname().ok()?;
    let own = dns_lookup::lookup_host(&host)
        .ok()
        .and_then(|mut addresses| addresses.next());
    own.and_then(dotted_name).or(Some(host))
}

/// The system gives the primary name only. Further names are practically always the
/// hosts file's (`10.1.1.2 ps2 ps2.example.net`), so that is where they are looked for.
fn dotted_name(address: IpAddr) -> Option<String> {
    let primary = dns_lookup::lookup_addr(&address).ok()?;
    if primary.contains('.') {
        return Some(primary);
    }
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    hosts_names(&hosts, address)
        .find(|name| name.contains('.'))
        .map(str::to_owned)
        .or(Some(primary))
}

/// Returns the names in the first line of a hosts file that is about the address.
fn hosts_names(hosts: &str, address: IpAddr) -> impl Iterator<Item = &str> {
    let mut lines = hosts.lines().map(|line| {
        let entry = line.split_once('#').map_or(line, |(entry, _)| entry);
        entry.split_whitespace()
    });
    let names = lines.find_map(|mut words| {
        let is_about = words.next()?.parse() == Ok(address);
        is_about.then_some(words)
    });
    names.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    const HOSTS: &str = "# local\n\n127.0.0.1 localhost\n::1\tlocalhost ip6-localhost\n\
        10.1.1.2 ps2 ps2.example.net # 10.1.1.3\nnonsense\n10.1.1.2 other.example.net\n\
        2001:DB8:0::1 ps6.example.net\n";

    fn names(address: &str) -> Vec<&'static str> {
        hosts_names(HOSTS, address.parse().unwrap()).collect()
    }

    #[test]
    fn the_first_line_about_an_address_gives_its_names() {
        assert_eq!(names("10.1.1.2"), ["ps2", "ps2.example.net"]);
        assert_eq!(names("::1"), ["localhost", "ip6-localhost"]);
        assert_eq!(names("2001:db8::1"), ["ps6.example.net"]);
        assert!(names("10.1.1.3").is_empty());
    }

    #[test]
    fn only_what_looks_like_a_host_name_is_one() {
        // DIFFERENCE: the originals print any text.
        for good in [
            "localhost",
            "a_b.example.net",
            "xn--bcher-kva.example",
            "4.3.2.in-addr",
        ] {
            assert!(is_host_name(good), "{good}");
        }
        let long = "a".repeat(254);
        let bad = [
            "",
            ".",
            "a..b",
            "a.",
            "-rf.example",
            "../etc",
            "a b",
            "a\nb",
            "\u{1b}[2Jx",
            "hôte",
            "10.9.9.9",
            "a/b",
            "a:b",
            &long,
        ];
        for bad in bad {
            assert!(!is_host_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_stuck_lookup_does_not_keep_the_runtime_from_ending() {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let stuck = in_own_thread(|| {
            loop {
                thread::park();
            }
        });
        let answer: Result<Option<()>, _> =
            runtime.block_on(async { timeout(TIME_LIMIT, stuck).await });
        assert!(answer.is_err());
        // Would wait for ever, were the lookup a blocking task of the runtime.
        drop(runtime);
    }

    #[test]
    fn the_system_answers_for_this_host() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let own = runtime.block_on(SystemLookup.name_of(Ipv4Addr::UNSPECIFIED.into()));
        assert!(own.is_some_and(|name| !name.is_empty()));
    }
}
