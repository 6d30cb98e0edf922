"""What a sentence of an answer may say: a small grammar in which only what items hold can stand.

A sentence is read as titles, attribute values, quotations and a few words that join them;
whatever else it holds is unbound. Words of a description pass in a verbatim quotation only, since
the same words in another order say something else.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tastemate.explain import vocabulary
from tastemate.explain.marks import title_names
from tastemate.explain.spoken import YOU, without_you
from tastemate.llm.screening import screen
from tastemate.llm.screening.hidden import LOOKED, unseen
from tastemate.text.named import TOKEN, Named
from tastemate.text.words import fold, stem
from tastemate.traits import decade, is_year, split_year
from tastemate.types import Item, Recommendation

QUOTED = 3
"""Words of the shortest quotation."""
_JOINING = frozenset(
    """a an the is are was were it its this that which these both also too and another film films
    movie movies title titles book books as like with from of in by about on to belongs belong share
    shares shared same feels feel has have features feature featuring explores explore released
    came out fits fit match matches suits suit choice pick option such so well""".split()
)
_ARTICLES = frozenset("a an the its also too both V , and".split())
_NOUNS = frozenset("film films movie movies title titles book books story stories".split())
_MAKERS = frozenset("director filmmaker author writer creator artist brand maker developer".split())
_CAST = frozenset("cast actor star performer".split())
_PLACES = frozenset("country countrie place setting location".split())
_SERIES = frozenset("series franchise collection".split())
_THEMES = frozenset("theme topic subject keyword tag".split())
_FEELS = frozenset("mood tone genre categorie category tag keyword".split())
_AFTER: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (_MAKERS, frozenset(("by",))),
    (_CAST, frozenset("with featuring features feature starring stars".split())),
    (_PLACES, frozenset(("in", "from"))),
    (frozenset(("language",)), frozenset(("in",))),
    (
        frozenset(("year",)),
        frozenset(["", *"from in of is are was were released out film movie".split()]),
    ),
    (_SERIES, frozenset(("from", "to"))),
    (_THEMES, frozenset("about on explores explore with".split())),
    (
        _FEELS,
        frozenset(["", *"is are was were feels feel of with which as-in another this".split()]),
    ),
)
"""Kinds of attributes → the words after which their values say what is true ("" begins)."""
_NEGATION = re.compile(
    r"(?i)\b(?:not|no|never|without|hardly|neither|nor|none|instead|rather|un\w*like|"
    r"cannot|\w+n['\u2019]t|if|would|could|false\w*|den(?:y|ies|ied))\b"
)
_QUOTES = re.compile('["\u201c\u00ab\u201e]([^"\u201c\u201d\u00ab\u00bb\u201e]*)["\u201d\u00bb]')
_PIECE = re.compile(r"[TLQ]\x00\d+\x00|\w+(?:['\u2019-]\w+)*|[^\w\s]")


@dataclass(slots=True)
class _Sentence:
    """A sentence as symbols: T, L, V and Q with a number, words, and stops."""

    tokens: list[str] = field(default_factory=list)
    values: list[tuple[str, ...]] = field(default_factory=list)
    likes: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)


def unbound(
    text: str, cited: Sequence[Recommendation], named: Named, question: str = ""
) -> list[str]:
    """Return what a sentence says that the items it cites do not hold.

    It may name titles of the cited items and of the likes in their reasons, values that every
    cited item has (and every like that is compared with them shares), and quote what every cited
    item's screened text says, in three words or more. What speaks to a model in an item may not
    be said again. A second person passes with a like or the question only.
    """
    held = _held([line.item for line in cited])
    said = _read(unseen(text), cited, set(held))
    if said.loose:
        return said.loose
    shown = " ".join(said.tokens)
    asked = any(set(_words(question)).issuperset(value) for value in said.values)
    about, problem = without_you(shown, asked=asked)
    if problem:
        return [problem]
    tokens = about.split()
    if not any(token[0] in "VQ" or token.islower() for token in tokens):
        return [text]  # a title alone says nothing
    problems = [
        token
        for at, token in enumerate(tokens)
        if not _stands(tokens, at, said, held, both=len(cited) > 1)
    ]
    plain = " ".join(token if token.islower() else "\u2022" for token in tokens)
    return problems + _unshared(tokens, said, cited) + named.found(plain)


def honest(title: str) -> bool:
    """Whether a title is screened in full and shown to models, its year aside."""
    return len(title) <= LOOKED and screen.title(split_year(title)[0]) != screen.WITHHELD


def _held(items: Sequence[Item]) -> dict[tuple[str, ...], set[str]]:
    """Return the values that all items have, as words → singular attributes."""
    each = [set(_pairs(item)) for item in items]
    found: dict[tuple[str, ...], set[str]] = {}
    for attribute, words in sorted(set.intersection(*each)) if each else ():
        found.setdefault(words, set()).add(attribute)
    return found


def _pairs(item: Item) -> Iterable[tuple[str, tuple[str, ...]]]:
    year = split_year(item.title)[1]
    years = [year] if year else []
    for name, value in item.attributes.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            years += [int(value)] if is_year(name) else []
            continue
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str) and screen.value(one) and (words := _words(one)):
                yield _singular(name), words
    for when in years:
        yield "year", (str(when),)
        yield "year", (decade(when),)


def _singular(attribute: str) -> str:
    return attribute.casefold().removesuffix("s") if attribute != "series" else attribute


def _words(text: str) -> tuple[str, ...]:
    return tuple(_word(one) for one in TOKEN.findall(text.replace("-", " ")))


def _word(word: str) -> str:
    return word.casefold() if any(sign.isdigit() for sign in word) else stem(fold(word))


def _read(text: str, cited: Sequence[Recommendation], values: set[tuple[str, ...]]) -> _Sentence:
    """Return a sentence as symbols, with what cannot stand whatever is around it in `loose`."""
    said = _Sentence()
    titles = {name for line in cited if honest(line.item.title) for name in _names(line.item.title)}
    likes = {
        name: fact.item
        for line in cited
        for fact in line.reason.evidence
        if fact.kind == "liked item" and honest(fact.title)
        for name in _names(fact.title)
    }

    def quoted(found: re.Match[str]) -> str:
        if found[1] in titles or found[1] in likes:
            return found[1]
        if not all(_says(line.item, found[1]) for line in cited):
            said.loose.append(found[0])
        return " Q\x000\x00 "

    text = _QUOTES.sub(quoted, text)
    for name in sorted({*titles, *likes}, key=lambda one: (-len(one), one)):
        symbol = f"T\x00{0}\x00"
        if name not in titles:
            said.likes.append(likes[name])
            symbol = f"L\x00{len(said.likes) - 1}\x00"
        flags = re.IGNORECASE if " " in name else 0
        text = re.sub(
            rf"(?<![\w\x00]){re.escape(name)}(?:['\u2019]s)?(?![\w\x00])",
            f" {symbol} ",
            text,
            flags=flags,
        )
    _take(said, text, values)
    return said


def _take(said: _Sentence, text: str, values: set[tuple[str, ...]]) -> None:
    """Read the rest of a sentence token by token, the longest value first."""
    longest = max((len(one) for one in values), default=0)
    pieces: list[str] = []
    for piece in _PIECE.findall(text):
        pieces += [piece] if "\x00" in piece else re.split("-", piece)
    plain = ["" if "\x00" in piece else _word(piece) for piece in pieces]
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        size = next((n for n in range(longest, 0, -1) if tuple(plain[at : at + n]) in values), 0)
        if "\x00" in piece:
            said.tokens.append(piece.replace("\x00", ""))
        elif size:
            said.values.append(tuple(plain[at : at + size]))
            said.tokens.append(f"V{len(said.values) - 1}")
        elif piece in ",;.!:\u2013\u2014":
            said.tokens.append(";" if piece in ":\u2013\u2014" else piece)
        elif piece.isascii() and piece.replace("'", "").isalpha():
            said.tokens.append(piece.casefold())
        else:
            said.loose.append(piece)
        at += max(size, 1)


def _names(title: str) -> set[str]:
    return title_names(title, fold=False)


def _says(item: Item, quote: str) -> bool:
    """Whether an item's text says a piece of three words or more, and nothing turns it round."""
    if len(TOKEN.findall(quote)) < QUOTED or YOU.search(quote.casefold()):
        return False
    piece = re.compile(rf"(?<!\w){re.escape(quote.strip(' .,;'))}(?!\w)")
    found = ((sentence, piece.search(sentence)) for sentence in screen.held(item.text))
    return any(hit and not _NEGATION.search(text[: hit.start()]) for text, hit in found)


