"""Searching the options of a model: a grid or random draws, each finished cell kept on disk.

The objective is passed in, so that this module needs no protocol of evaluation. `als_grid` is the
search of the rating model over the ranks and penalties of the classic Spark pipeline, with the
same fits by Spark beside it where wanted.
"""

import inspect
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, Interrupted, nearest
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.retrieve.als import BiasedAls
from tastemate.types import Query

Option: TypeAlias = str | int | float | bool
Options: TypeAlias = dict[str, Option]
Cell: TypeAlias = dict[str, Any]

RANKS = (6, 8, 10, 12)
REGULARISATIONS = (0.05, 0.1, 0.2, 0.4, 0.8)
_STEPS = 5
"""Values a range gives to a grid."""


def silent(_text: str, _share: float) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from `low` to `high`: whole ones when both ends are written as such."""

    low: float
    high: float
    whole: bool

    def grid(self) -> tuple[Option, ...]:
        """Return five values from end to end, in equal ratios where both ends are positive."""
        spread = np.geomspace if self.low > 0 else np.linspace
        return tuple(dict.fromkeys(self._as(v) for v in spread(self.low, self.high, _STEPS)))

    def draw(self, rng: np.random.Generator) -> Option:
        """Return a random value, uniform in the logarithm where both ends are positive."""
        if self.low > 0:
            return self._as(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return self._as(rng.uniform(self.low, self.high))

    def _as(self, value: float) -> Option:
        inside = min(max(float(value), self.low), self.high)
        return round(inside) if self.whole else float(f"{inside:.6g}")


@dataclass(frozen=True, slots=True)
class Choices:
    """These values and no others."""

    values: tuple[Option, ...]

    def grid(self) -> tuple[Option, ...]:
        """Return all values."""
        return self.values

    def draw(self, rng: np.random.Generator) -> Option:
        """Return one of the values."""
        return self.values[int(rng.integers(len(self.values)))]


Space: TypeAlias = dict[str, Range | Choices]


def parse_space(settings: Sequence[str], factory: Callable[..., object]) -> Space:
    """Read settings such as `rank=6,8,12` and `regularisation=0.05..0.8` for a factory.

    Raises `ConfigError` for an option the factory does not have, a value of another type than
    the option's default, or a setting that cannot be read.
    """
    known = inspect.signature(factory).parameters
    space: Space = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not text.strip():
            raise ConfigError(
                f"{setting!r} is no setting; write name=value,value or name=low..high."
            )
        if name not in known:
            raise ConfigError(
                f"There is no option {name!r}.{nearest(name, known)} Options: {', '.join(known)}."
            )
        if name in space:
            raise ConfigError(f"Option {name!r} is set twice; put all its values in one --set.")
        space[name] = _typed(name, _values(name, text.strip()), known[name].default)
    return space


def _values(name: str, text: str) -> Range | Choices:
    low, dots, high = text.partition("..")
    if not dots:
        return Choices(tuple(_literal(part.strip()) for part in text.split(",")))
    ends = _literal(low.strip()), _literal(high.strip())
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends):
        raise ConfigError(f"The ends of {name}={text} must be numbers, as in 0.05..0.8.")
    first, last = float(ends[0]), float(ends[1])
    if not (math.isfinite(first) and math.isfinite(last) and first < last):
        raise ConfigError(f"In {name}={text} the first number must be below the second.")
    return Range(first, last, all(isinstance(end, int) for end in ends))


def _literal(text: str) -> Option:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _typed(name: str, values: Range | Choices, default: object) -> Range | Choices:
    """Bring the values to the type of the option's default; options without one pass."""
    if not isinstance(default, bool | int | float | str):
        return values
    if isinstance(values, Range):
        if isinstance(default, bool | str):
            raise ConfigError(f"Option {name!r} takes no range; list its values.")
        if isinstance(default, int) and not values.whole:
            raise ConfigError(f"Option {name!r} takes whole numbers; write {name}=6..12.")
        return Range(values.low, values.high, isinstance(default, int))
    return Choices(tuple(_as_type(name, value, type(default)) for value in values.values))


def _as_type(name: str, value: Option, kind: type) -> Option:
    if kind is float and type(value) is int:
        return float(value)
    if kind is str:
        return str(value)
    if type(value) is not kind:
        raise ConfigError(f"Option {name!r} takes {kind.__name__} values, not {value!r}.")
    return value


