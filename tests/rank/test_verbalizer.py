import math

import numpy as np
import pytest

from tastemate import scope
from tastemate.errors import ConfigError
from tastemate.llm.person import Person, Rated
from tastemate.messages import Completion
from tastemate.rank.verbalizer import LabelScores
from tastemate.types import Item

NOBODY = Person()


def test_one_pass_orders_twenty(scripted, pool) -> None:
    model = scripted()
    numbers = np.random.default_rng(0).permutation(20)
    (scores,) = LabelScores(model).judge([NOBODY], [pool(numbers.tolist())])
    assert np.array_equal(np.argsort(scores), np.argsort(numbers))
    assert len(model.prompts) == 1
    assert len(model.prompts[0].labels) == 20


@pytest.mark.parametrize("n", [2, 19, 21, 36, 37, 60])
@pytest.mark.parametrize("permutations", [1, 4])
def test_deeper_pools_go_in_chunks_on_one_scale(scripted, pool, mind, n, permutations) -> None:
    think = mind()

    def shifted(prompt):  # as a softmax does, each prompt has a constant of its own
        scores = np.array(think(prompt).scores)
        return Completion(scores=tuple(scores - np.logaddexp.reduce(scores)))

    numbers = np.random.default_rng(n).permutation(n)
    model = scripted(shifted)
    (scores,) = LabelScores(model, permutations=permutations).judge(
        [NOBODY], [pool(numbers.tolist())]
    )
    assert np.array_equal(np.argsort(scores), np.argsort(numbers))
    chunks = max(math.ceil((n - 4) / 16), 1)
    assert len(model.prompts) == chunks * min(permutations, n)


def test_any_favour_of_places_cancels(scripted, pool, mind) -> None:
    model = scripted(mind(lambda place: 9.0 * math.cos(5.0 * place) - place))
    numbers = np.random.default_rng(1).permutation(20)
    (scores,) = LabelScores(model, permutations=4).judge([NOBODY], [pool(numbers.tolist())])
    assert np.array_equal(np.argsort(scores), np.argsort(numbers))


def test_a_letter_not_reported_is_no_likelier_than_the_least_reported(scripted, pool) -> None:
    model = scripted(lambda prompt: Completion(scores=(-2.0, -math.inf, -1.0, -math.inf)))
    (scores,) = LabelScores(model).judge([NOBODY], [pool(range(4))])
    assert np.argsort(-scores, kind="stable").tolist() == [2, 0, 1, 3]


def test_a_model_without_labels_gives_no_opinion_and_says_so(scripted, pool) -> None:
    model = scripted(labels=False)
    with scope.opened() as account:
        (scores,) = LabelScores(model).judge([NOBODY], [pool([1, 2])])
    assert np.isnan(scores).all()
    assert not model.prompts
    assert "tells no label scores" in account.errors[0]


@pytest.mark.parametrize(
    "answer", [Completion(), Completion(scores=(1.0,)), Completion(scores=(-math.inf,) * 3)]
)
def test_scores_that_do_not_fit_are_recorded(scripted, pool, answer) -> None:
    with scope.opened() as account:
        (scores,) = LabelScores(scripted(lambda prompt: answer)).judge([NOBODY], [pool(range(3))])
    assert np.isnan(scores).all()
    assert account.errors == ["1 of 1 replies could not be read"]


def test_a_failed_shuffle_is_left_out(scripted, pool, mind, broken) -> None:
    replies = iter([None, broken, None, None])
    think = mind()
    model = scripted(lambda prompt: next(replies) or think(prompt))
    with scope.opened() as account:
        (scores,) = LabelScores(model, permutations=4).judge([NOBODY], [pool([3, 1, 2, 7, 5, 4])])
    assert np.argsort(-scores).tolist() == [3, 4, 5, 0, 2, 1]
    assert "1 of 4 calls" in account.errors[0]


def test_nothing_to_rank_is_not_asked(scripted, pool) -> None:
    model = scripted()
    judged = LabelScores(model).judge([NOBODY] * 2, [pool([]), pool([1])])
    assert [scores.shape for scores in judged] == [(0,), (1,)]
    assert not model.prompts


@pytest.mark.parametrize(
    "options", [{"size": 1}, {"size": 27}, {"overlap": 0}, {"overlap": 20}, {"permutations": 5}]
)
def test_options_out_of_range_are_refused(scripted, options) -> None:
    with pytest.raises(ConfigError):
        LabelScores(scripted(), **options)


def test_only_the_latest_titles_are_told(scripted, pool) -> None:
    met = tuple(Rated(Item(f"m{n}", f"Met {n}"), 4.0) for n in range(20))
    for options, told in (({}, 12), ({"recent": 20}, 20), ({"recent": 0}, 0)):
        model = scripted()
        LabelScores(model, **options).judge([Person(recent=met)], [pool([1, 2])])
        assert model.prompts[0].messages[1].text.count("Met ") == told
    with pytest.raises(ConfigError, match="at least 0"):
        LabelScores(scripted(), recent=-1)
