"""Do experiments keep what they promise? A thousand of them without a difference, and some with.

Arms that are alike must look different as often as was accepted and no oftener, however often
somebody looks; arms that differ should be found; a split that is broken must be noticed. The same
for interleavings (`drafts`), beside what a split would need.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tastemate.benchmark import drafts
from tastemate.experiment.analyse import LEAST, REWARDED
from tastemate.experiment.assign import arms_of
from tastemate.experiment.definition import Experiment
from tastemate.experiment.intervals import Moments, always_valid, linearised, welch
from tastemate.experiment.parts import Arm
from tastemate.experiment.ratio import STRICT, chi_square, sequential

Numbers = NDArray[np.float64]

ALPHA = 0.05
LOOKS = 20
UNITS = 8_000
"""Units of an experiment, both arms together."""
RATE = 0.10
LIFTS = (0.0, 0.1, 0.2, 0.3)
WITHIN = 0.015
"""How far from alpha the share of false positives of the fixed horizon may lie."""
PEOPLE = 100_000


@dataclass(frozen=True, slots=True)
class Looks:
    """One row a simulation, one column a look: what the intervals said."""

    fixed: NDArray[np.bool_]
    anytime: NDArray[np.bool_]
    units: NDArray[np.int64]
    """Units at each look, (looks,)."""

    def figures(self) -> dict[str, float]:
        """Return how often a difference was seen: at the end, at any look, and how soon."""
        ever = self.anytime.any(axis=1)
        first = self.units[self.anytime.argmax(axis=1)]
        return {
            "fixed": float(self.fixed[:, -1].mean()),
            "fixed_peeked": float(self.fixed.any(axis=1).mean()),
            "always_valid_peeked": float(ever.mean()),
            "median_units": float(np.median(first[ever])) if ever.any() else 0.0,
        }


def trials(simulations: int = 1_000, seed: int = 0) -> dict[str, Any]:
    """Measure false positives, power, assignment, the sample-ratio alarm and interleaving.

    Returns rows of each, `checks` (what must hold, and whether it does) and `failures`.
    """
    start = time.perf_counter()
    alike = {
        "new units, whether they clicked": whether(simulations, seed),
        "new units by hash, clicks per impression": hashed(simulations, seed),
        "returning units, clicks per impression": returning(simulations, seed),
    }
    rows = [{"world": name} | looks.figures() for name, looks in alike.items()]
    power = [{"lift": lift} | whether(simulations, seed + 1, lift).figures() for lift in LIFTS[1:]]
    assigned = assignment(seed)
    alarm = alarms(simulations, seed)
    same = drafts.alike(2 * simulations, seed)  # its share is told to half a point
    better = drafts.sensitivity(simulations, seed)
    checks = _checks(simulations, rows, assigned, alarm)
    checks |= drafts.checks(simulations, same, better)
    return {
        "simulations": simulations, "units": UNITS, "looks": LOOKS, "alpha": ALPHA, "seed": seed,
        "false_positives": rows, "power": power, "assignment": assigned, "alarm": alarm,
        "interleaved_alike": [same], "interleaved_better": better,
        "checks": checks, "failures": sum(not held for held in checks.values()),
        "seconds": time.perf_counter() - start,
    }  # fmt: skip


def whether(simulations: int, seed: int, lift: float = 0.0) -> Looks:
    """New units at every look, half in each arm; each clicks or not."""
    rng = np.random.default_rng([seed, 1])
    step = UNITS // 2 // LOOKS
    n: Numbers = np.arange(1, LOOKS + 1, dtype=np.float64) * step
    rates = {"a": RATE, "b": RATE * (1 + lift)}
    sums = {
        arm: rng.binomial(step, rate, (simulations, LOOKS)).cumsum(axis=1).astype(np.float64)
        for arm, rate in rates.items()
    }
    moments = {arm: _of_sums(n, won, won) for arm, won in sums.items()}
    return _looks(moments["b"], moments["a"], sums["a"] + sums["b"], n * 2)


def hashed(simulations: int, seed: int) -> Looks:
    """The same people, split by the hash of a new salt each time; they come one after another."""
    rng = np.random.default_rng([seed, 2])
    seen: Numbers = np.asarray(1.0 + rng.poisson(4.0, UNITS), dtype=np.float64)
    won = rng.binomial(seen.astype(np.int64), rng.beta(1.0, 9.0, UNITS)).astype(np.float64)
    people = [f"user-{at}" for at in range(UNITS)]
    arms = (Arm("a", 0.5), Arm("b", 0.5))
    inside = np.empty((simulations, UNITS), dtype=bool)
    for at in range(simulations):
        split = arms_of(Experiment(f"aa-{seed}-{at}", arms), people)
        inside[at] = np.array(split) == "b"
    ends = [UNITS * (look + 1) // LOOKS for look in range(LOOKS)]
    found = []
    for end in ends:
        within = inside[:, :end]
        both = [_ratios(mine, seen[:end], won[:end]) for mine in (within, ~within)]
        rewarded = np.full(simulations, float((won[:end] > 0).sum()))
        found.append(_seen(both[0], both[1], rewarded))
    return Looks(
        np.stack([one for one, _ in found], axis=1),
        np.stack([other for _, other in found], axis=1),
        np.array(ends),
    )


def returning(simulations: int, seed: int) -> Looks:
    """The same people come back every day, each with a taste of their own; a look a day."""
    rng = np.random.default_rng([seed, 3])
    size = UNITS // 4
    found = []
    for _ in range(simulations):
        liking = rng.beta(1.0, 9.0, size)
        visits = rng.poisson(rng.gamma(1.0, 1.0, size)[:, None], (size, LOOKS))
        clicks = rng.binomial(visits, liking[:, None])
        seen, won = visits.cumsum(axis=1).T, clicks.cumsum(axis=1).T
        inside = rng.random(size) < 0.5
        found.append([_day(a, b, inside) for a, b in zip(seen, won, strict=True)])
    said = np.array(found)
    return Looks(said[:, :, 0], said[:, :, 1], np.full(LOOKS, size))


def assignment(seed: int, salts: int = 20) -> dict[str, float]:
    """Split many people by hash: how far shares are from those asked for, and who moves."""
    people = [f"user-{seed}-{at}" for at in range(PEOPLE)]
    shares = {"control": 0.4, "a": 0.4, "b": 0.1}
    worst = relative = 0.0
    moved = 0
    for at in range(salts):
        one = Experiment(f"split-{at}", tuple(Arm(name, share) for name, share in shares.items()))
        arms = np.array(arms_of(one, people))
        for name, share in (shares | {"": 0.1}).items():
            off = abs(float((arms == name).mean()) - share)
            worst, relative = max(worst, off), max(relative, off / share)
        grown = np.array(arms_of(one.resized({"b": 0.2}), people))
        moved += int(((grown != arms) & (arms != "")).sum())
    return {
        "users": PEOPLE, "salts": salts, "worst": worst, "worst_relative": relative,
        "moved_out_of_an_arm_when_another_grew": moved,
    }  # fmt: skip


def alarms(simulations: int, seed: int, looks: int = 50) -> list[dict[str, float | str]]:
    """Check sound and broken splits after every batch, by both tests."""
    rng = np.random.default_rng([seed, 4])
    planned = np.array([0.5, 0.5])
    step = PEOPLE // looks
    rows: list[dict[str, float | str]] = []
    for name, share in (("sound", 0.5), ("1 point off", 0.51), ("2 points off", 0.52)):
        first = rng.binomial(step, share, (simulations, looks)).cumsum(axis=1)
        total = step * np.arange(1, looks + 1)
        counts = np.stack((first, total - first), axis=-1).astype(np.float64)
        once, many = chi_square(counts, planned), sequential(counts, planned)
        found = (many < STRICT).any(axis=1)
        when = total[(many < STRICT).argmax(axis=1)]
        rows.append({
            "split": name, "level": STRICT,
            "chi_square_at_the_end": float((once[:, -1] < STRICT).mean()),
            "chi_square_peeked": float((once < STRICT).any(axis=1).mean()),
            "sequential_peeked": float(found.mean()),
            "sequential_peeked_at_5%": float((many < 0.05).any(axis=1).mean()),
            "median_units": float(np.median(when[found])) if found.any() else 0.0,
        })  # fmt: skip
    return rows


def _checks(
    simulations: int,
    rows: list[dict[str, Any]],
    assigned: Mapping[str, float],
    alarm: list[dict[str, Any]],
) -> dict[str, bool]:
    sound, *broken = alarm
    # At a level of one in a thousand, chance alone gives some simulations more than their share.
    most = float(stats.binom.ppf(0.99, simulations, STRICT)) / simulations
    return {
        "fixed horizon within 1.5 points of 5%": all(
            abs(row["fixed"] - ALPHA) <= WITHIN for row in rows
        ),
        "always-valid at most 5% under peeking": all(
            row["always_valid_peeked"] <= ALPHA for row in rows
        ),
        "assignment within 1% at 100,000 users": assigned["worst"] <= 0.01,
        "nobody leaves an arm because another grew": not assigned[
            "moved_out_of_an_arm_when_another_grew"
        ],
        "alarm silent on sound splits": sound["sequential_peeked"] <= most
        and sound["sequential_peeked_at_5%"] <= 0.05,
        "alarm fires on broken splits": all(row["sequential_peeked"] >= 0.95 for row in broken),
    }


def _of_sums(n: Numbers, won: Numbers, squares: Numbers) -> Moments:
    mean = won / n
    return Moments(n, mean, (squares - n * mean**2) / (n - 1))


def _looks(one: Moments, other: Moments, rewarded: Numbers, units: Numbers) -> Looks:
    fixed, anytime = _seen(one, other, rewarded)
    return Looks(fixed, anytime, units.astype(np.int64))


def _seen(
    one: Moments, other: Moments, rewarded: Numbers
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether each interval leaves out 0, where there is enough to say anything."""
    enough = (np.minimum(one.n, other.n) >= LEAST) & (rewarded >= REWARDED)
    fixed = welch(one, other, ALPHA)
    error = np.sqrt(one.error + other.error)
    many = always_valid(one.mean - other.mean, error, one.n + other.n, ALPHA, UNITS)
    return (
        np.asarray(enough & ((fixed.low > 0) | (fixed.high < 0))),
        np.asarray(enough & ((many.low > 0) | (many.high < 0))),
    )


def _ratios(inside: NDArray[np.bool_], seen: Numbers, won: Numbers) -> Moments:
    """Return `linearised` moments of the units inside, for every simulation at once."""
    mine = inside.astype(np.float64)
    n, exposures, rewards = mine.sum(axis=1), mine @ seen, mine @ won
    ratio = rewards / exposures
    left = mine @ won**2 - 2 * ratio * (mine @ (won * seen)) + ratio**2 * (mine @ seen**2)
    return Moments(n, ratio, left / (exposures / n) ** 2 / (n - 1))


def _day(
    seen: NDArray[np.integer], won: NDArray[np.integer], inside: NDArray[np.bool_]
) -> tuple[bool, bool]:
    """Return what the intervals say of one day of one simulation."""
    arms = []
    for mine in (inside, ~inside):
        came = mine & (seen > 0)
        values = linearised(won[came].astype(np.float64), seen[came].astype(np.float64))
        arms.append(Moments.of(values))
    fixed, anytime = _seen(arms[0], arms[1], np.asarray(float((won > 0).sum())))
    return bool(fixed), bool(anytime)
