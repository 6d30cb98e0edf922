import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemate import filters
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, Unavailable
from tastemate.interactions import Interactions
from tastemate.precomputed import STEP, Precomputed, common_queries
from tastemate.types import (
    Candidate,
    Clause,
    Controls,
    Event,
    Evidence,
    Filter,
    Item,
    Query,
    Reason,
    Recommendation,
    Slate,
    Statement,
    Step,
    Taste,
    history,
)

CATALOG = Catalog.of(
    Item(f"i{n}", f"Film {n}", "", {"genres": ("Crime",) if n % 3 else ("Drama", "Crime")})
    for n in range(12)
)


class Counting:
    """Answers with one line that tells the query apart, and counts what it was asked."""

    def __init__(self, *, broken: bool = False) -> None:
        self.asked: list[Query] = []
        self.broken = broken

    def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
        self.asked += queries
        return [self._slate(query) for query in queries]

    def _slate(self, query: Query) -> Slate:
        row = (query.k + len(query.history)) % len(CATALOG)
        fact = Evidence("e1", "shared attribute", "i1", "Film 1", "genres", ("a", "b"), 3, 0.25)
        line = Recommendation(
            1,
            CATALOG.item(row),
            0.5 + query.k,
            (Candidate(row, 1.5, "ease", 2), Candidate(row, 0.5, "transition", 1)),
            Reason((Clause("as you like crime", ("e1",)),), (fact,)),
        )
        error = "no luck" if self.broken else ""
        return Slate((line,), (Step("ease", 12, 0.1, error=error),), unknown=query.k)


def held(folder: Path, model: str = "m1", capacity: int = 100) -> tuple[Precomputed, Counting]:
    inner = Counting()
    return Precomputed(inner, CATALOG, folder, model=model, capacity=capacity), inner


def test_a_warm_answer_is_the_same_and_does_not_reach_the_inner(tmp_path: Path) -> None:
    answers, inner = held(tmp_path)
    query = Query(k=3)
    assert answers.warm([query, query]) == 1
    assert answers.warm([query]) == 0
    slate = answers.recommend(query)
    assert len(inner.asked) == 1
    direct = inner.recommend_all([query])[0]
    assert (slate.items, slate.unknown) == (direct.items, 3)
    assert [(step.name, step.size) for step in slate.trace] == [(STEP, 1)]
    assert slate.degraded == ()


def test_another_process_reads_it_from_disk(tmp_path: Path) -> None:
    held(tmp_path)[0].warm([Query(k=3)])
    answers, inner = held(tmp_path)
    assert answers.recommend(Query(k=3)).items == inner.recommend_all([Query(k=3)])[0].items
    assert len(inner.asked) == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_another_model_or_catalogue_is_a_miss(tmp_path: Path) -> None:
    held(tmp_path)[0].warm([Query()])
    other, inner = held(tmp_path, "m2")
    other.recommend(Query())
    assert len(inner.asked) == 1
    grown = CATALOG.with_items([Item("new", "New")])
    again = Precomputed(inner, grown, tmp_path, model="m1")
    again.recommend(Query())
    assert len(inner.asked) == 2


def test_hits_and_misses_come_in_the_order_asked(tmp_path: Path) -> None:
    answers, inner = held(tmp_path)
    answers.warm([Query(k=2), Query(k=4)])
    inner.asked.clear()
    slates = answers.recommend_all([Query(k=k) for k in (1, 2, 3, 4, 5)])
    assert [slate.unknown for slate in slates] == [1, 2, 3, 4, 5]
    assert [query.k for query in inner.asked] == [1, 3, 5]
    assert [slate.trace[0].name == STEP for slate in slates] == [False, True, False, True, False]
    assert answers.recommend_all([]) == []


def test_misses_are_not_kept(tmp_path: Path) -> None:
    answers, inner = held(tmp_path)
    answers.recommend(Query())
    answers.recommend(Query())
    assert (len(inner.asked), len(answers)) == (2, 0)


