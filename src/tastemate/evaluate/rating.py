"""How far predicted ratings are from given ones: predictors, their blend, and pairs that are cold.

Predictors learn from the training part alone. The blend's weights are learned from validation;
its validation figure is crossed over people, so that nobody's ratings choose the weights they are
judged with. The test part is read only when it is asked for, and leaves a line in the log.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.data.split import check_disjoint
from tastemate.errors import ConfigError
from tastemate.evaluate import record
from tastemate.evaluate.bootstrap import Interval, resampled_means
from tastemate.interactions import Interactions, Scale
from tastemate.protocols import Progress
from tastemate.train.ratings.blend import crossed, learn
from tastemate.train.ratings.pairs import Numbers, Pairs, Predictor
from tastemate.train.tune import Split, silent
from tastemate.types import Mask

BLEND = "blend"
_ENOUGH = 200
"""Cold pairs that teach weights of their own."""


def root_mean(
    squares: Mapping[str, Numbers], user: NDArray[np.int32], *, seed: int = 0
) -> dict[str, Interval]:
    """Return the RMSE of each name with its 95% interval, by drawing people again.

    `squares` are squared errors, (pairs,) each, over the same pairs. A person is drawn with all
    of their pairs, so a draw's RMSE is over as many pairs as the people in it have.
    """
    if not len(user):
        return dict.fromkeys(squares, Interval(0.0, 0.0, 0.0))
    _, code = np.unique(user, return_inverse=True)
    sums = [np.bincount(code, one) for one in squares.values()]
    means = resampled_means(np.column_stack([np.bincount(code), *sums]), seed=seed)
    drawn = np.sqrt(means[:, 1:] / means[:, :1])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return {
        name: Interval(float(np.sqrt(one.mean())), float(low[at]), float(high[at]))
        for at, (name, one) in enumerate(squares.items())
    }


def lowered(ours: Numbers, theirs: Numbers, user: NDArray[np.int32], *, seed: int = 0) -> Interval:
    """Return by how much our RMSE is below theirs over the same pairs, paired by person."""
    _, code = np.unique(user, return_inverse=True)
    sums = [np.bincount(code), np.bincount(code, theirs), np.bincount(code, ours)]
    means = resampled_means(np.column_stack(sums), seed=seed)
    drawn = np.sqrt(means[:, 1] / means[:, 0]) - np.sqrt(means[:, 2] / means[:, 0])
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = np.sqrt(theirs.mean()) - np.sqrt(ours.mean())
    return Interval(float(value), float(low), float(high))


def blend_ratings(
    split: Split,
    predictors: Sequence[Callable[[], Predictor]],
    *,
    final: bool = False,
    against: str | None = None,
    shuffle_labels: bool = False,
    seed: int = 0,
    log: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Fit the predictors, blend them, and return the figures of P2's second goal as JSON values.

    `against` names the predictor that the blend is compared with. `shuffle_labels` deals the
    training ratings anew: everything should then be as good as the mean rating. `final` adds the
    test part's figures and a line in `log`.
    """
    check_disjoint(split.train, split.validation, split.test)
    if not len(split.train) or not len(split.validation) or (final and not len(split.test)):
        raise ConfigError("There are no ratings in one of the parts; name a larger data set.")
    start = time.perf_counter()
    train = _dealt(split.train, seed) if shuffle_labels else split.train
    parts = [("validation", split.validation), *([("test", split.test)] if final else [])]
    names, columns, took, learned = [], [], [], {}
    for at, make in enumerate(predictors):
        began = time.perf_counter()
        model = make()
        progress(f"ratings: {model.name}", at / len(predictors))
        model.fit(train)
        columns.append([model.predict(Pairs.of(part)) for _, part in parts])
        names.append(model.name)
        took.append(time.perf_counter() - began)
        if hasattr(model, "weights"):
            learned[model.name] = model.weights
    asked = [
        Asked(part, Pairs.of(part).known(train), np.column_stack(found))
        for (_, part), found in zip(parts, zip(*columns, strict=True), strict=True)
    ]
    taught = Taught(names, asked[0], train.scale, seed)
    mixed = [taught.crossed(), *(taught.mix(one) for one in asked[1:])]
    result: dict[str, Any] = {
        "parts": [
            {"name": name, "seconds": seconds}
            | ({"weights": learned[name]} if name in learned else {})
            for name, seconds in zip(names, took, strict=True)
        ],
        "blend": {
            "weights": taught.warm.as_json(),
            "constant": taught.warm.constant,
            "cold_weights": taught.cold.as_json(),
        },
    }
    for (part, _), one, mix in zip(parts, asked, mixed, strict=True):
        _figures(result, part, one.squares(names, mix), one, against, seed)
    result |= {"shuffled": shuffle_labels, "seconds": time.perf_counter() - start}
    if final:
        _note(result, split, seed, record.FINAL_LOG if log is None else log)
    progress("ratings: done", 1.0)
    return result


