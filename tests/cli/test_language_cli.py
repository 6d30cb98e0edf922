"""The verbs of the language layer: ask, llm check, audit, and the benchmarks of faults."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tastemate.cli.main import app
from tastemate.cli.output import plain
from tastemate.errors import FormatError, StageError, Unavailable
from tastemate.llm.scripted import transcript


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
    assert "like: Heat (1995)" in shown.stderr
    assert "Written without a language model" in shown.stderr
    found = answer("ask", QUESTION, "-k", "3")
    assert ["similar", "heat-1995"] in found["understood"]["slots"]
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
    assert found["command"]
    assert found["program"]
    assert found["hardware"]
    assert result.exit_code == int(found["failures"] > 0)
    assert sum(kind["cases"] for kind in found["by_kind"].values()) == found["cases"]
    assert found["failures"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("benchmark", "chaos"),
        ("benchmark", "injection"),
        ("benchmark", "position"),
        ("benchmark", "tokens"),
        ("audit",),
        ("evaluate",),
    ],
)
def test_a_seed_is_not_negative(words: tuple[str, ...]) -> None:
    shown = ask(*words, "--seed", "-1")
    assert shown.exit_code == 2
    assert "--seed" in shown.stderr


def test_an_audit_can_keep_those_with_few_events() -> None:
    found = answer("audit", "--users", "5", "--model", "popular", "--min-events", "0")
    assert found["users"] == 5


def test_an_audit_says_once_why_a_model_failed() -> None:
    found = answer("audit", "--users", "5", "--model", "popular", "--llm", "openai:some-model")
    (missing,) = found["missing"]
    assert missing.count("OPENAI_API_KEY") == 1


def test_a_generation_without_an_answer_prints_no_figure(tmp_path: Path) -> None:
    (tmp_path / "said.jsonl").write_text(json.dumps({"prompt": "other", "reply": "x"}))
    for more in ((), ("--ablations", "2")):
        shown = CliRunner().invoke(
            app,
            ["evaluate", "--protocol", "generation", "--limit-users", "4", "-m", "popular", *more]
            + ["--llm", f"scripted:{tmp_path}/said.jsonl"],
        )
        assert isinstance(shown.exception, StageError)
        assert "nothing to measure" in str(shown.exception)
        assert shown.stdout == ""


def test_a_long_question_is_not_printed_back() -> None:
    shown = ask("ask", "tense and slow " * 500, "-k", "1")
    assert len(shown.stderr) < 1000


def test_titles_that_are_not_here_are_said() -> None:
    shown = ask("ask", "something like The Quantum Banana Returns (2031)", "-k", "1")
    said = shown.stderr.replace("\n", " ")
    assert 'No title or name here is "the quantum banana returns"' in said


@pytest.mark.xfail(strict=True, reason='after a title that is not here, "not" is not read')
def test_what_it_shall_not_be_like_is_told_beside_a_title_that_is_not_here() -> None:
    shown = ask("ask", "something like The Quantum Banana Returns (2031), not Heat", "-k", "1")
    assert "something like: Heat (1995)" not in shown.stderr.replace("\n", " ")


def test_marks_that_turn_text_do_not_reach_the_terminal() -> None:
    assert plain("a\u202eb\u2066c\u2069") == "a\ufffdb\ufffdc\ufffd"


def test_a_transcript_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "said.jsonl"
    path.write_bytes(b'{"prompt": "check", "reply": "caf\xe9"}')
    with pytest.raises(FormatError, match="UTF-8"):
        transcript(path)
    path.write_text("[" * 100_000)
    with pytest.raises(FormatError, match="line 1"):
        transcript(path)

    def refused(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(Unavailable, match="Permission denied"):
        transcript(path)
