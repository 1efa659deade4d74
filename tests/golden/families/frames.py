"""Operations on a frame as a whole: `get_dummies`, `drop`, `rename`, `reindex`, `select_dtypes`."""

import datetime

import numpy as np
import pandas as pd
from case import Case, bools, floats, ints, rng, texts, times
from draw import WHOLE, Call, Draw


def beside_null(made: pd.DataFrame, known: list[int], dtype: object, prefix: str, separator: str = "_") -> pd.DataFrame:
    """The dummies of integers, under the names that pandas gives them beside that of null; categories keep the integers' own."""
    names = pd.get_dummies(pd.Series(known, dtype=dtype), prefix=prefix, prefix_sep=separator, dummy_na=True).columns
    return made.rename(columns={f"{prefix}{separator}{value}": name for value, name in zip(known, names, strict=False)})


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
            made = pd.get_dummies(typed, columns=encoded_columns, **options)
            if "day" in encoded and "dummy_na" in options:
                made = beside_null(made, levels["day"], df["day"].dtype, "day")
            return made

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
    # Booleans with nulls are objects, which are encoded without being named.
    member = df[["id", "flag"]].assign(member=bools("member", rows, nulls=True))
    for options in [{}, {"dummy_na": True}, {"drop_first": True}]:
        cases.append(Case({"import": "get_dummies", "kwargs": options}, member, lambda df, o=options: pd.get_dummies(df, **o)))
    flags = pd.DataFrame({"flag": [True, False, True]})
    cases.append(Case({"import": "get_dummies", "kwargs": {"columns": ["flag"]}}, flags, lambda df: pd.get_dummies(df, columns=["flag"])))
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
    # Dates are Python objects.
    days = [datetime.date(2024, 2, 29), None, datetime.date(1899, 12, 31)]
    objects = pd.DataFrame({"x": [1.5, 2.5, 3.5], "t": ["a", None, "b"], "d": pd.Series(days, dtype=object), "n": [1, 2, 3]})
    for kwargs in [{"include": ["object", "float"]}, {"exclude": "object"}, {"include": "object"}, {"exclude": ["number", "datetime"]}]:
        cases.append(Case({"import": "select_dtypes", "kwargs": kwargs}, objects, lambda df, k=kwargs: df.select_dtypes(**k)))
    widths = pd.DataFrame({kind: ints(kind, 4, edge=False).astype(kind) for kind in ["int64", "int32", "int16", "float32", "float64"]})
    for kwargs in [{"include": ["int", "float"]}, {"include": "int"}, {"exclude": ["int"]}, {"include": "int32"}, {"include": "integer"}]:
        cases.append(Case({"import": "select_dtypes", "kwargs": kwargs}, widths, lambda df, k=kwargs: df.select_dtypes(**k)))
    return cases


def draw_get_dummies(d: Draw) -> Call:
    names = [d.column(kind) for kind in d.some(["text", "int64", "category", "bool", "float64", "int32"], 1, 3)]
    levels: dict = {}
    for name in names:
        if d.kind(name) == "category" or (d.kind(name) == "bool" and not d.has_null(name)):
            continue
        # Some rows hold categories that training has not seen.
        seen = [value for value in d.frame[name].dropna().unique().tolist() if not (isinstance(value, float) and not np.isfinite(value))]
        levels[name] = sorted(set(seen[: d.whole(1, 6)])) or [d.present(name)]
    options: dict = {}
    if d.chance(0.3):
        options["dummy_na"] = True
    if d.chance(0.3):
        options["drop_first"] = True
    if d.chance(0.3):
        options["prefix_sep"] = d.one(["=", "__", ""])
    if d.chance(0.3):
        options["dtype"] = d.one(["int64", "float64", "int8", "uint8", "float32", "bool"])
    options["prefix"] = dict(zip(names, d.fresh(len(names)), strict=True))

    def run(df: pd.DataFrame) -> pd.DataFrame:
        typed = df.assign(**{name: pd.Categorical(df[name], categories=known) for name, known in levels.items()})
        made = pd.get_dummies(typed, columns=names, **options)
        for name in levels if "dummy_na" in options and made.columns.is_unique else []:
            # A category that training has not seen is not null.
            dummy = f"{options['prefix'][name]}{options.get('prefix_sep', '_')}nan"
            made[dummy] = made[dummy].where(df[name].isna(), 0).astype(made[dummy].dtype)
        for name, known in levels.items() if "dummy_na" in options else []:
            if d.kind(name) in WHOLE:
                made = beside_null(made, known, df[name].dtype, options["prefix"][name], options.get("prefix_sep", "_"))
        return made

    return Call({"kwargs": {"columns": names} | options}, run, {name: {"categories": known} for name, known in levels.items()})


