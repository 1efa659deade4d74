//! The parser: whatever is written, it answers; what it writes, it reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::fuzz::answers_within;
use super::parse::{MAX_DEPTH, MAX_LENGTH, parse};
use super::tree::{Access, Argument, Expression, Kind, Name, Operator, Prefix};
use crate::nodes::pandas::{Op, Relation, Scalar};

fn at_no_place(kind: Kind) -> Expression {
    Expression { kind, span: 0..0 }
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        Just(Scalar::Null(())),
        any::<bool>().prop_map(Scalar::Bool),
        prop_oneof![any::<i64>(), -3..4_i64, Just(i64::MIN), Just(i64::MAX)].prop_map(Scalar::Int),
        any::<f64>().prop_filter("NaN equals nothing", |value| !value.is_nan()).prop_map(Scalar::Float),
        prop_oneof![".*", "[\\\\'\"`nxu0-9]{0,6}"].prop_map(Scalar::Text),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    let names = prop_oneof!["[a-z_][a-z0-9_]{0,5}", Just("and".to_owned()), Just("xdm:age".to_owned()), Just("é b".to_owned())];
    names.prop_map(|name| Name { name, span: 0..0 })
}

fn operator() -> impl Strategy<Value = Vec<Operator>> {
    use Op::{Add, Div, FloorDiv, Mod, Mul, Pow, Sub};
    use Operator::{And, Arithmetic, Compare, In, Is, IsNot, NotIn, Or};
    use Relation::{Eq, Ge, Gt, Le, Lt, Ne};
    let rank = |operators: &'static [Operator]| vec(proptest::sample::select(operators), 1..4);
    prop_oneof![
        rank(&[Or]),
        rank(&[And]),
        rank(&[Compare(Eq), Compare(Ne), Compare(Lt), Compare(Le), Compare(Gt), Compare(Ge), In, NotIn, Is, IsNot]),
        rank(&[Arithmetic(Add), Arithmetic(Sub)]),
        rank(&[Arithmetic(Mul), Arithmetic(Div), Arithmetic(FloorDiv), Arithmetic(Mod)]),
        // A power has one exponent, which may be a power.
        Just(vec![Arithmetic(Pow)]),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        scalar().prop_map(Kind::Literal),
        vec(name(), 1..4).prop_map(|path| Kind::Access(Box::new(Access { target: None, path, arguments: None }))),
    ];
    leaf.prop_map(at_no_place).prop_recursive(5, 48, 4, |inner| {
        let argument = (proptest::option::of(name()), inner.clone()).prop_map(|(name, value)| Argument { name, value }).boxed();
        let prefix = proptest::sample::select(&[Prefix::Minus, Prefix::Plus, Prefix::Invert, Prefix::Not][..]);
        let kind = prop_oneof![
            (prefix, inner.clone()).prop_map(|(prefix, operand)| Kind::Prefix(prefix, Box::new(operand))),
            (inner.clone(), operator(), vec(inner.clone(), 3))
                .prop_map(|(first, operators, operands)| { Kind::Chain(Box::new(first), operators.into_iter().zip(operands).collect()) }),
            [inner.clone(), inner.clone(), inner.clone()].prop_map(|parts| Kind::If(Box::new(parts))),
            vec(inner.clone(), 0..3).prop_map(Kind::List),
            (vec(name(), 1..3), vec(argument.clone(), 0..3)).prop_map(|(path, arguments)| Kind::Access(Box::new(Access {
                target: None,
                path,
                arguments: Some(arguments)
            }))),
            // A name before the dot would be a part of the path.
            (inner, vec(name(), 1..3), proptest::option::of(vec(argument, 0..3)))
                .prop_filter("a path goes on", |(target, _, _)| !is_path(target))
                .prop_map(|(target, path, arguments)| Kind::Access(Box::new(Access { target: Some(target), path, arguments }))),
        ];
        kind.prop_map(at_no_place)
    })
}

fn is_path(expression: &Expression) -> bool {
    matches!(&expression.kind, Kind::Access(access) if access.arguments.is_none())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_as_it_was(expression in expression()) {
        let text = expression.to_string();
        prop_assume!(text.len() <= MAX_LENGTH);
        let read = parse(&text).map_err(|mistake| TestCaseError::fail(format!("{text}: {mistake:?}")))?;
        prop_assert_eq!(read, expression, "{}", text);
    }

    #[test]
    fn any_text_has_an_answer_within_it(text in prop_oneof![
        ".*",
        vec(proptest::sample::select(&["a", " ", "1", ".", "(", ")", "[", "]", ",", "'", "\"", "`", "\\", "**", "not", "in", "is", "if", "then",
            "else", "=", "==", "<", "-", "&", "null", "1e", "0x", "é", "\n"][..]), 0..24).prop_map(|pieces| pieces.concat()),
    ]) {
        answers_within(&text);
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |open: &str, close: &str, depth: usize| format!("{}f(){}", open.repeat(depth), close.repeat(depth));
    let forms = [
        ("(", ")"),
        ("- ", ""),
        ("not ", ""),
        ("~", ""),
        ("[", "]"),
        ("f(", ")"),
        ("2 ** ", ""),
        ("if a then b else ", ""),
        ("if ", " then a else b"),
        ("(a + ", ")"),
        ("f().", ""),
        ("", ".g()"),
    ];
    for (open, close) in forms {
        for depth in [MAX_DEPTH + 1, 700, 100_000] {
            let text = nested(open, close, depth);
            let mistake = parse(&text).expect_err(&text[..text.len().min(60)]);
            assert!(mistake.message.contains("deeper") || mistake.message.contains("longer"), "{open}{close}: {mistake:?}");
        }
    }
    assert!(parse(&nested("(", ")", MAX_DEPTH - 1)).is_ok());
    assert!(parse(&nested("- ", "", MAX_DEPTH - 1)).is_ok());
    let long = format!("1{}", "+1".repeat((MAX_LENGTH - 1) / 2));
    assert!(parse(&long).is_ok());
    assert!(parse(&format!("{long}+1")).unwrap_err().message.contains("longer"));
}

#[test]
fn ranks_show_in_the_tree() {
    let cases = [
        ("a > 1 & b > 2 | c", "((a > 1) and (b > 2)) or c"),
        ("not a == b", "not (a == b)"),
        ("~a == b", "(~a) == b"),
        ("-2 ** 2", "-(2 ** 2)"),
        ("2 ** -1", "2 ** (-1)"),
        ("a ** b ** c", "a ** (b ** c)"),
        ("a - b - c * d", "a - b - (c * d)"),
        ("0 < a <= b", "0 < a <= b"),
        ("a not in (1, 2)", "a not in [1, 2]"),
        ("a is not null", "a is not null"),
        ("if a then b else if c then d else e", "if a then b else (if c then d else e)"),
        ("a.b.c(d, e=1).f", "a.b.c(d, e=1).f"),
        ("-1 - -1", "(-1) - (-1)"),
        ("- 1 + -inf", "(-1) + (-inf)"),
        ("-(1) + (2).abs()", "(-(1)) + (2).abs()"),
        ("f(-x, [1,])", "f(-x, [1])"),
    ];
    for (text, tree) in cases {
        assert_eq!(parse(text).unwrap().to_string(), tree, "{text}");
    }
}
