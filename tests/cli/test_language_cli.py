"""The verbs of the language layer: ask, llm check, audit, and the benchmarks of faults."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tastemate.cli.main import app


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def _somewhere(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMATE_HOME", str(state))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


def ask(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def answer(*words: str) -> Any:
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


QUESTION = "something tense but not violent, like Heat"


def test_a_question_is_answered_offline_and_that_is_said() -> None:
    shown = ask("ask", QUESTION, "--user", "p012", "-k", "3")
    assert shown.exit_code == 0
    assert "What fits best" in shown.stdout
    assert "like Heat (1995)" in shown.stderr
    assert "Written without a language model" in shown.stderr
    found = answer("ask", QUESTION, "-k", "3")
    assert found["understood"]["like"] == ["Heat (1995)"]
    assert found["answer"]["by"] == "offline"
    assert found["answer"]["sentences"][0]["items"] == [one["item_id"] for one in found["items"]]


def test_a_model_that_is_not_there_is_said_and_the_list_stands() -> None:
    plain = answer("recommend", "--user", "p012", "-k", "5")
    without = answer("recommend", "--user", "p012", "-k", "5", "--llm", "openai:some-model")
    assert [one["item_id"] for one in without["items"]] == [
        one["item_id"] for one in plain["items"]
    ]
    assert plain["degraded"] == []
    assert "OPENAI_API_KEY" in without["degraded"][0]


def test_none_asks_no_model() -> None:
    found = answer("recommend", "--user", "p012", "-k", "2", "--llm", "none")
    assert found["degraded"] == []


def test_prompts_go_to_standard_error() -> None:
    shown = ask("recommend", "--user", "p012", "-k", "2", "--show-prompt")
    assert "letters/2" in shown.stderr
    assert "Candidates:" in shown.stderr
    assert "Candidates:" not in shown.stdout


def test_check_says_what_is_missing() -> None:
    without = ask("llm", "check")
    assert without.exit_code == 1
    assert "Everything works without one" in without.stdout
    missing = ask("llm", "check", "--llm", "openai:some-model", "--json")
    assert missing.exit_code == 1
    found = json.loads(missing.stdout)
    assert found["reachable"] is False
    assert "OPENAI_API_KEY" in found["error"]


def test_check_asks_a_model_four_things(tmp_path: Path) -> None:
    lines = [{"prompt": "check", "reply": '{"ready": true}'}]
    (tmp_path / "said.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    found = answer("llm", "check", "--llm", f"scripted:{tmp_path}/said.jsonl")
    by_name = {row["what"]: row for row in found["checks"]}
    assert found["model"] == "scripted:said"
    assert by_name["text"]["ok"]
    assert by_name["JSON"]["ok"]
    assert by_name["stream"]["ok"]
    assert not by_name["label scores"]["ok"]


def test_an_audit_without_a_model_names_what_is_missing() -> None:
    found = answer("audit", "--users", "20", "--model", "popular")
    assert {row["model"] for row in found["rows"]} == {"popular"}
    assert "--llm" in found["missing"][0]
    shown = ask("audit", "--users", "20", "--model", "popular")
    assert "Left out" in shown.stderr


def test_generation_without_a_model_measures_the_recommenders() -> None:
    found = answer("evaluate", "--protocol", "generation", "--limit-users", "20", "-m", "popular")
    assert found["metrics"]["map@4"]["low"] <= found["metrics"]["map@4"]["value"]
    assert {"well_formed", "discovery", "hallucination"} <= found.keys()


@pytest.mark.parametrize("verb", ["chaos", "position"])
def test_faults_are_counted_and_the_exit_code_tells(verb: str) -> None:
    few = ("--cases", "12") if verb == "chaos" else ("--shuffles", "4")
    result = ask("benchmark", verb, *few, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == int(found["failures"] > 0)
    assert sum(kind["cases"] for kind in found["by_kind"].values()) == found["cases"]
    assert found["failures"] == 0
