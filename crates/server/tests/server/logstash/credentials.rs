//! Who may send results.

use axum::body::Body;
use axum::http::Request;
use esmond_ps_store::Store;
use serde_json::Value;

use super::{archive, basic, basic_of, smallest};
use crate::support::{ARCHIVE, Archive, KEY};

async fn put(archive: &Archive, path: &str, authorization: Option<&str>) -> (u16, Value) {
    let mut request = Request::put(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let request = request.body(Body::from(smallest().to_string()));
    let answer = archive.ask(request.unwrap()).await;
    let asks = answer.header("www-authenticate");
    assert_eq!(
        asks.is_some_and(|asks| asks.starts_with("Basic realm=\"")),
        answer.status == 401
    );
    (answer.status.as_u16(), answer.json()["detail"].clone())
}

#[tokio::test]
async fn every_form_of_credentials_is_taken_and_nothing_without() {
    let archive = archive().await;
    let (wrong_key, wrong_user) = (basic_of("perfsonar", "0000"), basic_of("else", KEY));
    let (token, api_key) = (format!("Token {KEY}"), format!("ApiKey perfsonar:{KEY}"));
    let lower = basic().replace("Basic", "basic");
    for (authorization, expected) in [
        (None, 401),
        (Some(basic().as_str()), 200),
        (Some(lower.as_str()), 200),
        (Some(token.as_str()), 200),
        (Some(api_key.as_str()), 200),
        (Some(wrong_key.as_str()), 401),
        (Some(wrong_user.as_str()), 401),
        (Some("Token 0000"), 401),
        (Some("Basic"), 401),
        (Some("Basic !!!"), 401),
        (Some("Basic bm9jb2xvbg=="), 401),
        (Some("Bearer x"), 401),
    ] {
        let (status, detail) = put(&archive, "/logstash", authorization).await;
        assert_eq!(status, expected, "{authorization:?}: {detail}");
        assert!(!detail.to_string().contains(KEY));
    }
    let (_, detail) = put(&archive, "/logstash", Some(&wrong_key)).await;
    assert_eq!(detail, "Invalid username or password.");
    let query = format!("/logstash?username=perfsonar&api_key={KEY}");
    assert_eq!(put(&archive, &query, None).await.0, 200);
}

#[tokio::test]
async fn a_registered_address_is_enough_and_a_disabled_user_is_not() {
    let archive = archive().await;
    let network = "127.0.0.1/32".parse().unwrap();
    archive
        .store
        .add_network("perfsonar", network)
        .await
        .unwrap();
    assert_eq!(put(&archive, "/logstash", None).await.0, 200);
    // Wrong credentials are no better for where they come from.
    let wrong = basic_of("perfsonar", "0000");
    assert_eq!(put(&archive, "/logstash", Some(&wrong)).await.0, 401);
    archive
        .store
        .set_user_active("perfsonar", false)
        .await
        .unwrap();
    assert_eq!(put(&archive, "/logstash", None).await.0, 401);
    assert_eq!(put(&archive, "/logstash", Some(&basic())).await.0, 401);
}

#[tokio::test]
async fn basic_counts_nowhere_else() {
    let archive = archive().await;
    let request = Request::post(ARCHIVE)
        .header("authorization", basic())
        .header("content-type", "application/json")
        .body(Body::from("{}"));
    let answer = archive.ask(request.unwrap()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), Some("Token"));
}
