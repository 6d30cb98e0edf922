from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tastemate import Tastemate
from tastemate.benchmark import deletion as module
from tastemate.benchmark.deletion import deletion
from tastemate.catalog import Catalog
from tastemate.config import EncoderChoice, Settings
from tastemate.data.datasets import Dataset
from tastemate.data.synthetic import checkerboard
from tastemate.errors import DataError
from tastemate.evaluate.record import provenance
from tastemate.interactions import Interactions
from tastemate.types import Clause, Event, Evidence, Item, Query, Reason, Recommendation

WORDS = Settings(encoder=EncoderChoice("words"))
CATALOG = Catalog.of(Item(f"i{at}", f"Film {at}") for at in range(8))


class Project:
    """Everybody gets item 7; `cited` is what the reason says, the score is 1 for each of `cause`.

    Its path and its project are one and the same.
    """

    name = "tiny"

    def __init__(self, cited: str, cause: tuple[int, ...], likes: int = 5) -> None:
        self.catalog, self.cited, self.cause = CATALOG, cited, cause
        events = [
            Event(user, f"i{at}", 5.0 if at < likes else 1.0, at)
            for user in "abc"
            for at in range(5)
        ]
        self.interactions = Interactions.of([*events, Event("short", "i0", 5.0, 1)], CATALOG)

    def query(self, user: str, k: int) -> Query:
        code = self.interactions.users.index(user)
        return Query(user=user, history=self.interactions.history(code), k=k)

    def recommender(self) -> "Project":
        return self

    def recommend_all(self, queries: list[Query]) -> list[SimpleNamespace]:
        fact = Evidence("e1", "liked item", item=self.cited, title=f"Film {self.cited[1:]}")
        cited = Reason((Clause(f"You liked {fact.title}", ("e1",)),), (fact,))
        lines = [
            Recommendation(1, CATALOG["i7"], score=1.0, reason=cited),
            Recommendation(2, CATALOG["i6"], score=0.5, reason=Reason((), ())),
        ]
        return [SimpleNamespace(items=lines) for _ in queries]

    def scores(self, queries: list[Query]) -> np.ndarray:
        value = [np.isin(query.history.items, self.cause).sum() for query in queries]
        return np.repeat(np.array(value, np.float32)[:, None], len(CATALOG), axis=1)


def test_a_cited_cause_matters_more_and_only_tested_reasons_count() -> None:
    found = deletion(Project("i0", cause=(0,)))
    assert (found["share"], found["low"], found["high"]) == (1.0, 1.0, 1.0)
    assert (found["users"], found["reasons"], found["problems"]) == (3, 3, 0)


def test_a_citation_that_causes_nothing_has_no_share() -> None:
    found = deletion(Project("i1", cause=(0,)), users=2)
    assert (found["share"], found["users"], found["reasons"]) == (0.0, 2, 2)


def test_nobody_to_compare_is_an_error() -> None:
    with pytest.raises(DataError, match="No reason in tiny could be tested"):
        deletion(Project("i0", cause=(0,), likes=1))
    short = Project("i0", cause=(0,))
    short.interactions = Interactions.of([Event("a", "i0")], CATALOG)
    with pytest.raises(DataError, match="five events"):
        deletion(short)


def test_a_real_path_on_a_board(tmp_path: Path) -> None:
    catalog, interactions, _ = checkerboard()
    board = Tastemate(Dataset("board", catalog, interactions), tmp_path, WORDS)
    first, again = (deletion(board, users=4, k=3, seed=1) for _ in range(2))
    assert first["low"] <= first["share"] <= first["high"]
    assert 0 < first["reasons"] <= 12
    assert first["problems"] == 0
    given = provenance(catalog, interactions)
    assert first["data"] == given["data"]
    assert set(given) <= set(first)
    for name in ("share", "low", "high", "users", "reasons"):
        assert first[name] == again[name]
    assert module.record.commit() == given["commit"]
