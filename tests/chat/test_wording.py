"""The offline reply: what was understood, what is missing, an offer, a question, and no more."""

import re
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import beliefs
from tastemate.chat.courtesy import courteous
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.session import Question, Relaxation, Session, Turn
from tastemate.chat.understood import quoted, short, understood
from tastemate.chat.wording import Findings, draft, said_back, varied
from tastemate.types import Clause, Item, Reason, Recommendation, Slate, Step

HEAT = Item("heat", "Heat (1995)", "", {"genres": ("Crime",), "violence": 2})
RONIN = Item("ronin", "Ronin (1998)", "", {"genres": ("Crime", "Action")})
CATS = Item("cats", "Cats (2019)", "", {"genres": ("Musical",), "violence": 0})
CATALOG = Catalog.of([HEAT, RONIN, CATS])
CRIME = Wish("genres", "is", "Crime")
NINETIES = (Wish("year", "at least", 1990), Wish("year", "at most", 1999))
FUNNY = Wish("moods", "is", "funny")
TAME = Wish("violence", "at most", 1)
WHY = Reason((Clause("because you liked Heat (1995)", ("e1",)),))
LIST = Slate((Recommendation(1, RONIN, 1.0, (), WHY), Recommendation(2, CATS, 0.5)))


def findings(intent: Intent, **rest) -> Findings:
    return Findings(CATALOG, intent, **rest)


@pytest.mark.parametrize(
    ("wishes", "rest", "said"),
    [
        (
            [CRIME, *NINETIES, Wish("moods", "is not", "violent")],
            {"similar": ["Heat (1995)"]},
            "Crime from the 1990s, nothing violent, like Heat (1995)",
        ),
        ([CRIME, Wish("genres", "is", "Comedy")], {}, "Crime and Comedy"),
        ([Wish("genres", "any of", ("Crime", "Comedy"))], {}, "Crime or Comedy"),
        ([Wish("directors", "is", "Ann Lee")], {}, "by Ann Lee"),
        ([Wish("directors", "is not", "Ann Lee")], {}, "nothing by Ann Lee"),
        ([Wish("themes", "is", "war"), CRIME], {}, "Crime about war"),
        ([Wish("themes", "is", "war")], {}, "about war"),
        ([FUNNY, *NINETIES], {}, "funny, from the 1990s"),
        ([*NINETIES, CRIME, FUNNY], {}, "funny Crime from the 1990s"),
        ([NINETIES[0]], {}, "from 1990 on"),
        ([Wish("year", "at most", 1979)], {}, "from 1979 or before"),
        ([Wish("year", "at least", 1991), NINETIES[1]], {}, "from 1991 to 1999"),
        ([Wish("year", "at least", 1994), Wish("year", "at most", 1994)], {}, "from 1994"),
        ([TAME], {}, "with violence at most 1"),
        ([Wish("genres", "is", "Comedy", firm=False)], {}, "rather Comedy"),
        ([], {"similar": ["A", "B"], "unlike": ["C"]}, "like A and B, not like C"),
        ([], {"context": {"company": "kids"}}, "with kids"),
        ([CRIME], {"context": {"time": "evening", "company": "alone"}},
         "Crime, for the evening, alone"),
        ([], {"text": "a heist gone wrong"}, "close to \u201ca heist gone wrong\u201d"),
        ([CRIME], {"novelty": "new"}, "Crime, new to you"),
        ([], {}, ""),
    ],
)  # fmt: skip
def test_what_was_understood(wishes, rest, said):
    assert understood(wishes, **rest) == said


def test_a_wish_in_short():
    assert short([TAME]) == "with violence at most 1"
    assert short(NINETIES) == "from the 1990s"
    assert short([Wish("moods", "is not", "violent"), CRIME]) == "Crime and nothing violent"


def test_somebodys_words_are_cut_and_closed_in():
    assert quoted('say "hi"\n\x1b[31m' + "x" * 200).startswith("\u201csay hi [31mxxx")
    assert len(quoted("y" * 500)) <= 82


def test_a_list_names_its_first_item_and_leaves_the_rest_to_the_cards():
    found = draft(findings(Intent("recommendation", wishes=(CRIME,)), slate=LIST, k=5))
    assert found.understood == "Crime."
    assert "Ronin (1998)" in found.text
    assert "Because you liked" not in found.text
    assert "Cats" not in found.text
    assert "Only these 2 fit." in found.text


def test_likes_and_wishes_of_one_message_are_both_said_back():
    found = draft(findings(Intent("recommendation", liked=("heat",), wishes=(CRIME,)), slate=LIST))
    assert found.understood == "Noted: you liked Heat (1995). Crime."


def test_what_is_missing_is_said():
    steps = (Step("search", 0, 0.1, error="it broke"),)
    found = draft(
        findings(
            Intent("recommendation", unknown=("Foo", "Bar"), undecided=("gory",)),
            slate=replace(LIST, unknown=12, trace=steps),
            left_out=((TAME, 12),),
            ignored=("There is no number 9: the last list has 2.",),
        )
    )
    assert "I do not know \u201cFoo\u201d or \u201cBar\u201d." in found.text
    assert "\u201cgory\u201d" in found.text
    assert "12 more are left out only because their violence is not known." in found.text
    assert "There is no number 9" in found.text
    assert "Not everything worked this time (search)." in found.text


