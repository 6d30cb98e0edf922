"""The worked example: as it was written, as it was meant, and as it is done here."""

from pathlib import Path

import numpy as np
import pytest

from tastemate import Tastemate
from tastemate.benchmark.worked_example import (
    PLACEHOLDER,
    TRANSCRIPT,
    naive_prompts,
    scripted,
    worked_example,
)
from tastemate.catalog import Catalog
from tastemate.config import EncoderChoice, Settings
from tastemate.data.datasets import Dataset
from tastemate.interactions import Interactions
from tastemate.llm.person import Rated
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion
from tastemate.types import Event, Item

FILMS = [Item(f"f{n}", f"Film {n} (1990)", attributes={"genres": ("Drama",)}) for n in range(32)]


def small(tmp_path: Path) -> Tastemate:
    rng = np.random.default_rng(0)
    catalog = Catalog.of(FILMS)
    events = [
        Event(f"{user}", f"f{item}", float(rng.integers(1, 6)), int(item))
        for user in range(20)
        for item in rng.choice(32, 12, replace=False)
    ]
    board = Dataset("small", catalog, Interactions.of(events, catalog))
    return Tastemate(board, tmp_path, Settings(encoder=EncoderChoice("words")))


def test_the_two_prompts_are_data_of_the_right_size() -> None:
    rated = [Rated(item, 5.0) for item in FILMS]
    profile, written = naive_prompts(rated, FILMS[:10])
    meant = naive_prompts(rated, FILMS[:10], "Likes dramas.")[1]
    assert sum("(Drama)" in line for line in profile.text.splitlines()) == 32
    assert sum("(Drama)" in line for line in written.text.splitlines()) == 10
    assert PLACEHOLDER in written.text
    assert PLACEHOLDER not in meant.text
    assert "Likes dramas." in meant.text
    assert profile.schema is None
    assert written.messages[0].text.replace(PLACEHOLDER, "Likes dramas.") == meant.messages[0].text


def test_without_a_model_there_are_films_candidates_and_our_own_path(tmp_path: Path) -> None:
    found = worked_example(small(tmp_path), "3")
    assert found["model"] == "none"
    assert found["films"]["count"] == 12
    assert len(found["candidates"]) == 10
    seen = {line.split(" (")[0] for line in found["films"]["lines"]}
    assert not seen & {one["title"].split(" (")[0] for one in found["candidates"]}
    assert "profile" not in found
    assert "ours with the model" not in found
    assert all(one["problems"] == 0 for one in found["ours offline"]["items"])


def test_a_failing_model_changes_nothing_but_says_so(tmp_path: Path) -> None:
    broken = Scripted([Completion(error="Nobody there.", fault="unreachable")])
    found = worked_example(small(tmp_path), "3", broken)
    ours = found["ours with the model"]
    assert [one["title"] for one in ours["items"]] == [
        one["title"] for one in found["ours offline"]["items"]
    ]
    assert [text.split(":")[0] for text in ours["degraded"]] == [
        "taste in words",
        "ranking",
        "reasons in words",
    ]
    assert found["profile"]["error"] == "Nobody there."
    assert len(found["ranking as written"]["filled up"]) == 10


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> dict:
    import os

    folder = os.environ.get("TASTEMATE_DATA")
    if not folder or not (Path(folder) / "ml-latest-small").is_dir():
        pytest.skip("real data: set TASTEMATE_DATA to a folder with ml-latest-small")
    source = Path(folder) / "ml-latest-small"
    home = tmp_path_factory.mktemp("worked")
    return worked_example(Tastemate.open(source, home=home), "12", scripted())


def test_user_12_rated_32_films_in_this_order(example: dict) -> None:
    films = example["films"]
    assert films["count"] == 32
    assert films["not liked"] == 3
    assert films["values"] == {"3": 3, "3.5": 5, "4": 4, "4.5": 4, "5": 16}
    assert films["lines"][0].startswith("So I Married an Axe Murderer (1993)")
    assert films["lines"][-1].startswith("Clueless (1995)")


def test_the_invented_age_marriage_and_job_are_stripped(example: dict) -> None:
    profile = example["profile"]
    refused = {trait for one in profile["refused"] for trait in one["traits"]}
    assert {"age", "family", "job", "gender"} <= refused
    for word in ("thirties", "married", "teacher", "spouse", "children"):
        assert word in profile["raw"]
        assert word not in profile["kept"]
    assert "romantic comedies" in profile["kept"]
    assert "Little Women" in profile["kept"]
    ours = example["ours with the model"]["taste"]
    assert "married" not in str(ours)
    assert ours["dropped"]["protected"] == 1
    assert ours["dropped"]["protected sentence"] == 1
    assert all(one["items"] for one in ours["statements"])


def test_of_the_worded_taste_stands_what_its_films_hold(example: dict) -> None:
    ours = example["ours with the model"]["taste"]
    assert ours["text"] == "You like romance and titles from the 1990s."
    assert [one["text"] for one in ours["statements"]] == [
        "likes titles of the genre Romance",
        "likes titles with the tags jane austen",
        "likes titles from the 1990s",
        "dislikes titles with the tags martial arts",
    ]
    assert ours["dropped"] == {
        "not in the items": 4,
        "protected": 1,
        "unbound": 1,
        "contradicted": 1,
        "protected sentence": 1,
        "sentence beyond the statements": 2,
        "sentence with a title": 1,
    }
    for lie in ("classic novels", "witty and warm", "growing up", "first love"):
        assert lie in TRANSCRIPT.read_text(encoding="utf-8")
        assert lie not in str(ours)


def test_as_written_the_profile_never_reaches_the_model(example: dict) -> None:
    written, meant = example["ranking as written"], example["ranking as meant"]
    assert written["profile in the prompt"] == PLACEHOLDER
    assert written["dropped"] == {
        "in no catalogue": ["Love in the Rain at Midnight (1987)"],
        "no candidate": ["The Godfather (1972)"],
        "repeated": ["The Shawshank Redemption (1994)"],
    }
    assert meant["dropped"]["repeated"] == ["Adam's Rib (1949)"]
    for ranking in (written, meant):
        titles = [one["title"] for one in ranking["items"]] + ranking["filled up"]
        assert sorted(titles) == sorted(one["title"] for one in example["candidates"])
    assert any(one["protected"] for one in meant["items"])


def test_our_reasons_hold_and_say_no_less_than_offline(example: dict) -> None:
    ours = example["ours with the model"]
    assert example["model"] == "scripted:user-12"
    assert ours["degraded"] == []
    assert len(ours["items"]) == 10
    assert all((one["kept"], one["covered"], one["problems"]) == (1, 1, 0) for one in ours["items"])
    text = " ".join(one["reason"] for one in ours["items"])
    for lie in ("funniest", "Everyone", "married", "80 people", "Oscars", "disliked", "Clueless 5"):
        assert lie in TRANSCRIPT.read_text(encoding="utf-8")
        assert lie not in text
    assert ours["clauses"]["kept"] > 15
