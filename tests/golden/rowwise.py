"""Cases of the operations that work on each value by itself: missing values, comparison, arithmetic, conditions, columns."""

import numpy as np
import pandas as pd
from case import Case, bools, floats, ints, rng, series_case, texts, times

INF = np.inf


def on_pair(operation: str, df: pd.DataFrame, kwargs: dict, call) -> Case:
    """A method of column `a`, whose answer goes into column `r`."""
    params = {"import": operation, "cols": "a", "into": "r", "kwargs": kwargs}
    return Case(params, df, lambda df: df.assign(r=call(df)))


def missing() -> list[Case]:
    cases = []
    category = pd.Series(pd.Categorical(["a", None, "b"] * 20, categories=["a", "b"]))
    kinds = [floats("na", 60), texts("na", 60), ints("na", 20), bools("na", 30, nulls=True), times("na", 40, nulls=True), category,
             floats("na32", 40).astype("float32")]  # fmt: skip
    for name in ["isna", "isnull", "notna", "notnull"]:
        cases += [series_case(name, series, {}, lambda s, n=name: getattr(s, n)()) for series in kinds]
    df = pd.DataFrame(
        {"a": floats("da", 60, edge=False, nulls=0.4), "b": texts("db", 60, edge=False, nulls=0.4), "c": ints("dc", 60, edge=False)}
    )
    cases.append(Case({"import": "isna"}, df, lambda df: df.isna()))
    for kwargs in [{}, {"how": "any"}, {"how": "all"}, {"subset": ["a"]}, {"subset": "b"}, {"subset": ["a", "b"],
                   "how": "all"}, {"thresh": 2},
                   {"thresh": 3}, {"subset": ["a", "c"], "thresh": 1}, {"subset": ["c"]}]:  # fmt: skip
        cases.append(Case({"import": "dropna", "kwargs": kwargs}, df, lambda df, k=kwargs: df.dropna(**k)))
    return cases


