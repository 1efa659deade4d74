//! Operations that pandas has and a row-wise scorer refuses, each with its reason and what to use instead.

/// Why an operation is refused, and the alternative.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// Its names.
    pub names: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
    /// What to use instead.
    pub instead: &'static str,
}

const OTHER_ROWS: &str = "its answer for a row depends on other rows";

const REFUSED: &[Refusal] = &[
    Refusal {
        names: &["apply", "applymap", "lambda", "pipe", "transform", "agg", "aggregate"],
        reason: "it runs a Python function, and a graph holds none",
        instead: "write it with `map`, `where`, arithmetic or comparison, or in a FieldTrans expression",
    },
    Refusal {
        names: &["groupby", "resample", "pivot", "pivot_table", "value_counts", "melt", "stack", "unstack", "describe"],
        reason: OTHER_ROWS,
        instead: "aggregate before training and join the result to the event, write it into the graph with `map`, or group rare values with `top_k`",
    },
    Refusal {
        names: &["merge", "join", "concat", "append", "merge_asof"],
        reason: "a graph joins nodes by edges, and an event brings all its data",
        instead: "give the node two parents, or enrich the event before it is published",
    },
    Refusal {
        names: &["sort_values", "sort_index", "nlargest", "nsmallest", "head", "tail"],
        reason: OTHER_ROWS,
        instead: "leave it out: each event is scored by itself, and the output keeps the order of its partition",
    },
    Refusal {
        names: &["rolling", "expanding", "ewm", "shift", "diff", "pct_change", "cumsum", "cumprod", "cummax", "cummin", "cumcount"],
        reason: OTHER_ROWS,
        instead: "compute windows where the stream has state, such as Kafka Streams or Flink, and publish them as fields of the event",
    },
    Refusal { names: &["rank"], reason: OTHER_ROWS, instead: "sort the values into intervals of the training data with `qcut`" },
    Refusal {
        names: &["ffill", "bfill", "pad", "backfill", "interpolate"],
        reason: "it fills a row from its neighbours",
        instead: "use `fillna` with a constant or with `{frozen: median}`",
    },
    Refusal {
        names: &["sample"],
        reason: "its answer is random",
        instead: "use a Processor node with a condition on a field, such as a hash of the key",
    },
    Refusal {
        names: &["drop_duplicates", "duplicated", "unique", "nunique"],
        reason: OTHER_ROWS,
        instead: "remove duplicates before the topic, or by key where the scores are stored",
    },
    Refusal {
        names: &["dt.date", "dt.time", "dt.strftime"],
        reason: "it makes Python objects",
        instead: "use `dt.normalize` for the day, or the parts that you need",
    },
    Refusal {
        names: &["dt.tz_convert", "dt.tz_localize"],
        reason: "what a zone's clock shows follows from tables that change",
        instead: "let the event bring the local time, or add a fixed offset: `astype` to int64, `add` nanoseconds, `to_datetime`",
    },
    Refusal {
        names: &["dt.total_seconds"],
        reason: "no column holds a time difference",
        instead: "`astype` both times to int64 and subtract them: nanoseconds",
    },
    Refusal {
        names: &["sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2"],
        reason: "there is no trigonometry in a graph",
        instead: "write the few values of a cyclic hour or month with `map`, or compute it in the ONNX file",
    },
    Refusal {
        names: &["str.get", "str.join", "explode"],
        reason: "a list is taken by a model only, as the whole of one input",
        instead: "use `str.split` or `str.slice` for the parts of a text; let the event bring an element in a field of its own",
    },
];

/// Every operation that is refused, for the reference pages.
pub fn refusals() -> &'static [Refusal] {
    REFUSED
}

/// The refusal of an operation, if it is refused.
pub(in crate::nodes) fn refusal(name: &str) -> Option<&'static Refusal> {
    REFUSED.iter().find(|refusal| refusal.names.contains(&name))
}
