//! Every version of the schema, and how the one before becomes it.
//!
//! What is released is never edited.

mod blocks;

use rusqlite_migration::{M, Migrations};

/// The version of today.
pub(crate) const VERSION: u32 = 4;

/// Returns the steps from an empty file to the version of today.
pub(crate) fn all() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("migrations/001_initial.sql")),
        M::up(include_str!("migrations/002_administration.sql")),
        M::up_with_hook(include_str!("migrations/003_blocks.sql"), blocks::fill),
        M::up(include_str!("migrations/004_generation.sql")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid() {
        all().validate().unwrap();
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        all().to_latest(&mut connection).unwrap();
        let version: u32 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, VERSION);
    }
}
