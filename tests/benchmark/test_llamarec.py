"""`tastemate benchmark llamarec`: tables from cells that are kept, beside what was published."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tastemate import build, ranked
from tastemate.benchmark import beside, llamarec, published
from tastemate.benchmark.llamarec import Asked
from tastemate.catalog import Catalog
from tastemate.cli import evaluate
from tastemate.cli.benchmark import app
from tastemate.data.datasets import Dataset
from tastemate.errors import ConfigError, Interrupted, NotFound, Unavailable
from tastemate.evaluate.bootstrap import Interval
from tastemate.interactions import Interactions
from tastemate.types import Event, Item

SCRIPTS = Path(__file__).parents[2] / "scripts"
SHARED = build.resources(encoder="words")
START = 1_000_000_000
KEYS = {"name", "value", "unit", "against", "against_value", "ratio"}


def world(users: int = 40, items: int = 30, name: str = "ml-latest-small") -> Dataset:
    """People who mostly walk a ring of items; some events share a second."""
    rng = np.random.default_rng(0)
    catalog = Catalog.of(Item(str(at), f"Item {at}") for at in range(items))
    events = []
    for user in range(users):
        first = int(rng.integers(items))
        for step in range(12):
            item = (first + step + int(rng.integers(3))) % items
            events.append(Event(f"u{user}", str(item), 4.0, START + user + 100 * (step // 2)))
    return Dataset(name, catalog, Interactions.of(events, catalog))


class Making:
    """Makes factories as the command does, and counts what is fitted."""

    def __init__(self) -> None:
        self.fitted: list[str] = []
        self.stop_at = ""

    def __call__(self, name: str, **options: object):
        factory = ranked.factory(name, SHARED, **options)

        def fit(catalog: Catalog, interactions: Interactions):
            if name == self.stop_at:
                raise KeyboardInterrupt
            self.fitted.append(f"{name} {options.get('seed', '')}".strip())
            return factory(catalog, interactions)

        return fit


def run(make: Making, folder: Path, *models: str, data: Dataset | None = None, **asked: object):
    asked = {"keep": folder / "kept", "log": folder / "final.log", "models": models} | asked
    return llamarec.llamarec(data or world(), make, Asked(**asked))


def lines(folder: Path) -> list[dict]:
    path = folder / "final.log"
    return [json.loads(one) for one in path.read_text().splitlines()] if path.exists() else []


def test_ours_stand_beside_the_published(tmp_path: Path) -> None:
    make = Making()
    found = run(
        make, tmp_path, "popular", "fast", "sequential-knn", retriever="sequential-knn", final=True
    )
    json.dumps(found, allow_nan=False)
    assert (found["split"], found["cut"], found["users"]) == ("test", 0, 40)
    assert {"command", "data", "hardware", "program", "commit", "date"} <= set(found)
    tables = found["tables"]
    assert tables["published"]["1"]["LlamaRec"]["ndcg@10"] == 0.0759
    assert tables["4"] == []
    assert len(tables["1"]) == 3 * 3  # three orders of ties: the data have a clock
    one = tables["1"][0]
    assert (one["model"], one["ties"], one["users"]) == ("popular", "id", 40)
    ours = one["metrics"]["ndcg@10"]
    for row, figures in tables["published"]["1"].items():
        assert one["lies"][row]["ndcg@10"] == beside.where(figures["ndcg@10"], Interval(**ours))
    assert set(one["cost"]) == {"fit_seconds", "seconds_per_1000_users", "numbers"}
    assert all(set(row) >= KEYS for row in found["rows"])
    row = next(row for row in found["rows"] if row["name"] == "fast, ties by id, recall@10")
    assert row["against"] == "LlamaRec, published"
    assert row["ratio"] == row["value"] / 0.1524
    names = [row["name"] for row in found["rows"] if row["against"] == "fast"]
    assert "popular, ties by id, training" in names
    gap = tables["differences"]["id"]["popular"]["metrics"]["ndcg@10"]
    fast = next(one for one in tables["1"] if (one["model"], one["ties"]) == ("fast", "id"))
    assert gap["value"] == pytest.approx(ours["value"] - fast["metrics"]["ndcg@10"]["value"])


def test_table_3_is_over_the_users_whose_target_the_retriever_has(tmp_path: Path) -> None:
    found = run(
        Making(), tmp_path, "popular", "sequential-knn", retriever="sequential-knn", ties=("id",)
    )
    data, pooled = world(), found["tables"]["3"]
    base, other = (
        llamarec._measured(
            data, beside.System(name), "id", Making(), Asked(keep=tmp_path / "kept"), None
        ).result.cases
        for name in ("sequential-knn", "popular")
    )
    inside = base.ranks[:, 0] <= 20
    assert 0 < inside.sum() < len(inside)
    assert {one["users"] for one in pooled} == {int(inside.sum())}
    assert {one["of"] for one in pooled} == {40}
    wanted = (other.ranks[inside, 0] <= 10).mean()
    assert pooled[0]["metrics"]["recall@10"]["value"] == pytest.approx(wanted)
    assert not any(one["lies"] for one in [*pooled, *found["tables"]["1"]])  # validation
    assert all(row["ratio"] is None for row in found["rows"] if "published" in row["against"])
    assert any("Validation figures" in note for note in found["notes"])
    without = run(Making(), tmp_path, "popular", ties=("id",))
    assert without["tables"]["3"] == []
    assert any("Table 3 is left out: lrurec" in note for note in without["notes"])


def test_what_is_finished_is_read_again(tmp_path: Path) -> None:
    make = Making()
    make.stop_at = "sequential-knn"
    with pytest.raises(Interrupted, match="after 1 of 2 models .* the same command goes on"):
        run(make, tmp_path, "popular", "sequential-knn", ties=("id",))
    assert make.fitted == ["popular"]
    make.stop_at = ""
    first = run(make, tmp_path, "popular", "sequential-knn", ties=("id",))
    assert make.fitted == ["popular", "sequential-knn"]
    again = run(make, tmp_path, "popular", "sequential-knn", ties=("id",))
    assert make.fitted == ["popular", "sequential-knn"]
    assert again["tables"] == first["tables"]  # what it cost included
    assert not lines(tmp_path)
    run(make, tmp_path, "popular", ties=("id",), fresh=True)
    assert make.fitted[-1] == "popular"


def test_each_look_at_the_test_leaves_one_line(tmp_path: Path) -> None:
    make = Making()
    for _ in range(2):
        run(make, tmp_path, "popular", final=True)
        assert [(one["model"], one["ties"]) for one in lines(tmp_path)] == [
            ("popular", "id"),
            ("popular", "shuffle-1"),
            ("popular", "shuffle-2"),
        ]
    assert len(make.fitted) == 3
    (tmp_path / "final.log").unlink()  # kept by a run that was killed before it could say so
    run(make, tmp_path, "popular", final=True, ties=("id",))
    assert len(lines(tmp_path)) == 1
    run(make, tmp_path, "popular", final=True, ties=("id",), fresh=True)
    assert len(lines(tmp_path)) == 2


def test_seeds_are_for_models_that_draw(tmp_path: Path) -> None:
    make = Making()
    found = run(make, tmp_path, "popular", "bpr", seeds=2, ties=("id",))
    assert make.fitted == ["popular", "bpr 0", "bpr 1"]
    assert [one["seeds"] for one in found["tables"]["1"]] == [1, 2]
    assert set(found["tables"]["1"][1]["per_seed"]) == {"0", "1"}
    assert [llamarec.drawn(name) for name in ("fast", "ease", "sasrec", "best")] == [
        *(False, False, True, True)
    ]


def test_what_cannot_be_had_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Making()
    with pytest.raises(NotFound, match="No model 'nothing'"):
        run(make, tmp_path, "nothing")
    with pytest.raises(NotFound, match="No model 'nobody'"):
        run(make, tmp_path, "popular", retriever="nobody")
    assert not make.fitted
    with pytest.raises(ConfigError, match="at least 1"):
        Asked(seeds=0)
    systems = (beside.System("popular"), beside.System("ease"))
    monkeypatch.setattr(llamarec, "SYSTEMS", systems)

    def failing(name: str, **options: object):
        if name == "ease":
            raise Unavailable("no ease here")
        return make(name, **options)

    found = run(failing, tmp_path)
    assert [one["model"] for one in found["tables"]["1"]] == ["popular"]
    assert "ease, ties by id, is left out: no ease here" in found["notes"]


def test_llamarec_itself_needs_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "profile", lambda name: None)
    wanted = Asked(models=("lrurec+letters", "fast"))
    systems, notes = llamarec._systems(wanted)
    assert [one.name for one in systems] == ["fast"]
    assert "--llm-path" in notes[0]
    both = Asked(models=("lrurec+llamarec", "lrurec+letters"), llm=tmp_path)
    systems, notes = llamarec._systems(both)
    assert [one.published for one in systems] == ["LlamaRec", ""]
    assert not notes
    before = llamarec.key_of(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert llamarec.key_of(tmp_path) != before


def test_a_causal_model_is_a_folder_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder of a causal model"):
        Asked(llm=tmp_path / "nowhere")


def test_one_pass_is_held_against_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: object) -> dict[str, float]:
        raise Unavailable("no torch here")

    monkeypatch.setattr(llamarec, "timed", missing)
    rows, notes = llamarec.one_pass(None)
    assert rows == []
    assert "left out: no torch here" in notes[0]
    asked: list[object] = []

    def timed(path: object) -> dict[str, float]:
        asked.append(path)
        return {"one_pass_seconds": 0.5, "generation_seconds": 20.0, "parameters": 7.0}

    monkeypatch.setattr(llamarec, "timed", timed)
    rows, notes = llamarec.one_pass(None)
    assert [row["ratio"] for row in rows] == [1 / 40, 40.0]
    assert rows[0]["parameters"] == 7.0
    assert "random weights" in notes[0]
    assert llamarec.one_pass(Path("/somewhere"))[1] == []
    assert asked == ["tiny", Path("/somewhere")]


def test_few_users_are_compared_with_the_same_of_all(tmp_path: Path) -> None:
    data = world()
    plain = [beside.System("popular"), beside.System("fast", most=10)]
    ran = [
        llamarec._measured(data, system, "id", Making(), Asked(keep=tmp_path), None)
        for system in plain
    ]
    assert [one.result.users for one in ran] == [40, 10]
    made, _ = beside.tables(data.name, ran, final=False, retriever="popular", seed=0)
    assert made["differences"]["id"]["popular"]["users"] == 10
    assert made["3"][1]["of"] == 10


def test_a_point_lies_below_within_or_above() -> None:
    ours = Interval(0.5, 0.4, 0.6)
    points = (0.39, 0.4, 0.6, 0.61)
    assert [beside.where(point, ours) for point in points] == ["below", "within", "within", "above"]


def test_published_tables_are_whole() -> None:
    for table, names in ((published.TABLE_1, 6), (published.TABLE_3, 2)):
        assert set(table) == {"ml-latest-small", "beauty", "games"}
        for rows in table.values():
            assert tuple(rows) == published.ROWS
            assert all(len(figures) == names for figures in rows.values())
    assert published.TABLE_1["beauty"]["LlamaRec"]["mrr@5"] == 0.0385
    assert published.TABLE_3["games"]["LRURec"] == {"ndcg@10": 0.3760, "recall@10": 0.6879}
    same = published.TABLE_1["beauty"]["LlamaRec"]
    assert {name: same[name] for name in published.TABLE_4["LlamaRec"]} == (
        published.TABLE_4["LlamaRec"]
    )
    assert [published.family(one) for one in ("amazon-games", "beauty", "films")] == [
        *("games", "beauty", "")
    ]
    assert published.longest_history("amazon-beauty") == 50
    assert published.longest_history("ml-1m") == 200


@pytest.fixture
def ml_1m(tmp_path: Path) -> Path:
    """A folder in the shape of MovieLens 1M."""
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    data = world(users=30)
    films = [f"{at + 1}::Café {at} (19{50 + at})::Drama|Comedy" for at in range(30)]
    (folder / "movies.dat").write_text("\n".join(films) + "\n", encoding="latin-1")
    events = data.interactions
    (folder / "ratings.dat").write_text(
        "".join(
            f"{user + 1}::{item + 1}::4::{when}\n"
            for user, item, when in zip(events.user, events.item, events.timestamp, strict=True)
        )
    )
    people = [f"{at + 1}::F::25::4::55117" for at in range(30)]
    (folder / "users.dat").write_text("\n".join(people) + "\n")
    return folder


def test_the_command_takes_files_as_they_are(
    ml_1m: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "results"
    out.mkdir()
    asked = ["llamarec", "--dataset", str(ml_1m), "-m", "popular", "-m", "fast", "--ties", "id"]
    ran = CliRunner().invoke(app, [*asked, "--json", "--out", str(out)], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert found["dataset"] == "ml-1m"
    assert found["tables"]["published"]["1"] == {}
    assert json.loads((out / "llamarec-ml-1m.json").read_text()) == found
    assert "fast, cut 1" in ran.stderr
    shown = CliRunner().invoke(app, [*asked, "--final"], catch_exceptions=False)
    assert "ml-1m, test, 30 users" in shown.stdout
    assert len((tmp_path / "benchmarks/results/final.log").read_text().splitlines()) == 2
    twice = CliRunner().invoke(app, [*asked, "--dataset", "films", "-m", "popular", "--json"])
    assert [one["dataset"] for one in json.loads(twice.stdout)["datasets"]] == ["ml-1m", "films"]
    assert json.loads(twice.stdout)["rows"][0]["name"].startswith("ml-1m: popular")


def test_a_global_cut_in_time_takes_the_same_files(
    ml_1m: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    alone = typer.Typer()
    alone.command()(evaluate.evaluate)
    asked = ["--dataset", str(ml_1m), "--protocol", "global-time", "-m", "popular", "--json"]
    ran = CliRunner().invoke(alone, [*asked, "--min-events", "2"], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["rows"][0]["model"] == "popular"


def test_the_tables_are_written_from_the_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("figures_here", SCRIPTS / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    assert "No run is kept yet" in figures.llamarec.block(figures.PAGE)
    assert figures.llamarec.short(figures.PAGE) == ""
    asked = {"retriever": "fast", "final": True}
    for name in ("ml-latest-small", "beauty"):
        found = run(Making(), tmp_path, "popular", "fast", data=world(name=name), **asked)
        (tmp_path / f"llamarec-{name}.json").write_text(json.dumps(found))
    page = figures.llamarec.block(figures.PAGE)
    for said in ("### beauty", "Table 1", "Table 3", "Table 4", "| GPT4Rec, as published |"):
        assert said in page
    short = figures.llamarec.short(figures.PAGE)
    assert "| LlamaRec, as published | .0759 |" in short
    assert "our interval |" in short
