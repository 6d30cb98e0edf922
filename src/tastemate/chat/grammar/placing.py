"""Whether everyday words stand where a wish is put: "about love", "a family film"."""

import re

from tastemate.chat.grammar.draft import Draft
from tastemate.chat.lexicon import Named
from tastemate.text.words import ASKING_WORDS, STOP_WORDS

NOUNS = (
    r"(?:films?|movies?|books?|novels?|stor(?:y|ies)|ones?|pictures?|flicks?|titles?|reads?|stuff|"
    r"things?|classics?|series|tales?|epics?|cinema|feature|shows?|games?|songs?|albums?|vibes?|"
    r"elements?|themes?|content|scenes?|bits?|setting|genre|kind|type|element|suggestions?|"
    r"recommendations?|picks?|side|material|fare|literature|fiction|writing|author|writer|director)"
)


BEFORE_VALUE = re.compile(
    r"(?:\b(?:about|with|involving|featuring|some|more|less|no|without|nothing|something|anything|"
    r"any|"
    r"not|too|very|really|quite|bit|little|lots|much|touch|dash|hint|pinch|rather|so|pretty|super|"
    r"be|it|make|"
    r"feels?|and|or|but|ideally|preferably|maybe|perhaps|on|of|around|set|in|at|than|prefer|love|"
    r"like|likes|loves|want|"
    r"wants|need|fancy|for|has|have|having|called|a|an|the|is|was|genuinely|properly|truly|"
    r"extremely|incredibly|"
    r"themes?|topics?|add|hate|hates|dislike|only|just|mostly|most|all|other|another|good|great|"
    r"nice|decent|proper|"
    r"sort of|kind of|isn'?t|that'?s|it'?s|anything|deals? with|explores?|concerning|touching|"
    r"watch|read|reads|nor|insists on)\s+(?:a |an |the |some |any |really |very |)?|"
    r"[,/&+.!?;:-]\s*|^)$"
)


def value_next(draft: Draft, at: int) -> bool:
    """Whether a value, or an adjective before one, follows."""
    following = [number for number, token in enumerate(draft.tokens) if token.start >= at][:3]
    for number in following:
        token = draft.tokens[number]
        if draft.lexicon.phrases.get((draft.lexicon.spelled(token),)):
            return True
        pair = tuple(draft.lexicon.spelled(one) for one in draft.tokens[number : number + 2])
        if draft.lexicon.phrases.get(pair):
            return True
        if re.match(rf"{NOUNS}$", token.word):
            return True
        if token.word in STOP_WORDS:
            return False
    return False


def placed(
    draft: Draft, one: "Named", before: str, after: str, accepted: list[tuple[int, int]]
) -> bool:
    """Whether everyday words stand where a wish is put."""
    verb = re.search(r"(?:\bwould|\w'd|\bid|\bwed)\s+(?:really |so |absolutely |just )*$", before)
    return verb is None and _placed(draft, one, before, after, accepted)  # "I'd love a story"


def _placed(
    draft: Draft, one: "Named", before: str, after: str, accepted: list[tuple[int, int]]
) -> bool:
    if re.match(rf"\s+(?:\w+\s+)?{NOUNS}\b", after) and not re.match(
        r"\s+(?:and|or|but|in|to|of|the|i|is|my|that)\s", after
    ):
        return True
    if re.match(r"\s+for (?:both|all|us|me|her|him|them|every\w*)\b", after):
        return draft.corrects  # "a romance works for both of us"
    if draft.corrects or any(
        0 <= one.start - span[1] <= 1 for span in draft.spans if span not in draft.moments
    ):
        return True
    kind = one.senses[0].kind
    word = draft.tokens[one.last - 1]
    if kind == "genre" and one.senses[0].own and word.word.endswith("s") and word.stem != word.word:
        return True  # "dramas" are always items
    if kind in ("genre", "mood") and one.senses[0].own and BEFORE_VALUE.search(before):
        if value_next(draft, one.end):
            return True
        following = re.match(r"\s+([\w']+)", after)
        ends = (
            following is None
            or re.match(r"\s*[,.!?;:()\x01\x02-]", after)
            or (following[1] in _GOES_ON or re.match(rf"{NOUNS}$", following[1]) is not None)
        )
        return bool(ends) and not re.search(r"\b(?:my|your|her|his|our|their) $", before)
    if re.search(
        r"\b(?:about|involving|featuring|with|set (?:in|on|at)|themes? of|something|anything|"
        r"nothing|more|some|less|no|without|lots of|deals? with|exploring|explores)\s+(?:the |a |"
        r"an |some |any |real |lots of |too much |much )*$",
        before,
    ):
        if re.search(r"\b(?:there'?s|there is|there was|got|had) no $", before):
            return False
        return not re.search(
            r"\b(?:something|anything|nothing)\s+(?:the|a|an)\s*$", before
        ) and not re.match(r"\s+(?:my|me|i|you|us)\b", after)
    if accepted and not draft.low[accepted[-1][1] : one.start].strip():
        return True
    wants = [cue.end for cue in draft.cues if cue.name in ("want", "only", "soft", "neg")]
    if any(
        re.fullmatch(
            r"\s*(?:to be |to feel |to |the |a |an |some |any |good |nice |)*", before[at:]
        )
        for at in wants
        if at <= one.start
    ):
        return not re.search(
            r"\b(?:there'?s|there is|there was|have|'ve|got|had) (?:got )?no $", before
        )
    joined = re.search(r"(?:,|\band|\bor|&|/)\s*(?:the |a |an |some )?$", before)
    if joined and accepted and not draft.low[accepted[-1][1] : joined.start()].strip():
        return True
    return alone(draft, one)


_GOES_ON = STOP_WORDS | frozenset(
    "please tonight today now tomorrow pls set rated made released starring directed written "
    "though "
    "either instead like without featuring before after since under over ideally preferably maybe "
    "this "
    "enough thanks then based around kind too suits suit works work fits fit sounds pleases now no "
    "maybe perhaps but thats its that's it's isn't isnt doesn't yes or and made with lol haha "
    "anyway besides whatever".split()
)


_EMPTY = ASKING_WORDS | frozenset(
    "a an the some any and or of with about in is be it just then ok please pls stuff time "
    "maybe also but id want wanna not no so that thats for now today more really very "
    "ideally".split()
)


def alone(draft: Draft, one: "Named") -> bool:
    """Whether a clause is nothing but values and empty words: "food, travel and love"."""
    start = max((draft.low.rfind(mark, 0, one.start) for mark in ".,!?;:\n"), default=-1) + 1
    ends = [at for mark in ".,!?;:\n" if (at := draft.low.find(mark, one.end)) >= 0]
    end = min(ends, default=len(draft.low))
    if "?" in draft.low[end : end + 1] and start > 0:
        return False
    for token in draft.tokens:
        if start <= token.start < end and not one.start <= token.start < one.end:
            if token.word in _EMPTY:
                continue
            if any(
                span[0] <= token.start < span[1]
                for span in draft.spans
                if span not in draft.moments
            ):
                continue
            if draft.lexicon.phrases.get((draft.lexicon.spelled(token),)):
                continue
            return False
    return True
