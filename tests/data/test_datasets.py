import json

import pytest
from typer.testing import CliRunner

from tastemate.catalog import Catalog
from tastemate.cli.data import app
from tastemate.data import datasets, describe
from tastemate.data.datasets import open_dataset, read_dataset
from tastemate.errors import NothingUsable, Unavailable, UnknownDataset
from tastemate.interactions import Interactions
from tastemate.types import Event, Item


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty data folder and an empty cache."""
    monkeypatch.setenv("TASTEMATE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TASTEMATE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def write(folder, user="1"):
    folder.mkdir(parents=True)
    (folder / "ratings.csv").write_text(
        f"userId,movieId,rating,timestamp\n{user},1,4,100\n{user},2,x,100\n{user},1,3,100\n"
    )
    (folder / "movies.csv").write_text("movieId,title,genres\n1,A (1990),Drama\n2,B,Drama\n")
    return folder


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_sample_is_always_there(places):
    dataset = open_dataset("films")
    assert dataset.name == "films"
    assert len(dataset.catalog) > 300
    assert "directors" in dataset.catalog.attributes
    assert "" not in dataset.catalog.frame["franchise"].drop_nulls().to_list()
    assert dataset.interactions.n_items == len(dataset.catalog)


def test_the_data_folder_comes_before_the_cache(places):
    write(places / "cache" / "data" / "ml-1m", "cached")
    assert open_dataset("ml-1m").interactions.users == ("cached",)
    write(places / "data" / "ml-1m", "own")
    assert open_dataset("ml-1m").interactions.users == ("own",)
    assert open_dataset("ml-1m").name == "ml-1m"


def test_a_path_opens_and_notes_tell_of_rejections(places):
    folder = write(places / "mine")
    dataset, report = read_dataset(folder)
    assert dataset.name == "mine"
    assert dataset.notes[0] == "1 events accepted, 1 lines rejected."
    assert report.duplicates == 1
    assert open_dataset(str(folder)).catalog.fingerprint == dataset.catalog.fingerprint


def test_missing_data_sets_say_how_to_get_them(places):
    with pytest.raises(UnknownDataset, match="tastemate data fetch ml-100k"):
        open_dataset("ml-100k")
    with pytest.raises(UnknownDataset, match="no download"):
        open_dataset("beauty")
    with pytest.raises(UnknownDataset, match=r"Did you mean 'films'\?.*data list"):
        open_dataset("filmz")
    with pytest.raises(UnknownDataset):
        open_dataset("")


def test_the_cache_is_in_the_home_folder_by_default(places, monkeypatch):
    monkeypatch.delenv("TASTEMATE_CACHE")
    monkeypatch.delenv("TASTEMATE_DATA")
    monkeypatch.setenv("HOME", str(places))
    assert datasets.data_folders() == [places / ".cache" / "tastemate" / "data"]
    assert datasets.find_folder("../x") is None


def test_description():
    catalog = Catalog.of(
        [Item("a", "A", "text", {"genres": ("x", "y"), "year": 1990}), Item("b", "B", "", {})]
    )
    events = [Event("u", "a", 4, 100), Event("u", "b", 2, 100), Event("v", "a", 3, 50)]
    dataset = datasets.Dataset("d", catalog, Interactions.of(events, catalog), ("a note",))
    found = describe.description(dataset)
    assert (found["users"], found["items"], found["events"]) == (2, 2, 3)
    assert found["density"] == 0.75
    assert found["scale"]["low"] == 2.0
    assert found["scale"]["mean"] == 3.0
    assert found["history_length"]["p50"] == 1.5
    assert found["tied_last"] == 1.0
    assert found["time"]["first"] == "1970-01-01 00:00:50"
    assert found["attributes"]["genres"] == {"kind": "list", "known": 0.5, "values": 2}
    assert found["attributes"]["year"] == {"kind": "number", "known": 0.5, "values": 1}
    assert found["text"] == 0.5
    assert found["notes"] == ["a note"]
    json.dumps(found, allow_nan=False)


def test_description_of_nothing():
    catalog = Catalog.of([])
    empty = Interactions.empty(catalog)
    found = describe.description(datasets.Dataset("d", catalog, empty))
    assert found["density"] == 0.0
    assert "scale" not in found
    assert describe.tied_users(empty) == 0.0


def test_cli_list(places):
    write(places / "data" / "goodbooks")
    result = run("list", "--json")
    assert result.exit_code == 0
    rows = {row["name"]: row for row in json.loads(result.stdout)["datasets"]}
    assert rows["films"]["here"]
    assert not rows["ml-1m"]["here"]
    assert rows["ml-1m"]["licence"]
    assert rows["goodbooks"]["path"].endswith("goodbooks")
    assert "beauty" not in rows
    assert "ml-latest-small" in run("list").stdout


def test_cli_describe(places):
    folder = write(places / "mine")
    result = run("describe", str(folder), "--json")
    found = json.loads(result.stdout)
    assert found["events"] == 1
    assert set(found["attributes"]) == {"year", "genres"}
    result = run("describe", str(folder))
    assert "fingerprint" in result.stdout
    assert "1 lines rejected" in result.stderr
    assert isinstance(run("describe", "nothing").exception, UnknownDataset)


def test_cli_validate(places):
    folder = write(places / "mine")
    rejected = places / "rejected.jsonl"
    result = run("validate", str(folder), "--json", "--rejected", str(rejected))
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["accepted"], found["rejected"], found["items"]) == (1, 1, 2)
    assert json.loads(rejected.read_text())["line"] == 3
    result = run("validate", str(folder / "ratings.csv"), "--items", str(folder / "movies.csv"))
    assert "1 events accepted, 1 lines rejected" in result.stdout
    assert run("validate", str(folder), "--user-col", "userId").exit_code == 2
    bad = folder / "bad.csv"
    bad.write_text("user,item,rating\na,b,x\n")
    result = run("validate", str(bad), "--json", "--rejected", str(rejected))
    assert isinstance(result.exception, NothingUsable)
    assert json.loads(result.stdout)["rejected"] == 1
    assert json.loads(rejected.read_text())["file"] == "bad.csv"
    bad.write_text("")
    assert isinstance(run("validate", str(bad)).exception, NothingUsable)


def test_cli_fetch(places, monkeypatch):
    assert "nothing to fetch" in run("fetch", "films").stderr
    assert isinstance(run("fetch", "nope").exception, UnknownDataset)
    folder = write(places / "cache" / "data" / "ml-100k")
    result = run("fetch", "ml-100k")
    assert result.stdout.strip() == str(folder)
    assert "GroupLens" in result.stderr
    assert json.loads(run("fetch", "ml-100k", "--json").stdout)["path"] == str(folder)

    def refuse(name, dest, progress):
        progress(name, 0.5)
        raise Unavailable("no network")

    monkeypatch.setattr("tastemate.data.recipes.fetch", refuse)
    assert isinstance(run("fetch", "ml-1m", "--dest", str(places)).exception, Unavailable)


def test_real_data_sets_open_by_name(data_dir, monkeypatch):
    monkeypatch.setenv("TASTEMATE_DATA", str(data_dir))
    dataset = open_dataset("ml-latest-small", text="movie-text")
    assert len(dataset.interactions) == 100_836
    assert dataset.notes == ()
    assert "cast" in dataset.catalog.attributes
    found = describe.description(dataset)
    assert found["time"]["last"].startswith("2018-09-24")
    assert found["users"] == 610
