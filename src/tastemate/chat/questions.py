"""At most one question: the one whose answer is expected to leave the fewest candidates.

The person has one of the candidates in mind, each as likely as its score says. An answer that is
none of the options tells nothing, and neither does an item of which the attribute is not known;
so what is asked is what most candidates can answer.
"""

import re
from collections.abc import Collection, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tastemate.catalog import Catalog, Incidence
from tastemate.chat.asked import technical, text_of
from tastemate.chat.intent import Wish
from tastemate.chat.levels import wish_of
from tastemate.chat.session import Question
from tastemate.text.words import stem, words
from tastemate.traits import is_year
from tastemate.types import AttributeValue, Floats, Operator, Rows

Options: TypeAlias = tuple[AttributeValue, ...]

KNOWN = 0.6
"""Share of the candidates of which an attribute must be known to be asked about."""
LEAST = 0.3
"""Bits that an answer must be expected to give."""
SHOWN = 4
"""Options of one question at most."""
_WORTH = 0.2
"""Bits that a third or fourth option must add."""
_FEW = 5
_MANY = 20
"""More values than this, each carried by fewer than `_FEW` items on average, are names: whoever
could answer with one would have said it."""
_SHARE = 0.04
"""Share of the candidates that an option must hold."""
_HALVES = 1.0615
"""Bits that two options give at most: each -p log2 p at its highest, p = 1/e."""
_TRIED = 10
"""Values of one attribute that are tried as options."""
_ALIKE = 0.5
"""Shared over all carriers (Jaccard) from which on two values are one option."""
_RECEPTION = re.compile(
    r"(?i)(?:^|[_\W])(?:ratings?|votes?|scores?|popularity|ranks?|counts?|reviews?)(?:[_\W]|$)"
).search
"""What others made of an item is no wish about it."""
_CODE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,4})?").fullmatch
"""Values such as "eng" and "en-US", which nobody answers with."""

_BOUND = re.compile(r"(before|since|at most|at least) (-?\d+(?:\.\d+)?)")
"""An option about a number, as `Question.options` has it."""


def best_question(
    catalog: Catalog,
    rows: Rows,
    weights: Floats,
    *,
    k: int = 10,
    not_about: Collection[str] = (),
    seed: int = 0,
    least: float = LEAST,
    noun: str = "",
) -> Question | None:
    """Return the question with the highest expected information, or None.

    `rows` are the candidates, each once, `weights` how likely each is, both (candidates,)
    (`chances`). None where there are no more than `k` candidates, or where every answer is
    expected to tell less than `least` bits. `not_about` are attributes already asked or wished
    for; `seed` varies the words only; `noun` is what the items are called, in the plural. Ties go
    to the attribute that comes first. Ids, and what others made of an item, are not asked about.
    """
    total = float(weights.sum()) if len(rows) > k else 0.0
    if not total > 0:
        return None
    spread = np.asarray(weights / total, dtype=np.float32)
    if 4 * len(rows) > len(catalog):  # faster than to cut so many rows out of every matrix
        whole = np.zeros(len(catalog), dtype=np.float32)
        whole[rows] = spread
        rows, spread = np.arange(len(catalog), dtype=np.int32), whole
    best: tuple[float, str, Options] = (0.0, "", ())
    for name in catalog.attributes:
        if name in not_about or technical(name):
            continue
        known = spread * catalog.known(name)[rows]
        share = float(known.sum())
        if share < KNOWN:
            continue
        gain, options = _gain(catalog, name, rows, known / np.float32(share), best[0] / share)
        if share * gain > best[0]:
            best = (share * gain, name, options)
    gain, name, options = best
    if gain < least or not name:
        return None
    return Question(name, options, text_of(name, options, seed, noun), round(gain, 3))


def chances(scores: Floats) -> Floats:
    """Return how likely each candidate is: a softmax over standardised scores, (candidates,).

    An item without a score (-inf) is as likely as the least likely one; of none at all, all are.
    """
    finite = np.isfinite(scores)
    if not finite.any():
        return np.full(len(scores), 1 / max(len(scores), 1), dtype=np.float32)
    known = scores[finite].astype(np.float64)
    spread = float(known.std()) or 1.0
    filled = np.where(finite, scores, known.min()).astype(np.float64)
    raised = np.exp((filled - known.max()) / spread)
    weights: Floats = (raised / raised.sum()).astype(np.float32)
    return weights


def wishes_of(question: Question, option: AttributeValue, *, firm: bool = True) -> tuple[Wish, ...]:
    """Return what choosing an option of a question wishes for; () for what is no option."""
    if option not in question.options:
        return ()
    found = _BOUND.fullmatch(str(option))
    if found is None:
        return (Wish(question.attribute, "is", option, firm),)
    bound = _number(found[2]) - (found[1] == "before")
    operator: Operator = "at most" if found[1] in ("before", "at most") else "at least"
    return (Wish(question.attribute, operator, bound, firm),)


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _gain(
    catalog: Catalog, name: str, rows: Rows, spread: Floats, least: float
) -> tuple[float, Options]:
    """Return bits and options of asking about an attribute; `spread` sums to 1 where it is known.

    Nothing is sought that cannot give more than `least` bits.
    """
    if not catalog.is_numeric(name):
        return _gain_of_values(catalog.incidence(name), rows, spread, least)
    if least >= _HALVES or _RECEPTION(name):
        return 0.0, ()
    if is_year(name):
        carried = np.flatnonzero(spread)
        return _gain_of_years(catalog.numbers(name)[rows[carried]], spread[carried])
    low, high = wish_of(catalog, name, "low"), wish_of(catalog, name, "high")
    if low is None or high is None:
        return 0.0, ()
    most, least = _number(str(low.value)), _number(str(high.value))
    if most >= least:
        return 0.0, ()
    numbers = catalog.numbers(name)[rows]
    sides = np.array([spread[numbers <= most].sum(), spread[numbers >= least].sum()])
    return float(_surprise(sides).sum()), (f"at most {most}", f"at least {least}")


