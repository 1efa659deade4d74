"""`fillna`, `map` and `replace`: values become others."""

from collections import defaultdict

import numpy as np
import pandas as pd
from case import Case, bools, floats, ints, rng, series_case, texts, times
from draw import FLOATS, TIMES, Call, Draw

INF = np.inf
# What JSON has for a float that it has no number for.
WORD = {INF: "inf", -INF: "-inf"}


def fillna() -> list[Case]:
    cases = []
    for value in [0, 1.5, -7, 1e300]:
        cases.append(series_case("fillna", floats(f"fillna{value}", 40), {"value": value}, lambda s, v=value: s.fillna(v)))
    small = floats("fillna32", 60).astype("float32")
    for value in [0, 0.1, 0.5]:
        cases.append(series_case("fillna", small, {"value": value}, lambda s, v=value: s.fillna(v)))
    for value in ["notgiven", "", "ünï"]:
        cases.append(series_case("fillna", texts(f"fillna{value}", 60), {"value": value}, lambda s, v=value: s.fillna(v)))
    cases.append(series_case("fillna", ints("fillna", 20), {"value": 3}, lambda s: s.fillna(3)))
    cases.append(series_case("fillna", bools("fillna", 30, nulls=True), {"value": False}, lambda s: s.fillna(False)))
    stamp = "2020-02-03T04:05:06Z"
    cases.append(series_case("fillna", times("fillna", 30, nulls=True), {"value": stamp}, lambda s: s.fillna(pd.Timestamp(stamp))))
    ages = floats("ages", 50, edge=False)
    median, mean = float(ages.median()), float(ages.mean())
    frozen = {"median": median, "mean": mean, "mode": 3.5}
    for statistic, value in frozen.items():
        kwargs = {"value": {"frozen": statistic}}
        cases.append(series_case("fillna", ages, kwargs, lambda s, v=value: s.fillna(v), **frozen))
    df = pd.DataFrame({"a": floats("a", 40, edge=False), "b": texts("b", 40, edge=False), "c": texts("c", 40, edge=False)})
    fills = {"a": 0, "b": "none"}
    cases.append(Case({"import": "fillna", "kwargs": {"value": fills}}, df, lambda df: df.fillna(fills)))
    two = pd.DataFrame({"a": floats("a2", 40), "b": floats("b2", 40)})
    cases.append(Case({"import": "fillna", "kwargs": {"value": -1}}, two, lambda df: df.fillna(-1)))
    category = pd.Series(pd.Categorical(["a", None, "b", None], categories=["a", "b", "c"]))
    cases.append(series_case("fillna", category, {"value": "c"}, lambda s: s.fillna("c")))
    return cases


def mapper(kwargs: dict, keys: dict, null: object = None):
    """The same call in pandas: a default is a defaultdict, a null key is NaN, or `null` in a column of objects."""
    action = kwargs.get("na_action") or None

    def call(series: pd.Series) -> pd.Series:
        arg = dict(keys)
        if "null" in kwargs:
            arg[null if series.dtype == object else np.nan] = kwargs["null"]
        if "default" in kwargs:
            arg = defaultdict(lambda: kwargs["default"], arg)
        return series.map(arg, na_action=action)

    return call


