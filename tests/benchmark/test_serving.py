"""`tastemate benchmark serving`: models saved and opened again, and what their answers cost."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tastemate.benchmark import serving as module
from tastemate.benchmark.serving import served_by, serving
from tastemate.catalog import Catalog
from tastemate.cli.benchmark import app
from tastemate.config import DEFAULTS
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError, DataError, NotFound
from tastemate.interactions import Interactions
from tastemate.project import Tastemate
from tastemate.types import Event, Item

SMALL = {"dim": 8, "layers": 1, "length": 12, "batch": 60, "look": 1, "rounds": 1}


@pytest.fixture
def data() -> Dataset:
    return Dataset("small", *random_world(1, n_events=600))


def test_each_model_is_held_against_fast(data: Dataset) -> None:
    said: list[str] = []
    found = serving(
        data, models=("popular",), people=4, progress=lambda what, share: said.append(what)
    )
    assert said == ["fast", "popular"]
    assert [one["model"] for one in found["tables"]["models"]] == ["fast", "popular"]
    assert {one["served_by"] for one in found["tables"]["models"]} == {"numpy"}
    names = [row["name"] for row in found["rows"]]
    assert names[:6] == [
        "fast, one event more, p50",
        "fast, one event more, p99",
        "fast, top 100, p50",
        "fast, top 100, p99",
        "fast, numbers kept",
        "fast, on disk",
    ]
    assert all((row["ratio"] is None) == row["name"].startswith("fast") for row in found["rows"])
    sizes = {one["model"]: (one["numbers"], one["disk_mb"]) for one in found["tables"]["models"]}
    assert sizes["fast"] > sizes["popular"]
    assert sizes["popular"][1] > 0
    assert found["people"] == 4
    assert {"command", "data", "hardware"} <= set(found)


def test_a_state_moved_on_stands_beside_the_whole_history(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="needs torch")
    monkeypatch.setattr(module, "ONE_PASS", SMALL)
    found = serving(data, models=("lrurec", "sasrec"), people=3)
    served = {one["model"]: one["served_by"] for one in found["tables"]["models"]}
    assert served == {"fast": "numpy", "lrurec": "torch", "sasrec": "onnxruntime"}
    moved = [row for row in found["rows"] if "by advance" in row["name"]]
    assert [row["name"].split(", ")[0] for row in moved] == ["lrurec", "lrurec"]
    assert {row["against"] for row in moved} == {"the whole history"}
    assert all(row["value"] > 0 and row["ratio"] > 0 for row in moved)


def test_who_serves_what() -> None:
    assert [served_by(name) for name in ("ease", "hstu", "sse-pt", "narm", "bert4rec")] == [
        *("numpy", "onnxruntime", "onnxruntime", "torch", "torch")
    ]
    assert served_by("best").endswith("ranked by learned")


@pytest.mark.parametrize("name", ["sasrec", "hstu", "sse-pt"])
def test_the_whole_path_of_a_network_answers_without_torch(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch")
    from dataclasses import replace

    data = Dataset("small", *random_world(1, n_events=600))
    project = Tastemate(data, tmp_path, replace(DEFAULTS, retrievers={name: SMALL}))
    project.fit([name])
    user = data.interactions.users[3]
    wanted = [line.item.id for line in project.recommend(user, 5, model=name).items]
    code = f"""
import sys
sys.modules["torch"] = None
from dataclasses import replace
from pathlib import Path
from tastemate.config import DEFAULTS
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import random_world
from tastemate.project import Tastemate
settings = replace(DEFAULTS, retrievers={{{name!r}: {SMALL!r}}})
data = Dataset("small", *random_world(1, n_events=600))
slate = Tastemate(data, Path({str(tmp_path)!r}), settings).recommend({user!r}, 5, model={name!r})
assert not slate.degraded, slate.degraded
print(*(line.item.id for line in slate.items))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == wanted


def test_what_cannot_be_measured_is_said(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="No model 'nothing'"):
        serving(data, models=("nothing",))
    with pytest.raises(ConfigError, match="at least 1"):
        serving(data, people=0)
    catalog = Catalog.of([Item("1", "One"), Item("2", "Two")])
    lonely = Dataset("lonely", catalog, Interactions.of([Event("u", "1", 1.0, 1)], catalog))
    with pytest.raises(DataError, match="Nobody in lonely has two events"):
        serving(lonely)
    monkeypatch.setattr(module, "MODELS", ("fast", "popular"))
    measured = module._measured

    def failing(data: Dataset, name: str, queries: list):
        if name == "popular":
            raise DataError("not today")
        return measured(data, name, queries)

    monkeypatch.setattr(module, "_measured", failing)
    found = serving(data, people=2)
    assert found["notes"] == ["popular is left out: not today"]


def test_those_with_the_longest_histories_are_asked_for(data: Dataset) -> None:
    queries = module._queries(data, 3)
    lengths = np.sort(np.diff(data.interactions.offsets))[::-1]
    assert [len(query.history) for query in queries] == lengths[:3].tolist()
    assert {query.k for query in queries} == {100}


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_line(as_json: bool, tmp_path: Path) -> None:
    out = tmp_path / "results" / "serving.json"
    asked = ["serving", "-d", "films", "-m", "popular", "--people", "3", "--out", str(out)]
    ran = CliRunner().invoke(app, [*asked, "--json"] if as_json else asked, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    kept = json.loads(out.read_text())
    assert kept["dataset"] == "films"
    if as_json:
        assert json.loads(ran.stdout) == kept
    else:
        assert "Serving on films: one event more, the best 100; 3 people" in ran.stdout
