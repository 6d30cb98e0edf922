"""The weight of a model's order: set, learned and kept, or a guess; and how parts are composed."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tastemate import Tastemate, build
from tastemate.catalog import Catalog
from tastemate.cli.main import app
from tastemate.config import DEFAULTS, LanguageModel, Settings, language_model
from tastemate.data.datasets import open_dataset
from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError, StageError
from tastemate.interactions import Interactions
from tastemate.language import WEIGHT, Language
from tastemate.llm.prompts import Style
from tastemate.llm.scripted import Scripted
from tastemate.llm.wrappers.guards import Guards, wrapped
from tastemate.messages import Prompt
from tastemate.profile.taste import AttributeTaste
from tastemate.protocols import ReadsTastes
from tastemate.rank.gate import RULES, Gate, Unasked
from tastemate.rank.mix import ModelRanker
from tastemate.scope import opened
from tastemate.train.weights import Learned, keep_learned, read_learned
from tastemate.types import Candidate, Query

CATALOG, EVENTS = random_world(0)
TASTE = AttributeTaste(CATALOG, EVENTS)


def backwards(prompt: Prompt) -> str:
    """Rank whatever is asked for from the last to the first."""
    n = len(set(re.findall(r"^\[(\d+)\]", prompt.messages[-1].text, re.MULTILINE)))
    return json.dumps({"order": list(range(n, 0, -1))})


def language(learned: Learned | None = None, **wants: Any) -> Language:
    said = Settings(llm=replace(LanguageModel(rank="listwise"), **wants))
    return Language(Scripted(backwards), said, Style(), learned)


def test_what_is_set_goes_before_what_was_learned_and_that_before_a_guess() -> None:
    learned = Learned(0.3, 40, 90)
    assert language().weight == WEIGHT == 0.5
    assert language(learned).weight == 0.3
    assert language(learned, weight=0.0).weight == 0.0
    assert language(learned, weight=0.8).weight == 0.8
    assert "guess" in language().weight_by
    assert "90 people" in language(learned).weight_by
    assert language(learned, weight=0.8).weight_by == "set in [llm]"


def test_the_table_may_leave_the_weight_out() -> None:
    assert language_model({}).weight is None
    assert language_model({"weight": 1}).weight == 1
    with pytest.raises(ConfigError, match="between 0 and 1"):
        language_model({"weight": -0.1})


def test_the_ranker_takes_the_weight_and_the_gate_the_signals_that_were_learned() -> None:
    gate = language(Learned(0.3, 40, 90)).ranker(CATALOG, EVENTS, TASTE)
    assert isinstance(gate, Gate)
    assert isinstance(gate.ranker, ModelRanker)
    assert (gate.ranker.weight, gate.signals) == (0.3, 40)
    silent = language(Learned(0.0, 0, 90)).ranker(CATALOG, EVENTS, TASTE)
    assert isinstance(silent, Unasked)
    pool = [Candidate(0, 1.0, "blend", 1), Candidate(1, 0.5, "blend", 2)]
    with opened() as account:
        assert silent.rank([Query()], [pool]) == [pool]
    assert "its order counts 0, learned from 90 people" in account.notes[0]
    assert language(weight=0.0).ranker(CATALOG, EVENTS, TASTE) is None
    by_hand = language(Learned(0.3, 40, 90), weight=0.6).ranker(CATALOG, EVENTS, TASTE)
    assert isinstance(by_hand, Gate)
    assert by_hand.signals == RULES.signals
    told = language(Learned(0.3, 40, 90))
    told = replace(told, settings=replace(told.settings, gate={"signals": 7}))
    set_ = told.ranker(CATALOG, EVENTS, TASTE)
    assert isinstance(set_, Gate)
    assert set_.signals == 7


def test_what_is_weighed_is_what_is_served() -> None:
    asked = language(taste=True, depth=7)
    asked = replace(
        asked, settings=replace(asked.settings, judges={"listwise": {"permutations": 2}})
    )
    gate = asked.ranker(CATALOG, EVENTS, TASTE)
    weighed = asked.mixing(CATALOG, EVENTS, TASTE)
    assert isinstance(gate, Gate)
    assert isinstance(gate.ranker, ModelRanker)
    for one in (gate.ranker, weighed):
        assert (one.depth, one.judge.permutations) == (7, 2)
        assert type(one.profiler).__name__ == "WordedTaste"
    assert asked.mixing(CATALOG, EVENTS, TASTE, 3).depth == 3
    mix = build.profile("fast")
    assert asked.served("k", mix).rank == 'listwise {"permutations": 2}'
    assert asked.served("k", mix) != asked.served("k", build.profile("best"))
    assert replace(asked, settings=DEFAULTS).served("k", mix).rank == "labels"


def test_a_list_uses_what_was_learned_for_its_data_and_mix(tmp_path: Path) -> None:
    films = Tastemate(open_dataset("films"), tmp_path)
    plain = films.recommend("p012", 20).ids
    said = language(gate=False)
    films.__dict__["language"] = said
    served = said.served(films.work.key, films.profile)
    keep_learned(films.work.weights, served, Learned(1.0, 0, 90))
    assert films.recommend("p012", 20).ids == plain[::-1]
    keep_learned(films.work.weights, served, Learned(0.0, 0, 90))
    assert films.recommend("p012", 20).ids == plain
    other = films.work.weighed(said, build.profile("best"))
    assert (other.learned, other.weight) == (None, WEIGHT)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of people with enough events, whose model answers from a script."""
    monkeypatch.chdir(tmp_path)
    catalog, events = random_world(1, 150, 40, 1500)
    (tmp_path / "data").mkdir()
    items = ["id,title", *(f"{catalog.ids[row]},Film {row}" for row in range(len(catalog)))]
    (tmp_path / "data" / "items.csv").write_text("\n".join(items) + "\n")
    lines = ["user,item,rating,timestamp"]
    for user in events.users:
        past = events.history_of(user)
        for row, value, at in zip(past.items, past.values, past.timestamps, strict=True):
            lines.append(f"{user},{catalog.ids[row]},{value},{at}")
    (tmp_path / "data" / "ratings.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "tastemate.toml").write_text(
        '[data]\ndataset = "./data"\n[recommend]\nprofile = "popular"\n[llm]\nrank = "listwise"\n'
        "depth = 5\n"
    )
    said = {"prompt": "listwise", "reply": '{"order": [5, 4, 3, 2, 1]}'}
    (tmp_path / "said.jsonl").write_text(json.dumps(said) + "\n")
    return tmp_path


