import math
import time
from dataclasses import fields

import pytest

from tastemate import scope
from tastemate.config import arguments
from tastemate.errors import ConfigError
from tastemate.rank.gate import RULES, Gate, Rules, agreement, decide
from tastemate.types import Candidate, Query, Taste, history

AGREED, OPPOSED = 1, -1


def _pool(n=20, sign=AGREED):
    return [
        Candidate(row, float(n - row), "blend", row + 1, (("a", float(row)), ("b", sign * row)))
        for row in range(n)
    ]


def _query(signals, **rest):
    return Query(history=history(list(range(signals))), **rest)


LONG = _query(1240)


class Reversed:
    name = "reversed"

    def __init__(self) -> None:
        self.asked = []

    def rank(self, queries, pools):
        self.asked += queries
        return [list(pool)[::-1] for pool in pools]


@pytest.mark.parametrize(
    ("query", "pool", "ask", "why"),
    [
        (LONG, _pool(), False, "1,240 signals, retrievers agree (1.00)"),
        (LONG, _pool(sign=OPPOSED), True, "retrievers disagree (-1.00)"),
        (LONG, [Candidate(r, 1.0, "blend", r) for r in range(9)], False, "1,240 signals"),
        (_query(1), _pool(), True, "short history, 1 signal"),
        (_query(199), _pool(), True, "short history, 199 signals"),
        (_query(200), _pool(), False, "200 signals, retrievers agree (1.00)"),
        (_query(300, text=" quiet "), _pool(), True, "free text"),
        (_query(300, text="  "), _pool(), False, "300 signals, retrievers agree (1.00)"),
        (_query(0), _pool(), False, "nothing known of the person"),
        (_query(0, taste=Taste(text="You like it")), _pool(), True, "short history, 0 signals"),
        (_query(5), _pool(1), False, "nothing to rank"),
        (_query(5), [], False, "nothing to rank"),
    ],
)
def test_decisions(query, pool, ask, why) -> None:
    found = decide(query, pool)
    assert (found.ask, found.why) == (ask, why)


def test_neither_time_nor_tokens_left() -> None:
    query = _query(5, text="quiet")
    assert decide(query, _pool(), left=0.2).why == "0.2 s left"
    found = decide(query, _pool(), Rules(tokens=1000), spent=1200)
    assert (found.ask, found.why) == (False, "1,200 tokens used")


def test_agreement_is_the_overlap_beyond_chance() -> None:
    assert agreement(_pool(20)) == 1.0
    assert agreement(_pool(20, OPPOSED)) == -1.0
    assert agreement(_pool(100, OPPOSED)) == pytest.approx(-0.1 / 0.9)
    assert math.isnan(agreement(_pool(1)))
    silent = [Candidate(r, 1.0, "x", r, (("a", float(r)), ("b", 0.0))) for r in range(9)]
    assert math.isnan(agreement(silent))
    nothing = [Candidate(r, 1.0, "x", r, (("a", -math.inf), ("b", -math.inf))) for r in range(9)]
    assert math.isnan(agreement(nothing))


def test_only_those_worth_it_are_asked_and_the_trace_says_so() -> None:
    inner = Reversed()
    queries = [_query(3, user="u1"), LONG, _query(2, text="quiet"), _query(9)]
    with scope.opened() as account:
        ranked = Gate(inner).rank(queries, [_pool()] * 4)
    assert [pool[0].row for pool in ranked] == [19, 0, 19, 19]
    assert inner.asked == [queries[0], queries[2], queries[3]]
    assert account.notes == ["model asked for 3 of 4 queries: short history (2), free text (1)"]


@pytest.mark.parametrize(
    ("query", "note"),
    [
        (LONG, "model not asked: 1,240 signals, retrievers agree (1.00)"),
        (_query(3), "model asked: short history, 3 signals"),
    ],
)
def test_one_query_is_told_in_full(query, note) -> None:
    with scope.opened() as account:
        Gate(Reversed()).rank([query], [_pool()])
    assert account.notes == [note]


def test_a_batch_that_asks_nobody_says_why() -> None:
    inner = Reversed()
    with scope.opened() as account:
        Gate(inner).rank([LONG, LONG, _query(0)], [_pool()] * 3)
    assert account.notes == [
        "model asked for 0 of 3 queries: retrievers agree (2), nothing known of the person (1)"
    ]
    assert not inner.asked


def test_it_reads_the_open_scope() -> None:
    gate = Gate(Reversed(), tokens=100)
    with scope.opened() as account:
        assert gate.decide(_query(3), _pool()).ask
        account.tokens = 100
        assert gate.decide(_query(3), _pool()).why == "100 tokens used"
    with scope.opened() as account:
        account.deadline = time.monotonic() + 0.1
        assert "s left" in gate.decide(_query(3), _pool()).why


def test_nobody_says_nothing() -> None:
    with scope.opened() as account:
        assert Gate(Reversed()).rank([], []) == []
    assert not account.notes
    assert Gate(Reversed()).name == "reversed"


def test_the_gate_has_the_options_of_the_rules_and_no_others() -> None:
    options = {one.name for one in fields(Rules)}
    assert {one.name for one in fields(Gate)} == options | {"ranker", "budget"}
    assert all(getattr(Gate(Reversed()), name) == getattr(RULES, name) for name in options)
    table = {"signals": 7, "agreement": 0.1, "seconds": 1, "tokens": 900, "reserve": 0}
    made = Gate(Reversed(), **arguments(Gate, table, "[gate]"))
    assert [getattr(made, name) for name in table] == list(table.values())
    with pytest.raises(ConfigError, match="signals"):
        arguments(Gate, {"signal": 3}, "[gate]")


def test_a_budget_that_is_used_up_asks_nobody_and_is_no_failure() -> None:
    inner, left = Reversed(), {"u1": 999.0, "": 1000.0}
    gate = Gate(inner, budget=lambda user: left[user])
    with scope.opened() as account:
        ranked = gate.rank([_query(3, user="u1", text="quiet")], [_pool()])
        assert ranked == [_pool()]
        gate.rank([_query(3)], [_pool()])
    assert len(inner.asked) == 1
    assert account.notes == [
        "model not asked: budget used up",
        "model asked: short history, 3 signals",
    ]
    assert account.errors == []
    assert not Gate(inner, reserve=0, budget=lambda _: 0.0).decide(_query(3), _pool()).ask
    assert Gate(inner, reserve=0, budget=lambda _: 1.0).decide(_query(3), _pool()).ask
    with scope.opened() as account:
        gate.rank([_query(3, user="u1")] * 2, [_pool()] * 2)
    assert account.notes == ["model asked for 0 of 2 queries: budget used up (2)"]


@pytest.mark.parametrize(
    "options",
    [
        {"signals": -1},
        {"agreement": 2.0},
        {"seconds": -1.0},
        {"tokens": -1},
        {"reserve": -1},
        *({name: math.nan} for name in ("agreement", "seconds", "tokens")),
    ],
)
def test_options_out_of_range_are_refused(options) -> None:
    with pytest.raises(ConfigError):
        Gate(Reversed(), **options)
