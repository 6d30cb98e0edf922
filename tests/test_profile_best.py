"""The profile with a learned ranker, through the front door: taught by a fit, then served."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tastemate import Tastemate, artifacts, build, ranked, scope
from tastemate.cli.main import app
from tastemate.data.saved import save
from tastemate.data.synthetic import random_world
from tastemate.evaluate.scoring import Factory
from tastemate.types import Signal

pytest.importorskip("lightgbm", reason="needs lightgbm")


def _project(folder: Path, **world: int) -> Path:
    catalog, events = random_world(7, **{"n_users": 40, "n_items": 60, "n_events": 900, **world})
    save(folder / "data", catalog, events)
    (folder / "tastemate.toml").write_text(
        '[encoder]\nname = "words"\n[recommend]\nprofile = "best"\n'
    )
    return folder


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _project(tmp_path_factory.mktemp("best") / "project")
    told = CliRunner().invoke(
        app, ["fit", "-d", str(folder), "--profile", "best", "--json"], catch_exceptions=False
    )
    took = json.loads(told.stdout)["seconds"]
    assert {*build.profile("best").weights, "learned"} <= set(took)
    return folder


def _copy(taught: Path, to: Path) -> Path:
    return Path(shutil.copytree(taught, to))


def test_before_it_is_taught_the_mix_answers_and_says_so(tmp_path: Path) -> None:
    tm = Tastemate.open(_project(tmp_path / "fresh"))
    slate = tm.recommend("u1")
    assert len(slate.items) == 10
    assert [why for why in slate.degraded if "tastemate fit with this profile" in why]
    assert slate.ids == _plain(tm, "u1")


def _plain(tm: Tastemate, user: str) -> list[str]:
    mix = replace(build.profile("best"), ranker="")
    return tm.work.recommender(mix, pool=100).recommend(tm.query(user, 10)).ids


def test_it_is_served_after_a_fit_by_every_process(taught: Path, tmp_path: Path) -> None:
    folder = _copy(taught, tmp_path / "p")
    tm, again = Tastemate.open(folder), Tastemate.open(folder)
    orders = 0
    for user in ("u1", "u2", "u3"):
        slate = tm.recommend(user)
        assert not slate.degraded
        assert slate.ids == again.recommend(user).ids == tm.recommend(user, model="best").ids
        assert all(line.reason.text for line in slate.items)
        orders += slate.ids != _plain(tm, user)
    assert orders


def test_what_is_measured_is_what_is_served(taught: Path) -> None:
    tm = Tastemate.open(taught)
    fit: Factory = ranked.factory("best", tm.work.resources)
    measured = fit(tm.catalog, tm.interactions)
    query = tm.query("u5", 10)
    scores = measured.scores([query])[0]
    scores[query.history.items] = -1e9
    best = (-scores).argsort(kind="stable")[:10]
    assert [tm.catalog.ids[row] for row in best] == list(tm.recommend("u5").ids)


def test_words_outweigh_it_and_so_does_knowing_next_to_nothing(taught: Path) -> None:
    tm = Tastemate.open(taught)
    title = tm.catalog.titles[0]
    for asked in ({"user": "u1", "query": title}, {"likes": [title]}):
        slate = tm.recommend(**asked)
        path = tm.recommend_all([tm.query(k=10, **_said(asked))])[0]
        assert slate.ids == path.ids
        assert not slate.degraded
    assert tm.recommend(None).ids


def _said(asked: dict[str, object]) -> dict[str, object]:
    return {("text" if name == "query" else name): value for name, value in asked.items()}


def test_what_happened_a_moment_ago_is_ranked_by(taught: Path, tmp_path: Path) -> None:
    tm = Tastemate.open(_copy(taught, tmp_path / "p"))
    before = tm.recommend("u4", 5).ids
    tm.record([Signal("1", "u4", before[0], "like", timestamp=2_000_000_000)])
    slate = tm.recommend("u4", 5)
    assert before[0] not in slate.ids
    assert not slate.degraded
    assert "learned" in [step.name for step in slate.trace]


def test_a_new_item_is_served_beside_it(taught: Path, tmp_path: Path) -> None:
    tm = Tastemate.open(_copy(taught, tmp_path / "p"))
    tm.add_items([{"id": "new", "title": "Harbour of Glass", "genres": ["Drama"]}])
    slate = tm.recommend("u1", 61, exclude_seen=False)
    assert not slate.degraded
    assert "new" in slate.ids


@pytest.mark.parametrize("harm", ["damaged", "gone", "another version's"])
def test_a_ranker_that_is_not_whole_is_named_and_missed(
    taught: Path, tmp_path: Path, harm: str
) -> None:
    folder = _copy(taught, tmp_path / "p")
    (place,) = Tastemate.open(folder).work.folder.glob("models/learned-*")
    if harm == "gone":
        shutil.rmtree(place)
    elif harm == "another version's":
        meta, arrays = artifacts.read(place)
        arrays = {name: np.array(one) if isinstance(one, np.ndarray) else one
                  for name, one in arrays.items()}  # fmt: skip
        artifacts.write(place, meta | {"names": 7}, arrays)
    else:
        for file in place.glob("*.npz"):
            file.write_bytes(file.read_bytes()[:100])
        for file in place.glob("*.json"):
            file.write_text("{")
    tm = Tastemate.open(folder)
    slate = tm.recommend("u1")
    assert slate.ids == _plain(tm, "u1")
    assert any("ranker learned" in why for why in slate.degraded)


def test_with_too_little_to_learn_from_the_mix_is_fitted_and_ranks_alone(tmp_path: Path) -> None:
    folder = _project(tmp_path / "p", n_users=3, n_items=40, n_events=9)
    tm = Tastemate.open(folder)
    with scope.opened() as account:
        took = tm.fit()
    assert set(build.profile("best").weights) <= set(took)
    assert "learned" not in took
    (failed,) = account.errors
    assert failed.startswith("the ranker learned: A ranker cannot be taught")
    slate = tm.recommend("u0")
    assert slate.ids == _plain(tm, "u0")
    assert any("learned" in why for why in slate.degraded)


def test_fit_says_on_the_command_line_that_the_ranker_is_not_taught(tmp_path: Path) -> None:
    folder = _project(tmp_path / "p", n_users=3, n_items=40, n_events=9)
    told = CliRunner().invoke(app, ["fit", "-d", str(folder)], catch_exceptions=False)
    assert told.exit_code == 0
    assert "without the ranker learned" in told.stderr
    told = CliRunner().invoke(app, ["fit", "-d", str(folder), "--json"], catch_exceptions=False)
    assert "cannot be taught" in json.loads(told.stdout)["degraded"][0]


def test_erasing_somebody_takes_the_lessons_of_a_teaching_that_was_killed(
    taught: Path, tmp_path: Path
) -> None:
    tm = Tastemate.open(_copy(taught, tmp_path / "p"))
    kept = tm.work.folder / "teaching" / "learned" / "lessons-0"
    kept.mkdir(parents=True)
    tm.erase("u1")
    assert not kept.exists()


def test_a_ranker_that_reads_no_vectors_is_opened_without_them(
    taught: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bare:
        name = "bare"

        @classmethod
        def load(cls, folder, catalog):
            return cls()

        def rank(self, queries, pools):
            return [list(pool)[::-1] for pool in pools]

    of_table = build.named
    monkeypatch.setattr(
        build, "named", lambda target: Bare if target.endswith(":Learned") else of_table(target)
    )
    slate = Tastemate.open(taught).recommend("u1")
    assert "bare" in [step.name for step in slate.trace]
    assert not slate.degraded