def _stands(
    tokens: Sequence[str],
    at: int,
    said: _Sentence,
    held: dict[tuple[str, ...], set[str]],
    *,
    both: bool,
) -> bool:
    """Whether one symbol may stand where it does."""
    token = tokens[at]
    before = tokens[at - 1] if at else ""
    if token[0] in "TL":
        return _title_stands(tokens, at, before)
    if token[0] == "V":
        return _value_stands(tokens, at, said.values[int(token[1:])], held)
    if token[0] == "Q" or token in ",;.!":
        return True
    if token in vocabulary.KINDS:
        kinds = vocabulary.KINDS[token]
        return any(kinds & attributes for attributes in held.values())
    if token == "like":
        return at + 1 < len(tokens) and tokens[at + 1][0] in "TL"
    if token == "as":
        after = tokens[at + 1 : at + 3]
        return before == "such" or bool(after) and (after[0] == "well" or after[-1][0] in "TL")
    if token == "both":
        return both or any(one[0] == "L" for one in tokens)
    return token in _JOINING


def _title_stands(tokens: Sequence[str], at: int, before: str) -> bool:
    """Whether a title stands where it is spoken of or compared with, not where it does something.

    "Heat shares", "like Heat", "as is Heat" say what values say; "about Heat" says more.
    """
    if before in ("", ",", ";", ".", "!", "and", "like", "both", "as", "film") or before[0] == "V":
        return True
    if before == "in":
        return at == 1
    if before == "with":
        return bool({"share", "shares", "shared", "same"} & set(tokens))
    return before in ("is", "are") and at > 1 and tokens[at - 2] == "as"


