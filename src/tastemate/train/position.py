"""Undoing what the place of an item did to its clicks, when training on one's own feedback.

Items shown at the top are looked at more, so they are clicked more, so they are learned to be
better and shown at the top. In the position-based model a click needs a look and a liking:
P(click) = examination(place) · relevance(item). The examination is estimated from the log, and each
click weighs 1 / examination in a fit (Joachims, Swaminathan & Schnabel 2017).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate.errors import ConfigError, DataError
from tastemate.interactions import Scale
from tastemate.rank.credit import answered, credited, standing
from tastemate.types import Event, Floats

Numbers = NDArray[np.float64]
CLIP = 10.0
"""Weight at which a click at a place that is hardly looked at is cut."""


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """The chance that each place is looked at, that of the first being 1, (places,)."""

    curve: Numbers
    source: str
    """How it was estimated: "em" or "randomised"."""
    rounds: int = 0

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"curve": self.curve.tolist(), "source": self.source, "rounds": self.rounds}


def by_em(
    items: NDArray[np.integer],
    places: NDArray[np.integer],
    clicks: NDArray[np.integer],
    *,
    rounds: int = 200,
    tolerance: float = 1e-5,
) -> Examined:
    """Estimate examination from impressions by expectation maximisation, arrays (impressions,).

    `items` are codes, `places` count from 1, `clicks` are 0 or 1. Examination and relevance are
    fitted together (Wang, Golbandi, Bendersky, Metzler & Najork 2018, with a relevance for each
    item instead of a regression). It tells the two apart only as far as items were shown at
    several places, which exploration sees to. Raises `DataError` for an empty log, one without a
    click, or one in which no item was shown at two places.
    """
    shown, clicked = _counts(items, places, clicks)
    if not ((shown > 0).sum(axis=1) > 1).any():
        raise DataError(
            "No item was shown at two places, so place and item cannot be told apart. Serve with "
            "exploration first."
        )
    if not clicked.any():
        raise DataError("Nothing was clicked, so nothing is known of the places.")
    missed = shown - clicked
    looked = np.full(shown.shape[1], 0.5)
    liked = np.full(shown.shape[0], 0.5)
    done = 0
    while done < rounds:
        done += 1
        both = np.clip(looked[None, :] * liked[:, None], 1e-9, 1.0 - 1e-9)
        # Of the impressions not clicked: looked at but not liked, liked but not looked at.
        seen = looked[None, :] * (1.0 - liked[:, None]) / (1.0 - both)
        good = liked[:, None] * (1.0 - looked[None, :]) / (1.0 - both)
        fresh = (clicked + missed * seen).sum(axis=0) / np.maximum(shown.sum(axis=0), 1e-9)
        liked = (clicked + missed * good).sum(axis=1) / np.maximum(shown.sum(axis=1), 1e-9)
        moved = float(np.abs(fresh - looked).max())
        looked = fresh
        if moved < tolerance:
            break
    return Examined(_scaled(looked), "em", done)


def by_randomised(
    places: NDArray[np.integer],
    clicks: NDArray[np.integer],
    propensity: Numbers,
    *,
    clip: float = 100.0,
) -> Examined:
    """Estimate examination from places whose item was drawn, arrays (impressions,).

    Only impressions with a propensity below 1 count, each weighted by 1 / propensity (at most
    `clip`), which makes the items at every place alike: then the ratio of click rates is that of
    examination. The curve runs over the places that explore, the first of them taken as 1, and in
    between it is drawn straight. Raises `DataError` where no place was drawn, or none was clicked.
    """
    _lengths(places, clicks, propensity)
    drawn = (propensity > 0.0) & (propensity < 1.0)
    if not drawn.any():
        raise DataError("No place was drawn: every propensity is 1. Serve with exploration first.")
    weight = np.minimum(1.0 / propensity[drawn], clip)
    at = places[drawn].astype(np.int64) - 1
    size = int(at.max()) + 1
    whole = np.bincount(at, weights=weight, minlength=size)
    won = np.bincount(at, weights=weight * clicks[drawn], minlength=size)
    known = np.flatnonzero(won > 0)
    if not len(known):
        raise DataError("Nothing that was drawn was clicked. Wait for more signals.")
    rates = won[known] / whole[known]
    curve = np.interp(np.arange(size), known, rates)
    return Examined(_scaled(curve), "randomised")


def of_frame(credited: pl.DataFrame) -> Examined:
    """Estimate examination by EM from impressions with `reward` (`rank.credit.credited`)."""
    for name in ("item", "position", "reward"):
        if name not in credited.columns:
            raise DataError(f"The impressions lack {name}. Give what rank.credit.credited returns.")
    frame = credited.filter(pl.col("position") > 0)
    codes = frame["item"].rank("dense").cast(pl.Int64).to_numpy() - 1 if len(frame) else np.zeros(0)
    return by_em(
        np.asarray(codes, dtype=np.int64),
        frame["position"].cast(pl.Int64).to_numpy(),
        frame["reward"].cast(pl.Int64).to_numpy(),
    )


def learned(
    impressions: pl.DataFrame, signals: pl.DataFrame, kinds: Collection[str], window: int
) -> tuple[Examined, dict[tuple[str, str], int]]:
    """Return what one's own log says of places, and the place of what each user chose.

    `impressions` and `signals` are the store's frames, `kinds` the signals that are a choice; a
    signal's place is that of the impression it answers within `window` seconds, else the one it
    names, if lists are that long; of a user's choices of an item the last one counts. Where places
    were drawn the curve is theirs, else it is estimated by EM. Raises `DataError` where the log
    tells too little.
    """
    chosen = standing(signals).filter(pl.col("kind").is_in(list(kinds)))
    shown = impressions.with_row_index("_row").select("_row", seen=pl.col("position"))
    answers = answered(impressions, chosen, window).join(shown, on="_row").unique("_given")
    placed = (
        chosen.with_row_index("_given")
        .join(answers.select("_given", "seen"), on="_given", how="left")
        .with_columns(named=pl.col("position").clip(0))
        .sort("timestamp", "_given")
    )
    log = credited(impressions, signals, kinds, window).filter(pl.col("position") > 0)
    if (log["propensity"] < 1.0).any():
        drawn = log["position"].to_numpy(), log["reward"].to_numpy(), log["propensity"].to_numpy()
        examined = by_randomised(*drawn)
    else:
        examined = of_frame(log)
    named = pl.when(pl.col("named") <= len(examined.curve)).then(pl.col("named")).otherwise(0)
    rows = placed.select("user", "item", pl.coalesce("seen", named)).iter_rows()
    return examined, {(user, item): int(place) for user, item, place in rows}


def weights(
    places: NDArray[np.integer] | Sequence[int], examined: Examined, clip: float = CLIP
) -> Floats:
    """Return the weight of each event in a fit, 1 / examination of its place, at most `clip`.

    A place of 0 is an event that answers no list (a search, a rating): it weighs 1. Places beyond
    the curve count as its last. Raises `ConfigError` for a clip below 1.
    """
    if not clip >= 1.0:
        raise ConfigError(f"clip is {clip}; a weight cannot be cut below 1.")
    at = np.asarray(places, dtype=np.int64)
    if (at < 0).any():
        raise ConfigError("A place lies below 0; places count from 1, and 0 is no list.")
    heavy = np.minimum(1.0 / np.maximum(examined.curve, 1.0 / clip), clip)
    found = np.where(at > 0, heavy[np.clip(at - 1, 0, len(heavy) - 1)], 1.0)
    return np.asarray(found, dtype=np.float32)


def weighted(
    events: Sequence[Event],
    places: Mapping[tuple[str, str], int],
    examined: Examined,
    scale: Scale,
    clip: float = CLIP,
) -> Floats:
    """Return what each of one's own events counts in a fit, (events,), as `Interactions.weight`.

    `places` are those of `learned`. Only what is liked is weighted: a dislike needed a look as
    well, but says nothing that is learned as a choice. The mean over the events is 1, so that
    penalties of a fit keep their meaning.
    """
    if not events:
        return np.zeros(0, dtype=np.float32)
    at = np.array([places.get((event.user, event.item), 0) for event in events])
    liked = scale.likes(np.array([event.value for event in events], np.float32))
    found = np.where(liked, weights(at, examined, clip), np.float32(1.0))
    return np.asarray(found / found.mean(), dtype=np.float32)


def relevance(
    items: NDArray[np.integer],
    places: NDArray[np.integer],
    clicks: NDArray[np.integer],
    examined: Examined,
) -> Numbers:
    """Return each item's chance of a click once looked at, (items,): clicks over looks."""
    shown, clicked = _counts(items, places, clicks)
    curve = examined.curve[np.minimum(np.arange(shown.shape[1]), len(examined.curve) - 1)]
    return np.asarray(clicked.sum(axis=1) / np.maximum((shown * curve).sum(axis=1), 1e-9))


