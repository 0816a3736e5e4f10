//! Names for addresses, with a lookup that is no network. Time is tokio's paused time:
//! it moves only when everybody waits, so nothing here depends on the machine's speed.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use esmond_ps_cli_common::names::{AT_ONCE, Lookup, Resolver, TIME_LIMIT};
use esmond_ps_cli_common::rows::Row;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Answers from a table after a while, and keeps count.
#[derive(Default)]
struct Table {
    names: HashMap<IpAddr, &'static str>,
    delay: Duration,
    asked: Mutex<Vec<IpAddr>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Table {
    fn new(names: &[(&str, &'static str)]) -> Self {
        let names = names
            .iter()
            .map(|(address, name)| (address.parse().unwrap(), *name));
        Self {
            names: names.collect(),
            delay: Duration::from_millis(500),
            ..Self::default()
        }
    }
}

impl Lookup for &Table {
    async fn name_of(&self, address: IpAddr) -> Option<String> {
        self.asked.lock().unwrap().push(address);
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        sleep(self.delay).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.names.get(&address).map(|name| (*name).to_owned())
    }
}

fn row(field: &'static str, value: impl Into<Value>) -> Row {
    Row::new().with(field, value)
}

#[tokio::test(start_paused = true)]
async fn addresses_in_the_fields_for_hosts_become_names() {
    let table = Table::new(&[
        ("10.1.1.1", "ps1.example.net"),
        ("2001:db8::1", "ps6.example.net"),
    ]);
    let mut rows: Vec<Row> = [
        "source",
        "destination",
        "measurement_agent",
        "ip",
        "input_source",
        "msg",
    ]
    .iter()
    .map(|&field| row(field, "10.1.1.1"))
    .collect();
    rows.push(row("source", "2001:DB8:0:0::1"));
    Resolver::new(&table).resolve_rows(&mut rows).await;
    let values: Vec<_> = rows
        .iter()
        .flat_map(Row::iter)
        .map(|(_, value)| value.clone())
        .collect();
    let name = "ps1.example.net";
    assert_eq!(
        json!(values),
        json!([
            name,
            name,
            name,
            name,
            "10.1.1.1",
            "10.1.1.1",
            "ps6.example.net"
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_address_stays_and_is_not_asked() {
    let table = Table::new(&[]);
    let values = [
        json!(null),
        json!(""),
        json!("ps1"),
        json!("10.1.1.0/24"),
        json!(5),
    ];
    let before: Vec<Row> = values
        .iter()
        .map(|value| row("source", value.clone()))
        .collect();
    let mut rows = before.clone();
    Resolver::new(&table).resolve_rows(&mut rows).await;
    assert_eq!(rows, before);
    assert!(table.asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_address_without_name_stands_for_itself_as_it_was_written() {
    let table = Table::new(&[]);
    let resolver = Resolver::new(&table);
    let mut rows = [row("ip", "2001:DB8::9")];
    resolver.resolve_rows(&mut rows).await;
    assert_eq!(rows[0].get("ip"), Some(&json!("2001:DB8::9")));
    assert_eq!(resolver.resolve("2001:DB8::9").await, "2001:DB8::9");
    assert_eq!(resolver.resolve("not an address").await, "not an address");
}

#[tokio::test(start_paused = true)]
async fn each_address_is_asked_once_even_by_two_at_the_same_time() {
    let table = Table::new(&[("10.1.1.1", "ps1.example.net")]);
    let resolver = Resolver::new(&table);
    let batch = || {
        vec![
            row("source", "10.1.1.1"),
            row("ip", "10.1.1.1"),
            row("ip", "10.1.1.9"),
        ]
    };
    let (mut one, mut two, mut three) = (batch(), batch(), batch());
    tokio::join!(
        resolver.resolve_rows(&mut one),
        resolver.resolve_rows(&mut two)
    );
    resolver.resolve_rows(&mut three).await;
    assert_eq!(resolver.resolve("10.1.1.1").await, "ps1.example.net");
    assert_eq!(one, two);
    assert_eq!(one, three);
    assert_eq!(table.asked.lock().unwrap().len(), 2);
}

fn many(count: usize) -> Vec<Row> {
    let address = |n: usize| row("ip", format!("10.9.{}.{}", n / 250, n % 250));
    (0..count).map(address).collect()
}

#[tokio::test(start_paused = true)]
async fn lookups_run_at_the_same_time_but_not_all_of_them() {
    // DIFFERENCE: the originals ask one after the other.
    let table = Table::new(&[]);
    let start = Instant::now();
    Resolver::new(&table)
        .resolve_rows(&mut many(10 * AT_ONCE))
        .await;
    assert_eq!(table.most.load(Ordering::SeqCst), AT_ONCE);
    assert_eq!(table.asked.lock().unwrap().len(), 10 * AT_ONCE);
    assert_eq!(start.elapsed().as_secs(), 5, "ten rounds of half a second");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_takes_too_long_is_given_up_for_good() {
    // DIFFERENCE: the originals wait.
    let mut table = Table::new(&[("10.1.1.1", "late.example.net")]);
    table.delay = TIME_LIMIT + Duration::from_millis(1);
    let resolver = Resolver::new(&table);
    assert_eq!(resolver.resolve("10.1.1.1").await, "10.1.1.1");
    assert_eq!(resolver.resolve("10.1.1.1").await, "10.1.1.1");
    assert_eq!(table.asked.lock().unwrap().len(), 1);

    table.delay = TIME_LIMIT - Duration::from_millis(1);
    assert_eq!(
        Resolver::new(&table).resolve("10.1.1.1").await,
        "late.example.net"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_no_host_can_have_is_not_used() {
    let bad = [
        "\u{1b}[2J.example",
        "../../etc/passwd",
        "10.9.9.9",
        "a b",
        "",
    ];
    for name in bad {
        let table = Table::new(&[("10.1.1.1", name)]);
        assert_eq!(
            Resolver::new(&table).resolve("10.1.1.1").await,
            "10.1.1.1",
            "{name:?}"
        );
    }
}
