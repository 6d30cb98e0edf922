"""A reply in a model's words: only lines that stand, sentence by sentence, and never at a cost."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.chat.voiced import Voice, streamed, worded
from tastemate.chat.wording import Draft
from tastemate.errors import Unavailable
from tastemate.llm.person import Person
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion, Prompt
from tastemate.scope import current, opened
from tastemate.text.named import Named
from tastemate.types import Clause, Evidence, Item, Reason, Recommendation

THIEF = Item(
    "thief",
    "Thief (1981)",
    "A safecracker in Chicago wants out after one last score for the mob.",
    {"genres": ("Crime", "Drama"), "directors": ("Michael Mann",), "year": 1981},
)
MEMENTO = Item("memento", "Memento (2000)", "A man hunts a killer.", {"year": 2000})
LIKED = Evidence("e1", "liked item", "heat", "Heat (1995)")
SHARED = Evidence("e2", "shared attribute", "heat", "Heat (1995)", "genres", "Drama")
WHY = Reason((Clause("because you liked Heat (1995)", ("e1",)),), (LIKED, SHARED))
LINES = [Recommendation(1, THIEF, 2.0, (), WHY), Recommendation(2, MEMENTO, 1.0)]
NAMED = Named(["Thief (1981)", "Memento (2000)", "Heat (1995)", "Casino (1995)"], ["Al Pacino"])
DRAFT = Draft("Crime.", ("Thief (1981) comes first.",), ("3 more are left out.",), ("Old or new?",))
GOOD = "1: Thief is a crime film by Michael Mann.\n2: Memento came out in 2000.\n"
BAD = "1: Thief won an Oscar.\nMemento is the best.\n9: Thief is a drama.\n"


def voice(model) -> Voice:
    return Voice(model, NAMED)


def say(reply: str | Completion):
    with opened() as scope:
        got = worded(DRAFT, "crime", Person(), LINES, voice(Scripted([reply])))
        pieces = list(streamed(DRAFT, "crime", Person(), LINES, voice(Scripted([reply]))))
    return got, pieces, scope


def test_what_stands_takes_the_place_of_what_was_found_and_nothing_else():
    got, pieces, scope = say(GOOD)
    assert got.text == (
        "Crime. Thief is a crime film by Michael Mann. Memento came out in 2000. "
        "3 more are left out. Old or new?"
    )
    assert got.by == "scripted:test"
    assert got.dropped == 0
    assert " ".join(pieces) == got.text
    assert scope.errors == []


def test_what_does_not_stand_is_dropped_and_counted():
    got, pieces, scope = say(GOOD.splitlines()[0] + "\n" + BAD)
    assert (
        got.text == "Crime. Thief is a crime film by Michael Mann. 3 more are left out. Old or new?"
    )
    assert got.dropped == 3
    assert " ".join(pieces) == got.text
    assert any("left out 3" in note for note in scope.notes)


@pytest.mark.parametrize("reply", [BAD, "", "1:", "{}", "[1]", "1: " + "x" * 9_000, "\n" * 50])
def test_offline_words_where_nothing_stands(reply):
    got, pieces, _ = say(reply)
    assert got.text == DRAFT.text
    assert got.by == "offline"
    assert " ".join(pieces) == DRAFT.text


def test_a_failure_is_told_and_costs_only_the_words():
    got, pieces, scope = say(Completion(error="The server is away.", fault="unreachable"))
    assert got.text == DRAFT.text
    assert " ".join(pieces) == DRAFT.text
    assert any("The server is away." in error for error in scope.errors)


def test_a_line_is_heard_before_the_next_is_written():
    order: list[str] = []

    class Slow(Scripted):
        def stream(self, prompt: Prompt) -> Iterator[str]:
            for line in GOOD.splitlines():
                order.append(f"wrote {line[0]}")
                yield line[:9]
                yield f"{line[9:]}\n"

    for sentence in streamed(DRAFT, "crime", Person(), LINES, voice(Slow([""]))):
        order.append(sentence[:7])
    assert order == ["Crime.", "wrote 1", "Thief i", "wrote 2", "Memento", "3 more ", "Old or "]


def test_a_stream_that_breaks_off_goes_on_in_our_words():
    class Broken(Scripted):
        def stream(self, prompt: Prompt) -> Iterator[str]:
            yield GOOD.splitlines()[0] + "\n2: Memento ca"
            raise Unavailable("The line went dead.")

    with opened() as scope:
        pieces = list(streamed(DRAFT, "crime", Person(), LINES, voice(Broken([""]))))
    assert pieces == [
        "Crime.",
        "Thief is a crime film by Michael Mann.",
        *DRAFT.notes,
        *DRAFT.close,
    ]
    assert any("went dead" in error for error in scope.errors)


def test_a_reader_who_leaves_ends_the_call_and_keeps_their_scope():
    closed: list[bool] = []

    class Endless(Scripted):
        def stream(self, prompt: Prompt) -> Iterator[str]:
            try:
                while True:
                    yield "1: Thief is a crime film by Michael Mann.\n"
            finally:
                closed.append(True)

    with opened(60) as scope:
        talk = streamed(DRAFT, "crime", Person(), LINES, voice(Endless([""])))
        next(talk)
        next(talk)
        assert current() is scope
        talk.close()
        assert closed == [True]
        assert current() is scope


def test_an_endless_reply_ends():
    class Endless(Scripted):
        def stream(self, prompt: Prompt) -> Iterator[str]:
            while True:
                yield "nothing of it stands\n"

    pieces = list(streamed(DRAFT, "crime", Person(), LINES, voice(Endless([""]))))
    assert " ".join(pieces) == DRAFT.text


def test_a_model_that_cannot_stream_is_asked_once():
    model = Scripted([GOOD], abilities=frozenset())
    pieces = list(streamed(DRAFT, "crime", Person(), LINES, voice(model)))
    assert len(model.prompts) == 1
    assert "Memento came out in 2000." in pieces


def test_without_items_nobody_is_asked():
    model = Scripted([GOOD])
    assert worded(DRAFT, "crime", Person(), [], voice(model)).text == DRAFT.text
    assert list(streamed(DRAFT, "crime", Person(), [], voice(model))) == list(DRAFT.sentences)
    assert model.prompts == []


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300) | st.lists(st.sampled_from(
    ["1", ":", "2,1: ", "Thief", " is ", "a drama", "\n", "Al Pacino", "you", "\"", ".", "Casino"]
)).map("".join))  # fmt: skip
def test_any_reply_leaves_our_sentences_whole_and_names_nothing_else(reply):
    got, pieces, _ = say(reply)
    assert " ".join(pieces) == got.text
    assert got.text.startswith("Crime. ")
    assert got.text.endswith("3 more are left out. Old or new?")
    assert "Pacino" not in got.text
    assert "Casino" not in got.text
