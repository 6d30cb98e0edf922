"""Undo and verdicts without a message; and the time that the steps of a turn share."""

import time
from dataclasses import replace

import pytest
from tests.chat.small import talk

from tastemate.chat.conversation import Conversation
from tastemate.chat.intent import Intent, Wish
from tastemate.errors import NotFound
from tastemate.llm.scripted import Scripted

CRIME = Intent("recommendation", wishes=(Wish("genres", "is", "Crime"),))
FRENCH = Intent("recommendation", wishes=(Wish("country", "is", "France"),))
WORDS = "1: Thief is a crime film from 1980."


def held(talking: Conversation) -> list[object]:
    return [one.wish.value for one in talking.beliefs.wishes]


def test_undo_takes_back_one_after_the_other_and_lists_again():
    talking = talk(None, CRIME, FRENCH)  # reading a third message would fail
    first = talking.say("crime")
    talking.say("french")
    back = talking.undo()
    assert held(talking) == ["Crime"]
    assert back.slate.ids == first.slate.ids
    assert back.text.startswith(("Taken back.", "Undone."))
    assert back.session.turns[-1].shown == tuple(back.slate.ids)
    assert (back.session.turns[-1].text, back.session.turns[-1].intent.act) == ("", "undo")
    assert "understand" not in [one.name for one in back.slate.trace]
    talking.undo()
    assert held(talking) == []
    assert "nothing to take back" in talking.undo().text


@pytest.mark.parametrize("kind", ["liked", "disliked", "seen"])
def test_a_verdict_is_a_turn_of_its_own_and_can_be_undone(kind):
    talking = talk(None, CRIME)
    talking.say("crime")
    heard: list[str] = []
    reply = talking.verdict(2, kind, heard.append)
    assert list(getattr(talking.beliefs, kind)) == ["i3"]
    assert "Tampopo (1983)" in reply.text
    assert " ".join(heard) == reply.text
    assert reply.slate.ids
    assert "i3" not in reply.slate.ids
    talking.undo()
    assert not getattr(talking.beliefs, kind)


def test_a_verdict_on_nothing_is_refused_and_changes_nothing():
    talking = talk(None, CRIME)
    with pytest.raises(NotFound, match="nothing was shown yet"):
        talking.verdict(1, "liked")
    talking.say("crime")
    with pytest.raises(NotFound, match="the last list had 3"):
        talking.verdict(4, "liked")
    assert len(talking.session.turns) == 1


def test_no_model_reads_or_acts_for_them():
    model = Scripted([WORDS])
    talking = talk(model, CRIME, voice=False, loop=True, understand=True)
    talking.say("crime")
    asked = len(model.prompts)
    talking.verdict(1, "liked")
    talking.undo()
    assert len(model.prompts) == asked


def test_reading_and_wording_share_the_time_of_a_turn():
    def worded(seconds: float, reading: float) -> tuple[list[str], int]:
        model = Scripted([WORDS])
        talking = talk(model, seconds=seconds)

        def read(_text, _session):
            time.sleep(reading)
            return CRIME

        talking.parts = replace(talking.parts, read=read)
        reply = talking.say("crime")
        notes = [one.note for one in reply.slate.trace if one.name == "reply"]
        return notes, len(model.prompts)

    assert worded(30, 0.0)[1] == 1
    notes, asked = worded(1.1, 0.2)
    assert asked == 0
    assert "no time left" in notes[0]