def test_an_offer_and_a_question_come_last():
    relaxed = (Relaxation(TAME, 12, "heat"), Relaxation(NINETIES[0], 1, "cats", (NINETIES[1],)))
    ask = Question("moods", ("tense", "funny"), "Something tense, or something funny?")
    found = draft(
        findings(Intent("recommendation", wishes=(CRIME, TAME)), relaxations=relaxed, question=ask)
    )
    assert found.about[0].startswith(("Nothing fits", "There is nothing"))
    offer, question = found.close
    assert offer == (
        "Without \u201cwith violence at most 1\u201d 12 fit, Heat (1995) first; "
        "without \u201cfrom the 1990s\u201d 1 fits. Which shall I drop?"
    )
    assert question == ask.text
    assert found.text.endswith(ask.text)


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        (Intent("feedback", liked=("heat",)), "you liked Heat (1995)"),
        (
            Intent("feedback", liked=("heat",), disliked=("cats",)),
            "you liked Heat (1995) and not Cats (2019)",
        ),
        (Intent("feedback", seen=("gone",)), "you know gone already"),
        (Intent("feedback", picked=(2, 7), verdict="disliked"), "you did not like Cats (2019)"),
    ],
)
def test_feedback_is_acknowledged(intent, said):
    assert said in draft(findings(intent, shown=("ronin", "cats"))).text


@pytest.mark.parametrize(
    "intent",
    [
        Intent("greeting"),
        Intent("elicitation"),
        Intent("clarification"),
        Intent("recommendation"),
        Intent("feedback", act="undo"),
        Intent("feedback", act="forget"),
        Intent("recommendation", act="more"),
        Intent("feedback", withdrawn=(("*", ""),)),
    ],
)
def test_there_is_always_something_to_say(intent):
    assert draft(findings(intent)).text.strip()
    assert draft(findings(intent, slate=LIST)).text.strip()


def test_never_twice_the_same_opening_in_a_row():
    for intent in (Intent("greeting"), Intent("feedback", liked=("heat",)), Intent("elicitation")):
        before = ""
        for turn in (0, 1, 2, 2, 2, 5, 0, 4):
            found = findings(intent, turn=turn, before=before, slate=LIST)
            if intent.state == "greeting":
                found = replace(found, slate=Slate(()))
            text = draft(found).text
            assert text != before
            assert not before or _opening(text) != _opening(before)
            before = text


def _opening(text: str) -> str:
    return re.split(r"[.:?]", text)[0]


def test_the_same_turn_is_worded_the_same():
    found = findings(Intent("recommendation", wishes=(CRIME,)), slate=LIST, turn=3)
    assert draft(found) == draft(found)


def test_what_was_understood_is_not_said_twice_running():
    found = findings(Intent("recommendation", wishes=(CRIME,)), slate=LIST)
    again = replace(found, before=draft(found).text, turn=1)
    assert draft(found).understood == "Crime."
    assert draft(again).understood == ""


def test_findings_of_a_conversation():
    first = Intent("recommendation", wishes=(CRIME,), similar=("heat",))
    session = Session("s").then(Turn("crime like Heat", first, "Crime.", ("ronin", "cats")))
    now = Intent("feedback", wishes=(TAME,), picked=(9,), verdict="liked")
    believed = beliefs(session.then(Turn("…", now)), CATALOG)
    found = Findings.of(session, now, believed, CATALOG)
    assert set(found.wishes) == {CRIME, TAME}
    assert found.similar == ("heat",)
    assert found.shown == ("ronin", "cats")
    assert found.turn == 1
    assert found.before == "Crime."
    assert any("number 9" in one for one in found.ignored)
    assert said_back(found).endswith("like Heat (1995).")


def test_variation():
    wordings = ("One {title}.", "Two {title}.")
    assert varied(wordings, 0, title="x") == "One x."
    assert varied(wordings, 0, "One y.", title="x") == "Two x."
    assert varied(("Only.",), 3, "Only.") == "Only."


@pytest.mark.parametrize("act", ["thanks", "goodbye", "self"])
def test_courtesies(act):
    text = courteous(act, CATALOG, noun="books")
    assert text
    assert courteous(act, CATALOG, 0, text) != text
    assert "film" not in text


def test_no_courtesy_for_anything_else():
    assert courteous("compare", CATALOG) == ""


WORDS = st.text(st.sampled_from("qzxj"), min_size=6, max_size=9)
OURS = {"alone"}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(WORDS, min_size=12, max_size=12, unique=True),
    st.integers(0, 9),
    st.sampled_from(["greeting", "elicitation", "recommendation", "clarification", "feedback"]),
    st.booleans(),
)
def test_names_come_from_what_was_found_only(names, turn, state, full):
    """Made-up words stand for every name and value: none but those given comes out."""
    a, b, value, other, attribute, unknown, undecided, text, moment, step, option, way = names
    items = [Item("1", a, "", {attribute: (value,)}), Item("2", b, "", {attribute: (other,)})]
    catalog = Catalog.of(items)
    wish, away = Wish(attribute, "is", value), Wish(attribute, "is not", other)
    found = Findings(
        catalog,
        Intent(
            state,
            liked=("1",) if turn % 2 else (),
            unknown=(unknown,),
            undecided=(undecided,),
            text=text,
        ),
        slate=Slate((Recommendation(1, items[0], 1.0),), (Step(step, 0, 0.0, error="e"),), turn)
        if full
        else Slate(()),
        wishes=(wish, away),
        unlike=("2",),
        context=MappingProxyType({"company": moment}),
        k=3,
        question=Question(attribute, (option, way), f"{option} {way}?") if turn % 3 else None,
        relaxations=(Relaxation(wish, 2, "2", (away,)),) if not full else (),
        left_out=((wish, turn),),
        turn=turn,
    )
    said = draft(found).text
    assert said == said.strip()
    assert "  " not in said
    assert set(re.findall(r"\b[qzxj]{6,9}\b", said)) <= set(names)
    if full and not (state == "greeting" and turn < 0):
        assert a in said
    assert unknown in said
    assert undecided in said
