"""What speaks for an item at a moment of a dialogue: from other dialogues, ratings and texts.

`Memory` is what other dialogues tell: every count can leave out some of them, so that weights are
learned without what the same two people said. `Ground` is what ratings and texts tell. Both give
signals; `dialogues` learns what they weigh.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.retrieve.content import Content
from tastemate.retrieve.dense import top
from tastemate.retrieve.dialogue_corpus import Ask, Corpus
from tastemate.retrieve.knn import ItemKNN
from tastemate.retrieve.search import Search
from tastemate.text.encoder import unit
from tastemate.text.words import terms
from tastemate.types import Floats, Mask, Query, Rows, history

TEMPERATURE = 0.1
"""How fast the say of a question fades with its distance in meaning."""
KINDS = 60
"""An attribute with more values than this names no kinds."""
PER = 1000.0
"""Counts are given per so many dialogues, so that they mean the same in a small corpus."""
POOL: tuple[tuple[str, int], ...] = (
    ("worded", 150),
    ("together", 100),
    ("named", 100),
    ("recommended", 50),
    ("neighbours", 80),
    ("described", 80),
    ("searched", 50),
)
"""How many of the best of each signal are looked at."""
SIGNALS = (
    "named",
    "recommended",
    "together",
    "lift",
    "worded",
    "worded, whole dialogue",
    "neighbours",
    "neighbours, log",
    "described",
    "searched",
    "kinds said",
    "kinds named",
    "kinds expected",
    "fame",
    "recency",
    "named, nothing said before",
    "fame, nothing said before",
    "worded, nothing said before",
)
"""What each column of `weigh` means."""
_OFTEN, _RARE, _FEW = 0.3, 0.001, 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """A corpus as arrays over the m items it names and its a asks."""

    items: Rows
    named: sparse.csr_matrix
    """(dialogues, m): what either side named."""
    recommended: sparse.csr_matrix
    """(dialogues, m): what the recommender named."""
    answers: sparse.csr_matrix
    """(a, m)."""
    dialogue: NDArray[np.int64]
    """The dialogue of each ask, (a,)."""
    words: Floats
    """The question of each ask in meaning, unit rows (a, dimensions); zero where nothing was."""

    @classmethod
    def of(cls, corpus: Corpus, words: Floats) -> "Memory":
        """Count a corpus; `words` are its asks' questions, encoded."""
        named = [{row for line in one.lines for row in line.rows} for one in corpus.dialogues]
        told = [
            {row for line in one.lines if not line.seeks for row in line.rows}
            for one in corpus.dialogues
        ]
        items = np.array(sorted(set().union(*named)), dtype=np.int32)
        return cls(
            items,
            incidence(named, items),
            incidence(told, items),
            incidence([ask.answer for ask in corpus.asks], items),
            np.array([ask.dialogue for ask in corpus.asks], dtype=np.int64),
            words,
        )

    def signals(
        self, pasts: Sequence[Sequence[int]], words: Floats, heard: Mask | None = None
    ) -> dict[str, Floats]:
        """Return signals over the items named, each (questions, m).

        `pasts` are the rows named before, `words` what was said, encoded; `heard` (questions,
        dialogues) says which dialogues may speak, all of them without it.
        """
        n, d = len(pasts), self.named.shape[0]
        keep = np.ones((n, d), dtype=np.float32) if heard is None else heard.astype(np.float32)
        dialogues = np.maximum(keep.sum(axis=1, keepdims=True), 1)
        counts = np.asarray(keep @ self.named, dtype=np.float32)
        told = np.asarray(keep @ self.recommended, dtype=np.float32)
        # Rare items tell more, long dialogues less.
        rarity = np.maximum(np.log(dialogues / (1 + counts)), 0.3)
        asked = np.asarray(incidence(pasts, self.items).toarray(), dtype=np.float32) * rarity
        lengths = np.maximum(np.asarray(self.named.sum(axis=1)).ravel(), 1).astype(np.float32)
        shared = np.asarray((self.named @ asked.T).T, dtype=np.float32) * keep / np.sqrt(lengths)
        together = np.asarray(shared @ self.named, dtype=np.float32)
        return {
            "named": counts * (PER / dialogues),
            "recommended": told * (PER / dialogues),
            "together": together,
            "lift": (together + 0.1) / (counts + _FEW),
        } | self._worded(words, keep)

    def _worded(self, words: Floats, keep: Floats) -> dict[str, Floats]:
        """Return what questions of like meaning were answered with, at once and in all.

        Weights of the questions add up to 1.
        """
        near = np.exp((words @ self.words.T - 1) / np.float32(TEMPERATURE))
        near *= keep[:, self.dialogue] * np.asarray(self.words.any(axis=1))
        near /= near.sum(axis=1, keepdims=True) + 1e-9
        near *= np.asarray(words.any(axis=1))[:, None]
        by_dialogue = sparse.csr_matrix(
            (np.ones(len(self.dialogue)), self.dialogue, np.arange(len(self.dialogue) + 1)),
            shape=(len(self.dialogue), self.named.shape[0]),
        )
        return {
            "worded": np.asarray(near @ self.answers, dtype=np.float32),
            "whole": np.asarray((near @ by_dialogue) @ self.named, dtype=np.float32),
        }


