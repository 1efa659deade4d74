//! The functions of expressions: pandas operations under short names, and a few that pandas has in no expression.

/// A pandas operation as a function of its column: `lower(city)` is `city.str.lower()`.
pub(super) struct Function {
    /// Its name.
    pub(super) name: &'static str,
    /// The operation.
    pub(super) operation: &'static str,
    /// The keyword arguments that stand behind the column without their names, in pandas' order.
    pub(super) parameters: &'static [&'static str],
    /// A keyword argument that the name implies.
    pub(super) implied: Option<(&'static str, &'static str)>,
}

const fn function(name: &'static str, operation: &'static str, parameters: &'static [&'static str]) -> Function {
    Function { name, operation, parameters, implied: None }
}

const fn same(name: &'static str, parameters: &'static [&'static str]) -> Function {
    function(name, name, parameters)
}

const fn conversion(name: &'static str) -> Function {
    Function { name, operation: "astype", parameters: &[], implied: Some(("dtype", name)) }
}

/// Every function that is a pandas operation.
pub(super) const FUNCTIONS: &[Function] = &[
    same("abs", &[]),
    same("log", &[]),
    same("log10", &[]),
    same("log2", &[]),
    same("log1p", &[]),
    same("exp", &[]),
    same("expm1", &[]),
    same("sqrt", &[]),
    same("floor", &[]),
    same("ceil", &[]),
    same("round", &["decimals"]),
    same("clip", &["lower", "upper"]),
    same("between", &["left", "right", "inclusive"]),
    same("isin", &["values"]),
    same("isna", &[]),
    same("isnull", &[]),
    same("notna", &[]),
    same("notnull", &[]),
    same("fillna", &["value"]),
    same("astype", &["dtype"]),
    conversion("int"),
    conversion("float"),
    conversion("str"),
    conversion("bool"),
    function("cast", "astype", &["dtype"]),
    same("to_numeric", &["errors"]),
    same("to_datetime", &["format"]),
    function("lower", "str.lower", &[]),
    function("upper", "str.upper", &[]),
    function("strip", "str.strip", &["to_strip"]),
    function("lstrip", "str.lstrip", &["to_strip"]),
    function("rstrip", "str.rstrip", &["to_strip"]),
    function("len", "str.len", &[]),
    function("contains", "str.contains", &["pat", "case"]),
    function("startswith", "str.startswith", &["pat", "na"]),
    function("endswith", "str.endswith", &["pat", "na"]),
    function("replace", "str.replace", &["pat", "repl", "n", "case"]),
    function("slice", "str.slice", &["start", "stop"]),
    function("zfill", "str.zfill", &["width"]),
    function("extract", "str.extract", &["pat"]),
    function("year", "dt.year", &[]),
    function("month", "dt.month", &[]),
    function("day", "dt.day", &[]),
    function("hour", "dt.hour", &[]),
    function("minute", "dt.minute", &[]),
    function("second", "dt.second", &[]),
    function("microsecond", "dt.microsecond", &[]),
    function("nanosecond", "dt.nanosecond", &[]),
    function("dayofweek", "dt.dayofweek", &[]),
    function("weekday", "dt.weekday", &[]),
    function("dayofyear", "dt.dayofyear", &[]),
    function("quarter", "dt.quarter", &[]),
    function("days_in_month", "dt.days_in_month", &[]),
    function("is_month_start", "dt.is_month_start", &[]),
    function("is_month_end", "dt.is_month_end", &[]),
    function("is_leap_year", "dt.is_leap_year", &[]),
    function("normalize", "dt.normalize", &[]),
];

/// Functions of the language's own: how they are called, and what they do.
pub(super) const OWN: &[(&str, &str, &str)] = &[
    (
        "where",
        "where(condition, one, another)",
        "One value where a condition holds, another elsewhere; as `if condition then one else another`",
    ),
    ("coalesce", "coalesce(x, y, ...)", "The first value that is not null"),
    ("min", "min(x, y, ...)", "The least value of the row; null only where all are"),
    ("max", "max(x, y, ...)", "The greatest value of the row; null only where all are"),
    ("split_part", "split_part(x, separator, part)", "One of the parts between separators, counted from 0; null where there are fewer"),
];
