"""What a conversation answers as JSON values: replies, beliefs, chips. Nothing in them is null."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tastemate.chat.questions import wishes_of
from tastemate.chat.session import Question, Relaxation, Session
from tastemate.chat.told import Line, told
from tastemate.chat.understood import short
from tastemate.serve.cards import card, plain
from tastemate.types import AttributeValue, Recommendation

if TYPE_CHECKING:
    from tastemate.catalog import Catalog
    from tastemate.chat.reply import Reply

NO_QUESTION: Mapping[str, Any] = {"text": "", "attribute": "", "options": []}


def reply_json(reply: "Reply", catalog: "Catalog", took: float) -> dict[str, Any]:
    """Return a whole reply; `took` in seconds."""
    session = reply.session
    return {
        "session_id": session.id,
        "user_id": session.user or "",
        "turns": len(session.turns),
        "message": session.turns[-1].text,
        "reply": reply.text,
        "state": reply.intent.state,
        "items": [card(line) for line in reply.slate.items],
        "question": question(reply.question),
        "relaxations": [_offer(one) for one in reply.relaxations],
        **held(session, catalog),
        "degraded": list(reply.degraded),
        "unknown": reply.slate.unknown,
        "took_ms": round(took * 1000, 3),
    }


def session_json(session: Session, catalog: "Catalog") -> dict[str, Any]:
    """Return a conversation as it was kept; items gone from the catalogue are left out."""
    return {
        "session_id": session.id,
        "user_id": session.user or "",
        "turns": [
            {
                "message": turn.text,
                "reply": turn.reply,
                "items": [
                    card(Recommendation(rank, catalog[one], 0.0))
                    for rank, one in enumerate(turn.shown, start=1)
                    if one in catalog
                ],
                "question": question(turn.asked),
                "relaxations": [_offer(one) for one in turn.relaxations],
                "at": turn.at,
            }
            for turn in session.turns
        ],
        **held(session, catalog),
    }


def held(session: Session, catalog: "Catalog") -> dict[str, Any]:
    """Return what a conversation makes one believe: every line, and the wishes as chips."""
    lines = told(session, catalog)
    return {
        "beliefs": [{"number": at, "text": one.text} for at, one in enumerate(lines, start=1)],
        "chips": [chip(at, one, session) for at, one in enumerate(lines, start=1) if one.wishes],
    }


def chip(number: int, line: Line, session: Session) -> dict[str, Any]:
    """Return a line about wishes as a chip; two bounds are one chip, "between"."""
    wish = line.wishes[0]
    ranged = len(line.wishes) > 1
    bounds = sorted((one.value for one in line.wishes), key=_number)
    return {
        "number": number,
        "text": short(line.wishes),
        "attribute": wish.attribute,
        "operator": "between" if ranged else wish.operator,
        "value": list(bounds) if ranged else plain(wish.value),
        "firm": wish.firm,
        "turn": line.turn + 1,
        "message": session.turns[line.turn].text if line.turn >= 0 else "",
    }


def question(asked: Question | None) -> dict[str, Any]:
    """Return what is asked back; each option is a text that answers it."""
    if asked is None:
        return dict(NO_QUESTION)
    options = [
        one if isinstance(one, str) else short(wishes_of(asked, one)) for one in asked.options
    ]
    return {"text": asked.text, "attribute": asked.attribute, "options": options}


def listed(items: Sequence[Recommendation]) -> str:
    """Return cards as numbered lines, for those who see text only."""
    return "\n".join(
        f"{line.rank}. **{_inline(line.item.title)}**"
        + (f": {_inline(line.reason.text)}" if line.reason.text else "")
        for line in items
    )


def _offer(one: Relaxation) -> dict[str, Any]:
    return {"text": short((one.wish, *one.also)), "items": one.items, "example": one.example}


def _inline(text: str) -> str:
    """Return text on one line that no reader of Markdown takes for anything but text."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|~" else c for c in " ".join(text.split()))


def _number(value: AttributeValue) -> float:
    return float(value) if isinstance(value, int | float) else math.inf
