//! Who may write.

use axum::body::Body;
use axum::http::{Method, Request};
use esmond_ps_store::Store;
use serde_json::{Value, json};

use crate::support::{ARCHIVE, Archive, KEY, config, point_to_point};

/// Tries to create a record, and returns status and detail.
async fn create(archive: &Archive, query: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = Request::post(format!("{ARCHIVE}{query}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .header("content-type", "application/json")
        .body(Body::from(point_to_point().to_string()));
    let answer = archive.ask(request.unwrap()).await;
    let authenticate = answer.header("www-authenticate");
    assert_eq!(authenticate.is_some(), answer.status == 401);
    (answer.status.as_u16(), answer.json()["detail"].clone())
}

#[tokio::test]
async fn the_older_forms_of_a_key_check_the_user_name() {
    // DIFFERENCE: the original (4.4) ignores them.
    let archive = Archive::new().await;
    let (ok, invalid) = ((201, Value::Null), (401, json!("Invalid token.")));
    for (user, key, expected) in [
        ("perfsonar", KEY, &ok),
        ("somebody", KEY, &invalid),
        ("perfsonar", "0000", &invalid),
        ("", KEY, &invalid),
    ] {
        let header = format!("ApiKey {user}:{key}");
        let given = create(&archive, "", &[("authorization", &header)]).await;
        assert_eq!(given, *expected, "{user}");
        let query = format!("?username={user}&api_key={key}");
        assert_eq!(create(&archive, &query, &[]).await, *expected, "{user}");
    }
    let given = create(&archive, "", &[("authorization", "apikey nocolon")]).await;
    assert_eq!(given, invalid);
}

#[tokio::test]
async fn half_of_the_query_credentials_is_a_filter() {
    let archive = Archive::new().await;
    archive.record(&json!([])).await;
    let all = archive
        .get(&format!("?username=perfsonar&api_key={KEY}"))
        .await;
    assert_eq!(all.json().as_array().unwrap().len(), 1);
    assert_eq!(archive.get("?username=perfsonar").await.json(), json!([]));
}

#[tokio::test]
async fn keys_in_a_query_are_not_repeated_in_links() {
    let archive = Archive::new().await;
    archive.record(&json!([])).await;
    archive.record(&json!([{"event-type": "throughput"}])).await;
    let query = format!("?limit=1&username=perfsonar&api_key={KEY}");
    let answer = archive.get(&query).await;
    let link = answer.header("link").unwrap();
    assert!(link.contains("limit=1&offset=1>"), "{link}");
    assert!(!link.contains(KEY), "{link}");
}

#[tokio::test]
async fn an_address_counts_as_credentials_only_where_it_cannot_be_forged() {
    let network = "203.0.113.0/24".parse().unwrap();
    let forwarded = [("x-forwarded-for", "203.0.113.7")];

    let direct = Archive::new().await;
    direct
        .store
        .add_network("perfsonar", network)
        .await
        .unwrap();
    assert_eq!(create(&direct, "", &forwarded).await.0, 401);

    let mut config = config();
    config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let proxied = Archive::with(config).await;
    proxied
        .store
        .add_network("perfsonar", network)
        .await
        .unwrap();
    assert_eq!(create(&proxied, "", &forwarded).await.0, 201);
    // The first entry is what the client claims, the last what the proxy saw.
    let claimed = [("x-forwarded-for", "203.0.113.7, 198.51.100.1")];
    assert_eq!(create(&proxied, "", &claimed).await.0, 401);
    assert_eq!(create(&proxied, "", &[]).await.0, 401);
}

#[tokio::test]
async fn a_disabled_user_cannot_write_by_key_or_address() {
    let archive = Archive::new().await;
    let network = "127.0.0.1/32".parse().unwrap();
    archive
        .store
        .add_network("perfsonar", network)
        .await
        .unwrap();
    assert_eq!(create(&archive, "", &[]).await.0, 201);
    archive
        .store
        .set_user_active("perfsonar", false)
        .await
        .unwrap();
    assert_eq!(create(&archive, "", &[]).await.0, 401);
    let token = format!("Token {KEY}");
    let (status, detail) = create(&archive, "", &[("authorization", &token)]).await;
    assert_eq!((status, detail), (401, json!("User inactive or deleted.")));
    assert_eq!(archive.get("").await.status, 200);
}

#[tokio::test]
async fn nobody_may_write_before_being_known_whatever_is_wrong_with_the_rest() {
    let archive = Archive::new().await;
    for (method, path) in [
        (Method::POST, ""),
        (Method::PUT, ""),
        (Method::DELETE, "abc/"),
        (Method::PATCH, "abc/"),
        (Method::PUT, "abc/"),
        (Method::POST, "abc/bogus/bogus"),
        (Method::from_bytes(b"BREW").unwrap(), "abc/"),
    ] {
        let request = Request::builder()
            .method(&method)
            .uri(format!("{ARCHIVE}{path}"))
            .body(Body::from("{not json"));
        let answer = archive.ask(request.unwrap()).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert!(answer.header("allow").is_some());
    }
}
