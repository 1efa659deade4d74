"""`astype`, `to_numeric` and `cut`: values of one type become another."""

import datetime

import numpy as np
import pandas as pd
from case import Case, bools, decimals, floats, ints, rng, series_case, texts
from draw import FLOATS, NUMBERS, WHOLE, Call, Draw, float_value

INF = np.inf


def astype() -> list[Case]:
    cases = []
    ranged = pd.Series([*floats("astype", 40, edge=False, nulls=0), 300.0, -129.9, 0.99, -0.99, np.nan, INF, -INF, 2147483647.0])
    for name in ["int", "int64", "int32", "int16", "int8"]:
        cases.append(series_case("astype", ranged, {"dtype": name}, lambda s, n=name: s.astype(n)))
    for name in ["int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "float", "float32", "bool", "str"]:
        cases.append(series_case("astype", ints(name, 30), {"dtype": name}, lambda s, n=name: s.astype(n)))
        cases.append(series_case("astype", bools(name, 20), {"dtype": name}, lambda s, n=name: s.astype(n)))
    for name in ["float", "float32", "bool", "str"]:
        cases.append(series_case("astype", floats(name, 150), {"dtype": name}, lambda s, n=name: s.astype(n)))
    # Of two shortest texts that are equally near, the even one is written.
    ties = pd.Series([1995443087117884.25, -71000000000000.125, 71000000000000.375, 2.0**-25, 28404.0625, 8388608.5, 3516029.25, 1e-4])
    cases.append(series_case("astype", ties, {"dtype": "str"}, lambda s: s.astype(str)))
    cases.append(series_case("astype", ties.astype("float32"), {"dtype": "str"}, lambda s: s.astype(str)))
    huge = pd.Series([1e19, 2.0**63, 2.0**64 - 2048, 2.0**63 - 1024, 5e9, 1.9, 0.0, -0.0, -1.0, np.nan])
    cases.append(series_case("astype", huge, {"dtype": "uint64"}, lambda s: s.astype("uint64")))
    # The nearest double lies between two floats of 32 bits, and the integer does not.
    between = pd.Series([2**60 + 2**36 + 1, 2**60 + 2**36 - 1, 2**60 + 2**36, 2**62 + 2**38 + 1], dtype="int64")
    cases.append(series_case("astype", between, {"dtype": "float32"}, lambda s: s.astype("float32")))
    cases.append(series_case("astype", -between, {"dtype": "float32"}, lambda s: s.astype("float32")))
    cases.append(series_case("astype", between.astype("uint64"), {"dtype": "float32"}, lambda s: s.astype("float32")))
    wide = pd.Series([2**64 - 1, 2**63, 2**53 + 1, 7, 0], dtype="uint64")
    for name in ["int64", "uint8", "float", "float32", "bool", "str"]:
        cases.append(series_case("astype", wide, {"dtype": name}, lambda s, n=name: s.astype({"float": "float64"}.get(n, n))))
    small = floats("f32", 200).astype("float32")
    for name in ["float64", "bool", "str"]:
        cases.append(series_case("astype", small, {"dtype": name}, lambda s, n=name: s.astype(n)))
    written = pd.Series(
        ["1", " 6 ", "5.0", "-7", "+8", "", "abc", "1_000", "1__0", "_1", "0x10", "1e3", "inf", "nan", "NaN", "-inf",
        "Infinity", "127", "128",
         "300", "-128", "-129", "9223372036854775807", "9223372036854775808", "1.5", ".5", "5.", "\u00a07\u2003", "\x1c9", "1 2", "--1",
         "007", "1_0.5_0", "1e-320", "False", "True", None, "99999999999999999999999999999999999999999999"],
        dtype=object,
    )  # fmt: skip
    for name in ["int64", "int32", "int8", "float", "float32", "bool"]:
        cases.append(series_case("astype", written, {"dtype": name}, lambda s, n=name: s.fillna(np.nan).astype(n)))
    numerals = pd.Series([repr(value) for value in floats("repr", 200, nulls=0).dropna()], dtype=object)
    cases.append(series_case("astype", numerals, {"dtype": "float"}, lambda s: s.astype("float64")))
    levels = ["", "a", "b", "vw", "Ünïcödé"]
    category = pd.CategoricalDtype(levels)
    cases.append(series_case("astype", texts("cat", 20), {"dtype": "category"}, lambda s: s.astype(category), categories=levels))
    df = pd.DataFrame({"a": floats("a", 20, nulls=0, edge=False), "b": ints("b", 20, edge=False)})
    types = {"a": "int64", "b": "float64"}
    cases.append(Case({"import": "astype", "kwargs": {"dtype": types}}, df, lambda df: df.astype(types)))
    # A null of an object column is NaN as from a file, and NaN is true.
    cases.append(series_case("astype", bools("n", 30, nulls=True), {"dtype": "bool"}, lambda s: s.fillna(np.nan).astype(bool)))
    for scale in [0, 2, 7, 10, 38]:
        for name in ["int64", "int32", "int8", "uint8", "uint64", "float", "float32"]:
            for nulls in [True, False]:
                series = decimals(f"{name}{scale}", 30, scale, nulls)
                cases.append(series_case("astype", series, {"dtype": name}, lambda s, n=name: s.astype({"float": "float64"}.get(n, n))))
        cases.append(series_case("astype", decimals(f"str{scale}", 60, scale), {"dtype": "str"}, lambda s: s.astype(str)))
    days = [datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1969, 12, 31)]
    clock = [datetime.time(0, 0), datetime.time(12, 30, 5), datetime.time(23, 59, 59, 999_999), datetime.time(1, 2, 3, 40)]
    for values in [days, clock]:
        cases.append(series_case("astype", pd.Series(values, dtype=object), {"dtype": "str"}, lambda s: s.astype(str)))
    return cases


