from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, Unavailable
from tastemate.interactions import Scale
from tastemate.llm.person import Person
from tastemate.rank.mix import ModelRanker, mixed
from tastemate.types import NO_HISTORY, Candidate, Item, Query, Taste, history

CATALOG = Catalog.of([Item(f"i{n}", f"candidate-{n}") for n in range(30)])
SCALE = Scale(1.0, 5.0)
nan = float("nan")


@dataclass
class Fixed:
    """A judge that scores an item by its number."""

    name: str = "fixed"
    people: list[Person] = field(default_factory=list)
    payers: list[str] = field(default_factory=list)

    def judge(self, people, pools, payers: Sequence[str] | None = None):
        self.people += people
        self.payers += payers or []
        return [np.array([int(i.id[1:]) for i in pool], np.float32) for pool in pools]


def _pool(rows):
    return [Candidate(row, 50.0 - at, "blend", at + 1) for at, row in enumerate(rows)]


def _rows(pool):
    return [candidate.row for candidate in pool]


def _floats(values):
    return np.array(values, dtype=np.float32)


def test_the_weight_goes_from_the_retriever_to_the_model() -> None:
    before, after = _floats([4, 3, 2, 1]), _floats([1, 2, 3, 4])
    assert mixed(before, after, 0.0).tolist() == [0, 1, 2, 3]
    assert mixed(before, after, 0.4).tolist() == [0, 1, 2, 3]
    assert mixed(before, after, 0.5).tolist() == [0, 1, 2, 3]
    assert mixed(before, after, 0.6).tolist() == [3, 2, 1, 0]
    assert mixed(before, after, 1.0).tolist() == [3, 2, 1, 0]


def test_items_without_opinion_keep_their_places() -> None:
    before = _floats([5, 4, 3, 2, 1])
    assert mixed(before, _floats([1, nan, 2, nan, 3]), 1.0).tolist() == [4, 1, 2, 3, 0]
    assert mixed(before, _floats([nan] * 5), 1.0).tolist() == [0, 1, 2, 3, 4]


def test_candidates_without_a_score_count_as_the_lowest() -> None:
    before = _floats([2, 1, -np.inf])
    assert mixed(before, _floats([1, 1, 1]), 0.5).tolist() == [0, 1, 2]
    assert mixed(before, _floats([1, 1, 2]), 0.5).tolist() == [0, 2, 1]
    assert mixed(before, _floats([1, 1, 2]), 0.9).tolist() == [2, 0, 1]


@given(st.lists(st.tuples(st.floats(width=32), st.floats(width=32)), max_size=20), st.floats(0, 1))
def test_any_scores_give_a_permutation(pairs, weight) -> None:
    before, after = _floats([p[0] for p in pairs]), _floats([p[1] for p in pairs])
    with np.errstate(all="ignore"):
        assert sorted(mixed(before, after, weight).tolist()) == list(range(len(pairs)))


def test_only_the_first_are_judged() -> None:
    ranker = ModelRanker(Fixed(), CATALOG, SCALE, weight=1.0, depth=3)
    assert _rows(ranker.rank([Query()], [_pool([1, 5, 3, 9, 7])])[0]) == [5, 3, 1, 9, 7]


def test_a_weight_of_nothing_asks_nobody() -> None:
    judge = Fixed()
    pool = _pool([1, 5, 3])
    assert ModelRanker(judge, CATALOG, SCALE, weight=0.0).rank([Query()], [pool]) == [pool]
    assert not judge.people


def test_the_prompt_knows_likes_words_and_taste_and_the_user_pays() -> None:
    judge = Fixed()
    taste = Taste(text="You like titles that are short.")

    class Profiler:
        def taste(self, histories):
            assert len(histories) == 1
            return [Taste(text="read from the history")]

    queries = [
        Query(user="u1", history=history([1, 2, 3], [5.0, 1.0, 5.0]), text="quiet", taste=taste),
        Query(user=None, history=history([4], [5.0])),
    ]
    ranker = ModelRanker(judge, CATALOG, SCALE, profiler=Profiler(), likes=1)
    ranker.rank(queries, [_pool([7, 8])] * 2)
    assert [one.item.id for one in judge.people[0].likes] == ["i3"]
    assert judge.people[0].request == "quiet"
    assert [one.taste.text for one in judge.people] == [taste.text, "read from the history"]
    assert judge.payers == ["u1", ""]


def test_a_profiler_that_fails_is_done_without() -> None:
    class Profiler:
        def taste(self, histories):
            raise Unavailable("Gone.")

    judge = Fixed()
    with scope.opened() as account:
        ModelRanker(judge, CATALOG, SCALE, profiler=Profiler()).rank(
            [Query(history=NO_HISTORY)], [_pool([1, 2])]
        )
    assert judge.people[0].taste is None
    assert account.errors == ["no taste: Gone."]


@pytest.mark.parametrize("options", [{"weight": 1.1}, {"weight": nan}, {"depth": 0}, {"likes": -1}])
def test_options_out_of_range_are_refused(options) -> None:
    with pytest.raises(ConfigError):
        ModelRanker(Fixed(), CATALOG, SCALE, **options)
