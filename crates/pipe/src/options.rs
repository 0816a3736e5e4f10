//! The options of this program, beside those that all loaders share.
//!
//! DIFFERENCE: the original has none of them.

use std::path::PathBuf;

use clap::Args;
use esmond_ps_cli_common::args::heading;
use esmond_ps_cli_common::loader::{self, LoaderArgs, Target};
use esmond_ps_cli_common::report::UsageError;

use crate::reader::Tool;

/// Options of `esmond-ps-pipe`.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Take the input for the output of this tool, instead of recognising it
    #[arg(long, value_enum, value_name = "TOOL", help_heading = heading::INPUT)]
    pub tool: Option<Tool>,

    /// Name of the sender, in place of what bwctl or iperf3 says
    #[arg(long, value_name = "HOST", help_heading = heading::INPUT)]
    pub input_source: Option<String>,

    /// Name of the receiver, in place of what bwctl or iperf3 says
    #[arg(long, value_name = "HOST", help_heading = heading::INPUT)]
    pub input_destination: Option<String>,

    /// Append tests that could not be stored to this file, to be piped in again
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub save_failed: Option<PathBuf>,
}

impl loader::Options for Options {
    fn check(&self, shared: &LoaderArgs) -> Result<(), UsageError> {
        // Logstash may let this host in by its address.
        if shared.to == Target::Esmond && !shared.has_credentials() {
            return Err(UsageError::new("both --user and --key args are required."));
        }
        for (option, name) in [
            ("--input-source", &self.input_source),
            ("--input-destination", &self.input_destination),
        ] {
            if name.as_deref().is_some_and(|name| name.trim().is_empty()) {
                return Err(UsageError::new(format!("{option} arg is empty")));
            }
        }
        Ok(())
    }
}
