"""The bundled sample: films within their vocabularies, true facts, reproducible people."""

import csv
import gzip
import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

import tastemate
from tastemate.data.sample import load_films
from tastemate.data.validate import Report

FOLDER = Path(tastemate.__file__).parent / "data" / "films"
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "simulate_films.py"

GENRES = set(
    "Action Adventure Animation Comedy Crime Documentary Drama Family Fantasy Horror Musical "
    "Mystery Romance Sci-Fi Thriller War Western".split()
)
MOODS = set(
    "bittersweet cosy dark epic exciting funny gritty inspiring melancholy mysterious nostalgic "
    "playful quiet romantic sad satirical scary surreal suspenseful tense thoughtful uplifting "
    "violent warm whimsical".split()
)
SETTINGS = set(
    "africa,american west,ancient world,asia,cold war,countryside,courtroom,desert,"
    "early twentieth century,europe,fantasy world,future,home,island,latin america,medieval,"
    "modern city,on the road,other world,prison,school,sea,small town,space,suburbia,underground,"
    "victorian era,wartime,wilderness,world war".split(",")
)
KEYS = set(
    "id title year genres directors cast themes moods setting violence runtime franchise country "
    "text".split()
)


class Rating(NamedTuple):
    """One line of the ratings."""

    user: str
    item: str
    rating: float
    timestamp: int


