//! Data types: how values are checked, stored, summarised and laid out.
//!
//! A data type is composed of a [`Validator`], a [`StorageClass`] and the
//! summaries it has: its [`Rules`]. The six standard data types are such
//! compositions; others can be composed, as far as the parts fit together.
//! What a new part does is code, not composition: a [`CustomKind`] is known
//! here by its name only.

use thiserror::Error;

use crate::SummaryType;

/// As what the values of an event type are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Whole numbers of 64 bits with sign.
    Integer,
    /// Numbers in double precision.
    Float,
    /// A fraction, posted as numerator and denominator.
    Percentage,
    /// Counts per bucket.
    Histogram,
    /// A list of intervals inside a test, each with a value.
    Subinterval,
    /// Any JSON value.
    Json,
}

impl DataType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Integer,
        Self::Float,
        Self::Percentage,
        Self::Histogram,
        Self::Subinterval,
        Self::Json,
    ];

    /// Returns the name used in configuration, documents and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Percentage => "percentage",
            Self::Histogram => "histogram",
            Self::Subinterval => "subinterval",
            Self::Json => "json",
        }
    }

    /// Reads a name; case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns how values of the type are checked, stored and summarised.
    #[must_use]
    pub fn rules(self) -> Rules {
        let validator = match self {
            Self::Integer => Validator::Integer,
            Self::Float => Validator::Float,
            Self::Percentage => Validator::Percentage,
            Self::Histogram => Validator::Histogram,
            Self::Subinterval => Validator::Subinterval,
            Self::Json => Validator::Json,
        };
        let storage = validator.storage_classes()[0];
        Rules {
            validator,
            storage,
            summaries: storage.summaries().to_vec(),
        }
    }
}

/// A data type that is code: what configuration must know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CustomKind {
    /// Name, in configuration and in the store.
    pub name: &'static str,
    /// The derived series that its values can have.
    pub summaries: &'static [SummaryType],
    /// The layouts that can show its values; the first one is the default.
    pub layouts: &'static [RowLayout],
}

/// What the values of a data type may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validator {
    /// Whole numbers of 64 bits with sign.
    Integer,
    /// Finite numbers in double precision.
    Float,
    /// An object with `numerator` and `denominator`.
    Percentage,
    /// An object of counts.
    Histogram,
    /// A list of objects with `start`, `duration` and `val`.
    Subinterval,
    /// Any JSON value.
    Json,
    /// A JSON string.
    Text,
    /// True or false.
    Boolean,
    /// A list of numbers.
    NumberList,
    /// A JSON object.
    Object,
    /// What the code of a kind takes.
    Custom(CustomKind),
}

impl Validator {
    /// All of them but those that are code.
    pub const ALL: [Self; 10] = [
        Self::Integer,
        Self::Float,
        Self::Percentage,
        Self::Histogram,
        Self::Subinterval,
        Self::Json,
        Self::Text,
        Self::Boolean,
        Self::NumberList,
        Self::Object,
    ];

    /// Returns the name used in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Percentage => "percentage",
            Self::Histogram => "histogram",
            Self::Subinterval => "subinterval",
            Self::Json => "json",
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::NumberList => "number-list",
            Self::Object => "object",
            Self::Custom(kind) => kind.name,
        }
    }

    /// Reads a name; case matters. Those that are code are not found.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the storage classes that hold its values without loss; the
    /// first one is the default.
    #[must_use]
    pub const fn storage_classes(self) -> &'static [StorageClass] {
        use StorageClass as S;
        match self {
            Self::Integer => &[S::Integer, S::Document],
            Self::Float => &[S::Float, S::Document],
            Self::Percentage => &[S::Ratio],
            Self::Histogram => &[S::Histogram],
            Self::Boolean => &[S::Document, S::Integer],
            Self::Subinterval | Self::Json | Self::Text | Self::NumberList | Self::Object => {
                &[S::Document]
            }
            Self::Custom(_) => &[S::Custom],
        }
    }
}

/// How values are kept, which decides what a second value for the same time
/// does, and which summaries there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StorageClass {
    /// Whole numbers, with exact sums. A second value is a conflict.
    Integer,
    /// Numbers in double precision. A second value is a conflict.
    Float,
    /// Numerators and denominators. A second value is a conflict.
    Ratio,
    /// Counts per bucket. A second value replaces the first.
    Histogram,
    /// The value as posted. A second value replaces the first.
    Document,
    /// As the code of a kind decides.
    Custom,
}

