"""Reasons name what carried the score, and nothing that is not in the data."""

from dataclasses import replace

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.explain.evidence import EvidenceExplainer, matches, wanted_words
from tastemate.explain.verify import Verifier, deletion_test
from tastemate.explain.writer import write
from tastemate.interactions import Interactions, Scale
from tastemate.protocols import Explainer
from tastemate.types import (
    NO_HISTORY,
    Clause,
    Event,
    Evidence,
    Item,
    Query,
    Reason,
    Recommendation,
    history,
)

BOOKS = Catalog.of(
    [
        Item(
            "moby",
            "Moby-Dick (1851)",
            "A captain hunts a white whale.",
            {"subjects": ("whales", "revenge"), "author": "Herman Melville", "year": 1851},
        ),
        Item(
            "typee",
            "Typee (1846)",
            "A sailor lives on an island.",
            {"subjects": ("islands",), "author": "Herman Melville", "year": 1846},
        ),
        Item(
            "emma",
            "Emma (1815)",
            "A matchmaker errs.",
            {"subjects": ("love",), "author": "Jane Austen", "year": 1815},
        ),
        Item(
            "monte",
            "Monte Cristo (1844)",
            "A sailor is wronged.",
            {"subjects": ("revenge", "islands"), "author": "Alexandre Dumas", "year": 1844},
        ),
        Item("plain", "Plain Tales"),
        Item("love", "Love Letters", attributes={"subjects": ("love",)}),
    ]
)
ROW = {name: BOOKS.row(name) for name in BOOKS.ids}
READERS = Interactions.of(
    [
        *[
            Event(f"u{n}", name, 5.0, at)
            for n in range(4)
            for at, name in enumerate(("moby", "typee", "monte"))
        ],
        Event("u5", "moby", 5.0),
        Event("u5", "emma", 1.0),
        Event("u6", "emma", 4.0),
        Event("u7", "moby", 5.0, 0),
        Event("u7", "monte", 1.0, 1),
        # liked once, not any more: the latest value counts
        Event("u8", "moby", 5.0, 0),
        Event("u8", "typee", 5.0, 1),
        Event("u8", "typee", 1.0, 2),
    ],
    BOOKS,
)

# An additive model: score of an item = sum over the history of these weights.
W = np.zeros((6, 6), dtype=np.float32)
W[ROW["typee"], ROW["moby"]], W[ROW["typee"], ROW["emma"]] = 3.0, 1.0
W[ROW["typee"], ROW["monte"]] = 2.0
W[ROW["monte"], ROW["moby"]], W[ROW["monte"], ROW["emma"]] = 0.5, 2.0


class Additive:
    def scores(self, queries):
        return np.stack([W[:, query.history.items].sum(axis=1) for query in queries])

    def contributions(self, query, items):
        return W[items][:, query.history.items]


def lines(*names):
    return [Recommendation(n, BOOKS[name], 0.0) for n, name in enumerate(names, start=1)]


def explainer(parts=None, **options):
    return EvidenceExplainer(
        BOOKS, READERS, [(Additive(), 1.0)] if parts is None else parts, **options
    )


PAST = history([ROW["moby"], ROW["emma"]], [5.0, 4.0])


def only(reason, kind):
    return [fact for fact in reason.evidence if fact.kind == kind]


def test_the_like_with_the_largest_share_is_cited_first():
    assert isinstance(explainer(), Explainer)
    typee, monte = explainer().explain(Query(user="u5", history=PAST), lines("typee", "monte"))
    like = only(typee, "liked item")[0]
    assert (like.item, like.value, like.weight) == ("moby", 5.0, 0.75)
    assert only(monte, "liked item")[0].item == "emma"
    assert len(only(typee, "liked item")) == 1  # emma carries less than half of moby's share


def test_shared_attributes_neighbours_and_words_come_from_the_data():
    reason = explainer().explain(Query(user="u5", history=PAST), lines("typee"))[0]
    assert [(f.attribute, f.value) for f in only(reason, "shared attribute")] == [
        ("author", "Herman Melville")
    ]
    assert only(reason, "neighbours")[0].count == 4
    assert "both are by Herman Melville" in reason.text
    assert "4 people" in reason.text
    assert "Moby-Dick (1851)" in reason.text
    assert reason.text.endswith(".")


def test_a_disliked_item_is_never_the_reason():
    past = history([ROW["moby"], ROW["emma"]], [1.0, 5.0])
    reason = explainer().explain(Query(user="u5", history=past), lines("typee"))[0]
    assert [f.item for f in only(reason, "liked item")] == ["emma"]
    past = history([ROW["moby"], ROW["emma"]], [3.0, 2.0])
    reason = explainer().explain(Query(user="u5", history=past), lines("typee"))[0]
    assert only(reason, "liked item")[0].item == "moby"
    assert "ecause of Moby-Dick (1851), which you gave 3" in reason.text
    assert "liked" not in reason.clauses[0].text
    past = history([ROW["moby"], ROW["emma"]], [1.0, 2.0])
    reason = explainer().explain(Query(user="u5", history=past), lines("typee"))[0]
    assert only(reason, "liked item") == []
    assert "people liked it" in reason.text


