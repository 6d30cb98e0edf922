"""How a language model is composed: what is opened, what it is asked, what stands without it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tastemate import Tastemate
from tastemate.config import DEFAULTS, LanguageModel, Settings, chosen, settings
from tastemate.data.datasets import open_dataset
from tastemate.errors import ConfigError, NotFound, Unavailable
from tastemate.language import JUDGES, Language, open_language
from tastemate.llm.absent import Absent
from tastemate.llm.prompts import Style
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion, Prompt


def _with(model: Scripted, project: Tastemate, **more: object) -> Tastemate:
    wants = replace(LanguageModel(gate=False), **more)
    project.__dict__["language"] = Language(model, Settings(llm=wants), Style())
    return project


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture
def films(home: Path) -> Tastemate:
    return Tastemate(open_dataset("films"), home)


def _backwards(prompt: Prompt) -> str:
    """Rank whatever is asked for from the last to the first."""
    n = len(set(re.findall(r"^\[(\d+)\]", prompt.messages[-1].text, re.MULTILINE)))
    return json.dumps({"order": list(range(n, 0, -1))})


def test_no_model_is_no_language(tmp_path: Path) -> None:
    assert open_language(DEFAULTS, tmp_path) is None


def test_a_line_without_a_key_opens_a_model_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    opened = open_language(chosen(DEFAULTS, llm="openai:some-model"), tmp_path)
    assert opened is not None
    answer = opened.model.complete([Prompt("check/1", ())])[0]
    assert "OPENAI_API_KEY" in answer.error


def test_a_package_that_is_missing_is_an_absent_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_line: str, **_options: object) -> None:
        raise Unavailable("no such package")

    monkeypatch.setattr("tastemate.llm.choice.open_model", missing)
    opened = open_language(chosen(DEFAULTS, llm="local:x"), tmp_path)
    assert opened is not None
    assert isinstance(opened.model, Absent)
    assert opened.model.complete([Prompt("check/1", ())])[0].error == "no such package"
    with pytest.raises(Unavailable, match="no such package"):
        list(opened.model.stream(Prompt("check/1", ())))


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ('[llm]\nmodle = "x"', "model"),
        ("[llm]\nweight = 2.0", "between 0 and 1"),
        ("[llm]\ndepth = 0", "at least 1"),
        ("[llm]\nseconds = 0", "more than 0"),
        ("[judges]\nlabels = 3", r"\[judges.labels\]"),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, table: str, match: str) -> None:
    (tmp_path / "tastemate.toml").write_text(table)
    with pytest.raises(ConfigError, match=match):
        settings(tmp_path / "tastemate.toml", {})


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"guards": {"secnds": 3}}, "seconds"),
        ({"style": {"persona": "clown"}}, "critic"),
        ({"judges": {"listwize": {}}}, "listwise"),
        ({"llm": LanguageModel("openai:x", rank="labls")}, "labels"),
        ({"generation": {"temprature": 1.0}}, "temperature"),
        ({"client": {"base_urll": "http://x"}}, "base_url"),
    ],
)
def test_what_is_checked_where_it_is_used(tmp_path: Path, said: dict, match: str) -> None:
    wanted = replace(DEFAULTS, **{"llm": LanguageModel("openai:x")} | said)
    with pytest.raises(ConfigError, match=match):
        open_language(wanted, tmp_path)


def test_judges_take_their_own_options() -> None:
    asked = Settings(judges={"listwise": {"permutations": 2}, "labels": {"permutations": 9}})
    language = Language(Scripted(["x"]), asked, Style())
    assert language.judge("listwise").permutations == 2
    with pytest.raises(ConfigError):
        language.judge("auto")
    plain = Language(Scripted(["x"], abilities=frozenset()), Settings(), Style())
    assert plain.judge("auto").name == "listwise"
    assert {plain.judge(name).name for name in JUDGES} == set(JUDGES)


def test_a_transcript_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="transcript"):
        open_language(chosen(DEFAULTS, llm=f"scripted:{tmp_path}/no.jsonl"), tmp_path)


def test_the_model_s_order_reaches_the_list(films: Tastemate) -> None:
    plain = films.recommend("p012", 20, exclude_seen=True).ids
    ranked = _with(Scripted(_backwards), films, rank="listwise", weight=1.0)
    assert ranked.recommend("p012", 20).ids == plain[::-1]


def test_tokens_and_notes_are_in_the_trace(films: Tastemate) -> None:
    project = _with(Scripted(_backwards), films, rank="listwise", gate=True)
    slate = project.recommend("p012", 5)
    step = next(step for step in slate.trace if step.name == "listwise")
    assert step.tokens == 0  # nothing is charged without the recorder around the model
    assert "model asked: short history" in step.note
    assert slate.degraded == ()


def test_a_failing_model_leaves_the_list_and_is_said(films: Tastemate) -> None:
    plain = films.recommend("p012", 10)
    broken = Scripted([Completion(error="no connection", fault="unreachable")])
    project = _with(broken, films, rank="auto", explain=True, taste=True)
    slate = project.recommend("p012", 10)
    assert slate.ids == plain.ids
    assert [line.reason.text for line in slate.items] == [line.reason.text for line in plain.items]
    assert any("no connection" in said for said in slate.degraded)
    assert project.taste("p012").text


def test_what_is_promoted_is_disclosed_whoever_words_the_reasons(films: Tastemate) -> None:
    first = films.recommend("p012", 1).items[0]
    wants = LanguageModel(rank="none")
    films.__dict__["language"] = Language(
        Scripted(["{}"]), Settings(llm=wants), Style(promote=(first.item.id,))
    )
    shown = films.recommend("p012", 3).items
    promoted = [line.item.id for line in shown if "promoted by the operator" in line.reason.text]
    assert promoted == [first.item.id]


def test_ask_finds_examples_and_leaves_out_what_is_wished_away(films: Tastemate) -> None:
    answer = films.ask("something tense but not violent, like Heat", "p012", 3)
    assert answer.intent.similar == ("heat-1995",)
    assert all(line.item.attributes["violence"] <= 1 for line in answer.slate.items)
    assert answer.written.by == "offline"
    assert answer.slate.degraded == ()
    with pytest.raises(ConfigError, match="no question"):
        films.ask("  ")


def test_an_answer_by_the_model_rests_on_what_was_found(films: Tastemate) -> None:
    def reply(prompt: Prompt) -> str:
        if not prompt.name.startswith("answer"):
            return _backwards(prompt)
        title = re.search(r"^\[1\] (.+? \(\d{4}\))", prompt.messages[-1].text, re.MULTILINE)
        assert title is not None
        said = [
            {"text": f"{title[1]} is a match.", "items": [1]},
            {"text": "It won eleven Oscars.", "items": [1]},
        ]
        return json.dumps({"sentences": said})

    answer = _with(Scripted(reply), films, rank="listwise").ask("a heist", "p012", 3)
    assert answer.text == f"{answer.slate.items[0].item.title} is a match."
    assert (answer.written.by, answer.written.dropped) == ("scripted:test", 1)


def test_prompts_are_shown_without_a_model(home: Path) -> None:
    shown: list[Prompt] = []
    project = Tastemate(open_dataset("films"), home, show=shown.append)
    slate = project.recommend("p012", 3)
    assert [prompt.name.split("/")[0] for prompt in shown] == ["letters"]
    assert any("no language model is configured" in said for said in slate.degraded)
    assert "p012" not in shown[0].text


class _Spent(Scripted):
    """A model whose budget is used up."""

    def left(self, user: str = "") -> float:
        return 0.0 if user == "p012" else 1e9


def test_a_budget_that_is_used_up_is_no_failure(films: Tastemate) -> None:
    project = _with(_Spent(_backwards), films, rank="listwise", gate=True)
    slate = project.recommend("p012", 5)
    assert slate.degraded == ()
    assert any("budget used up" in step.note for step in slate.trace)
