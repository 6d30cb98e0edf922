import numpy as np
import pytest

from tastemate.benchmark.position import FAVOURS, WANTED, kendall, position, spearman
from tastemate.llm.person import Person
from tastemate.rank.listwise import Listwise
from tastemate.rank.verbalizer import LabelScores


@pytest.fixture(scope="module")
def found():
    return position(shuffles=20, seed=3)


def test_merged_rankings_hold_under_shuffles(found) -> None:
    assert found["cases"] == 2 * len(FAVOURS)
    assert found["failures"] == 0
    assert found["by_kind"]["listwise"]["tau"] >= WANTED["listwise"]
    assert found["by_kind"]["labels"]["tau"] >= WANTED["labels"]


def test_a_single_pass_agrees_by_half_with_itself(found) -> None:
    single = [row["tau"] for row in found["rows"] if row["kind"].startswith("single")]
    assert len(single) == 2 * len(FAVOURS)
    assert np.mean(single) == pytest.approx(0.5, abs=0.05)
    assert min(single) > 0.35
    assert max(single) < 0.65


def test_at_most_four_calls_and_the_model_says_it_is_scripted(found) -> None:
    assert {row["calls"] for row in found["rows"]} == {1, 4}
    assert found["model"].startswith("scripted:")
    merged = [row for row in found["rows"] if row["kind"] in WANTED]
    assert all(row["tau_relevance"] > 0.9 for row in merged)


def test_a_ranker_that_does_not_merge_fails(monkeypatch) -> None:
    monkeypatch.setattr("tastemate.benchmark.position.FAVOURS", FAVOURS[:1])
    once = position(shuffles=4, permutations=1)
    assert once["failures"] == once["cases"] == 2


@pytest.mark.parametrize("kind", [Listwise, LabelScores])
def test_prompts_start_from_the_order_that_came_in(kind) -> None:
    from tastemate.llm.scripted import Scripted
    from tastemate.types import Item

    model = Scripted(["nothing"])
    names = ["delta", "alpha", "charlie", "bravo"]
    kind(model, permutations=4).judge([Person()], [[Item(name, name) for name in names]])
    text = model.prompts[0].messages[-1].text
    assert sorted(names, key=text.index) == names
    starts = {min(names, key=prompt.messages[-1].text.index) for prompt in model.prompts}
    assert starts == set(names)


def test_correlations_are_those_of_scipy() -> None:
    from scipy import stats

    one, other = np.random.default_rng(0).normal(size=(2, 12))
    assert kendall([one, other])[0, 1] == pytest.approx(stats.kendalltau(one, other)[0])
    assert spearman([one, other])[0, 1] == pytest.approx(stats.spearmanr(one, other)[0])