impl StorageClass {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Integer,
        Self::Float,
        Self::Ratio,
        Self::Histogram,
        Self::Document,
        Self::Custom,
    ];

    /// Returns the name used in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Ratio => "ratio",
            Self::Histogram => "histogram",
            Self::Document => "document",
            Self::Custom => "custom",
        }
    }

    /// Reads a name; case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Returns the derived series that its values can have; none for custom
    /// ones, whose kinds have their [own](CustomKind::summaries).
    #[must_use]
    pub const fn summaries(self) -> &'static [SummaryType] {
        use SummaryType::{Aggregation, Average, Statistics};
        match self {
            Self::Integer | Self::Float => &[Aggregation, Average],
            Self::Ratio => &[Aggregation],
            Self::Histogram => &[Aggregation, Statistics],
            Self::Document | Self::Custom => &[],
        }
    }
}

/// How values are checked, stored and summarised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    validator: Validator,
    storage: StorageClass,
    summaries: Vec<SummaryType>,
}

/// Parts of a data type that do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RulesError {
    /// The storage class cannot hold what the validator takes.
    #[error(
        "storage `{}` does not hold `{}` values: they are stored as {}",
        .storage.name(), .validator.name(), storage_names(*.validator)
    )]
    Storage {
        /// What values may be.
        validator: Validator,
        /// How they should be stored.
        storage: StorageClass,
    },
    /// The values do not have the summary.
    #[error(
        "values stored as `{}` have no summary `{summary}`: they have {}",
        .storage.name(), summary_names(possible_summaries(*.validator, *.storage))
    )]
    Summary {
        /// What values may be.
        validator: Validator,
        /// How values are stored.
        storage: StorageClass,
        /// The summary asked for.
        summary: SummaryType,
    },
}

impl Rules {
    /// Composes a data type. The default storage is the first that the
    /// validator [has](Validator::storage_classes); the default summaries are
    /// all that the storage [has](StorageClass::summaries), or the
    /// [kind](CustomKind::summaries).
    ///
    /// # Errors
    ///
    /// The first of the parts that does not fit.
    pub fn new(
        validator: Validator,
        storage: Option<StorageClass>,
        summaries: Option<&[SummaryType]>,
    ) -> Result<Self, RulesError> {
        let storage = storage.unwrap_or(validator.storage_classes()[0]);
        if !validator.storage_classes().contains(&storage) {
            return Err(RulesError::Storage { validator, storage });
        }
        let possible = possible_summaries(validator, storage);
        let summaries = summaries.unwrap_or(possible);
        match summaries.iter().find(|kind| !possible.contains(kind)) {
            Some(&summary) => Err(RulesError::Summary {
                validator,
                storage,
                summary,
            }),
            None => Ok(Self {
                validator,
                storage,
                summaries: summaries.to_vec(),
            }),
        }
    }

    /// Returns what values may be.
    #[must_use]
    pub const fn validator(&self) -> Validator {
        self.validator
    }

    /// Returns how values are kept.
    #[must_use]
    pub const fn storage(&self) -> StorageClass {
        self.storage
    }

    /// Tells whether series can have summaries of that type.
    #[must_use]
    pub fn allows(&self, summary_type: SummaryType) -> bool {
        summary_type == SummaryType::Base || self.summaries.contains(&summary_type)
    }

    /// Returns as what the values are read.
    #[must_use]
    pub const fn data_type(&self) -> DataType {
        match (self.storage, self.validator) {
            (StorageClass::Integer, _) => DataType::Integer,
            (StorageClass::Float, _) => DataType::Float,
            (StorageClass::Ratio, _) => DataType::Percentage,
            (StorageClass::Histogram, _) => DataType::Histogram,
            (StorageClass::Document, Validator::Subinterval) => DataType::Subinterval,
            (StorageClass::Document | StorageClass::Custom, _) => DataType::Json,
        }
    }

    /// Returns the layouts that can show the values; the first one is the
    /// default.
    #[must_use]
    pub const fn layouts(&self) -> &'static [RowLayout] {
        use RowLayout as L;
        match self.validator {
            Validator::Integer | Validator::Float | Validator::Percentage => {
                &[L::Numeric, L::Value]
            }
            Validator::Histogram => &[L::Histogram],
            Validator::Subinterval => &[L::Subintervals, L::Value],
            Validator::Text | Validator::Boolean => &[L::Value],
            Validator::NumberList => &[L::NumberList, L::Value],
            Validator::Object => &[L::Value, L::Failures],
            Validator::Json => &[
                L::Value,
                L::Numeric,
                L::Failures,
                L::PacketTrace,
                L::Subintervals,
                L::NumberList,
                L::SubintervalList,
            ],
            Validator::Custom(kind) => kind.layouts,
        }
    }
}

/// How the query programs lay out the rows of an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowLayout {
    /// One number per point.
    Numeric,
    /// One error message per point.
    Failures,
    /// One row per hop entry.
    PacketTrace,
    /// One histogram per point.
    Histogram,
    /// One row per interval.
    Subintervals,
    /// One row per stream.
    NumberList,
    /// One row per stream and interval.
    SubintervalList,
    /// One JSON value per point.
    Value,
}