def cells(space: Space, draws: int = 0, seed: int = 0) -> list[Options]:
    """Return the whole grid in the order written, or `draws` random cells without repeats."""
    if not draws:
        grids = [values.grid() for values in space.values()]
        return [dict(zip(space, cell, strict=True)) for cell in itertools.product(*grids)]
    rng = np.random.default_rng(seed)
    drawn = [{name: values.draw(rng) for name, values in space.items()} for _ in range(draws)]
    return list({json.dumps(cell): cell for cell in drawn}.values())


class Ledger:
    """Finished cells, one JSON line each, appended as they finish; no folder: kept in memory."""

    def __init__(self, folder: Path | None, name: str) -> None:
        """Read what an earlier run kept; a line cut short by a kill is passed over."""
        self.path = None if folder is None else folder / f"{name}.jsonl"
        self._cells: dict[str, Cell] = {}
        if self.path is None or not self.path.exists():
            return
        for line in self.path.read_text("utf-8").splitlines():
            try:
                kept = json.loads(line)
                self._cells[kept["key"]] = kept["cell"]
            except (ValueError, KeyError, TypeError):
                continue

    def cell(self, key: Mapping[str, Any], make: Callable[[], Cell]) -> Cell:
        """Return the kept cell of a key, or make and keep it."""
        name = json.dumps(dict(key), sort_keys=True)
        if name not in self._cells:
            self._cells[name] = make()
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                line = json.dumps({"key": name, "cell": self._cells[name]})
                # A leading line break closes a line that a kill cut short.
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(f"\n{line}\n")
        return self._cells[name]

    @property
    def where(self) -> str:
        """Where the cells are, for a message."""
        return "in memory only; name a folder to keep them" if self.path is None else str(self.path)


def _each(
    todo: Sequence[Options],
    make: Callable[[Options], Cell],
    ledger: Ledger,
    key: Mapping[str, Any],
    report: Callable[[int, Options], None],
) -> Iterator[Cell]:
    """Yield every cell, made or kept; turn Ctrl-C into `Interrupted`."""
    done = 0
    try:
        for done, options in enumerate(todo):
            report(done, options)
            yield ledger.cell({**key, **options}, lambda options=options: make(options))
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped after {done} of {len(todo)} cells, kept {ledger.where}. "
            "Run the same command again to go on from there."
        ) from None


class Model(Protocol):
    """What a search makes; `objective` knows how to fit and measure it."""


def search(
    name: str,
    factory: Callable[..., Model],
    space: Space,
    objective: Callable[[Callable[[], Model]], float],
    *,
    draws: int = 0,
    seed: int = 0,
    keep: Path | None = None,
    fingerprint: str = "",
    progress: Progress = silent,
) -> Cell:
    """Measure cells of a space and return `{"grid", "best", "seconds"}`; higher is better.

    `objective` gets a function that makes a fresh model with the cell's options. `draws` is the
    number of random cells, 0 for the whole grid. `keep` is a folder for finished cells, which
    a later run of the same `name` and data `fingerprint` takes up. Ties go to the first cell.
    """
    todo = cells(space, draws, seed)
    if not todo:
        raise ConfigError("There is nothing to try; give values with --set name=value,value.")

    def make(options: Options) -> Cell:
        start = time.perf_counter()
        value = objective(lambda: factory(**options))
        return {**options, "value": value, "seconds": time.perf_counter() - start}

    def report(done: int, options: Options) -> None:
        told = ", ".join(f"{option} {value}" for option, value in options.items())
        progress(f"{name}: {told}", done / len(todo))

    grid = list(_each(todo, make, Ledger(keep, name), {"data": fingerprint}, report))
    progress(f"{name}: done", 1.0)
    best = max(grid, key=lambda cell: float(cell["value"]))
    return {"grid": grid, "best": best, "seconds": sum(cell["seconds"] for cell in grid)}


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a rating data set; test pairs are scored once, with the best cell."""

    catalog: Catalog
    train: Interactions
    validation: Interactions
    test: Interactions

    def fingerprint(self) -> str:
        """Return a short hash of all three parts."""
        parts = (self.train, self.validation, self.test)
        return "-".join(part.fingerprint for part in parts)


@dataclass(frozen=True, slots=True)
class Rmse:
    """Root mean squared error over pairs whose user and item are in training, and over all."""

    warm: float
    warm_pairs: int
    every: float
    pairs: int


def rmse(model: BiasedAls, train: Interactions, part: Interactions) -> Rmse:
    """Return how far predicted ratings are from those of `part`; histories are the training's."""
    codes = np.unique(part.user)
    asked = [part.history(int(code)) for code in codes]
    queries = [Query(history=train.history(int(code))) for code in codes]
    got = model.predict(queries, [history.items for history in asked])
    wrong = np.concatenate([*got, []]) - np.concatenate([*(h.values for h in asked), []])
    squares = np.square(wrong, dtype=np.float64)
    known = np.diff(train.offsets)[part.user] > 0
    warm = squares[known & (train.counts[part.item] > 0)]
    return Rmse(_root_mean(warm), len(warm), _root_mean(squares), len(squares))


