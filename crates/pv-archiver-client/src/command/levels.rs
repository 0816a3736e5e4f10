//! The decimation levels of a channel, and how long each is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::InvalidCommand;
use crate::wire::Seconds;

/// All decimation levels of a channel with their retention periods, in seconds.
/// Level 0 is the raw samples, which are always there; a retention period of 0 means
/// for ever.
///
/// A level may be kept no shorter than the finer ones.
///
/// ```
/// use pv_archiver_client::DecimationLevels;
///
/// // Raw samples for ten days, averages over 30 s for a year, over 900 s for ever.
/// let levels = DecimationLevels::new([(0, 864_000), (30, 31_536_000), (900, 0)])?;
/// assert_eq!(levels.iter().count(), 3);
/// let wrong = DecimationLevels::new([(30, 100), (900, 10)]).unwrap_err();
/// assert_eq!(
///     wrong.to_string(),
///     "the decimation level 30 is kept 100 s, which is shorter than the level 0 is (for ever)"
/// );
/// # Ok::<(), pv_archiver_client::InvalidCommand>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimationLevels(BTreeMap<u32, u32>);

impl DecimationLevels {
    /// Takes pairs of decimation period and retention period. Where 0 is not among
    /// them, raw samples are kept for ever.
    ///
    /// DIFFERENCE: the original client raises a TypeError for retention periods.
    ///
    /// # Errors
    ///
    /// What [`InvalidCommand`] says of levels.
    pub fn new(levels: impl IntoIterator<Item = (u32, u32)>) -> Result<Self, InvalidCommand> {
        let mut all = BTreeMap::new();
        for (level, retention) in levels {
            for seconds in [level, retention] {
                in_range(seconds)?;
            }
            if all
                .insert(level, retention)
                .is_some_and(|before| before != retention)
            {
                return Err(InvalidCommand::TwoRetentions(level));
            }
        }
        all.entry(0).or_insert(0);
        check_order(&all)?;
        Ok(Self(all))
    }

    /// Keeps the samples of all these levels, and raw ones, for ever.
    ///
    /// # Errors
    ///
    /// [`InvalidCommand::TooManySeconds`].
    pub fn kept_for_ever(levels: impl IntoIterator<Item = u32>) -> Result<Self, InvalidCommand> {
        Self::new(levels.into_iter().map(|level| (level, 0)))
    }

    /// Returns the levels in ascending order, with their retention periods.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().map(|(level, retention)| (*level, *retention))
    }

    /// Reads what a command says; `None` when it says nothing.
    pub(super) fn from_wire(
        levels: Option<Vec<Seconds>>,
        retentions: Option<BTreeMap<Seconds, Seconds>>,
    ) -> Result<Option<Self>, InvalidCommand> {
        if levels.is_none() && retentions.as_ref().is_none_or(BTreeMap::is_empty) {
            return Ok(None);
        }
        let mut all: BTreeMap<u32, u32> = BTreeMap::from([(0, 0)]);
        all.extend(levels.unwrap_or_default().iter().map(|level| (level.0, 0)));
        for (level, retention) in retentions.unwrap_or_default() {
            *all.get_mut(&level.0)
                .ok_or(InvalidCommand::RetentionWithoutLevel(level.0))? = retention.0;
        }
        Self::new(all).map(Some)
    }

    pub(super) fn wire_levels(&self) -> Vec<Seconds> {
        self.0.keys().copied().map(Seconds).collect()
    }

    /// Returns the retention periods, unless they are what no periods mean.
    pub(super) fn wire_retentions(&self) -> Option<BTreeMap<Seconds, Seconds>> {
        self.0
            .values()
            .any(|retention| *retention != 0)
            .then(|| wire_retentions(&self.0))
    }
}

pub(super) fn wire_retentions(retentions: &BTreeMap<u32, u32>) -> BTreeMap<Seconds, Seconds> {
    let pair = |(level, retention): (&u32, &u32)| (Seconds(*level), Seconds(*retention));
    retentions.iter().map(pair).collect()
}

pub(super) fn wire_set(levels: &BTreeSet<u32>) -> Option<Vec<Seconds>> {
    (!levels.is_empty()).then(|| levels.iter().copied().map(Seconds).collect())
}

pub(super) fn in_range(seconds: u32) -> Result<(), InvalidCommand> {
    if seconds > Seconds::MAX {
        return Err(InvalidCommand::TooManySeconds(seconds));
    }
    Ok(())
}

/// Checks that no level is kept shorter than a finer one.
pub(super) fn check_order(retentions: &BTreeMap<u32, u32>) -> Result<(), InvalidCommand> {
    let for_ever = |retention: u32| if retention == 0 { u32::MAX } else { retention };
    for ((finer, finer_retention), (level, retention)) in
        retentions.iter().zip(retentions.iter().skip(1))
    {
        if for_ever(*retention) < for_ever(*finer_retention) {
            return Err(InvalidCommand::RetentionOrder {
                level: *level,
                retention: *retention,
                finer: *finer,
                finer_retention: *finer_retention,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_is_kept_shorter_than_a_finer_one() {
        for (levels, fine) in [
            (&[(0, 20), (30, 20), (60, 30), (900, 0)][..], true),
            (&[(0, 0), (30, 0)], true),
            (&[(0, 20), (30, 0), (60, 0)], true),
            (&[(0, 20), (30, 10)], false),
            (&[(0, 0), (30, 10)], false),
            (&[(0, 10), (30, 0), (60, 20)], false),
            (&[(30, 10)], false),
            (&[(2_147_483_647, 2_147_483_647), (0, 1)], true),
            (&[(2_147_483_648, 0)], false),
            (&[(30, 0), (30, 0)], true),
            (&[(0, 5), (30, 10), (30, 20)], false),
        ] {
            let made = DecimationLevels::new(levels.iter().copied());
            assert_eq!(made.is_ok(), fine, "{levels:?} {made:?}");
        }
    }
}
