//! Who may write to an archive.

use std::fmt;

use sha2::{Digest, Sha256};

/// Someone who may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// Whether the user may authenticate now.
    pub active: bool,
    /// Whether the user has a key.
    pub has_key: bool,
}

/// The form in which a key is stored: its SHA-256. Keys are 160 random bits,
/// so a plain digest cannot be searched for its key.
///
/// DIFFERENCE: the original stores keys as they are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Returns the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}