impl RowLayout {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Numeric,
        Self::Failures,
        Self::PacketTrace,
        Self::Histogram,
        Self::Subintervals,
        Self::NumberList,
        Self::SubintervalList,
        Self::Value,
    ];

    /// Returns the name used in configuration and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Failures => "failures",
            Self::PacketTrace => "packet-trace",
            Self::Histogram => "histogram",
            Self::Subintervals => "subintervals",
            Self::NumberList => "number-list",
            Self::SubintervalList => "subinterval-list",
            Self::Value => "value",
        }
    }

    /// Reads a name; case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }
}

fn storage_names(validator: Validator) -> String {
    let names = validator.storage_classes().iter();
    let names: Vec<String> = names.map(|class| format!("`{}`", class.name())).collect();
    names.join(" or ")
}

const fn possible_summaries(validator: Validator, storage: StorageClass) -> &'static [SummaryType] {
    match validator {
        Validator::Custom(kind) => kind.summaries,
        _ => storage.summaries(),
    }
}

fn summary_names(summaries: &[SummaryType]) -> String {
    let names = summaries.iter();
    let names: Vec<String> = names.map(|kind| format!("`{kind}`")).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tabled_summaries_are_allowed() {
        use SummaryType::{Aggregation, Average, Base, Statistics};
        for (data_type, allowed) in [
            (DataType::Integer, &[Aggregation, Average][..]),
            (DataType::Float, &[Aggregation, Average]),
            (DataType::Percentage, &[Aggregation]),
            (DataType::Histogram, &[Aggregation, Statistics]),
            (DataType::Subinterval, &[]),
            (DataType::Json, &[]),
        ] {
            let rules = data_type.rules();
            assert!(rules.allows(Base));
            assert_eq!(rules.data_type(), data_type);
            for kind in SummaryType::DERIVED {
                let name = data_type.name();
                assert_eq!(rules.allows(kind), allowed.contains(&kind), "{name} {kind}");
            }
        }
    }

    #[test]
    fn every_name_reads_back() {
        for kind in DataType::ALL {
            assert_eq!(DataType::from_name(kind.name()), Some(kind));
        }
        for kind in Validator::ALL {
            assert_eq!(Validator::from_name(kind.name()), Some(kind));
        }
        for class in StorageClass::ALL {
            assert_eq!(StorageClass::from_name(class.name()), Some(class));
        }
        for layout in RowLayout::ALL {
            assert_eq!(RowLayout::from_name(layout.name()), Some(layout));
        }
        assert_eq!(DataType::from_name("Integer"), None);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_with_what_does() {
        let text = |validator, storage, summaries: Option<&[SummaryType]>| {
            Rules::new(validator, storage, summaries)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            text(Validator::Float, Some(StorageClass::Integer), None),
            "storage `integer` does not hold `float` values: they are stored as `float` or `document`"
        );
        let average = &[SummaryType::Average][..];
        assert_eq!(
            text(Validator::Text, None, Some(average)),
            "values stored as `document` have no summary `average`: they have none"
        );
        assert_eq!(
            text(Validator::Percentage, None, Some(average)),
            "values stored as `ratio` have no summary `average`: they have `aggregation`"
        );
    }

    #[test]
    fn a_kind_that_is_code_says_itself_what_it_has() {
        let kind = Validator::Custom(CustomKind {
            name: "gauge",
            summaries: &[SummaryType::Average],
            layouts: &[RowLayout::Numeric],
        });
        let rules = Rules::new(kind, None, None).unwrap();
        assert_eq!(rules.storage(), StorageClass::Custom);
        assert_eq!(rules.data_type(), DataType::Json);
        assert_eq!(rules.layouts(), [RowLayout::Numeric]);
        assert!(rules.allows(SummaryType::Average));
        assert!(!rules.allows(SummaryType::Aggregation));
        let text = |storage, summaries| {
            let refused = Rules::new(kind, storage, summaries).unwrap_err();
            refused.to_string()
        };
        assert_eq!(
            text(Some(StorageClass::Document), None),
            "storage `document` does not hold `gauge` values: they are stored as `custom`"
        );
        assert_eq!(
            text(None, Some(&[SummaryType::Statistics][..])),
            "values stored as `custom` have no summary `statistics`: they have `average`"
        );
    }

    #[test]
    fn summaries_that_are_not_named_are_those_of_the_storage_class() {
        let all = Rules::new(Validator::Boolean, Some(StorageClass::Integer), None).unwrap();
        assert!(all.allows(SummaryType::Average));
        assert_eq!(all.data_type(), DataType::Integer);
        let none = Rules::new(Validator::Integer, None, Some(&[])).unwrap();
        assert!(!none.allows(SummaryType::Average));
    }
}
