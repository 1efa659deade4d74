//! The reference page of the language.

use super::function::{FUNCTIONS, OWN};
use crate::nodes::pandas::operations;

/// Operations that are NumPy's.
const NUMPY: [&str; 9] = ["log", "log10", "log2", "log1p", "exp", "expm1", "sqrt", "floor", "ceil"];

const LANGUAGE: &str = "# Expressions

The language of FieldTrans, of a Processor's `where` and of the Pandas node's `assign`, `eval` and `query`. This page is generated from the
program's definitions; [pandas-differences.md](pandas-differences.md) says where the language differs from `pandas.eval`.

| written | meaning |
| --- | --- |
| `12`, `1.5`, `1e3`, `inf`, `nan` | numbers |
| `'text'`, `\"text\"` | text, with Python's escapes for quotes, the backslash, `\\n`, `\\r`, `\\t`, `\\x`, `\\u` and `\\U`; any other backslash stays, for regular expressions |
| `true`, `false`, `null` | constants; Python's `True`, `False`, `None` too |
| `age`, `person.age`, `` `xdm:age` `` | columns; in backticks where the name is no plain word |

Operators, from loose to tight:

| written | meaning |
| --- | --- |
| `if c then a else b` | `a` where `c` holds, `b` elsewhere |
| `a or b`, `a \\| b` | one of them holds; null does not hold |
| `a and b`, `a & b` | both hold |
| `not a` | `a` does not hold |
| `a < b`, `<=`, `>`, `>=`, `==`, `!=` | comparison, false for null (`!=` true); `0 < a <= 1` holds where both do |
| `a in [1, 2]`, `a not in [..]` | whether it is one of some constants |
| `a is null`, `a is not null` | whether it is null |
| `a + b`, `a - b` | sum, difference; of texts one after the other |
| `a * b`, `a / b`, `a // b`, `a % b` | product, quotient, quotient rounded down, what that leaves |
| `-a`, `+a`, `~a` | negative, same, `not` |
| `a ** b` | power |

A part of `if`, `where`, `and`, `or` or `coalesce` that cannot convert a row's value rejects the row only where the part decides: in
`if x is null then 0 else int(x)` a null is 0.

## Functions

Arguments behind the value are constants, in this order or by name (`contains(city, 'graz', case=false)`); further ones are those of the
pandas operation. A call may stand behind its value too, as pandas writes it: `age.clip(0, 2)`, `city.str.upper()`, `at.dt.year`.

| call | as pandas writes it | meaning |
| --- | --- | --- |
";

/// The reference page of expressions, as Markdown.
pub fn reference() -> String {
    let mut page = String::from(LANGUAGE);
    for function in FUNCTIONS {
        let Some(operation) = operations().find(|operation| operation.name() == function.operation) else { continue };
        let parameters = function.parameters.join(", ");
        let separator = if parameters.is_empty() { "" } else { ", " };
        let method = match (function.implied, function.operation) {
            (Some((kwarg, value)), operation) => format!("`x.{operation}({kwarg}='{value}')`"),
            (None, operation) if NUMPY.contains(&operation) => format!("`{operation}(x)` of NumPy"),
            (None, operation) if operation.starts_with("to_") => format!("`pandas.{operation}(x{separator}{parameters})`"),
            (None, operation) if operation.starts_with("dt.") && operation != "dt.normalize" => format!("`x.{operation}`"),
            (None, operation) => format!("`x.{operation}({parameters})`"),
        };
        page.push_str(&format!("| `{}(x{separator}{parameters})` | {method} | {} |\n", function.name, operation.summary()));
    }
    for (_, call, summary) in OWN {
        page.push_str(&format!("| `{call}` | | {summary} |\n"));
    }
    page
}
