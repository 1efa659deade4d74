"""Writes datasets/car-insurance.csv: 5,000 seeded, plausible car insurance quotes.

    python datasets/generate_car_insurance.py           # write the file
    python datasets/generate_car_insurance.py --check   # fail if the committed file differs

Only the standard library: the same bytes come out of every Python from 3.11 on. The values are as untidy as events from a web page:
nulls, rare makes, any capitalisation, `vw` beside `Volkswagen`. The label depends on the columns, with noise, so that a model has
something to learn. Every person is invented.
"""

import argparse
import csv
import io
import json
import math
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CSV_PATH = ROOT / "datasets" / "car-insurance.csv"
SCHEMA_PATH = ROOT / "schemas" / "car-insurance.avsc"

SEED = 20200301
ROWS = 5_000
FIRST_DAY = datetime(2020, 3, 1, tzinfo=UTC)
DAYS = 92

# Relative frequency of each hour of the day (UTC): quiet nights, a peak after work.
HOUR_WEIGHTS = [3, 2, 1, 1, 1, 2, 5, 9, 13, 16, 17, 16, 18, 16, 15, 15, 17, 21, 25, 27, 26, 20, 12, 6]

# Cities with their country; the number is a relative frequency.
CITIES = {
    ("Berlin", "Germany"): 10,
    ("Hamburg", "Germany"): 7,
    ("München", "Germany"): 8,
    ("Köln", "Germany"): 5,
    ("Frankfurt", "Germany"): 5,
    ("Wien", "Austria"): 7,
    ("Graz", "Austria"): 3,
    ("Zürich", "Switzerland"): 6,
    ("Genève", "Switzerland"): 3,
    ("Paris", "France"): 11,
    ("Lyon", "France"): 5,
    ("Amsterdam", "Netherlands"): 8,
    ("Rotterdam", "Netherlands"): 5,
    ("Milano", "Italy"): 8,
    ("Madrid", "Spain"): 5,
    ("København", "Denmark"): 4,
}
# Cars registered abroad.
RARE_COUNTRIES = ["Luxembourg", "Belgium", "Portugal", "Poland", "Česko", "Norway", "Finland", "Ireland", "Türkiye", "Malta"]

NATIONALITIES = {
    "Germany": "german",
    "Austria": "austrian",
    "Switzerland": "swiss",
    "France": "french",
    "Netherlands": "dutch",
    "Italy": "italian",
    "Spain": "spanish",
    "Denmark": "danish",
}
FOREIGN_NATIONALITIES = ["polish", "turkish", "portuguese", "romanian", "croatian", "greek", "british", "indian", "american"]

# Make: (relative frequency, price factor, effect on the label).
BRANDS = {
    "Volkswagen": (19, 1.00, 0.8),
    "Toyota": (13, 0.92, 0.7),
    "BMW": (12, 1.35, -0.9),
    "Ford": (10, 0.95, 0.3),
    "Škoda": (8.5, 0.90, 0.6),
    "Mercedes-Benz": (5.5, 1.40, -0.6),
    "Audi": (5, 1.30, -0.5),
    "Renault": (4.5, 0.90, 0.2),
    "Opel": (3.5, 0.92, 0.2),
    "Peugeot": (3, 0.92, 0.1),
    "Citroën": (2, 0.90, 0.1),
    "Fiat": (2, 0.85, 0.2),
    "Volvo": (1.5, 1.15, -0.1),
    "Tesla": (1, 1.50, -0.3),
    "Mazda": (1, 0.95, 0.2),
    "Alfa Romeo": (0.6, 1.20, 0.0),
    "Porsche": (0.5, 1.90, -0.8),
    "Land Rover": (0.4, 1.60, -0.4),
    "Lada": (0.15, 0.80, 0.4),
    "Maserati": (0.1, 2.30, -0.9),
}
VW_SHARE = 0.35  # of the people who drive a Volkswagen and type `vw`

