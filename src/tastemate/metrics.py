"""How good a list is, and how good beyond being right: arrays in, one number a user out.

Every accuracy metric reads a `Judged` table (which places of a list hold something relevant), so
that one target with a rank and many truths with a list are measured by the same lines. Metrics
return one float64 a user; means and intervals are the caller's (`evaluate.bootstrap`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.errors import DataError
from tastemate.types import Floats, Mask

Values: TypeAlias = NDArray[np.float64]
"""One number a user, shape (users,)."""
Lists: TypeAlias = NDArray[np.int64]
"""Item rows by user and place, shape (users, depth); -1 pads a short list at its end."""

Ranked: TypeAlias = Sequence[Sequence[int] | NDArray[np.integer]] | NDArray[np.integer]
"""One ranked list of rows a user, of any lengths."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Which places hold something relevant, and how much there was to find."""

    hits: Mask
    """(users, depth)."""
    sizes: NDArray[np.int64]
    """Relevant items of each user, (users,), at least 1."""


def as_lists(lists: Ranked, depth: int) -> Lists:
    """Return the first `depth` places of ragged lists as one padded table.

    Raises `DataError` when a list names an item twice: a repeated item would be counted twice.
    """
    table = np.full((len(lists), depth), -1, dtype=np.int64)
    for at, one in enumerate(lists):
        cut = np.asarray(one, dtype=np.int64)
        cut = cut[cut >= 0][:depth]
        table[at, : len(cut)] = cut
    ordered = np.sort(table, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        user = int(np.flatnonzero(twice.any(axis=1))[0])
        raise DataError(
            f"List {user} names an item twice; a ranked list must hold each item once. "
            "Remove repetitions before measuring."
        )
    return table


def judge(
    lists: Ranked,
    truths: Sequence[Collection[int]],
    depth: int,
) -> Judged:
    """Judge ranked lists against what was relevant; raises `DataError` for a user without truth."""
    if len(lists) != len(truths):
        raise DataError(
            f"{len(lists)} lists but {len(truths)} truths; give one truth for each list."
        )
    table = as_lists(lists, depth)
    sizes = np.array([len(set(truth)) for truth in truths], dtype=np.int64)
    if (sizes == 0).any():
        raise DataError("A user has nothing relevant to find; leave such users out.")
    hits = np.zeros(table.shape, dtype=np.bool_)
    for at, truth in enumerate(truths):
        hits[at] = np.isin(table[at], np.fromiter(truth, np.int64, len(truth)))
    return Judged(hits & (table >= 0), sizes)


def judge_ranks(ranks: NDArray[np.integer], depth: int) -> Judged:
    """Judge one target a user by the place it got (1 is the best), shape (users,)."""
    if len(ranks) and int(ranks.min()) < 1:
        raise DataError("Ranks start at 1; a target that was not ranked needs a rank past the end.")
    hits = ranks[:, None] == np.arange(1, depth + 1)[None, :]
    return Judged(hits, np.ones(len(ranks), dtype=np.int64))


def ranks_of(
    scores: Floats, targets: NDArray[np.integer], *, equal: str = "worst"
) -> NDArray[np.int64]:
    """Return the place of each target among all items by score, (queries,), 1 is the best.

    `equal="worst"` puts a target after every item of the same score; `"catalogue"` after the
    earlier rows only. A target at -inf was not ranked: it comes last. Raises `DataError` on NaN.
    """
    if np.isnan(scores).any():
        raise DataError("A model scored an item as NaN; scores must be numbers or -inf.")
    own = scores[np.arange(len(scores)), targets]
    better = (scores > own[:, None]).sum(axis=1)
    same = scores == own[:, None]
    if equal == "catalogue":
        same &= np.arange(scores.shape[1])[None, :] < targets[:, None]
        ties = same.sum(axis=1)
    else:
        ties = same.sum(axis=1) - 1
    ranks = 1 + better + ties
    result: NDArray[np.int64] = np.where(np.isneginf(own), scores.shape[1], ranks)
    return result


def precision(judged: Judged, k: int) -> Values:
    """Share of the first k places that are relevant; a short list counts its empty places."""
    return np.asarray(judged.hits[:, :k].sum(axis=1) / k, np.float64)


def recall(judged: Judged, k: int) -> Values:
    """Share of what was relevant that is in the first k places."""
    found: Values = judged.hits[:, :k].sum(axis=1) / judged.sizes
    return found


def hit_rate(judged: Judged, k: int) -> Values:
    """1 where anything relevant is in the first k places, else 0."""
    return np.asarray(judged.hits[:, :k].any(axis=1), np.float64)


def ndcg(judged: Judged, k: int) -> Values:
    """Discounted gain, 1/log2(1 + place), over the best possible (Järvelin & Kekäläinen 2002)."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    hits = judged.hits[:, :k]
    gain = (hits * discounts[: hits.shape[1]]).sum(axis=1)
    ideal = np.cumsum(discounts)[np.minimum(judged.sizes, k) - 1]
    return np.asarray(gain / ideal, np.float64)


def mrr(judged: Judged, k: int) -> Values:
    """One over the place of the first relevant item, 0 when none is in the first k."""
    hits = judged.hits[:, :k]
    result: Values = np.where(hits.any(axis=1), 1.0 / (1.0 + hits.argmax(axis=1)), 0.0)
    return result


def average_precision(judged: Judged, k: int) -> Values:
    """Mean over all relevant items of the precision at their place, 0 past k (trec_eval's map)."""
    hits = judged.hits[:, :k]
    at = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    result: Values = (at * hits).sum(axis=1) / judged.sizes
    return result


RANKING: dict[str, Callable[[Judged, int], Values]] = {
    "precision": precision,
    "recall": recall,
    "hit": hit_rate,
    "ndcg": ndcg,
    "mrr": mrr,
    "map": average_precision,
}
"""Name → metric, for tables of "name@k"."""


def measure(judged: Judged, names: Sequence[str], cutoffs: Sequence[int]) -> dict[str, Values]:
    """Return "name@k" → one value a user, for every name and cutoff."""
    return {f"{name}@{k}": RANKING[name](judged, k) for name in names for k in cutoffs}


def rmse(predicted: Floats | Values, actual: Floats | Values) -> float:
    """Root of the mean squared error; raises `DataError` when there is no pair."""
    return float(np.sqrt(np.mean(_errors(predicted, actual) ** 2)))


def _errors(predicted: Floats | Values, actual: Floats | Values) -> Values:
    if len(predicted) != len(actual) or not len(actual):
        raise DataError(
            f"{len(predicted)} predictions for {len(actual)} ratings; "
            "give one prediction for each of at least one rating."
        )
    return np.asarray(predicted, np.float64) - np.asarray(actual, np.float64)


def coverage(lists: Lists, n_items: int) -> float:
    """Share of the catalogue that is in at least one list."""
    shown = np.unique(lists[lists >= 0])
    return len(shown) / n_items if n_items else 0.0


def gini(lists: Lists, n_items: int) -> float:
    """Inequality of how often items are shown: 0 all alike, towards 1 all on one item."""
    counts = np.sort(np.bincount(lists[lists >= 0], minlength=n_items))
    total = counts.sum()
    if not total:
        return 0.0
    places = np.arange(1, n_items + 1)
    return float((2 * places - n_items - 1) @ counts / (n_items * total))


def self_information(counts: NDArray[np.integer], n_users: int) -> Values:
    """Surprise of each item in bits, -log2 of the share of users who met it (at least half a user).

    Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma".
    """
    share = np.clip(counts, 0.5, None) / max(n_users, 1)
    result: Values = -np.log2(np.minimum(share, 1.0))
    return result


def mean_over(lists: Lists, value: Values) -> Values:
    """Mean of a value of items over each list, 0 for an empty one: novelty, mean popularity, …"""
    there = lists >= 0
    total = np.where(there, value[np.maximum(lists, 0)], 0.0).sum(axis=1)
    result: Values = total / np.maximum(there.sum(axis=1), 1)
    return result


def serendipity(lists: Lists, relevant: Sequence[Collection[int]], expected: Lists) -> Values:
    """Share of a list that is relevant and that an obvious list does not hold (Ge et al. 2010)."""
    result = np.zeros(len(lists))
    for at, (shown, obvious) in enumerate(zip(lists, expected, strict=True)):
        shown = shown[shown >= 0]
        useful = set(relevant[at]) - set(obvious.tolist())
        result[at] = sum(int(row) in useful for row in shown) / max(len(shown), 1)
    return result


def pair_mean(lists: Lists, near: Callable[[Lists], Values]) -> Values:
    """Return the mean distance (1 - nearness) of the pairs in each list; 0 below two items.

    `near` maps a table (users, depth) to nearness of all pairs, (users, depth, depth).
    """
    result = np.zeros(len(lists))
    for start in range(0, len(lists), 256):
        part = lists[start : start + 256]
        there = part >= 0
        pairs = there[:, :, None] & there[:, None, :]
        pairs &= ~np.eye(part.shape[1], dtype=np.bool_)[None]
        distance = np.where(pairs, 1.0 - near(np.maximum(part, 0)), 0.0)
        result[start : start + 256] = distance.sum(axis=(1, 2)) / np.maximum(
            pairs.sum(axis=(1, 2)), 1
        )
    return result


def diversity_of_sets(lists: Lists, member: Floats) -> Values:
    """Intra-list diversity by Jaccard distance of binary attributes `member` (items, values)."""
    sizes = member.sum(axis=1)

    def near(part: Lists) -> Values:
        both = member[part] @ member[part].transpose(0, 2, 1)
        either = sizes[part][:, :, None] + sizes[part][:, None, :] - both
        result: Values = both / np.maximum(either, 1.0)
        return result

    return pair_mean(lists, near)


def diversity_of_vectors(lists: Lists, vectors: Floats) -> Values:
    """Intra-list diversity by cosine distance of `vectors` (items, d)."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def near(part: Lists) -> Values:
        result: Values = unit[part] @ unit[part].transpose(0, 2, 1)
        return result

    return pair_mean(lists, near)


def shares(lists: Lists, member: Floats) -> Values:
    """Share of each attribute value in each list, (users, values), every item weighing the same.

    An item with several values spreads its weight over them (Steck 2018, equation 1).
    """
    spread = member / np.maximum(member.sum(axis=1, keepdims=True), 1.0)
    total = np.stack([spread[one[one >= 0]].sum(axis=0) for one in lists])
    result: Values = total / np.maximum(total.sum(axis=1, keepdims=True), 1e-12)
    return result


def miscalibration(wanted: Values, given: Values, alpha: float = 0.01) -> Values:
    """Kullback-Leibler divergence of the shares given from those wanted, both (users, values).

    0 is a list in the proportions of the history; `given` is smoothed by `alpha` of `wanted`
    (Steck 2018, "Calibrated recommendations", equations 4 and 5).
    """
    smooth = (1 - alpha) * given + alpha * wanted
    positive = wanted > 0
    ratio = np.where(positive, wanted, 1.0) / np.where(positive, smooth, 1.0)
    return np.asarray(np.where(positive, wanted * np.log(ratio), 0.0).sum(axis=1))


def popularity_lift(shown: Values, liked: Values) -> Values:
    """How much more popular what is shown is than what was liked, (shown - liked) / liked.

    Both are mean popularities a user (`mean_over`); Abdollahpouri et al. 2019.
    """
    result: Values = (shown - liked) / np.maximum(liked, 1e-12)
    return result


def exposure(lists: Lists, group: NDArray[np.integer], n_groups: int) -> Values:
    """Share of attention each group of items gets, (groups,); a place weighs 1/log2(1 + place).

    Singh & Joachims 2018, "Fairness of exposure in rankings".
    """
    weight = np.broadcast_to(1.0 / np.log2(np.arange(2, lists.shape[1] + 2)), lists.shape)
    there = lists >= 0
    total = np.bincount(group[lists[there]], weights=weight[there], minlength=n_groups)
    result: Values = total / max(float(total.sum()), 1e-12)
    return result


def overlap(one: Lists, other: Lists) -> Values:
    """Share of each list that is also in the other one, whatever the order."""
    return np.array(
        [
            len(set(a[a >= 0].tolist()) & set(b[b >= 0].tolist())) / max(int((a >= 0).sum()), 1)
            for a, b in zip(one, other, strict=True)
        ]
    )
