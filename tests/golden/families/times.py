"""`to_datetime` and the parts of times."""

import datetime

import numpy as np
import pandas as pd
from case import Case, rng, series_case, times
from draw import FLOATS, TIMES, Call, Draw, time_value


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
    # Each text by a format that Python's regular expression reads in more than one way, or more freely than its codes say.
    for format_, written in {
        "%d/%m/%Y %I:%M": ["01/02/2020 12:30", "01/02/2020 1:30", "01/02/2020 13:30"],
        "%d/%m/%Y %H:%M %p": ["01/02/2020 10:30 PM", "01/02/2020 12:30 am"],
        "%d/%m/%Y %I:%M%p": ["01/02/2020 12:30pm", "01/02/2020 12:30AM", "01/02/2020 0:30AM"],
        "%d%m%Y": ["1122020", "112020", "01022020", "3122020", "32122020", "11202"],
        "%m%d%Y": ["1232020", "112020", "13022020"],
        "%d/%m/%Y %H%M": ["1/2/2020 930", "1/2/2020 93", "1/2/2020 2460", "1/2/2020\u00a0930", "1/2/2020 \u202f 930"],
        "%d/%m/%Y at %H:%M": ["01/02/2020 AT 10:00", "01/02/2020 at 10:00", "01/02/2020 a 10:00"],
        "%d/%m/%Y %H:%M:%S": ["01/02/2020 10:00:60", "01/02/2020 10:00:61", "01/02/2020 10:00:62", "31/12/2020 23:59:60"],
        "%Y-%m-%d %H:%M:%S.%f": ["2020-01-02 10:00:00.", "2020-01-02 10:00:00.1234567891", "2020-01-02 10:00:00.5"],
        "%d/%m/%Y %H:%M:%S.%f": ["01/02/2020 10:00:00.", "01/02/2020 10:00:00.1234567891", "01/02/2020 10:00:00.5"],
        "%d/%m/%Y %f%H": ["01/02/2020 12345", "01/02/2020 1", "01/02/2020 12"],
        "%Y %j": ["2021 366", "2020 366", "2021 365", "2021 367", "2021 0", "2021 01", "2021 1"],
        "%b-%d-%Y": ["Jan- 5-2020", "jan-05-2020", "January-05-2020", "Jan-  5-2020"],
        "%B-%d-%Y": ["Jan-05-2020", "JANUARY-05-2020", "may-05-2020"],
        "%a %d %m %Y": ["Mon 05 01 2020", "Monday 05 01 2020"],
        "%w %d.%m.%Y": ["3 05.01.2020", "7 05.01.2020"],
        "%d.%m.%Y ü": ["05.01.2020 ü", "05.01.2020 u"],
        "%d.%m.%Y %z": ["05.01.2020 +1:00", "05.01.2020 +01", "05.01.2020 +013015", "05.01.2020 -01:30:15", "05.01.2020 Z", "05.01.2020 z",
                        "05.01.2020 +01:0015", "05.01.2020 +25:00", "05.01.2020 -0060"],
        "%Y-%m-%d %H:%M:%S%z": ["2020-01-02 10:00:00+1:00", "2020-01-02 10:00:00+01", "2020-01-02 10:00:00+1", "2020-01-02 10:00:00Z"],
    }.items():  # fmt: skip
        kwargs = {"format": format_, "errors": "coerce", "utc": True}
        cases.append(series_case("to_datetime", pd.Series(written, dtype=object), kwargs, one_by_one(**kwargs)))
    for unit, limits in {"D": [106751.0, 106751.5, -106751.0, -106751.5, 106752.0], "h": [2562047.0, 2562047.5, -2562047.5, 2562048.0],
                         "s": [9223372036.0, 9223372036.5, -9223372036.5, 9223372037.0],
                         "ns": [9223372036854774784.0, -9223372036854774784.0, 9223372036854775808.0]}.items():  # fmt: skip
        cases.append(series_case("to_datetime", pd.Series(limits), {"unit": unit}, one_by_one(unit=unit)))
    # Without a sign, what lies beyond 63 bits lies beyond every time.
    unsigned = pd.Series([2**63 + 5, 7, 2**63 - 1, 0, 2**63, 2**64 - 1], dtype="uint64")
    for kwargs in [{}, {"errors": "coerce"}, {"errors": "coerce", "utc": True}]:
        cases.append(series_case("to_datetime", unsigned, kwargs, one_by_one(**kwargs)))
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
    # Dates, which nanoseconds hold from 1677-09-22 to 2262-04-11.
    written = ["2024-02-29", "1969-12-31", "1677-09-22", "2262-04-11", "1677-09-21", "2262-04-12", "0001-01-01"]
    days = [datetime.date.fromisoformat(day) for day in written]
    for values in [[*days, None], days]:
        for given in [{}, {"utc": True}, {"errors": "coerce"}, {"errors": "coerce", "utc": True}]:
            cases.append(series_case("to_datetime", pd.Series(values, dtype=object), given, lambda s, g=given: pd.to_datetime(s, **g)))
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


