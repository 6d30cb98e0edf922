"""How long things take, here and now: start, fit, one answer, many answers, beside other libraries.

Figures of one machine at one hour mean little alone, so where there is something to hold against,
both are measured in the same run and the row carries the ratio.
"""

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tastemate import build, config
from tastemate.benchmark import clock, rivals
from tastemate.benchmark.rivals import Figure
from tastemate.errors import ConfigError, DataError
from tastemate.evaluate import record
from tastemate.precomputed import Precomputed, common_queries
from tastemate.project import Tastemate
from tastemate.protocols import Progress

WARM = 50
"""Queries asked before the clock starts."""


@dataclass(frozen=True, slots=True)
class Speed:
    """The figures of one run and what they were measured on."""

    rows: tuple[Figure, ...]
    dataset: str
    provenance: dict[str, str]
    """As `evaluate.record.provenance` gives it."""
    notes: tuple[str, ...] = ()
    """What was left out and how to have it."""

    def as_json(self) -> dict[str, object]:
        """Return the figures as JSON values, the provenance beside them."""
        value: dict[str, object] = asdict(self)
        del value["provenance"]
        return value | {"fingerprint": self.provenance["data"]} | self.provenance


def speed(
    dataset: str,
    *,
    repeats: int = 5,
    queries: int = 500,
    k: int = 10,
    seed: int = 0,
    sides: bool = True,
    processes: bool = True,
    progress: Progress | None = None,
) -> Speed:
    """Measure everything on one data set, in a state folder of its own that is then removed.

    `processes` are the rows that start fresh interpreters, `sides` those of other libraries.
    Raises `ConfigError` for a count below 1, `UnknownDataset`, and `StageError` when a timed
    process fails.
    """
    if min(repeats, queries, k) < 1:
        raise ConfigError("repeats, queries and k must each be at least 1.")
    if (Path(dataset) / config.FILE).is_file():
        raise ConfigError(
            f"{dataset} is a project, and a benchmark would fit it again. Name its data instead: "
            "a data set, or the folder of the data."
        )
    say = progress or _silent
    rows: list[Figure] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tastemate-speed-") as folder:
        home = Path(folder)
        project = Tastemate.open(dataset, home=home)
        users = _users(project, queries, seed)
        if processes:
            say("fresh processes", 0.0)
            rows += starts(repeats)
            rows += cold(dataset, users[0], home, repeats)
        say("answers in process", 0.4)
        rows += answers(project, users, k, repeats, home)
        if sides:
            say("side by side", 0.6)
            found, notes = rivals.side_by_side(
                project.catalog, project.interactions, k=k, repeats=min(repeats, 3), seed=seed
            )
            rows += found
        say("done", 1.0)
        return Speed(
            tuple(rows),
            project.name,
            record.provenance(project.catalog, project.interactions),
            tuple(notes),
        )


def starts(repeats: int) -> list[Figure]:
    """Return how long it takes to import the package and to show the help, medians."""
    bare = clock.interpreter("pass", repeats)
    imported = clock.interpreter("import tastemate", repeats)
    helped = statistics.median(clock.command_line(["--help"]).seconds for _ in range(repeats))
    return [
        Figure.of("import tastemate", imported, "s", "a bare interpreter", bare),
        Figure.of("tastemate --help", helped, "s", "a bare interpreter", bare),
    ]


def cold(dataset: str, user: str, home: Path, repeats: int) -> list[Figure]:
    """Return what fitting and one answer cost in a process of their own."""
    # A named data set's state is looked for under TASTEMATE_HOME, so the fit is found again.
    environment = {"TASTEMATE_HOME": str(home)}
    fitted = clock.command_line(["fit", "--dataset", dataset, "--json"], environment)
    parts = json.loads(fitted.output)["seconds"]
    asked = ["recommend", "--dataset", dataset, "--user", user, "--json"]
    runs = [clock.command_line(asked, environment) for _ in range(repeats + 1)][1:]
    return [
        Figure.of(f"fit of the default mix ({', '.join(parts)})", sum(parts.values()), "s"),
        Figure.of("fit of the default mix, whole process", fitted.seconds, "s"),
        Figure.of("fit of the default mix, peak memory", fitted.peak, "MiB"),
        Figure.of("cold tastemate recommend", statistics.median(r.seconds for r in runs), "s"),
        Figure.of("cold tastemate recommend, best", min(r.seconds for r in runs), "s"),
        Figure.of("cold tastemate recommend, peak memory", max(r.peak for r in runs), "MiB"),
    ]


def answers(
    project: Tastemate, users: Sequence[str], k: int, repeats: int, home: Path
) -> list[Figure]:
    """Return the latency of one answer and the rate of many, with reasons and without."""
    plain = build.recommender(
        project.profile,
        project.retriever,
        project.catalog,
        project.interactions,
        explained=False,
        pool=project.settings.recommend.pool,
    )
    asked = [project.query(user, k) for user in users]
    everybody = [project.query(user, k) for user in project.interactions.users]
    rounds = min(repeats, 3)
    rows = _latency(
        "recommend, with reasons", [partial(project.recommend, user, k) for user in users], rounds
    )
    rows += _latency(
        "recommend, without reasons",
        [partial(plain.recommend, query) for query in asked],
        rounds,
    )
    for name, recommend_all in (
        ("with reasons", project.recommend_all),
        ("without reasons", plain.recommend_all),
    ):
        took = clock.seconds(partial(recommend_all, everybody), rounds)
        rows.append(Figure.of(f"batch recommend, {name}", len(everybody) / took, "users/s"))
    return [*rows, *_precomputed(project, k, len(users), home)]


def _precomputed(project: Tastemate, k: int, n: int, home: Path) -> list[Figure]:
    """Return how long a newcomer waits for an answer that is held, beside making it."""
    common = common_queries(project.catalog, project.interactions, k)
    recommender = project.recommender()
    held = Precomputed(recommender, project.catalog, home / "held", model="speed")
    held.warm(common)
    turns = [common[at % len(common)] for at in range(n)]
    ready = clock.latencies([partial(held.recommend, query) for query in turns], WARM)
    made = clock.latencies([partial(recommender.recommend, query) for query in turns], WARM)
    name = "a newcomer's common question, precomputed, p50"
    return [Figure.of(name, _quantile(ready, 50), "ms", "computed", _quantile(made, 50))]


def _latency(name: str, calls: Sequence[Callable[[], object]], rounds: int) -> list[Figure]:
    """Return the median over the rounds of p50 and of p99."""
    took = [clock.latencies(calls, WARM) for _ in range(rounds)]
    return [
        Figure.of(f"{name}, p{q}", statistics.median(_quantile(one, q) for one in took), "ms")
        for q in (50, 99)
    ]


def _quantile(took: NDArray[np.float64], q: int) -> float:
    return float(np.percentile(took, q))


def _users(project: Tastemate, n: int, seed: int) -> list[str]:
    """Return n user ids in random order, again from the start where there are fewer."""
    known = project.interactions.users
    if not known:
        raise DataError(f"{project.name} has no users; benchmark a data set with interactions.")
    order = np.random.default_rng(seed).permutation(len(known))
    return [known[code] for code in np.resize(order, n)]


def _silent(_what: str, _share: float) -> None:
    return None