def test_a_like_told_since_is_not_called_a_rating():
    reason = explainer().explain(Query(history=PAST), lines("typee"))[0]
    fact = only(reason, "liked item")[0]
    assert (fact.item, fact.value) == ("moby", "")
    assert "liked Moby-Dick (1851)" in reason.text
    assert "gave" not in reason.text


def test_a_second_like_is_cited_when_it_carries_much():
    past = history([ROW["moby"], ROW["monte"]], [5.0, 4.0])
    reason = explainer().explain(Query(user="u5", history=past), lines("typee"))[0]
    assert [f.item for f in only(reason, "liked item")] == ["moby", "monte"]
    assert "you also liked Monte Cristo (1844) (both are about islands)" in reason.text
    assert not check(reason, BOOKS["typee"], Query(user="u5", history=past), BOOKS, READERS)
    one = explainer(likes=1).explain(Query(user="u5", history=past), lines("typee"))[0]
    assert len(only(one, "liked item")) == 1


def test_an_item_met_twice_counts_once_with_its_latest_value():
    past = history([ROW["emma"], ROW["moby"], ROW["emma"]], [5.0, 4.0, 4.0])
    query = Query(user="u5", history=past)
    reason = explainer().explain(query, lines("monte"))[0]
    like = only(reason, "liked item")[0]
    assert (like.item, like.value) == ("emma", 4.0)
    np.testing.assert_allclose(like.weight, 4.0 / 4.5, atol=1e-3)
    assert not check(reason, BOOKS["monte"], query, BOOKS, READERS)


def test_parts_are_added_with_their_weights_and_may_be_functions():
    def other(query, rows):
        return np.tile(np.array([0.0, np.nan], np.float32), (len(rows), 1)) + np.array([[0, 0]])

    shares = explainer([(Additive(), 2.0), (other, 1.0)]).shares(
        Query(user="u5", history=PAST), np.array([ROW["typee"], ROW["plain"]], dtype=np.int32)
    )
    np.testing.assert_allclose(shares, [[0.75, 0.25], [0, 0]])


def test_without_shares_the_closest_like_is_named_but_not_blamed():
    reason = explainer([]).explain(Query(user="u5", history=PAST), lines("typee"))[0]
    assert only(reason, "liked item")[0].item == "moby"
    assert only(reason, "liked item")[0].weight == 0.0
    assert "ecause" not in reason.text
    nothing = explainer([]).explain(Query(user="u5", history=PAST), lines("plain"))[0]
    assert nothing == Reason()


def test_somebody_new_hears_how_many_liked_it():
    reason = explainer().explain(Query(), lines("typee", "plain"))
    assert reason[0].text == "4 people liked it."
    assert only(reason[0], "popularity")[0].count == 4
    assert reason[1].text == ""
    assert explainer().explain(Query(user="u5", history=PAST), []) == []


def test_the_item_itself_is_not_its_reason():
    reason = explainer().explain(Query(user="u5", history=PAST), lines("moby"))[0]
    assert "moby" not in {fact.item for fact in reason.evidence if fact.kind != "seen"}
    query = Query(user="u5", history=PAST)
    told = [(fact.item, fact.value) for fact in only(reason, "seen")]
    assert [one for one, _ in told] == ["moby"]
    assert reason.clauses[0].text in ("you gave it 5 already", "you know it already")
    assert not check(reason, BOOKS["moby"], query, BOOKS, READERS)
    other = explainer().explain(query, lines("typee"))[0]
    assert not only(other, "seen")
    stolen = Reason(reason.clauses[:1], reason.evidence[:1])
    assert check(stolen, BOOKS["typee"], query, BOOKS, READERS)


def test_words_of_the_request_are_found_once_each():
    query = Query(text="revenge by a sailor, not love")
    reason = explainer().explain(query, lines("monte"))[0]
    assert [(f.attribute, f.value) for f in only(reason, "query")] == [
        ("subjects", ("revenge",)),
        ("text", ("sailor",)),
    ]
    assert "it is about revenge, as you asked" in reason.text.lower()
    assert '"sailor" from your request is in its text' in reason.text
    assert not check(reason, BOOKS["monte"], query, BOOKS, READERS)
    two = explainer().explain(Query(text="sailor island"), lines("typee"))[0]
    assert '"sailor" and "island" from your request are in its text' in two.text


