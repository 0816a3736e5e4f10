//! The retention policies of the archive.

use std::path::Path;

use anyhow::{Context, Result};
use esmond_ps_model::Registry;
use esmond_ps_retention::Policies;

use crate::commands::Misconfigured;

/// The policies that hold when no file is named.
pub(crate) const SHIPPED: &str = include_str!("../dist/retention.json");

/// Reads the policies of a file, or the shipped ones.
pub(crate) fn policies(file: Option<&Path>, registry: &Registry) -> Result<Policies> {
    let Some(file) = file else {
        return Policies::parse(SHIPPED, registry).context("the shipped retention policies");
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the retention policies {}", file.display()))
        .context(Misconfigured)?;
    Policies::parse(&text, registry)
        .with_context(|| file.display().to_string())
        .context(Misconfigured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policies_are_understood_and_say_what_they_mean() {
        let policies = policies(None, &Registry::standard()).unwrap();
        assert!(policies.notes().is_empty(), "{:?}", policies.notes());
    }
}
