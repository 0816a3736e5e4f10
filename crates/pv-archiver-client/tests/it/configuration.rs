//! Files of configuration: exported and imported byte for byte, in parts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pv_archiver_client::{ConfigurationFile, Error, ImportOptions, Uuid};
use serde_json::json;
use tokio::io::{AsyncRead, ReadBuf};

use crate::data::SERVER;
use crate::server::{Reply, Server};

const FILES: [&[u8]; 4] = [
    include_bytes!("../data/xml/export_all_features.xml"),
    include_bytes!("../data/xml/export_empty.xml"),
    include_bytes!("../data/xml/export_small.xml"),
    include_bytes!("../data/xml/import_two_channels.xml"),
];

const DONE: &str = r#"{"addOrUpdateFailed":{},"addOrUpdateSucceeded":[],"errorMessage":null,"removeFailed":{},"removeSucceeded":[]}"#;

fn id() -> Uuid {
    SERVER.parse().unwrap()
}

#[tokio::test]
async fn every_file_is_exported_and_imported_byte_for_byte() {
    let mut files: Vec<Vec<u8>> = FILES.map(<[u8]>::to_vec).into();
    // More than one part, and each remainder of the base64.
    files.extend((300_000..300_003).map(|size| vec![b'x'; size]));
    for file in files {
        let body = json!({ "configurationFile": BASE64.encode(&file) });
        let server = Server::saying(Reply::json(body.to_string())).await;
        let export = server.admin().export_configuration(id()).await.unwrap();
        let mut exported = Vec::new();
        let size = export.write_to(&mut exported).await.unwrap();
        assert_eq!((size, exported.len()), (file.len() as u64, file.len()));
        assert!(exported == file);

        let server = Server::saying(Reply::json(DONE)).await;
        let options = ImportOptions {
            remove_channels: true,
            simulate: true,
            ..ImportOptions::default()
        };
        let sources = [
            ConfigurationFile::from(file.clone()),
            ConfigurationFile::from_reader(io::Cursor::new(file.clone())),
        ];
        for source in sources {
            let report = server
                .admin()
                .import_configuration(id(), source, &options)
                .await;
            assert!(report.unwrap().all_succeeded());
        }
        let asked = server.asked();
        assert!(
            asked[0].header("Content-Length").is_some(),
            "{:?}",
            asked[0].header("x")
        );
        assert_eq!(asked[1].header("Transfer-Encoding"), Some("chunked"));
        let expected = json!({
            "addChannels": false, "configurationFile": BASE64.encode(&file),
            "removeChannels": true, "simulate": true, "updateChannels": false,
        });
        for asked in asked {
            assert!(asked.json() == expected);
        }
    }
}

#[tokio::test]
async fn an_export_that_breaks_off_is_an_error() {
    let whole = json!({ "configurationFile": BASE64.encode(FILES[0]) }).to_string();
    for body in [
        &whole[..whole.len() - 1],
        &whole[..whole.len() / 2],
        "{}",
        "",
    ] {
        let server = Server::saying(Reply::json(body)).await;
        let export = server.admin().export_configuration(id()).await.unwrap();
        let error = export.bytes().await.unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "{body}: {error}");
    }
    let server = Server::saying(Reply::json(r#"{"configurationFile":null}"#)).await;
    let export = server.admin().export_configuration(id()).await.unwrap();
    let error = export.bytes().await.unwrap_err();
    assert!(matches!(error, Error::Json { .. }), "{error}");
}

/// A file that breaks after a while.
struct Broken(usize);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0 == 0 {
            return Poll::Ready(Err(io::Error::other("the disk is gone")));
        }
        self.0 -= 1;
        buffer.put_slice(b"<xml>");
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_is_never_a_whole_request() {
    for parts in [0, 1, 5] {
        let server = Server::saying(Reply::json(DONE)).await;
        let file = ConfigurationFile::from_reader(Broken(parts));
        let options = ImportOptions::default();
        let client = server.admin();
        let error = client
            .import_configuration(id(), file, &options)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the configuration file cannot be read");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "the disk is gone");
        assert!(server.asked().is_empty(), "{parts}");
    }
}

#[tokio::test]
async fn an_empty_file_is_not_sent() {
    // DIFFERENCE: the original client sends it.
    let server = Server::saying(Reply::json(DONE)).await;
    let options = ImportOptions::default();
    let error = server
        .admin()
        .import_configuration(id(), Vec::new(), &options)
        .await;
    assert!(matches!(error, Err(Error::ConfigurationFile { .. })));
    assert!(server.asked().is_empty());
}