def several(d: Draw) -> list[str]:
    kinds = ["int64", "float64", "text", "bool", "time", "category", "float32", "local", "int8", "int32"]
    return [d.column(kind) for kind in d.some(kinds, 3, 5)]


def draw_drop(d: Draw) -> Call:
    names = several(d)
    gone = d.some(names, 1, 2)
    style = d.one(["columns", "one", "labels", "cols", "ignore"])
    if style == "cols":
        return Call({"cols": gone}, lambda df: df.drop(columns=gone))
    kwargs: dict = {
        "columns": {"columns": gone},
        "one": {"columns": gone[0]},
        "labels": {"labels": gone, "axis": d.one([1, "columns"])},
        "ignore": {"columns": [*gone, "nope"], "errors": "ignore"},
    }[style]
    return Call({"kwargs": kwargs}, lambda df: df.drop(**kwargs))


def draw_rename(d: Draw) -> Call:
    names = several(d)
    old = d.some(names, 1, 3)
    names_of = dict(zip(old, d.fresh(len(old)), strict=True)) if d.chance(0.7) else dict(zip(old, old[1:] + old[:1], strict=True))
    if d.chance(0.3):
        names_of["nope"] = "x"
    return Call({"kwargs": {"columns": names_of}}, lambda df: df.rename(columns=names_of))


def draw_reindex(d: Draw) -> Call:
    names = several(d)
    kept = d.some(names, 1, 4)
    made = d.fresh(d.whole(0, 2))
    kwargs: dict = {"columns": d.some([*kept, *made], len(kept) + len(made), 9)}
    fill: object = np.nan
    if d.chance(0.7):
        fill = d.one([d.whole(-5, 5), d.number() + 0.25, d.text(), d.chance(0.5)])
        kwargs["fill_value"] = fill
    if fill == "nan":
        fill = kwargs["fill_value"] = "none"

    def run(df: pd.DataFrame) -> pd.DataFrame:
        # Column by column: pandas widens all new columns together.
        return pd.DataFrame({name: df[name] if name in df.columns else pd.Series(fill, index=df.index) for name in kwargs["columns"]})

    return Call({"kwargs": kwargs}, run)


KINDS = [
    "number",
    "object",
    "category",
    "bool",
    "float",
    "datetimetz",
    "datetime",
    "int64",
    "float64",
    "float32",
    "int8",
    "integer",
    "floating",
    "int",
    "int32",
]


def draw_select_dtypes(d: Draw) -> Call:
    several(d)
    chosen = d.some(KINDS, 1, 4)
    kwargs: dict = {"include": chosen if len(chosen) > 1 else chosen[0]} if d.chance(0.6) else {"exclude": chosen}
    if "include" in kwargs and d.chance(0.3):
        left = [kind for kind in KINDS if kind not in chosen]
        kwargs["exclude"] = d.some(left, 1, 2)
    return Call({"kwargs": kwargs}, lambda df: df.select_dtypes(**kwargs))


EDGES = {"get_dummies": get_dummies, "columns": columns}
DRAWS = {
    "get_dummies": {"get_dummies": draw_get_dummies},
    "columns": {"drop": draw_drop, "rename": draw_rename, "reindex": draw_reindex, "select_dtypes": draw_select_dtypes},
}