def test_degraded_answers_are_not_held(tmp_path: Path) -> None:
    answers = Precomputed(Counting(broken=True), CATALOG, tmp_path, model="m")
    assert answers.warm([Query()]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole.replace(b"i3", b"i4"),
        lambda whole: b"\xff\xfe\n" + whole,
        lambda whole: _signed(b"[1, 2]"),
        lambda whole: _signed(b'{"items": 3}'),
        lambda whole: _signed(whole.partition(b"\n")[2].replace(b'"id": "i3"', b'"id": "gone"')),
        lambda whole: _signed(b'{"unknown": 0, "items": [{"id": "i3"}]}'),
    ],
)
def test_a_damaged_file_is_a_miss(tmp_path: Path, damage) -> None:
    held(tmp_path)[0].warm([Query(k=3)])
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    answers, inner = held(tmp_path)
    assert answers.recommend(Query(k=3)).items[0].item.id == "i3"
    assert len(inner.asked) == 1
    assert not file.exists()
    assert answers.warm([Query(k=3)]) == 1
    assert held(tmp_path)[0].recommend(Query(k=3)).trace[0].name == STEP


def test_a_file_that_went_away_is_a_miss(tmp_path: Path) -> None:
    held(tmp_path)[0].warm([Query()])
    answers, inner = held(tmp_path)
    next(tmp_path.iterdir()).unlink()
    assert len(answers.recommend(Query()).items) == 1
    assert len(inner.asked) == 1


def test_what_is_asked_for_least_goes_first(tmp_path: Path) -> None:
    answers, inner = held(tmp_path, capacity=2)
    answers.warm([Query(k=1), Query(k=2)])
    answers.recommend(Query(k=1))
    answers.warm([Query(k=3)])
    inner.asked.clear()
    answers.recommend_all([Query(k=k) for k in (1, 2, 3)])
    assert [query.k for query in inner.asked] == [2]
    assert len(list(tmp_path.iterdir())) == len(answers) == 2
    assert len(held(tmp_path, capacity=1)[0]) == len(list(tmp_path.iterdir())) == 1
    answers.clear()
    assert list(tmp_path.iterdir()) == []


def test_bad_settings_and_places_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        held(tmp_path, capacity=0)
    (tmp_path / "file").write_text("not a folder")
    answers, _ = held(tmp_path / "file")
    with pytest.raises(Unavailable, match="Free some space"):
        answers.warm([Query()])


def test_numpy_numbers_are_written_as_numbers(tmp_path: Path) -> None:
    class Numpy(Counting):
        def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
            line = Recommendation(1, CATALOG.item(0), np.float32(0.25))
            return [Slate((line,)) for _ in queries]

    Precomputed(Numpy(), CATALOG, tmp_path, model="m1").warm([Query(exclude=frozenset([5]))])
    answers, _ = held(tmp_path)
    slate = answers.recommend(Query(exclude=frozenset([np.int64(5)])))
    assert slate.items[0].score == 0.25

    class Odd(Counting):
        def recommend_all(self, queries: Sequence[Query]) -> list[Slate]:
            return [Slate((), unknown=object()) for _ in queries]

    with pytest.raises(TypeError, match="no JSON value"):
        Precomputed(Odd(), CATALOG, tmp_path, model="m1").warm([Query()])


def test_common_queries_are_nothing_and_the_frequent_values() -> None:
    events = [Event("a", "i0"), Event("a", "i1"), Event("b", "i1")]
    asked = common_queries(CATALOG, Interactions.of(events, CATALOG), 7)
    assert [query.filters for query in asked] == [
        (),
        (Filter("genres", "is", "Crime"),),
        (Filter("genres", "is", "Drama"),),
    ]
    assert {query.k for query in asked} == {7}
    assert len(common_queries(CATALOG, Interactions.empty(CATALOG), values=1)) == 2
    named = Catalog.of([Item("x", "X", "", {"country": "USA"})])
    assert len(common_queries(named, Interactions.empty(named))) == 1


def test_what_a_newcomer_types_is_held(tmp_path: Path) -> None:
    answers, inner = held(tmp_path)
    answers.warm(common_queries(CATALOG, Interactions.empty(CATALOG)))
    inner.asked.clear()
    answers.recommend(Query(filters=(filters.parse("genre=Drama", CATALOG),)))
    answers.recommend(Query(user="somebody new"))
    assert inner.asked == []


