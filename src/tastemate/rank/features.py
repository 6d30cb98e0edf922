"""What the learned ranker sees of a candidate: one row of named numbers, the same in training.

A feature compares a candidate with somebody's last items, with their whole history, with the
rest of its pool or with what everybody did. Nothing here knows what an item is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.rank.cells import block, products
from tastemate.rank.crowd import DAY, STEP, Crowd
from tastemate.rank.likeness import NEAR, Columns, Likeness
from tastemate.rank.neighbours import neighbours
from tastemate.types import Candidate, Floats, History, Rows, history

FAR = 50
"""Latest events among which the most similar one is looked for."""
LONGEST = 200
"""Latest events that are read at all: what teaches is asked with no more either."""
RETRIEVED = "retrieved "
"""What the names of the features of a retriever's scores begin with."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One pool and who it is for; the events of the history latest first."""

    rows: Rows
    """(candidates,), in the order of the mix."""
    scores: Mapping[str, Floats]
    """Of each retriever and of the mix, (candidates,)."""
    items: Rows
    values: Floats
    times: NDArray[np.int64]

    @classmethod
    def of(cls, history: History, pool: Sequence[Candidate]) -> "Case":
        """Read a pool as it reaches a ranker; raise `ValueError` for an empty history."""
        if not len(history):
            raise ValueError("a pool is compared with a history, and there is none")
        history = history.last(LONGEST)
        scores = _parts(pool)
        scores["mix"] = np.array([candidate.score for candidate in pool], dtype=np.float32)
        rows = np.array([candidate.row for candidate in pool], dtype=np.int32)
        latest = slice(None, None, -1)
        values, times = history.values[latest], history.timestamps[latest]
        return cls(rows, scores, history.items[latest], values, times)


class Features:
    """Makes the features of pools from what is known of the items and of everybody.

    `vectors` are unit rows of the items' texts, None where nothing reads them; attributes in
    `exclude` are not compared: tags were written by the very people the figures are about, some
    of them after the event asked for.
    """

    def __init__(
        self,
        catalog: Catalog,
        crowd: Crowd,
        vectors: Floats | None = None,
        *,
        exclude: Sequence[str] = ("tags",),
    ) -> None:
        self.catalog = catalog
        self.crowd = crowd
        self.exclude = tuple(exclude)
        self._alike = Likeness(catalog, vectors, self.exclude)
        self._much = np.log1p(crowd.counts)

    def columns(self, case: Case) -> Columns:
        """Return every feature by name, each (candidates,) or one number for the whole pool."""
        found = retrieved(case)
        found |= _person(case)
        found |= self._popularity(case)
        both = products(self.crowd.met, case.items[:FAR], case.rows)
        found |= self._followers(case, both)
        found |= self._company(case, both)
        found |= neighbours(self.crowd.met, case.items[:NEAR], case.rows)
        mean, now = self.crowd.mean[case.rows], int(case.times[0])
        found |= self._alike.columns(case.rows, case.items, case.values, now, mean)
        return found

    def table(self, case: Case, names: Sequence[str]) -> Floats:
        """Return the features of these names, (candidates, names); nan for what is not there."""
        found = self.columns(case)
        table = np.full((len(case.rows), len(names)), np.nan, dtype=np.float32)
        for at, name in enumerate(names):
            if name in found:
                table[:, at] = found[name]
        return table

    def lacking(self, names: Sequence[str]) -> list[str]:
        """Return which of these names are of no feature here: another version's, say."""
        known = self.columns(Case.of(history([0]), [Candidate(0, 0.0, "", 1)]))
        return [name for name in names if name not in known and not name.startswith(RETRIEVED)]

    def _popularity(self, case: Case) -> Columns:
        crowd, rows, past = self.crowd, case.rows, case.items[:NEAR]
        much, now = self._much, int(case.times[0])
        found: Columns = {"popularity": much[rows], "popularity in pool": standardise(much[rows])}
        spans = {"month": 30, "year": 365, "four years": 1460}
        to_now, *before = crowd.until(rows, [now, *(now - n * DAY - 1 for n in spans.values())])
        for name, then in zip(spans, before, strict=True):
            found[f"popularity of the {name}"] = np.log1p(to_now - then)
        known = much[past]
        found |= {
            "years since first met": (now - crowd.first[rows]) / (365 * DAY),
            "rating": crowd.mean[rows],
            "rating spread": crowd.spread[rows],
            "usual place": crowd.place[rows],
            "popularity less last": much[rows] - known[0],
            "popularity less last 5": much[rows] - known[:5].mean(),
            "popularity off last 5": np.abs(much[rows] - known[:5].mean()),
            "popularity less last 10": much[rows] - known.mean(),
            "popularity of last 5": float(known[:5].mean()),
            "popularity spread of last 10": float(known.std()),
            "rating less last 5": crowd.mean[rows] - crowd.mean[past[:5]].mean(),
            "rating less own": crowd.mean[rows] - case.values.mean(),
            "usual place less last 5": crowd.place[rows] - crowd.place[past[:5]].mean(),
        }
        return found

    def _followers(self, case: Case, both: Floats) -> Columns:
        """What came after the last items in other histories, and what before them."""
        crowd, rows, past = self.crowd, case.rows, case.items[:NEAR]
        users = np.sqrt(np.maximum(crowd.counts[rows], 1))
        weights = np.float32(STEP) ** np.arange(len(past), dtype=np.float32)
        after = block(crowd.follows, past, rows)
        before = block(crowd.followed, past, rows)
        found: Columns = {}
        exact = np.zeros(len(rows), dtype=np.float32)
        for lag, matrix in enumerate(crowd.lags):
            came = block(matrix, past[lag : lag + 1], rows).sum(axis=0)
            found[f"came {lag + 1} after"] = came
            exact += came
        for at in range(5):
            found[f"follows {at + 1}"] = after[at] / users if at < len(past) else 0.0
        found |= {
            "came where it would": exact,
            "follows": weights @ after / users,
            "follows, counted": weights @ after,
            "follows, of how many": (after > 0).sum(axis=0),
            "follows, share of last": after[0] / max(float(crowd.counts[past[0]]), 1.0),
            "precedes": weights @ before / users,
            "follows rather than precedes": np.log1p(weights @ after) - np.log1p(weights @ before),
        }
        same = products(crowd.days, past, rows)
        found |= {
            "same day as last": same[0] / users,
            "same day": same.mean(axis=0) / users,
            "same day, least": same.min(axis=0) / users,
            "follows, of same day": (weights @ after + 0.5) / (weights @ same + 5),
        }
        together = both[:NEAR].sum(axis=0)
        found["same day, of same person"] = (same.sum(axis=0) + 1) / (together + 2)
        return found

    def _company(self, case: Case, both: Floats) -> Columns:
        """How like the items of the history an item is by who met it, and when that was."""
        crowd, rows, past = self.crowd, case.rows, case.items[:FAR]
        norms = np.sqrt(np.maximum(np.outer(crowd.counts[past], crowd.counts[rows]), 1))
        near = both / norms
        most = near.argmax(axis=0)
        return {
            "company": near.max(axis=0),
            "company, age": most,
            "company, time": np.log1p(np.maximum(case.times[0] - case.times[:FAR][most], 0)),
            "company, mean": near.mean(axis=0),
            "company of last 5": near[:5].mean(axis=0),
        }