def spell(bins: list) -> list:
    return [str(edge) if np.isinf(edge) else edge for edge in bins]


def cut() -> list[Case]:
    cases = []
    ages = [-INF, 20, 28, 36, 44, 52, 60, INF]
    labels = ["u20", "20to28", "28to36", "36to44", "44to52", "52to60", "Others"]
    values = pd.Series([*floats("cut", 60, scale=40, edge=False), 20.0, 28.0, 60.0, 59.999999, -INF, INF, np.nan, 0.0, -0.0, 1e300])
    whole = ints("cut", 50, low=10, high=70)
    edges = [ages, [0, 10, 20.5, 30], [0, 18, 65, 120], [-1.5, 0.0, 1.5], [0.0001, 0.0002, 0.1], [0, 0.12345, 0.6789, 1, 12.3456], [1, 2]]
    for bins in edges:
        for right in [True, False]:
            for lowest in [True, False]:
                kwargs = {"bins": spell(bins), "right": right, "include_lowest": lowest}
                options = {"right": right, "include_lowest": lowest}
                for series in [values, whole]:
                    cases.append(series_case("cut", series, kwargs, lambda s, b=bins, o=options: pd.cut(s, b, **o)))
    for right in [True, False]:
        kwargs = {"bins": spell(ages), "labels": labels, "right": right}
        for series in [values, whole]:
            cases.append(series_case("cut", series, kwargs, lambda s, r=right: pd.cut(s, ages, labels=labels, right=r)))
            coded = kwargs | {"labels": False, "include_lowest": True}
            run = lambda s, r=right: pd.cut(s, ages, labels=False, right=r, include_lowest=True)  # noqa: E731
            cases.append(series_case("cut", series, coded, run))
    # Integers meet integer edges exactly.
    bins = [0, 2**53, 2**53 + 1, 2**63 - 1]
    for options in [{}, {"right": False}, {"include_lowest": True}, {"labels": False}]:
        for series in [ints("cut_wide", 10), floats("cut_wide", 10)]:
            run = lambda s, o=options: pd.cut(s, bins, **o)  # noqa: E731
            cases.append(series_case("cut", series, {"bins": bins} | options, run))
    # What `cut` makes is numbered in the order of its categories, which is not that of their texts.
    for order in [["u20", "20to28", "Others", "never"], ["(0, 5]", "(5, 10]", "(10, 20]"]]:
        held = pd.Series(pd.Categorical([*order[:3], None] * 3, categories=order))
        run = lambda s: pd.Series(pd.factorize(s, sort=True)[0])  # noqa: E731
        cases.append(series_case("factorize", held, {"sort": True}, run, categories=sorted(order[:3])))
    return cases


