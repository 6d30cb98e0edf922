"""Lists that give every group its share: exposure floors over items, calibrated popularity.

Attention falls with the place, so a share of a list is a share of its position discount (Singh &
Joachims 2018, "Fairness of exposure in rankings"). A group that is owed a place gets the next one,
at every prefix and not only at the end, as in FA*IR (Zehlike et al. 2017) and in Celis, Straszak
& Vishnoi 2018 ("Ranking with fairness constraints"). Whatever the floors leave open goes by
relevance against the popularity mix of the person's own history (Steck 2018, "Calibrated
recommendations"; over popularity as in Abdollahpouri et al. 2021).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate import config
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, nearest
from tastemate.rank.novelty import scaled
from tastemate.traits import Traits
from tastemate.types import Candidate, Floats, Mask, Query

Places = NDArray[np.intp]
Shares = NDArray[np.float64]

POPULARITY = "popularity"
"""As an attribute: how much an item is met, in the groups of `LABELS`."""
LABELS = ("popular", "middle", "rare")
MOST = 12
"""Groups of an attribute whose floors nobody named: the largest ones."""
ALPHA = 0.01
"""Share of the wanted mix in the given one, so that an empty bin is not infinitely far off."""
PRIOR = 3.0
"""Events that everybody's mix counts for beside the person's own."""


@dataclass(frozen=True, slots=True, eq=False)
class Floors:
    """What groups of a pool are owed: `member` (candidates, groups), `least` (groups,) shares."""

    member: Mask
    least: Shares


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """The bin of each candidate, (candidates,), the shares wanted, (bins,), and their weight."""

    bin: NDArray[np.int64]
    wanted: Shares
    trade: float


class Fair:
    """Re-ranks the first k for exposure and calibration, as far as `query.controls.fair` says.

    At 1 the declared groups get their floors and popularity the weight `calibration`; between 0
    and 1 that share of both; at 0, or where nothing is declared and nothing known, the pool comes
    back as it was. `popularity` (items,) counts events.
    """

    def __init__(
        self,
        catalog: Catalog,
        popularity: NDArray[np.int64] | Floats,
        *,
        attribute: str = "",
        least: Mapping[str, float] | None = None,
        parity: float = 0.8,
        calibration: float = 0.5,
        traits: Traits | None = None,
    ) -> None:
        """Take what `[fair]` declares; `traits` saves the work when they were collected before.

        `attribute` is a text, a list, a year (its decades) or "popularity"; `least` its values'
        minimum shares of exposure. Without them each of the twelve largest values is owed
        `parity` of its share of the pool (.8: the four-fifths rule), where that is worth at least
        half of the last place. Raises `ConfigError` for an
        attribute or value that is not there, or shares outside 0..1.
        """
        for name, value in (("parity", parity), ("calibration", calibration)):
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"{name} in [fair] is {value}; it must lie between 0 and 1.")
        counts = np.asarray(popularity, dtype=np.int64)
        self.parity = parity
        self.calibration = calibration
        self.thirds = item_thirds(counts) if counts.sum() > 0 else None
        member, self.groups = self._declared(catalog, attribute, traits)
        at, self.least = _floors(least or {}, self.groups, attribute)
        if self.least is None and len(self.groups) > MOST:
            at = np.sort(np.argsort(-member.sum(axis=0), kind="stable")[:MOST])
        self.groups = tuple(self.groups[one] for one in at)
        self.member = np.ascontiguousarray(member[:, at])
        if self.least is not None and _exclusive(self.member) and self.least.sum() > 1 + 1e-9:
            raise ConfigError(
                f"The shares in [fair.least] add up to {self.least.sum():.2f}; "
                f"an item has one {attribute}, so they can add up to 1 at most."
            )
        thirds = np.zeros(0, dtype=np.int64) if self.thirds is None else self.thirds
        everyone = np.bincount(thirds, weights=counts[: len(thirds)], minlength=len(LABELS))
        self.everyone: Shares = everyone / max(float(everyone.sum()), 1.0)

    def arrange(self, query: Query, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return a permutation of the candidates for `query.controls.fair`.

        The first k places change; what is not in them keeps its order.
        """
        pool = list(candidates)
        strength = query.controls.fair
        if len(pool) < 2 or strength == 0.0:
            return pool
        rows = np.array([candidate.row for candidate in pool], dtype=np.int64)
        scores = np.array([candidate.score for candidate in pool], dtype=np.float32)
        if (np.diff(scores) > 0).any():  # something reordered the pool: its order counts
            scores = np.linspace(1.0, 0.0, len(pool), dtype=np.float32)
        picked = fair_order(
            scores,
            query.k,
            floors=self._owed(rows, query.k, strength),
            mix=self._mix(query, rows, strength),
        ).tolist()
        taken = set(picked)
        return [pool[at] for at in picked] + [
            candidate for at, candidate in enumerate(pool) if at not in taken
        ]

    def _declared(
        self, catalog: Catalog, attribute: str, traits: Traits | None
    ) -> tuple[Mask, tuple[str, ...]]:
        """Return which items are in which group, (items, groups), and the groups' names."""
        if not attribute:
            return np.zeros((len(catalog), 0), dtype=bool), ()
        if attribute == POPULARITY and attribute not in catalog.attributes:
            if self.thirds is None:
                return np.zeros((len(catalog), len(LABELS)), dtype=bool), LABELS
            return self.thirds[:, None] == np.arange(len(LABELS)), LABELS
        found = traits if traits is not None else Traits.of(catalog)
        if attribute not in found.attributes:
            known = (*found.attributes, POPULARITY)
            raise ConfigError(
                f"attribute in [fair] is {config.show(attribute)}, which makes no groups here."
                f"{nearest(attribute, known)} Those that do: {', '.join(known)}."
            )
        mine = np.flatnonzero(found.owner == found.attributes.index(attribute))
        member = np.asarray(found.matrix[:, mine].toarray() > 0)
        return member, tuple(found.values[one] for one in mine)

    def _owed(self, rows: NDArray[np.int64], k: int, strength: float) -> Floors | None:
        """Return what the groups of a pool are owed; None where no group is declared.

        A floor that nobody named and that is less than half of the last place is none: every list
        would have to give it a whole place.
        """
        if not self.groups:
            return None
        member = np.zeros((len(rows), len(self.groups)), dtype=bool)
        known = rows < len(self.member)  # items added since belong to no group
        member[known] = self.member[rows[known]]
        if self.least is not None:
            return Floors(member, strength * self.least)
        least = strength * self.parity * member.mean(axis=0)
        weight = 1.0 / np.log2(np.arange(2, max(min(k, len(rows)), 1) + 2))
        return Floors(member, np.where(least < weight[-1] / weight.sum() / 2, 0.0, least))

    def _mix(self, query: Query, rows: NDArray[np.int64], strength: float) -> Mix | None:
        """Return the popularity mix wanted; None where nothing tells it."""
        if self.thirds is None or not len(query.history) or not self.calibration:
            return None
        met = query.history.items
        bins = self.thirds[met[met < len(self.thirds)]]
        own = np.bincount(bins, minlength=len(LABELS)) + PRIOR * self.everyone
        bin = np.full(len(rows), len(LABELS) - 1, dtype=np.int64)
        known = rows < len(self.thirds)
        bin[known] = self.thirds[rows[known]]
        return Mix(bin, own / own.sum(), strength * self.calibration)