# What decides an answer, in JSON-like values, and two ways of writing it.
rows = st.integers(0, len(CATALOG) - 1)
numbers = st.one_of(st.integers(-50, 50), st.floats(-50, 50, width=32))
wishes = st.lists(
    st.tuples(
        st.sampled_from(["year", "genres"]),
        st.sampled_from(["is", "is not", "at least"]),
        st.one_of(numbers, st.text(max_size=4), st.tuples(st.text(max_size=3))),
        st.booleans(),
    ),
    max_size=3,
)
words = st.text("abcdefgh", min_size=1, max_size=5)
asked = st.fixed_dictionaries(
    {
        "events": st.lists(st.tuples(rows, numbers, st.integers(0, 2**40)), max_size=4),
        "words": st.lists(words, max_size=3),
        "k": st.integers(1, 20),
        "exclude": st.frozensets(rows, max_size=3),
        "exclude_seen": st.booleans(),
        "wishes": wishes,
        "context": st.dictionaries(words, words, max_size=2),
        "about": st.dictionaries(words, st.one_of(words, numbers), max_size=2),
        "controls": st.tuples(*[st.sampled_from([0.0, 0.25, 1.0])] * 3),
        "tastes": st.lists(words, max_size=2),
    }
)


def query_of(parts, *, again: bool = False) -> Query:
    """Write the same query in one of two ways that must mean the same."""
    items, values, times = zip(*parts["events"], strict=True) if parts["events"] else ((), (), ())

    def turned(mapping):
        return dict(reversed(mapping.items())) if again else dict(mapping)

    wanted = tuple(Filter(*wish) for wish in parts["wishes"])
    text = " ".join(parts["words"])
    return Query(
        user="again" if again else "once",
        history=history(list(items), list(values), list(times)),
        text=f"  {text.upper().replace(' ', '  ')}\n" if again else text,
        taste=Taste(tuple(Statement(t, "genres", t, True, 1.0, ()) for t in parts["tastes"])),
        k=parts["k"],
        exclude=frozenset(sorted(parts["exclude"], reverse=again)),
        exclude_seen=parts["exclude_seen"],
        filters=wanted[::-1] if again else wanted,
        context=turned(parts["context"]),
        about=turned(parts["about"]),
        controls=Controls(*parts["controls"]),
    )


def form(parts) -> str:
    """Write what decides an answer so that equal is equal, whatever the type of a number."""

    def plain(value):
        if isinstance(value, tuple):
            return [plain(part) for part in value]
        return float(value) if isinstance(value, int | float) else f"text {value}"

    events = [(row, float(np.float32(value)) + 0.0, time) for row, value, time in parts["events"]]
    same = {
        "wishes": sorted(
            {
                json.dumps([a, o, plain(v), h]).replace("-0.0", "0.0")
                for a, o, v, h in parts["wishes"]
            }
        ),
        "about": sorted((name, plain(value)) for name, value in parts["about"].items()),
        "context": sorted(parts["context"].items()),
        "exclude": sorted(parts["exclude"]),
        "events": events,
    }
    return json.dumps({**parts, **same}).replace("-0.0", "0.0")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Precomputed:
    return held(tmp_path_factory.mktemp("keys"))[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=asked)
def test_equal_queries_have_one_key(keys: Precomputed, one) -> None:
    assert keys.key(query_of(one)) == keys.key(query_of(one, again=True))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=asked, other=asked)
def test_different_queries_have_different_keys(keys: Precomputed, one, other) -> None:
    same = form(one) == form(other)
    assert (keys.key(query_of(one)) == keys.key(query_of(other))) == same


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=asked, other=asked, data=st.data())
def test_one_changed_part_is_another_query(keys: Precomputed, one, other, data) -> None:
    part = data.draw(st.sampled_from(sorted(one)))
    changed = {**one, part: other[part]}
    same = form(one) == form(changed)
    assert (keys.key(query_of(one)) == keys.key(query_of(changed))) == same


def test_the_shape_of_history_and_text_cannot_be_mistaken(keys: Precomputed) -> None:
    base = Query(text="a b")
    others = [
        replace(base, text="ab"),
        replace(base, filters=(Filter("a", "is", "b"),)),
        replace(base, history=history([0])),
        replace(base, history=history([0, 0])),
        replace(base, history=history([0], [2.0])),
        replace(base, taste=Taste()),
        replace(base, about={"a": "1"}),
        replace(base, about={"a": 1}),
    ]
    assert len({keys.key(query) for query in [base, *others]}) == len(others) + 1


def _signed(body: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body
