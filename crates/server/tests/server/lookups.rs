//! Who asks, when many ask at the same time.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use esmond_ps_store::{Error, Store};
use tokio::task::{JoinHandle, yield_now};

use crate::double::{Double, Lookup, TURNS};
use crate::support::{ARCHIVE, Archive, KEY, config};

async fn stage() -> (Arc<Archive>, Arc<Double>) {
    let archive = Archive::new().await;
    let store = Double::new(archive.store.clone());
    (Arc::new(archive.over(store.clone(), config())), store)
}

/// Shows a key, and returns the status of the answer.
async fn status(archive: &Archive) -> StatusCode {
    let request = Request::get(ARCHIVE).header("authorization", format!("Token {KEY}"));
    archive
        .ask(request.body(Body::empty()).unwrap())
        .await
        .status
}

fn asking(archive: &Arc<Archive>) -> JoinHandle<StatusCode> {
    let archive = Arc::clone(archive);
    tokio::spawn(async move { status(&archive).await })
}

#[tokio::test]
async fn requests_with_one_key_share_a_look_up_that_began_after_they_came() {
    let (archive, store) = stage().await;
    let held = store.turns.acquire_many(TURNS).await.unwrap();
    let first = asking(&archive);
    while store.keys.lock().unwrap().is_empty() {
        yield_now().await;
    }
    // The user was looked up for the first, who is not told yet.
    let later: Vec<_> = (0..9).map(|_| asking(&archive)).collect();
    for _ in 0..100 {
        yield_now().await;
    }
    store.set_user_active("perfsonar", false).await.unwrap();
    drop(held);
    assert_eq!(first.await.unwrap(), 200);
    for one in later {
        assert_eq!(one.await.unwrap(), 401);
    }
    assert_eq!(store.keys.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_the_others_their_answer() {
    let (archive, store) = stage().await;
    let held = store.turns.acquire_many(TURNS).await.unwrap();
    let first = asking(&archive);
    while store.keys.lock().unwrap().is_empty() {
        yield_now().await;
    }
    let second = asking(&archive);
    yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    drop(held);
    assert_eq!(second.await.unwrap(), 200);
}

#[tokio::test]
async fn a_look_up_that_fails_is_an_error_of_its_request_and_of_no_later_one() {
    let (archive, store) = stage().await;
    for fails in [
        (|| Err(Error::Corrupt("users".to_owned()))) as Lookup,
        || panic!("a defect"),
    ] {
        *store.lookup.lock().unwrap() = Some(fails);
        assert_eq!(status(&archive).await, 500);
        *store.lookup.lock().unwrap() = None;
        assert_eq!(status(&archive).await, 200);
    }
}
