"""The prompts of a conversation's replies: lines a reader can check one by one, as they come.

They are written as those of `prompts` are: the system message is the same for everybody, what
comes from data or people is screened, and each keeps to the budget of its style.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from tastemate.llm import cards, drafts, wording
from tastemate.llm.cards import Count
from tastemate.llm.person import Person
from tastemate.llm.screening import screen
from tastemate.llm.tokens import estimate
from tastemate.llm.wording import PLAIN, Style
from tastemate.messages import Prompt
from tastemate.types import Evidence, Item

Talk: TypeAlias = Literal["joke", "story"]

_REPLY = (
    "Reply with lines only: the handles a sentence is about, a colon, the sentence, such as "
    "1,2: sentence."
)
_PLAINLY = (
    "Name the titles; say of them only what stands in their lines, in those words, or quote three "
    "words or more of their text in double quotes; say you; no praise."
)
_TALKS: dict[Talk, str] = {
    "joke": "Tell this person one kind joke about what they like, in at most two sentences.",
    "story": "Tell this person a story of what they like, in three to five short sentences.",
}
_FACTS = (
    "Use the titles and facts (lines with =) given, no other names, numbers or facts. No markup."
)


def reply(
    message: str,
    person: Person,
    items: Sequence[tuple[Item, Sequence[Evidence]]],
    style: Style = PLAIN,
    *,
    count: Count = estimate,
) -> Prompt:
    """Ask for one to three sentences on items, a line each: "1,2: sentence".

    Lines and no JSON, so that each can be checked and shown before the next has come.
    """
    asked = Person(person.likes, person.dislikes, person.taste, message or person.request)
    task = "Recommend the numbered items to this person in one to three short sentences."
    return drafts.draft(
        "reply/1",
        wording.system(style, task, wording.LINES, _PLAINLY, wording.PRIVATE, _REPLY),
        lambda room: drafts.lines(
            cards.told(asked, style, room),
            cards.evidenced(items, style, room, text=room.texts),
        ),
        drafts.history_rooms(person),
        (style, count),
        max_tokens=200,
    )


def small_talk(
    talk: Talk,
    person: Person,
    facts: Sequence[str],
    style: Style = PLAIN,
    *,
    count: Count = estimate,
) -> Prompt:
    """Ask for a joke or a story about a taste, from liked titles and true sentences on them."""
    named = replace(style, attributes=True, texts=False, dislikes=False)
    said = "\n".join(f"= {shown}" for fact in facts if (shown := screen.sentences(fact, 200)))
    liked = Person(person.likes)
    return drafts.draft(
        f"{talk}/1",
        wording.system(style, _TALKS[talk], wording.LINES, _FACTS, wording.PRIVATE),
        lambda room: drafts.lines(cards.told(liked, named, room, naming=True), said),
        drafts.history_rooms(liked),
        (style, count),
        max_tokens=160,
    )
