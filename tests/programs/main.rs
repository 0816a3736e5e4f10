//! The three query programs against the real archive, compared with what the
//! originals printed for the same data.

mod endings;
mod recorded;