def test_what_is_wished_away_is_not_wanted():
    assert wanted_words("Tense but not too violent, without gore. Heists!") == ("tense", "heists")
    assert wanted_words("I want a good film") == ()
    assert matches(BOOKS["moby"], ()) == []


def test_clicks_are_chosen_not_liked():
    clicks = Interactions.of(
        [Event(f"u{n}", i) for n in range(3) for i in ("moby", "typee")], BOOKS
    )
    query = Query(history=history([ROW["moby"]]))
    reason = EvidenceExplainer(BOOKS, clicks, [(Additive(), 1.0)]).explain(query, lines("typee"))[0]
    assert "you chose Moby-Dick (1851)" in reason.text.replace("You", "you")
    assert "liked" not in reason.text
    assert not check(reason, BOOKS["typee"], query, BOOKS, clicks)


def test_a_catalogue_without_events_still_explains():
    nobody = Interactions.empty(BOOKS)
    query = Query(history=history([ROW["moby"]]))
    reason = EvidenceExplainer(BOOKS, nobody).explain(query, lines("typee"))[0]
    assert only(reason, "liked item")[0].value == ""
    assert not check(reason, BOOKS["typee"], query, BOOKS, nobody)


def test_an_item_added_later_is_explained():
    grown = BOOKS.with_items([Item("new", "Billy Budd", attributes={"author": "Herman Melville"})])
    line = Recommendation(1, grown["new"], 0.0)
    reason = EvidenceExplainer(grown, READERS).explain(Query(user="u5", history=PAST), [line])[0]
    assert "Herman Melville" in reason.text
    assert EvidenceExplainer(grown, READERS).explain(Query(), [line]) == [Reason()]
    assert not check(reason, grown["new"], Query(user="u5", history=PAST), grown, READERS)


@pytest.mark.parametrize("text", ["", "a sailor on islands"])
def test_whatever_the_explainer_says_passes_the_checks(text):
    verifier = Verifier(BOOKS, READERS)
    rng = np.random.default_rng(2)
    for _ in range(60):
        size = int(rng.integers(0, 5))
        past = history(
            rng.choice(6, size, replace=False).tolist(), rng.integers(1, 6, size).tolist()
        )
        query = Query(user="u5", history=past, text=text)
        shown = lines(*BOOKS.ids)
        for parts in ([(Additive(), 1.0)], []):
            for line, why in zip(shown, explainer(parts).explain(query, shown), strict=True):
                assert verifier.check(why, line.item, query) == []


def test_wording_is_the_same_every_time_and_varies_between_items():
    facts = [Evidence("e1", "liked item", "moby", "Moby-Dick", value=5.0, weight=0.5)]
    scale = Scale(1.0, 5.0)
    said = {write(facts, scale, str(seed))[0].text for seed in range(20)}
    assert len(said) > 1
    assert write(facts, scale, "x") == write(facts, scale, "x")
    assert write([Evidence("e1", "popularity", count=1)], scale)[0].text == "1 person liked it"


def check(reason, item, query, catalog, interactions):
    return Verifier(catalog, interactions).check(reason, item, query)


def good():
    query = Query(user="u5", history=PAST)
    return explainer().explain(query, lines("typee"))[0], query


def problems(change=None, clauses=None):
    reason, query = good()
    if change is not None:
        facts = [replace(f, **change[1]) if f.kind == change[0] else f for f in reason.evidence]
        reason = Reason(reason.clauses, tuple(facts))
    if clauses is not None:
        reason = Reason(clauses, reason.evidence)
    return [p.text for p in check(reason, BOOKS["typee"], query, BOOKS, READERS)]


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("liked item", {"item": "monte", "title": "Monte Cristo (1844)"}, "not in the history"),
        ("liked item", {"item": "gone"}, "no item"),
        ("liked item", {"title": "Another"}, "is called"),
        ("liked item", {"value": 4.0}, "was given 5, not 4"),
        ("shared attribute", {"value": "Jane Austen"}, "do not share"),
        ("shared attribute", {"attribute": "colour"}, "do not share"),
        ("neighbours", {"count": 400}, "4 people liked both, not 400"),
    ],
)
def test_false_evidence_is_found(kind, change, says):
    assert any(says in text for text in problems((kind, change)))


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        (Clause("people like it", ()), "rests on no evidence"),
        (Clause("people like it", ("e99",)), "e99"),
        (Clause("because you liked Moby-Dick and Emma", ("e1",)), "'Emma'"),
        (Clause("because you liked Moby-Dick, about revenge", ("e1",)), "'revenge'"),
        (Clause("you liked Moby-Dick, as in Monte Cristo", ("e1",)), "'monte cristo'"),
        (Clause("57 people liked Moby-Dick", ("e1",)), "'57'"),
        (Clause("you liked Moby-Dick by Herman Melville", ("e1",)), "'herman melville'"),
    ],
)
def test_a_clause_may_name_only_what_its_evidence_holds(clause, says):
    assert any(says in text for text in problems(clauses=(clause,)))