def tell(*words: str) -> Any:
    result = CliRunner().invoke(
        app, [*words, "--llm", "scripted:said.jsonl", "--json"], catch_exceptions=False
    )
    return json.loads(result.stdout)


def test_weighing_keeps_what_it_learned_and_check_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = CliRunner().invoke(app, ["llm", "weigh", "--users", "5", "--llm", "scripted:said.jsonl"])
    assert "too few to learn from" in few.stdout.replace("\n", " ")
    monkeypatch.setattr("tastemate.train.mixing.FEWEST", 1)
    assert "guess" in tell("llm", "check")["weight_by"]
    found = tell("llm", "weigh", "--users", "20")
    assert (found["kept"], found["depth"], found["unheard"]) == (True, 5, 0)
    opened = Tastemate.open(project, llm="scripted:said.jsonl")
    assert opened.language is not None
    served = opened.language.served(opened.work.key, opened.profile)
    known = read_learned(opened.work.weights, served)
    assert known is not None
    assert (known.weight, known.queries) == (found["weight"], found["queries"])
    checked = tell("llm", "check")
    assert checked["weight"] == found["weight"]
    assert f"{found['queries']} people" in checked["weight_by"]
    shown = CliRunner().invoke(
        app, ["llm", "weigh", "--users", "5", "--llm", "scripted:said.jsonl"]
    )
    assert "It is used from now on." in shown.stdout.replace("\n", " ")


def test_another_depth_and_a_silent_model_are_not_kept(project: Path) -> None:
    other = tell("llm", "weigh", "--users", "5", "--depth", "6")
    assert other["kept"] is False
    (project / "said.jsonl").write_text('{"prompt": "listwise", "reply": "no"}\n')
    silent = CliRunner().invoke(
        app, ["llm", "weigh", "--users", "5", "--llm", "scripted:said.jsonl"]
    )
    assert isinstance(silent.exception, StageError)
    assert not (project / ".tastemate" / "llm" / "weights.json").exists()


class AsksOnly:
    """A retriever that is given the model and has no other option of the language layer."""

    name = "asks"

    def __init__(self, *, model: object = None) -> None:
        self.model = model


def test_a_retriever_is_given_the_options_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    of_table = build.retriever_class
    monkeypatch.setattr(
        build,
        "retriever_class",
        lambda name: (AsksOnly, {}) if name == "asks" else of_table(name),
    )
    said = language()
    parts = build.resources(encoder="words", language=lambda: said)
    assert build.retriever("asks", parts).model is said.model
    generated = build.retriever("generated", parts)
    assert generated.model is said.model
    assert generated.style is said.style
    assert not build.reads_text("generated")


def test_only_what_reads_tastes_is_given_a_profiler() -> None:
    parts = build.resources(encoder="words")
    small: tuple[Catalog, Interactions] = random_world(2)
    worded = build.fitted("worded", parts, *small)
    assert isinstance(worded, ReadsTastes)
    assert isinstance(worded.profiler, AttributeTaste)
    given = worded.profiler
    build.equipped(worded, parts, *small)
    assert worded.profiler is given
    assert not isinstance(build.fitted("popular", parts, *small), ReadsTastes)


def test_the_price_is_found_within_all_wrappers(tmp_path: Path) -> None:
    assert language().price() is None
    model = wrapped(Scripted(["x"]), tmp_path, Guards(prices={"scripted:test": (1.0, 2.0)}))
    assert Language(model, DEFAULTS, Style()).price() == (1.0, 2.0)
    model.close()
    bare = wrapped(Scripted(["x"]), tmp_path, Guards())
    assert Language(bare, DEFAULTS, Style()).price() is None
    bare.close()
