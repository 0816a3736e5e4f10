//! Who asks, looked up in the store by many at a time.
//!
//! Hosts write in crowds, and mostly with one key. While the store is asked about it,
//! further requests with that key wait, and share the next answer. So everybody
//! gets an answer that was asked for after they came: a user who is disabled, be
//! it by another process, is refused from then on. Nothing is remembered.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use esmond_ps_store::{self as store, KeyHash, Store, User};
use tokio::sync::oneshot;

/// By what a user is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Sign {
    Key(KeyHash),
    Address(IpAddr),
}

/// Those who wait for the next answer.
type Waiting = Vec<oneshot::Sender<Option<User>>>;

/// The look-ups that are under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookups(Arc<Mutex<HashMap<Sign, Waiting>>>);

impl Lookups {
    /// Returns the user who has a sign, as the store knows them at some time
    /// after the call.
    pub(crate) async fn user(
        &self,
        store: &Arc<dyn Store>,
        sign: Sign,
    ) -> store::Result<Option<User>> {
        let (tell, told) = oneshot::channel();
        let first = match self.all().entry(sign.clone()) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push(tell);
                false
            }
            Entry::Vacant(none) => {
                none.insert(vec![tell]);
                true
            }
        };
        if first {
            // On its own: others may wait for it when this request is given up.
            tokio::spawn(self.clone().answer(Arc::clone(store), sign.clone()));
        }
        match told.await {
            Ok(user) => Ok(user),
            // An error belongs to one request only.
            Err(_) => find(store.as_ref(), &sign).await,
        }
    }

    /// Asks the store until nobody waits.
    async fn answer(self, store: Arc<dyn Store>, sign: Sign) {
        while let Some(waiting) = self.next(&sign) {
            // A task of its own, as a panic must not end this one.
            let (asked, sign) = (Arc::clone(&store), sign.clone());
            let found = tokio::spawn(async move { find(asked.as_ref(), &sign).await });
            if let Ok(Ok(user)) = found.await {
                for tell in waiting {
                    // Whoever gave up does not want to know.
                    let _ = tell.send(user.clone());
                }
            }
        }
    }

    /// Returns those who wait; `None`, and forgets the sign, when nobody does.
    fn next(&self, sign: &Sign) -> Option<Waiting> {
        let mut all = self.all();
        let waiting = all.get_mut(sign).map(mem::take).unwrap_or_default();
        if waiting.is_empty() {
            all.remove(sign);
            return None;
        }
        Some(waiting)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Sign, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn find(store: &dyn Store, sign: &Sign) -> store::Result<Option<User>> {
    match sign {
        Sign::Key(key) => store.user_by_key(key).await,
        Sign::Address(address) => store.user_by_address(*address).await,
    }
}
