"""Searching the options of a model: a grid or random draws, each finished cell kept on disk.

The objective is passed in, so that this module needs no protocol of evaluation. `als_grid` is the
search of the rating model over the ranks and penalties of the classic Spark pipeline, with the
same fits by Spark beside it where wanted.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tastemate.catalog import Catalog
from tastemate.data.split import check_disjoint
from tastemate.errors import ConfigError, Interrupted
from tastemate.interactions import Interactions
from tastemate.protocols import Progress
from tastemate.retrieve.als import BiasedAls
from tastemate.train.space import Choices, Options, Space, cells
from tastemate.types import Query

if TYPE_CHECKING:
    from tastemate.spark.als import SparkAls

Cell: TypeAlias = dict[str, Any]

RANKS = (6, 8, 10, 12)
REGULARISATIONS = (0.05, 0.1, 0.2, 0.4, 0.8)


def silent(_text: str, _share: float) -> None:
    """Report nothing."""


class Ledger:
    """Finished cells, one JSON line each, appended as they finish; no folder: kept in memory."""

    def __init__(self, folder: Path | None, name: str, fresh: bool = False) -> None:
        """Read what an earlier run kept, unless `fresh`; a line cut short is passed over."""
        self.path = None if folder is None else folder / f"{name}.jsonl"
        self._cells: dict[str, Cell] = {}
        if fresh or self.path is None or not self.path.exists():
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


Maker: TypeAlias = tuple[Ledger, Callable[[Options], Cell]]


def _each(
    todo: Sequence[Options],
    makers: Sequence[Maker],
    key: Mapping[str, Any],
    report: Callable[[int, Options], None],
) -> Iterator[list[Cell]]:
    """Yield every cell by every maker, made or kept; turn Ctrl-C into `Interrupted`."""
    done = 0
    try:
        for done, options in enumerate(todo):
            report(done, options)
            full = {**key, **options}
            yield [ledger.cell(full, partial(make, options)) for ledger, make in makers]
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped after {done} of {len(todo)} cells, kept {makers[0][0].where}. "
            "Run the same command again to go on from there."
        ) from None


def search(
    name: str,
    space: Space,
    objective: Callable[[Options], float],
    *,
    draws: int = 0,
    seed: int = 0,
    keep: Path | None = None,
    fresh: bool = False,
    fingerprint: str = "",
    progress: Progress = silent,
) -> Cell:
    """Measure the cells of a space and return `{"grid", "best", "seconds"}`; higher is better.

    `objective` gets the options of a cell, fits a model with them and measures it. `draws` is
    the number of random cells, 0 for the whole grid. `keep` is a folder for finished cells:
    a later run of the same `name`, `seed` and data `fingerprint` reads them, unless `fresh`.
    Ties go to the first cell. Raises `Interrupted` when stopped by hand.
    """
    todo = cells(space, draws, seed) if space else []
    if not todo:
        raise ConfigError("There is nothing to try; give values with --set name=value,value.")

    def make(options: Options) -> Cell:
        start = time.perf_counter()
        value = objective(options)
        return {**options, "value": value, "seconds": time.perf_counter() - start}

    def report(done: int, options: Options) -> None:
        told = ", ".join(f"{option} {value}" for option, value in options.items())
        progress(f"{name}: {told}", done / len(todo))

    key = {"data": fingerprint, "model": name, "seed": seed}
    found = _each(todo, [(Ledger(keep, name, fresh), make)], key, report)
    grid = [cell for (cell,) in found]
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
    fresh: bool = False,
    progress: Progress = silent,
) -> Cell:
    """Fit the rating model on a grid and return the figures of P2 as JSON values.

    Errors are over pairs whose user and item are in training; `cold` has the test error over
    all pairs. `seconds` and `spark_seconds` sum the time of the fits alone; a kept cell counts
    with the seconds it took when it was made (`fresh` makes all again). Raises `Unavailable`
    without pyspark, `Interrupted` when stopped by hand, `DataError` when the parts share events.
    """
    space: Space = {
        "rank": Choices(tuple(ranks)),
        "regularisation": Choices(tuple(float(value) for value in regularisations)),
    }
    todo = cells(space)
    if not todo:
        raise ConfigError("There is nothing to try; give at least one rank and regularisation.")
    check_disjoint(split.train, split.validation, split.test)
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

    def report(done: int, options: Options) -> None:
        told = f"rank {options['rank']}, regularisation {options['regularisation']}"
        progress(f"als: {told}", done / len(todo))

    makers: list[Maker] = [(Ledger(keep, "als", fresh), make)]
    with ExitStack() as stack:
        if against_spark:
            from tastemate.spark.als import SparkAls

            spark = stack.enter_context(
                SparkAls(split.train, split.validation, split.test, **shared)
            )
            makers.append((Ledger(keep, "als-spark", fresh), partial(_by_spark, spark)))
        # Each cell is fitted by both in turn, so that both meet the machine in the same mood.
        found = list(zip(*_each(todo, makers, key, report), strict=True))
    result = _ours(split, list(found[0]), shared)
    if against_spark:
        result |= _theirs(list(found[1]))
        result["ratio"] = result["spark_seconds"] / max(result["seconds"], 1e-9)
    progress("als: done", 1.0)
    return result


def _als(options: Mapping[str, Any], shared: Mapping[str, int]) -> BiasedAls:
    rank, regularisation = int(options["rank"]), float(options["regularisation"])
    return BiasedAls(rank=rank, regularisation=regularisation, **shared)


def _ours(split: Split, grid: list[Cell], shared: Mapping[str, int]) -> Cell:
    """Return our half of the answer; the best cell is fitted once more for the test part."""
    best = _best(grid)
    model = _als(best, shared).fit(split.catalog, split.train)
    final = rmse(model, split.train, split.test)
    return {
        "grid": [_without(cell, "seconds") for cell in grid],
        "best": {**_without(best, "seconds"), "test_rmse": final.warm},
        "pairs": final.warm_pairs,
        "seconds": sum(cell["seconds"] for cell in grid),
        "spark_seconds": None,
        "cold": {"pairs": final.pairs, "test_rmse": final.every},
    }


def _theirs(grid: list[Cell]) -> Cell:
    """Return Spark's half; errors on the test part are shown for the best cell only."""
    return {
        "spark_seconds": sum(cell["seconds"] for cell in grid),
        "spark": {
            "grid": [_without(cell, "seconds", "test_rmse") for cell in grid],
            "best": _without(_best(grid), "seconds"),
        },
    }


def _by_spark(spark: "SparkAls", options: Options) -> Cell:
    return spark.cell(int(options["rank"]), float(options["regularisation"]))


def _best(grid: Sequence[Cell]) -> Cell:
    return min(grid, key=lambda cell: float(cell["validation_rmse"]))


def _without(cell: Cell, *names: str) -> Cell:
    return {name: value for name, value in cell.items() if name not in names}
