"""What someone likes and dislikes, read from their history and nothing else.

A trait (one value of one attribute) is claimed when it is clearly more common among the liked
items than among what people met at large, and clearly so: the lower end of a Bayesian interval
counts, not the ratio of small numbers. Every statement names the items it was read from.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.catalog import Catalog
from tastemate.interactions import Interactions
from tastemate.text.phrases import modifier
from tastemate.traits import Traits
from tastemate.types import Floats, History, Mask, Statement, Taste

SHOWN = 5
"""At most so many supporting items a statement."""


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Traits that passed, one array entry each."""

    traits: NDArray[np.intp]
    lift: NDArray[np.float64]
    strength: NDArray[np.float64]


class AttributeTaste:
    """Statements by lift: P(trait | liked) / P(trait | everything people met), shrunk.

    The rate among the liked items has a Beta(s·p, s·(1-p)) prior at the base rate p with `prior`
    = s pseudo-items. The logit of a Beta(a, b) has mean ψ(a) - ψ(b) and variance ψ₁(a) + ψ₁(b);
    a trait is claimed when the mean minus `z` deviations lies above logit(p) (1.25 `z` for a
    dislike). `exclude` names attributes never to be spoken of, protected ones for example.
    """

    def __init__(
        self,
        catalog: Catalog,
        interactions: Interactions,
        *,
        limit: int = 8,
        z: float = 1.28,
        prior: float = 10.0,
        exclude: Collection[str] = (),
        traits: Traits | None = None,
    ) -> None:
        """`traits` saves the work when they were collected before; `exclude` still holds."""
        self.catalog = catalog
        self.limit = limit
        self.z = z
        self.prior = prior
        self.scale = interactions.scale
        self.traits = traits if traits is not None else Traits.of(catalog, exclude)
        hidden = [name in exclude for name in self.traits.attributes]
        self._hidden: Mask = np.array(hidden, dtype=bool)[self.traits.owner]
        # +1: nobody met it yet, but somebody could have
        met = np.ones(len(catalog))
        met[: interactions.n_items] += interactions.counts
        known = met @ self.traits.known
        carried = np.asarray(met @ self.traits.matrix).ravel()
        total = known[self.traits.owner] if len(known) else np.zeros(0)
        self._base = np.clip(carried / np.maximum(total, 1e-9), 1e-9, 1 - 1e-6)

    def taste(self, histories: Sequence[History]) -> list[Taste]:
        """Return one taste a history; empty for an empty history or one that says nothing."""
        if not histories:
            return []
        liked = [self.likes(history) for history in histories]
        disliked = [self.dislikes(history) for history in histories]
        everything = [np.ones(len(history), dtype=bool) for history in histories]
        counted = [
            self._count(_matrix(histories, masks, len(self.catalog)))
            for masks in (liked, disliked, everything)
        ]
        return [
            self._read(history, liked[at], disliked[at], *[(c[at], n[at]) for c, n in counted])
            for at, history in enumerate(histories)
        ]

    def likes(self, history: History) -> Mask:
        """Return which events are likes on the scale of the data, shape (events,)."""
        return self.scale.likes(history.values) & ~self.dislikes(history)

    def dislikes(self, history: History) -> Mask:
        """Return which events are dislikes: low on the scale, or low for this person."""
        low = self.scale.dislikes(history.values)
        if len(history) < 2 or self.scale.high <= self.scale.low:
            return low
        usual = float(history.values.mean())
        own = history.values <= usual - 0.3 * (self.scale.high - self.scale.low)
        return np.asarray(low | own)

    def _count(self, chosen: sparse.csr_matrix) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
        """Return items per trait (histories, traits) and known items per attribute."""
        return sparse.csr_matrix(chosen @ self.traits.matrix), chosen @ self.traits.known

    def _read(
        self,
        history: History,
        liked: Mask,
        disliked: Mask,
        likes: tuple[sparse.csr_matrix, NDArray[np.float64]],
        dislikes: tuple[sparse.csr_matrix, NDArray[np.float64]],
        everything: tuple[sparse.csr_matrix, NDArray[np.float64]],
    ) -> Taste:
        """Turn the counts of one history into statements."""
        met, met_known = everything
        usual = self._base.copy()
        own, of = met.indices, met_known[self.traits.owner[met.indices]]
        usual[own] = (self.prior * self._base[own] + met.data) / (self.prior + of)
        # Who watches much horror dislikes some of it: for a dislike the own habit counts too.
        bad = self._claims(dislikes, np.clip(usual, self._base, 1 - 1e-6), 1.25 * self.z)
        good = self._claims(likes, self._base, self.z)
        share = liked.mean() if len(liked) else 0.0
        fond = np.zeros(len(self._base))
        fond[likes[0].indices] = likes[0].data
        often = np.ones(len(self._base))
        often[met.indices] = met.data
        keep = (fond / often)[good.traits] >= 0.8 * share
        keep &= ~np.isin(good.traits, bad.traits)
        good = _Evidence(good.traits[keep], good.lift[keep], good.strength[keep])
        room = self.limit - min(self.limit // 4, len(bad.traits))
        statements = self._choose(history, liked, good, likes=True, limit=room)
        rest = self.limit - len(statements)
        statements += self._choose(
            history, disliked, bad, likes=False, limit=min(rest, max(self.limit // 2, 1))
        )
        return Taste(tuple(statements), _sentences(statements))

    def _claims(
        self,
        counts: tuple[sparse.csr_matrix, NDArray[np.float64]],
        base: NDArray[np.float64],
        z: float,
    ) -> _Evidence:
        """Return the traits whose rate is surely above the base rate."""
        from scipy.special import polygamma, psi

        found, known = counts
        traits = found.indices.astype(np.intp)
        had = found.data.astype(np.float64)
        of = known[self.traits.owner[traits]]
        p = base[traits]
        a = self.prior * p + had
        b = self.prior * (1 - p) + np.maximum(of - had, 0.0)
        low = psi(a) - psi(b) - z * np.sqrt(polygamma(1, a) + polygamma(1, b))
        # One item by somebody rare is no habit, unless one item is all there is.
        enough = had >= np.minimum(np.maximum(of, 1), 2 + (of > 60))
        keep = enough & (low > np.log(p / (1 - p))) & ~self._hidden[traits]
        lift = a / (a + b) / p
        keep &= lift > 1.2
        strength = had * np.log(np.maximum(lift, 1.0))
        return _Evidence(traits[keep], lift[keep], strength[keep])

    def _choose(
        self, history: History, which: Mask, found: _Evidence, *, likes: bool, limit: int
    ) -> list[Statement]:
        """Take the strongest claims, fewer from one attribute, none that repeats another's items.

        A single item says little: at most two statements rest on it.
        """
        if limit <= 0 or not len(found.traits):
            return []
        rows = history.items[which]
        unique = np.unique(rows)
        columns = self.traits.matrix[unique].tocsc()
        if len(unique) == 1:
            limit = min(limit, 2)
        order = np.lexsort((found.traits, -found.strength))
        waiting = [int(at) for at in order[:60]]
        used: dict[int, int] = {}
        taken: list[frozenset[int]] = []
        statements: list[Statement] = []
        while waiting and len(statements) < limit:
            at = max(
                waiting,
                key=lambda i: found.strength[i] * 0.6 ** used.get(self._owner(found, i), 0),
            )
            waiting.remove(at)
            trait = int(found.traits[at])
            start, end = columns.indptr[trait : trait + 2]
            support = frozenset(unique[columns.indices[start:end]].tolist())
            if any(_overlap(support, other) > 0.8 for other in taken) and len(unique) > 2:
                continue
            taken.append(support)
            used[self._owner(found, at)] = used.get(self._owner(found, at), 0) + 1
            ids = self._telling(history, which, support, likes=likes)
            statements.append(self._statement(trait, float(found.lift[at]), ids, likes=likes))
        return statements

    def _owner(self, found: _Evidence, at: int) -> int:
        return int(self.traits.owner[found.traits[at]])

    def _statement(
        self, trait: int, lift: float, items: tuple[str, ...], *, likes: bool
    ) -> Statement:
        attribute, value = self.traits.name(trait)
        verb = "likes" if likes else "dislikes"
        text = f"{verb} titles {modifier(attribute, [value])}"
        return Statement(text, attribute, value, likes, round(lift, 2), items)

    def _telling(
        self, history: History, which: Mask, support: frozenset[int], *, likes: bool
    ) -> tuple[str, ...]:
        """Return ids, most telling first: the strongest value, then the latest."""
        events = np.flatnonzero(which & np.isin(history.items, list(support)))
        sign = -1.0 if likes else 1.0
        order = events[np.lexsort((-events, sign * history.values[events]))]
        rows = dict.fromkeys(history.items[order].tolist())
        return tuple(self.catalog.ids[row] for row in rows)[:SHOWN]


def _matrix(histories: Sequence[History], masks: Sequence[Mask], n_items: int) -> sparse.csr_matrix:
    """Return which history holds which item, (histories, items), binary."""
    kept = [np.unique(h.items[mask]) for h, mask in zip(histories, masks, strict=True)]
    sizes = [len(rows) for rows in kept]
    indptr = np.concatenate(([0], np.cumsum(sizes)))
    indices = np.concatenate(kept).astype(np.int32)
    data: Floats = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_matrix((data, indices, indptr), shape=(len(histories), n_items))


def _overlap(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _sentences(statements: Sequence[Statement]) -> str:
    """Say likes, then dislikes, in a plain sentence each, values of one attribute together."""
    sentences = []
    for likes, opening in ((True, "You like titles"), (False, "You care less for titles")):
        grouped: dict[str, list[str]] = {}
        for statement in statements:
            if statement.likes is likes:
                grouped.setdefault(statement.attribute, []).append(str(statement.value))
        if not grouped:
            continue
        parts = [modifier(name, values, "or") for name, values in grouped.items()]
        first, rest = parts[:3], parts[3:]
        sentences.append(f"{opening} {', '.join(first)}.")
        if rest:
            sentences.append(f"{'Also' if likes else 'And'} titles {', '.join(rest)}.")
    return " ".join(sentences)