def incidence(lines: "Sequence[Sequence[int] | set[int]]", items: Rows) -> sparse.csr_matrix:
    """Return which line holds which of `items` (ascending rows), (lines, items), binary."""
    places: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    ends = np.zeros(len(lines) + 1, dtype=np.int64)
    for at, line in enumerate(lines):
        rows = np.unique(np.fromiter(line, dtype=np.int64, count=len(line)))
        found = np.searchsorted(items, rows)
        inside = found < len(items)
        inside[inside] = items[found[inside]] == rows[inside]
        places.append(found[inside])
        ends[at + 1] = ends[at] + int(inside.sum())
    columns = np.concatenate(places)
    data = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_matrix((data, columns, ends), shape=(len(lines), len(items)))


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What ratings and texts say, whoever talks: neighbours, descriptions, search, fame."""

    knn: ItemKNN
    content: Content
    search: Search
    fame: Floats
    """Logarithm of the number of events, (items,)."""
    recency: Floats
    """1 for the latest year there is, fading by a factor of e every three years, (items,)."""
    kinds: Floats
    """Which of the values that many items share an item has, (items, kinds), binary."""
    unit_kinds: Floats
    """The same, rows of length 1."""
    called: tuple[str, ...]
    """The names of the kinds, each as folded terms between spaces."""

    @classmethod
    def of(
        cls, catalog: Catalog, counts: NDArray[np.int64], parts: tuple[ItemKNN, Content, Search]
    ) -> "Ground":
        """Collect fitted parts over a catalogue."""
        knn, content, search = parts
        years = np.full(len(catalog), np.nan)
        if "year" in catalog.attributes and catalog.is_numeric("year"):
            years = np.asarray(catalog.numbers("year"), dtype=np.float64)
        known = np.isfinite(years)
        latest = float(years[known].max()) if known.any() else 0.0
        recency = np.where(known, np.exp((np.where(known, years, latest) - latest) / 3), 0.0)
        fame = np.log1p(counts).astype(np.float32)
        kinds, called = _kinds(catalog)
        fading = recency.astype(np.float32)
        return cls(knn, content, search, fame, fading, kinds, unit(kinds), called)

    def signals(
        self, pasts: Sequence[Sequence[int]], words: Sequence[str], liked: float
    ) -> dict[str, Floats]:
        """Return signals over the whole catalogue, (questions, items); 0 is no opinion.

        `liked` is a value that the scale of the data calls liked: what is talked about counts so.
        """
        queries = [
            Query(history=history(list(past), [liked] * len(past)), text=text)
            for past, text in zip(pasts, words, strict=True)
        ]
        parts = {"neighbours": self.knn, "described": self.content, "searched": self.search}
        found = {name: part.scores(queries) for name, part in parts.items()}
        return {name: np.where(np.isfinite(s), s, np.float32(0)) for name, s in found.items()}

    def kinds_of(self, past: Sequence[int], words: str, pool: Rows) -> tuple[Floats, Floats]:
        """Return how far each pooled item is of the kinds said, and of those of what was named."""
        said = f" {' '.join(terms(words))} "
        wanted = np.array([name in said for name in self.called], dtype=np.float32)
        told = self.kinds[pool] @ wanted / max(float(wanted.sum()), 1.0)
        shares = self.unit_kinds[np.asarray(past, dtype=np.int64)]
        named = self.unit_kinds[pool] @ shares.sum(axis=0) / max(len(past), 1)
        return np.asarray(told, dtype=np.float32), np.asarray(named, dtype=np.float32)

    def kinds_expected(self, items: Rows, told: dict[str, Floats], pool: Rows) -> Floats:
        """Return how far each pooled item is of the kinds that such words were answered with.

        Beyond what is named anyway; `told` are signals of one question over `items`.
        """
        shares = [told[name] / max(float(told[name].sum()), 1e-9) for name in ("worded", "named")]
        if not told["worded"].any():
            return np.zeros(len(pool), dtype=np.float32)
        profile = (shares[0] - shares[1]) @ self.unit_kinds[items]
        return np.asarray(self.unit_kinds[pool] @ profile, dtype=np.float32)


def _kinds(catalog: Catalog) -> tuple[Floats, tuple[str, ...]]:
    """Return the values of attributes that have few of them, such as genres: (items, kinds)."""
    blocks: list[Floats] = [np.zeros((len(catalog), 0), dtype=np.float32)]
    called: list[str] = []
    for attribute in catalog.attributes:
        if catalog.is_numeric(attribute):
            continue
        found = catalog.incidence(attribute)
        if 0 < len(found.values) <= KINDS:
            blocks.append(np.asarray(found.matrix.toarray(), dtype=np.float32))
            called += [f" {' '.join(terms(value))} " for value in found.values]
    return np.concatenate(blocks, axis=1), tuple(called)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The items looked at for one question, ascending, and their signals, (items, signals)."""

    rows: Rows
    signals: Floats