def map_() -> list[Case]:
    cases = []
    brands = pd.Series(rng("brands").choice(["vw", "bmw", "audi", "Ünï", "", "1", "null", "other", None], 60), dtype=object)
    brands.iloc[0] = "other"
    arg = {"vw": "volkswagen", "bmw": "bmw", "Ünï": "uni", "": "empty", "1": "one", "null": "text null"}
    for kwargs in [{}, {"default": "Others"}, {"null": "notgiven"}, {"default": "Others", "null": "notgiven"},
                   {"default": "Others", "na_action": "ignore"}, {"na_action": 0}, {"na_action": None}]:  # fmt: skip
        given = {"arg": arg} | kwargs
        cases.append(series_case("map", brands, given, mapper(kwargs, arg)))
    for values in [{"vw": 1, "bmw": 2}, {"vw": 1.5, "bmw": 2}, {"vw": True, "bmw": False}, {"vw": None, "bmw": "x"}]:
        cases.append(series_case("map", brands, {"arg": values}, mapper({}, values)))
    zeros = {"vw": 0.0, "bmw": -0.0}
    cases.append(series_case("map", brands, {"arg": zeros}, mapper({}, zeros)))
    for values in [{"vw": INF, "bmw": -INF}, {"vw": INF, "bmw": 1}, {"vw": None, "bmw": INF}]:
        arg = {key: WORD.get(value, value) for key, value in values.items()}
        cases.append(series_case("map", brands, {"arg": arg}, mapper({}, values)))
    for values, default in [({"vw": 1}, 0), ({"vw": 1}, 2.5), ({"vw": True}, False)]:
        kwargs = {"default": default}
        cases.append(series_case("map", brands, {"arg": values} | kwargs, mapper(kwargs, values)))
    numbers = pd.Series([1.0, 2.0, 2.5, np.nan, 0.0, -0.0, 1e300, INF, 3.0] * 4)
    texts_of = {"1": "one", "2.0": "two", "2.5": "half", "0": "zero"}
    keys = {1: "one", 2.0: "two", 2.5: "half", 0: "zero"}
    cases.append(series_case("map", numbers, {"arg": texts_of}, mapper({}, keys)))
    cases.append(series_case("map", numbers, {"arg": texts_of | {"nan": "none"}}, mapper({"null": "none"}, keys)))
    whole = ints("map", 40, low=0, high=5)
    cases.append(
        series_case("map", whole, {"arg": {"1": "one", "2.0": "two", "300": "big"}}, mapper({}, {1: "one", 2.0: "two", 300: "big"}))
    )
    cases.append(series_case("map", whole, {"arg": {"1": 10, "2": 20}, "default": -1}, mapper({"default": -1}, {1: 10, 2: 20})))
    cases.append(series_case("map", bools("map", 20), {"arg": {"true": "yes", "false": "no"}}, mapper({}, {True: "yes", False: "no"})))
    cases.append(series_case("map", bools("map", 20), {"arg": {"true": 1, "false": 0}}, mapper({}, {True: 1, False: 0})))
    flags = bools("map", 20)
    cases.append(series_case("map", flags, {"arg": {"true": "yes", "True": "yes"}}, mapper({}, {True: "yes"})))
    # Beside nulls they are Python objects, of which True equals 1.
    objects = bools("map_objects", 30, nulls=True)
    cases.append(series_case("map", objects, {"arg": {"1": "yes", "0": "no"}}, mapper({}, {1: "yes", 0: "no"})))
    cases.append(series_case("map", objects, {"arg": {"1.0": "yes"}}, mapper({}, {1.0: "yes"})))
    for round_ in range(12):
        values = texts(f"map{round_}", 20, edge=False)
        some = [value for value in values.dropna().unique()][::2]
        drawn = {value: f"{value}!" for value in some}
        cases.append(series_case("map", values, {"arg": drawn}, mapper({}, drawn)))
        cases.append(series_case("map", values, {"arg": drawn, "default": "?"}, mapper({"default": "?"}, drawn)))
    return cases


