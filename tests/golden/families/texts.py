"""`str.*`: texts."""

import pandas as pd
from case import Case, series_case, texts
from draw import LETTERS, Call, Draw

PATTERNS = [
    "a",
    "[0-9]+",
    "é|ß",
    "^a",
    "x$",
    r"\d",
    r"[a-z]\.",
    "XYZ",
    "a.",
    "[ab]+",
    "(a)(b)?",
    "x*",
    "[^a-z]",
    "..",
    "b{1,2}",
    r"\.",
    "ı|İ",
    "🚗",
]
# Those that mean the same without case: a dotted I is no small letter to Python, whatever its case.
FOLDED = ["a", "XYZ", "^a", "[0-9]+", "a.", "[ab]+", "b{1,2}"]


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


def text_match() -> list[Case]:
    cases = []
    flat = lambda series: series.map(lambda value: value if isinstance(value, bool) else None).astype(object)  # noqa: E731
    for pattern, options in [("a", {}), ("[0-9]+", {}), (".", {"regex": False}), ("é|ß", {"case": False}), ("^a", {}), ("x$",
                             {"na": False}),
                             (r"\d", {"na": True}), (r"[a-z]\.", {}), ("XYZ", {"case": False, "na": False}), ("", {})]:  # fmt: skip
        kwargs = {"pat": pattern} | options
        run = lambda s, k=kwargs: s.str.contains(**k) if "na" in k else flat(s.str.contains(**k))  # noqa: E731
        cases.append(series_case("str.contains", texts(f"contains{pattern}", 60), kwargs, run))
    folded = pd.Series(["STRASSE", "straße", "Straße", "strasse", "a", None], dtype=object)
    for pattern in ["straße", "ss", "STRASSE"]:
        kwargs = {"pat": pattern, "case": False, "regex": False}
        cases.append(series_case("str.contains", folded, kwargs, lambda s, k=kwargs: flat(s.str.contains(**k))))
    marks = pd.Series(["a", "b", "&", "-", "~", "[", "]", "a/b", "<b>", None], dtype=object)
    for pattern in [r"[a\&\&b]", r"[\[a]", "[]a]", "[^]a]", "[a-]", "a&&b|a--b|~~"]:
        cases.append(series_case("str.contains", marks, {"pat": pattern}, lambda s, p=pattern: flat(s.str.contains(p))))
    for kwargs in [{"repl": r"[\g<0>]", "case": False}, {"repl": r"\n\a", "case": False}, {"repl": r"[\g<0>]"},
                   {"repl": r"\.\é\\", "regex": True}]:  # fmt: skip
        kwargs = {"pat": "/"} | kwargs
        cases.append(series_case("str.replace", marks, kwargs, lambda s, k=kwargs: s.str.replace(**k)))
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
        {"pat": "", "n": 2},
        {"pat": "(?:a|-)", "n": 2},
        {"n": 1},
        {"n": 3},
        {"pat": "[ab]+", "n": 2},
        {"pat": "a.", "n": 1, "regex": False},
        {"pat": " *", "n": 3},
        {"pat": "x*", "n": 4},
        {"pat": "[-, ]*", "n": 2},
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


def draw_plain(method: str):
    return lambda d: d.on(d.column("text"), {}, lambda s: getattr(s.str, method)())


def draw_strip(method: str):
    def draw(d: Draw) -> Call:
        kwargs = {"to_strip": d.one([None, "a", " .-", "éΣ🚗", "", d.text()])} if d.chance(0.7) else {}
        return d.on(d.column("text"), kwargs, lambda s: getattr(s.str, method)(**kwargs))

    return draw


def draw_slice(d: Draw) -> Call:
    kwargs = {key: d.whole(-5, 7) for key in d.some(["start", "stop"], 0, 2)}
    return d.on(d.column("text"), kwargs, lambda s: s.str.slice(**kwargs))


def draw_zfill(d: Draw) -> Call:
    kwargs = {"width": d.whole(0, 12)}
    return d.on(d.column("text"), kwargs, lambda s: s.str.zfill(**kwargs))


def flagged(answer: pd.Series) -> pd.Series:
    """Booleans with nulls."""
    return answer.map(lambda value: value if isinstance(value, bool) else None).astype(object)


def piece(d: Draw, name: str) -> str:
    """A piece of one of the column's texts, or a letter."""
    text = d.present(name)
    at = d.whole(0, len(text) + 1)
    return text[at : at + d.whole(1, 3)] if d.chance(0.6) and text else d.one([*LETTERS, ""])


