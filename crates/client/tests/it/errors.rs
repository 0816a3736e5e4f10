use std::error::Error as _;
use std::time::Duration;

use esmond_ps_client::model::MetadataFilters;
use esmond_ps_client::{Archive, ArchiveBuilder, Credentials, Error};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::server::{Reply, Server, record};

fn builder(server: &Server) -> ArchiveBuilder {
    Archive::builder(server.url()).retries(0)
}

async fn search(archive: &Archive) -> Result<(), Error> {
    let tests = archive.metadata(&MetadataFilters::new());
    tests.try_collect::<Vec<_>>().await.map(|_| ())
}

/// Lets a search fail on this answer; returns the error and the address.
async fn refused(reply: Reply) -> (Error, String) {
    let server = Server::start(move |_, _| reply.clone()).await;
    let error = search(&builder(&server).build().unwrap())
        .await
        .unwrap_err();
    let url = format!("{}/esmond/perfsonar/archive/?limit=1000", server.url());
    (error, url)
}

#[tokio::test]
async fn a_refusal_is_told_with_address_status_and_the_words_of_the_archive() {
    let html = "<!doctype html>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>Unable to find address for host x</p>";
    for (reply, told) in [
        (
            Reply::new(404, "application/json", r#"{"detail": "Not found."}"#),
            "404 Not Found: Not found.",
        ),
        (
            Reply::new(400, "text/html", html),
            "400 Bad Request: Unable to find address for host x",
        ),
        (
            Reply::new(500, "text/plain", "\x1b[31moops\n"),
            "500 Internal Server Error: [31moops",
        ),
        (Reply::status(403), "403 Forbidden"),
        (Reply::new(201, "application/json", "[]"), "201 Created: []"),
    ] {
        let (error, url) = refused(reply).await;
        assert_eq!(error.to_string(), format!("{url} answers {told}"));
        assert!(error.source().is_none());
    }
}

#[tokio::test]
async fn refusals_can_be_told_apart() {
    let (error, _) = refused(Reply::status(404)).await;
    assert!(error.is_not_found() && !error.is_unauthorized() && !error.is_transient());
    let (error, _) = refused(Reply::status(401)).await;
    assert!(error.is_unauthorized() && !error.is_not_found());
    let (error, _) = refused(Reply::status(503)).await;
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_page_of_something_else_is_no_answer() {
    // DIFFERENCE: the original library goes on as if nothing had been found.
    let (error, url) = refused(Reply::new(200, "text/html", "<p>Welcome to nginx!</p>")).await;
    assert_eq!(
        error.to_string(),
        format!("{url} answers with text/html, not JSON: Welcome to nginx!")
    );
}

#[tokio::test]
async fn a_charset_beside_the_content_type_is_fine() {
    // DIFFERENCE: the original library refuses it.
    let server =
        Server::start(|_, _| Reply::new(200, "application/json; charset=utf-8", "[]")).await;
    assert!(search(&builder(&server).build().unwrap()).await.is_ok());
}

#[tokio::test]
async fn wrong_json_is_told_by_its_place_and_cause() {
    let mut broken = record("0a", "throughput");
    broken.as_object_mut().unwrap().remove("metadata-key");
    let (error, url) = refused(Reply::json(&json!([record("0a", "throughput"), broken]))).await;
    assert_eq!(
        error.to_string(),
        format!("the answer of {url} is not as expected at `[1]`")
    );
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("metadata-key"), "{cause}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let (error, url) = refused(Reply::json(&json!([record("0a", "x")])).cut()).await;
    assert_eq!(error.to_string(), format!("reading {url} failed"));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn silence_ends_with_the_time_out() {
    let server = Server::start(|_, _| Reply::silent()).await;
    let archive = builder(&server)
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = search(&archive).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("within 0.05 s"), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_told_once() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let archive = Archive::builder(&address).retries(0).build().unwrap();
    let error = search(&archive).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot connect to {address}/"))
    );
    let cause = error.source().unwrap();
    assert!(cause.to_string().contains("refused"), "{cause}");
    assert!(!cause.to_string().contains(&address), "{cause}");
    assert!(cause.source().is_none());
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    for (credentials, header) in [
        (Credentials::token("alice", "s3cret"), "Token s3cret"),
        (
            Credentials::api_key("alice", "s3cret"),
            "ApiKey alice:s3cret",
        ),
    ] {
        let server = Server::start(|_, _| Reply::status(401)).await;
        let builder = builder(&server).credentials(credentials);
        let mut shown = format!("{builder:?}");
        let archive = builder.build().unwrap();
        let error = search(&archive).await.unwrap_err();
        shown.push_str(&format!("{archive:?} {error} {error:?}"));
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(server.asked()[0].header("authorization"), Some(header));
    }
    let server = Server::start(|_, _| Reply::json(&json!([]))).await;
    search(&builder(&server).build().unwrap()).await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), None);
    let agent = server.asked()[0].header("user-agent").unwrap().to_owned();
    assert!(agent.starts_with("esmond-ps-client/"), "{agent}");
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_refused_without_showing_it() {
    let credentials = Credentials::token("alice", "s3cret\n");
    let error = Archive::builder("http://h")
        .credentials(credentials)
        .build()
        .unwrap_err();
    assert_eq!(error.to_string(), "the key cannot be used");
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = Server::start(|_, _| Reply::json(&json!([]))).await;
    let target = format!("{}/x", elsewhere.url());
    let server = Server::start(move |_, _| Reply::status(302).header("Location", &target)).await;
    let archive = builder(&server)
        .credentials(Credentials::token("alice", "s3cret"))
        .build()
        .unwrap();
    let error = search(&archive).await.unwrap_err();
    assert!(matches!(error, Error::Redirect { .. }), "{error}");
    let cause = error.source().unwrap().to_string();
    assert_eq!(cause, format!("it leads to {}", elsewhere.url()));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn redirects_on_the_host_are_followed_but_not_for_ever() {
    let server = Server::start(|asked, _| {
        Reply::status(302).header("Location", &format!("{}x", asked.path))
    })
    .await;
    let error = search(&builder(&server).build().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Redirect { .. }), "{error}");
    assert_eq!(server.asked().len(), 6);
}
