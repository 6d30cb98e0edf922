"""What people did next who once were where somebody is now.

Counts of pairs of items forget who it was. Here each person speaks for themselves, the louder the
more of the last items they met too, and the more so if in the same order and as near together.
"""

import numpy as np
from scipy import sparse

from tastemate.rank.cells import gathered
from tastemate.types import Floats, Rows

DECAY = np.float32(0.8)
"""Weight of each item before the last one, and of each step further on."""
ORDER = np.float32(0.8)
"""Weight of a step by which an item stands elsewhere than in the history."""
REACH = 15
"""Steps after the place where somebody is now that are looked at."""
VOICES = 300
"""People at most who are heard, those who met most of the last items."""


def neighbours(met: sparse.csr_matrix, past: Rows, rows: Rows) -> dict[str, Floats]:
    """Return the features of candidates `rows` after the items `past`, latest first, by name.

    `met` (items, people) holds the places, from 1, of the items in the histories. A person stands
    where they met the latest of `past` that they know.
    """
    people, places, age = gathered(met, past)
    place = np.full(met.shape[1], -1, dtype=np.int32)
    place[people] = 0
    some = np.flatnonzero(place == 0)
    place[some] = np.arange(len(some), dtype=np.int32)
    who = place[people]
    here = np.zeros(len(some), dtype=np.float32)
    since = np.zeros(len(some), dtype=np.float32)
    here[who[::-1]], since[who[::-1]] = places[::-1], age[::-1]  # the latest is written last
    worth = DECAY ** age.astype(np.float32)
    alike = np.bincount(who, worth, minlength=len(some))
    off = np.abs(here[who] - places - (age - since[who]))
    ordered = np.bincount(who, worth * ORDER**off, minlength=len(some))
    if len(some) > VOICES:
        least = np.partition(alike, len(some) - VOICES)[len(some) - VOICES]
        place[some[alike < least]] = -1
    theirs, at, row = gathered(met, rows)
    heard = np.flatnonzero(place[theirs] >= 0)
    who, row = place[theirs[heard]], row[heard]
    step = at[heard] - here[who] - since[who]
    near = np.where(np.abs(step) <= REACH, DECAY ** np.abs(step - 1), 0)
    after = np.where(step > 0, near, 0)
    n = len(rows)
    best = np.zeros(n)
    np.maximum.at(best, row, ordered[who] * after)
    named = {
        "neighbours": alike[who] ** 2,
        "neighbours, after": alike[who] ** 2 * after,
        "neighbours, near": alike[who] ** 2 * near,
        "neighbours in order, after": ordered[who] ** 2 * after,
        "neighbours in order, near": ordered[who] ** 2 * near,
    }
    found = {
        name: np.bincount(row, one, minlength=n).astype(np.float32) for name, one in named.items()
    }
    return found | {"neighbours in order, best": best.astype(np.float32)}