def draw_contains(d: Draw) -> Call:
    name = d.column("text")
    kwargs: dict = {"pat": d.one(PATTERNS)} if d.chance(0.6) else {"pat": piece(d, name), "regex": False}
    if d.chance(0.3) and kwargs["pat"] in FOLDED:
        kwargs["case"] = d.chance(0.5)
    if d.chance(0.4):
        kwargs["na"] = d.chance(0.5)
    return d.on(name, kwargs, lambda s: s.str.contains(**kwargs) if "na" in kwargs else flagged(s.str.contains(**kwargs)))


def draw_affix(method: str):
    def draw(d: Draw) -> Call:
        name = d.column("text")
        several = [piece(d, name) for _ in range(d.whole(1, 4))]
        kwargs: dict = {"pat": several if d.chance(0.4) else several[0]}
        if d.chance(0.4):
            kwargs["na"] = d.chance(0.5)
        python = {key: tuple(value) if isinstance(value, list) else value for key, value in kwargs.items()}
        return d.on(
            name, kwargs, lambda s: getattr(s.str, method)(**python) if "na" in kwargs else flagged(getattr(s.str, method)(**python))
        )

    return draw


def draw_len(d: Draw) -> Call:
    name = d.column("text")
    return d.on(name, {}, lambda s: s.str.len().astype("float64") if s.isna().any() else s.str.len())


def draw_replace(d: Draw) -> Call:
    name = d.column("text")
    if d.chance(0.6):
        pattern = d.one(PATTERNS)
        repl = d.one(["", "_", "<>", r"\g<0>!", "é"]) if "(" not in pattern else r"\2-\1"
        kwargs: dict = {"pat": pattern, "repl": repl, "regex": True}
        if pattern in FOLDED and d.chance(0.4):
            kwargs["case"] = False
    else:
        kwargs = {"pat": piece(d, name), "repl": piece(d, name)}
        if d.chance(0.3):
            kwargs["regex"] = False
    if d.chance(0.3):
        kwargs["n"] = d.whole(-1, 4)
    return d.on(name, kwargs, lambda s: s.str.replace(**kwargs))


def draw_split(d: Draw) -> Call:
    name = d.column("text")
    kwargs: dict = {"n": d.whole(1, 4), "expand": True}
    if d.chance(0.75):
        kwargs["pat"] = d.one([".", "-", "a", " ", "[ab]+", r"\d", "a.", "..", "é"])
        if d.chance(0.3):
            kwargs["regex"] = d.chance(0.5)
    into = d.fresh(kwargs["n"] + 1)

    def run(df: pd.DataFrame) -> pd.DataFrame:
        parts = df[name].str.split(**kwargs).reindex(columns=range(len(into))).astype(object)
        return pd.concat([df, parts.where(parts.notna(), None).set_axis(into, axis=1)], axis=1)

    return Call({"cols": name, "into": into, "kwargs": kwargs}, run)


def draw_extract(d: Draw) -> Call:
    name = d.column("text")
    pattern, groups = d.one(
        [(r"([a-z])(\d)?", 2), (r"(\w)(.*)", 2), ("([XYZ]+)", 1), (r"^(.)", 1), (r"(a|b)-?(.)?", 2), (r"([^ ]+)( )?(.*)", 3)]
    )
    into = d.fresh(groups)
    kwargs = {"pat": pattern} | ({"expand": True} if d.chance(0.3) else {})

    def run(df: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([df, df[name].str.extract(pattern).astype(object).set_axis(into, axis=1)], axis=1)

    return Call({"cols": name, "into": into, "kwargs": kwargs}, run)


EDGES = {"text": text, "text_match": text_match}
DRAWS = {
    "text": {
        **{f"str.{method}": draw_plain(method) for method in ["lower", "upper"]},
        **{f"str.{method}": draw_strip(method) for method in ["strip", "lstrip", "rstrip"]},
        "str.slice": draw_slice,
        "str.zfill": draw_zfill,
    },
    "text_match": {
        "str.len": draw_len,
        "str.contains": draw_contains,
        **{f"str.{method}": draw_affix(method) for method in ["startswith", "endswith"]},
        "str.replace": draw_replace,
        "str.split": draw_split,
        "str.extract": draw_extract,
    },
}
