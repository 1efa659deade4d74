"""Expressions: the language of `assign`, `eval`, `query`, FieldTrans and Processor, as `pandas.eval` and Series methods answer."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
from case import Case, bools, floats, ints, texts, times
from draw import Call, Draw

ROWS = 24


def frame() -> pd.DataFrame:
    """A column of each type; `i` and `f` hold zeros, so that dividing by them gives floats whatever the rows."""
    columns = {
        "i": ints("expression.i", 80, edge=False, low=-9, high=9),
        "j": ints("expression.j", 80, edge=True),
        "k": ints("expression.k", 80, edge=False, low=-40, high=40).astype("int32"),
        "f": floats("expression.f", 80),
        "g": floats("expression.g", 80, edge=False, scale=3.0),
        "h": floats("expression.h", 80, edge=False, scale=5.0).astype("float32"),
        "b": bools("expression.b", 80),
        "c": bools("expression.c", 80),
        "t": texts("expression.t", 80),
        "s": texts("expression.s", 80, edge=False, nulls=0.0),
        "w": times("expression.w", 80, nulls=True),
        "v": times("expression.v", 80, nulls=False),
        "a.b": ints("expression.ab", 80, edge=False),
    }
    picked = {name: column.iloc[-ROWS:].reset_index(drop=True) for name, column in columns.items()}
    picked["i"].iloc[:3] = [0, 1, -7]
    picked["f"].iloc[:2] = [0.0, np.nan]
    picked["t"].iloc[:3] = ["vw", None, " A.b "]
    return pd.DataFrame(picked)


FRAME = frame()


class Writer:
    """Random well-typed expressions that `pandas.eval` reads too, with as few parentheses as chance leaves."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def pick(self, *options: str) -> str:
        return str(self.random.choice(options))

    def sometimes(self, text: str) -> str:
        return f"({text})" if self.random.random() < 0.5 else text

    def number(self, depth: int) -> str:
        if depth == 0 or self.random.random() < 0.15:
            return self.pick("i", "i", "j", "k", "f", "f", "g", "h", "`a.b`")
        kind = self.random.random()
        if kind < 0.5:
            return self.sometimes(f"{self.number(depth - 1)} {self.pick('+', '-', '*', '/')} {self.number(depth - 1)}")
        if kind < 0.65:
            constant = self.pick("1", "2", "7", "0.5", "-3", "1.25", "10")
            return self.sometimes(f"{self.number(depth - 1)} {self.pick('+', '-', '*', '/', '//', '%')} {constant}")
        if kind < 0.72:
            return self.sometimes(f"{self.pick('2', '0.5', '-7')} {self.pick('+', '-', '*', '/')} {self.number(depth - 1)}")
        if kind < 0.8:
            return self.sometimes(f"{self.number(depth - 1)} {self.pick('//', '%')} {self.pick('i', 'f')}")
        if kind < 0.87:
            return self.sometimes(f"-{self.pick('i', 'f', 'h', 'j')} ** 2")
        if kind < 0.93:
            return self.pick("abs(i - 3)", "sqrt(f)", "floor(f)", "ceil(g)", "abs(h)", "sqrt(abs(g) + 1)")
        return self.pick("v.dt.hour", "w.dt.month", "s.str.len()", "t.str.len()", "f.fillna(0)", "g.round(1)", "f.clip(-1, 1)")

    def condition(self, depth: int) -> str:
        if depth == 0 or self.random.random() < 0.1:
            return self.pick("b", "c", "~b", "not c")
        kind = self.random.random()
        if kind < 0.35:
            return self.sometimes(f"{self.number(1)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.number(1)}")
        if kind < 0.45:
            return self.sometimes(f"-3 {self.pick('<', '<=')} {self.number(1)} {self.pick('<', '<=', '==', '!=')} {self.number(1)}")
        if kind < 0.8:
            joined = self.pick("and", "or", "&", "|")
            return self.sometimes(f"{self.condition(depth - 1)} {joined} {self.condition(depth - 1)}")
        if kind < 0.86:
            return self.sometimes(f"not {self.condition(depth - 1)}")
        return self.pick(
            "i in [1, 2, -7]", "i not in [0]", "f in [0.0, 1.5]", "t in ['vw', 'a']", "t not in ['vw']", "t == ['vw']", "t != 'vw'",
            "t == 'vw'", "s == t", "f == f", "f != f", "f.isna()", "t.notna()", "i.between(0, 5)", "k.isin([1, 2])",
            "s.str.contains('a')", "s < 'b'",
            "w > '2000-01-01T00:00Z'", "v <= '1999-12-31T23:00:00Z'", "t.isnull() | b", "b == c", "b != True",
        )  # fmt: skip