def fair_order(
    scores: Floats, k: int, *, floors: Floors | None = None, mix: Mix | None = None
) -> Places:
    """Return k positions of a pool, best first, that keep to the floors and near the mix.

    Greedy. A place is owed to a group when its exposure, below its floor over the places so far,
    is behind by a whole place (no prefix is worse), or when what all are still owed over the k
    would no longer fit; the group owed most comes first, an item of several such groups serves
    them all, and of what may stand there the best does. A free place goes
    to the largest (1 - trade)·relevance - trade·KL(wanted || given); relevance is the score scaled
    to 0..1, the given mix is weighed by place. Ties go to the earlier position. Over the k, the
    floor of a single group is met whenever the pool holds enough of it.
    """
    k = max(min(k, len(scores)), 0)
    weight = 1.0 / np.log2(np.arange(2, k + 2))
    worth = scaled(scores).astype(np.float64)
    free = np.ones(len(scores), dtype=bool)
    picked = np.empty(k, dtype=np.intp)
    owed = _Owed(floors, weight) if floors is not None and floors.least.any() else None
    given = np.zeros(0 if mix is None else len(mix.wanted))
    for place in range(k):
        may = free if owed is None else owed.may(place, free)
        gain = worth
        if mix is not None:
            gain = (1.0 - mix.trade) * worth - mix.trade * _distance(mix, given, weight[place])
        best = int(np.where(may, gain, -np.inf).argmax())
        picked[place] = best
        free[best] = False
        if owed is not None:
            owed.give(place, best)
        if mix is not None:
            given[mix.bin[best]] += weight[place]
    return picked


