//! The stable codes of diagnostics.

/// A diagnostic's stable code, such as `E0101`; written in messages, searched for in the documentation, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Code {
    /// E0001: the file cannot be read.
    Unreadable,
    /// E0002: the file is not YAML or JSON.
    Syntax,
    /// E0003: a key that the schema does not have.
    UnknownKey,
    /// E0004: a required key is missing.
    MissingKey,
    /// E0005: a value has the wrong type or form.
    WrongValue,
    /// E0006: an environment variable is not set.
    UnsetVariable,
    /// E0007: a key appears twice.
    DuplicateKey,
    /// E0101: a node type that does not exist.
    UnknownNodeType,
    /// E0102: two nodes with one id.
    DuplicateNode,
    /// E0103: an edge to or from a node that does not exist.
    UnknownNode,
    /// E0104: the graph has a cycle.
    Cycle,
    /// E0105: a node that no event can reach.
    Unreachable,
    /// E0106: a graph without an ONNX node.
    NoModel,
    /// E0107: an operation that does not exist or is refused.
    UnknownOperation,
    /// E0108: a node whose answer no output and no other node uses.
    UnusedNode,
    /// E0201: a column that no earlier node makes.
    UnknownColumn,
    /// E0202: two parents bring different columns of one name.
    AmbiguousColumn,
    /// E0203: an operation cannot take a column of this type.
    TypeMismatch,
    /// E0204: the answer would depend on the batch and is not frozen.
    NotFrozen,
    /// E0205: a null can reach a place that cannot take one.
    NullReaches,
    /// E0301: the dataset schema cannot be used.
    Schema,
    /// E0401: the model cannot be found or loaded.
    Model,
    /// E0402: the features do not fit the model's inputs.
    ModelSignature,
    /// E0501: librdkafka refuses a property.
    KafkaProperty,
}

impl Code {
    /// The code as users see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "E0001",
            Self::Syntax => "E0002",
            Self::UnknownKey => "E0003",
            Self::MissingKey => "E0004",
            Self::WrongValue => "E0005",
            Self::UnsetVariable => "E0006",
            Self::DuplicateKey => "E0007",
            Self::UnknownNodeType => "E0101",
            Self::DuplicateNode => "E0102",
            Self::UnknownNode => "E0103",
            Self::Cycle => "E0104",
            Self::Unreachable => "E0105",
            Self::NoModel => "E0106",
            Self::UnknownOperation => "E0107",
            Self::UnusedNode => "E0108",
            Self::UnknownColumn => "E0201",
            Self::AmbiguousColumn => "E0202",
            Self::TypeMismatch => "E0203",
            Self::NotFrozen => "E0204",
            Self::NullReaches => "E0205",
            Self::Schema => "E0301",
            Self::Model => "E0401",
            Self::ModelSignature => "E0402",
            Self::KafkaProperty => "E0501",
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
