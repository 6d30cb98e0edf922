import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.data.credits import read_credits
from tastemate.data.datasets import open_dataset, read_dataset
from tastemate.data.joined import add_table
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound, UnknownDataset
from tastemate.project import Tastemate
from tastemate.types import Item

HEAT = {
    "name": "Heat (1995)",
    "genre": ["crime"],
    "plot": "Thieves feel\n the heat.",
    "director": ["Michael Mann"],
    "writer": ["Michael Mann", "Michael Mann"],
    "star": ["Al Pacino", "Robert De Niro"],
    "imdb_id": "tt0113277",
}


@pytest.fixture
def places(tmp_path, monkeypatch):
    films = tmp_path / "films-ml"
    films.mkdir()
    (films / "movies.csv").write_text(
        "movieId,title,genres\n6,Heat (1995),Crime\n7,Ronin (1998),Crime\n8,Alien (1979),Horror\n"
    )
    (films / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,6,5,9\n")
    (films / "links.csv").write_text("movieId,imdbId,tmdbId\n6,0113277,949\n7,0122690,8195\n8,,\n")
    (tmp_path / "credits").mkdir()
    (tmp_path / "credits" / "movies.json").write_text(
        json.dumps(
            {
                "1": HEAT,
                "2": HEAT | {"name": "Heat", "director": ["Somebody Else"]},
                "3": HEAT | {"imdb_id": "tt0122690", "director": [], "plot": "Spies."},
                "4": {"name": "No id"},
                "5": HEAT | {"imdb_id": "tt9999999"},
            }
        )
    )
    (tmp_path / "leads").mkdir()
    (tmp_path / "leads" / "wikipedia_extracts.csv").write_text(
        "movieId,cast,extract\n"
        "6,al pacino|Val Kilmer,Heat is a film directed by M. Mann and starring\n8,,\n"
    )
    monkeypatch.setenv("TASTEMATE_DATA", str(tmp_path))
    return tmp_path


def test_credits_are_joined_by_imdb_id(places):
    dataset, report = read_dataset("films-ml", text="credits")
    heat = dataset.catalog["6"]
    assert heat.text == "Thieves feel the heat."
    assert heat.attributes["directors"] == ("Michael Mann",)
    assert heat.attributes["writers"] == ("Michael Mann",)
    assert heat.attributes["cast"] == ("Al Pacino", "Robert De Niro")
    assert "directors" not in dataset.catalog["7"].attributes
    assert dataset.catalog["8"].text == ""
    assert [(one.line, one.field, one.reason) for one in report.first(9)] == [
        (4, "imdb_id", "is missing")
    ]
    assert [source.name for source in dataset.sources] == ["credits"]


def test_several_sources_are_joined_the_first_one_first(places):
    dataset = open_dataset("films-ml", text="leads, credits")
    heat = dataset.catalog["6"]
    assert heat.text.startswith("Heat is a film")
    assert heat.attributes["directors"] == ("M. Mann",)
    assert heat.attributes["cast"] == ("al pacino", "Val Kilmer", "Robert De Niro")
    assert heat.attributes["writers"] == ("Michael Mann",)
    assert dataset.catalog["7"].text == "Spies."
    assert [source.name for source in dataset.sources] == ["leads", "credits"]
    turned = open_dataset("films-ml", text="credits,leads").catalog["6"]
    assert turned.text == "Thieves feel the heat."
    assert turned.attributes["directors"] == ("Michael Mann",)
    assert turned.attributes["cast"] == ("Al Pacino", "Robert De Niro", "Val Kilmer")


def test_it_works_from_the_front_door(places):
    project = Tastemate.open("films-ml", text="leads,credits")
    assert project.catalog["6"].attributes["writers"] == ("Michael Mann",)
    with pytest.raises(UnknownDataset, match="nothing-such"):
        open_dataset("films-ml", text="leads,nothing-such")


def test_a_path_may_hold_a_comma(places):
    (places / "credits").rename(places / "a,b")
    dataset = open_dataset("films-ml", text=places / "a,b")
    assert dataset.catalog["6"].attributes["directors"] == ("Michael Mann",)


def test_what_is_missing_or_broken_is_said(places):
    (places / "films-ml" / "links.csv").rename(places / "films-ml" / "away.csv")
    with pytest.raises(NotFound, match=r"links\.csv.*leave the credits out"):
        open_dataset("films-ml", text="credits")
    (places / "films-ml" / "links.csv").write_text("movieId,tmdbId\n6,1\n")
    with pytest.raises(FormatError, match="imdbId"):
        open_dataset("films-ml", text="credits")
    (places / "films-ml" / "links.csv").write_text("movieId,imdbId\n6,x\n7,tt0122690\n")
    dataset, report = read_dataset("films-ml", text="credits")
    assert dataset.catalog["7"].text == "Spies."
    assert report.frame["reason"].to_list() == ["is not a number", "is missing"]
    for broken, message in (("[1]", "no films by id"), ("{", "not JSON"), ("[" * 9999, "not JSON")):
        (places / "credits" / "movies.json").write_text(broken)
        with pytest.raises(FormatError, match=message):
            open_dataset("films-ml", text="credits")
    with pytest.raises(NotFound, match="leave the credits out"):
        read_credits(places / "no.json", places, Report())


def test_what_is_known_already_stays():
    catalog = Catalog.of(
        [
            Item("a", "A", "own", {"directors": ("Ann",), "cast": ("Bo", "Cy"), "year": 1990}),
            Item("b", "B", "", {"directors": (), "cast": ()}),
            Item("c", "C"),
        ]
    )
    table = pl.DataFrame(
        {
            "id": ["a", "b", "b", "z"],
            "text": ["other", "new", "late", ""],
            "directors": [["Zed"], ["Bea"], ["Late"], ["Z"]],
            "cast": [["bo", "Di"], None, None, None],
            "year": ["1991", "1", "2", "3"],
        }
    )
    joined = add_table(catalog, table)
    assert joined["a"].text == "own"
    assert joined["a"].attributes == {"directors": ("Ann",), "cast": ("Bo", "Cy", "Di")} | {
        "year": 1990
    }
    assert (joined["b"].text, joined["b"].attributes["directors"]) == ("new", ("Bea",))
    assert joined["b"].attributes["cast"] == ()
    assert joined["c"].attributes == {}
    assert joined["c"].text == ""


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
film = st.fixed_dictionaries(
    {"imdb_id": st.sampled_from(["tt0113277", "tt1", "x", "tt²"]) | values},
    optional={name: values for name in ("name", "plot", "director", "writer", "star")},
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=5), film | values, max_size=4))
def test_any_json_gives_credits_or_rejections(places, films):
    (places / "credits" / "movies.json").write_text(json.dumps(films))
    dataset, report = read_dataset("films-ml", text="credits")
    heat = dataset.catalog["6"].attributes
    assert all(isinstance(name, str) and name for name in heat.get("directors", ()))
    assert len(report) <= len(films)


def test_real_credits_join_real_leads(data_dir, monkeypatch):
    if not (data_dir / "redial" / "movies.json").is_file():
        pytest.skip("real data: redial/movies.json is not there")
    monkeypatch.setenv("TASTEMATE_DATA", str(data_dir))
    alone = open_dataset("ml-latest-small", text="movie-text").catalog
    both = open_dataset("ml-latest-small", text="movie-text,redial").catalog
    assert both.frame["writers"].drop_nulls().len() > 3900
    assert (both.frame["text"] != "").sum() > (alone.frame["text"] != "").sum()
    assert both["6"].text == alone["6"].text
    written = alone.frame["text"] != ""
    assert both.frame.filter(written)["text"].equals(alone.frame.filter(written)["text"])
    known = alone.frame["directors"].is_not_null()
    assert both.frame.filter(known)["directors"].equals(alone.frame.filter(known)["directors"])
