import json

import pytest
from typer.testing import CliRunner

from tastemate.cli.main import app
from tastemate.errors import ConfigError


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def _somewhere(state, tmp_path, monkeypatch):
    monkeypatch.setenv("TASTEMATE_HOME", str(state))
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")
    monkeypatch.chdir(tmp_path)


def ask(*words, **given):
    return CliRunner().invoke(app, list(words), catch_exceptions=False, **given)


def test_a_script_answers_and_gets_a_list_with_reasons():
    found = json.loads(
        ask("onboard", "--pick", "1,2", "--pick", "", "--pick", "a warm comedy", "--json").stdout
    )
    assert [step["answer"] for step in found["steps"]] == ["1,2", "", "a warm comedy"]
    assert found["liked"] == found["steps"][0]["shown"][:2]
    assert found["sentence"] == "a warm comedy"
    assert len(found["items"]) == 10
    assert all(item["reason"]["text"] for item in found["items"])
    shown = [one for step in found["steps"] for one in step["shown"]]
    assert len(shown) == len(set(shown))
    assert not set(found["liked"]) & {item["item_id"] for item in found["items"]}


def test_a_person_is_asked_until_they_are_done():
    result = ask("onboard", "-k", "3", input="1 2\n99\nsomething scary\ndone\n")
    assert result.exit_code == 0
    assert "1 of at most 5" in result.stdout
    assert "3 of at most 5" in result.stdout
    assert "no 99" in result.stderr
    assert "as you asked" in result.stdout


def test_somebody_who_says_nothing_gets_a_list_too():
    result = ask("onboard", "-k", "3", input="")
    assert result.exit_code == 0
    assert "  3  " in result.stdout


def test_what_is_said_about_oneself_is_read_and_refused_where_it_is_nothing():
    assert ask("onboard", "--about", "age=30", "--say", "a heist", "-k", "2").exit_code == 0
    with pytest.raises(ConfigError, match="name=value"):
        ask("onboard", "--about", "thirty", "--pick", "")


def test_the_moment_changes_the_list_and_stands_in_the_reason():
    plain = json.loads(ask("recommend", "--user", "p012", "--json").stdout)
    kids = json.loads(
        ask("recommend", "--user", "p012", "--context", "company=kids", "--json").stdout
    )
    assert [one["item_id"] for one in plain["items"]] != [one["item_id"] for one in kids["items"]]
    assert "right with kids" in kids["items"][0]["reason"]["text"].casefold()
    facts = [fact for one in kids["items"] for fact in one["reason"]["evidence"]]
    assert any(fact["kind"] == "context" and fact["because"] == "with kids" for fact in facts)
    assert ask("recommend", "--context", "now", "-k", "2").exit_code == 0
    with pytest.raises(ConfigError, match="kids"):
        ask("recommend", "--context", "company=kidz")
