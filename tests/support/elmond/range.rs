//! Time arguments and page arguments.

use chrono::Utc;

use super::error;
use crate::http::{Asked, Reply};

/// First second of the year 10000: Elmond fails from there on.
const TOO_LATE: i64 = 253_402_300_800;

/// Largest limit, and the last run that can be reached by an offset.
const LARGEST: i64 = 10_000;

/// Seconds from and to, both included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    from: i64,
    to: i64,
}

impl Range {
    /// Reads the time arguments, which select runs by their start.
    pub(crate) fn of(asked: &Asked) -> Result<Self, Reply> {
        let number = |name| match asked.parameter(name).map(|text| text.parse::<i64>()) {
            None => Ok(None),
            Some(Ok(number)) if number >= TOO_LATE => Err(error(500, "")),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(error(400, "Time parameter must be an integer")),
        };
        let (time, start) = (number("time")?, number("time-start")?);
        let (end, length) = (number("time-end")?, number("time-range")?);
        let (from, to) = match (time, start, end, length) {
            (Some(time), ..) => (time, time),
            (_, Some(start), Some(end), _) => (start, end),
            (_, Some(start), None, Some(length)) => (start, start.saturating_add(length)),
            (_, None, end, Some(length)) => {
                let end = end.unwrap_or_else(|| Utc::now().timestamp());
                (end.saturating_sub(length), end)
            }
            (_, start, end, None) => (start.unwrap_or(i64::MIN), end.unwrap_or(i64::MAX)),
        };
        if to < from {
            let text = "Requested start time must be less than end time";
            return Err(error(400, text));
        }
        Ok(Self { from, to })
    }

    pub(crate) fn contains(self, ts: i64) -> bool {
        (self.from..=self.to).contains(&ts)
    }
}

/// How many, and after how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

impl Page {
    /// Reads limit and offset of the list.
    pub(crate) fn of_list(asked: &Asked) -> Result<Self, Reply> {
        match arguments(asked)? {
            (1.., 0..) => Self::of(asked),
            _ => Err(error(500, "")),
        }
    }

    /// Reads limit and offset of data: OpenSearch goes no further than 10000.
    pub(crate) fn of_data(asked: &Asked) -> Result<Self, Reply> {
        match arguments(asked)? {
            (limit @ 0.., offset @ 0..) if limit + offset <= LARGEST => Self::of(asked),
            _ => Err(error(500, "")),
        }
    }

    fn of(asked: &Asked) -> Result<Self, Reply> {
        let (limit, offset) = arguments(asked)?;
        let size = |number| usize::try_from(number).map_err(|_| error(500, ""));
        Ok(Self {
            limit: size(limit)?,
            offset: size(offset)?,
        })
    }
}

fn arguments(asked: &Asked) -> Result<(i64, i64), Reply> {
    let number = |name: &str, default| match asked.parameter(name) {
        None => Ok(default),
        Some(text) if text.is_empty() => Ok(default),
        Some(text) => {
            let refusal = format!("{name} parameter must be an integer");
            text.parse().map_err(|_| error(400, &refusal))
        }
    };
    let limit = number("limit", 1000)?;
    if limit > LARGEST {
        return Err(error(400, "limit parameter cannot exceed 10000"));
    }
    Ok((limit, number("offset", 0)?))
}
