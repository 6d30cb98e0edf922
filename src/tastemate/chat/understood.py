"""What was understood, said back in a few words: "Crime from the 1990s, nothing violent".

Values are spelled as the catalogue spells them; around them stand plain words of no domain.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

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
_KINDS = frozenset("genre category categorie kind type format".split())
"""Those of them whose values are nouns: what is wanted can be said "by" or "from" after them."""
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
) -> str:
    """Return what is wanted as one phrase without a full stop; empty where nothing is.

    `similar` and `unlike` are titles, `text` somebody's own words.
    """
    parts = _parts([wish for wish in wishes if wish.firm])
    soft = ", ".join(_parts([wish for wish in wishes if not wish.firm]))
    parts += [f"rather {soft}"] if soft else []
    parts += [f"like {listing(similar)}"] if similar else []
    if novelty:
        parts.append("new to you" if novelty == "new" else "well known")
    parts += [f"close to {quoted(text)}"] if text else []
    parts += [f"not like {listing(unlike)}"] if unlike else []
    return ", ".join([*parts, *(_moment(axis, value) for axis, value in (context or {}).items())])


def short(wishes: Sequence[Wish]) -> str:
    """Return one or two wishes in a few words: "nothing violent", "from 1990 on"."""
    return listing(_parts(wishes))


def quoted(text: str) -> str:
    """Return somebody's words in quotation marks: on one line, without marks, cut to 80."""
    plain = " ".join(unseen(text).split()).translate(dict.fromkeys(map(ord, '"\u201c\u201d')))
    return f"\u201c{plain if len(plain) <= LONGEST else plain[: LONGEST - 1].rstrip() + '…'}\u201d"


def _parts(wishes: Sequence[Wish]) -> list[str]:
    """Return what is wanted, then what is not."""
    wanted = _wanted([wish for wish in wishes if not wish.away])
    return [part for part in (wanted, *(f"nothing {what}" for what in _away(wishes))) if part]


def _wanted(wishes: Sequence[Wish]) -> str:
    """Return what is wanted in one breath: "tense Crime by Ann from the 1990s"."""
    like: list[str] = []
    kinds: list[str] = []
    behind: list[str] = []
    for name, mine in _by_attribute(wishes):
        values = [_values(wish.value) for wish in mine if wish.operator in ("is", "any of")]
        if not _bare(name):
            behind += [_behind(name, each) for each in values]
        elif values:
            said = listing([listing(each, "or") for each in values])
            (kinds if _ends(name, _KINDS) else like).append(said)
        bounds = [wish for wish in mine if wish.operator in ("at least", "at most")]
        if bounds:
            behind.append(_within(name, bounds))
    head = " ".join(part for part in (", ".join(like), ", ".join(kinds)) if part)
    # "Crime from the 1990s", but "Tense, from the 1990s"
    between = ", " if head and behind and not kinds else " "
    return f"{head}{between}{' '.join(behind)}".strip()


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
    return _ends(name, _BARE)


def _ends(name: str, among: Collection[str]) -> bool:
    return label(name).lower().split(" ")[-1].removesuffix("s") in among


def _by_attribute(wishes: Iterable[Wish]) -> list[tuple[str, list[Wish]]]:
    found: dict[str, list[Wish]] = {}
    for wish in wishes:
        found.setdefault(wish.attribute, []).append(wish)
    return list(found.items())


def _values(value: AttributeValue) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (number(value) if isinstance(value, int | float) else value,)