def compare() -> list[Case]:
    cases = []
    relations = ["eq", "ne", "lt", "le", "gt", "ge"]
    pair = pd.DataFrame({"a": floats("ca", 60), "b": floats("cb", 60)})
    mixed = pd.DataFrame({"a": ints("ca", 60, low=-3, high=3), "b": pd.Series(rng("cb").choice([-1.5, -1.0, 0.0, 1.0, 2.0, np.nan], 78))})
    whole = pd.DataFrame({"a": ints("cc", 60, low=-3, high=3), "b": ints("cd", 60, low=-3, high=3)})
    # pandas tells None from NaN here; a null of caz is NaN.
    words = pd.DataFrame({"a": texts("ce", 60), "b": texts("cf", 60)}).fillna(np.nan)
    clean = words.fillna("none")
    stamps = pd.DataFrame({"a": times("cg", 40, True), "b": times("ch", 40, True)})
    when = "2000-02-29T12:00:00Z"
    for relation in relations:
        for value in [0, 1.5, -1, 7]:
            cases.append(series_case(relation, floats(relation, 30), {"other": value}, lambda s, r=relation, v=value: getattr(s, r)(v)))
            cases.append(series_case(relation, ints(relation, 20), {"other": value}, lambda s, r=relation, v=value: getattr(s, r)(v)))
        for df in [pair, mixed, whole, stamps, clean]:
            cases.append(on_pair(relation, df, {"other": {"column": "b"}}, lambda df, r=relation: getattr(df["a"], r)(df["b"])))
        cases.append(series_case(relation, clean["a"], {"other": "a"}, lambda s, r=relation: getattr(s, r)("a")))
        run = lambda s, r=relation: getattr(s, r)(pd.Timestamp(when))  # noqa: E731
        cases.append(series_case(relation, times("ci", 40, True), {"other": when}, run))
    for relation in ["eq", "ne"]:
        cases.append(on_pair(relation, words, {"other": {"column": "b"}}, lambda df, r=relation: getattr(df["a"], r)(df["b"])))
        cases.append(series_case(relation, words["a"], {"other": "ß"}, lambda s, r=relation: getattr(s, r)("ß")))
        cases.append(series_case(relation, bools("cj", 20), {"other": True}, lambda s, r=relation: getattr(s, r)(True)))
        category = pd.Series(pd.Categorical(["a", None, "b"] * 5, categories=["a", "b"]))
        cases.append(series_case(relation, category, {"other": "b"}, lambda s, r=relation: getattr(s, r)("b")))
    for inclusive in ["both", "neither", "left", "right"]:
        kwargs = {"left": -1, "right": 2.5, "inclusive": inclusive}
        for series in [floats("between", 60), ints("between", 60)]:
            cases.append(series_case("between", series, kwargs, lambda s, k=kwargs: s.between(**k)))
        spans = {"left": "a", "right": "éz", "inclusive": inclusive}
        cases.append(series_case("between", clean["a"], spans, lambda s, k=spans: s.between(**k)))
    cases.append(on_pair("between", pair, {"left": {"column": "b"}, "right": 10}, lambda df: df["a"].between(df["b"], 10)))
    for values in [["a", "", "vw"], ["null", None], [1, 2], []]:
        python = [np.nan if value is None else value for value in values]
        cases.append(series_case("isin", texts("isin", 40), {"values": values}, lambda s, v=python: s.fillna(np.nan).isin(v)))
    for values in [[0, 1, 2.5], [1.0, "nan"], ["1", "0"], [-1, 10**300]]:
        python = [np.nan if value == "nan" else value for value in values]
        cases.append(series_case("isin", floats("isin", 40), {"values": values}, lambda s, v=python: s.isin(v)))
    for values in [[0, 1, 7], [1.0, 2.5], ["1"], [2**53 + 1, 2**63 - 1]]:
        cases.append(series_case("isin", ints("isin", 40), {"values": values}, lambda s, v=values: s.isin(v)))
    return cases


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
            "floordiv": lambda a, b: a // b,
            "mod": lambda a, b: a % b,
            "rfloordiv": lambda a, b: b // a,
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
    words = pd.DataFrame({"a": texts("ar_t", 40), "b": texts("ar_u", 40)})
    cases.append(on_pair("add", words, {"other": {"column": "b"}}, lambda df: df["a"] + df["b"]))
    cases.append(series_case("add", words["a"], {"other": "_ß"}, lambda s: s + "_ß"))
    cases.append(series_case("radd", words["a"], {"other": "ß_"}, lambda s: "ß_" + s))
    cases.append(series_case("add", bools("ar_v", 20), {"other": 1}, lambda s: s + 1))
    cases.append(series_case("mul", bools("ar_w", 20), {"other": 2.5}, lambda s: s * 2.5))
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


