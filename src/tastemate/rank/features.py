"""What the learned ranker sees of a candidate: one row of named numbers, the same in training.

A feature compares a candidate with somebody's last items, with their whole history, with the
rest of its pool or with what everybody did. Nothing here knows what an item is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tastemate.blend import standardise
from tastemate.catalog import Catalog
from tastemate.rank.crowd import DAY, STEP, Crowd
from tastemate.traits import Traits, is_year
from tastemate.types import Candidate, Floats, History, Rows

Column: TypeAlias = NDArray[np.floating] | float
Columns: TypeAlias = dict[str, Column]

NEAR = 10
"""Latest events whose followers and days are looked at."""
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
        parts = [dict(candidate.parts) for candidate in pool]
        names = dict.fromkeys(name for one in parts for name in one)
        scores = {
            name: np.array([one.get(name, -np.inf) for one in parts], np.float32) for name in names
        }
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
        self.vectors = vectors
        self.exclude = tuple(exclude)
        years = [name for name in catalog.attributes if is_year(name) and catalog.is_numeric(name)]
        self._years = catalog.numbers(years[0]).astype(np.float64) if years else None
        self._traits = Traits.of(catalog, (*exclude, *years)).matrix
        self._size = np.maximum(np.diff(self._traits.indptr), 1).astype(np.float32)

    def columns(self, case: Case) -> Columns:
        """Return every feature by name, each (candidates,) or one number for the whole pool."""
        found = retrieved(case)
        found |= _person(case)
        found |= self._popularity(case)
        found |= self._followers(case)
        found |= self._company(case)
        found |= self._attributes(case)
        if self._years is not None:
            found |= _years(self._years, case)
        if self.vectors is not None:
            found |= _texts(self.vectors, case)
        return found

    def table(self, case: Case, names: Sequence[str]) -> Floats:
        """Return the features of these names, (candidates, names); nan for what is not there."""
        found = self.columns(case)
        table = np.full((len(case.rows), len(names)), np.nan, dtype=np.float32)
        for at, name in enumerate(names):
            if name in found:
                table[:, at] = found[name]
        return table

    def _popularity(self, case: Case) -> Columns:
        crowd, rows, past = self.crowd, case.rows, case.items[:NEAR]
        much, now = np.log1p(crowd.counts), int(case.times[0])
        to_now = crowd.until(rows, now)
        found: Columns = {"popularity": much[rows], "popularity in pool": standardise(much[rows])}
        for name, days in (("month", 30), ("year", 365), ("four years", 1460)):
            found[f"popularity of the {name}"] = np.log1p(
                to_now - crowd.until(rows, now - days * DAY - 1)
            )
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

    def _followers(self, case: Case) -> Columns:
        """What came after the last items in other histories, and what before them."""
        crowd, rows, past = self.crowd, case.rows, case.items[:NEAR]
        users = np.sqrt(np.maximum(crowd.counts[rows], 1))
        weights = np.float32(STEP) ** np.arange(len(past), dtype=np.float32)
        after = _block(crowd.follows, past, rows)
        before = _block(crowd.followed, past, rows)
        found: Columns = {}
        exact = np.zeros(len(rows), dtype=np.float32)
        for lag, matrix in enumerate(crowd.lags):
            came = _block(matrix, past[lag : lag + 1], rows).sum(axis=0)
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
        same = _products(crowd.days, past, rows)
        found |= {
            "same day as last": same[0] / users,
            "same day": same.mean(axis=0) / users,
            "same day, least": same.min(axis=0) / users,
            "follows, of same day": (weights @ after + 0.5) / (weights @ same + 5),
        }
        together = _products(crowd.met, past, rows).sum(axis=0)
        found["same day, of same person"] = (same.sum(axis=0) + 1) / (together + 2)
        return found

    def _company(self, case: Case) -> Columns:
        """How like the items of the history an item is by who met it, and when that was."""
        crowd, rows, past = self.crowd, case.rows, case.items[:FAR]
        both = _products(crowd.met, past, rows)
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

    def _attributes(self, case: Case) -> Columns:
        """What it shares with the last items and with all, and how those were rated."""
        of, mine = self._traits[case.rows], self._traits[case.items]
        own, size = self._size[case.rows], self._size[case.items]
        scaled = sparse.csr_matrix(mine.multiply((1 / size)[:, None]))
        shared = np.asarray((of @ mine[:NEAR].T).toarray(), dtype=np.float32)
        union = np.maximum(own + size[0] - shared[:, 0], 1)
        liked = (mine.T @ (case.values - case.values.mean())) / (
            np.asarray(mine.sum(axis=0)).ravel() + 5
        )
        found: Columns = {"attributes of last": shared[:, 0] / union}
        for name, n in (("last 5", 5), ("last 20", 20), ("all", len(case.items))):
            mean = np.asarray(scaled[:n].mean(axis=0)).ravel()
            found[f"attributes of {name}"] = (of @ mean) / np.sqrt(own)
        rated = (of @ liked) / own
        found |= {
            "attributes, how many share one": (shared > 0).mean(axis=1),
            "attributes, as rated": rated,
            "rating to expect": self.crowd.mean[case.rows] + rated,
        }
        return found


def retrieved(case: Case) -> Columns:
    """Return each score within the pool: z, logarithm of its place, distance to the best."""
    found: Columns = {}
    for name, scores in case.scores.items():
        told = np.isfinite(scores)
        lowest = scores[told].min() if told.any() else np.float32(0)
        z = standardise(np.where(told, scores, lowest).astype(np.float32))
        place = np.empty(len(z), dtype=np.float32)
        place[np.argsort(-z, kind="stable")] = np.arange(1, len(z) + 1)
        found[f"{RETRIEVED}{name}"] = z
        found[f"{RETRIEVED}{name}, place"] = np.log(place)
        found[f"{RETRIEVED}{name}, to best"] = z.max() - z
    return found


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


def _years(years: NDArray[np.float64], case: Case) -> Columns:
    """Return how near in years it is to the last items; nan where a year is not known."""
    own, past = years[case.rows], years[case.items[:20]]
    off = np.abs(own[:, None] - past[None, :5])
    now = 1970 + case.times[0] / (365.25 * DAY)
    return {
        "year": own,
        "year less last": own - past[0],
        "year off last": off[:, 0],
        "year off last 5": _mean(off),
        "year less last 20": own - _mean(past[None])[0],
        "year spread of last 10": _spread(past[:10]),
        "years old": now - own,
    }


def _texts(vectors: Floats, case: Case) -> Columns:
    """Return cosines with the texts of the last items and with the mean of all."""
    own, past = vectors[case.rows], vectors[case.items]
    return {
        "text of last": own @ past[0],
        "text of last 5": own @ past[:5].mean(axis=0),
        "text of all": own @ past.mean(axis=0),
        "text, nearest of 20": (own @ past[:20].T).max(axis=1),
    }


def _mean(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each row over what is known in it; nan where nothing is."""
    told = np.isfinite(table)
    many = told.sum(axis=1)
    sums = np.where(told, table, 0.0).sum(axis=1)
    return np.where(many > 0, sums / np.maximum(many, 1), np.nan)


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of what is known; nan where nothing is."""
    told = values[np.isfinite(values)]
    return float(told.std()) if len(told) else float("nan")


def _block(matrix: sparse.csr_matrix, past: Rows, rows: Rows) -> Floats:
    """Return the cells of some rows and columns, (past, rows)."""
    return np.asarray(matrix[past].toarray()[:, rows], dtype=np.float32)


def _products(matrix: sparse.csr_matrix, past: Rows, rows: Rows) -> Floats:
    """Return how many columns two items share, (past, rows)."""
    return np.asarray((matrix[past] @ matrix[rows].T).toarray(), dtype=np.float32)
