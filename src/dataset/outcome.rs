//! What becomes of each row of a batch: alive, rejected or skipped.

use std::borrow::Cow;
use std::sync::Arc;

/// Where on its way an event was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Phase {
    /// Bytes to columns.
    Decode,
    /// A node of the graph.
    Graph,
    /// A model.
    Inference,
    /// Columns to bytes, and the limits of the output topic.
    Encode,
}

impl Phase {
    /// The name in headers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Graph => "graph",
            Self::Inference => "inference",
            Self::Encode => "encode",
        }
    }
}

/// Why an event was rejected: a small closed set, fit for a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Reason {
    /// The record has no value: a tombstone.
    Tombstone,
    /// The record's value is empty.
    Empty,
    /// The record is larger than the configured limit.
    Oversized,
    /// The bytes end inside a value.
    Truncated,
    /// Bytes are left over behind the value.
    TrailingBytes,
    /// The bytes are not what the format allows.
    Malformed,
    /// A string is not UTF-8.
    InvalidUtf8,
    /// A union, enum or boolean has a branch that the schema does not have.
    UnknownBranch,
    /// A length or count is negative or beyond the limit.
    InvalidLength,
    /// A value has another type than the schema's.
    WrongType,
    /// A number does not fit its type.
    OutOfRange,
    /// A field that must be there is missing or null.
    MissingField,
    /// The same key twice in one object.
    DuplicateKey,
    /// Nested deeper than the limit.
    TooDeep,
    /// A value is not as the XDM schema asks.
    XdmViolation,
    /// An XDM envelope without `body.xdmEntity`.
    MissingXdmEntity,
    /// An XDM envelope without `header.source.name`.
    MissingSourceName,
    /// A value cannot be converted to the type that a node asks for.
    Conversion,
    /// A null reached a place that cannot take one.
    UnexpectedNull,
    /// The schema that the event was written with cannot be had.
    UnknownSchema,
    /// The event was written with a schema that cannot be read as the dataset's.
    IncompatibleSchema,
    /// The row does not meet a condition that a node requires.
    Condition,
    /// The model failed on this row.
    ModelFailed,
    /// A number is NaN or infinite where it must be finite: a model's feature or answer, or a value that JSON is to hold.
    NotFinite,
    /// The score is too large for the output topic.
    TooLargeForTopic,
}

impl Reason {
    /// The name in headers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tombstone => "tombstone",
            Self::Empty => "empty",
            Self::Oversized => "oversized",
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::Malformed => "malformed",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::UnknownBranch => "unknown_branch",
            Self::InvalidLength => "invalid_length",
            Self::WrongType => "wrong_type",
            Self::OutOfRange => "out_of_range",
            Self::MissingField => "missing_field",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "too_deep",
            Self::XdmViolation => "xdm_violation",
            Self::MissingXdmEntity => "missing_xdm_entity",
            Self::MissingSourceName => "missing_source_name",
            Self::Conversion => "conversion",
            Self::UnexpectedNull => "unexpected_null",
            Self::UnknownSchema => "unknown_schema",
            Self::IncompatibleSchema => "incompatible_schema",
            Self::Condition => "condition",
            Self::ModelFailed => "model_failed",
            Self::NotFinite => "not_finite",
            Self::TooLargeForTopic => "too_large_for_topic",
        }
    }
}

/// Why one event goes to the dead letters, and the exact place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Where on its way.
    pub phase: Phase,
    /// Why, from the closed set.
    pub reason: Reason,
    /// The field by dotted path, or the column.
    pub field: Option<Cow<'static, str>>,
    /// Byte offset in the event's value.
    pub byte: Option<usize>,
    /// The node that rejected it.
    pub node: Option<String>,
    /// One sentence for a person: expected and found.
    pub message: Cow<'static, str>,
    /// What the event breaks of its XDM schema, at most five, in the JSON that Adobe documents.
    pub violations: Option<String>,
}

