import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tastemate.benchmark import clock, rivals
from tastemate.benchmark import speed as module
from tastemate.benchmark.rivals import Figure
from tastemate.benchmark.speed import Speed, answers, cold, speed, starts
from tastemate.catalog import Catalog
from tastemate.cli.benchmark import app
from tastemate.data.datasets import Dataset
from tastemate.errors import ConfigError, DataError, StageError
from tastemate.interactions import Interactions
from tastemate.project import Tastemate
from tastemate.types import Event, Item

CATALOG = Catalog.of(Item(f"i{n}", f"Film {n}", "", {"genres": ("Crime",)}) for n in range(30))
EVENTS = [
    Event(f"u{u}", f"i{(7 * u + 3 * n) % 30}", float(1 + (u + n) % 5), n)
    for u in range(25)
    for n in range(10)
]


@pytest.fixture
def tiny() -> tuple[Catalog, Interactions]:
    return CATALOG, Interactions.of(EVENTS, CATALOG)


def check(rows: list[Figure]) -> None:
    for row in rows:
        assert row.name
        assert row.value >= 0
        assert row.unit in ("s", "ms", "MiB", "users/s")
        assert (row.ratio is None) == (row.against_value is None) == (row.against == "")
        if row.ratio is not None:
            assert row.ratio > 0


def test_answers_rows_have_their_shape(tmp_path: Path) -> None:
    project = Tastemate.open("films", home=tmp_path)
    users = list(project.interactions.users[:4])
    rows = answers(project, users, 5, 1, tmp_path)
    check(rows)
    assert [row.name for row in rows] == [
        "recommend, with reasons, p50",
        "recommend, with reasons, p99",
        "recommend, without reasons, p50",
        "recommend, without reasons, p99",
        "batch recommend, with reasons",
        "batch recommend, without reasons",
        "a newcomer's common question, precomputed, p50",
    ]
    assert rows[0].value <= rows[1].value
    assert rows[-1].against == "computed"


def test_process_rows_have_their_shape(tmp_path: Path) -> None:
    rows = [*starts(1), *cold("films", "p012", tmp_path, 1)]
    check(rows)
    assert rows[0].name == "import tastemate"
    assert rows[0].against == "a bare interpreter"
    assert any(row.unit == "MiB" and row.name.startswith("cold") for row in rows)
    assert list((tmp_path / "datasets" / "films" / "models").iterdir())


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(StageError, match="nowhere-at-all"):
        clock.command_line(["recommend", "--dataset", "nowhere-at-all"])
    with pytest.raises(StageError, match="ended with 3 and said: nothing"):
        clock.interpreter("raise SystemExit(3)", 1)


