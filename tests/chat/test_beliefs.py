"""What a conversation makes one believe: every rule of the fold."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import Beliefs, beliefs
from tastemate.chat.intent import ALL, Intent, Wish
from tastemate.chat.session import Question, Session, Turn, undo
from tastemate.chat.told import drop, told
from tastemate.errors import NotFound
from tastemate.types import Item

CRIME, COMEDY, HORROR = (Wish("genres", "is", one) for one in ("Crime", "Comedy", "Horror"))
NO_CRIME = Wish("genres", "is not", "Crime")


def catalog() -> Catalog:
    return Catalog.of(
        Item(
            str(n),
            f"Title {n}",
            attributes={
                "genres": ("Crime", "Comedy") if n % 2 else ("Horror",),
                "language": "French" if n % 3 else "Italian",
                "year": 1970 + n,
                "runtime": 80 + n,
            },
        )
        for n in range(30)
    )


CATALOG = catalog()


def talk(*turns: Intent | Turn) -> Session:
    session = Session("s")
    for n, one in enumerate(turns):
        session = session.then(one if isinstance(one, Turn) else Turn(f"message {n}", one))
    return session


def believed(*turns: Intent | Turn) -> Beliefs:
    return beliefs(talk(*turns), CATALOG)


def wants(*wishes: Wish, **more: object) -> Intent:
    return Intent("recommendation", wishes=wishes, **more)


def held(now: Beliefs) -> list[Wish]:
    return [one.wish for one in now.wishes]


def at_least(name: str, value: int) -> Wish:
    return Wish(name, "at least", value)


def at_most(name: str, value: int) -> Wish:
    return Wish(name, "at most", value)


NINETIES = (at_least("year", 1990), at_most("year", 1999))


def test_no_turns_no_beliefs():
    now = beliefs(Session("s"), CATALOG)
    assert now.empty
    assert now == Beliefs()
    assert told(Session("s"), CATALOG) == ()


def test_earlier_wishes_stay_and_the_newest_come_first():
    now = believed(wants(CRIME), wants(COMEDY), Intent("greeting"))
    assert [(one.wish, one.turn) for one in now.wishes] == [(COMEDY, 1), (CRIME, 0)]
    assert now.weight(2) == 1.0 > now.weight(1) > now.weight(0) > 0


def test_an_era_replaces_the_older_range():
    assert held(believed(wants(*NINETIES), wants(at_least("year", 2005)))) == [
        at_least("year", 2005)
    ]
    eighties = (at_least("year", 1980), at_most("year", 1989))
    assert held(believed(wants(*NINETIES), wants(*eighties))) == list(eighties)
    assert held(believed(wants(*NINETIES), wants(at_most("runtime", 90)))) == [
        at_most("runtime", 90),
        *NINETIES,
    ]


def test_opposite_single_bounds_narrow_unless_they_exclude_each_other():
    low, high = at_least("runtime", 85), at_most("runtime", 100)
    assert held(believed(wants(high), wants(low))) == [low, high]
    assert held(believed(wants(high), wants(at_least("runtime", 120)))) == [
        at_least("runtime", 120)
    ]
    assert held(believed(wants(high), wants(at_most("runtime", 90)))) == [at_most("runtime", 90)]


def test_a_contradiction_replaces_in_both_directions():
    assert held(believed(wants(NO_CRIME), wants(CRIME))) == [CRIME]
    assert held(believed(wants(CRIME), wants(NO_CRIME))) == [NO_CRIME]
    either = Wish("genres", "any of", ("Crime", "Comedy"))
    assert held(believed(wants(either), wants(NO_CRIME))) == [
        NO_CRIME,
        Wish("genres", "any of", ("Comedy",)),
    ]


def test_where_an_item_has_one_value_the_later_replaces_and_two_at_once_are_alternatives():
    french, italian = Wish("language", "is", "French"), Wish("language", "is", "Italian")
    assert held(believed(wants(french), wants(italian))) == [italian]
    assert held(believed(wants(french, italian))) == [
        Wish("language", "any of", ("French", "Italian"))
    ]
    assert held(believed(wants(CRIME, COMEDY))) == [CRIME, COMEDY]


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        (("genres", "crime"), [HORROR]),
        (("genres", ""), []),
        ((ALL, ""), []),
        ((ALL, "Horror"), [CRIME]),
        (("year", ""), [CRIME, HORROR]),
    ],
)
def test_what_is_taken_back_goes(taken: tuple[str, str], left: list[Wish]):
    now = believed(wants(CRIME, HORROR), Intent("feedback", withdrawn=(taken,)))
    assert held(now) == left


def test_numbers_are_taken_back_however_they_are_written():
    now = believed(wants(at_least("year", 1990)), Intent(withdrawn=(("year", "1990.0"),)))
    assert held(now) == []


def test_taking_back_and_wishing_at_once():
    now = believed(wants(CRIME), wants(COMEDY, withdrawn=((ALL, ""),)))
    assert held(now) == [COMEDY]


def test_free_text_stays_newest_first_and_loses_what_is_taken_back():
    now = believed(wants(text="tense crime stories"), wants(text="set in Paris"))
    assert now.text == "set in Paris. tense crime stories"
    gone = Intent(withdrawn=(("genres", "Crime"),))
    now = believed(wants(text="tense crime stories"), wants(text="crimes!"), gone)
    assert [one.text for one in now.texts] == ["tense stories"]
    assert believed(wants(text="crime"), wants(NO_CRIME)).text == ""
    assert believed(wants(text="crime"), Intent(withdrawn=((ALL, ""),))).text == ""


def test_a_question_is_no_wish():
    now = believed(
        Turn("a", Intent("recommendation"), shown=("1", "2")),
        Intent("clarification", "detail", picked=(2,), text="how long is it"),
    )
    assert now.text == ""
    assert list(now.about) == ["2"]
    assert not now.picked


def test_the_later_verdict_on_an_item_holds():
    now = believed(
        Intent(liked=("1", "2"), similar=("3",)), Intent(disliked=("1", "3")), Intent(liked=("3",))
    )
    assert set(now.liked) == {"2", "3"}
    assert set(now.disliked) == {"1"}
    assert not now.similar
    assert (now.liked["2"].turn, now.liked["3"].turn) == (0, 2)


def test_picks_resolve_against_the_last_list():
    first = Turn("a", Intent("recommendation"), shown=("1", "2"))
    second = Turn("b", Intent("recommendation", "more"), shown=("3", "4"))
    blank = Turn("c", Intent("greeting"))
    now = believed(first, second, blank, Intent("feedback", picked=(2,)))
    assert list(now.picked) == ["4"]
    assert now.picked["4"].weight < 1
    now = believed(first, Intent("feedback", picked=(1,), verdict="disliked"))
    assert list(now.disliked) == ["1"]
    now = believed(first, Intent("recommendation", picked=(1,)))
    assert list(now.similar) == ["1"]


def test_a_pick_out_of_range_is_told():
    first = Turn("a", Intent("recommendation"), shown=("1", "2"))
    now = believed(first, Intent("feedback", picked=(3, 0)))
    assert not now.picked
    assert [one.turn for one in now.ignored] == [1, 1]
    assert "number 3" in now.ignored[0].text
    assert "no list" in believed(Intent(picked=(1,))).ignored[0].text


def test_undo_takes_back_the_last_change_and_twice_two():
    greeting = Intent("greeting")
    taken = Intent("feedback", "undo")
    assert held(believed(wants(CRIME), wants(COMEDY), greeting, taken)) == [CRIME]
    assert held(believed(wants(CRIME), wants(COMEDY), greeting, taken, taken)) == []
    assert held(believed(wants(CRIME), wants(COMEDY), taken, wants(HORROR))) == [HORROR, CRIME]
    session = undo(undo(talk(wants(CRIME), wants(COMEDY), wants(at_least("year", 1990)))))
    assert held(beliefs(session, CATALOG)) == [CRIME]
    nothing = believed(taken)
    assert nothing.empty
    assert nothing.ignored[0].turn == 0


def test_asking_about_an_item_is_not_what_undo_takes_back():
    asks = Intent("clarification", "detail", about=("3",))
    assert held(believed(wants(CRIME), wants(COMEDY), asks, Intent(act="undo"))) == [CRIME]


def test_forget_empties_and_can_be_undone():
    told_ = Turn("a", wants(CRIME, liked=("1",), k=3, context={"company": "kids"}), shown=("2",))
    now = believed(told_, Intent(act="forget"))
    assert now.empty
    assert now.shown == ()
    back = believed(told_, Intent(act="forget"), Intent(act="undo"))
    assert held(back) == [CRIME]
    assert back.shown == ("2",)
    part = believed(wants(CRIME, HORROR), Intent(act="forget", withdrawn=(("genres", "Crime"),)))
    assert held(part) == [HORROR]


def test_more_keeps_everything_and_leaves_out_what_was_shown():
    now = believed(
        Turn("a", wants(CRIME), shown=("1", "2")),
        Turn("b", Intent("recommendation", "more"), shown=("2", "3")),
    )
    assert held(now) == [CRIME]
    assert now.excluded == {"1", "2"}
    assert now.shown == ("1", "2", "3")
    assert believed(Turn("a", wants(CRIME), shown=("1",)), wants(COMEDY)).excluded == frozenset()


def test_context_k_and_novelty_are_replaced_one_by_one():
    now = believed(
        Intent(context={"company": "kids", "time": "evening"}, k=3, novelty="new"),
        Intent(context={"company": "alone"}, k=5),
    )
    assert now.context == {"company": "alone", "time": "evening"}
    assert (now.k, now.novelty) == (5, "new")


def test_an_attribute_is_not_asked_about_again():
    asked = Turn("a", Intent(), asked=Question("language", ("French", "Italian"), "Which?"))
    assert believed(asked).answered == frozenset()
    assert believed(asked, Intent("greeting")).answered == {"language"}
    assert believed(wants(CRIME)).answered == {"genres"}


def test_what_the_catalogue_does_not_have_is_told_and_left_out():
    now = believed(
        wants(
            Wish("genres", "is", "Opera"), Wish("colour", "is", "red"), CRIME, liked=("999", "1")
        ),
        wants(Wish("year", "at least", "soon")),
    )
    assert held(now) == [CRIME]
    assert list(now.liked) == ["1"]
    assert len(now.ignored) == 4
    assert "Opera" in " ".join(one.text for one in now.ignored)


def test_a_bound_said_again_as_rather_is_no_longer_firm_and_the_other_is():
    softer = replace(NINETIES[0], firm=False)
    now = believed(wants(*NINETIES), wants(COMEDY), wants(softer))
    assert [(one.wish.firm, one.turn) for one in now.wishes] == [(True, 1), (False, 0), (True, 0)]
    assert held(now)[1:] == [softer, NINETIES[1]]


def test_lines_tell_what_is_believed_and_each_can_be_dropped():
    session = talk(
        Intent("greeting"),
        wants(CRIME, *NINETIES, Wish("genres", "is not", "Horror")),
        Intent("feedback", liked=("1",), text="tense", k=3, novelty="new"),
        Intent(context={"company": "kids"}, undecided=("violence",), disliked=("2",)),
    )
    lines = [line.text for line in told(session, CATALOG)]
    assert lines[0] == "you want: Crime, since your 2nd message"
    assert lines[1] == "you want: from the 1990s, since your 2nd message"
    assert lines[2] == "you want: nothing Horror, since your 2nd message"
    assert "you like: Title 1, since your 3rd message" in lines
    assert "company: kids" in lines
    for number, line in enumerate(lines, start=1):
        left = [one.text for one in told(drop(session, number, CATALOG), CATALOG)]
        assert left == [one for one in lines if one != line]
    for _ in lines:
        session = drop(session, 1, CATALOG)
    assert beliefs(session, CATALOG).empty
    with pytest.raises(NotFound, match="nothing is believed yet"):
        drop(session, 1, CATALOG)


WISHES = st.builds(
    Wish,
    st.sampled_from(["genres", "year", "language", "nothing", "id"]),
    st.sampled_from(["is", "is not", "at least", "at most", "any of", "none of"]),
    st.sampled_from(["Crime", "French", 1985, 1990.5, ("Crime", "Horror"), "", float("nan"), "1"]),
    st.booleans(),
)
IDS = st.lists(st.sampled_from(["1", "2", "3", "gone"]), max_size=2).map(tuple)
INTENTS = st.builds(
    Intent,
    act=st.sampled_from(["", "more", "undo", "forget", "detail"]),
    liked=IDS,
    disliked=IDS,
    similar=IDS,
    about=IDS,
    picked=st.lists(st.integers(-1, 4), max_size=2).map(tuple),
    verdict=st.sampled_from(["", "liked", "disliked", "seen"]),
    wishes=st.lists(WISHES, max_size=3).map(tuple),
    withdrawn=st.lists(
        st.tuples(
            st.sampled_from([ALL, "genres", "*liked", "*text", "*", "*k", "?"]),
            st.sampled_from(["", "Crime", "1"]),
        ),
        max_size=2,
    ).map(tuple),
    text=st.text(max_size=12),
    k=st.none() | st.integers(0, 5),
)
TURNS = st.lists(st.builds(Turn, st.text(max_size=5), INTENTS, shown=IDS), max_size=8)


@settings(max_examples=80, deadline=None)
@given(TURNS)
def test_any_turns_give_beliefs_that_the_catalogue_can_decide(turns: list[Turn]):
    session = Session("s", turns=tuple(turns))
    now = beliefs(session, CATALOG)
    assert now == beliefs(session, CATALOG)
    assert not set(now.liked) & set(now.disliked)
    assert all(item in CATALOG for item in (*now.liked, *now.disliked, *now.similar))
    assert len(told(session, CATALOG)) >= bool(now.wishes)
    assert beliefs(session.then(Turn("", Intent(act="forget"))), CATALOG).empty


@settings(max_examples=40, deadline=None)
@given(TURNS, INTENTS)
def test_undo_restores_what_was_believed(turns: list[Turn], intent: Intent):
    session = talk(*turns)
    before = beliefs(session, CATALOG)
    after = beliefs(session.then(Turn("", intent)), CATALOG)
    if intent.act == "undo" or after.excluded != before.excluded:
        return
    names = ("liked", "disliked", "similar", "picked", "wishes", "texts", "k")
    if all(getattr(before, name) == getattr(after, name) for name in names):
        return
    undone = beliefs(undo(session.then(Turn("", intent))), CATALOG)
    assert all(getattr(before, name) == getattr(undone, name) for name in names)


def test_five_hundred_turns_take_milliseconds():
    turns = [
        Turn(
            "m",
            wants(at_least("year", 1970 + n % 30), liked=(str(n % 30),), text=f"text {n}"),
            shown=tuple(str(one) for one in range(10)),
        )
        for n in range(500)
    ]
    session = Session("s", turns=tuple(turns))
    beliefs(session, CATALOG)
    start = time.process_time()
    beliefs(session, CATALOG)
    assert time.process_time() - start < 0.3