FORMATS = [
    "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%d.%m.%Y %H:%M", "%b %d, %Y", "%Y%m%d%H%M%S", "%d-%B-%y", "%m/%d/%Y %I:%M %p", "%A %d %B %Y",
    "%Y-%j", "%H:%M:%S.%f %d.%m.%Y", "%Y-%m-%dT%H:%M:%S", "%F %T", "%a, %d %b %Y", "%d%m%y",
]  # fmt: skip
UNITS = {"D": 10**5, "h": 10**6, "m": 10**8, "s": 9 * 10**9, "ms": 9 * 10**12, "us": 9 * 10**15, "ns": 9 * 10**18}


def one_by_one(**options: object):
    """Each text by itself: pandas 2.2.3 lets an offset reach into texts after it that have none."""
    return lambda s: pd.concat([pd.to_datetime(s.iloc[[row]], **options) for row in range(len(s))])


def iso_text(d: Draw, zones: list[str]) -> str:
    stamp = pd.Timestamp(time_value(d))
    separator, clock = d.one(["-", "-", "/", "."]), d.one(["T", " "])
    text = stamp.strftime(d.one(["%Y-%m-%d", "%Y-%m-%d", "%Y-%m", "%Y"])).replace("-", separator)
    if len(text) == 10 and d.chance(0.8):
        text += clock + stamp.strftime(d.one(["%H:%M:%S", "%H:%M:%S", "%H:%M", "%H"]))
        if text.count(":") == 2 and d.chance(0.5):
            text += f".{stamp.strftime('%f')}{stamp.nanosecond:03d}"[: d.whole(2, 11)]
        text += d.one(zones)
    if d.chance(0.1):
        at = d.whole(0, len(text))
        text = text[:at] + d.one(list("0 9:-/TZ+x")) + text[at + 1 :]
    return text


def draw_to_datetime(d: Draw) -> Call:
    style = d.one(["iso", "iso", "format", "unit", "unit", "times"])
    options: dict = {}
    if d.chance(0.4):
        options["errors"] = d.one(["coerce", "raise"])
    if style == "times":
        name = d.column(*TIMES)
        options["utc"] = True
        return d.on(name, options, lambda s: pd.to_datetime(s, **options))
    if style == "unit":
        unit = d.one(list(UNITS))
        name = d.column("int64", *FLOATS)
        scale = UNITS[unit]
        whole = d.kind(name) == "int64"
        drawn = [d.whole(-scale, scale) if whole else round(float(d.random.uniform(-scale, scale)), d.whole(0, 4)) for _ in d.frame.index]
        given = pd.Series(drawn, dtype=d.frame[name].dtype)
        d.frame[name] = given if whole else given.where(d.frame[name].notna())
        options |= {"unit": unit} | ({"utc": True} if d.chance(0.3) else {})
        return d.on(name, options, one_by_one(**options))
    name = d.column("text", nulls=True)
    if style == "format":
        form = d.one(FORMATS)
        written = [pd.Timestamp(time_value(d)).strftime(form) if d.chance(0.9) else d.text() for _ in d.frame.index]
        options |= {"format": form} | ({"utc": True} if d.chance(0.3) else {})
        python = options | {"format": form.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")}
    else:
        options |= {"utc": True} if d.chance(0.7) else {}
        written = [iso_text(d, ["", "Z", "+02:00", "-0530", "+02"] if "utc" in options else [""]) for _ in d.frame.index]
        options["format"] = "ISO8601"
        python = options
    d.frame[name] = pd.Series(written, dtype=object).mask(d.random.random(len(written)) < 0.1, np.nan)
    d.frame.loc[0, name] = np.nan
    return d.on(name, options, one_by_one(**python))


def draw_part(part: str):
    def draw(d: Draw) -> Call:
        name = d.column(*TIMES)
        if d.kind(name) == "time" and d.chance(0.3):
            d.frame[name] = d.frame[name].dt.tz_convert(d.one(["+05:30", "-11:00", "+01:00"]))
        if part == "normalize":
            return d.on(name, {}, lambda s: s.dt.normalize())
        return d.on(name, {}, lambda s: getattr(s.dt, part))

    return draw


EDGES = {"to_datetime": to_datetime, "dt": dt}
DRAWS = {
    "to_datetime": {"to_datetime": draw_to_datetime},
    "dt": {f"dt.{part}": draw_part(part) for part in [*PARTS, "normalize"]},
}
