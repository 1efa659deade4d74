"""Nulls, comparison and conditions: what is answered by Booleans."""

import numpy as np
import pandas as pd
from case import Case, bools, floats, ints, on_pair, rng, series_case, texts, times
from draw import ALL_KINDS, FLOATS, NUMBERS, TIMES, UNSIGNED, WHOLE, Call, Draw


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
    unsigned = pd.Series([2**64 - 1, 2**63, 2**63 - 1, 2**53 + 1, 5, 1, 0], dtype="uint64")
    signed = pd.Series([-1, -(2**63), 2**63 - 1, 2**53, 6, 1, 0])
    for relation in relations:
        for value in [0, -1, 2.5, 2**53, 2**63 - 1]:
            cases.append(series_case(relation, unsigned, {"other": value}, lambda s, r=relation, v=value: getattr(s, r)(v)))
        for a, b in [(unsigned, signed), (signed, unsigned), (unsigned, unsigned[::-1].reset_index(drop=True)), (unsigned, unsigned > 1)]:
            df = pd.DataFrame({"a": a, "b": b})
            cases.append(on_pair(relation, df, {"other": {"column": "b"}}, lambda df, r=relation: getattr(df["a"], r)(df["b"])))
    for values in [[-1], [0, 5, 2**53 + 1], [2.0**53, 5.0], [1, -1.0, 0.5], [True]]:
        cases.append(series_case("isin", unsigned, {"values": values}, lambda s, v=values: s.isin(v)))
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
    for values in [[0, 1, 2.5], [1.0, "nan"], ["1", "0"], [-1, 10**300], [2**53 + 1], [2**53 + 1, 0.5], [2**53]]:
        python = [np.nan if value == "nan" else value for value in values]
        cases.append(series_case("isin", floats("isin", 40), {"values": values}, lambda s, v=python: s.isin(v)))
    for values in [[0, 1, 7], [1.0, 2.5], ["1"], [2**53 + 1, 2**63 - 1], [2.0**53], [2**53, 0.5], [2**53, True, 0.5], [2.0**63, -1]]:
        cases.append(series_case("isin", ints("isin", 40), {"values": values}, lambda s, v=values: s.isin(v)))
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
        # A whole float leaves the others as they are, however large it is.
        large = pd.Series([2**53 + 1, 3, -5])
        run = lambda s, n=name: getattr(s, n)(s.gt(0), 1e16)  # noqa: E731
        cases.append(series_case(name, large, {"cond": {"gt": 0}, "other": 1e16}, run))
    # Times.
    stamps = pd.DataFrame({"w": times("ww", 20, True), "l": times("wl", 20, False, None), "f": bools("wk", 26)})
    for name in ["where", "mask"]:
        for column, constant in [("w", "2000-01-01T00:00:00Z"), ("w", "1999-12-31"), ("l", "2000-01-01T00:00:00.123456789")]:
            for cond in [{"column": "f"}, {"ge": constant}]:
                kwargs = {"cond": cond, "other": constant}
                holds = lambda df, c=column, k=cond: df["f"] if "column" in k else df[c].ge(k["ge"])  # noqa: E731
                run = lambda df, n=name, c=column, o=constant, h=holds: df.assign(**{c: getattr(df[c], n)(h(df), o)})  # noqa: E731
                cases.append(Case({"import": name, "cols": column, "kwargs": kwargs}, stamps, run))
    # No column sees what becomes of another one of the same call.
    pair, both = df[["a", "b"]], pd.DataFrame({"f": bools("wg", 40), "g": bools("wh", 40)})
    for columns in [["a", "b"], ["b", "a"]]:
        kwargs = {"cond": {"ge": {"column": "a"}}, "other": 0}
        run = lambda df: df.mask(df.ge(df["a"], axis=0), 0)  # noqa: E731
        cases.append(Case({"import": "mask", "cols": columns, "kwargs": kwargs}, pair, run))
    for params in [{}, {"cols": ["f", "g"]}, {"cols": ["g", "f"]}]:
        kwargs = {"cond": {"column": "f"}, "other": True}
        run = lambda df: df.assign(**{name: df[name].where(df["f"], True) for name in "fg"})  # noqa: E731
        cases.append(Case({"import": "where", "kwargs": kwargs} | params, both, run))
    for lower, upper in [(0, 10), (None, 5), (-1.5, None), (10, 0), (-0.5, 0.5), (0, 0)]:
        kwargs = {"lower": lower, "upper": upper}
        cases.append(series_case("clip", floats(f"clip{lower}{upper}", 60), kwargs, lambda s, k=kwargs: s.clip(**k)))
        cases.append(series_case("clip", ints(f"clip{lower}{upper}", 60), kwargs, lambda s, k=kwargs: s.clip(**k)))
        narrow = floats(f"c32{lower}{upper}", 40).astype("float32")
        cases.append(series_case("clip", narrow, kwargs, lambda s, k=kwargs: s.clip(**k)))
    cases.append(series_case("clip", pd.Series([2**53 + 1, 3, -5]), {"upper": 1e16}, lambda s: s.clip(upper=1e16)))
    wide = pd.Series([2**64 - 1, 2**63, 300, 7, 0], dtype="uint64")
    for kwargs in [{"lower": 7}, {"upper": 100}, {"lower": 1, "upper": 2**63 - 1}]:
        cases.append(series_case("clip", wide, kwargs, lambda s, k=kwargs: s.clip(**k)))
    return cases


RELATIONS = ["eq", "ne", "lt", "le", "gt", "ge"]


def draw_null(method: str):
    return lambda d: d.on(d.column(*ALL_KINDS), {}, lambda s: getattr(s, method)())


