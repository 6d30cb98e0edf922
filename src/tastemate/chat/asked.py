"""How a question is worded, whatever the items are, and which attributes are nobody's business."""

import re
from collections.abc import Sequence

from tastemate.text.phrases import label, listing, modifier
from tastemate.types import AttributeValue

technical = re.compile(r"(?i)(?:^|[_\W])(?:id|url|uri|isbn|image|link|href|code)\w*$").search
"""Whether an attribute is named like an id or an address: it is neither asked about nor told."""
_FELT = frozenset(("mood", "tone", "feel", "feeling", "atmosphere"))
_YEARS = (
    "Rather from before {0}, or from {0} on?",
    "From before {0}, or newer?",
    "Older than {0}, or from {0} on?",
)
_NUMBERS = (
    "Rather low {label} ({0}), or high ({1})?",
    "Shall the {label} be low ({0}), or high ({1})?",
)
_VALUES = (
    "Rather {noun} {what}?",
    "Shall it be {noun} {what}?",
    "Would you rather have {noun} {what}?",
)


def text_of(attribute: str, options: Sequence[AttributeValue], seed: int, noun: str = "") -> str:
    """Word a question about an attribute: "Something tense, or something funny?"."""
    shown = [str(option) for option in options]
    name = label(attribute)
    if shown[0].startswith("before "):
        return _YEARS[seed % len(_YEARS)].format(shown[0].removeprefix("before "))
    if shown[0].startswith("at most "):
        return _NUMBERS[seed % len(_NUMBERS)].format(*shown, label=name)
    if name.lower().removesuffix("s") in _FELT:
        if len(shown) == 2:
            return f"Something {shown[0]}, or something {shown[1]}?"
        return f"Something {listing(shown, 'or')}?"
    what = modifier(attribute, shown, "or")
    return _VALUES[seed % len(_VALUES)].format(noun=noun or "titles", what=what)
