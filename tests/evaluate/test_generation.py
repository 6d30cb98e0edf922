import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import DataError, StageError
from tastemate.evaluate.generation import generation, kind_of
from tastemate.evaluate.named import BASE, HELD, LIKED, drawn, variations
from tastemate.interactions import Interactions
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion
from tastemate.text.link import NOTHING, Link
from tastemate.types import Event, Item

N = 40


def world(users=24):
    """Even people like even films and dislike two odd ones; the other way round for odd people."""
    catalog = Catalog.of(
        [
            *(Item(str(at), f"Film {chr(65 + at // 26)}{chr(97 + at % 26)}ster {'qxz'[at % 3] * 3}")
              for at in range(N)),
            Item("rare", "Seldom Watched (1950)"),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    events = []
    for user in range(users):
        side = user % 2
        liked = 2 * rng.permutation(N // 2)[:16] + side
        rows = [*liked.tolist(), 1 - side, 3 - side]
        events += [
            Event(f"u{user}", str(row), 5.0 if row % 2 == side else 1.0, at)
            for at, row in enumerate(rows)
        ]
    return catalog, Interactions.of(events, catalog)


class Parity:
    """Knows the right answer: films of the parity of the history."""

    def __init__(self, catalog, interactions):
        self.parity = np.array([int(i) % 2 if i.isdigit() else 2 for i in catalog.ids])
        self.train = interactions

    def scores(self, queries):
        rows = [self.parity == self.parity[int(q.history.items[0])] for q in queries]
        return np.where(np.stack(rows), 1.0, -np.inf).astype(np.float32)


def test_six_are_given_four_are_held_and_models_do_not_learn_them():
    catalog, interactions = world()
    train, asked, disliked = drawn(interactions, None, 0)
    assert len(asked) == 24
    for code, (query, seen, truth) in enumerate(
        zip(asked.queries, asked.seen, asked.truths, strict=True)
    ):
        assert len(seen) == len(query.history) == LIKED
        assert len(truth) == HELD
        assert not set(seen.tolist()) & set(truth.tolist())
        assert query.user is None
        assert (query.history.values == 5.0).all()
        left = set(train.history(code).items.tolist())
        assert set(seen.tolist()) <= left
        assert not set(truth.tolist()) & left
        assert len(disliked[code]) == 2
    again = drawn(interactions, None, 0)[1]
    other = drawn(interactions, None, 1)[1]
    assert again.fingerprint() == asked.fingerprint() != other.fingerprint()
    few = drawn(interactions, 5, 0)
    assert len(few[1]) == 5
    assert few[0].fingerprint == train.fingerprint


def test_without_a_model_recommenders_stand_alone():
    result = generation({"parity": Parity}, *world(), min_events=0).as_json()
    assert result["model"] == "parity"
    assert [row["model"] for row in result["rows"]] == ["parity", "popularity"]
    assert set(result["metrics"]["map@4"]) == {"value", "low", "high"}
    assert (result["well_formed"], result["discovery"], result["hallucination"]) == (1.0, 0.0, 0.0)
    assert result["ablations"] == []
    assert result["users"] == 24
    assert result["rows"][0]["against"]["popularity"]["map@4"]["value"] > 0
    json.dumps(result)


def oracle(catalog, interactions):
    """Return a model that names what was held out: it knows whom by the likes shown."""
    _, asked, _ = drawn(interactions.where(interactions.from_end() > 0), None, 0)

    def reply(prompt):
        for seen, truth in zip(asked.seen, asked.truths, strict=True):
            if all(catalog.titles[row] in prompt.text for row in seen):
                return "\n".join(catalog.titles[row] for row in truth)
        return Completion(error="Who is this?", fault="reply")

    return Scripted(reply, name="oracle")


def test_a_model_that_names_the_held_out_has_everything_right():
    catalog, interactions = world()
    result = generation(
        {"parity": Parity}, catalog, interactions, model=oracle(catalog, interactions), min_events=0
    ).as_json()
    assert result["model"] == "scripted:oracle"
    assert result["metrics"]["map@4"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert result["well_formed"] == 1.0
    assert result["errors"] == 0
    assert [row["model"] for row in result["rows"]] == ["scripted:oracle", "parity", "popularity"]


def test_what_is_not_in_the_catalogue_is_real_or_invented_and_keeps_its_place():
    catalog, interactions = world()
    right = oracle(catalog, interactions)

    def reply(prompt):
        truth = right.complete([prompt])[0].text.splitlines()
        shown = next(title for title in catalog.titles if title in prompt.text)
        return "\n".join(["Seldom Watched", "Citizen Kane (1941)", shown, truth[0]])

    result = generation(
        {}, catalog, interactions, model=Scripted(reply), known=["Citizen Kane (1941)"]
    ).as_json()
    # "rare" has no event, so pruning took it out of the catalogue: a discovery without being told
    assert result["discovery"] == 0.5
    assert result["hallucination"] == 0.0
    assert result["repeated"] == 0.25
    assert result["metrics"]["map@4"]["value"] == pytest.approx(0.25 / 4)
    unknown = generation({}, catalog, interactions, model=Scripted(reply)).as_json()
    assert (unknown["discovery"], unknown["hallucination"]) == (0.25, 0.25)


def test_failures_and_prose_are_counted_and_score_nothing():
    replies = [Completion(error="500", fault="server"), "I cannot help with that, I am afraid."]
    result = generation({}, *world(), model=Scripted(replies)).as_json()
    assert result["errors"] == 1
    assert result["well_formed"] == 0.0
    assert result["metrics"]["map@4"]["value"] == 0.0
    assert "1 calls failed and count as wrong, the first with: 500" in " ".join(result["notes"])


def test_a_model_that_never_answers_has_no_figure():
    dead = Scripted([Completion(error="500", fault="server")])
    for ablations in (0, 3):
        with pytest.raises(StageError, match="nothing to measure: 500"):
            generation({}, *world(), model=dead, ablations=ablations)


def test_a_variation_that_never_answers_leaves_the_others():
    def reply(prompt):
        if prompt.generation.beams > 1:
            return Completion(error="no beams", fault="unable")
        return "prose"

    result = generation({}, *world(), model=Scripted(reply), ablations=3).as_json()
    assert len(result["ablations"]) == len(list(variations(BASE))) - 1
    assert "beam search" not in {row["name"] for row in result["ablations"]}
    assert any("Left out of the ablations" in note for note in result["notes"])


def test_ablations_change_one_thing_at_a_time():
    catalog, interactions = world()
    model = oracle(catalog, interactions)
    result = generation({}, catalog, interactions, model=model, ablations=3).as_json()
    table = {row["name"]: row for row in result["ablations"]}
    assert len(table) == len(list(variations(BASE)))
    assert table["base"]["changed"] == {}
    assert table["few-shot"]["changed"] == {"prompt": "few_shot"}
    assert table["dislikes"]["changed"] == {"dislikes": True}
    assert table["beam search, 4"]["changed"] == {"beams": 4}
    assert table["temperature 0.7"]["changed"] == {"temperature": 0.7}
    assert all(row["users"] == 3 for row in table.values())
    assert table["base"]["metrics"]["map@4"]["value"] == 1.0
    assert all(row["seconds"] >= 0 for row in table.values())
    told = [p.text for p in model.prompts if "\n- " in p.text or p.text.startswith("- ")]
    assert len(told) == 3
    json.dumps(result)


def test_a_real_title_outside_stands_before_a_doubtful_link():
    near, sure = Link(3, 0.8, "edit distance"), Link(3, 1.0, "exact")
    given = np.array([3], np.int32)
    nobody = np.array([], np.int32)
    assert kind_of(near, sure, nobody) == "discovery"
    assert kind_of(near, near, nobody) == "catalogue"
    assert kind_of(sure, sure, nobody) == "catalogue"
    assert kind_of(sure, NOTHING, given) == "repeated"
    assert kind_of(NOTHING, near, nobody) == "hallucination"


def test_too_few_likes_are_said():
    catalog, interactions = world()
    with pytest.raises(DataError, match="10 likes"):
        generation({}, catalog, interactions.where(interactions.from_end() > 10), min_events=0)


def test_a_real_local_model_names_what_it_likes(tmp_path):
    for package in ("torch", "transformers"):
        pytest.importorskip(package)
    where = Path(__file__).parent.parent / "llm" / "tiny.py"
    spec = importlib.util.spec_from_file_location("tiny_model", where)
    tiny = importlib.util.module_from_spec(spec)
    sys.modules["tiny_model"] = tiny
    spec.loader.exec_module(tiny)
    from tastemate.llm.local.client import LocalChat

    model = LocalChat(str(tiny.tiny(tmp_path / "model")))
    try:
        result = generation({}, *world(), model=model, limit_users=2).as_json()
    finally:
        model.close()
    assert result["errors"] == 0
    assert result["model"] == model.name
    assert 0 <= result["hallucination"] <= 1