# Body type: (relative frequency, price factor, effect on the label).
CAR_TYPES = {
    "SUV": (21, 1.15, 0.7),
    "Hatchback": (19, 0.90, 0.4),
    "Sedan": (16, 1.00, -0.2),
    "Estate": (13, 1.00, 0.1),
    "Compact": (11, 0.85, 0.3),
    "Van": (5, 1.10, -0.8),
    "Coupe": (3, 1.30, -0.5),
    "Convertible": (2.5, 1.35, -0.6),
    "Pickup": (1.2, 1.20, -0.3),
    "Camper": (0.8, 1.25, -0.4),
    "Roadster": (0.4, 1.45, -0.5),
}

GENDERS = {"male": 52, "female": 46, "other": 2}
LEASING = {"no": 62, "yes": 25, "dataLayerNull": 13}
PRIMARY_USERS = {"self": 66, "partner": 16, "company": 8, "child": 6, "parent": 4}

# Share of rows in which a column is null.
NULL_SHARES = {
    "km": 0.12,
    "cartype": 0.08,
    "age": 0.06,
    "gender": 0.07,
    "carbrand": 0.09,
    "leasing": 0.08,
    "city": 0.006,
    "country": 0.04,
    "nationality": 0.10,
    "primaryuser": 0.09,
}

LEASING_EFFECT = {"no": 0.0, "yes": 1.2, "dataLayerNull": -1.1}
COUNTRY_EFFECT = {"Germany": 0.5, "France": -0.7, "Netherlands": 0.2, "Italy": -0.3}
CITY_EFFECT = {"München": 0.6, "Paris": -0.4, "Wien": 0.5, "Amsterdam": 0.3, "Zürich": -0.3}
PRICE_EFFECT = -2.6  # per unit of ln(price / TYPICAL_PRICE_EUR)
TYPICAL_PRICE_EUR = 600.0
LABEL_BIAS = -1.5
LABEL_NOISE = 0.4  # standard deviation, on the log-odds


def pick(rng: random.Random, weights: dict):
    """A key of `weights`, drawn with its weight."""
    return rng.choices(list(weights), weights=list(weights.values()))[0]


def as_typed(rng: random.Random, name: str) -> str:
    """`name` as people type it: mostly as written, at times all lower or all upper case."""
    draw = rng.random()
    if draw < 0.18:
        return name.lower()
    if draw < 0.24:
        return name.upper()
    return name


def ecid(rng: random.Random) -> str:
    """Two 63-bit halves of 19 digits each, as an Experience Cloud ID is made. The first digit may be a zero."""
    return f"{rng.getrandbits(63):019d}{rng.getrandbits(63):019d}"


def moment(rng: random.Random) -> datetime:
    """A moment of the three months, to the millisecond."""
    hour = rng.choices(range(24), weights=HOUR_WEIGHTS)[0]
    millis = rng.randrange(3_600_000)
    return FIRST_DAY + timedelta(days=rng.randrange(DAYS), hours=hour, milliseconds=millis)


def age_years(rng: random.Random) -> int:
    """17 to 90, most of them between 25 and 60."""
    return min(90, round(17.0 + rng.gammavariate(2.6, 10.0)))


def km_per_year(rng: random.Random) -> int:
    """Whole hundreds, 500 to 60,000."""
    return min(60_000, max(500, round(rng.lognormvariate(math.log(12_000), 0.5) / 100) * 100))


def price_eur(rng: random.Random, age: int, km: int, brand: str, car_type: str) -> float:
    """The quoted yearly premium: the young, those who drive far and costly cars pay more."""
    age_factor = 1.7 if age < 20 else 1.3 if age < 28 else 1.15 if age >= 70 else 1.0
    km_factor = 0.85 + 0.15 * km / 12_000
    market = rng.lognormvariate(0.0, 0.22)
    return round(560.0 * BRANDS[brand][1] * CAR_TYPES[car_type][1] * age_factor * km_factor * market, 2)


def age_effect(age: int) -> float:
    if age < 20:
        return -0.6
    if age < 28:
        return 1.1
    if age < 36:
        return 0.6
    return -0.9 if age >= 60 else 0.0


