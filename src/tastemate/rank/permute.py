"""Several orders of one list, and one verdict out of what a model said to each.

Language models favour places: the first, the last, or neither (Liu et al. 2024, "Lost in the
middle"). Asking several times with the candidates shuffled and merging the answers cancels that
(permutation self-consistency, Tang et al. 2023). Tang et al. average the rankings, which needs
many shuffles; here an item's worth and a place's favour are estimated together, so that a handful
is enough, whatever shape the favour has, as long as it adds to the worth.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

DRAWS = 100
"""Random designs of which the best is kept, fewer for long lists."""
_WORTH = 0.003
_SMOOTH = 0.003
_ROUGH = 0.1
"""Penalties on squared effects. Favours known from models are smooth in the place, so a cubic-like
curve is almost free; what differs from it place by place is believed only on evidence. Chosen on
four seeds of `tastemate benchmark position`."""


@cache
def balanced(n: int, count: int) -> tuple[tuple[int, ...], ...]:
    """Return at most `count` orders of n items, the first as it came; order[place] is an item.

    For n <= count they are the rotations: every item stands in every place once. Else they are
    the best of random draws: an item's places tell the most of its worth apart from the places'
    favour (A-optimality of the two-way layout) and have about the same mean for all items. The
    same n and count give the same orders.
    """
    if n <= max(count, 1):
        return tuple(tuple(np.roll(range(n), -by).tolist()) for by in range(max(min(n, count), 1)))
    rng = np.random.default_rng([n, count])
    best: tuple[tuple[int, ...], ...] = (tuple(range(n)),)
    if count == 1:
        return best
    least = np.inf
    for _ in range(max(min(DRAWS, 4000 // n), 1)):
        drawn = [np.arange(n), *(rng.permutation(n) for _ in range(count - 1))]
        cost = _cost(drawn)
        if cost < least:
            least, best = cost, tuple(tuple(order.tolist()) for order in drawn)
    return best


def _cost(orders: Sequence[NDArray[np.intp]]) -> float:
    """Return how uncertain a design leaves the worths; infinite when it cannot tell them."""
    n, count = len(orders[0]), len(orders)
    met = np.zeros((n, n))  # how often each item stands in each place
    places = np.zeros(n)
    for order in orders:
        met[order, np.arange(n)] += 1
        places[order] += np.arange(n) / n
    information = count * np.eye(n) - met @ met.T / count
    own = np.linalg.eigvalsh(information)[1:]  # the first is 0: a constant cannot be told
    if own[0] < 1e-6:
        return np.inf
    return float((1 / own).mean() + 4 * (places / count).var())


def merge_orders(
    n: int, shown: Sequence[Sequence[int]], replies: Sequence[Sequence[int]]
) -> Values:
    """Return the worth of n items from what was shown and the rankings replied, shape (n,).

    `shown[p][place]` and `replies[p]` (best first) are items; a reply may leave items out: they
    are below those it names and not told from each other. Every pair of a reply is a comparison
    with P(i above j) = logistic(worth i + favour of i's place - the same of j): Bradley-Terry
    with place effects, penalised, by Newton's method. One usable reply alone is taken at its
    word. Items no reply named get nan when no reply is usable, else come last.
    """
    told = [(list(s), list(r)) for s, r in zip(shown, replies, strict=True) if len(r)]
    if not told:
        return np.full(n, np.nan)
    if len({tuple(s) for s, _ in told}) == 1:
        return _mean_places(n, told)
    layout = _Layout(n, max(len(s) for s, _ in told))
    rows = []
    for order, reply in told:
        place = {item: at for at, item in enumerate(order)}
        named = set(reply)
        ranked = [*reply, *(item for item in order if item not in named)]
        effects = layout.effects(ranked, [place[item] for item in ranked])
        above, below = np.triu_indices(len(ranked), 1)
        known = above < len(reply)
        rows.append(effects[above[known]] - effects[below[known]])
    return _logistic(np.concatenate(rows), layout.penalty(_WORTH, _SMOOTH, _ROUGH))[:n]


def merge_scores(n: int, shown: Sequence[Sequence[int]], scores: Sequence[Values]) -> Values:
    """Return the worth of n items from scores by place, shape (n,); nan for an item never scored.

    `shown[p]` may hold some of the items only; `scores[p][place]` is nan where there is none. The
    model is score = worth of the item + favour of the place + a constant of the prompt, by least
    squares: prompts that share items are thereby on one scale. Unless items were shown twice on
    average, in different orders, the favour is left out: it could not be told from worth.
    """
    cells = [
        (p, place, item, float(values[place]))
        for p, (order, values) in enumerate(zip(shown, scores, strict=True))
        for place, item in enumerate(order)
        if np.isfinite(values[place])
    ]
    worth = np.full(n, np.nan)
    if not cells:
        return worth
    prompts, places, items = (np.array([cell[at] for cell in cells]) for at in range(3))
    values = np.array([cell[3] for cell in cells])
    layout = _Layout(n, int(places.max()) + 1)
    effects = layout.effects(items, places)
    constants = np.eye(len(shown))[prompts]
    seen = np.unique(items)
    twice = len(cells) >= 2 * len(seen)
    penalty = layout.penalty(1e-6, 1e-6, 1e-3)
    if not twice or len({tuple(order) for order in shown}) == 1:
        effects[:, n:] = 0.0
        penalty = layout.penalty(1e-6, 1.0, 1.0)
    design = np.hstack((effects, constants))
    ridge = np.diag(np.concatenate((penalty, np.full(len(shown), 1e-7))))
    found = np.linalg.solve(design.T @ design + ridge, design.T @ (values - values.mean()))
    worth[seen] = found[seen]
    return np.round(worth, 9)


class _Layout:
    """Columns of a linear model: items, a smooth curve over the places, each place by itself."""

    def __init__(self, items: int, places: int) -> None:
        self.items, self.places = items, places
        degree = min(4, max(places - 1, 0))
        along = np.linspace(-1.0, 1.0, max(places, 1))
        curve = np.polynomial.legendre.legvander(along, degree)[:, 1:]
        self.curve = curve / np.sqrt(np.maximum((curve**2).mean(axis=0), 1e-12))

    def effects(
        self, items: Sequence[int] | NDArray[np.int_], places: Sequence[int] | NDArray[np.int_]
    ) -> Values:
        """Return one row for each item in its place."""
        own = np.eye(self.items)[items]
        return np.hstack((own, self.curve[places], np.eye(self.places)[places]))

    def penalty(self, worth: float, smooth: float, rough: float) -> Values:
        """Return the penalty on each column."""
        sizes = (self.items, self.curve.shape[1], self.places)
        return np.repeat((worth, smooth, rough), sizes)


def _logistic(rows: Values, penalty: Values) -> Values:
    """Return the weights under which each row is above 0, penalised (Newton's method)."""
    weights = np.zeros(rows.shape[1])
    for _ in range(15):
        likely = 1.0 / (1.0 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (likely - 1.0) + penalty * weights
        curvature = (rows * (likely * (1.0 - likely))[:, None]).T @ rows + np.diag(penalty)
        move = np.linalg.solve(curvature, slope)
        weights -= move
        if np.abs(move).max() < 1e-4:
            break
    return np.round(weights, 6)  # equal worths tie exactly, whatever the order of summing


def _mean_places(n: int, told: Sequence[tuple[list[int], list[int]]]) -> Values:
    """Return minus the mean place of each item; what a reply left out comes last, as shown."""
    total = np.zeros(n)
    for order, reply in told:
        named = set(reply)
        ranked = [*reply, *(item for item in order if item not in named)]
        total[ranked] -= np.arange(len(ranked))
    return total / len(told)