def test_a_clause_in_other_words_passes():
    assert problems(clauses=(Clause("Typee is much like Moby-Dick, which got 5", ("e1",)),)) == []


def test_other_kinds_of_evidence_are_checked_too():
    verifier = Verifier(BOOKS, READERS)
    item, query = BOOKS["monte"], Query(history=history([0, 2], [5.0, 1.0]), text="love of revenge")

    def wrong(*facts):
        return [p.text for p in verifier.check(Reason((), facts), item, query)]

    assert wrong(Evidence("e1", "popularity", count=4)) == []
    assert wrong(Evidence("e1", "popularity", count=5)) == ["4 people liked it, not 5"]
    assert wrong(Evidence("e1", "query", attribute="subjects", value=("revenge",))) == []
    assert "love" in wrong(Evidence("e1", "query", attribute="subjects", value=("love",)))[0]
    assert "no 'colour'" in wrong(Evidence("e1", "query", attribute="colour", value="red"))[0]
    assert wrong(Evidence("e1", "liked item", "emma")) == ["emma was disliked"]
    assert "called e1" in wrong(*[Evidence("e1", "popularity", count=4)] * 2)[0]
    decade = Evidence("e1", "shared attribute", "emma", attribute="year", value="1840s")
    assert "do not share" in wrong(decade)[0]


def world(n=30, users=25, seed=0):
    """A larger additive world in which contributions are known exactly."""
    rng = np.random.default_rng(seed)
    catalog = Catalog.of(Item(f"i{k}", f"Thing {k}") for k in range(n))
    weights = rng.exponential(size=(n, n)).astype(np.float32)
    queries = [
        Query(history=history(rng.choice(n, 8, replace=False).tolist())) for _ in range(users)
    ]

    def scores(asked):
        return np.stack([weights[:, query.history.items].sum(axis=1) for query in asked])

    def split(query, rows):
        return weights[rows][:, query.history.items]

    return catalog, queries, scores, split


def test_taking_the_cited_like_away_lowers_the_score_most():
    catalog, queries, scores, split = world()
    clicks = Interactions.of([Event("u", "i0")], catalog)
    honest = EvidenceExplainer(catalog, clicks, [(split, 1.0)])
    shown = [[Recommendation(1, catalog.item(row), 0.0) for row in range(5)] for _ in queries]
    whys = [honest.explain(q, ls) for q, ls in zip(queries, shown, strict=True)]
    rng = np.random.default_rng
    assert deletion_test(scores, catalog, queries, shown, whys, rng(0)) == 1.0
    backwards = EvidenceExplainer(catalog, clicks, [(lambda q, r: 9 - split(q, r), 1.0)])
    whys = [backwards.explain(q, ls) for q, ls in zip(queries, shown, strict=True)]
    share = deletion_test(scores, catalog, queries, shown, whys, rng(0), clicks.scale.likes)
    assert share < 0.1


def test_the_deletion_test_needs_something_to_delete():
    catalog, _, scores, _ = world(n=4, users=0)
    query = Query(history=history([1]))
    why = Reason((), (Evidence("e1", "liked item", "i1"),))
    line = [Recommendation(1, catalog.item(0), 0.0)]
    for past, reason in ((query, why), (query, Reason()), (Query(history=NO_HISTORY), Reason())):
        with pytest.raises(DataError, match="at least two items"):
            deletion_test(scores, catalog, [past], [line], [[reason]], np.random.default_rng(0))


def test_what_many_items_share_is_no_reason_by_itself():
    same = {"country": "Utopia", "year": 1990}
    items = [Item(f"i{n}", f"Title {n}", attributes=same) for n in range(40)]
    items += [Item(f"o{n}", f"Other {n}", attributes={"country": f"c{n}"}) for n in range(40)]
    catalog = Catalog.of(items)
    query = Query(user="u0", history=history([0], [5.0]))
    line = [Recommendation(1, catalog.item(1), 1.0)]

    def told(*events):
        past = Interactions.of([Event("u0", "i0", 5.0), Event("u9", "o1", 1.0), *events], catalog)
        return EvidenceExplainer(catalog, past).explain(query, line)[0]

    lone = told()
    assert [fact.value for fact in only(lone, "shared attribute")] == ["Utopia"]
    both = [Event(f"u{n}", name, 5.0) for n in range(1, 4) for name in ("i0", "i1")]
    assert only(told(*both), "shared attribute") == []
    assert only(told(*both), "neighbours")[0].count == 3
