//! How much is stored.

/// What is stored of one event type, in all records together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Name of the event type.
    pub event_type: String,
    /// Records that list it.
    pub series: u64,
    /// Base points.
    pub points: u64,
    /// Base points of the time asked about and later.
    pub recent_points: u64,
    /// Summary buckets of windows greater than 0.
    pub buckets: u64,
    /// Space that points and buckets take: an estimate from the lengths of what
    /// is stored.
    pub bytes: u64,
    /// Unix seconds of the first base point.
    pub first: Option<i64>,
    /// Unix seconds of the last base point.
    pub last: Option<i64>,
}

/// Space that a store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreSize {
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes of these that hold nothing: used for the next writes, or given
    /// back by [`compact`](crate::Store::compact).
    pub free_bytes: u64,
}
