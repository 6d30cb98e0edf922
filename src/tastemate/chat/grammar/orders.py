"""Sentences that speak to the system and not about wishes: they are left out before anything reads.

Marks of markup and code go whatever they say; a sentence goes where the screening of prompts finds
it suspicious and no wish, or where it is written like an order to a machine.
"""

import re

from tastemate.chat.grammar import acts
from tastemate.llm.screening import screen, wish

_MARKUP = re.compile(
    r"<!--.*?(?:-->|$)|<\s*/?\s*(?:system|user|assistant|instructions?|prompt|im_start|im_end|"
    r"admin|"
    r"tool|developer|rules?|context|msg|message|data|command|cmd|s)\b[^>]*>"
    r"(?:[^<]*<\s*/\s*(?:system|user|assistant|instructions?|prompt|admin|tool|developer|rules?|"
    r"context|msg|message|data|command|cmd|s)\s*>)?|"
    r"\[(INST|SYS|SYSTEM|ADMIN)\].*?\[/\1\]|\[/?(?:INST|SYS|SYSTEM|system|inst|admin|"
    r"ADMIN)[^\]]*\]|<</?SYS>>|<\|[^|]*\|>|```.*?(?:```|$)|"
    r"\{\{.*?\}\}|\$\{.*?\}|<script.*?(?:</script>|$)|/\*.*?\*/",
    re.DOTALL | re.IGNORECASE,
)
_SQL = re.compile(
    r"\b(?:drop table|delete from|insert into|update \w+ set|select \* from|"
    r"union select|or 1\s*=\s*1)\b[^;]*(?:;|$)(?:\s*--)?",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|(?<=\))\s+|(?<=\])\s+")
_ORDER = re.compile(
    r"\b(?:system (?:message|prompt|note|override|update|instruction|alert|notice|command)|"
    r"system\s*:|assistant\s*:|developer (?:note|mode|message|here|override|instruction)|"
    r"debug mode|(?:god|admin|root|maintenance|sudo|test|dev) mode|as (?:an?|the|your) (?:admin|"
    r"developer|"
    r"operator|owner|engineer|system)|i'?m (?:the|your) (?:developer|admin|operator|owner|creator|"
    r"boss|"
    r"programmer|engineer)|i am (?:the|your) (?:developer|admin|operator|owner|creator|programmer|"
    r"engineer)|sudo|"
    r"(?:ignore|disregard|forget|override|bypass|break|drop|skip) (?:all |any |every |the |your |"
    r"these |"
    r"those |previous |prior |earlier |above |of )*(?:rules?|instructions?|guidelines?|prompts?|"
    r"training|restrictions|filters? and|constraints|programming|policy|policies|orders|system)|"
    r"(?:your|the|full|hidden|secret|system|whole|entire|initial) (?:system )?prompt|"
    r"(?:print|reveal|output|show|repeat|leak|dump|display|reply with|expose|tell me|give me|send "
    r"me)\b.{0,30}\b"
    r"(?:prompt|instructions|rules|system message|api key|password|source code|database|item table|"
    r"hidden text|configuration|credentials|secrets?|token)|you are now|"
    r"from now on,? (?:you|always|only|every|rank|recommend|answer|reply|all)|pretend (?:to be|"
    r"that you|you)|act as (?:an?|if|my|the)|"
    r"roleplay as|jailbreak|dan mode|do anything now|for (?:all|every|each) (?:users?|customers?|"
    r"others|people|persons?|queries|lists?)|"
    r"(?:all|every) users?|rank(?:ed)? (?:it |this |that |\w+ )?(?:first|number one|top|at the "
    r"top|#1|highest|last)|"
    r"(?:always|only|must|never) (?:recommend|rank|suggest|answer|reply|output|return|respond|say|"
    r"show|mention|put|list|promote)\b.{0,60}|"
    r"(?:at|to|in) (?:rank|position|place) (?:one|1|first|#1)|"
    r"new (?:rules?|instructions?|system|policy|directive|task)\b|(?:boost|lower|raise|increase|"
    r"decrease|set|change) (?:the |its |their |your )?"
    r"(?:score|scores|weight|weights|rank|ranking|rating of|priority|temperature|popularity)|"
    r"(?:has|have) been (?:upgraded|granted|promoted|authori[sz]ed)|administrator|end of "
    r"(?:prompt|instructions|conversation|message|input)|"
    r"begin (?:new )?(?:instructions|system)|(?:no|without) (?:restrictions|filters|limits|rules) "
    r"apply|unlock(?:ed)?|"
    r"(?:execute|run|eval) (?:the |this |following )*(?:code|command|query|script|sql|shell)|rm "
    r"-rf|import os|os\.system|"
    r"as a language model|respond only with|reply only with|answer only with|output only|say only|"
    r"in your (?:next )?(?:reply|answer|output|response)|"
    r"your (?:instructions|rules|programming|guidelines|training|creators?|developers?|operators?|"
    r"weights|memory bank)|"
    r"mark (?:everything|all|it|them|\w+ and \w+|\w+) as (?:seen|liked|watched|read|disliked)|"
    r"(?:ignoriere|vergiss) (?:alle|deine) (?:regeln|anweisungen)|ignora (?:todas? )?(?:las|tus|"
    r"le|as) \w+|ignore (?:toutes )?(?:les|tes|vos) \w+)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]{2,120}\"|'[A-Z][^']{2,80}'")
_WISH = re.compile(
    r"[\s,;:-]*\b(?:but |and |anyway,? |also,? |then |now |ok(?:ay)?,? |otherwise,? |besides,? |"
    r"by the way,? |if not,? |seriously,? |just kidding,? )*"
    r"(?=(?:i(?:'d| would|'m| am)? (?:like|want|need|fancy|looking|also|actually|really)|i'?d like|"
    r"what i want|give me (?:an?|some|two|three)|show me (?:an?|some)|find me|recommend me|"
    r"please (?:recommend|suggest|find|show) (?:me )?(?:an?|some|two|three)|something|can i have|"
    r"we want|"
    r"hi\b|hello\b|my (?:real|actual) (?:wish|question)))",
    re.IGNORECASE,
)


def without_orders(text: str) -> tuple[str, bool]:
    """Return a message without what speaks to the system, and whether there was any."""
    cleaned = _SQL.sub(" ", _MARKUP.sub(" ", text))
    changed = cleaned != text
    kept: list[str] = []
    at = 0
    for part in [*_SENTENCE.finditer(cleaned), None]:
        end = part.end() if part else len(cleaned)
        sentence, at = cleaned[at:end], end
        if _orders(sentence):
            changed = True
            kept.append(_rest(sentence))
        else:
            kept.append(sentence)
    return " ".join(kept) if changed else text, changed


def _orders(sentence: str) -> bool:
    said = _QUOTED.sub(' "" ', sentence)
    if not said.strip():
        return False
    if _ORDER.search(said):
        return True
    low = said.lower()
    if acts.says("forget", low) or acts.says("undo", low):
        return False
    return screen.suspicious(said) and wish.directs(said)


def _rest(sentence: str) -> str:
    """Return what of a sentence with an order is a wish after it."""
    for one in _WISH.finditer(sentence):
        before, after = sentence[: one.start()], sentence[one.end() :]
        if before.strip() and _ORDER.search(before) and not _ORDER.search(after):
            return after
    return " "