def _value_stands(
    tokens: Sequence[str],
    at: int,
    value: tuple[str, ...],
    held: dict[tuple[str, ...], set[str]],
) -> bool:
    """Whether a value stands after a word that says of it what its attribute says."""
    attributes = held[value]
    back = [one for one in tokens[:at] if one not in _ARTICLES and one[0] != "V"]
    word = back[-1] if back else ""
    if word in (".", "!", ";") or (
        word[:1] in ("T", "L") and tokens[tokens.index(word) + 1] == ","
    ):
        word = ""
    if word in vocabulary.KINDS:
        return bool(attributes & vocabulary.KINDS[word])
    earlier = back[-2] if len(back) > 1 else ""
    kinds = (
        vocabulary.KINDS.get(earlier) if word in ("by", "in", "of", "is", "are", "was") else None
    )
    if kinds is not None and not attributes & kinds:
        return False
    if kinds is not None or word in ("share", "shares", "shared"):
        return True
    if any(attributes & which and word in words for which, words in _AFTER):
        return True
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    noun = following in _NOUNS or following[:1] == "V"
    return bool(attributes & _THEMES) and noun and word in ("", "is", "are", "was", "another")


def _unshared(tokens: Sequence[str], said: _Sentence, cited: Sequence[Recommendation]) -> list[str]:
    """Return what a sentence says of a like that the evidence does not."""
    likes = {said.likes[int(token[1:])] for token in tokens if token[0] == "L"}
    if not likes:
        return []
    problems: list[str] = []
    for like in sorted(likes):
        shared = [
            (_singular(fact.attribute), _words(str(one)))
            for line in cited
            for fact in line.reason.evidence
            if fact.kind == "shared attribute" and fact.item == like
            for one in (fact.value if isinstance(fact.value, tuple) else (fact.value,))
        ]
        spoken = [said.values[int(token[1:])] for token in tokens if token[0] == "V"]
        kinds = [vocabulary.KINDS[token] for token in tokens if token in vocabulary.KINDS]
        problems += [" ".join(one) for one in spoken if one not in {words for _, words in shared}]
        if not all(kind & {name for name, _ in shared} for kind in kinds):
            problems.append("another kind")
        if not spoken and not kinds:
            problems.append("like what")
    return problems