def retrieved(case: Case) -> Columns:
    """Return each score within the pool: z, logarithm of its place, distance to the best."""
    said = np.array(list(case.scores.values()), dtype=np.float32)
    told = np.isfinite(said)
    lowest = np.where(told, said, np.inf).min(axis=1, keepdims=True)
    said = np.where(told, said, np.where(np.isfinite(lowest), lowest, 0)).astype(np.float64)
    off = said - said.mean(axis=1, keepdims=True)
    spread = np.sqrt((off**2).mean(axis=1, keepdims=True))
    z = off / np.where(spread > 0, spread, 1)
    place = np.empty(z.shape, dtype=np.float32)
    order = np.argsort(-z, axis=1, kind="stable")
    np.put_along_axis(place, order, np.arange(1, z.shape[1] + 1, dtype=np.float32)[None], axis=1)
    logs, behind = np.log(place), z.max(axis=1, keepdims=True) - z
    found: Columns = {}
    for at, name in enumerate(case.scores):
        found[f"{RETRIEVED}{name}"] = z[at]
        found[f"{RETRIEVED}{name}, place"] = logs[at]
        found[f"{RETRIEVED}{name}, to best"] = behind[at]
    return found


def _parts(pool: Sequence[Candidate]) -> dict[str, Floats]:
    """Return each retriever's scores of a pool; -inf where it has none."""
    names = [name for name, _ in pool[0].parts] if pool else []
    if all([name for name, _ in one.parts] == names for one in pool):
        table = np.array([[score for _, score in one.parts] for one in pool], dtype=np.float32)
        return dict(zip(names, table.reshape(len(pool), len(names)).T, strict=True))
    parts = [dict(one.parts) for one in pool]
    every = dict.fromkeys(name for one in parts for name in one)
    return {name: np.array([one.get(name, -np.inf) for one in parts], np.float32) for name in every}


def _person(case: Case) -> Columns:
    """Return what is one number for the pool: how somebody rates, and at what pace."""
    gaps = -np.diff(case.times[: NEAR + 1]).astype(np.float64)
    gaps = np.maximum(gaps, 0) if len(gaps) else np.zeros(1)
    values = case.values.astype(np.float64)
    return {
        "length": float(np.log1p(len(values))),
        "own rating": float(values.mean()),
        "own rating spread": float(values.std()),
        "last rating": float(values[0]),
        "rating of last 5": float(values[:5].mean()),
        "last gap": float(np.log1p(gaps[0])),
        "usual gap": float(np.log1p(np.median(gaps))),
        "longest gap": float(np.log1p(gaps.max())),
        "ties": float((gaps == 0).mean()),
        "events of the last 6 hours": float(
            np.log1p((case.times[0] - case.times < DAY // 4).sum())
        ),
    }
