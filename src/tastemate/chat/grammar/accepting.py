"""Taking something that was shown: "I'll go with the first", "perfect, Heat it is"."""

import re
from typing import TYPE_CHECKING

from tastemate.chat.grammar.text import TITLE

if TYPE_CHECKING:
    from tastemate.chat.grammar.draft import Draft

_I = (
    r"(?:(?:i|we|let'?s|lets)(?:'ll| will|'m going to| am going to|'re going to|'d| would| shall|"
    r" think| guess| reckon| have| can| could| may| might|'m gonna|'re| am| are)*"
    r"(?: (?:think|guess|reckon|just|now|then|definitely|probably|also|all|go ahead and|be|"
    r"have to|like to|want to|gonna))*(?:'ll| will)? )"
)
_VERB = (
    r"(?:take|taking|go (?:with|for)|going (?:with|for)|watch|watching|read|reading|try|trying|"
    r"pick|picking|choose|choosing|opt for|settle (?:on|for)|put on|putting on|start with|"
    r"starting with|have|give|see|seeing|stick with|order|book|get|add|rent|borrow|do)"
)
_THING = rf"(?:(?:the |that |this )?{TITLE}+|\x03+|(?:it|that|this|that one|this one)\b)"
_END = (
    r"(?= *(?:$|[.,!?;)]|then|please|thanks|thank|cheers|tonight|today|now|a (?:go|try|shot|"
    r"whirl|chance)|for (?:tonight|now|today)|this (?:evening|weekend)|it is|and (?:thanks|thank|"
    r"that'?s)|tomorrow|on|with|first|instead))"
)
_TAKES = re.compile(
    rf"(?<![\w']){_I}{_VERB} (?:with )?{_THING}{_END}|"
    rf"(?:^|[.,!?;] ?|\b(?:ok|okay|then|so|right|deal|sold|perfect|great|good|well|and) )"
    rf"(?:with |on )?{_THING},? (?:(?:for )?tonight,? )?(?:it is|then|it'?ll be|will do|"
    rf"it shall be|please|wins|for (?:me|us)|"
    rf"is (?:the one|it|my (?:pick|choice)))(?= *(?:$|[.,!?;]|then|thanks|thank))|"
    rf"{_THING}(?:'s| does| would| will| is)? ?(?:sounds?|looks?|seems?|be|is|are)"
    rf"(?: (?:like|just|really|so|very|absolutely|a|an|to be|pretty|quite))* "
    rf"(?:great|good|perfect|lovely|nice|fun|wonderful|brilliant|ideal|right|excellent|fantastic|"
    rf"amazing|interesting|the one|(?:great|good|perfect|fine|lovely) (?:choice|pick|idea|one|fit)|"
    rf"spot on|promising|tempting|what i (?:want|need|was looking for))\b(?! (?:but|though)\b)|"
    rf"{_THING}(?:'ll| will) do\b|"
    rf"\b(?:deal|sold|done|agreed|yes|go on then|count me in)\b[!,.: -]+(?:the )?{_THING}{_END}|"
    rf"\b(?:take|taking|try|watch|read|go with|give me|put on) {_THING}(?= *(?:$|[.,!]|then|please|"
    rf"thanks|thank|tonight))"
)
_TURNED = re.compile(
    r"\b(?:not|n't|no|never|nothing|something|anything|like|similar|more|else|other|another|than|"
    r"instead of|if|why|which|who|how|but|seen|hated|loved|know|already)\b"
)
_MORE = re.compile(r"\b(?:show|give me|find|recommend|suggest|more like|similar)\b")
_REFUSED = re.compile(r"\b(?:not|n't|don'?t|won'?t|never|if|no|should|shall|could|can) *$")


_LEADS = re.compile(rf"(?<![\w']){_I}{_VERB} (?:with )?(?:the )?$|\b(?:deal|sold|done)[!,. :-]+$")
_FOLLOWS = re.compile(
    r"^,? (?:it is|then(?= *[.,!]|$)|it'?ll be|will do|wins|sounds?|looks? (?:good|great|"
    r"perfect|lovely))"
)


def offered(shown: int, before: str, after: str) -> bool:
    """Whether words stand where something shown is accepted."""
    return bool(shown and (_LEADS.search(before) or _FOLLOWS.match(after)))


def taken(draft: "Draft") -> bool:
    """Whether a message takes something shown; titles it takes are put down as liked."""
    if not draft.shown or draft.explores or draft.bounds or "?" in draft.low:
        return False
    low = draft.low
    for start, end in [(o.start, o.end) for o in draft.stances if o.what == "reference"]:
        low = low[:start] + "\x03" * (end - start) + low[end:]
    one = _TAKES.search(low)
    if one is None or _REFUSED.search(low[: one.start()]) or _MORE.search(low, one.end()):
        return False
    for stance in draft.stances:
        inside = one.start() <= stance.start < one.end()
        if stance.what == "title" and inside and stance.mode in ("", "similar", "liked"):
            stance.mode, stance.away = "liked", ""
        elif stance.what in ("value", "person", "level") and not stance.told:
            return False  # something is wished beside it
    return not _TURNED.search(re.sub(rf"[{TITLE}\x03]", "", one[0]))