def pool_of(
    ask: Ask, memory: Memory, told: dict[str, Floats], ground: Ground, wide: dict[str, Floats]
) -> Pool:
    """Return the pool of one question from its rows of signals."""
    past = ask.past
    chosen: list[NDArray[np.int64]] = []
    for name, most in POOL:
        line = told[name] if name in told else wide[name]
        # What was named is no answer, and must not take the place of one.
        best = top(np.where(line > 0, line, -np.inf).astype(np.float32), most + len(past))
        chosen.append(memory.items[best].astype(np.int64) if name in told else best)
    rows: Rows = np.unique(np.concatenate(chosen)).astype(np.int32)
    places = np.searchsorted(memory.items, rows)
    inside = places < len(memory.items)
    inside[inside] = memory.items[places[inside]] == rows[inside]

    def heard(name: str) -> Floats:
        values = np.zeros(len(rows), dtype=np.float32)
        values[inside] = told[name][places[inside]]
        return values

    named, together = np.log(heard("named") + _OFTEN), heard("together")
    lift = np.where(inside, heard("lift"), 0.1 / _FEW)
    worded = np.log(heard("worded") + _RARE)
    near, fame = wide["neighbours"][rows], ground.fame[rows]
    nothing = np.float32(not len(past))
    columns = [
        named,
        np.log(heard("recommended") + _OFTEN),
        np.log(together + _OFTEN),
        np.log(lift),
        worded,
        np.log(heard("whole") + _RARE),
        near,
        np.log(np.maximum(near, 0) + 0.01),
        wide["described"][rows],
        wide["searched"][rows],
        *ground.kinds_of(past, ask.words, rows),
        ground.kinds_expected(memory.items, told, rows),
        fame,
        ground.recency[rows],
        named * nothing,
        fame * nothing,
        worded * nothing,
    ]
    return Pool(rows, np.stack(columns, axis=1).astype(np.float32))


def pools(
    asks: Sequence[Ask],
    words: Floats,
    memory: Memory,
    ground: Ground,
    wide: dict[str, Floats],
    heard: Mask | None = None,
) -> list[Pool]:
    """Return the pool of each question; `wide` are `Ground.signals` of the same questions."""
    told = memory.signals([ask.past for ask in asks], words, heard)
    return [
        pool_of(
            ask,
            memory,
            {name: values[at] for name, values in told.items()},
            ground,
            {name: values[at] for name, values in wide.items()},
        )
        for at, ask in enumerate(asks)
    ]