def condition() -> list[Case]:
    cases = []
    df = pd.DataFrame({"a": floats("wa", 60), "b": floats("wb", 60), "t": texts("wt", 50)[:81], "i": ints("wi", 63), "f": bools("wf", 81)})
    for name in ["where", "mask"]:
        for other in [None, 0, -1.5]:
            kwargs = {"cond": {"column": "f"}, "other": other}
            python = np.nan if other is None else other
            run = lambda df, n=name, o=python: df.assign(a=getattr(df["a"], n)(df["f"], o))  # noqa: E731
            cases.append(Case({"import": name, "cols": "a", "kwargs": kwargs}, df, run))
            run = lambda df, n=name, o=python: df.assign(i=getattr(df["i"], n)(df["f"], o))  # noqa: E731
            cases.append(Case({"import": name, "cols": "i", "kwargs": kwargs}, df, run))
        for other in [None, "other", ""]:
            kwargs = {"cond": {"column": "f"}, "other": other}
            run = lambda df, n=name, o=other: df.assign(t=getattr(df["t"], n)(df["f"], o))  # noqa: E731
            cases.append(Case({"import": name, "cols": "t", "kwargs": kwargs}, df, run))
        for relation in ["eq", "ne", "lt", "le", "gt", "ge"]:
            kwargs = {"cond": {relation: 0}, "other": 9}
            run = lambda s, n=name, r=relation: getattr(s, n)(getattr(s, r)(0), 9)  # noqa: E731
            cases.append(series_case(name, floats(f"w{relation}", 30), kwargs, run))
            pair = {"cond": {relation: {"column": "b"}}}
            run = lambda df, n=name, r=relation: df.assign(a=getattr(df["a"], n)(getattr(df["a"], r)(df["b"])))  # noqa: E731
            cases.append(Case({"import": name, "cols": "a", "kwargs": pair}, df, run))
    for lower, upper in [(0, 10), (None, 5), (-1.5, None), (10, 0), (-0.5, 0.5), (0, 0)]:
        kwargs = {"lower": lower, "upper": upper}
        cases.append(series_case("clip", floats(f"clip{lower}{upper}", 60), kwargs, lambda s, k=kwargs: s.clip(**k)))
        cases.append(series_case("clip", ints(f"clip{lower}{upper}", 60), kwargs, lambda s, k=kwargs: s.clip(**k)))
        narrow = floats(f"c32{lower}{upper}", 40).astype("float32")
        cases.append(series_case("clip", narrow, kwargs, lambda s, k=kwargs: s.clip(**k)))
    return cases


def replace() -> list[Case]:
    cases = []
    words = pd.Series(rng("replace").choice(["vw", "VW", "a", "", "null", "1"], 60), dtype=object)
    holes = words.where(rng("replace2").random(60) < 0.8, np.nan)
    for given in [({"to_replace": "vw", "value": "volkswagen"}), ({"to_replace": ["vw", "VW"], "value": "volkswagen"}),
                  ({"to_replace": ["vw", "a"], "value": ["a", "vw"]}), ({"to_replace": {"vw": "a", "a": "b", "": "empty"}}),
                  ({"to_replace": "never", "value": "x"}), ({"to_replace": 1, "value": "x"})]:  # fmt: skip
        for series in [words, holes]:
            cases.append(series_case("replace", series, given, lambda s, g=given: s.replace(**g)))
    cases.append(series_case("replace", words, {"to_replace": "vw", "value": None}, lambda s: s.replace("vw", np.nan)))
    numbers = pd.Series(rng("replace3").choice([0.0, 1.0, 2.5, -999.0, np.nan, INF], 60))
    for given, python in [({"to_replace": -999, "value": None}, {"to_replace": -999, "value": np.nan}),
                          ({"to_replace": [1, 2.5], "value": [2.5, 1]}, None), ({"to_replace": {"1": 5, "2.5": 0.5}},
                          {"to_replace": {1: 5, 2.5: 0.5}}),
                          ({"to_replace": ["inf", "-inf"], "value": 0}, {"to_replace": [INF, -INF], "value": 0}),
                          ({"to_replace": "nan", "value": 7}, {"to_replace": np.nan, "value": 7})]:  # fmt: skip
        cases.append(series_case("replace", numbers, given, lambda s, g=python or given: s.replace(**g)))
    whole = ints("replace", 60, low=0, high=5)
    for given in [
        {"to_replace": 1, "value": 100},
        {"to_replace": [1, 2], "value": [2, 1]},
        {"to_replace": 1, "value": 2.5},
        {"to_replace": 3, "value": 4.0},
    ]:
        cases.append(series_case("replace", whole, given, lambda s, g=given: s.replace(**g)))
    cases.append(series_case("replace", bools("replace", 30), {"to_replace": True, "value": False}, lambda s: s.replace(True, False)))
    return cases


