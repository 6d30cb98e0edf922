"""Conversations on disk: exact, durable, and gone when deleted."""

import json
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemate.chat.coded import decoded, encoded
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.keeping import Sessions
from tastemate.chat.session import Question, Relaxation, Session, Turn
from tastemate.errors import DataError, FormatError, NotFound, Unavailable
from tastemate.store.opening import Store, open_store, sqlite_url

ANY = st.text(st.characters(), max_size=8)  # lone surrogates too
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = ANY | st.integers() | st.floats(allow_nan=False) | st.lists(ANY, max_size=2).map(tuple)
IDS = st.lists(ANY, max_size=2).map(tuple)
WISHES = st.builds(
    Wish, ANY, st.sampled_from(["is", "is not", "at least", "any of"]), VALUES, st.booleans()
)
INTENTS = st.builds(
    Intent,
    state=st.sampled_from(["greeting", "feedback", "elicitation"]),
    act=st.sampled_from(["", "undo"]),
    liked=IDS,
    picked=st.lists(st.integers(), max_size=2).map(tuple),
    verdict=st.sampled_from(["", "seen"]),
    wishes=st.lists(WISHES, max_size=2).map(tuple),
    withdrawn=st.lists(st.tuples(ANY, ANY), max_size=2).map(tuple),
    context=st.dictionaries(ANY, ANY, max_size=2).map(MappingProxyType),
    k=st.none() | st.integers(),
    text=ANY,
    source=st.sampled_from(["grammar", "model"]),
)
QUESTIONS = st.builds(
    Question, ANY, st.lists(VALUES, max_size=2).map(tuple), ANY, st.floats(allow_nan=False)
)
RELAXATIONS = st.builds(
    Relaxation, WISHES, st.integers(), ANY, st.lists(WISHES, max_size=2).map(tuple)
)
TURNS = st.builds(
    Turn,
    text=ANY,
    intent=INTENTS,
    reply=ANY,
    shown=IDS,
    asked=st.none() | QUESTIONS,
    offered=st.lists(WISHES, max_size=2).map(tuple),
    relaxations=st.lists(RELAXATIONS, max_size=2).map(tuple),
    at=st.integers(0, 2**40),
)
SESSIONS = st.builds(Session, NAMES, st.none() | NAMES, st.lists(TURNS, max_size=3).map(tuple))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(sqlite_url(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def kept(store: Store) -> Sessions:
    return Sessions(store.sessions)


def talk(n: int, name: str = "a", user: str | None = "ann") -> Session:
    return Session(name, user, tuple(Turn(f"message {at}", Intent(text="x")) for at in range(n)))


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(SESSIONS)
def test_what_comes_back_is_what_was_kept(kept: Sessions, session: Session):
    for old in kept.all():
        kept.delete(old.id)
    kept.start(session)
    found = kept.open(session.id)
    assert found == session
    assert repr(found) == repr(session)  # 1990 and 1990.0, True and 1 are told apart


def test_a_conversation_grows_turn_by_turn(kept: Sessions, store: Store):
    session = Session("a/../b \u2603", "ann")
    kept.keep(session)
    for n in range(3):
        session = session.then(Turn(f"message {n}", Intent(), asked=Question("g", ("x",), "?")))
        kept.keep(session)
        kept.keep(session)  # once more writes nothing
        assert Sessions(store.sessions).open(session.id) == session
    assert len(store.sessions.open(session.id, 1).records) == 3


def test_numbers_of_numpy_are_kept_as_numbers(kept: Sessions):
    question = Question("year", (np.int64(1990),), "?", np.float32(0.5))
    kept.start(Session("a", None, (Turn("m", Intent(), asked=question),)))
    found = kept.open("a").turns[0].asked
    assert found == Question("year", (1990,), "?", 0.5)


def test_listing_and_deleting(kept: Sessions, tmp_path: Path):
    assert kept.all() == []
    kept.start(talk(2, "a"))
    kept.start(talk(1, "b", None))
    kept.start(talk(0, "c"))
    assert {one.id for one in kept.all()} == {"a", "b", "c"}
    assert {one.id for one in kept.all("ann")} == {"a", "c"}
    kept.delete("b")
    assert kept.delete_user("ann") == 2
    assert kept.all() == []
    assert all(b"message 0" not in one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    for call in (kept.delete, kept.open):
        with pytest.raises(NotFound, match="no conversation 'a'"):
            call("a")


def test_what_was_deleted_is_not_brought_back_by_its_next_turn(kept: Sessions):
    session = talk(1)
    kept.keep(session)
    kept.delete("a")
    with pytest.raises(NotFound, match="was deleted"):
        kept.keep(session.then(Turn("more", Intent())))
    assert kept.all() == []


def test_what_was_deleted_in_its_first_turn_is_not_begun_again(kept: Sessions):
    kept.keep(talk(0))
    opened = kept.open("a")
    kept.delete("a")
    with pytest.raises(NotFound, match="was deleted"):
        kept.keep(opened.then(Turn("first", Intent())), must_exist=True)
    assert kept.all() == []
    kept.keep(talk(0))
    kept.keep(opened.then(Turn("first", Intent())), must_exist=True)
    assert len(kept.open("a").turns) == 1


@pytest.mark.parametrize("context", [{}, MappingProxyType({}), {"hour": "evening"}])
def test_a_context_comes_back_whatever_kind_of_mapping_it_was(context: Mapping[str, str]):
    intent = Intent(text="x", context=context)
    record = encoded(intent)
    assert ("context" in record) == bool(context)
    found = decoded(Intent, json.loads(json.dumps(record)), "A turn")
    assert found == intent
    assert found.context == context
    assert encoded(found) == record


def test_two_that_go_on_from_the_same_turn_do_not_overwrite_each_other(kept: Sessions):
    session = talk(1)
    kept.keep(session)
    kept.keep(session.then(Turn("mine", Intent())))
    for theirs in (session.then(Turn("yours", Intent())), session):
        with pytest.raises(DataError, match="went on elsewhere"):
            kept.keep(theirs)
    assert kept.open("a").turns[-1].text == "mine"
    with pytest.raises(DataError, match="already"):
        kept.start(talk(1))


def test_damage_is_said_and_harms_no_other(kept: Sessions, store: Store):
    kept.start(talk(2, "a"))
    kept.start(talk(1, "b"))
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE turns SET record = 'x' WHERE session = 'a'")
    for call in (lambda: kept.open("a"), lambda: kept.keep(talk(3, "a"))):
        with pytest.raises(FormatError, match=r"turn \d is damaged"):
            call()
    assert kept.open("b") == talk(1, "b")
    assert {one.id for one in kept.all()} == {"a", "b"}
    assert kept.delete_user("ann") == 2


@pytest.mark.parametrize(
    ("record", "match"),
    [
        ({"text": "m", "intent": {}, "mood": 1}, "field 'mood' that this version does not know"),
        ({"text": "m", "intent": {"hue": "x"}}, "field 'hue'"),
        ({"text": "m"}, "lacks the field 'intent'"),
        ({"text": 1, "intent": {}}, "holds '1'"),
        ({"text": "m", "intent": {"act": "dance"}}, "'dance'"),
        ({"text": "m", "intent": {"k": True}}, "'True'"),
        ({"text": "m", "intent": {"withdrawn": [["a"]]}}, "1 values"),
        ({"text": "m", "intent": []}, "a Intent belongs"),
        ({"text": "m", "intent": {"context": {"a": 1}}}, "'1'"),
    ],
)
def test_what_this_version_cannot_read_is_an_error_that_says_so(
    kept: Sessions, store: Store, record: dict[str, object], match: str
):
    store.sessions.start("a", None, 1, [{"text": "m", "intent": {}}, record])
    with pytest.raises(FormatError, match=match) as found:
        kept.open("a")
    assert "turn 2" in str(found.value)
    assert "Update Tastemate" in str(found.value)


def test_a_newer_format_is_named(kept: Sessions, store: Store):
    store.sessions.start("a", "ann", 2, [])
    for call in (lambda: kept.open("a"), lambda: kept.keep(talk(1))):
        with pytest.raises(FormatError, match="newer version"):
            call()
    assert kept.all() == []
    assert kept.damaged() == ["a"]
    assert kept.delete_user("ann") == 1


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        Sessions(open_store(sqlite_url(tmp_path / "file" / "store.db")).sessions).keep(talk(1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "intent", "wishes", "k", "at"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_anything_else_is_an_error_of_ours(record: object):
    try:
        turn = decoded(Turn, record, "here")
    except FormatError:
        return
    assert decoded(Turn, encoded(turn), "here").text == turn.text


def _say(url: str, name: str, n: int) -> None:
    kept, session = Sessions(open_store(url).sessions), Session(name, str(os.getpid()))
    for at in range(n):
        session = session.then(Turn(f"{name} {at}", Intent()))
        kept.keep(session)


def test_processes_at_once(kept: Sessions, tmp_path: Path):
    url = sqlite_url(tmp_path / "store.db")
    spawn = multiprocessing.get_context("fork")
    running = [spawn.Process(target=_say, args=(url, f"s{n}", 5)) for n in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join(30)
    assert [one.exitcode for one in running] == [0] * 4
    for n in range(4):
        assert [turn.text for turn in kept.open(f"s{n}").turns] == [f"s{n} {at}" for at in range(5)]