def _root_mean(squares: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(np.sqrt(squares.mean())) if len(squares) else 0.0


def als_grid(
    split: Split,
    *,
    ranks: Sequence[int] = RANKS,
    regularisations: Sequence[float] = REGULARISATIONS,
    iterations: int = 10,
    seed: int = 0,
    against_spark: bool = False,
    keep: Path | None = None,
    progress: Progress = silent,
) -> Cell:
    """Fit the rating model on a grid and return the figures of P2 as JSON values.

    Errors are over pairs whose user and item are in training; `cold` has the test error over
    all pairs. `seconds` and `spark_seconds` sum the time of the fits alone; a kept cell counts
    with the seconds it took when it was made. Raises `Unavailable` without pyspark.
    """
    space: Space = {
        "rank": Choices(tuple(ranks)),
        "regularisation": Choices(tuple(float(value) for value in regularisations)),
    }
    todo = cells(space)
    if not todo:
        raise ConfigError("There is nothing to try; give at least one rank and regularisation.")
    key = {"data": split.fingerprint(), "iterations": iterations, "seed": seed}
    shared = {"iterations": iterations, "seed": seed}

    def make(options: Options) -> Cell:
        start = time.perf_counter()
        model = _als(options, shared).fit(split.catalog, split.train)
        seconds = time.perf_counter() - start
        errors = {
            "train_rmse": rmse(model, split.train, split.train).warm,
            "validation_rmse": rmse(model, split.train, split.validation).warm,
        }
        return {**options, **errors, "seconds": seconds}

    total = len(todo) * (2 if against_spark else 1)

    def report(done: int, options: Options) -> None:
        told = f"rank {options['rank']}, regularisation {options['regularisation']}"
        progress(f"als: {told}", done / total)

    grid = list(_each(todo, make, Ledger(keep, "als"), key, report))
    best = min(grid, key=lambda cell: float(cell["validation_rmse"]))
    model = _als({name: best[name] for name in space}, shared).fit(split.catalog, split.train)
    final = rmse(model, split.train, split.test)
    result: Cell = {
        "grid": [_without_seconds(cell) for cell in grid],
        "best": {**_without_seconds(best), "test_rmse": final.warm},
        "pairs": final.warm_pairs,
        "seconds": sum(cell["seconds"] for cell in grid),
        "spark_seconds": None,
        "cold": {"pairs": final.pairs, "test_rmse": final.every},
    }
    if against_spark:
        result |= _spark_grid(split, todo, shared, key, keep, progress)
        result["ratio"] = result["spark_seconds"] / max(result["seconds"], 1e-9)
    progress("als: done", 1.0)
    return result


def _als(options: Options, shared: Mapping[str, int]) -> BiasedAls:
    rank, regularisation = int(options["rank"]), float(options["regularisation"])
    return BiasedAls(rank=rank, regularisation=regularisation, **shared)


def _spark_grid(
    split: Split,
    todo: Sequence[Options],
    shared: Mapping[str, int],
    key: Mapping[str, Any],
    keep: Path | None,
    progress: Progress,
) -> Cell:
    """Run the same cells with Spark; its session starts only when a cell is missing."""
    from tastemate.spark.als import SparkAls

    def report(done: int, options: Options) -> None:
        told = f"rank {options['rank']}, regularisation {options['regularisation']}"
        progress(f"spark: {told}", 0.5 + done / (2 * len(todo)))

    with SparkAls(split.train, split.validation, split.test, **shared) as spark:

        def make(options: Options) -> Cell:
            return spark.cell(int(options["rank"]), float(options["regularisation"]))

        grid = list(_each(todo, make, Ledger(keep, "als-spark"), key, report))
    best = min(grid, key=lambda cell: float(cell["validation_rmse"]))
    # Errors on the test part are shown for the best cell only, ours and Spark's alike.
    shown = [{k: v for k, v in _without_seconds(cell).items() if k != "test_rmse"} for cell in grid]
    return {
        "spark_seconds": sum(cell["seconds"] for cell in grid),
        "spark": {"grid": shown, "best": _without_seconds(best)},
    }


def _without_seconds(cell: Cell) -> Cell:
    return {name: value for name, value in cell.items() if name != "seconds"}
