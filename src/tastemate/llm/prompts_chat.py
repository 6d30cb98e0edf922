"""The prompts of a conversation's replies: lines a reader can check one by one, as they come.

They are written as those of `prompts` are: the system message is the same for everybody, what
comes from data or people is screened, and each keeps to the budget of its style.
"""

from collections.abc import Sequence

from tastemate.llm import cards, drafts, wording
from tastemate.llm.cards import Count
from tastemate.llm.person import Person
from tastemate.llm.tokens import estimate
from tastemate.llm.wording import PLAIN, Style
from tastemate.messages import Prompt
from tastemate.types import Evidence, Item

_REPLY = (
    "Reply with lines only: the handles a sentence is about, a colon, the sentence, such as "
    "1,2: sentence."
)
_PLAINLY = (
    "Name the titles; say of them only what stands in their lines, in those words, or quote three "
    "words or more of their text in double quotes; say you; no praise."
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
