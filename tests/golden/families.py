"""Every family of operations with its cases."""

from collections import defaultdict

import numpy as np
import pandas as pd
from case import Case, bools, floats, ints, rng, series_case, texts, times

INF = np.inf


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


def mapper(kwargs: dict, keys: dict):
    """The same call in pandas: a default is a defaultdict, a null key is NaN."""
    action = kwargs.get("na_action") or None

    def call(series: pd.Series) -> pd.Series:
        arg = dict(keys)
        if "null" in kwargs:
            arg[None if series.dtype == object else np.nan] = kwargs["null"]
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
    for round_ in range(12):
        values = texts(f"map{round_}", 20, edge=False)
        some = [value for value in values.dropna().unique()][::2]
        drawn = {value: f"{value}!" for value in some}
        cases.append(series_case("map", values, {"arg": drawn}, mapper({}, drawn)))
        cases.append(series_case("map", values, {"arg": drawn, "default": "?"}, mapper({"default": "?"}, drawn)))
    return cases


def to_datetime() -> list[Case]:
    iso = [
        "2020-01-02T03:04:05Z", "2020-01-02T03:04:05.123456789Z", "2020-01-02T03:04:05.1Z", "2020-01-02 03:04", "2020-01-02",
        "2020-01", "2020", "20200102", "20200102T0304", "20200102T030405", "20200102T03", "2020-01-02T03", "2020/1/2", "2020.01.02",
        "2020-1-2 3:4:5", "2020-01-02T03:04:05+02:00", "2020-01-02T03:04:05+0200", "2020-01-02T03:04:05+02", "2020-01-02T03:04:05-11:30",
        "2020-01-02T03:04:05 +01:00", "2020-02-30", "2020-13-01", "2020-01-02T24:00", "2020-01-02T03:60", "2020-01-02T03:04:60",
        "1677-09-21T00:12:43.145224193", "1677-09-21T00:12:43.145224192", "2262-04-11T23:47:16.854775807", "2262-04-11T23:47:16.854775808",
        "1500-01-01", "9999-12-31", "", "NaT", "nan", "NaN", None, "hello", "202001", " 2020-01-02", "2020-01-02 ", "2020-01-02T", "2020-",
        "2020-01-02T03:04:05.", "2020-01-02T03:04:05.1234567891234", "2020-01-02T03:04:05z", "2020-01-02t03:04:05",
        "2020-01-02T03:04:05+25:00",
        "2020-01-02T03:04:05+1", "2020-01-02T03:04:05+1:5", "2020-1", "2020-01-02T3", "2020-01-02T3Z", "2020-01-02T03Z",
        "2020-01-02T03:04Z",
        "2020-W01-1", "20-01-02", "02/01/2020", "Jan 2 2020", "2020-01-02T03:04:05+00:00", "2020-01-02T03:04:05+", "2020-001",
        "1969-12-31T23:59:59.999999999",
    ]  # fmt: skip
    random = rng("to_datetime")
    for _ in range(120):
        stamp = pd.Timestamp(int(random.integers(-8_500_000_000, 8_800_000_000)) * 10**9 + int(random.integers(0, 10**9)))
        zone = random.choice(["Z", "+02:00", "-0530", ""])
        digits = int(random.integers(0, 10))
        fraction = f".{stamp.strftime('%f')}{stamp.nanosecond:03d}"[: digits + 1] if digits else ""
        iso.append(stamp.strftime("%Y-%m-%dT%H:%M:%S") + fraction + zone)
    series = pd.Series(iso, dtype=object)
    # A column without nulls: a text for a missing time is no time there.
    unzoned = [text for text in iso if text and not any(mark in text[10:] for mark in "Zz+-")]
    local = pd.Series([text for text in unzoned if text.lower() not in {"nat", "nan"} and not text.endswith("192")], dtype=object)

    def parse(**kwargs):
        """Each text by itself: pandas 2.2.3 lets an offset reach into texts after it that have none."""
        return lambda s: pd.concat([pd.to_datetime(s.iloc[[row]], format="ISO8601", **kwargs) for row in range(len(s))])

    cases = [
        series_case("to_datetime", series, {"utc": True, "format": "ISO8601"}, parse(utc=True)),
        series_case("to_datetime", series, {"utc": True, "errors": "coerce", "format": "ISO8601"}, parse(utc=True, errors="coerce")),
        series_case("to_datetime", local, {"format": "ISO8601"}, parse()),
    ]
    stamps = pd.date_range("1999-12-25T07:08:09", periods=50, freq="37d5h").to_series(index=range(50))
    for format_ in ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%d.%m.%Y %H:%M", "%b %d, %Y", "%Y%m%d%H%M%S", "%d-%B-%y", "%m/%d/%Y %I:%M %p",
                    "%A %d %B %Y", "%Y-%j", "%H:%M:%S.%f %d.%m.%Y"]:  # fmt: skip
        written = stamps.dt.strftime(format_).tolist() + [None, "", "garbage", "2020"]
        kwargs = {"format": format_}
        cases.append(series_case("to_datetime", pd.Series(written, dtype=object), kwargs, lambda s, f=format_: pd.to_datetime(s, format=f)))
    zoned = pd.Series(["2020-01-02 03:04 +0200", "2020-01-02 03:04 -05:30", None, "2020-01-02 03:04"], dtype=object)
    kwargs = {"format": "%Y-%m-%d %H:%M %z", "utc": True}
    cases.append(series_case("to_datetime", zoned, kwargs, lambda s: pd.to_datetime(s, format=kwargs["format"], utc=True)))
    for unit, top in [
        ("D", 10**5),
        ("h", 10**6),
        ("m", 10**8),
        ("s", 9 * 10**9),
        ("ms", 9 * 10**12),
        ("us", 9 * 10**15),
        ("ns", 9 * 10**18),
    ]:
        whole = pd.Series(np.concatenate([rng(unit).integers(-top, top, 40), [0, 1, -1, 2**53, 2**62]]))
        cases.append(series_case("to_datetime", whole, {"unit": unit}, lambda s, u=unit: pd.to_datetime(s, unit=u)))
        parts = pd.Series(np.concatenate([rng(unit + "f").uniform(-top, top, 40), [0.1, 1.5, np.nan, -0.0]]))
        beyond = pd.concat([parts, pd.Series([1e300, -1e19])], ignore_index=True)
        cases.append(series_case("to_datetime", beyond, {"unit": unit, "utc": True}, lambda s, u=unit: pd.to_datetime(s, unit=u, utc=True)))
        cases.append(
            series_case(
                "to_datetime", parts, {"unit": unit, "errors": "coerce"}, lambda s, u=unit: pd.to_datetime(s, unit=u, errors="coerce")
            )
        )
    for zone in [None, "UTC"]:
        cases.append(series_case("to_datetime", times("t", 20, True, zone), {"utc": True}, lambda s: pd.to_datetime(s, utc=True)))
    return cases


