"""`tastemate fit`: a profile's name stands for its retrievers, and its ranker."""

import json
from pathlib import Path

from tests.serve.projects import small
from typer.testing import CliRunner

from tastemate import build
from tastemate.cli.main import app


def test_a_profile_is_fitted_whole(tmp_path: Path) -> None:
    small(tmp_path / "project")
    asked = ["fit", "--dataset", str(tmp_path / "project"), "-m", "linear", "-m", "als", "--json"]
    told = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert set(json.loads(told.stdout)["seconds"]) == {*build.profile("linear").weights, "als"}
    unknown = CliRunner().invoke(app, [*asked[:3], "-m", "bset"])
    assert unknown.exit_code != 0
