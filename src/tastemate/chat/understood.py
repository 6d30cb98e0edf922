"""What was understood, said back in a few words: "Crime from the 1990s, nothing violent".

Values are spelled as the catalogue spells them; around them stand plain words of no domain.
"""

from collections.abc import Iterable, Mapping, Sequence

from tastemate.chat.intent import Wish
from tastemate.llm.screening.hidden import unseen
from tastemate.text.phrases import label, listing, modifier, number
from tastemate.traits import is_year
from tastemate.types import AttributeValue

LONGEST = 80
"""Characters of somebody's own words that are said back."""
_BARE = frozenset(
    "genre mood tone tag category categorie keyword kind type style feature format".split()
)
"""Attributes whose values need no word before them: "Crime", "tense"."""
_MOMENT = {
    "company": ("with {}", frozenset(("alone",))),
    "time": ("for the {}", frozenset()),
    "weekday": ("for a {}", frozenset()),
    "season": ("for {}", frozenset()),
    "place": ("for {}", frozenset()),
    "device": ("on the {}", frozenset()),
    "mood": ("for when you are {}", frozenset()),
    "occasion": ("for {}", frozenset()),
}


def understood(
    wishes: Sequence[Wish],
    *,
    similar: Sequence[str] = (),
    unlike: Sequence[str] = (),
    context: Mapping[str, str] | None = None,
    text: str = "",
    novelty: str = "",
    noun: str = "titles",
) -> str:
    """Return what is wanted as one phrase without a full stop; empty where nothing is.

    `similar` and `unlike` are titles, `text` somebody's own words, `noun` what items are called.
    """
    firm = [wish for wish in wishes if wish.firm]
    rather = [wish for wish in wishes if not wish.firm]
    head, tail = _wanted(firm)
    soft = ", ".join(_parts(rather))
    after = [f"like {listing(similar)}"] if similar else []
    if novelty:
        after.append("new to you" if novelty == "new" else "well known")
    if text:
        after.append(f"close to {quoted(text)}")
    parts = [" ".join([", ".join(head) or (noun if tail else ""), *tail]).strip()]
    parts += [f"nothing {what}" for what in _away(firm)]
    parts += [f"rather {soft}"] if soft else []
    if not any(parts) and after:
        parts = [f"{noun} {after.pop(0)}"]
    parts += after
    parts += [f"not like {listing(unlike)}"] if unlike else []
    moment = [_moment(axis, value) for axis, value in (context or {}).items()]
    parts += [f"{noun} {moment.pop(0)}"] if moment and not any(parts) else []
    return ", ".join([*(part for part in parts if part), *moment])


def short(wishes: Sequence[Wish]) -> str:
    """Return one or two wishes in a few words: "nothing violent", "from 1990 on"."""
    head, tail = _wanted([wish for wish in wishes if not wish.away])
    away = [f"nothing {what}" for what in _away(wishes)]
    return listing([part for part in (" ".join([", ".join(head), *tail]).strip(), *away) if part])


def quoted(text: str) -> str:
    """Return somebody's words in quotation marks: on one line, without marks, cut to 80."""
    plain = " ".join(unseen(text).split()).translate(dict.fromkeys(map(ord, '"\u201c\u201d')))
    return f"\u201c{plain if len(plain) <= LONGEST else plain[: LONGEST - 1].rstrip() + '…'}\u201d"


def _parts(wishes: Sequence[Wish]) -> list[str]:
    head, tail = _wanted(wishes)
    wanted = " ".join([", ".join(head), *tail]).strip()
    return [part for part in (wanted, *(f"nothing {what}" for what in _away(wishes))) if part]


def _wanted(wishes: Sequence[Wish]) -> tuple[list[str], list[str]]:
    """Return bare values, and what stands behind them: "by Ann", "from the 1990s"."""
    head: list[str] = []
    tail: list[str] = []
    for name, mine in _by_attribute(wish for wish in wishes if not wish.away):
        values = [_values(wish.value) for wish in mine if wish.operator in ("is", "any of")]
        if _bare(name):
            head += [listing([listing(each, "or") for each in values])] if values else []
        else:
            tail += [_behind(name, each) for each in values]
        bounds = [wish for wish in mine if wish.operator in ("at least", "at most")]
        if bounds:
            tail.append(_within(name, bounds))
    return head, tail


def _behind(name: str, values: Sequence[str]) -> str:
    if is_year(name):
        return f"from {listing(values, 'or')}"
    return modifier(name, values, "or")


def _away(wishes: Iterable[Wish]) -> list[str]:
    """Return what is wished away, all of one attribute together."""
    found = []
    for name, mine in _by_attribute(wish for wish in wishes if wish.away):
        values = [value for wish in mine for value in _values(wish.value)]
        found.append(listing(values, "or") if _bare(name) else _behind(name, values))
    return found


def _within(name: str, bounds: Sequence[Wish]) -> str:
    """Return bounds in words: "from the 1990s", "with runtime at most 106"."""
    lows = [float(str(wish.value)) for wish in bounds if wish.operator == "at least"]
    highs = [float(str(wish.value)) for wish in bounds if wish.operator == "at most"]
    low, high = max(lows, default=None), min(highs, default=None)
    if is_year(name):
        return _years(low, high)
    named = f"with {label(name)}"
    if low is not None and high is not None:
        if low == high:
            return f"{named} {number(low)}"
        return f"{named} from {number(low)} to {number(high)}"
    return f"{named} at least {number(low)}" if low is not None else f"{named} at most {_n(high)}"


def _years(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        if low == high:
            return f"from {number(low)}"
        if high - low == 9 and low % 10 == 0:
            return f"from the {number(low)}s"
        return f"from {number(low)} to {number(high)}"
    return f"from {number(low)} on" if low is not None else f"from {_n(high)} or before"


def _n(value: float | None) -> str:
    return number(value or 0.0)


def _moment(axis: str, value: str) -> str:
    said = " ".join(unseen(value).split())[:LONGEST]
    form, plain = _MOMENT.get(axis, (f"{label(axis)}: {{}}", frozenset()))
    return said if said in plain else form.format(said)


def _bare(name: str) -> bool:
    return label(name).lower().split(" ")[-1].removesuffix("s") in _BARE


def _by_attribute(wishes: Iterable[Wish]) -> list[tuple[str, list[Wish]]]:
    found: dict[str, list[Wish]] = {}
    for wish in wishes:
        found.setdefault(wish.attribute, []).append(wish)
    return list(found.items())


def _values(value: AttributeValue) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (number(value) if isinstance(value, int | float) else value,)
