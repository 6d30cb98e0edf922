"""Two or three items beside each other, judged by what is known of the person."""

from dataclasses import replace

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.explain.compare import compare
from tastemate.explain.evidence import EvidenceExplainer
from tastemate.interactions import Interactions
from tastemate.types import Event, Item, Query, Recommendation, Statement, Taste, history

WINES = Catalog.of(
    [
        Item("a", "Aro", attributes={"grape": ("Riesling",), "country": "France", "year": 2001}),
        Item("b", "Bel", attributes={"grape": ("Merlot",), "country": "France", "year": 2015}),
        Item(
            "c", "Cor", attributes={"grape": ("Merlot", "Malbec"), "country": "Chile", "abv": 12.5}
        ),
        Item("d", "Dry", attributes={"grape": ("Riesling",), "note": ""}),
    ]
)
TASTE = Taste(
    (
        Statement("", "grape", "Riesling", True, 2.0, ("d",)),
        Statement("", "grape", "Merlot", False, 2.0, ("c",)),
        Statement("", "year", "2000s", True, 2.0, ("d",)),
    )
)
QUERY = Query(history=history([3], [5.0]))


def lines(rows, scores):
    return [
        Recommendation(rank, WINES.item(row), score)
        for rank, (row, score) in enumerate(zip(rows, scores, strict=True), start=1)
    ]


def test_what_fits_wins_and_says_why():
    got = compare(lines([0, 1], [2.0, 1.0]), TASTE)
    first, second = got.items
    assert got.best == "a"
    assert [s.value for s in first.fits] == ["Riesling", "2000s"]
    assert [s.value for s in second.clashes] == ["Merlot"]
    assert got.shared == {"country": ("France",)}
    assert first.own == {"grape": ("Riesling",), "year": ("2000s",)}
    assert got.evidence == ("d", "c")
    assert "Aro suits you better" in got.verdict
    assert "Riesling" in got.verdict
    assert "care less" in got.verdict
    assert got.text.splitlines()[-1] == "Both are from France."
    assert "Bel: score 1.000; you care less for titles with the grape Merlot." in got.text


def test_three_items_and_no_opinion():
    got = compare(lines([0, 1, 2], [-np.inf, 3.0, -np.inf]), Taste())
    assert got.best == "b"
    assert got.verdict == "Bel suits you better: it has the higher score."
    assert got.evidence == ()
    assert got.shared == {}
    assert "Aro: no score." in got.text
    assert got.items[2].own == {"grape": ("Malbec",), "country": ("Chile",), "abv": ("12.5",)}


def test_the_same_score_goes_to_the_better_fit_and_a_tie_to_nobody():
    got = compare(lines([1, 0], [1.0, 1.0]), TASTE)
    assert got.best == "a"
    level = compare(lines([1, 2], [1.0, 1.0]), Taste())
    assert level.best == ""
    assert level.verdict == "Nothing in your history tells Bel and Cor apart."


def test_a_better_fit_without_any_score_is_still_better():
    got = compare(lines([0, 3], [-np.inf, -np.inf]), TASTE)
    assert got.best == "a"
    assert "from the 2000s" in got.verdict


def test_the_reason_of_the_winner_counts_when_taste_is_silent():
    events = Interactions.of([Event("u", "d", 5.0), Event("u", "b", 1.0)], WINES)

    def split(query, rows):
        return np.ones((len(rows), len(query.history)), dtype=np.float32)

    explainer = EvidenceExplainer(WINES, events, [(split, 1.0)])
    plain = lines([0, 1], [2.0, 1.0])
    reasons = explainer.explain(QUERY, plain)
    explained = [replace(line, reason=why) for line, why in zip(plain, reasons, strict=True)]
    got = compare(explained, Taste())
    assert got.verdict == "Aro suits you better: Dry in your history speaks most for it."
    assert got.evidence == ("d",)
    assert "Dry" in got.text.splitlines()[1]


@pytest.mark.parametrize("rows", [[0], [0, 0], [0, 1, 2, 3]])
def test_only_two_or_three_different_items(rows):
    with pytest.raises(ConfigError):
        compare(lines(rows, [1.0] * len(rows)), Taste())
