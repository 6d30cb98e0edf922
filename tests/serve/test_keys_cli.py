"""`tastemate keys` and what `tastemate doctor` says of a service."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tastemate.cli.keys import SCOPES, open_kept
from tastemate.cli.main import app
from tastemate.errors import ConfigError, NotFound
from tastemate.serve.auth import SCOPES as SERVED
from tastemate.serve.auth import SECRET
from tastemate.types import Signal


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["keys", *words, "--json"])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def checks() -> dict[str, Any]:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_a_key_is_shown_once_and_verifies() -> None:
    made = run("make", "the shop", "--scope", "write", "--scope", "read", "--scope", "read")
    assert made["scopes"] == ["read", "write"]
    assert SECRET.fullmatch(made["secret"])
    store = open_kept(None)
    key = store.keys.verify(made["secret"])
    assert key is not None
    assert key.name == "the shop"
    assert [entry.action for entry in store.audit.all()] == ["make key"]
    store.close()
    (listed,) = run("list")["keys"]
    assert listed["id"] == made["id"]
    assert made["secret"] not in json.dumps(listed)


def test_a_key_reads_only_unless_told_otherwise() -> None:
    assert run("make", "reader")["scopes"] == ["read"]


def test_the_secret_stands_alone_on_standard_output() -> None:
    done = CliRunner().invoke(app, ["keys", "make", "shop"])
    assert SECRET.fullmatch(done.stdout.strip())
    again = CliRunner().invoke(app, ["keys", "make", "shop"])
    assert "From now on" in done.stderr
    assert "From now on" not in again.stderr


def test_revoke_takes_an_id_or_the_key_itself() -> None:
    one, two = run("make", "one"), run("make", "two")
    assert run("revoke", one["id"]) == {"revoked": one["id"], "left": 1}
    assert run("revoke", two["secret"]) == {"revoked": two["id"], "left": 0}
    store = open_kept(None)
    assert store.keys.verify(one["secret"]) is None
    store.close()


def test_a_secret_that_is_no_key_is_not_repeated() -> None:
    run("make", "one")
    with pytest.raises(NotFound) as told:
        run("revoke", "tm_0123456789ab_" + "x" * 43)
    assert "x" * 43 not in str(told.value)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "\x1b[31m"])
def test_names_are_fit_for_a_log_line(name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        run("make", name)


def test_scopes_are_those_of_the_service() -> None:
    assert SCOPES == SERVED
    with pytest.raises(ConfigError, match="read, write, admin"):
        run("make", "shop", "--scope", "owner")


def test_no_key_yet() -> None:
    assert run("list") == {"keys": []}


def test_doctor_looks_at_a_service_that_was_never_used() -> None:
    found = checks()
    for name in ("store schema", "store", "keys", "disk space", "last backup", "store journal"):
        assert found[name]["ok"], found[name]
    assert found["keys"]["found"].startswith("none")
    assert found["port 8765"]["found"] in ("free", "taken")
    assert found["extra serve"]["found"] == "installed"


def test_doctor_reads_what_serve_would(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks()["[serve]"] == {
        "name": "[serve]", "ok": True, "found": "as it comes", "fix": ""
    }  # fmt: skip
    monkeypatch.setenv("TASTEMATE_SERVE__RATE_PER_USER", "many")
    found = checks()["[serve]"]
    assert not found["ok"]
    assert "rate_per_user" in found["found"]


def test_doctor_says_what_is_wrong_with_a_store() -> None:
    made = run("make", "shop")
    store = open_kept(None)
    store.events.record([Signal("1", "ann", "1", "like", timestamp=1)])
    path = store.database.path
    found = checks()
    assert found["keys"]["found"] == "1 hold, 0 revoked"
    assert "tastemate backup" in found["last backup"]["fix"]
    run("revoke", made["id"])
    assert not checks()["keys"]["ok"]
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE tastemate_version SET version_num = '9999'")
    connection.close()
    found = checks()
    assert not found["store schema"]["ok"]
    assert "9999" in found["store schema"]["found"]
    assert not found["store"]["ok"]
    assert "update Tastemate" in found["store"]["fix"]


def test_doctor_says_that_a_file_is_no_store() -> None:
    run("make", "shop")
    store = open_kept(None)
    path = store.database.path
    store.close()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.write_bytes(b"not a database" * 100)
    found = checks()
    assert not found["store schema"]["ok"]
    assert not found["store"]["ok"]


def test_doctor_says_that_a_server_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("TASTEMATE_STORE__URL", "postgresql://ann:secret@127.0.0.1:9/shop")
    found = checks()
    assert not found["store"]["ok"]
    assert "start the database" in found["store"]["fix"]
    assert "secret" not in json.dumps(found)


def test_doctor_says_that_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tastemate.cli.doctor.ROOM", 10**18)
    found = checks()["disk space"]
    assert not found["ok"]
    assert "TASTEMATE_HOME" in found["fix"]
