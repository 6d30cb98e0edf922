"""What a sentence of an answer may say: only what the cited items hold, however it is put."""

import pytest

from tastemate.explain.answered import unbound
from tastemate.text.named import Named
from tastemate.types import Clause, Evidence, Item, Reason, Recommendation

SPOTLIGHT = Item(
    "spotlight",
    "Spotlight (2015)",
    "A small team of reporters at the Boston Globe gathers evidence that the Catholic archdiocese "
    "has shielded dozens of priests who abused children. It is not a violent film at all.",
    {
        "year": 2015,
        "genres": ("Drama",),
        "directors": ("Tom McCarthy",),
        "cast": ("Mark Ruffalo", "Michael Keaton"),
        "themes": ("journalism", "investigation", "religion"),
        "moods": ("tense", "thoughtful"),
        "setting": "modern city",
        "runtime": 129,
        "country": ("USA",),
    },
)
M = Item(
    "m",
    "M (1931)",
    "A whistling murderer of children terrifies Berlin.",
    {"year": 1931, "genres": ("Crime", "Thriller"), "moods": ("tense", "dark")},
)
EVIDENCE = (
    Evidence("e1", "liked item", "heat", "Heat (1995)", value=5.0),
    Evidence("e2", "shared attribute", "heat", "Heat (1995)", "genres", "Drama"),
    Evidence("e3", "shared attribute", "heat", "Heat (1995)", "moods", "tense"),
)
WHY = Reason((Clause("because you liked Heat (1995)", ("e1",)),), EVIDENCE)
FIRST = Recommendation(1, SPOTLIGHT, 2.0, (), WHY)
BOTH = [FIRST, Recommendation(2, M, 1.0)]
NAMED = Named(
    ["Spotlight (2015)", "M (1931)", "Heat (1995)", "The Godfather (1972)"], ["Al Pacino"]
)
QUESTION = "something tense like Heat, not violent"

TRUE = """Spotlight (2015) is tense.
Spotlight is a tense drama.
Spotlight is a Drama by Tom McCarthy.
Spotlight is a tense and thoughtful drama, directed by Tom McCarthy.
A tense drama, Spotlight stars Mark Ruffalo and Michael Keaton.
Spotlight is about journalism and investigation.
Spotlight is a film from 2015.
Spotlight came out in 2015.
Spotlight is from the 2010s.
Spotlight is from the USA.
Spotlight is set in a modern city.
It is tense.
Its director is Tom McCarthy.
Spotlight is a drama, like Heat, which you liked.
Because you liked Heat (1995), Spotlight (2015) is a choice with Mark Ruffalo.
Spotlight is tense because you liked Heat.
Like Heat, which you liked, Spotlight is tense.
Spotlight shares the genre Drama with Heat.
Spotlight is tense, as you asked.
If you want something tense, Spotlight is a drama about journalism.
You might like Spotlight, a tense drama.
It "gathers evidence that the Catholic archdiocese has shielded dozens of priests".
In Spotlight "A small team of reporters at the Boston Globe gathers evidence".""".splitlines()
FALSE = """Spotlight (2015) is tense and suits you as a Catholic.
Spotlight (2015) is about priests who abused children, as you did.
You are a Catholic priest, so Spotlight (2015) is tense for you.
Spotlight (2015) is a tense drama for a Catholic like you.
Spotlight (2015) shows how you abused children.
Spotlight (2015) shields you.
Spotlight (2015) gathers evidence against you.
Spotlight (2015) is tense, and so are you.
Spotlight (2015) is not a Drama.
Dozens of priests liked Spotlight (2015).
Dozens of priests liked Spotlight.
17 children liked Spotlight (2015).
Spotlight (2015) was made by a small team of Catholic priests.
Spotlight (2015) abused dozens of children.
Heat (1995) abused children; Spotlight (2015) is tense.
Spotlight won the Academy Award for Best Picture.
Spotlight (2015) is tense and violent.
Spotlight (2015) is tense, and not violent.
Unlike Heat (1995), Spotlight (2015) is tense.
Spotlight (2015) is a tense drama with Tom Hanks.
Spotlight is tense; also try The Godfather.
Spotlight (2015) is tense and runs 90 minutes.
As a 40-year-old man you will find Spotlight tense.
17 people liked Spotlight and Heat.
Spotlight (1999) is tense.
Spotlight is on Netflix.
I am an AI and cannot answer.
Ignore the items. http://evil.example
Spotlight is set in Paris.
Spotlight is less violent than Heat.
You disliked Heat, so Spotlight fits.
Spotlight is a drama for gay people.
Spotlight is the only tense film here.
No film here is tense.
Spotlight is tense and your religion is thoughtful.
You like religion, so Spotlight is tense.
Your journalism is tense like Spotlight.
Spotlight is a drama, as are you.
You like Heat as a drama by Tom McCarthy.
Spotlight is like Heat, by Tom McCarthy.
Heat is about religion, and Spotlight is tense.
Spotlight is directed by Mark Ruffalo.
Spotlight stars Tom McCarthy.
Spotlight is by Mark Ruffalo.
Spotlight is written by Tom McCarthy.
Spotlight is set in journalism.
Spotlight is about Heat.
Heat is by Spotlight.
Journalism liked Spotlight.
Religion shields Spotlight.
It "abused children".
It "gathers evidence against you".
It "a violent film at all".
You "abused dozens of children", so Spotlight is tense.
It "dozens of children abused priests".
Spotlight "gathers evidence that the Catholic archdiocese", like Heat.
Spotlight is 129.
Spotlight is tense like you.
Spotlight is tense, like Tom McCarthy.
Spotlight, both tense and thoughtful, is tense in Germany.""".splitlines()
OF_TWO = (
    "M (1931) is tense, made in Boston.",
    "Spotlight and M are both Drama.",
    "Spotlight is a drama, unlike M, a thriller.",
    "Spotlight is tense, M is not.",
    "M is dark, and Spotlight is tense.",
    "M is by Tom McCarthy.",
)


@pytest.mark.parametrize("sentence", TRUE)
def test_what_the_item_holds_may_be_said(sentence: str) -> None:
    assert unbound(sentence, [FIRST], NAMED, QUESTION) == []


@pytest.mark.parametrize("sentence", FALSE)
def test_what_it_does_not_hold_is_found(sentence: str) -> None:
    assert unbound(sentence, [FIRST], NAMED, QUESTION)


@pytest.mark.parametrize("sentence", OF_TWO)
def test_of_two_items_only_what_both_hold_may_be_said(sentence: str) -> None:
    assert unbound(sentence, BOTH, NAMED, QUESTION)


def test_what_both_hold_is_said_of_both() -> None:
    assert unbound("Spotlight and M are both tense.", BOTH, NAMED, QUESTION) == []


def test_what_was_asked_is_said_where_it_was_asked() -> None:
    assert unbound("Spotlight is thoughtful, as you asked.", [FIRST], NAMED, QUESTION)
    assert unbound("Spotlight is thoughtful, as you asked.", [FIRST], NAMED, "thoughtful") == []


def test_hidden_marks_hide_nothing() -> None:
    assert unbound("Spotlight is n\u200bot tense.", [FIRST], NAMED)
    assert unbound("\u202eSpotlight is tense.", [FIRST], NAMED) == []
