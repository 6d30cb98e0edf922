"""The answer to a question asked back: "yes", "no", "the first", a bare value.

Such a message means nothing by itself; with the question it is a wish.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from tastemate.chat.intent import Intent, Wish
from tastemate.chat.questions import wishes_of
from tastemate.chat.session import Question
from tastemate.text.words import stem, words
from tastemate.traits import is_year
from tastemate.types import AttributeValue, Operator

LONGEST = 8
"""Words of a message that may be nothing but an answer."""

_YES = frozenset(
    "yes yeah yep yup yea sure ok okay definitely absolutely exactly right course please".split()
)
_NO = frozenset("no nope nah not neither none never without nothing dont".split())
_AGREEING = _YES | frozenset("do that it this then thanks drop go ahead fine first one".split())
"""Words of a message that does nothing but agree."""
_OPEN = re.compile(
    r"\b(?:any(?:thing)?(?! but\b)|either|both|whatever|whichever|"
    r"don['\u2019]?t (?:care|mind|know)|"
    r"(?:doesn['\u2019]?t|does not) matter|no (?:preference|idea)|all the same|not sure|"
    r"you (?:choose|decide|pick)|surprise me|skip)\b",
    re.IGNORECASE,
)
_SOFT = frozenset("rather maybe perhaps probably guess preferably mostly possibly".split())
_UP = frozenset(
    "after later newer since more longer over above least higher high new long from".split()
)
_DOWN = frozenset(
    "before earlier older until less shorter under below most lower low up old short fewer".split()
)
_SIZES = frozenset("short shorter long longer high higher low lower less more fewer".split())
"""Words that say nothing of a year."""
_ORDINALS = {
    name: at
    for at, names in enumerate(
        ("first 1st former 1 one", "second 2nd 2", "third 3rd 3", "fourth 4th 4", "fifth 5th 5")
    )
    for name in names.split()
} | {"last": -1, "latter": -1}
_POINTING = frozenset("the first last latter former one option number second third".split())
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TURNED: dict[Operator, Operator] = {
    "is": "is not",
    "any of": "none of",
    "at least": "at most",
    "at most": "at least",
}


def answered(
    question: Question | None, intent: Intent, text: str, *, listed: bool = False
) -> Intent:
    """Return a message's intent with what it answers to a question as wishes.

    Where a list is on the table (`listed`), "the second" is its second item and no option.

    What is no answer comes back as it was. An answer that leaves the question open comes back
    without wishes: having been asked, the attribute is not asked about again.
    """
    said = words(text)
    if question is None or not said or not _may_answer(intent, said):
        return intent
    if listed and intent.picked:
        return intent
    plain = replace(intent, state="recommendation", picked=(), text="", unknown=(), undecided=())
    if _OPEN.search(text):
        return plain
    refused = not _NO.isdisjoint(said)
    agreed = not _YES.isdisjoint(said)
    options = question.options
    named = (
        _named(options, said)
        or _bounded(question, said)
        or ([] if listed else _pointed(options, said))
    )
    if not named and (refused or (agreed and len(options) == 1)):
        named = list(options)
    firm = _SOFT.isdisjoint(said)
    wishes = _wishes(question, named, refused, firm) or _number(question, text, firm)
    if wishes:
        return replace(plain, wishes=tuple(dict.fromkeys(wishes)))
    # "yes" to a choice of several chooses none; neither does "no" to both sides of a bound
    return plain if len(said) <= 2 and (agreed or refused) else intent


def agrees(text: str) -> bool:
    """Whether a message is a plain yes and nothing else."""
    said = words(text)
    return not _YES.isdisjoint(said) and _AGREEING.issuperset(said)


def _may_answer(intent: Intent, said: Sequence[str]) -> bool:
    """Whether a message can be nothing but an answer: short, and about nothing else."""
    items = (intent.liked, intent.disliked, intent.seen, intent.similar, intent.unlike)
    more = (intent.wishes, intent.withdrawn, intent.about, intent.act, intent.verdict)
    return len(said) <= LONGEST and not any(items) and not any(more)


def _named(options: Sequence[AttributeValue], said: Sequence[str]) -> list[AttributeValue]:
    """Return the options whose words all stand in the answer."""
    stems = {stem(word) for word in said}
    return [
        one
        for one in options
        if (wanted := [stem(word) for word in words(str(one))]) and stems.issuperset(wanted)
    ]


def _bounded(question: Question, said: Sequence[str]) -> list[AttributeValue]:
    """Return the options that are bounds of the direction an answer names."""
    heard = set(said) - _SIZES if is_year(question.attribute) else set(said)
    up, down = not _UP.isdisjoint(heard), not _DOWN.isdisjoint(heard)
    if up == down:
        return []
    wanted = "at least" if up else "at most"
    return [
        one
        for one in question.options
        if any(wish.operator == wanted for wish in wishes_of(question, one))
    ]


def _pointed(options: Sequence[AttributeValue], said: Sequence[str]) -> list[AttributeValue]:
    """Return the options that an answer points to by position."""
    if len(said) > 1 and _POINTING.isdisjoint(said):
        return []
    named = [word for word in said if word in _ORDINALS]
    # "the second one" is the second
    places = [_ORDINALS[word] for word in named if word != "one" or len(named) == 1]
    return [options[at] for at in dict.fromkeys(places) if at < len(options)] if options else []


def _wishes(
    question: Question, named: Sequence[AttributeValue], refused: bool, firm: bool
) -> list[Wish]:
    """Return what choosing, or refusing, options wishes; several chosen are alternatives."""
    wishes = [wish for one in named for wish in wishes_of(question, one, firm=firm)]
    if refused:
        turned = [_turned(wish, question.attribute) for wish in wishes]
        bounds = {wish.operator for wish in turned} & {"at least", "at most"}
        return [] if len(bounds) > 1 else turned
    values = [wish.value for wish in wishes if wish.operator == "is"]
    if len(values) > 1 and len(values) == len(wishes):
        return [Wish(question.attribute, "any of", tuple(str(one) for one in values), firm)]
    return wishes if len(wishes) < 2 else []


def _turned(wish: Wish, attribute: str) -> Wish:
    """Return the contrary of a wish: not before 1990 is since 1990."""
    value = wish.value
    if isinstance(value, int) and is_year(attribute):
        value += {"at most": 1, "at least": -1}.get(wish.operator, 0)
    return replace(wish, operator=_TURNED[wish.operator], value=value)


def _number(question: Question, text: str, firm: bool) -> list[Wish]:
    """Return what a bare number wishes of bounds: that year, or no less than high, or no more."""
    found = _NUMBER.fullmatch(text.strip(" .!"))
    known = [wish for one in question.options for wish in wishes_of(question, one)]
    bounds = {wish.operator: wish.value for wish in known if isinstance(wish.value, int | float)}
    if found is None or "at most" not in bounds or "at least" not in bounds:
        return []
    number = float(found[0])
    value = int(number) if number.is_integer() else number
    if is_year(question.attribute):
        return [Wish(question.attribute, sign, value, firm) for sign in ("at least", "at most")]
    high = number >= bounds["at least"]
    return [Wish(question.attribute, "at least" if high else "at most", value, firm)]