def evaluated(text: str) -> Case:
    expr = f"out = {text}"
    params = {"import": "eval", "kwargs": {"expr": expr}}
    return Case(params, FRAME, lambda df: df.eval(expr, engine="python"))


def beyond(text: str, run: Callable[[pd.DataFrame], pd.Series]) -> Case:
    """An expression that `pandas.eval` does not read, beside the same in methods."""
    return Case({"import": "assign", "kwargs": {"out": text}}, FRAME, lambda df: df.assign(out=run))


def draw_eval(draws: Draw) -> Call:
    """One or two assignments, the second of which may see the first."""
    draws.frame = FRAME
    writer = Writer(draws.random)
    depth = int(draws.random.integers(1, 5))
    text = f"out = {writer.number(depth) if draws.chance(0.6) else writer.condition(depth)}"
    if draws.chance(0.2):
        text += f"\nmore = {writer.number(1)} + j\nj = more"
    return Call({"kwargs": {"expr": text}}, lambda df: df.eval(text, engine="python"))


def draw_assign(draws: Draw) -> Call:
    draws.frame = FRAME
    writer = Writer(draws.random)
    texts = {"one": writer.number(3), "two": f"{writer.number(2)} + one", "three": writer.condition(2)}
    steps = {name: lambda df, text=text: df.eval(text, engine="python") for name, text in texts.items()}
    return Call({"kwargs": texts}, lambda df: df.assign(**steps))


def draw_query(draws: Draw) -> Call:
    draws.frame = FRAME
    text = Writer(draws.random).condition(int(draws.random.integers(1, 4)))
    return Call({"kwargs": {"expr": text}}, lambda df: df.query(text, engine="python"))


def ranks() -> list[Case]:
    """What binds tighter than what."""
    arithmetic = ["+", "-", "*", "/", "//", "%"]
    chains = [f"i {one} 2 {other} 3" for one, other in itertools.product(arithmetic, arithmetic)]
    fixed = [
        "-i ** 2", "2 * -i", "i ** 2 ** 1", "(i + 2) ** 2", "-f // 2", "- - i", "+i - -2", "2 ** 3 ** 2 + i", "-2 ** 2 + i", "i - 1 - 1",
        "i - (1 - 1)", "i / 2 * 3", "i * (2 * 3)", "k * (2 * 3)", "k + 1", "k / 2", "k + 1.5", "h + 1.5", "h * 2",
        "i // 0", "i % 0", "i / 0",
        "f // 0", "f % 0.0", "`a.b` + 1", "2 - i", "2 / i", "7 // i", "7 % i", "1 + 2 + i", "1e2 * f", "0.5 * f", "1_000 + i",
        "i + True", "f + b", "b * i",
    ]  # fmt: skip
    logic = [
        "i > 0 & f > 0", "i > 0 | f > 0 & b", "b | b & c", "b & c | c", "not b and c", "not (b and c)", "not i > 0", "~b & c", "~(b & c)",
        "i > 0 and f > 0 or not c", "-7 < i < 2", "i < f < 2", "i == 1 == b", "0 < i <= 5 != 3", "b == c == b", "not b == c", "~b == c",
        "i in [1, 2] & b", "1 < i", "'vw' == t", "2 >= i", "i > 0 | i < -3 and c", "t in ['vw', None]",
    ]  # fmt: skip
    return [evaluated(text) for text in chains + fixed + logic]


