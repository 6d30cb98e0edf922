"""Reasons in a language model's words: it phrases, the evidence decides.

The inner explainer finds the evidence and words it offline. The model is asked once a slate for
several phrasings of each reason; every clause is checked against the evidence it cites; what says
more than that is dropped and counted, and the offline clause takes its place.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.explain.aspects import Aspects
from tastemate.explain.faithful import best, check, disclosed, merged
from tastemate.explain.verify import Verifier
from tastemate.llm import parse, prompts
from tastemate.protocols import ChatModel, Explainer
from tastemate.types import Clause, Query, Reason, Recommendation

MOST = 12
"""Phrasings and clauses that are read of one item."""


class PhrasedExplainer:
    """An explainer whose evidence is `inner`'s and whose words are a model's, where they stand.

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
        phrasings: int = 2,
        aspect: prompts.Aspect = "single",
        style: prompts.Style = prompts.PLAIN,
    ) -> None:
        self.inner = inner
        self.verifier = verifier
        self.model = model
        self.catalog = catalog
        self.phrasings = max(phrasings, 1)
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
        asked = [at for at, reason in enumerate(offline) if reason.evidence]
        phrased = self._ask(aspect, query, [(lines[at], offline[at]) for at in asked])
        found = [phrased.get(place) for place in range(len(asked))]
        reasons = list(offline)
        for at, phrasings in zip(asked, found, strict=True):
            if phrasings:
                reasons[at] = self._reason(lines[at], offline[at], phrasings)
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
            [(line.item, reason.evidence) for line, reason in pairs],
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


def read(value: Any, n: int) -> dict[int, list[list[Clause]]]:
    """Return the phrasings in a reply by place 0..n-1: total, of each place the first counts."""
    listed = value.get("reasons") if isinstance(value, Mapping) else None
    found: dict[int, list[list[Clause]]] = {}
    for one in listed[: 4 * n] if isinstance(listed, list) else ():
        handle = one.get("item") if isinstance(one, Mapping) else None
        if not isinstance(handle, int) or isinstance(handle, bool) or not 1 <= handle <= n:
            continue
        written = one.get("phrasings")
        phrasings = [
            clauses
            for raw in (written[:MOST] if isinstance(written, list) else ())
            if (clauses := _clauses(raw))
        ]
        if phrasings:
            found.setdefault(handle - 1, phrasings)
    return found


def _clauses(raw: Any) -> list[Clause]:
    """Read one phrasing: a list of clauses with evidence ids."""
    found = []
    for one in raw[:MOST] if isinstance(raw, list) else ():
        text = one.get("text") if isinstance(one, Mapping) else None
        ids = one.get("evidence") if isinstance(one, Mapping) else None
        if not isinstance(text, str) or not text.strip():
            continue
        named = tuple(
            name for name in (ids if isinstance(ids, list) else ()) if isinstance(name, str)
        )
        words = " ".join(text[:1000].split()).rstrip(" .;")
        found.append(Clause(_lowered(words), named[:MOST]))
    return found


def _lowered(text: str) -> str:
    """Begin a clause in lower case where its first word is no name: "You liked" → "you liked"."""
    first = text.split(" ", 1)[0]
    common = ("You", "It", "This", "Since", "Because", "Like", "As", "If", "Another", "The", "Your")
    return text[0].lower() + text[1:] if first in common else text
