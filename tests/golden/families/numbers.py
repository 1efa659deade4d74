"""Arithmetic, NumPy's functions of one number, rounding."""

import numpy as np
import pandas as pd
from case import Case, bools, floats, ints, on_pair, rng, series_case, texts
from draw import FLOATS, NUMBERS, WHOLE, Call, Draw

OPERATIONS = ["add", "sub", "mul", "div", "truediv", "floordiv", "mod", "radd", "rsub", "rmul", "rdiv", "rtruediv", "rfloordiv", "rmod"]


def arithmetic() -> list[Case]:
    cases = []
    left, right = floats("ar_a", 60), floats("ar_b", 60)
    pair = pd.DataFrame({"a": left, "b": right.sample(frac=1, random_state=3).reset_index(drop=True)})
    whole = pd.DataFrame({"a": ints("ar_c", 60, edge=False, low=-9, high=9), "b": ints("ar_d", 60, edge=False, low=-4, high=5)})
    mixed = pd.DataFrame({"a": whole["a"], "b": floats("ar_e", 60, edge=False, scale=3)})
    narrow = pd.DataFrame({"a": floats("ar_f", 60, edge=False).astype("float32"), "b": floats("ar_g", 60, edge=False).astype("float32")})
    halves = pd.DataFrame({"a": ints("ar_h", 60, edge=False).astype("int32"), "b": ints("ar_i", 60, edge=False, low=1, high=9)})
    for operation in OPERATIONS:
        method = lambda s, o, n=operation: getattr(s, n)(o)  # noqa: E731
        # The methods of two Series leave out what the operators do for zeros; caz has the operators' answers.
        pairwise = {
            "floordiv": lambda a, b: (a // b).astype("float64"),
            "mod": lambda a, b: a % b,
            "rfloordiv": lambda a, b: (b // a).astype("float64"),
            "rmod": lambda a, b: b % a,
        }
        both = pairwise.get(operation, method)
        for value in [2, 3, -2, 0.5, 0, 1.7, -0.0]:
            kwargs = {"other": value}
            cases.append(series_case(operation, floats(operation, 30), kwargs, lambda s, v=value, m=method: m(s, v)))
            series = pd.concat([ints(operation, 20, low=-20, high=20), pd.Series([0])], ignore_index=True)
            cases.append(series_case(operation, series, kwargs, lambda s, v=value, m=method: m(s, v)))
        # With a zero among the divisors pandas answers in floats, as caz always does.
        for df in [pair, mixed, narrow] + ([whole, halves] if "div" not in operation and "mod" not in operation else []):
            other = {"other": {"column": "b"}}
            cases.append(on_pair(operation, df, other, lambda df, m=both: m(df["a"], df["b"])))
        if operation in {"floordiv", "mod"}:
            zeros = pd.DataFrame({"a": [7, -7, 0, 5, -1], "b": [0, 2, 0, -3, 0]})
            cases.append(on_pair(operation, zeros, {"other": {"column": "b"}}, lambda df, m=both: m(df["a"], df["b"])))
    # True division is of floats: the constant may be beyond the column's type.
    for operation in ["div", "truediv", "rdiv", "rtruediv"]:
        for kind, value in [("int8", 3 * 10**9), ("uint8", -1), ("int16", -(2**63)), ("int32", 3 * 10**9), ("uint64", -7)]:
            series = ints("ar_n", 20, edge=False, low=0, high=99).astype(kind)
            cases.append(series_case(operation, series, {"other": value}, lambda s, v=value, n=operation: getattr(s, n)(v)))
    words = pd.DataFrame({"a": texts("ar_t", 40), "b": texts("ar_u", 40)})
    cases.append(on_pair("add", words, {"other": {"column": "b"}}, lambda df: df["a"] + df["b"]))
    cases.append(series_case("add", words["a"], {"other": "_ß"}, lambda s: s + "_ß"))
    cases.append(series_case("radd", words["a"], {"other": "ß_"}, lambda s: "ß_" + s))
    cases.append(series_case("add", bools("ar_v", 20), {"other": 1}, lambda s: s + 1))
    cases.append(series_case("mul", bools("ar_w", 20), {"other": 2.5}, lambda s: s * 2.5))
    # No column sees what becomes of another one of the same call.
    for into in [["b", "a"], ["b", "c"]]:
        run = lambda df, names=into: df.assign(**dict(zip(names, [df["a"] + 1, df["b"] + 1], strict=True)))  # noqa: E731
        cases.append(Case({"import": "add", "cols": ["a", "b"], "into": into, "kwargs": {"other": 1}}, pair, run))
    return cases


def math() -> list[Case]:
    cases = []
    wide = pd.Series(
        np.concatenate([rng("math").normal(0, 1, 300), 10.0 ** rng("math2").uniform(-300, 300, 300), rng("math3").uniform(-700, 700, 200)])
    )
    wide = pd.concat([wide, floats("math", 40)], ignore_index=True)
    whole = ints("math", 60, low=0, high=1000)
    for name in ["sqrt", "floor", "ceil", "abs"]:
        call = lambda s, n=name: getattr(np, n)(s)  # noqa: E731
        cases.append(series_case(name, wide, {}, call))
        cases.append(series_case(name, wide.astype("float32"), {}, call))
    cases.append(series_case("sqrt", whole, {}, np.sqrt))
    for kind in ["int64", "int32", "int8"]:
        cases.append(series_case("abs", whole.astype(kind), {}, lambda s: s.abs()))
    for exponent in [2, 0.5, -1, 1, 0]:
        cases.append(series_case("pow", floats(f"pow{exponent}", 60), {"other": exponent}, lambda s, e=exponent: s.pow(e)))
    for exponent in [0, 1, 2, 3, 10]:
        kwargs = {"other": exponent}
        cases.append(series_case("pow", ints("pow", 60, low=-20, high=20), kwargs, lambda s, e=exponent: s.pow(e)))
    whole_powers = pd.DataFrame({"a": ints("pow_a", 60, edge=False, low=-9, high=9), "b": ints("pow_b", 60, edge=False, low=0, high=70)})
    cases.append(on_pair("pow", whole_powers, {"other": {"column": "b"}}, lambda df: df["a"] ** df["b"]))
    narrow = pd.concat([floats("pow32", 60), pd.Series([900.9006, 772.4133])], ignore_index=True).astype("float32")
    for exponent in [2, 0.5, -1, 1, 0]:
        cases.append(series_case("pow", narrow, {"other": exponent}, lambda s, e=exponent: s.pow(e)))
    # Beyond 63 bits.
    unsigned = pd.DataFrame({"a": ints("pow_u", 20).astype("uint64"), "b": ints("pow_v", 20)[::-1].reset_index(drop=True).astype("uint64")})
    cases.append(on_pair("pow", unsigned, {"other": {"column": "b"}}, lambda df: df["a"] ** df["b"]))
    cases.append(on_pair("rpow", unsigned, {"other": 3}, lambda df: 3 ** df["a"]))
    mixed = pd.DataFrame({"f": floats("round_f", 20, edge=False), "i": ints("round_i", 20, edge=False), "b": bools("round_b", 20),
                          "t": texts("round_t", 20, edge=False)})  # fmt: skip
    for kind in ["int32", "int16", "int8", "uint8"]:
        mixed[kind] = ints(kind, 20, edge=False).astype(kind)
    for decimals in [-1, -2, 1]:
        cases.append(Case({"import": "round", "kwargs": {"decimals": decimals}}, mixed, lambda df, d=decimals: df.round(d)))
        for kind in ["int32", "int16", "int8", "uint8"]:
            series = ints(f"round{kind}", 30).astype(kind)
            cases.append(series_case("round", series, {"decimals": decimals}, lambda s, d=decimals: s.round(d)))
        unsigned_round = pd.Series([2**64 - 2**20, 2**63 + 15, 2**63, 15, 25, 0], dtype="uint64")
        cases.append(series_case("round", unsigned_round, {"decimals": decimals}, lambda s, d=decimals: s.round(d)))
    for decimals in [0, 1, 2, 3, 6, 12, -1, -2, 25]:
        kwargs = {"decimals": decimals}
        cases.append(series_case("round", floats(f"round{decimals}", 60), kwargs, lambda s, k=kwargs: s.round(**k)))
        halves = pd.Series([0.5, 1.5, 2.5, -0.5, 0.25, 0.35, 2.675, 1.005, 1e15 + 0.5, 15.0, 25.0, 1250.0, -1350.0, 5e-7])
        cases.append(series_case("round", halves, kwargs, lambda s, k=kwargs: s.round(**k)))
        cases.append(
            series_case("round", floats(f"r32{decimals}", 60, edge=False).astype("float32"), kwargs, lambda s, k=kwargs: s.round(**k))
        )
        cases.append(series_case("round", ints(f"round{decimals}", 30, edge=False), kwargs, lambda s, k=kwargs: s.round(**k)))
    return cases


def transcendental() -> list[Case]:
    """Functions whose last bit depends on the machine's mathematics library."""
    cases = []
    random = rng("transcendental")
    wide = pd.Series(np.concatenate([random.normal(0, 1, 400), 10.0 ** random.uniform(-300, 300, 400), random.uniform(-700, 700, 400)]))
    wide = pd.concat([wide, floats("transcendental", 40)], ignore_index=True)
    pair = pd.DataFrame({"a": random.uniform(0, 50, 300), "b": random.uniform(-20, 20, 300)})
    for name in ["pow", "rpow"]:
        cases.append(series_case(name, pair["a"].rename("x"), {"other": 1.7}, lambda s, n=name: getattr(s, n)(1.7)))
        other = {"other": {"column": "b"}}
        params = {
            "import": name,
            "cols": "a" if name == "pow" else "b",
            "into": "r",
            "kwargs": other if name == "pow" else {"other": {"column": "a"}},
        }
        cases.append(Case(params, pair, lambda df: df.assign(r=df["a"] ** df["b"])))
    for name in ["log", "log10", "log2", "log1p", "exp", "expm1"]:
        cases.append(series_case(name, wide, {}, lambda s, n=name: getattr(np, n)(s)))
        cases.append(series_case(name, ints(name, 60, low=0, high=600, edge=False), {}, lambda s, n=name: getattr(np, n)(s)))
    return cases


OPERATORS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "truediv": lambda a, b: a / b,
    "floordiv": lambda a, b: a // b, "mod": lambda a, b: a % b, "pow": lambda a, b: a**b,
}  # fmt: skip
OPERATORS |= {f"r{name}": (lambda a, b, of=operator: of(b, a)) for name, operator in OPERATORS.items()}


def draw_arithmetic(name: str):
    operator = OPERATORS[name]
    plain = name.removeprefix("r")
    divides = plain in ("floordiv", "mod")

    def draw(d: Draw) -> Call:
        if plain == "add" and d.chance(0.2):
            return draw_text(d)
        column = d.column(*(NUMBERS if plain == "pow" else (*NUMBERS, "bool")), nulls=None)
        if d.kind(column) == "bool" and name == "rmod":
            # pandas does not see that False is zero.
            return draw(d)
        if d.kind(column) == "bool":
            d.frame[column] = d.frame[column].fillna(False).astype(bool)
        whole = d.kind(column) in WHOLE
        if d.chance(0.5):
            value = constant(d, plain, whole)
            safe = name in ("floordiv", "mod") and value != 0
            # What a division by zero makes of integers is no integer: caz answers floats where the divisor may be zero.
            widen = divides and not safe and (isinstance(value, int) or plain == "floordiv")
            widen = widen and (d.kind(column) in (*WHOLE, "bool") or plain == "floordiv")
            return d.on(column, {"other": value}, lambda s: operator(s, value).astype("float64") if widen else operator(s, value))
        other = d.column(*NUMBERS)
        both = d.kind(column) in (*WHOLE, "bool") and d.kind(other) in WHOLE
        if plain == "pow" and both:
            base, exponent = (column, other) if name == "pow" else (other, column)
            d.frame[exponent] = (d.frame[exponent] % 6).astype(d.frame[exponent].dtype)
            if d.chance(0.2):
                d.frame.loc[0, exponent] = -1
        widen = plain == "floordiv" or (divides and both)
        run = lambda df: operator(df[column], df[other]).astype("float64") if widen else operator(df[column], df[other])  # noqa: E731
        return d.on_frame(column, {"other": {"column": other}}, run)

    def draw_text(d: Draw) -> Call:
        column = d.column("text")
        if d.chance(0.5):
            value = d.text()
            return d.on(column, {"other": value}, lambda s: operator(s, value))
        other = d.column("text")
        return d.on_frame(column, {"other": {"column": other}}, lambda df: operator(df[column], df[other]))

    return draw


def constant(d: Draw, plain: str, whole: bool) -> float | int:
    if plain == "pow":
        return d.whole(0, 6) if whole else d.one([2, 0.5, -1, 3, -2, 0, 1, 1.7, -0.5, 2.0])
    return d.one([d.number(), d.number(), 0, 1, 2, -1, 0.5, -0.0])


def draw_function(name: str):
    def draw(d: Draw) -> Call:
        column = d.column(*FLOATS, "int64", "int32") if name != "abs" else d.column(*NUMBERS)
        if name in ("exp", "expm1") and d.kind(column) in FLOATS and d.chance(0.7):
            d.frame[column] = d.frame[column] % 700
        return d.on(column, {}, lambda s: getattr(np, name)(s))

    return draw


def draw_round(d: Draw) -> Call:
    column = d.column(*FLOATS, *WHOLE)
    kwargs = {"decimals": d.whole(-3, 7)} if d.chance(0.8) else {}
    return d.on(column, kwargs, lambda s: s.round(**kwargs))


FUNCTIONS = ["abs", "log", "log10", "log2", "log1p", "exp", "expm1", "sqrt", "floor", "ceil"]
EDGES = {"arithmetic": arithmetic, "math": math, "transcendental": transcendental}
DRAWS = {
    "arithmetic": {name: draw_arithmetic(name) for name in OPERATORS if "pow" not in name},
    "math": {**{name: draw_function(name) for name in ["abs", "sqrt", "floor", "ceil"]}, "round": draw_round},
    "transcendental": {
        **{name: draw_function(name) for name in FUNCTIONS if name not in ("abs", "sqrt", "floor", "ceil")},
        **{name: draw_arithmetic(name) for name in ["pow", "rpow"]},
    },
}
