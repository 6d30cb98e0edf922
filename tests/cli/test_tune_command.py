import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tastemate.cli.tune import LETTERS, tune
from tastemate.errors import ConfigError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder in the form of MovieLens."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("tuned") / "little"
    path.mkdir()
    movies = [f"{at},Film {at} ({1990 + at}),Drama" for at in range(1, 21)]
    (path / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies]) + "\n")
    lines = [
        f"{user},{item},{rng.integers(1, 11) / 2},{1_000_000_000 + user * 1000 + at}"
        for user in range(1, 26)
        for at, item in enumerate(rng.permutation(20)[:14] + 1)
    ]
    (path / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *lines]) + "\n")
    return path


def _run(*arguments: str) -> "tuple[dict, str]":
    app = typer.Typer()
    app.command()(tune)
    result = CliRunner().invoke(app, [str(part) for part in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return (json.loads(result.stdout) if "--json" in arguments else {}), result.stdout


def test_als_on_a_random_split(folder, tmp_path):
    words = ("als", "-d", folder, "--set", "rank=2,3", "--set", "regularisation=0.1..0.4")
    found, _ = _run(*words, "--keep", tmp_path, "--json")
    assert found["model"] == "als"
    assert found["split"].startswith("random")
    assert {"command", "data", "hardware", "program", "commit", "date"} <= set(found)
    assert len(found["grid"]) == 10
    _, shown = _run(*words, "--keep", tmp_path)
    assert "Best on validation" in shown


def test_als_on_the_committed_split(folder, tmp_path):
    (folder / LETTERS).write_text("ttv\nete" * 70)
    try:
        found, _ = _run("als", "-d", folder, "--set", "rank=2", "--json", "--keep", tmp_path)
    finally:
        (folder / LETTERS).unlink()
    assert found["split"] == LETTERS
    assert found["cold"]["pairs"] == 116


def test_other_models_by_the_next_item(folder, tmp_path):
    words = ("item-knn", "-d", folder, "--set", "k=5,10", "--keep", tmp_path)
    found, _ = _run(*words, "--json")
    assert found["metric"] == "ndcg@10"
    assert [cell["k"] for cell in found["grid"]] == [5, 10]
    assert 0 <= found["best"]["value"] <= 1
    _, shown = _run(*words)
    assert "item-knn" in shown


def test_ratings_are_blended(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n1,1,slow,1000000000\n")
    words = ("ratings", "-d", folder, "--keep", tmp_path / "kept", "--set", "shrinkage=6")
    try:
        found, _ = _run(*words, "--json")
        assert not (tmp_path / "benchmarks").exists()
        _, shown = _run(*words, "--final")
    finally:
        (folder / "tags.csv").unlink()
    names = [row["name"] for row in found["parts"]]
    assert names[:4] == ["means", "als", "item-neighbours", "user-neighbours"]
    assert set(found["blend"]["weights"]) == set(names)
    assert "test_rmse" not in found["blend"]
    assert found["split"].startswith("random")
    assert {"pairs", "cold", "seconds", "command", "data"} <= set(found)
    assert len(list((tmp_path / "kept").glob("vectors-*"))) == 1
    assert len((tmp_path / "benchmarks/results/final.log").read_text().splitlines()) == 1
    assert "taste+crowd" in shown


def test_what_is_wrong_is_said(folder):
    for words, told in (
        (("als", "--final"), "tune ratings"),
        (("ratings", "-d", folder, "--random", "3"), "leave out --random"),
        (("ratings", "-d", folder, "--set", "shrinkage=3,6"), "one value each"),
        (("ratings", "-d", folder, "--set", "seed=3"), "one value each"),
        (("ratings", "--against", "spark"), "Only als"),
        (("bpr", "--against", "spark"), "Only als"),
        (("als", "--random", "3"), "on a grid"),
        (("als", "-d", folder, "--set", "iterations=3"), "only those"),
        (("als", "-d", folder, "--set", "ranc=3"), "Did you mean"),
        (("bpr", "-d", folder), "nothing to try"),
    ):
        with pytest.raises(ConfigError, match=told):
            _run(*words)
