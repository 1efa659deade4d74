//! The stable codes of diagnostics.

/// Declares the codes once: the enum, their text, the list of all.
macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $text:literal,)*) => {
        /// A diagnostic's stable code, such as `E0101`; written in messages, the key of its page, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$meta])* $name,)*
        }

        impl Code {
            /// Every code, ascending.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as users see it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The file cannot be read.
    Unreadable = "E0001",
    /// The file is not YAML or JSON.
    Syntax = "E0002",
    /// A key that the schema does not have.
    UnknownKey = "E0003",
    /// A required key is missing.
    MissingKey = "E0004",
    /// A value has the wrong type or form.
    WrongValue = "E0005",
    /// An environment variable is not set.
    UnsetVariable = "E0006",
    /// A key appears twice.
    DuplicateKey = "E0007",
    /// A node type that does not exist.
    UnknownNodeType = "E0101",
    /// Two nodes with one id.
    DuplicateNode = "E0102",
    /// An edge to or from a node that does not exist.
    UnknownNode = "E0103",
    /// The graph has a cycle.
    Cycle = "E0104",
    /// A node that no event can reach.
    Unreachable = "E0105",
    /// A graph that asks no model, or leaves nothing of its answer to publish.
    NoModel = "E0106",
    /// An operation that does not exist or is refused.
    UnknownOperation = "E0107",
    /// A node whose columns nothing that is published needs.
    UnusedNode = "E0108",
    /// A node, or a part of it, that does nothing in a scorer.
    Idle = "E0109",
    /// A column that no earlier node makes.
    UnknownColumn = "E0201",
    /// Two parents bring different columns of one name.
    AmbiguousColumn = "E0202",
    /// An operation cannot take a column of this type.
    TypeMismatch = "E0203",
    /// The answer would depend on the batch and is not frozen.
    NotFrozen = "E0204",
    /// A null can reach a place that cannot take one.
    NullReaches = "E0205",
    /// An expression is not one of the language.
    Expression = "E0206",
    /// The frozen statistics were fitted for another graph or another pandas.
    StaleStatistics = "E0207",
    /// The dataset schema cannot be used.
    Schema = "E0301",
    /// The model cannot be found or loaded.
    Model = "E0401",
    /// The features do not fit the model's inputs.
    ModelSignature = "E0402",
    /// Librdkafka refuses a property.
    KafkaProperty = "E0501",
    /// The graph makes other values of a golden case than training did.
    GoldenDiverges = "E0601",
    /// The golden cases do not fit the graph, or their file cannot be used.
    GoldenMisfit = "E0602",
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