def to_numeric() -> list[Case]:
    cases = []
    written = ["1.5", "1", " 6 ", "-7", "+8", "", "abc", "1_000", "0x10", "1e3", "1E-5", "inf", "-inf", "Infinity", "nan",
               "NaN", "1e400", "1e-400", "1e-310",
               ".5", "5.", ".", "e5", "1e", "1e+", "12345678901234567890", "0.1234567890123456789", "True", "False", "1,000",
               "1 2", "--1", "\t3\n", "5\u00a0", "\u00a05", "\u20035", "5.5\u00a0", " 5\u2003", None,
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
    cases.append(series_case("to_numeric", decimals("to_numeric", 40, 2, True), {}, pd.to_numeric))
    return cases


NUMERALS = [
    "1",
    " 6 ",
    "5.0",
    "-7",
    "+8",
    "",
    "abc",
    "1_000",
    "1__0",
    "0x10",
    "1e3",
    "inf",
    "-inf",
    "nan",
    "300",
    "-129",
    ".5",
    "5.",
    "007",
    "1e-320",
]
INTEGERS = ["int", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64"]


def numeral(d: Draw) -> str:
    style = d.whole(0, 4)
    if style == 0:
        return d.one(NUMERALS)
    if style == 1:
        return str(d.whole(-300, 300))
    return repr(float_value(d)) if style == 2 else f"{float_value(d):.{d.whole(0, 12)}f}"


def spelled_float(d: Draw, kind: str) -> float:
    """A float of any bits, or one that lies in the middle of two shorter numbers."""
    width = np.dtype(kind).itemsize
    if d.chance(0.3):
        value = float(d.random.integers(0, 256**width, dtype=f"u{width}").view(kind))
        return value if np.isfinite(value) else 0.5
    bits, parts = (51, 2 ** d.whole(1, 6)) if kind == "float64" else (20, 16)
    return float(d.random.integers(2 ** (bits - 8), 2**bits)) / parts


def draw_astype(d: Draw) -> Call:
    name = d.column(*NUMBERS, "bool", "text", "time", "category")
    kind = d.kind(name)
    if kind == "category" or (kind == "text" and d.chance(0.2)):
        kept = d.frame[name].dropna()
        if kind == "category":
            d.frame[name] = d.frame[name].fillna("a")
            return d.on(name, {"dtype": "str"}, lambda s: s.astype(str))
        levels = sorted(set(kept.tolist()[:4]))
        return d.on(name, {"dtype": "category"}, lambda s: s.astype(pd.CategoricalDtype(levels)), categories=levels)
    if kind == "time":
        d.frame[name] = d.frame[name].fillna(pd.Timestamp(0, tz="UTC"))
        return d.on(name, {"dtype": "int64"}, lambda s: s.astype("int64"))
    if kind == "text":
        d.frame[name] = pd.Series([numeral(d) for _ in d.frame.index], dtype=object).where(d.frame[name].notna())
        to = d.one(["int64", "int32", "int8", "float", "float32", "bool", "int16", "uint8", "uint32"])
        return d.on(name, {"dtype": to}, lambda s: s.astype("float64" if to == "float" else to))
    if kind in FLOATS:
        to = d.one(["float64", "float32", "bool", "str", "str", "str", "str", *INTEGERS])
        if to == "str":
            # All their digits count, and some end in 5.
            spelled = [spelled_float(d, kind) for _ in d.frame.index]
            d.frame[name] = d.frame[name].mask(d.frame[name].notna(), pd.Series(spelled, dtype=kind))
        # Beyond the type's range NumPy answers what the processor does.
        if to in INTEGERS:
            beyond = d.frame[name].abs() >= (2**63 if to in ("int", "int64") else 2**31)
            d.frame[name] = d.frame[name].mask(beyond & np.isfinite(d.frame[name]), 300.7)
    elif kind == "bool" and d.has_null(name):
        # A null of an object column is NaN as from a file, and NaN is true.
        return d.on(name, {"dtype": "bool"}, lambda s: s.astype(bool))
    else:
        to = d.one(["float", "float32", "bool", "str", *INTEGERS])
    kwargs = {"dtype": to} | ({"copy": d.chance(0.5)} if d.chance(0.1) else {})
    return d.on(name, kwargs, lambda s: s.astype({"float": "float64", "int": "int64"}.get(to, to)))


def draw_to_numeric(d: Draw) -> Call:
    options = {"errors": d.one(["raise", "coerce"])} if d.chance(0.6) else {}
    if d.chance(0.1):
        return d.on(d.column(*NUMBERS), options, lambda s: pd.to_numeric(s, **options))
    name = d.column("text")
    d.frame[name] = pd.Series([numeral(d) for _ in d.frame.index], dtype=object).where(d.frame[name].notna())

    def call(s: pd.Series) -> pd.Series:
        """Each text by itself, as float: pandas answers int64 where a batch holds whole numbers only."""
        return pd.concat([pd.to_numeric(s.iloc[[row]], **options).astype("float64") for row in range(len(s))])

    return d.on(name, options, call)


def draw_cut(d: Draw) -> Call:
    name = d.column(*NUMBERS)
    whole = d.chance(0.5)
    drawn = {d.whole(-20, 60) if whole else round(float(d.random.normal(0, 30)), d.whole(1, 6)) for _ in range(d.whole(2, 8))}
    edges: list = sorted({*drawn, 0 if whole else 0.5, 7 if whole else 7.25})
    if d.chance(0.3):
        edges = [-INF, *edges]
    if d.chance(0.3):
        edges = [*edges, INF]
    options: dict = {}
    if d.chance(0.4):
        options["right"] = d.chance(0.5)
    if d.chance(0.4):
        options["include_lowest"] = d.chance(0.5)
    if d.chance(0.3):
        options["precision"] = d.whole(1, 6)
    if d.chance(0.5):
        options["labels"] = [f"l{index}" for index in range(len(edges) - 1)] if d.chance(0.5) else False

    # Positions are int64 only where no value can lie outside, which the type alone must tell.
    closed = kind_is_whole(d, name) or (options.get("right", True) and options.get("include_lowest", False))
    covered = edges[0] == -INF and edges[-1] == INF and closed and not d.has_null(name)

    def call(s: pd.Series) -> pd.Series:
        made = pd.cut(s, edges, **options)
        return made.astype("float64") if options.get("labels") is False and not covered else made

    return d.on(name, {"bins": spell(edges)} | options, call)


def kind_is_whole(d: Draw, name: str) -> bool:
    return d.kind(name) in WHOLE


EDGES = {"astype": astype, "to_numeric": to_numeric, "cut": cut}
DRAWS = {"astype": {"astype": draw_astype}, "to_numeric": {"to_numeric": draw_to_numeric}, "cut": {"cut": draw_cut}}