def replace() -> list[Case]:
    cases = []
    words = pd.Series(rng("replace").choice(["vw", "VW", "a", "", "null", "1"], 60), dtype=object)
    holes = words.where(rng("replace2").random(60) < 0.8, np.nan)
    for given in [({"to_replace": "vw", "value": "volkswagen"}), ({"to_replace": ["vw", "VW"], "value": "volkswagen"}),
                  ({"to_replace": ["vw", "a"], "value": ["a", "vw"]}), ({"to_replace": {"vw": "a", "a": "b", "": "empty"}}),
                  ({"to_replace": ["vw", "a", "vw"], "value": ["x", "y", "z"]}), ({"to_replace": "never", "value": "x"}),
                  ({"to_replace": 1, "value": "x"})]:  # fmt: skip
        for series in [words, holes]:
            cases.append(series_case("replace", series, given, lambda s, g=given: s.replace(**g)))
    cases.append(series_case("replace", words, {"to_replace": "vw", "value": None}, lambda s: s.replace("vw", np.nan)))
    numbers = pd.Series(rng("replace3").choice([0.0, 1.0, 2.5, -999.0, np.nan, INF], 60))
    for given, python in [({"to_replace": -999, "value": None}, {"to_replace": -999, "value": np.nan}),
                          ({"to_replace": [1, 2.5], "value": [2.5, 1]}, None), ({"to_replace": {"1": 5, "2.5": 0.5}},
                          {"to_replace": {1: 5, 2.5: 0.5}}),
                          ({"to_replace": ["inf", "-inf"], "value": 0}, {"to_replace": [INF, -INF], "value": 0}),
                          ({"to_replace": [1, 1.0, 0, -0.0], "value": [5, 6, 7, 8]}, None),
                          ({"to_replace": [None, 1, None], "value": [5, 6, 7]}, {"to_replace": [np.nan, 1, np.nan], "value": [5, 6, 7]}),
                          ({"to_replace": "nan", "value": 7}, {"to_replace": np.nan, "value": 7})]:  # fmt: skip
        cases.append(series_case("replace", numbers, given, lambda s, g=python or given: s.replace(**g)))
    whole = ints("replace", 60, low=0, high=5)
    for given in [
        {"to_replace": 1, "value": 100},
        {"to_replace": [1, 2], "value": [2, 1]},
        {"to_replace": [1, 2, 1.0], "value": [2, 1, 9]},
        {"to_replace": 1, "value": 2.5},
        {"to_replace": 3, "value": 4.0},
    ]:
        cases.append(series_case("replace", whole, given, lambda s, g=given: s.replace(**g)))
    cases.append(series_case("replace", whole, {"to_replace": 1, "value": "inf"}, lambda s: s.replace(1, INF)))
    # A whole float leaves the others as they are, however large it is.
    wide = pd.Series([2**53 + 1, 3, -5])
    for value in [1e16, -(2.0**63)]:
        cases.append(series_case("replace", wide, {"to_replace": 3, "value": value}, lambda s, v=value: s.replace(3, v)))
    minutes = whole.mod(60).astype("int8")
    cases.append(series_case("replace", minutes, {"to_replace": 1, "value": 127}, lambda s: s.replace(1, 127)))
    holes = bools("replace", 30, nulls=True)
    for value in [True, False]:
        given = {"to_replace": [None], "value": value}
        cases.append(series_case("replace", holes, given, lambda s, v=value: s.replace([np.nan], v)))
    given = {"to_replace": {"true": False, "null": True}}
    cases.append(series_case("replace", holes, given, lambda s: s.replace({True: False, np.nan: True})))
    cases.append(series_case("replace", bools("replace", 30), {"to_replace": True, "value": False}, lambda s: s.replace(True, False)))
    # Numbers are apart from Booleans, and equal to the Python objects that Booleans are beside nulls.
    for given, python in [({"to_replace": 1, "value": False}, None), ({"to_replace": [0, 1.0], "value": [True, False]}, None),
                          ({"to_replace": 5, "value": True}, None), ({"to_replace": {"1": False}}, {"to_replace": {1: False}}),
                          ({"to_replace": {"0.0": True, "1": False}}, {"to_replace": {0.0: True, 1: False}})]:  # fmt: skip
        for flags in [bools("replace", 30), holes]:
            cases.append(series_case("replace", flags, given, lambda s, g=python or given: s.replace(**g)))
    # Times, as text and as null.
    for zone, mark in [("UTC", "Z"), (None, "")]:
        for nulls in [True, False]:
            stamps = times("replace", 20, nulls, zone)
            leap, odd = f"2000-02-29T12:00:00{mark}", f"1969-12-31T23:59:59.999999999{mark}"
            for given in [{"to_replace": leap, "value": None}, {"to_replace": leap, "value": odd},
                          {"to_replace": [leap, odd], "value": [odd, leap]},
                          {"to_replace": [leap, odd], "value": f"2024-01-01T00:00{mark}"},
                          {"to_replace": {leap: odd, "1900-03-01": leap}}, {"to_replace": [None], "value": leap},
                          {"to_replace": [leap, leap], "value": [odd, "1900-03-01"]},
                          {"to_replace": "2001-01-01", "value": odd}, {"to_replace": "vw", "value": "bmw"}, {"to_replace": 1, "value": 2},
                          {"to_replace": {"vw": "bmw", leap: odd}}]:  # fmt: skip
                cases.append(series_case("replace", stamps, given, lambda s, g=given: s.replace(**g)))
    # What is no category is in no row.
    category = pd.Series(pd.Categorical(["a", None, "b"], categories=["b", "a", "c"]))
    for given in [{"to_replace": "never", "value": "x"}, {"to_replace": 1, "value": "x"}, {"to_replace": {"never": "a", "vw": "b"}}]:
        cases.append(series_case("replace", category, given, lambda s, g=given: s.replace(**g)))
    mixed = pd.DataFrame({"w": times("replace", 6, True), "t": ["vw", "a", None] * 4, "i": range(12)})
    given = {"to_replace": {"vw": "bmw", "1900-03-01": "2000-01-01"}}
    cases.append(Case({"import": "replace", "kwargs": given}, mixed, lambda df: df.replace(**given)))
    return cases


