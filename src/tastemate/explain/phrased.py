"""Reasons in a language model's words: it phrases, the evidence decides.

The inner explainer finds the evidence and words it offline. The model is asked once a slate for
phrasings of the first reasons; every clause is checked against the evidence it cites; what says
more than that is dropped and counted, and the offline clause takes its place.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.explain.aspects import Aspects
from tastemate.explain.faithful import best, check, disclosed, merged
from tastemate.explain.verify import Verifier
from tastemate.llm import parse, prompts
from tastemate.llm.screening.hidden import unseen
from tastemate.protocols import ChatModel, Explainer
from tastemate.types import Clause, Evidence, Query, Reason, Recommendation

MOST = 12
"""Phrasings and clauses that are read of one item."""
_LINE = re.compile(
    r"\s*\[?(?P<handle>\d{1,4})\]?(?P<phrasing>[a-zA-Z]?)[\s.:]+"
    r"(?P<ids>\[?[a-zA-Z]+\d+(?:[\s,;]+[a-zA-Z]+\d+)*\]?)\s*:\s*(?P<text>\S.*)",
    re.DOTALL,
)
"""A clause as it is asked for: handle, letter of the phrasing, ids, words."""


class PhrasedExplainer:
    """An explainer whose evidence is `inner`'s and whose words are a model's, where they stand.

    The first `lines` of a slate are worded, in `phrasings` ways each, of which the most faithful
    is taken; the others keep the offline wording, and 0 asks nobody. Raises `ConfigError` for
    options out of range.
    `aspect` "multi-aspect" adds popularity, diversity and time; "comparative" sets two or three
    items apart (for other numbers it is as "single"). Promoted items (`style.promote`) are always
    disclosed, whatever the model does.
    """

    def __init__(
        self,
        inner: Explainer,
        verifier: Verifier,
        model: ChatModel,
        catalog: Catalog,
        *,
        lines: int = 3,
        phrasings: int = 1,
        aspect: prompts.Aspect = "single",
        style: prompts.Style = prompts.PLAIN,
    ) -> None:
        if lines < 0 or not 1 <= phrasings <= 4:
            raise ConfigError(
                f"lines is {lines} and phrasings {phrasings}; give at least 0, and 1 to 4."
            )
        self.inner = inner
        self.verifier = verifier
        self.model = model
        self.catalog = catalog
        self.lines = lines
        self.phrasings = phrasings
        self.aspect: prompts.Aspect = aspect
        self.style = style
        self.dropped: Counter[str] = Counter()
        """Clauses left out, by reason; "kept" counts those that stood."""

    def explain(
        self,
        query: Query,
        lines: Sequence[Recommendation],
        spreads: Mapping[str, float] | None = None,
    ) -> list[Reason]:
        """Return one reason a line, never thinner than the inner one."""
        aspect = self._aspect(len(lines))
        offline = self._widened(aspect, query, lines, self.inner.explain(query, lines, spreads))
        asked = [at for at, reason in enumerate(offline[: self.lines]) if reason.evidence]
        phrased = self._ask(aspect, query, [(lines[at], offline[at]) for at in asked])
        before = self.dropped.total() - self.dropped["kept"]
        found = [phrased.get(place) for place in range(len(asked))]
        reasons = list(offline)
        for at, phrasings in zip(asked, found, strict=True):
            if phrasings:
                reasons[at] = self._reason(lines[at], offline[at], phrasings)
        if left := self.dropped.total() - self.dropped["kept"] - before:
            scope.current().note(f"left out {left} clauses of the model: its evidence holds less")
        return [
            disclosed(reason, line.item, self.style.promote)
            for line, reason in zip(lines, reasons, strict=True)
        ]

    def _aspect(self, lines: int) -> prompts.Aspect:
        return "single" if self.aspect == "comparative" and not 2 <= lines <= 3 else self.aspect

    def _widened(
        self,
        aspect: prompts.Aspect,
        query: Query,
        lines: Sequence[Recommendation],
        reasons: Sequence[Reason],
    ) -> list[Reason]:
        """Return the offline reasons with the evidence that an aspect asks for besides."""
        if aspect == "multi-aspect":
            return self._aspects.several(query, lines, reasons)
        if aspect == "comparative":
            return self._aspects.compared(lines, reasons)
        return list(reasons)

    @cached_property
    def _aspects(self) -> Aspects:
        return Aspects(self.catalog, self.verifier)

    def _ask(
        self, aspect: prompts.Aspect, query: Query, pairs: Sequence[tuple[Recommendation, Reason]]
    ) -> dict[int, list[list[Clause]]]:
        """Return the phrasings of each place, 0.., that the model wrote; {} where it failed."""
        if not pairs:
            return {}
        prompt = prompts.explanation(
            aspect,
            [(line.item, _shown(reason.evidence)) for line, reason in pairs],
            query.text,
            self.style,
            phrasings=self.phrasings,
            count=self.model.count,
        )
        reply = self.model.complete([replace(prompt, user=query.user or "")])[0]
        if reply.error:
            scope.current().fail(f"reasons in words: {reply.error}")
            return {}
        written = read(parse.json_value(reply.text), len(pairs))
        if not written:
            scope.current().fail("reasons in words: the model's reply holds no reason.")
        return written

    def _reason(
        self, line: Recommendation, offline: Reason, phrasings: Sequence[Sequence[Clause]]
    ) -> Reason:
        """Return the best phrasing of one reason, filled up by the offline words."""
        checked = [
            check(one, offline.evidence, line.item, self.verifier.unbound)
            for one in phrasings[:MOST]
        ]
        for one in checked:
            self.dropped.update(one.problems)
            self.dropped["kept"] += len(one.clauses)
        chosen = best(checked).clauses
        return Reason(merged(chosen, offline.clauses, offline.evidence), offline.evidence)


def _shown(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return what a model may word: that an item is known already is said by code alone."""
    return tuple(fact for fact in evidence if fact.kind != "seen")