def time_effect(when: datetime) -> float:
    """People buy in the evening and at the weekend, and only look at night."""
    effect = 0.6 if when.weekday() >= 5 else 0.0
    if 17 <= when.hour <= 21:
        return effect + 0.9
    return effect - (0.9 if when.hour < 7 else 0.0)


def purchase(rng: random.Random, log_odds: float) -> int:
    probability = 1.0 / (1.0 + math.exp(-(log_odds + rng.gauss(0.0, LABEL_NOISE))))
    return int(rng.random() < probability)


def event(rng: random.Random) -> dict:
    """One quote, its columns still typed (`timestamp` a datetime), null as None."""
    when = moment(rng)
    city, home_country = pick(rng, CITIES)
    country = rng.choice(RARE_COUNTRIES) if rng.random() < 0.05 else home_country
    foreign = rng.random() < 0.15
    brand = pick(rng, {name: weight for name, (weight, _, _) in BRANDS.items()})
    car_type = pick(rng, {name: weight for name, (weight, _, _) in CAR_TYPES.items()})
    typed_brand = "vw" if brand == "Volkswagen" and rng.random() < VW_SHARE else brand
    age = age_years(rng)
    km = km_per_year(rng)
    leasing = pick(rng, LEASING)
    price = price_eur(rng, age, km, brand, car_type)
    log_odds = (
        LABEL_BIAS
        + PRICE_EFFECT * math.log(price / TYPICAL_PRICE_EUR)
        + BRANDS[brand][2]
        + CAR_TYPES[car_type][2]
        + LEASING_EFFECT[leasing]
        + COUNTRY_EFFECT.get(country, 0.0)
        + CITY_EFFECT.get(city, 0.0)
        + age_effect(age)
        + time_effect(when)
    )
    row = {
        "ecid": ecid(rng),
        "km": km,
        "cartype": as_typed(rng, car_type),
        "age": age,
        "gender": pick(rng, GENDERS),
        "carbrand": as_typed(rng, typed_brand),
        "leasing": leasing,
        "city": city,
        "country": as_typed(rng, country),
        "nationality": rng.choice(FOREIGN_NATIONALITIES) if foreign else NATIONALITIES[home_country],
        "primaryuser": pick(rng, PRIMARY_USERS),
        "purchase": purchase(rng, log_odds),
        "pricequote": price,
        "timestamp": when,
    }
    # The label saw the true values: a null hides one from the model, as in life.
    for column, share in NULL_SHARES.items():
        if rng.random() < share:
            row[column] = None
    return row


def dataset() -> bytes:
    """The CSV file: events in order of time, UTF-8, `\\n` line ends, null as an empty field."""
    rng = random.Random(SEED)
    events = sorted((event(rng) for _ in range(ROWS)), key=lambda row: (row["timestamp"], row["ecid"]))
    if len({row["ecid"] for row in events}) != ROWS:
        raise SystemExit("two rows share an ecid: choose another SEED")

    # The schema owns the columns and their order; DictWriter refuses a row that has others.
    columns = [field["name"] for field in json.loads(SCHEMA_PATH.read_text("utf-8"))["fields"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in events:
        row["pricequote"] = f"{row['pricequote']:.2f}"
        row["timestamp"] = row["timestamp"].strftime("%Y-%m-%dT%H:%M:%S.") + f"{row['timestamp'].microsecond // 1000:03d}Z"
        writer.writerow(row)
    return text.getvalue().encode("utf-8")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if the committed file differs")
    check = arguments.parse_args().check

    fresh = dataset()
    shown = CSV_PATH.relative_to(ROOT)
    if not check:
        CSV_PATH.write_bytes(fresh)
        print(f"wrote {shown}: {ROWS} rows, {len(fresh)} bytes")
    elif not CSV_PATH.exists() or CSV_PATH.read_bytes() != fresh:
        sys.exit(f"{shown} is not what this script makes: run scripts/train-models and commit the result")
    else:
        print(f"{shown} is up to date")


if __name__ == "__main__":
    main()
