"""What every ranker promises, run over the table of judges, each behind the gate as well."""

import importlib
import json
import re

import numpy as np
import pytest

from tastemate import language, scope
from tastemate.catalog import Catalog
from tastemate.interactions import Scale
from tastemate.llm.scripted import ALL, Scripted
from tastemate.messages import Completion, Prompt
from tastemate.protocols import Ranker
from tastemate.rank.gate import Gate
from tastemate.rank.judged import Judge
from tastemate.rank.mix import ModelRanker
from tastemate.types import Candidate, Item, Query, history

CATALOG = Catalog.of([Item(f"i{n}", f"candidate-{n}") for n in range(60)])
SCALE = Scale(1.0, 5.0)
CARD = re.compile(r"^\W*(\d{1,2}|[A-Z])\W.*?candidate-(\d+)", re.MULTILINE)
GATED = [False, True]
EVERY = pytest.mark.parametrize("name", language.JUDGES)
BEHIND = pytest.mark.parametrize("gated", GATED, ids=["bare", "gated"])
BROKEN = {
    "failure": Completion(error="The server is down.", fault="server"),
    "silence": Completion(),
    "prose": Completion(text="I would rather not say."),
    "cut off": Completion(text='{"order": ['),
    "out of range": Completion(text='{"order": [99, 0, -1]}'),
}


def _think(prompt: Prompt) -> Completion | str:
    """Like items with high numbers; the history is told by titles that are no candidates."""
    text = prompt.messages[-1].text.split("Candidates:")[-1]
    found = [(handle, int(number)) for handle, number in CARD.findall(text)]
    if prompt.name.startswith("listwise"):
        return json.dumps({"order": [int(h) for h, _ in sorted(found, key=lambda f: -f[1])]})
    scores = [float(number) for number in re.findall(r"candidate-(\d+)", text)]
    return Completion(scores=(*scores, 20.0)[: len(prompt.labels)])


def _ranker(name: str, gated: bool, reply=_think, **options) -> tuple[Ranker, Scripted]:
    module, _, kind = language.JUDGES[name].partition(":")
    model = Scripted(reply, abilities=ALL)
    judge = getattr(importlib.import_module(module), kind)(model)
    assert isinstance(judge, Judge)
    assert judge.name == name
    made = ModelRanker(judge, CATALOG, SCALE, **({"weight": 1.0} | options))
    return (Gate(made) if gated else made), model


def _pool(rows) -> list[Candidate]:
    return [
        Candidate(int(row), 9.0 - at / 10, "blend", at + 1, (("a", 1.0),))
        for at, row in enumerate(rows)
    ]


def _queries(n: int, k: int = 10) -> list[Query]:
    return [Query(user=f"u{at}", text="quiet", k=k, history=history([])) for at in range(n)]


def _pools(n: int, size: int = 12) -> list[list[Candidate]]:
    rng = np.random.default_rng(0)
    return [_pool(rng.permutation(len(CATALOG))[:size]) for _ in range(n)]


def _rows(pool) -> list[int]:
    return [candidate.row for candidate in pool]


@EVERY
@BEHIND
def test_it_keeps_the_protocol_and_ranks(name: str, gated: bool) -> None:
    ranker, _ = _ranker(name, gated)
    assert isinstance(ranker, Ranker)
    assert ranker.name == name
    with scope.opened() as account:
        (ranked,) = ranker.rank(_queries(1), [_pool([3, 44, 7, 25])])
    assert _rows(ranked) == [44, 25, 7, 3]
    assert not account.errors


@EVERY
@BEHIND
@pytest.mark.parametrize("size", [0, 1, 2, 12, 45])
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_a_permutation_of_what_came_in(name, gated, size, weight) -> None:
    ranker, _ = _ranker(name, gated, weight=weight, depth=30)
    pools = _pools(3, size)
    before = [list(pool) for pool in pools]
    ranked = ranker.rank(_queries(3, k=100), pools)
    assert [len(pool) for pool in ranked] == [size] * 3
    for came, went, kept in zip(before, ranked, pools, strict=True):
        assert set(went) == set(came)
        assert kept == came
        assert went[30:] == came[30:]


@EVERY
@BEHIND
@pytest.mark.parametrize("reply", BROKEN)
def test_a_broken_model_leaves_the_order_and_is_recorded(name, gated, reply) -> None:
    ranker, _ = _ranker(name, gated, lambda prompt: BROKEN[reply])
    pools = _pools(2)
    with scope.opened() as account:
        assert ranker.rank(_queries(2), pools) == pools
    assert account.errors
    assert all("scripted:" in error or "could not be read" in error for error in account.errors)


@EVERY
@BEHIND
def test_a_batch_equals_its_queries_one_by_one(name, gated) -> None:
    ranker, _ = _ranker(name, gated, weight=0.5)
    queries, pools = _queries(4), _pools(4)
    alone = [ranker.rank([q], [p])[0] for q, p in zip(queries, pools, strict=True)]
    assert ranker.rank(queries, pools) == alone
    assert ranker.rank(queries, pools) == alone


@EVERY
@BEHIND
def test_pools_of_different_lengths_do_not_mix(name, gated) -> None:
    ranker, _ = _ranker(name, gated)
    pools = [_pool([1, 2, 3]), [], _pool([9]), _pool([30, 20, 40, 10])]
    ranked = ranker.rank(_queries(4), pools)
    assert [_rows(pool) for pool in ranked] == [[3, 2, 1], [], [9], [40, 30, 20, 10]]
    assert ranker.rank([], []) == []


@EVERY
def test_the_user_pays_and_is_never_told(name) -> None:
    ranker, model = _ranker(name, False)
    ranker.rank([Query(user="somebody-private", text="quiet")], [_pool([1, 2, 3])])
    assert model.prompts
    assert {prompt.user for prompt in model.prompts} == {"somebody-private"}
    assert not any("somebody-private" in prompt.text for prompt in model.prompts)