impl Rejection {
    /// A rejection without a place.
    pub fn new(phase: Phase, reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self { phase, reason, field: None, byte: None, node: None, message: message.into(), violations: None }
    }

    /// Adds the field's dotted path.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds the byte offset in the event's value.
    #[must_use]
    pub fn byte(mut self, byte: usize) -> Self {
        self.byte = Some(byte);
        self
    }

    /// Adds the node.
    #[must_use]
    pub fn node(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }
}

#[derive(Clone, Debug)]
enum Fate {
    Rejected(Rejection),
    Skipped(Arc<str>),
}

/// The fate of each row of a batch. A row that was rejected or skipped stays in the columns, where kernels may leave any value for it,
/// and takes no part in inference or output.
///
/// # Invariants
/// The first fate of a row is its last: what a node finds in a row that is already out is ignored.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    len: usize,
    /// Sparse, sorted by nothing: bad rows are rare, and looked up by the bitmap.
    fates: Vec<(usize, Fate)>,
    is_out: Vec<bool>,
}

impl Rows {
    /// `len` rows, all alive; reuses the memory of `self`.
    pub fn reset(&mut self, len: usize) {
        self.len = len;
        self.fates.clear();
        self.is_out.clear();
    }

    /// How many rows the batch has, whatever their fate.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the batch has no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether every row is still alive: the fast path of kernels.
    pub fn all_alive(&self) -> bool {
        self.fates.is_empty()
    }

    /// Whether row `row` is still alive.
    pub fn is_alive(&self, row: usize) -> bool {
        self.is_out.is_empty() || !self.is_out[row]
    }

    /// How many rows are alive.
    pub fn alive(&self) -> usize {
        self.len - self.fates.len()
    }

    /// How many rows are out: rejected or skipped.
    pub fn out(&self) -> usize {
        self.fates.len()
    }

    /// Names the node in every rejection but the first `from`, which earlier nodes made.
    pub fn name_node(&mut self, from: usize, node: &str) {
        for (_, fate) in &mut self.fates[from..] {
            if let Fate::Rejected(rejection) = fate {
                rejection.node.get_or_insert_with(|| node.to_owned());
            }
        }
    }

    /// The rows that are alive, in order.
    pub fn iter_alive(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len).filter(|row| self.is_alive(*row))
    }

    /// The rows that are out, in the order in which they left.
    pub fn iter_out(&self) -> impl Iterator<Item = usize> + '_ {
        self.fates.iter().map(|(row, _)| *row)
    }

    /// Sends a row to the dead letters.
    pub fn reject(&mut self, row: usize, rejection: Rejection) {
        self.leave(row, Fate::Rejected(rejection));
    }

    /// Takes a row out with a declared reason; it is counted, not published.
    pub fn skip(&mut self, row: usize, reason: impl Into<Arc<str>>) {
        self.leave(row, Fate::Skipped(reason.into()));
    }

    /// Takes on all fates of `other` but the first `from`.
    pub fn adopt(&mut self, other: &Self, from: usize) {
        other.fates[from..].iter().for_each(|(row, fate)| self.leave(*row, fate.clone()));
    }

    fn leave(&mut self, row: usize, fate: Fate) {
        if self.is_out.is_empty() {
            self.is_out.resize(self.len, false);
        }
        if !self.is_out[row] {
            self.is_out[row] = true;
            self.fates.push((row, fate));
        }
    }

    /// Every rejected row, in the order in which they were rejected.
    pub fn rejected(&self) -> impl Iterator<Item = (usize, &Rejection)> {
        self.fates.iter().filter_map(|(row, fate)| match fate {
            Fate::Rejected(rejection) => Some((*row, rejection)),
            Fate::Skipped(_) => None,
        })
    }

    /// Every skipped row with its reason.
    pub fn skipped(&self) -> impl Iterator<Item = (usize, &str)> {
        self.fates.iter().filter_map(|(row, fate)| match fate {
            Fate::Skipped(reason) => Some((*row, reason.as_ref())),
            Fate::Rejected(_) => None,
        })
    }
}