def _gain_of_years(years: Floats, spread: Floats) -> tuple[float, Options]:
    """Cut at the decade that halves best."""
    order = np.argsort(years, kind="stable")
    ascending = years[order]
    mass = np.concatenate(([0.0], np.cumsum(spread[order], dtype=np.float64)))
    first, last = (int(year) // 10 * 10 for year in (ascending[0], ascending[-1]))
    cuts = np.arange(first + 10, last + 1, 10)
    if not len(cuts):
        return 0.0, ()
    before = mass[np.searchsorted(ascending, cuts)]
    gains = _surprise(before) + _surprise(mass[-1] - before)
    at = int(gains.argmax())
    return float(gains[at]), (f"before {cuts[at]}", f"since {cuts[at]}")


def _gain_of_values(
    incidence: Incidence, rows: Rows, spread: Floats, least: float
) -> tuple[float, Options]:
    """Choose two to four values that tell most together, one after the other.

    Who carries several of them may answer with any: that is what near duplicates lose by. Items
    that carry the same of the values tried are counted together.
    """
    if len(incidence.values) > _MANY and incidence.matrix.nnz < _FEW * len(incidence.values):
        return 0.0, ()
    whole = len(rows) == incidence.matrix.shape[0]
    mine = incidence.matrix if whole else incidence.matrix[rows]
    share = np.asarray(mine.T @ spread)
    common = np.flatnonzero(share >= _SHARE)
    bits = _surprise(share[common])
    order = np.argsort(-bits, kind="stable")[:_TRIED]
    if len(order) < 2 or bits[order[:SHOWN]].sum() <= least:
        return 0.0, ()
    tried = common[order]
    names = [incidence.values[at] for at in tried]
    coded = sum(float(share[at]) for at in tried if _CODE(incidence.values[at]))
    if coded > share[tried].sum() / 2:
        return 0.0, ()
    pattern = np.asarray(mine[:, tried] @ (1 << np.arange(len(tried)))).astype(np.int64)
    held = np.bincount(pattern, spread, minlength=1 << len(tried))
    kinds = np.flatnonzero(held > 0)
    mass = np.asarray(held[kinds], dtype=np.float64)
    carries = (kinds[:, None] >> np.arange(len(tried)) & 1).astype(np.float64)
    chosen, gain = _chosen(carries, mass, _alike(names, carries, mass))
    ranked = sorted(chosen, key=lambda at: (-float(share[tried[at]]), at))
    return gain, tuple(names[at] for at in ranked)


def _chosen(
    carries: NDArray[np.float64], mass: NDArray[np.float64], alike: NDArray[np.bool_]
) -> tuple[list[int], float]:
    """Return the columns that tell most together, greedily from the best pair on, and the bits."""
    n = carries.shape[1]
    pairs = [(one, other) for one in range(n) for other in range(one + 1, n)]
    sets = np.array([pair for pair in pairs if not alike[pair]], dtype=np.intp).reshape(-1, 2)
    if not len(sets):
        return [], 0.0
    told = _told(carries, mass, sets)
    best = int(told.argmax())
    chosen, gain = sets[best].tolist(), float(told[best])
    while len(chosen) < SHOWN:
        left = [at for at in range(n) if at not in chosen and not alike[at, chosen].any()]
        if not left:
            break
        sets = np.array([[*chosen, at] for at in left], dtype=np.intp)
        told = _told(carries, mass, sets)
        best = int(told.argmax())
        if told[best] < gain + _WORTH:
            break
        chosen, gain = sets[best].tolist(), float(told[best])
    return chosen, gain


def _told(
    carries: NDArray[np.float64], mass: NDArray[np.float64], sets: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the bits that each set of options gives, (sets,)."""
    held = carries[:, sets]  # (kinds, sets, options)
    several = np.maximum(held.sum(axis=2), 1.0)
    answers = np.einsum("k,kso->so", mass, held / several[:, :, None])
    bits: NDArray[np.float64] = _surprise(answers).sum(axis=1) - mass @ np.log2(several)
    return bits


def _alike(
    values: Sequence[str], carries: NDArray[np.float64], mass: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which values are near duplicates: the same words, or the same carriers, (n, n)."""
    both = carries.T @ (carries * mass[:, None])
    each = np.diag(both)
    either = each[:, None] + each[None, :] - both
    alike: NDArray[np.bool_] = both > _ALIKE * np.maximum(either, 1e-12)
    spelled = [{stem(word) for word in words(value)} for value in values]
    for at, one in enumerate(spelled):
        for place, other in enumerate(spelled):
            alike[at, place] |= one <= other or other <= one
    return alike


def _surprise(share: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return -p log2 p, 0 for none."""
    p = np.clip(share.astype(np.float64), 0.0, 1.0)
    return np.where(p > 0, -p * np.log2(np.maximum(p, 1e-300)), 0.0)