def read(value: Any, n: int) -> dict[int, list[list[Clause]]]:
    """Return the phrasings in a reply by place 0..n-1, each a list of clauses: total.

    A line is "1 e1,e2: clause", with a letter at the handle ("1b") for a further phrasing. An
    object {"item", "phrasings": [[{"text", "evidence"}]]} is read too; of those the first counts.
    """
    listed = value.get("reasons") if isinstance(value, Mapping) else None
    lines: dict[int, dict[str, list[Clause]]] = {}
    objects: dict[int, list[list[Clause]]] = {}
    for one in listed[: 4 * MOST * n] if isinstance(listed, list) else ():
        if isinstance(one, str):
            _add(lines, one, n)
        elif isinstance(one, Mapping):
            _open(objects, one, n)
    return objects | {at: list(by.values())[:MOST] for at, by in lines.items()}


def _add(lines: dict[int, dict[str, list[Clause]]], text: str, n: int) -> None:
    """Add the clause of one line to its phrasing."""
    found = _LINE.fullmatch(text[:1200])
    if found is None or not 1 <= (handle := int(found["handle"])) <= n:
        return
    clause = _clause(found["text"], re.findall(r"\w+", found["ids"]))
    written = lines.setdefault(handle - 1, {}).setdefault(found["phrasing"].casefold(), [])
    if len(written) < MOST:
        written.append(clause)


def _open(objects: dict[int, list[list[Clause]]], one: Mapping[str, Any], n: int) -> None:
    """Add the phrasings of one object, the first of its item."""
    handle = one.get("item")
    if not isinstance(handle, int) or isinstance(handle, bool) or not 1 <= handle <= n:
        return
    written = one.get("phrasings")
    phrasings = [
        clauses
        for raw in (written[:MOST] if isinstance(written, list) else ())
        if (clauses := _clauses(raw))
    ]
    if phrasings:
        objects.setdefault(handle - 1, phrasings)


def _clauses(raw: Any) -> list[Clause]:
    """Read one phrasing: a list of clauses with evidence ids."""
    found = []
    for one in raw[:MOST] if isinstance(raw, list) else ():
        text = one.get("text") if isinstance(one, Mapping) else None
        ids = one.get("evidence") if isinstance(one, Mapping) else None
        if isinstance(text, str) and text.strip():
            named = ids if isinstance(ids, list) else []
            found.append(_clause(text, [name for name in named if isinstance(name, str)]))
    return found


def _clause(text: str, ids: Sequence[str]) -> Clause:
    words = " ".join(unseen(text[:1000]).split()).rstrip(" .;")
    return Clause(_lowered(words), tuple(ids[:MOST]))


def _lowered(text: str) -> str:
    """Begin a clause in lower case where its first word is no name: "You liked" → "you liked"."""
    first = text.split(" ", 1)[0]
    common = ("You", "It", "This", "Since", "Because", "Like", "As", "If", "Another", "The", "Your")
    return text[:1].lower() + text[1:] if first in common else text