def several() -> list[Case]:
    """Assignments that see those before them, and the frame that they change."""
    lines = "x = i + 1\ny = x * f\n\nx = x + y\ni = y"
    kwargs = {"x": "i + 1", "y": "x * 2", "i": "y - x", "z": "i", "one": 1, "half": 0.5, "flag": True}
    steps: dict[str, Callable | float] = {
        name: (lambda df, text=text: df.eval(text)) if isinstance(text, str) else text for name, text in kwargs.items()
    }
    cases = [
        Case({"import": "eval", "kwargs": {"expr": lines}}, FRAME, lambda df: df.eval(lines)),
        Case({"import": "assign", "kwargs": kwargs}, FRAME, lambda df: df.assign(**steps)),
    ]
    return cases


def functions() -> list[Case]:
    series: list[tuple[str, Callable[[pd.DataFrame], pd.Series]]] = [
        ("if b then i else k", lambda df: df.i.where(df.b, df.k)),
        ("if b then i else f", lambda df: df.i.where(df.b, df.f).astype("float64")),
        ("if i > 0 then f else -f", lambda df: df.f.where(df.i > 0, -df.f)),
        ("if b then 1 else 2", lambda df: pd.Series(np.where(df.b, 1, 2), index=df.index)),
        ("if b then 0.5 else 2", lambda df: pd.Series(np.where(df.b, 0.5, 2), index=df.index)),
        ("if b then 'yes' else 'no'", lambda df: pd.Series(np.where(df.b, "yes", "no"), index=df.index, dtype=object)),
        ("if b then t else s", lambda df: df.t.where(df.b, df.s)),
        ("if b then t else 'none'", lambda df: df.t.where(df.b, "none")),
        ("if b then lower(t) else upper(s)", lambda df: df.t.str.lower().where(df.b, df.s.str.upper())),
        ("if b then null else f", lambda df: df.f.mask(df.b)),
        ("if b then t else null", lambda df: df.t.where(df.b, None)),
        ("if b then v else w", lambda df: df.v.where(df.b, df.w)),
        ("if b then v else '2000-01-01T00:00Z'", lambda df: df.v.where(df.b, "2000-01-01T00:00Z")),
        ("if w >= '2000-01-01' then '2000-01-01' else w", lambda df: df.w.mask(df.w >= "2000-01-01", "2000-01-01")),
        ("hour(v) / 86400000000", lambda df: df.v.dt.hour / 86400000000),
        ("if b then c else true", lambda df: df.c.where(df.b, True)),
        ("where(f > 0, f, 0)", lambda df: df.f.where(df.f > 0, 0)),
        ("where(t == 'vw', 'volkswagen', t)", lambda df: df.t.mask(df.t == "vw", "volkswagen")),
        ("where(i < 0, -1, where(i > 0, 1, 0))", lambda df: pd.Series(np.sign(df.i), index=df.index)),
        ("coalesce(f, g)", lambda df: df.f.combine_first(df.g)),
        ("coalesce(f, g, 0)", lambda df: df.f.combine_first(df.g).fillna(0)),
        ("coalesce(f, i)", lambda df: df.f.combine_first(df.i)),
        ("coalesce(t, s)", lambda df: df.t.combine_first(df.s)),
        ("coalesce(t, 'none')", lambda df: df.t.fillna("none")),
        ("coalesce(w, v)", lambda df: df.w.combine_first(df.v)),
        ("min(f, g)", lambda df: df[["f", "g"]].min(axis=1)),
        ("max(f, g, i)", lambda df: df[["f", "g", "i"]].max(axis=1)),
        ("max(i, k)", lambda df: df[["i", "k"]].max(axis=1)),
        ("min(i, 3)", lambda df: df.i.clip(upper=3)),
        ("max(0, g)", lambda df: df.g.fillna(0).clip(lower=0)),
        ("max(v, w)", lambda df: df[["v", "w"]].max(axis=1)),
        ("f is null", lambda df: df.f.isna()),
        ("t is not null", lambda df: df.t.notna()),
        ("w is null or b", lambda df: df.w.isna() | df.b),
        ("t is None", lambda df: df.t.isna()),
        ("isna(f)", lambda df: df.f.isna()),
        ("'<' + s + '>'", lambda df: "<" + df.s + ">"),
        ("t + s", lambda df: df.t + df.s),
        ("lower(strip(t))", lambda df: df.t.str.strip().str.lower()),
        ("t.str.strip().str.lower()", lambda df: df.t.str.strip().str.lower()),
        ("strip(t, ' A')", lambda df: df.t.str.strip(" A")),
        ("len(s) + 1", lambda df: df.s.str.len() + 1),
        ("contains(t, 'a', case=false, na=false)", lambda df: df.t.str.contains("a", case=False, na=False)),
        (r"contains(s, '\d')", lambda df: df.s.str.contains("[0-9]")),
        ("startswith(s, 'a') or endswith(s, 'Z')", lambda df: df.s.str.startswith("a") | df.s.str.endswith("Z")),
        ("startswith(s, ['a', 'X'])", lambda df: df.s.str.startswith(("a", "X"))),
        ("replace(t, 'v', 'b')", lambda df: df.t.str.replace("v", "b")),
        (r"replace(s, '([a-c])', '<\1>', regex=true)", lambda df: df.s.str.replace("([a-c])", r"<\1>", regex=True)),
        ("split_part(t, '.', 0)", lambda df: df.t.str.split(".", n=1, regex=False).str[0]),
        ("split_part(t, '.', 1)", lambda df: df.t.str.split(".", n=2, regex=False).str[1]),
        ("extract(t, '([a-z]+)')", lambda df: df.t.str.extract("([a-z]+)")[0]),
        ("extract(t, '(?P<letters>[a-z]+)')", lambda df: df.t.str.extract("([a-z]+)")[0]),
        ("slice(t, 0, 2)", lambda df: df.t.str.slice(0, 2)),
        ("hour(w)", lambda df: df.w.dt.hour),
        ("v.dt.dayofweek", lambda df: df.v.dt.dayofweek),
        ("year(v) * 100 + month(v)", lambda df: df.v.dt.year * 100 + df.v.dt.month),
        ("dayofyear(v) > 180", lambda df: df.v.dt.dayofyear > 180),
        ("int(b)", lambda df: df.b.astype("int64")),
        ("int(g)", lambda df: df.g.astype("int64")),
        ("float(i) / 2", lambda df: df.i.astype("float64") / 2),
        ("str(i) + '!'", lambda df: df.i.astype(str) + "!"),
        ("bool(i)", lambda df: df.i.astype(bool)),
        ("cast(i, 'int8')", lambda df: df.i.astype("int8")),
        ("astype(g, 'float32')", lambda df: df.g.astype("float32")),
        ("round(g, 1)", lambda df: df.g.round(1)),
        ("round(g)", lambda df: df.g.round()),
        ("clip(g, lower=-1, upper=1)", lambda df: df.g.clip(-1, 1)),
        ("between(g, -1, f)", lambda df: df.g.between(-1, df.f)),
        ("fillna(f, -1)", lambda df: df.f.fillna(-1)),
        ("sqrt(abs(g))", lambda df: np.sqrt(df.g.abs())),
        ("to_datetime('2020-01-31 12', '%Y-%m-%d %H').dt.day + i", lambda df: df.i + 31),
        ("if f is null then 0 else int(clip(f, -9, 9))", lambda df: df.f.clip(-9, 9).fillna(0).astype("int64")),
        ("f is not null and int(clip(f, -9, 9)) > 2", lambda df: df.f.clip(-9, 9).fillna(0).astype("int64") > 2),
        (
            "coalesce(where(f > 0, f, null), int(clip(coalesce(f, 0), -9, 9)))",
            lambda df: df.f.where(df.f > 0, df.f.clip(-9, 9).fillna(0).astype("int64")),
        ),
        ("len('vw') * 2 + i", lambda df: df.i + 4),
        ("'v' + 'w' == t", lambda df: df.t == "vw"),
        ("(i + 1).abs() % 3", lambda df: (df.i + 1).abs() % 3),
        ("-astype(abs(k), 'uint8')", lambda df: -df.k.abs().astype("uint8")),
    ]  # fmt: skip
    return [beyond(text, run) for text, run in series]


def edges() -> list[Case]:
    return ranks() + several() + functions()


EDGES: dict[str, Callable[[], list[Case]]] = {"expressions": edges}

DRAWS: dict[str, dict[str, Callable[[Draw], Call]]] = {"expressions": {"assign": draw_assign, "eval": draw_eval, "query": draw_query}}
