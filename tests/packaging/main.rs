//! The packages and `make install`, of the programs at hand: made, put into a clean
//! system, used there, and removed.

mod debian;
mod install;
mod made;
#[path = "../pages/page.rs"]
mod page;
mod pages;
mod root;
mod rpm;
mod shipped;
mod used;
