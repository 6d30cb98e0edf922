import pytest

from tastemate.catalog import Catalog
from tastemate.explain.evidence import EvidenceExplainer
from tastemate.explain.leant import CITED, NAMED, fulfilled
from tastemate.explain.verify import Verifier
from tastemate.interactions import Interactions
from tastemate.types import Event, Item, Leaning, Query, Recommendation

KIDS = "with kids"
FILM = Item(
    "a", "Paddington", attributes={"genres": ("Family", "Comedy"), "violence": 1, "mood": "warm"}
)


@pytest.fixture(scope="module")
def world():
    catalog = Catalog.of(
        [FILM, Item("b", "Saw", attributes={"genres": ("Horror",), "violence": 9, "mood": "grim"})]
    )
    events = [Event("u1", "a", 5.0), Event("u2", "a", 4.0), Event("u2", "b", 1.0)]
    return catalog, Interactions.of(events, catalog)


def reason(world, *leanings, item=FILM):
    query = Query(leanings=leanings)
    return EvidenceExplainer(*world).explain(query, [Recommendation(1, item, 1.0)])[0], query


def test_the_moment_goes_into_the_reason_and_is_checked(world):
    told, query = reason(
        world,
        Leaning("genres", "any of", ("family", "Animation"), 1.0, KIDS),
        Leaning("mood", "is", "warm", 0.5, KIDS),
        Leaning("genres", "is", "Comedy", 0.1),
    )
    assert told.clauses[0].text == "right with kids: is Family, feels warm"
    assert len(told.clauses[0].evidence) == 2
    assert {fact.because for fact in told.evidence if fact.kind == "context"} == {KIDS}
    assert Verifier(*world).check(told, FILM, query) == []
    lies = Verifier(*world).check(told, FILM, Query())
    assert any("no such" in problem.text for problem in lies)


def test_a_leaning_without_a_cause_and_one_of_numbers(world):
    told, query = reason(
        world, Leaning("violence", "at most", 3, 1.0), Leaning("genres", "is", "Comedy", 0.5)
    )
    assert told.clauses[0].text == "leans your way: violence at most 3, is Comedy"
    assert Verifier(*world).check(told, FILM, query) == []


def test_what_is_wished_away_or_not_there_is_not_praised(world):
    told, _ = reason(
        world,
        Leaning("genres", "is", "Family", -1.0, KIDS),
        Leaning("genres", "is", "Horror", 1.0, KIDS),
        Leaning("violence", "at least", 5, 1.0, KIDS),
        Leaning("genres", "is not", "Horror", 1.0, KIDS),
        Leaning("absent", "is", "x", 1.0, KIDS),
    )
    assert all(fact.kind != "context" for fact in told.evidence)


def test_no_more_is_cited_than_a_reason_can_bear():
    many = Item("m", "M", attributes={f"a{n}": tuple("abcdef") for n in range(9)})
    wishes = [Leaning(f"a{n}", "any of", tuple("fedcba"), n + 1.0, f"c{n}") for n in range(9)]
    found = fulfilled(many, wishes)
    assert len(found) == CITED
    assert [one.attribute for one in found] == ["a8", "a7"]
    assert all(len(one.value) == NAMED for one in found)