def columns() -> list[Case]:
    rows = 12
    df = pd.DataFrame({"i": ints("ci", rows, edge=False), "f": floats("cf", rows, edge=False), "t": texts("ct", rows, edge=False),
                       "b": bools("cb", rows), "d": times("cd", rows - 6, False), "c": pd.Categorical(["x", "y"] * 6)})  # fmt: skip
    cases = []
    for kwargs in [{"columns": ["i", "t"]}, {"columns": "f"}, {"labels": ["b"], "axis": 1}, {"columns": ["i", "nope"], "errors": "ignore"}]:
        cases.append(Case({"import": "drop", "kwargs": kwargs}, df, lambda df, k=kwargs: df.drop(**k)))
    cases.append(Case({"import": "drop", "cols": ["i", "f"]}, df, lambda df: df.drop(columns=["i", "f"])))
    for names in [{"i": "number", "nope": "x"}, {"i": "f", "f": "i"}]:
        cases.append(Case({"import": "rename", "kwargs": {"columns": names}}, df, lambda df, n=names: df.rename(columns=n)))
    cases.append(
        Case({"import": "reindex", "kwargs": {"columns": ["t", "new", "i"]}}, df, lambda df: df.reindex(columns=["t", "new", "i"]))
    )
    for fill in [0, 1.5]:
        kwargs = {"columns": ["i", "new"], "fill_value": fill}
        run = lambda df, k=kwargs: df.reindex(columns=["i"]).assign(new=k["fill_value"])  # noqa: E731
        cases.append(Case({"import": "reindex", "kwargs": kwargs}, df, run))
    for kwargs in [{"include": "number"}, {"include": ["object", "category"]}, {"exclude": ["number"]}, {"include": ["bool", "float"]},
                   {"include": ["datetimetz"]}, {"include": "int64"}]:  # fmt: skip
        cases.append(Case({"import": "select_dtypes", "kwargs": kwargs}, df, lambda df, k=kwargs: df.select_dtypes(**k)))
    return cases


def text_match() -> list[Case]:
    cases = []
    flat = lambda series: series.map(lambda value: value if isinstance(value, bool) else None).astype(object)  # noqa: E731
    for pattern, options in [("a", {}), ("[0-9]+", {}), (".", {"regex": False}), ("é|ß", {"case": False}), ("^a", {}), ("x$",
                             {"na": False}),
                             (r"\d", {"na": True}), (r"[a-z]\.", {}), ("XYZ", {"case": False, "na": False}), ("", {})]:  # fmt: skip
        kwargs = {"pat": pattern} | options
        run = lambda s, k=kwargs: s.str.contains(**k) if "na" in k else flat(s.str.contains(**k))  # noqa: E731
        cases.append(series_case("str.contains", texts(f"contains{pattern}", 60), kwargs, run))
    for name in ["startswith", "endswith"]:
        for pattern in ["a", "", "Σ", ["a", "b", "é"]]:
            python = tuple(pattern) if isinstance(pattern, list) else pattern
            run = lambda s, n=name, p=python: flat(getattr(s.str, n)(p))  # noqa: E731
            cases.append(series_case(f"str.{name}", texts(f"{name}{pattern}", 50), {"pat": pattern}, run))
            run = lambda s, n=name, p=python: getattr(s.str, n)(p, na=False)  # noqa: E731
            cases.append(series_case(f"str.{name}", texts(f"{name}{pattern}n", 50), {"pat": pattern, "na": False}, run))
    for round_ in range(3):
        cases.append(series_case("str.len", texts(f"len{round_}", 60), {}, lambda s: s.str.len()))
    cases.append(series_case("str.len", texts("len", 60, nulls=0).dropna().reset_index(drop=True), {}, lambda s: s.str.len()))
    for kwargs in [{"pat": "a", "repl": "_"}, {"pat": ".", "repl": ""}, {"pat": "[0-9]", "repl": "#", "regex": True},
                   {"pat": "a", "repl": "b", "n": 1},
                   {"pat": "(a)(b)", "repl": r"\2\1", "regex": True}, {"pat": r"(?P<x>[XYZ])", "repl": r"<\g<x>>", "regex": True},
                   {"pat": "x*", "repl": "-", "regex": True}, {"pat": "A", "repl": "!", "case": False, "regex": True},
                   {"pat": "", "repl": "-"},
                   {"pat": r"[ \t\n]+", "repl": " ", "regex": True}, {"pat": "a*", "repl": "+", "regex": True, "n": 2}]:  # fmt: skip
        cases.append(series_case("str.replace", texts(f"sub{kwargs}", 40), kwargs, lambda s, k=kwargs: s.str.replace(**k)))
    for kwargs in [
        {"pat": ".", "n": 1},
        {"pat": "-", "n": 2},
        {"n": 1},
        {"n": 3},
        {"pat": "[ab]+", "n": 2},
        {"pat": "a.", "n": 1, "regex": False},
    ]:
        into = [f"p{index}" for index in range(kwargs["n"] + 1)]
        given = kwargs | {"expand": True}
        series = pd.concat([texts(f"split{kwargs}", 60), pd.Series(["a-b-c-d", "a.b.c", "a b  c d e", "xaby", "a.a."])], ignore_index=True)

        def run(df: pd.DataFrame, given=given, into=into) -> pd.DataFrame:
            parts = df["x"].str.split(**given).reindex(columns=range(len(into))).astype(object)
            return pd.concat([df, parts.where(parts.notna(), None).set_axis(into, axis=1)], axis=1)

        cases.append(Case({"import": "str.split", "cols": "x", "into": into, "kwargs": given}, pd.DataFrame({"x": series}), run))
    for pattern, into in [(r"([a-z])(\d)?", ["l", "d"]), (r"(?P<first>\w)(?P<rest>.*)", ["first", "rest"]), ("([XYZ]+)", ["u"])]:
        run = lambda df, p=pattern, i=into: pd.concat([df, df["x"].str.extract(p).set_axis(i, axis=1)], axis=1)  # noqa: E731
        params = {"import": "str.extract", "cols": "x", "kwargs": {"pat": pattern}} | ({} if "?P" in pattern else {"into": into})
        cases.append(Case(params, pd.DataFrame({"x": texts(f"extract{pattern}", 60)}), run))
    return cases


