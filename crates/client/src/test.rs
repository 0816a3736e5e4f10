//! Tests and their event types, as an archive describes them.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use esmond_ps_model::{DataType, Metadata, Registry, RowLayout, SummaryType, metadata};

use crate::series::Kind;
use crate::{Archive, Dialect, Gap, Series};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

/// A test on an archive: its metadata record, and the way to its data.
///
/// Everything of the record is there by dereferencing to [`Metadata`]. Cheap to
/// clone. In the original library this is `Metadata`.
#[derive(Debug, Clone)]
pub struct Test {
    archive: Archive,
    record: Arc<Metadata>,
}

macro_rules! properties {
    ($($(#[$doc:meta])* $method:ident = $name:literal;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $method(&self) -> Option<String> {
            self.record.property($name)
        })*
    };
}

impl Test {
    pub(crate) fn new(archive: Archive, record: Metadata) -> Self {
        Self {
            archive,
            record: Arc::new(record),
        }
    }

    /// Returns the archive that described the test.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Returns the record.
    #[must_use]
    pub fn record(&self) -> &Metadata {
        &self.record
    }

    /// Returns the kind of archive that described the test.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        Dialect::of(&self.record)
    }

    /// Returns the key of the record (`metadata_key`).
    #[must_use]
    pub fn metadata_key(&self) -> &str {
        &self.record.metadata_key
    }

    /// Returns the path of the record on the archive (`uri`).
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.record.uri
    }

    /// Returns the kind of subject, such as `point-to-point` (`subject_type`).
    #[must_use]
    pub fn subject_type(&self) -> &str {
        &self.record.subject_type
    }

    properties! {
        /// Returns the address of the source (`source`).
        source = "source";
        /// Returns the address of the destination (`destination`); tests of a
        /// single host have none.
        destination = "destination";
        /// Returns the address of the host that ran the test
        /// (`measurement_agent`).
        measurement_agent = "measurement-agent";
        /// Returns the source as it was given (`input_source`).
        input_source = "input-source";
        /// Returns the destination as it was given (`input_destination`).
        input_destination = "input-destination";
        /// Returns the name of the tool (`tool_name`).
        tool_name = "tool-name";
        /// Returns the time between packets in seconds, as text
        /// (`ip_packet_interval`).
        ip_packet_interval = "ip-packet-interval";
        /// Returns the number of packets in a sample, as text
        /// (`sample_bucket_width`).
        sample_bucket_width = "sample-bucket-width";
        /// Returns the duration of the test in seconds, as text
        /// (`time_duration`).
        time_duration = "time-duration";
    }

    /// Returns any property by its name with dashes or underscores; numbers and
    /// booleans as JSON text, `None` when missing or null
    /// (`get_freeform_key_value`).
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        self.record
            .property(name)
            .or_else(|| self.record.property(&name.replace('_', "-")))
    }

    /// Returns the names of the event types (`event_types`).
    pub fn event_types(&self) -> impl ExactSizeIterator<Item = &str> {
        self.record
            .event_types
            .iter()
            .map(|entry| entry.event_type.as_str())
    }

    /// Returns the event type of that name (`get_event_type`).
    #[must_use]
    pub fn event_type(&self, name: &str) -> Option<EventType> {
        let index = self.event_types().position(|known| known == name)?;
        Some(self.event_type_at(index))
    }

    /// Returns all event types, in the archive's order (`get_all_event_types`).
    pub fn all_event_types(&self) -> impl ExactSizeIterator<Item = EventType> {
        (0..self.record.event_types.len()).map(|index| self.event_type_at(index))
    }

    fn event_type_at(&self, index: usize) -> EventType {
        EventType {
            test: self.clone(),
            index,
        }
    }
}

impl Deref for Test {
    type Target = Metadata;

    fn deref(&self) -> &Metadata {
        &self.record
    }
}

/// An event type of a test: its points, and the series derived from them. In
/// the original library this is `EventType`.
#[derive(Debug, Clone)]
pub struct EventType {
    test: Test,
    /// Always that of an entry of the record.
    index: usize,
}

impl EventType {
    pub(crate) fn entry(&self) -> &metadata::EventType {
        &self.test.record.event_types[self.index]
    }

    /// Returns the test.
    #[must_use]
    pub fn test(&self) -> &Test {
        &self.test
    }

    /// Returns the name, such as `throughput` (`event_type`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.entry().event_type
    }

    /// Returns the path of the points as posted (`base_uri`).
    #[must_use]
    pub fn base_uri(&self) -> &str {
        &self.entry().base_uri
    }

    /// Returns the type of the values (`data_type`). Of an event type that is
    /// none of the standard ones: what the archive tells, or else
    /// [`Json`](DataType::Json), which is anything.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        let told = || DataType::from_name(self.entry().data_type.as_deref()?);
        match REGISTRY.event_type(self.name()) {
            Some(definition) => definition.data_type,
            None => told().unwrap_or(DataType::Json),
        }
    }

    /// Returns how rows of the values are laid out. Of an event type that is
    /// none of the standard ones: as the archive tells, or else what suits the
    /// type of the values.
    #[must_use]
    pub fn row_layout(&self) -> RowLayout {
        let told = || RowLayout::from_name(self.entry().client_layout.as_deref()?);
        match REGISTRY.event_type(self.name()) {
            Some(definition) => definition.layout,
            None => told().unwrap_or_else(|| match self.data_type() {
                DataType::Integer | DataType::Float | DataType::Percentage => RowLayout::Numeric,
                DataType::Histogram => RowLayout::Histogram,
                DataType::Subinterval => RowLayout::Subintervals,
                DataType::Json => RowLayout::Value,
            }),
        }
    }

    /// Returns what the archive is known not to hold of this event type, by
    /// kind of series; [`Base`](SummaryType::Base) are the points as posted.
    #[must_use]
    pub fn gap(&self, summary_type: SummaryType) -> Option<Gap> {
        let test_type = self.test.property("pscheduler-test-type");
        let dialect = self.test.dialect();
        dialect.gap(self.name(), summary_type, test_type.as_deref())
    }

    /// Returns the Unix time of the last write, or what the archive tells
    /// instead; `None` before the first.
    #[must_use]
    pub fn time_updated(&self) -> Option<i64> {
        self.entry().time_updated
    }

    /// Returns type (singular name) and window in seconds of each derived
    /// series (`summaries`).
    pub fn summaries(&self) -> impl ExactSizeIterator<Item = (&str, i64)> {
        self.entry()
            .summaries
            .iter()
            .map(|entry| (entry.summary_type.as_str(), entry.summary_window))
    }

    /// Returns the derived series of that type and window in seconds
    /// (`get_summary`).
    ///
    /// DIFFERENCE: windows are compared as numbers, since archives send them as
    /// numbers or as text; the original library finds no summary of a
    /// perfSONAR 5 archive.
    #[must_use]
    pub fn summary(&self, summary_type: SummaryType, window: i64) -> Option<Series> {
        let index = self
            .summaries()
            .position(|known| known == (summary_type.name(), window))?;
        Some(Series::new(self.clone(), Kind::Summary(index)))
    }

    /// Returns all derived series, in the archive's order
    /// (`get_all_summaries`).
    pub fn all_summaries(&self) -> impl ExactSizeIterator<Item = Series> {
        (0..self.entry().summaries.len())
            .map(|index| Series::new(self.clone(), Kind::Summary(index)))
    }

    /// Returns the series of the points as posted: what `get_data` of the
    /// original `EventType` reads.
    #[must_use]
    pub fn base(&self) -> Series {
        Series::new(self.clone(), Kind::Base)
    }
}
