"""How an answer may speak to the person: a few phrases that claim a like, a wish, or nothing."""

import re

YOU = re.compile(r"\b(?:you|your|yours|yourself|yourselves|you'\w+|i|me|my|we|us|our)\b")
"""Words of a first or second person."""
_LIKE = r"(?:liked|like|enjoyed|enjoy|appreciated)"
_LIKES = r"L\d+(?: ,? ?(?:and )?L\d+)*"
_CLOSE = r"(?= (?:[.;!]|, (?:T|it\b|so\b|this\b))|$| (?:T\d|it is)| [.]|,? ?$)"
_HARMLESS = (
    re.compile(rf"(?P<kept>{_LIKES})(?: ,)?(?: which| that)? you (?:also )?{_LIKE}\b(?! [LVTa-z])"),
    re.compile(rf"(?:because|since|as|and) you (?:also )?{_LIKE} {_LIKES}{_CLOSE}"),
    re.compile(rf"^you (?:also )?{_LIKE} {_LIKES} ,? ?(?:so|and)\b"),
    re.compile(
        r"\bif you (?:want|wanted|like|asked for|wish for) (?:something |an? )?V\d+"
        r"(?: V\d+)*(?: film| films| movie)?(?= [.,;]|$)"
    ),
    re.compile(
        r"(?P<kept>T\d+|it) (?:may|might|could) (?:also )?(?:suit|interest|please) you(?= [.,;]|$)"
    ),
    re.compile(
        r"you (?:may|might|could) (?:also )?(?:like|enjoy) (?P<kept>T\d+(?: ,? ?(?:and )?T\d+)*)"
        r"(?= [.,;]|$)"
    ),
)
"""Ways to speak of the person that claim only a like in the evidence."""
_ASKED = (
    re.compile(r"as you (?:asked|wanted|wished)(?: for)?(?= [.,;]|$)"),
    re.compile(r"you asked for (?:something |an? )?(?=V\d)"),
    re.compile(
        r"(?:fits|fit|matches|match|suits|suit) (?:what you asked for|your (?:wish|request))"
    ),
)
"""Ways to speak of the question: a value in the sentence must be in it."""


def without_you(text: str, *, asked: bool) -> tuple[str, str]:
    """Return a sentence without what it may say of the person, and a word that it may not say.

    The sentence is one of symbols (`explain.answered`): T a title, L a like, V a value, Q a
    quotation, each with a number. `asked` is whether a value in it was asked for.
    """
    for phrase in _ASKED:
        if not asked and phrase.search(text):
            return text, "as you asked"
        text = phrase.sub(" ", text)
    for phrase in _HARMLESS:
        text = phrase.sub(lambda found: f" {found.groupdict().get('kept') or ''} ", text)
    text = re.sub(r"^[\s,]+", "", " ".join(text.split()))
    if "Q0" in text and "L" in text:
        return text, "a quotation beside a like"
    you = YOU.search(text)
    return text, you[0] if you else ""