def test_side_by_side_without_lenskit(
    tiny: tuple[Catalog, Interactions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "_has_lenskit", lambda: False)
    rows, notes = rivals.side_by_side(*tiny, k=3, repeats=1, seed=0)
    check(rows)
    assert [(row.name, row.against.split()[0]) for row in rows] == [
        ("item-knn, fit", "implicit"),
        ("item-knn, batch recommend", "implicit"),
        ("implicit-als, fit", "implicit"),
        ("implicit-als, batch recommend", "implicit"),
        ("implicit-als, fit", "implicit"),
        ("implicit-als, batch recommend", "implicit"),
    ]
    assert [row.against.endswith("recalculate_user)") for row in rows] == [False] * 4 + [True] * 2
    assert notes
    assert "tastemate[bench]" in notes[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(importlib.util.find_spec("lenskit") is None, reason="lenskit: extra `bench`")
def test_side_by_side_with_lenskit(tiny: tuple[Catalog, Interactions]) -> None:
    rows, notes = rivals.side_by_side(*tiny, k=3, repeats=1, seed=0)
    check(rows)
    assert notes == []
    lenskit = [row.name for row in rows if row.against.startswith("lenskit")]
    assert lenskit == [
        f"{name}, {what}"
        for name in ("item-knn", "ease", "als")
        for what in ("fit", "batch recommend")
    ]


def test_a_ratio_is_theirs_over_ours() -> None:
    row = Figure.of("fit", 2.0, "s", "another", 3.00012345)
    assert (row.ratio, row.against_value) == (1.5, 3.0)
    assert Figure.of("fit", 0.0, "s", "another", 1.0).ratio == 1e9


def test_clocks_count_calls() -> None:
    asked: list[int] = []
    calls = [lambda at=at: asked.append(at) for at in range(5)]
    took = clock.latencies(calls, warm=2)
    assert took.shape == (5,)
    assert np.isfinite(took).all()
    assert asked == [0, 1, 0, 1, 2, 3, 4]
    assert clock.seconds(lambda: asked.append(9), repeats=3) >= 0
    assert asked.count(9) == 3


def test_the_run_is_described_and_can_be_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        rivals, "side_by_side", lambda *_, **__: ([Figure("a, fit", 1.0, "s")], ["b"])
    )
    monkeypatch.setattr(module, "starts", lambda repeats: [Figure("start", 1.0, "s")])
    monkeypatch.setattr(module, "answers", lambda *_: [Figure("p50", 1.0, "ms")])
    monkeypatch.setattr(module, "cold", lambda *_: [Figure("cold", 1.0, "s")])
    said: list[str] = []
    found = speed(
        "films", repeats=1, queries=3, k=3, progress=lambda what, share: said.append(what)
    )
    value = json.loads(json.dumps(found.as_json()))
    given = {"command", "data", "hardware", "program", "commit", "date"}
    assert set(value) == {"rows", "dataset", "fingerprint", "notes"} | given
    assert set(value["rows"][0]) >= {"name", "value", "unit", "against", "ratio"}
    assert [row["name"] for row in value["rows"]][:2] == ["start", "cold"]
    assert value["dataset"] == "films"
    assert value["notes"] == ["b"]
    assert said[-1] == "done"
    alone = speed("films", repeats=1, queries=3, k=3, sides=False, processes=False)
    assert [row.name for row in alone.rows] == ["p50"]
    assert alone.provenance["data"] == found.provenance["data"]


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        speed("films", repeats=0)
    (tmp_path / "tastemate.toml").write_text("")
    with pytest.raises(ConfigError, match="is a project"):
        speed(str(tmp_path))
    project = Tastemate(Dataset("empty", CATALOG, Interactions.empty(CATALOG)), tmp_path)
    with pytest.raises(DataError, match="no users"):
        module._users(project, 3, 0)


def test_users_are_drawn_again_where_there_are_few(tmp_path: Path) -> None:
    project = Tastemate.open("films", home=tmp_path)
    n = project.interactions.n_users + 5
    drawn = module._users(project, n, 1)
    assert len(drawn) == n
    assert set(drawn) == set(project.interactions.users)
    assert drawn == module._users(project, n, 1)
    assert drawn != module._users(project, n, 2)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_line(as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def measured(dataset: str, **options: object) -> Speed:
        asked.update(options, dataset=dataset)
        options["progress"]("half", 0.5)
        rows = (Figure.of("fit", 1.0, "s", "another", 2.0), Figure.of("p50", 1.0, "ms"))
        return Speed(rows, dataset, {"hardware": "a machine", "data": "f-f"}, ("install it",))

    monkeypatch.setattr(module, "speed", measured)
    out = tmp_path / "results" / "speed.json"
    arguments = ["speed", "--repeats", "2", "--no-sides", "--out", str(out)]
    ran = CliRunner().invoke(app, [*arguments, "--json"] if as_json else arguments)
    assert ran.exit_code == 0, ran.output
    assert (asked["dataset"], asked["repeats"], asked["sides"]) == ("films", 2, False)
    assert json.loads(out.read_text())["rows"][0]["ratio"] == 2.0
    if as_json:
        assert json.loads(ran.stdout)["hardware"] == "a machine"
    else:
        assert "a machine" in ran.stdout
        assert "another" in ran.stdout
    assert "install it" in ran.stderr


def test_rows_are_values() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Figure("a", 1.0, "s").value = 2.0