def _counts(
    items: NDArray[np.integer], places: NDArray[np.integer], clicks: NDArray[np.integer]
) -> tuple[Numbers, Numbers]:
    """Return impressions and clicks, (items, places)."""
    _lengths(items, places, clicks)
    if not len(items):
        raise DataError("There are no impressions to learn from.")
    if places.min() < 1 or items.min() < 0 or not np.isin(clicks, (0, 1)).all():
        raise DataError("Places count from 1, items are codes from 0, and clicks are 0 or 1.")
    shape = int(items.max()) + 1, int(places.max())
    key = items.astype(np.int64) * shape[1] + places.astype(np.int64) - 1
    size = shape[0] * shape[1]
    shown = np.bincount(key, minlength=size).reshape(shape)
    clicked = np.bincount(key, weights=clicks, minlength=size).reshape(shape)
    return shown.astype(np.float64), clicked.astype(np.float64)


def _lengths(*arrays: NDArray[np.generic]) -> None:
    if len({len(one) for one in arrays}) != 1:
        raise DataError(f"Impressions differ in length: {[len(one) for one in arrays]}.")


def _scaled(curve: Numbers) -> Numbers:
    """Return a curve whose first place is 1 and none is above it."""
    first = curve[0] if curve[0] > 0 else curve.max()
    if first <= 0:
        raise DataError("Nothing was clicked, so nothing is known of the places.")
    return np.asarray(np.clip(curve / first, 1e-3, 1.0), dtype=np.float64)