PARTS = [
    "year", "month", "day", "hour", "minute", "second", "microsecond", "nanosecond", "dayofweek", "day_of_week", "weekday", "dayofyear",
    "day_of_year", "quarter", "days_in_month", "daysinmonth", "is_month_start", "is_month_end", "is_leap_year",
]  # fmt: skip


def dt() -> list[Case]:
    cases = []
    for part in PARTS:
        for nulls, zone in [(False, "UTC"), (True, "UTC"), (False, None)]:
            series = times(part, 70, nulls, zone)
            cases.append(series_case(f"dt.{part}", series, {}, lambda s, p=part: getattr(s.dt, p)))
    for offset in ["+05:30", "-11:00"]:
        series = times(offset, 100, False, "UTC").dt.tz_convert(offset)
        for part in ["hour", "dayofweek", "day", "year"]:
            cases.append(series_case(f"dt.{part}", series, {}, lambda s, p=part: getattr(s.dt, p)))
    for zone in ["UTC", None]:
        cases.append(series_case("dt.normalize", times("normalize", 110, True, zone), {}, lambda s: s.dt.normalize()))
    return cases


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
    return cases


def get_dummies() -> list[Case]:
    cases = []
    rows = 40
    random = rng("dummies")
    df = pd.DataFrame({
        "id": np.arange(rows),
        "gender": pd.Series(random.choice(["f", "m", "notgiven", None], rows), dtype=object),
        "day": pd.Series(random.integers(0, 7, rows), dtype="int32"),
        "score": pd.Series(random.choice([0.5, 1.0, 1e20, -2.0, np.nan], rows)),
        "flag": pd.Series(random.random(rows) < 0.5),
        "bucket": pd.Series(pd.Categorical(random.choice(["b", "a", None], rows), categories=["b", "a", "never"])),
        "text": pd.Series(random.choice(["Ü", "z", "a b", ""], rows), dtype=object),
    })  # fmt: skip
    levels = {"gender": ["f", "m", "notgiven"], "day": list(range(7)), "score": [-2.0, 0.5, 1.0, 1e20], "text": ["", "a b", "z", "Ü"]}
    frozen = {name: {"categories": values} for name, values in levels.items()}

    def run(columns: list[str] | None, **options):
        def call(df: pd.DataFrame) -> pd.DataFrame:
            # Categories are frozen: the answer does not depend on which of them the rows have.
            typed = df.assign(**{name: pd.Categorical(df[name], categories=values) for name, values in levels.items() if name in encoded})
            encoded_columns = columns if columns is not None else ["gender", "bucket", "text"]
            return pd.get_dummies(typed, columns=encoded_columns, **options)

        encoded = columns if columns is not None else ["gender", "text"]
        return call

    for columns in [
        ["gender"],
        ["day", "gender"],
        ["score", "bucket", "text"],
        ["bucket"],
        ["gender", "day", "score", "bucket", "text"],
        None,
    ]:
        given = {} if columns is None else {"columns": columns}
        count = 3 if columns is None else len(columns)
        many = [f"p{index}" for index in range(count)]
        for options in [{}, {"dummy_na": True}, {"drop_first": True}, {"prefix_sep": "="}, {"prefix": many}, {"dtype": "int"},
                        {"dtype": "float"},
                        {"dtype": "int8"}, {"drop_first": True, "dummy_na": True}]:  # fmt: skip
            in_pandas = options | (
                {"dtype": {"int": "int64", "float": "float64"}.get(options["dtype"], options["dtype"])} if "dtype" in options else {}
            )
            cases.append(Case({"import": "get_dummies", "kwargs": given | options}, df, run(columns, **in_pandas), frozen))
    prefix = {"gender": "G", "day": "D"}
    cases.append(Case({"import": "get_dummies", "kwargs": {"columns": ["gender", "day"], "prefix": prefix}}, df,
                      run(["gender", "day"], prefix=prefix), frozen))  # fmt: skip
    flags = pd.DataFrame({"flag": [True, False, True]})
    cases.append(Case({"import": "get_dummies", "kwargs": {"columns": ["flag"]}}, flags, lambda df: pd.get_dummies(df, columns=["flag"])))
    return cases