class Asked:
    """A part of the ratings, which of its pairs are warm, and what was predicted for them."""

    def __init__(self, part: Interactions, warm: Mask, predicted: Numbers) -> None:
        """Keep the part; `predicted` is (pairs, predictors)."""
        self.part, self.warm, self.predicted = part, warm, predicted
        self.value = part.value.astype(np.float64)

    def squares(self, names: Sequence[str], mixed: Numbers) -> dict[str, Numbers]:
        """Return the squared errors of each predictor and of the blend, (pairs,) each."""
        told = dict(zip(names, self.predicted.T, strict=True)) | {BLEND: mixed}
        return {name: np.square(one - self.value) for name, one in told.items()}


class Taught:
    """The weights that validation teaches: of warm pairs, and of cold ones where there are enough.

    Where a user or an item is new, only some predictors have anything to say.
    """

    def __init__(self, names: Sequence[str], asked: Asked, scale: Scale, seed: int) -> None:
        """Learn both; with few cold pairs they get the weights of the warm ones."""
        self.names, self.asked, self.scale, self.seed = names, asked, scale, seed
        warm, cold = asked.warm, ~asked.warm
        self.own = len(np.unique(asked.part.user[cold])) > 1 and cold.sum() >= _ENOUGH
        self.warm = learn(names, asked.predicted[warm], asked.value[warm], scale)
        self.cold = self.warm
        if self.own:
            self.cold = learn(names, asked.predicted[cold], asked.value[cold], scale)

    def mix(self, asked: Asked) -> Numbers:
        """Return the blend of pairs that taught nothing."""
        warm, cold = self.warm.mix(asked.predicted), self.cold.mix(asked.predicted)
        return np.where(asked.warm, warm, cold)

    def crossed(self) -> Numbers:
        """Return the blend of the pairs that taught: each by weights learned from other people."""
        asked, mixed = self.asked, self.mix(self.asked)
        for keep in (asked.warm, ~asked.warm) if self.own else (asked.warm,):
            mixed[keep] = crossed(
                self.names,
                asked.predicted[keep],
                asked.value[keep],
                asked.part.user[keep],
                self.scale,
                seed=self.seed,
            )
        return mixed


def _figures(
    result: dict[str, Any],
    part: str,
    squares: Mapping[str, Numbers],
    asked: Asked,
    against: str | None,
    seed: int,
) -> None:
    """Add one part's figures: RMSE over warm pairs, cold ones, and all."""
    user, warm = asked.part.user, asked.warm
    over = {
        name: root_mean({n: one[keep] for n, one in squares.items()}, user[keep], seed=seed)
        for name, keep in (("warm", warm), ("cold", ~warm), ("all", np.ones_like(warm)))
    }
    for row in result["parts"]:
        row[f"{part}_rmse"] = over["warm"][row["name"]].value
        row[f"{part}_interval"] = over["warm"][row["name"]].as_json()
        row[f"{part}_cold_rmse"] = over["cold"][row["name"]].value
    blend = result["blend"]
    blend[f"{part}_rmse"] = over["warm"][BLEND].value
    blend[f"{part}_interval"] = over["warm"][BLEND].as_json()
    if against is not None:
        less = lowered(squares[BLEND][warm], squares[against][warm], user[warm], seed=seed)
        blend[f"{part}_below_{against}"] = less.as_json()
    # The last part read is the one the counts are of: the test where it was asked for.
    result["pairs"] = int(warm.sum())
    result["cold"] = {
        "part": part,
        "pairs": int((~warm).sum()),
        "rmse": over["cold"][BLEND].value,
        "interval": over["cold"][BLEND].as_json(),
        "with_warm_rmse": over["all"][BLEND].value,
    }


def _dealt(train: Interactions, seed: int) -> Interactions:
    """Return the same events with their ratings dealt anew."""
    return Interactions(
        train.users,
        train.n_items,
        train.user,
        train.item,
        np.random.default_rng(seed).permutation(train.value),
        train.timestamp,
        position=train.position,
        tie=np.arange(len(train)),
        people=train.people,
    )


def _note(result: Mapping[str, Any], split: Split, seed: int, path: Path) -> None:
    """Leave the line that says that somebody looked at the test."""
    blend = result["blend"]
    record.append_final(
        path,
        {
            "command": record.command(),
            "model": "ratings",
            "seed": seed,
            "fingerprint": split.fingerprint(),
            "pairs": result["pairs"],
            "metrics": {
                "rmse": [round(blend["test_interval"][key], 5) for key in ("value", "low", "high")]
            },
            "shuffled": result["shuffled"],
        },
    )