def to_numeric() -> list[Case]:
    cases = []
    written = ["1.5", "1", " 6 ", "-7", "+8", "", "abc", "1_000", "0x10", "1e3", "1E-5", "inf", "-inf", "Infinity", "nan",
               "NaN", "1e400", "1e-400", "1e-310",
               ".5", "5.", ".", "e5", "1e", "1e+", "12345678901234567890", "0.1234567890123456789", "True", "False", "1,000",
               "1 2", "--1", "\t3\n", None,
               "123456789012345678901234567890", "00000000000000000000001", "4.9e-324", "1.7976931348623157e308", "-0",
               "-0.0", "١"]  # fmt: skip
    random = rng("to_numeric")
    written += [repr(float(value)) for value in random.normal(0, 1, 150) * 10.0 ** random.integers(-30, 30, 150)]
    written += [f"{value:.{digits}f}" for value, digits in zip(random.normal(0, 1000, 80), random.integers(0, 12, 80), strict=True)]
    series = pd.Series(written, dtype=object)

    def each(**options):
        """Each text by itself, as float: pandas answers int64 where a batch holds whole numbers only."""
        return lambda s: pd.concat([pd.to_numeric(s.iloc[[row]], **options).astype("float64") for row in range(len(s))])

    for errors in ["raise", "coerce"]:
        cases.append(series_case("to_numeric", series, {"errors": errors}, each(errors=errors)))
    cases.append(series_case("to_numeric", ints("to_numeric", 20), {}, pd.to_numeric))
    cases.append(series_case("to_numeric", floats("to_numeric", 20), {}, pd.to_numeric))
    return cases


ALL = {
    "missing": missing, "compare": compare, "arithmetic": arithmetic, "math": math, "transcendental": transcendental,
    "condition": condition,
    "replace": replace, "columns": columns, "text_match": text_match, "to_numeric": to_numeric,
}  # fmt: skip
