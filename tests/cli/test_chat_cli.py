"""`tastemate chat`: commands that change what is believed, and deleting conversations for good."""

import json

import pytest
from typer.testing import CliRunner

from tastemate.cli.main import app
from tastemate.errors import ConfigError, NotFound
from tastemate.store.opening import open_store, sqlite_url


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def chat(*words):
    return CliRunner().invoke(app, ["chat", *words], catch_exceptions=False)


def said(*lines, **options):
    words = [word for line in lines for word in ("--say", line)]
    words += [word for name, value in options.items() for word in (f"--{name}", value)]
    return [json.loads(line) for line in chat(*words, "--json").stdout.splitlines()]


def kept(home):
    (path,) = home.rglob("store.db")
    store = open_store(sqlite_url(path))
    found = store.sessions.all()
    store.close()
    return found


def test_updates_are_answered_like_messages():
    first, liked, seen, back = said("a crime story", "/like 2", "/seen 1", "/undo")
    assert ["wanted", "genres=Crime"] in first["understood"]
    assert ["picked", "2"] in liked["understood"]
    assert liked["items"]
    assert ["picked", "1"] in seen["understood"]
    assert ["act", "undo"] in back["understood"]
    assert back["items"]
    assert {one["session"] for one in (first, liked, seen, back)} == {first["session"]}


def test_a_verdict_needs_a_number_that_was_shown():
    done = chat("--say", "a crime story", "--say", "/like", "--say", "/seen 99", "--say", "/dance")
    assert "Give the number of a line" in done.stderr
    assert "There is no number 99" in done.stderr
    assert "There is no /dance" in done.stderr


def test_a_conversation_is_deleted_for_good(home):
    gone, stays = (said(line)[0]["session"] for line in ("something tense", "a comedy"))
    assert len(kept(home)) == 2
    done = chat("--forget-session", gone)
    assert f"Deleted: the conversation {gone}" in done.stderr
    assert len(kept(home)) == 1
    assert said("and shorter", session=stays)
    with pytest.raises(NotFound, match="nothing was deleted"):
        chat("--forget-session", gone)


def test_all_of_a_user_are_deleted_and_nobody_elses(home):
    said("a comedy", user="p001")
    said("a drama", user="p001")
    said("a drama", user="p002")
    assert "Deleted: 2 conversations of p001." in chat("--forget-all", "--user", "p001").stderr
    assert len(kept(home)) == 1
    with pytest.raises(ConfigError, match="Add --user"):
        chat("--forget-all")
