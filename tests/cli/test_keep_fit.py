"""`tastemate fit`: a profile's name stands for its retrievers, and its ranker."""

import json
from pathlib import Path

import pytest
from tests.serve.projects import small
from typer.testing import CliRunner

from tastemate import Tastemate, build
from tastemate.cli.main import app
from tastemate.errors import Interrupted


def test_a_profile_is_fitted_whole(tmp_path: Path) -> None:
    small(tmp_path / "project")
    asked = ["fit", "--dataset", str(tmp_path / "project"), "-m", "linear", "-m", "als", "--json"]
    told = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert set(json.loads(told.stdout)["seconds"]) == {*build.profile("linear").weights, "als"}
    unknown = CliRunner().invoke(app, [*asked[:3], "-m", "bset"])
    assert unknown.exit_code != 0


def test_models_and_a_profile_together_are_all_fitted(tmp_path: Path) -> None:
    small(tmp_path / "project")
    asked = ["fit", "-d", str(tmp_path / "project"), "-m", "als", "--profile", "linear", "--json"]
    told = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert set(json.loads(told.stdout)["seconds"]) == {*build.profile("linear").weights, "als"}


def test_stopped_by_hand_it_says_what_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(project: Tastemate, names: object = ()) -> None:
        raise KeyboardInterrupt

    small(tmp_path / "project")
    monkeypatch.setattr(Tastemate, "fit", stopped)
    told = CliRunner().invoke(app, ["fit", "-d", str(tmp_path / "project")])
    assert isinstance(told.exception, Interrupted)
    assert "the last fit goes on serving" in str(told.exception)
