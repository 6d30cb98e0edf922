"""What is believed of a person, told line by line, so that each line can be taken back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tastemate.catalog import Catalog
from tastemate.chat.beliefs import MARK, VERDICTS, Beliefs, Verdict, beliefs
from tastemate.chat.holding import Held
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.session import Session, Turn
from tastemate.chat.understood import short
from tastemate.errors import NotFound

_OF: dict[Verdict, str] = {
    "liked": "you like",
    "disliked": "you dislike",
    "seen": "you know",
    "similar": "you want something like",
    "unlike": "you want nothing like",
    "picked": "you picked",
    "about": "you asked about",
}
_VERBS = {True: "you want", False: "you would rather have"}
_NOVELTY = {"new": "you want something new to you", "known": "you want what is well known"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing believed, in words for the person it is believed of."""

    text: str
    withdrawn: tuple[tuple[str, str], ...]
    """What an intent has to take back for the line to go."""
    turn: int = -1
    """The turn (from 0) it comes from; -1 where that is not kept."""
    wishes: tuple[Wish, ...] = ()
    """The wish it tells of, or the two bounds of one range; empty for other lines."""


def told(session: Session, catalog: Catalog) -> tuple[Line, ...]:
    """Return what a conversation makes one believe: wishes first, then items, then the rest."""
    return lines(beliefs(session, catalog), session, catalog)


def lines(believed: Beliefs, session: Session, catalog: Catalog) -> tuple[Line, ...]:
    """Return the lines of beliefs that were folded from the session."""
    return tuple(
        replace(line, text=f"{line.text}{_since(session, line.turn)}")
        for line in (
            *_wishes(believed.wishes),
            *(Line(*one) for one in _items(believed, catalog)),
            *(Line(*one) for one in _rest(believed)),
        )
    )


def drop(session: Session, number: int, catalog: Catalog, at: int = 0) -> Session:
    """Return the conversation with one line, by its number from 1, taken back.

    Raises `NotFound` where there is no such line.
    """
    known = told(session, catalog)
    if not 1 <= number <= len(known):
        many = f"there are {len(known)}" if known else "nothing is believed yet"
        raise NotFound(f"There is no line {number}: {many}. Look at the lines and choose one.")
    gone = Intent("feedback", withdrawn=known[number - 1].withdrawn)
    return session.then(Turn("", gone, at=at))


def _wishes(held: Sequence[Held]) -> Iterator[Line]:
    """Yield a line a wish, so that each can be taken back; two bounds of one turn are one."""
    done: set[int] = set()
    for at, one in enumerate(held):
        if at in done:
            continue
        other = next((n for n in range(at + 1, len(held)) if _range(one, held[n])), at)
        done.add(other)
        wishes = [one.wish] if other == at else [one.wish, held[other].wish]
        back = tuple(pair for wish in wishes for pair in _back(wish))
        text = f"{_VERBS[one.wish.firm]}: {short(wishes)}"
        yield Line(text, back, one.turn, tuple(wishes))


def _range(one: Held, other: Held) -> bool:
    same = (one.turn, one.wish.attribute, one.wish.firm)
    both = {one.wish.operator, other.wish.operator}
    there = (other.turn, other.wish.attribute, other.wish.firm)
    return same == there and both == {"at least", "at most"}


def _back(wish: Wish) -> tuple[tuple[str, str], ...]:
    values = wish.value if isinstance(wish.value, tuple) else (wish.value,)
    return tuple((wish.attribute, str(value)) for value in values)


def _items(
    believed: Beliefs, catalog: Catalog
) -> Iterator[tuple[str, tuple[tuple[str, str], ...], int]]:
    for name in VERDICTS:
        signs = getattr(believed, name)
        for item, sign in signs.items():
            title = catalog.titles[catalog.row(item)] or item
            yield f"{_OF[name]}: {title}", ((f"{MARK}{name}", item),), sign.turn


def _rest(believed: Beliefs) -> Iterator[tuple[str, tuple[tuple[str, str], ...], int]]:
    for one in believed.texts:
        yield f'you asked for: "{one.text}"', ((f"{MARK}text", one.text),), one.turn
    for one in believed.undecided:
        words = f'"{one.text}" (nothing here tells what that is true of)'
        yield words, ((f"{MARK}undecided", one.text),), one.turn
    for name, value in believed.context.items():
        yield f"{name}: {value}", ((f"{MARK}context {name}", ""),), -1
    if believed.k is not None:
        yield f"{believed.k} at a time", ((f"{MARK}k", ""),), -1
    if believed.novelty:
        yield _NOVELTY[believed.novelty], ((f"{MARK}novelty", ""),), -1


def _since(session: Session, turn: int) -> str:
    """Return since which message of the person something holds; changes by hand are none."""
    if turn < 0 or not session.turns[turn].text:
        return ""
    number = sum(bool(one.text) for one in session.turns[: turn + 1])
    return f", since your {_ordinal(number)} message"


def _ordinal(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ends.get(number % 10, 'th')}"
