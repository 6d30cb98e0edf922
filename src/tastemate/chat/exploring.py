"""What is known of items and of a taste, in sentences: details, comparisons, reasons.

Values stand as the catalogue has them; a text is quoted, never retold.
"""

from collections.abc import Collection, Mapping, Sequence

from tastemate.chat.asked import technical
from tastemate.chat.wording import varied
from tastemate.explain.compare import Comparison, Facts
from tastemate.explain.marks import known
from tastemate.llm.screening import screen
from tastemate.text.phrases import label, listing, modifier, number, predicate, predicate_of_one
from tastemate.text.words import stem, words
from tastemate.traits import is_year, split_year
from tastemate.types import Item, Recommendation, Taste

QUOTED = 320
"""Characters of a text that are quoted."""
VALUES = 4
"""Values of one attribute that are said."""
CLAUSES = 6
"""Attributes that are said of one item."""
_KNOWN_AS = ("{title} {what}.", "What is known of {title}: it {what}.")
_WHY = ("Why {title}: {why}", "{title}? {why}")


def detail(item: Item, turn: int = 0, before: str = "", *, first: Collection[str] = ()) -> str:
    """Say what is known of an item, and quote its text; attributes in `first` come first."""
    told = _described(_facts(item), first)[:CLAUSES]
    numbers = [
        f"{label(name)} {_figure(value)}"
        for name, value in item.attributes.items()
        if isinstance(value, int | float) and not is_year(name) and not technical(name)
    ]
    sentences = []
    if told:
        sentences.append(varied(_KNOWN_AS, turn, before, title=item.title, what=", ".join(told)))
    if numbers:
        sentences.append(f"Its numbers: {', '.join(numbers)}.")
    if text := excerpt(item.text):
        sentences.append(f"Its description says: \u201c{text}\u201d")
    return " ".join(sentences) or f"Nothing is known of {item.title} but its title."


def compared(comparison: Comparison) -> str:
    """Say of two or three items what they share, what each has alone, and which suits better."""
    sentences = []
    both = "Both" if len(comparison.items) == 2 else "All three"
    items = [one.item for one in comparison.items]
    shared = [
        predicate(name, distinct(values))
        for name, values in _leading(_worth(comparison.shared, items[0]))
    ]
    if shared:
        sentences.append(f"{both} {listing(shared[:3])}.")
    for one in comparison.items:
        if own := _described(_worth(one.own, one.item), most=3)[:3]:
            sentences.append(f"{one.item.title} {', '.join(own)}.")
    if comparison.best:
        sentences.append(comparison.verdict)
    for one in comparison.items:
        for fact in one.reason.evidence:
            if fact.kind == "seen":
                sentences.append(f"You {known(fact, one.item.title)}.")
    if not sentences:
        names = listing([one.item.title for one in comparison.items])
        sentences.append(f"Nothing that is known tells {names} apart.")
    return " ".join(sentences)


def why(line: Recommendation, paths: Sequence[str] = (), turn: int = 0, before: str = "") -> str:
    """Say why an item is shown: its reason, and what a graph found, each path a sentence."""
    told = [line.reason.text] if line.reason.text else []
    told += [text if text.endswith(".") else f"{text}." for path in paths if (text := path.strip())]
    if not told:
        return f"Nothing in particular speaks for {line.item.title}; it scored best of what fits."
    return varied(_WHY, turn, before, title=line.item.title, why=" ".join(told))


def tasted(taste: Taste | None, lines: Sequence[str] = ()) -> str:
    """Say what somebody likes: the sentences of the taste, then what this conversation said."""
    text = (taste.text or _stated(taste)) if taste is not None else ""
    parts = [text] if text else []
    if lines:
        parts.append(f"From what you told me: {'; '.join(lines)}.")
    return " ".join(parts) or "I know nothing of your taste yet. Name something you liked."


def said(name: str, values: Sequence[str]) -> str:
    """Say of one item what it has: `said("directors", ["Ann"])` → "is by Ann"."""
    if is_year(name):
        return f"is {_dated(values)}"
    return predicate_of_one(name, values)


def excerpt(text: str, most: int = QUOTED) -> str:
    """Return whole sentences from the beginning of a text, as they stand, within `most` characters.

    Sentences that speak to a model are left out; a first one that is too long is cut at a word.
    """
    kept = ""
    for sentence in screen.held(text):
        plain = " ".join(sentence.split()).replace("\u201d", '"').replace("\u201c", '"')
        if len(kept) + 1 + len(plain) > most:
            break
        kept = f"{kept} {plain}".strip()
    if kept:
        return kept
    first = " ".join(next(iter(screen.held(text)), "").split())
    return f"{first[:most].rsplit(' ', 1)[0]}…" if first else ""


def distinct(values: Sequence[str], most: int = VALUES) -> list[str]:
    """Return the first values that are not other spellings or parts of one before."""
    kept: list[str] = []
    spelled: list[set[str]] = []
    for value in values:
        mine = {stem(word) for word in words(value)}
        if mine and any(mine <= other or other <= mine for other in spelled):
            continue
        kept.append(value)
        spelled.append(mine)
        if len(kept) == most:
            break
    return kept


def _described(
    facts: Mapping[str, Sequence[str]], first: Collection[str] = (), most: int = VALUES
) -> list[str]:
    """Return what an item has, a clause an attribute: "is Crime", "by Ann", "about war"."""
    told: list[str] = []
    for name, values in _leading(facts, first):
        shown = distinct(values, most)
        told.append(_behind(name, shown) if told else said(name, shown))
    return told


def _leading(
    facts: Mapping[str, Sequence[str]], first: Collection[str] = ()
) -> list[tuple[str, Sequence[str]]]:
    """Return attributes with values, those of a bare predicate ("are Crime") before others."""
    return sorted(
        ((name, values) for name, values in facts.items() if values),
        key=lambda one: (not predicate(one[0], ["x"]).startswith("are x"), one[0] not in first),
    )


def _behind(name: str, values: Sequence[str]) -> str:
    if is_year(name):
        return _dated(values)
    return modifier(name, values).replace("that feel ", "that feels ")


def _dated(values: Sequence[str]) -> str:
    return f"from {'the ' if values[0].endswith('s') else ''}{listing(values)}"


def _facts(item: Item) -> Facts:
    """Return the values of an item that are said; its year only where the title has none."""
    found: Facts = {}
    for name, value in item.attributes.items():
        if isinstance(value, tuple):
            found[name] = value
        elif isinstance(value, str):
            found[name] = (value,) if value else ()
        elif is_year(name):
            found[name] = (number(value),)
    return _worth(found, item)


def _worth(facts: Facts, item: Item) -> Facts:
    """Return facts without ids, numbers, and years that the title says already."""
    dated = split_year(item.title)[1] is not None
    return {
        name: values
        for name, values in facts.items()
        if values and not technical(name)
        if isinstance(item.attributes.get(name), str | tuple) or (is_year(name) and not dated)
    }


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else number(value)


def _stated(taste: Taste) -> str:
    likes = [str(one.value) for one in taste.statements if one.likes]
    dislikes = [str(one.value) for one in taste.statements if not one.likes]
    parts = [f"You like {listing(likes[:6])}."] if likes else []
    parts += [f"You care less for {listing(dislikes[:4])}."] if dislikes else []
    return " ".join(parts)
