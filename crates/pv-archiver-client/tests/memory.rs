//! Memory does not grow with the number of samples. A test program of its own, so
//! that nothing else grows meanwhile.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use std::fs;

use pv_archiver_client::{ArchiveClient, Connection, SampleQuery};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SAMPLES: i64 = 1_000_000;

/// The most memory that this program ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches("kB").trim();
    number.parse::<u64>().unwrap() * 1024
}

/// Sends the samples while they are made; about 130 bytes each.
async fn serve(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let _ = stream.read(&mut [0; 4096]).await.unwrap();
    let head = "HTTP/1.1 200 \r\nContent-Type: application/json;charset=UTF-8\r\nConnection: close\r\n\r\n[";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut part = String::new();
    for time in 0..SAMPLES {
        let comma = if time == 0 { "" } else { "," };
        part.push_str(&format!(r#"{comma}{{"time":{time},"severity":{{"level":"OK","hasValue":true}},"status":"NO_ALARM","quality":"Original","type":"double","value":[{time}.5]}}"#));
        if part.len() > 1 << 16 {
            stream.write_all(part.as_bytes()).await.unwrap();
            part.clear();
        }
    }
    part.push(']');
    stream.write_all(part.as_bytes()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_samples_take_no_more_memory_than_a_few() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(serve(listener));
    let client = ArchiveClient::new(&address, &Connection::default()).unwrap();
    let query = SampleQuery::new(0, SAMPLES).unwrap();
    let mut samples = client.samples("c", &query).await.unwrap();
    for time in 0..1000 {
        assert_eq!(samples.next().await.unwrap().unwrap().time, time);
    }
    let before = peak();
    let mut count = 1000;
    while let Some(sample) = samples.next().await.unwrap() {
        assert_eq!(sample.time, count);
        count += 1;
    }
    server.await.unwrap();
    assert_eq!(count, SAMPLES);
    let grown = peak() - before;
    assert!(grown < 16 << 20, "{grown} bytes more than at the beginning");
}