def item_thirds(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the group of each item, (items,): popular, middle or rare (`LABELS`).

    Each holds about a third of the events, so the first has few items and the last many.
    """
    order = np.argsort(-counts, kind="stable")
    before = np.concatenate(([0], np.cumsum(counts[order])[:-1]))
    group = np.empty(len(counts), dtype=np.int64)
    group[order] = np.minimum(3 * before // max(int(counts.sum()), 1), 2)
    return group


class _Owed:
    """The account of one list: what each group is owed, and what it got."""

    def __init__(self, floors: Floors, weight: Shares) -> None:
        self.member = floors.member
        self.weight = weight
        self.so_far = floors.least * np.cumsum(weight)[:, None]
        """(places, groups): owed after each place."""
        self.left = np.cumsum(weight[::-1])[::-1]
        """(places,): exposure from a place to the end."""
        self.got = np.zeros(len(floors.least))
        self.exclusive = _exclusive(floors.member)

    def may(self, place: int, free: Mask) -> Mask:
        """Return which candidates may stand at a place: all that are free, or a group's."""
        there = self.member[free].any(axis=0)
        due = there & (self.so_far[place] - self.got >= self.weight[place])
        needed = np.where(there, self.so_far[-1] - self.got, 0.0)
        room = self.left[place] - self.weight[place] + 1e-9
        pressed = needed > room
        if self.exclusive and needed[needed > 0].sum() > room:
            pressed = needed > 1e-9  # no place serves two of them: together they fill the rest
        may = free
        for group in np.argsort(-needed, kind="stable"):
            if due[group] or pressed[group]:
                both = may & self.member[:, group]
                may = both if both.any() else may
        return may

    def give(self, place: int, at: int) -> None:
        """Book a place to the groups of the candidate that got it."""
        self.got += self.weight[place] * self.member[at]


def _distance(mix: Mix, given: Shares, weight: float) -> Shares:
    """Return KL(wanted || given) if each candidate came next, (candidates,)."""
    after = given + weight * np.eye(len(given))  # (bins, bins): one more of each
    after = (1 - ALPHA) * after / after.sum(axis=1, keepdims=True) + ALPHA * mix.wanted
    wanted = np.where(mix.wanted > 0, mix.wanted, 1.0)
    ratio = np.where(mix.wanted > 0, wanted / np.where(after > 0, after, 1.0), 1.0)
    far = (mix.wanted * np.log(ratio)).sum(axis=1)
    return np.asarray(far[mix.bin], dtype=np.float64)


def _exclusive(member: Mask) -> bool:
    return not bool((member.sum(axis=1) > 1).any())


def _floors(
    least: Mapping[str, float], groups: tuple[str, ...], attribute: str
) -> tuple[Places, Shares | None]:
    """Return which groups have floors, and these; every group and None where none are named."""
    if not least:
        return np.arange(len(groups)), None
    if not attribute:
        raise ConfigError(
            "[fair.least] names shares of an attribute that nobody named. "
            'Say which: attribute = "…" in [fair].'
        )
    for value, share in least.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ConfigError(
                f"{value!r} in [fair.least] is {config.show(share)}; "
                "it must be a number between 0 and 1, such as 0.2."
            )
        if value not in groups:
            raise ConfigError(
                f"{value!r} in [fair.least] is no value of {attribute}.{nearest(value, groups)}"
            )
    at = np.array([groups.index(value) for value in least], dtype=np.intp)
    return at, np.array([float(share) for share in least.values()])
