"""What a fit has seen: written whole, read with suspicion, the one before kept."""

import json
from pathlib import Path

import pytest

from tastemate.config import EncoderChoice, Settings
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import checkerboard
from tastemate.generation import Generation
from tastemate.project import Tastemate

CATALOG, INTERACTIONS, _ = checkerboard()
HASHED = Settings(encoder=EncoderChoice("words"))


def read(path: Path) -> Generation:
    return Generation.read(path, CATALOG, INTERACTIONS)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    first = read(tmp_path / "fitted.json")
    assert (first.key, first.previous, first.events) == (first.base, "", 0)
    then = first.next(3, 1, 0, "store")
    then.write(tmp_path / "fitted.json")
    assert read(tmp_path / "fitted.json") == then
    assert then.previous == first.key
    assert then.next(3, 1, 0, "store") is then
    assert then.next(3, 1, 1, "store").key != then.key


@pytest.mark.parametrize(
    "change",
    [{"base": "other"}, {"events": -1}, {"events": True}, {"key": 3}, {"items": 2**70}, {"x": 1}],
)
def test_what_was_damaged_is_a_first_generation(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "fitted.json"
    read(path).next(3, 1, 0, "store").write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert read(path).events == 0


def test_the_models_of_the_generation_before_stay_and_older_ones_go(tmp_path: Path) -> None:
    project = Tastemate(Dataset("board", CATALOG, INTERACTIONS), tmp_path, HASHED)
    keys = []
    for item in CATALOG.ids[:3]:
        project.like("eve", item)
        project.fit(["popular"])
        keys.append(project.work.key)
    there = {path.name.split("-")[-1][:8] for path in (tmp_path / "models").iterdir()}
    assert there == set(keys[1:])


def test_a_fit_that_fails_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Tastemate(Dataset("board", CATALOG, INTERACTIONS), tmp_path, HASHED)
    project.fit(["popular"])
    before = project.recommend(k=3).ids
    project.like("eve", CATALOG.ids[0])
    key = project.work.key

    def broken(name: str, _now: object) -> None:
        raise MemoryError(name)

    monkeypatch.setattr(project.work._models, "fit", broken)
    with pytest.raises(MemoryError):
        project.fit(["popular"])
    assert project.work.key == key
    assert project.recommend(k=3).ids == before
