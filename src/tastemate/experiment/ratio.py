"""Is the split the one that was asked for? The alarm that comes before every other figure.

A sample that is not split as planned was lost or doubled somewhere on the way (a slow arm whose
pages are left, a bot, a broken log), and whatever is compared over it is not to be believed
(Fabijan et al. 2019).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tastemate.errors import DataError
from tastemate.experiment.definition import Experiment

STRICT = 0.001
"""Level of the alarm: a sound experiment raises it once in a thousand."""
CONCENTRATION = 1000.0
"""How near to the planned shares the sequential alarm expects broken ones: within some .03."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Units by arm beside what was planned, and whether they can go together."""

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    p: float
    """Of the chi-square test: for one look."""
    sequential_p: float
    """Of the multinomial test: for as many looks as one likes."""
    broken: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"counts": dict(self.counts), "expected": dict(self.expected)}


def check(experiment: Experiment, counts: Mapping[str, int], level: float = STRICT) -> Alarm:
    """Compare units by arm with what was planned; an alarm is the sequential test at `level`.

    It is looked at again and again, so the test that may be decides.
    """
    names = list(experiment.planned)
    stray = [name for name, count in counts.items() if count and name not in names]
    planned = np.array(list(experiment.planned.values()))
    if not len(planned):  # kept by an older version: nothing was planned to hold it against
        return Alarm({name: int(count) for name, count in counts.items()}, {}, 1, 1, bool(stray))
    found = np.array([counts.get(name, 0) for name in names], dtype=np.float64)
    one, many = float(chi_square(found, planned)), float(sequential(found, planned))
    return Alarm(
        {name: int(count) for name, count in counts.items()},
        dict(zip(names, (planned * found.sum()).tolist(), strict=True)),
        one,
        many,
        bool(stray) or many < level,
    )


def chi_square(counts: Numbers, shares: Numbers) -> Numbers:
    """Return the p-value of counts (…, arms) against shares (arms,); 1 where nobody came."""
    _check(counts, shares)
    total = counts.sum(axis=-1, keepdims=True)
    planned = np.maximum(total * shares, 1e-12)
    statistic = ((counts - planned) ** 2 / planned).sum(axis=-1)
    return np.where(total[..., 0] > 0, special.chdtrc(len(shares) - 1, statistic), 1.0)


def sequential(counts: Numbers, shares: Numbers, concentration: float = CONCENTRATION) -> Numbers:
    """Return a p-value that holds at every look at once, of counts (…, arms) against shares.

    The test of Lindon & Malek ("Anytime-valid inference for multinomial count data", 2022): the
    likelihood under shares drawn from a Dirichlet around the planned ones, over that of the
    planned ones, is a martingale that starts at 1; the p-value is its inverse (Ville 1939).
    """
    _check(counts, shares)
    prior = concentration * shares
    total = counts.sum(axis=-1)
    odds = (
        special.gammaln(concentration)
        - special.gammaln(concentration + total)
        + (special.gammaln(prior + counts) - special.gammaln(prior)).sum(axis=-1)
        - (counts * np.log(shares)).sum(axis=-1)
    )
    return np.asarray(np.exp(np.minimum(-odds, 0.0)))


def _check(counts: Numbers, shares: Numbers) -> None:
    if counts.shape[-1] != len(shares):
        raise DataError(f"{counts.shape[-1]} counts against {len(shares)} shares.")
    if (shares <= 0).any() or not np.isclose(shares.sum(), 1.0):
        raise DataError("Planned shares must be above 0 and add up to 1.")
