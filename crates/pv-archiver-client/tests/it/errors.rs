//! What every kind of answer comes to that is none.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use pv_archiver_client::{AdminClient, ArchiveClient, Commands, Connection, Credentials, Error};

use crate::data::pair;
use crate::server::{Reply, Server};

const DENIED: &str = "<!doctype html><html><head><title>HTTP Status 403 – Forbidden</title></head><body><p><b>Type</b> Status Report</p><p><b>Message</b> Access Denied</p></body></html>";

async fn cluster_status(reply: Reply) -> (Error, Server) {
    let server = Server::saying(reply).await;
    let error = server.admin().cluster_status().await.unwrap_err();
    (error, server)
}

#[tokio::test]
async fn refused_access_may_be_the_database_that_is_down() {
    let reply = Reply::new(403, Some("text/html;charset=utf-8"), DENIED);
    let server = Server::saying(reply).await;
    let error = server.admin().run(&Commands::new()).await.unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(
        error.to_string(),
        format!(
            "{}/admin/api/1.0/run-archive-configuration-commands refuses access (403): wrong user or password, or the server cannot reach its database: Access Denied",
            server.url
        )
    );
}

#[tokio::test]
async fn nothing_is_not_found_and_a_page_is_another_address() {
    let server = Server::saying(Reply::new(404, None, "")).await;
    let error = server.admin().channel("a/b").await.unwrap_err();
    let url = format!("{}/admin/api/1.0/channels/all/by-name/a~2Fb/", server.url);
    assert_eq!(
        error.to_string(),
        format!("there is no channel `a/b` ({url} answers 404)")
    );
    let page = Reply::new(404, Some("text/html"), "<title>Not here</title>");
    let server = Server::saying(page).await;
    let error = server.admin().channel("a").await.unwrap_err();
    assert!(matches!(error, Error::Status { .. }), "{error}");
    assert!(
        error.is_not_found() && error.to_string().ends_with(": Not here"),
        "{error}"
    );
}

#[tokio::test]
async fn the_content_type_counts_and_not_what_the_body_looks_like() {
    for (content_type, shown) in [
        (Some("text/html;charset=utf-8"), "text/html;charset=utf-8"),
        // DIFFERENCE: the original client fails with an AttributeError.
        (None, "no content type"),
    ] {
        let (error, server) = cluster_status(Reply::new(200, content_type, "{}")).await;
        let url = format!("{}/admin/api/1.0/cluster-status/", server.url);
        assert_eq!(
            error.to_string(),
            format!("{url} answers with {shown}, not JSON")
        );
    }
    let lower = Reply::new(200, Some("Application/JSON"), r#"{"servers":[]}"#);
    let server = Server::saying(lower).await;
    assert!(server.admin().cluster_status().await.is_ok());
}

#[tokio::test]
async fn json_of_another_shape_is_told_by_its_place() {
    let (error, _) = cluster_status(Reply::json(r#"{"servers":[{"lastOnlineTime":"x"}]}"#)).await;
    assert!(
        error
            .to_string()
            .ends_with("is not as expected at `servers[0].lastOnlineTime`"),
        "{error}"
    );
    let (error, _) = cluster_status(Reply::json(r#"{"servers":["#)).await;
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

#[tokio::test]
async fn the_message_of_an_unavailable_server_is_not_thrown_away() {
    // DIFFERENCE: the original client does.
    let recorded = pair("cmd_database_down");
    let server = Server::saying(Reply::recorded(&recorded["response"])).await;
    let error = server.admin().run(&Commands::new()).await.unwrap_err();
    assert!(error.is_unavailable() && error.is_transient());
    let words = ": Database access error: All host(s) tried for query failed (no host was tried)";
    assert!(error.to_string().ends_with(words), "{error}");
}

#[tokio::test]
async fn what_a_proxy_answers_to_commands_keeps_its_status() {
    let reply = Reply::new(502, Some("application/json"), r#"["bad gateway"]"#);
    let server = Server::saying(reply).await;
    let error = server.admin().run(&Commands::new()).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 502, "{error}");
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    // DIFFERENCE: the original client follows it in silence.
    let reply = Reply::new(302, None, "").header("Location", "https://other.example/");
    let (error, server) = cluster_status(reply).await;
    assert!(
        error
            .to_string()
            .contains("leads to `https://other.example/`"),
        "{error}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let client = ArchiveClient::new(&address, &Connection::default()).unwrap();
    let error = client.archives().await.unwrap_err();
    let url = format!("http://{address}/archive-access/api/1.0/archive/");
    assert_eq!(error.to_string(), format!("cannot connect to {url}"));
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn questions_have_a_time_limit_and_commands_have_none() {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let server = Server::start(move |asked, _| {
        if asked.method == "GET" {
            return Reply::silent();
        }
        released.lock().unwrap().recv().unwrap();
        Reply::json(r#"{"errorMessage":null,"results":[]}"#)
    })
    .await;
    let connection = Connection::default().timeout(Duration::from_millis(30));
    let client = AdminClient::new(&server.url, &connection)
        .unwrap()
        .with_credentials(Credentials::admin("x").unwrap());
    let busy = client.clone();
    let commands = tokio::spawn(async move { busy.run(&Commands::new()).await });
    let error = client.cluster_status().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(error.to_string().ends_with("within 0.03 s"), "{error}");
    release.send(()).unwrap();
    assert!(commands.await.unwrap().unwrap().all_succeeded());

    let hasty = connection.command_timeout(Duration::from_millis(30));
    let server = Server::saying(Reply::silent()).await;
    let client = AdminClient::new(&server.url, &hasty)
        .unwrap()
        .with_credentials(Credentials::admin("x").unwrap());
    let error = client.run(&Commands::new()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
}
