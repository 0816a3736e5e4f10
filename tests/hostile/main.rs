//! Archives that mean harm, and networks that fail: every program ends, in
//! bounded memory, with one clear line, and nothing half done.

mod answers;
mod check;
mod files;
mod lists;
mod network;
mod redirects;
mod runs;
#[path = "../loading/support.rs"]
#[expect(dead_code, reason = "the tests of the loaders need more of it")]
mod site;
mod text;
mod tls;
mod wires;
