//! The suite that every backend must pass.

use esmond_ps_store::conformance::Backend;
use esmond_ps_store_sqlite::SqliteStore;

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }
}

impl Backend for Directory {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.0.path())
            .await
            .expect("the store is opened")
    }
}

esmond_ps_store::conformance_suite!(Directory::new());