def draw_dropna(d: Draw) -> Call:
    names = [d.column(d.one(["float64", "text", "int64", "time", "category", "bool"])) for _ in range(d.whole(2, 5))]
    kwargs: dict = {}
    # A column that is not there is no matter of rows: at least the subset is looked at.
    if d.chance(0.6):
        subset = d.some(names, 1, 3)
        kwargs["subset"] = subset[0] if len(subset) == 1 and d.chance(0.5) else subset
    if d.chance(0.4):
        kwargs["how"] = d.one(["any", "all"])
    elif d.chance(0.4):
        kwargs["thresh"] = d.whole(0, 4)
    if d.chance(0.1):
        kwargs["axis"] = 0
    return Call({"kwargs": kwargs}, lambda df: df.dropna(**kwargs))


def comparable(d: Draw, ordered: bool) -> tuple[str, tuple[str, ...]]:
    """A column, and the kinds of column that it can be compared with."""
    group = d.one([NUMBERS + UNSIGNED, ("text",), ("time",), ("local",), ("bool",)])
    return d.column(*group, nulls=False if group == ("bool",) or (ordered and group == ("text",)) else None), group


def draw_relation(relation: str):
    ordered = relation not in ("eq", "ne")

    def draw(d: Draw) -> Call:
        name, group = comparable(d, ordered)
        if d.chance(0.5):
            other = d.column(*group, nulls=False if group == ("bool",) or (ordered and group == ("text",)) else None)
            kwargs: dict = {"other": {"column": other}}
            return d.on_frame(name, kwargs, lambda df: getattr(df[name], relation)(df[other]))
        value = d.number() if "int64" in group and d.chance(0.5) else d.present(name)
        python = pd.Timestamp(value) if group[0] in TIMES else value
        return d.on(name, {"other": value}, lambda s: getattr(s, relation)(python))

    return draw


def draw_between(d: Draw) -> Call:
    group = d.one([NUMBERS, NUMBERS + UNSIGNED, ("text",), ("time",), ("local",)])
    nulls = False if group == ("text",) else None
    name = d.column(*group, nulls=nulls)
    kwargs: dict = {}
    python: dict = {}
    for side in ["left", "right"]:
        if d.chance(0.3):
            other = d.column(*group, nulls=nulls)
            kwargs[side], python[side] = {"column": other}, lambda df, o=other: df[o]
        else:
            value = d.number() if "int64" in group and d.chance(0.5) else d.present(name)
            kwargs[side], python[side] = value, lambda df, v=value: pd.Timestamp(v) if group[0] in TIMES else v
    if d.chance(0.6):
        kwargs["inclusive"] = d.one(["both", "neither", "left", "right"])
    inclusive = kwargs.get("inclusive", "both")
    return d.on_frame(name, kwargs, lambda df: df[name].between(python["left"](df), python["right"](df), inclusive=inclusive))


def draw_isin(d: Draw) -> Call:
    name = d.column(*FLOATS, "int64", "int32", *UNSIGNED, "text", "bool", "category")
    kept = [d.present(name) for _ in range(d.whole(0, 5))]
    if d.kind(name) in ("text", "float64") and d.chance(0.2):
        kept.append(None)
    python = [np.nan if value is None else value for value in kept]
    return d.on(name, {"values": kept}, lambda s: s.isin(python))


def draw_choice(method: str):
    def draw(d: Draw) -> Call:
        name = d.column(*FLOATS, "int64", "int32", "text", "bool", *TIMES)
        kind = d.kind(name)
        nothing = d.chance(0.3)
        value = None if nothing else d.number() if kind in FLOATS else d.whole(-9, 9) if kind in WHOLE else d.present(name)
        if kind in WHOLE and value is not None and d.chance(0.3):
            value += 0.5
        # A fraction or a null makes floats of integers, whether or not a value was replaced.
        floating = kind in WHOLE and (value is None or value != int(value))
        python = (pd.NaT if kind in TIMES else np.nan) if value is None else value
        kwargs: dict = {} if value is None and d.chance(0.5) else {"other": value}
        as_is = lambda s: s.astype("float64") if floating else s  # noqa: E731
        if d.chance(0.5):
            flag = d.column("bool", nulls=False)
            kwargs = {"cond": {"column": flag}} | kwargs
            return d.on_frame(name, kwargs, lambda df: getattr(as_is(df[name]), method)(df[flag], python))
        relation = d.one(RELATIONS if kind in (*NUMBERS, *TIMES) else RELATIONS[:2])
        bound = d.present(name)
        kwargs = {"cond": {relation: bound}} | kwargs
        against = pd.Timestamp(bound) if kind in TIMES else bound
        return d.on(name, kwargs, lambda s: getattr(as_is(s), method)(getattr(s, relation)(against), python))

    return draw


def draw_clip(d: Draw) -> Call:
    name = d.column(*FLOATS, "int64", "int32")
    kwargs = {key: d.number() if d.kind(name) in FLOATS or d.chance(0.3) else d.whole(-9, 20) for key in d.some(["lower", "upper"], 0, 2)}
    floating = d.kind(name) in WHOLE and any(value != int(value) for value in kwargs.values())
    return d.on(name, kwargs, lambda s: s.clip(**kwargs).astype("float64") if floating else s.clip(**kwargs))


EDGES = {"missing": missing, "compare": compare, "condition": condition}
DRAWS = {
    "missing": {**{name: draw_null(name) for name in ["isna", "isnull", "notna", "notnull"]}, "dropna": draw_dropna},
    "compare": {**{relation: draw_relation(relation) for relation in RELATIONS}, "between": draw_between, "isin": draw_isin},
    "condition": {"where": draw_choice("where"), "mask": draw_choice("mask"), "clip": draw_clip},
}