def draw_fillna(d: Draw) -> Call:
    if d.chance(0.15):
        names = [d.column(kind) for kind in d.some(["float64", "text", "int64", "bool"], 2, 3)]
        fills = {name: d.present(name) for name in names if not d.has_null(name) or d.kind(name) != "category"}
        return Call({"kwargs": {"value": fills}}, lambda df: df.fillna({name: fill for name, fill in fills.items()}))
    name = d.column(*FLOATS, "int64", "bool", "text", *TIMES, "category")
    kind = d.kind(name)
    if kind in FLOATS and d.chance(0.2):
        statistic, value = d.one(["median", "mean", "mode"]), float(d.number())
        return d.on(name, {"value": {"frozen": statistic}}, lambda s: s.fillna(value), **{statistic: value})
    value = d.one(list(d.frame[name].cat.categories)) if kind == "category" else d.number() if kind in FLOATS else d.present(name)
    given = pd.Timestamp(value) if kind in TIMES else value
    return d.on(name, {"value": value}, lambda s: s.fillna(given))


def as_key(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def draw_map(d: Draw) -> Call:
    name = d.column("text", "int64", "int32", "float64", "bool", "category")
    keys = {as_key(key): key for key in (d.present(name) for _ in range(d.whole(1, 6)))}
    if d.kind(name) == "float64":
        keys = {text: key for text, key in keys.items() if np.isfinite(key)} or {"1.0": 1.0}
    result = d.one([d.text, lambda: d.whole(-5, 9), lambda: d.number() + 0.5, lambda: d.chance(0.5)])
    arg = {text: result() for text in keys}
    kwargs: dict = {"arg": arg}
    if d.chance(0.4):
        kwargs["default"] = result()
    if d.chance(0.25) and d.kind(name) != "category":
        kwargs["null"] = result()
    if d.chance(0.3):
        kwargs["na_action"] = d.one(["ignore", None, 0])
    python = {key: arg[text] for text, key in keys.items()}
    lookup = mapper({option: value for option, value in kwargs.items() if option != "arg"}, python, null=np.nan)
    whole = all(
        isinstance(value, int) and not isinstance(value, bool) for value in [*arg.values(), kwargs.get("default", 0), kwargs.get("null", 0)]
    )
    filled = "default" in kwargs and (kwargs.get("na_action") != "ignore" or not d.has_null(name))
    both = (
        d.kind(name) == "bool"
        and len(keys) == 2
        and not (d.has_null(name) and ("null" not in kwargs or kwargs.get("na_action") == "ignore"))
    )

    def call(s: pd.Series) -> pd.Series:
        mapped = lookup(s.astype(object) if s.dtype == "category" else s)
        if isinstance(result(), bool) and mapped.isna().all():
            raise ValueError("nothing tells that these nulls are Booleans")
        # Whole numbers are int64 only where no row can be null.
        return mapped.astype("float64") if whole and not filled and not both else mapped

    return d.on(name, kwargs, call)


def draw_replace(d: Draw) -> Call:
    name = d.column("text", "int64", "float64", "bool", *TIMES)
    kind = d.kind(name)
    wanted = list({as_key(value): value for value in (d.present(name) for _ in range(d.whole(1, 4)))}.values())
    values = [d.present(name) if kind != "float64" else d.number() for _ in wanted]
    if kind == "int64" and d.chance(0.3):
        values = [value + 0.5 for value in values]
    style = d.one(["one", "list", "pairs", "dict", "null"])
    if style == "null" and kind not in ("text", "float64", *TIMES):
        style = "one"
    if style == "one":
        kwargs: dict = {"to_replace": wanted[0], "value": values[0]}
        python = kwargs
    elif style == "list":
        kwargs = {"to_replace": wanted, "value": values[0]}
        python = kwargs
    elif style == "pairs":
        kwargs = {"to_replace": wanted, "value": values}
        python = kwargs
    elif style == "dict":
        kwargs = {"to_replace": {as_key(key): value for key, value in zip(wanted, values, strict=True)}}
        python = {"to_replace": dict(zip(wanted, values, strict=True))}
    else:
        kwargs = {"to_replace": wanted, "value": None}
        python = {"to_replace": wanted, "value": np.nan}
    used = kwargs["to_replace"].values() if style == "dict" else kwargs["value"] if style == "pairs" else [kwargs["value"]]
    # A fraction makes floats of integers, whether or not a value was replaced.
    fraction = kind == "int64" and any(value != int(value) for value in used)
    return d.on(name, kwargs, lambda s: s.replace(**python).astype("float64") if fraction else s.replace(**python))


EDGES = {"fillna": fillna, "map": map_, "replace": replace}
DRAWS = {"fillna": {"fillna": draw_fillna}, "map": {"map": draw_map}, "replace": {"replace": draw_replace}}