@pytest.fixture(scope="module")
def films():
    names = ("films-a.jsonl", "films-b.jsonl")
    lines = [ln for n in names for ln in (FOLDER / n).read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def ratings():
    text = gzip.decompress((FOLDER / "ratings.csv.gz").read_bytes()).decode()
    header, *rows = csv.reader(text.splitlines())
    assert header == ["user", "item", "rating", "timestamp"]
    return [Rating(user, item, float(value), int(when)) for user, item, value, when in rows]


@pytest.fixture(scope="module")
def people():
    with (FOLDER / "people.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- films ---------------------------------------------------------------------------------


def test_each_film_is_complete_and_its_id_is_its_own(films):
    assert len(films) == 405
    assert len({film["id"] for film in films}) == len(films)
    assert [f["id"] for f in films if set(f) != KEYS] == []
    kebab = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
    assert [f["id"] for f in films if not kebab.fullmatch(f["id"])] == []


def test_year_matches_title_and_id(films):
    assert [f["id"] for f in films if not f["title"].endswith(f" ({f['year']})")] == []
    assert [f["id"] for f in films if not f["id"].endswith(f"-{f['year']}")] == []


@pytest.mark.parametrize(
    ("key", "allowed"), [("genres", GENRES), ("moods", MOODS), ("setting", SETTINGS)]
)
def test_labels_come_from_closed_lists(films, key, allowed):
    used = {x for f in films for x in ([f[key]] if isinstance(f[key], str) else f[key])}
    assert used == allowed


def test_labels_are_not_repeated_and_numbers_in_range(films):
    for film in films:
        for key in ("genres", "moods", "themes", "directors", "cast", "country"):
            assert film[key], (film["id"], key)
            assert len(set(film[key])) == len(film[key]), (film["id"], key)
        assert film["violence"] in {0, 1, 2, 3}, film["id"]
        assert 40 <= film["runtime"] <= 300, film["id"]
        assert len(film["cast"]) == 3, film["id"]


def test_synopses_are_short_and_each_is_its_own(films):
    assert [f["id"] for f in films if not 80 <= len(f["text"]) <= 260] == []
    assert len({film["text"] for film in films}) == len(films)


# --- people and ratings --------------------------------------------------------------------


@pytest.mark.skipif(not SCRIPT.exists(), reason="the script is in the repository only")
def test_simulating_again_gives_the_committed_bytes(tmp_path):
    subprocess.run([sys.executable, str(SCRIPT), "--out", str(tmp_path)], check=True, timeout=120)
    again, kept = (folder / "ratings.csv.gz" for folder in (tmp_path, FOLDER))
    assert gzip.decompress(again.read_bytes()) == gzip.decompress(kept.read_bytes())
    assert (tmp_path / "people.csv").read_bytes() == (FOLDER / "people.csv").read_bytes()


def test_the_packed_file_is_small_and_carries_no_time():
    packed = (FOLDER / "ratings.csv.gz").read_bytes()
    assert len(packed) < 500_000
    assert packed[4:8] == b"\0\0\0\0"


def test_people_are_declared_once_with_known_groups(people):
    assert [p["user"] for p in people] == [f"p{n:03}" for n in range(1, 601)]
    sizes = Counter(p["group"] for p in people)
    assert sizes["a"] > sizes["b"] > sizes["c"] > 50
    assert sum(sizes.values()) == sizes["a"] + sizes["b"] + sizes["c"]
    assert {p["age_band"] for p in people} == {"18-29", "30-44", "45-59", "60+"}


def test_ratings_refer_to_people_and_films_once_each(ratings, people, films):
    assert {r.user for r in ratings} == {p["user"] for p in people}
    assert {r.item for r in ratings} <= {f["id"] for f in films}
    assert len({(r.user, r.item) for r in ratings}) == len(ratings)


def test_ratings_are_half_steps_with_a_believable_mean(ratings):
    assert {r.rating for r in ratings} == {k / 2 for k in range(1, 11)}
    assert 3.3 < sum(r.rating for r in ratings) / len(ratings) < 3.7


def test_histories_have_the_promised_lengths(ratings):
    lengths = sorted(Counter(r.user for r in ratings).values())
    assert 38_000 < len(ratings) < 43_000
    assert lengths[0] >= 20
    assert lengths[-1] <= 220
    assert 50 <= lengths[len(lengths) // 2] <= 60


def test_nobody_rates_two_films_at_once_or_before_they_came_out(ratings, films):
    year = {film["id"]: film["year"] for film in films}
    assert len({(r.user, r.timestamp) for r in ratings}) == len(ratings)
    when = [datetime.fromtimestamp(r.timestamp, tz=UTC).year for r in ratings]
    assert (min(when), max(when)) == (2015, 2023)
    assert [r for r, y in zip(ratings, when, strict=True) if y < year[r.item]] == []


def test_popularity_has_a_long_tail(ratings):
    counts = sorted(Counter(r.item for r in ratings).values(), reverse=True)
    assert sum(counts[:40]) / len(ratings) > 0.2
    assert counts[0] > 3 * counts[200]


def test_the_person_of_the_demonstration_has_a_taste_one_can_explain(ratings, films):
    by_id = {film["id"]: film for film in films}
    own = [(by_id[r.item], r.rating) for r in ratings if r.user == "p012"]
    assert 60 <= len(own) <= 90

    def mean(fits):
        values = [rating for film, rating in own if fits(film)]
        assert len(values) >= 5
        return sum(values) / len(values)

    overall = mean(lambda film: True)
    assert mean(lambda film: "heist" in film["themes"]) > overall + 0.5
    assert mean(lambda film: {"Sci-Fi"} & {*film["genres"]} and "thoughtful" in film["moods"]) > 4
    assert mean(lambda film: "Musical" in film["genres"]) < 2


# --- facts ---------------------------------------------------------------------------------


def plain(text):
    """Lower-case words without accents or punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", kept))


def normal_title(title):
    """Plain title with its article in front, other titles in brackets dropped, and the year."""
    found = re.fullmatch(r"(.*?)\s*\((\d{4})\)\s*", title)
    if not found:
        return None
    name = re.sub(r"\s*\([^)]*\)", "", found[1])
    name = re.sub(r"^(.*), (The|A|An|Le|La|Les|Das|Der|Die|Il)$", r"\2 \1", name)
    return plain(name), int(found[2])


@pytest.fixture(scope="module")
def overlap(films, data_dir):
    source = data_dir / "movie-text" / "wikipedia_extracts.csv"
    if not source.exists():
        pytest.skip("real data: movie-text/wikipedia_extracts.csv is not there")
    with source.open(encoding="utf-8", newline="") as file:
        pages = {normal_title(row["title"]): row for row in csv.DictReader(file)}
    found = [(f, pages[key]) for f in films if (key := normal_title(f["title"])) in pages]
    assert len(found) > 200
    return found


def test_cast_is_as_listed(overlap):
    checked = [
        (plain(name) in {plain(other) for other in page["cast"].split("|")}, film["title"], name)
        for film, page in overlap
        if page["cast"].strip()
        for name in film["cast"]
    ]
    wrong = [(title, name) for listed, title, name in checked if not listed]
    assert len(wrong) <= 0.10 * len(checked), wrong


def test_directors_are_as_told(overlap):
    """By surname: "Joel and Ethan Coen" and "the Wachowskis" name everybody, in short."""
    checked = [
        (plain(name).split()[-1] in plain(page["extract"]), film["title"], name)
        for film, page in overlap
        if "directed by" in page["extract"]
        for name in film["directors"]
    ]
    wrong = [(title, name) for told, title, name in checked if not told]
    assert len(wrong) <= 0.05 * len(checked), wrong


def test_every_use_says_that_people_are_simulated():
    report = Report()
    load_films(report)
    assert report.notes == ["The people and ratings of films are simulated."]
