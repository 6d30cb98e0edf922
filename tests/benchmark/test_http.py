"""`tastemate benchmark http`: a real server, a little load, figures that follow what it does."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from tests.serve.projects import small

from tastemate.benchmark import http as measured
from tastemate.benchmark.http import Load, Refused, Server, http, served
from tastemate.benchmark.openloop import PATIENCE, Volley
from tastemate.errors import ConfigError, StageError
from tastemate.project import Tastemate


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")


def test_every_phase_is_measured_over_a_real_server(tmp_path: Path) -> None:
    small(tmp_path / "project")
    said: list[str] = []
    wants = Load(rate=30, seconds=1.5, warm=0.5, events=400, readers=90, file_events=500, fresh=5)
    found = http(
        str(tmp_path / "project" / "data"),
        wants,
        seed=3,
        progress=lambda what, _: said.append(what),
    )
    rows = {row.name: row for row in found.rows}
    assert len(rows) == len(found.rows)
    many = f"of {90 + len(Tastemate.open(tmp_path / 'project').interactions.users)} people"
    same = "of the same people"
    busy = [f"with 400 events/s {who} and fits" for who in (many, same)]
    for when in ("alone", *busy, "alone, no answer held"):
        p50, p99 = rows[f"lists at 30/s, {when}: p50"], rows[f"lists at 30/s, {when}: p99"]
        assert 0 < p50.value <= p99.value < PATIENCE * 1000
        assert p99.against_value == 60
    assert [row.value for row in found.rows if "not answered" in row.name] == [0, 0, 0, 0]
    assert [row.value for row in found.rows if "not taken" in row.name] == [0, 0, 0]
    assert sum(rows[f"fits begun meanwhile, with events {who}"].value for who in (many, same)) >= 1
    assert rows["events by API, batches of 500"].value > 50
    assert rows["events by file, start included"].value > 5
    assert 0 < rows["from a dislike to an answer without the item: p99"].value < 10
    assert said[0].startswith("starting")
    value = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert {"rows", "dataset", "fingerprint", "commit", "hardware", "date"} <= set(value)


def test_a_server_is_ready_when_the_block_begins_and_gone_after_it(tmp_path: Path) -> None:
    small(tmp_path / "project", fitted=True)
    with served(tmp_path / "project", "films") as server:
        assert server.ask("/health/ready")["ready"] is True
        for _ in range(80):  # more than one user may ask for, where callers are held back
            server.ask("/v1/recommend", {"user_id": "u1", "k": 2})
        with pytest.raises(Refused, match="answered with 404") as refused:
            server.ask("/v1/similar", {"item_id": "nothing"})
        assert refused.value.status == 404
    with pytest.raises(StageError, match="not answered") as gone:
        server.ask("/health/live")
    assert not isinstance(gone.value, Refused)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "tastemate.toml").write_text("[recommend]\nprofil = 3\n")
    with (
        pytest.raises(StageError, match="did not start|The server ended") as told,
        served(tmp_path, "films"),
    ):
        pytest.fail("it must not be ready")
    assert "profil" in str(told.value)


def test_answers_that_never_came_count_as_the_wait_for_them() -> None:
    lost = Volley(np.array([0.01, 0.01, np.inf]), np.array([200, 200, 0]))
    rows = measured._answered("lists", lost)
    assert [row.value for row in rows] == [10.0, PATIENCE * 1000, 1]


def test_freshness_is_the_time_until_the_item_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that goes on showing what was disliked is measured as slow, not as quick."""
    asked: list[str] = []

    def ask(_: Server, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        asked.append(path)
        gone = asked.count("/v1/recommend") > 4
        return {"items": [{"item_id": "b" if gone else "a"}], "accepted": 1}

    monkeypatch.setattr(Server, "ask", ask)
    rows = measured._freshness(Server(1, 1), ["u"], 1, np.random.default_rng(0))
    assert asked.count("/v1/recommend") == 5  # once before, and until it is gone
    assert rows[1].against_value == 1.0
    monkeypatch.setattr(Server, "ask", lambda *_: {"items": []})
    with pytest.raises(StageError, match="No list"):
        measured._freshness(Server(1, 1), ["u"], 2, np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"seconds": -1}, {"workers": 0}])
def test_loads_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        Load(**wrong)
