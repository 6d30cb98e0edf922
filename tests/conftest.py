"""What every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets named by TASTEMATE_DATA; skips where there is none."""
    named = os.environ.get("TASTEMATE_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("real data: set TASTEMATE_DATA to a folder of data sets")
    return Path(named).resolve()


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a state folder of its own, so that nothing leaks in from the machine."""
    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path_factory.mktemp("home")))