def text() -> list[Case]:
    cases = []
    for name in ["lower", "upper", "strip", "lstrip", "rstrip"]:
        for round_ in range(4):
            cases.append(
                series_case(f"str.{name}", texts(f"{name}{round_}", 50, edge=round_ < 2), {}, lambda s, n=name: getattr(s.str, n)())
            )
    for name in ["strip", "lstrip", "rstrip"]:
        for characters in ["a", " .-", "éΣ🚗"]:
            kwargs = {"to_strip": characters}
            cases.append(
                series_case(f"str.{name}", texts(name + characters, 70), kwargs, lambda s, n=name, k=kwargs: getattr(s.str, n)(**k))
            )
    for start, stop in [(0, 3), (None, 2), (2, None), (-3, None), (None, -1), (-2, -1), (1, -1), (5, 2)]:
        kwargs = {"start": start, "stop": stop}
        cases.append(series_case("str.slice", texts(f"slice{start}{stop}", 30), kwargs, lambda s, k=kwargs: s.str.slice(**k)))
    for width in [0, 3, 8]:
        cases.append(series_case("str.zfill", texts(f"zfill{width}", 70), {"width": width}, lambda s, w=width: s.str.zfill(w)))
    return cases


ALL = {
    "fillna": fillna, "map": map_, "to_datetime": to_datetime, "dt": dt, "astype": astype, "cut": cut,
    "get_dummies": get_dummies, "text": text,
}  # fmt: skip
