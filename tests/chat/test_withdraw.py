"""One belief taken back, and a list again."""

import pytest
from tests.chat.small import talk

from tastemate.chat.intent import Intent, Wish
from tastemate.chat.told import told
from tastemate.errors import NotFound

CRIME = Intent("recommendation", wishes=(Wish("genres", "is", "Crime"),))
EIGHTIES = Intent(
    "recommendation", wishes=(Wish("year", "at least", 1984), Wish("year", "at most", 1990))
)


def test_a_line_about_wishes_holds_them():
    talking = talk(None, CRIME, EIGHTIES)
    talking.say("crime")
    talking.say("from 1984 to 1990")
    years, crime = told(talking.session, talking.desk.catalog)
    assert [one.operator for one in years.wishes] == ["at least", "at most"]
    assert crime.wishes == CRIME.wishes


def test_a_line_is_taken_back_and_the_list_follows():
    talking = talk(None, CRIME, EIGHTIES)
    talking.say("crime")
    assert talking.say("from 1984 to 1990").slate.ids == ["i6", "i9"]
    heard = []
    reply = talking.withdraw(1, heard.append)
    assert [one.wish.value for one in talking.beliefs.wishes] == ["Crime"]
    assert reply.slate.ids[0] == "i0"
    assert " ".join(heard) == reply.text
    assert [one.wish.attribute for one in _undone(talking)] == ["year", "year", "genres"]


def _undone(talking):
    talking.undo()
    return talking.beliefs.wishes


def test_a_line_that_is_not_there():
    talking = talk(None, CRIME)
    talking.say("crime")
    with pytest.raises(NotFound, match="There is no line 2"):
        talking.withdraw(2)
    assert len(talking.session.turns) == 1
