"""LlamaRec's tables rebuilt: every system on one split by one protocol, beside what was published.

Each model on each order of ties is one `evaluate.protocol.next_item`, whose cells are kept: a run
that was stopped goes on, and `tastemate evaluate` of the same model reads the same cells. Yue et
al. 2023, "LlamaRec: Two-stage recommendation using large language models for ranking".
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from tastemate import build
from tastemate.benchmark import beside, published
from tastemate.benchmark.beside import Ran, System
from tastemate.data.datasets import Dataset
from tastemate.data.split import TIE_ORDERS
from tastemate.errors import ConfigError, Interrupted, TastemateError
from tastemate.evaluate import record
from tastemate.evaluate.protocol import next_item
from tastemate.evaluate.scoring import Factory
from tastemate.evaluate.slices import CLOCK_STARTS
from tastemate.protocols import Progress
from tastemate.train.letters import timed

LETTERS = ("+llamarec", "+letters")
"""LlamaRec's own ranker, as published and improved: the letters of a causal model, which has to
be given."""
Make: TypeAlias = Callable[..., Factory]
"""(name, **options) → what fits the model of that name."""


SYSTEMS = (
    System("popular", orders=True),
    System("sequential-knn", orders=True),
    System("fast", orders=True),
    System("narm", "NARM"),
    System("bert4rec", "BERT4Rec"),
    System("sasrec", "SASRec"),
    System("lrurec", "LRURec"),
    System("hstu"),
    System("sse-pt"),
    System("lightgcn"),
    System("lrurec+llamarec", "LlamaRec", most=2000),
    System("lrurec+letters", most=2000),
    System("fast+cross", most=2000),
    System("fast+hybrid"),
    System("best", orders=True, seeds=3),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured; the defaults are those of the command.

    Raises `NotFound` for a model that there is not, `ConfigError` for what makes no sense.
    """

    models: tuple[str, ...] = ()
    """Instead of `SYSTEMS`."""
    seeds: int | None = None
    ties: tuple[str, ...] = ()
    final: bool = False
    limit_users: int | None = None
    retriever: str = "lrurec"
    """Whose first 20 make table 3."""
    llm: Path | None = None
    """A folder with a causal model."""
    seed: int = 0
    keep: Path | None = None
    fresh: bool = False
    log: Path | None = None

    def __post_init__(self) -> None:
        for name in (*self.models, self.retriever):
            build.profile(name)  # refuses what there is not before anything is opened
        if any(one is not None and one < 1 for one in (self.seeds, self.limit_users)):
            raise ConfigError("seeds and limit_users must each be at least 1.")
        if self.llm is not None and not self.llm.is_dir():
            raise ConfigError(
                f"{self.llm} is no folder of a causal model (config.json, safetensors, tokenizer)."
            )


def llamarec(
    data: Dataset, make: Make, asked: Asked, progress: Progress | None = None
) -> dict[str, Any]:
    """Measure every system on a data set and return tables, rows and notes as JSON values.

    A model that cannot be had is left out with a note. Raises `Interrupted` when stopped by hand.
    """
    systems, notes = _systems(asked)
    ran: list[Ran] = []
    plan = [(system, ties) for system in systems for ties in _orders(data, system, asked)]
    for at, (system, ties) in enumerate(plan):
        say = _part_of(progress, at, len(plan), f"{data.name}, ties by {ties}: ")
        try:
            ran.append(_measured(data, system, ties, make, asked, say))
        except (Interrupted, KeyboardInterrupt) as stop:
            kept = f"kept in {asked.keep}; the same command goes on from there"
            raise Interrupted(
                f"Stopped after {at} of {len(plan)} models on {data.name}; what is finished is "
                f"{kept if asked.keep else 'not kept'}."
            ) from stop
        except TastemateError as error:
            notes.append(f"{system.name}, ties by {ties}, is left out: {error}")
    passes: list[dict[str, Any]] = []
    if any(name.endswith(LETTERS) for name in asked.models or [one.name for one in SYSTEMS]):
        if progress is not None:
            progress(f"{data.name}: one pass against generation", 1.0)
        passes, said = one_pass(asked.llm)
        notes += said
    made, more = beside.tables(
        data.name,
        ran,
        final=asked.final,
        retriever=asked.retriever,
        seed=asked.seed,
    )
    found = {
        "dataset": data.name,
        "split": "test" if asked.final else "validation",
        "cut": 0 if asked.final else 1,
        "rows": [*beside.accuracy(ran, made), *beside.costs(ran), *passes],
        "tables": made,
        "notes": [*notes, *more],
        "seed": asked.seed,
        "limit_users": asked.limit_users,
    }
    sizes = {"users": 0, "items": 0, "events": 0}
    for one in ran:
        sizes = {name: max(size, getattr(one.result, name)) for name, size in sizes.items()}
    return found | sizes | record.provenance(data.catalog, data.interactions)


def drawn(name: str) -> bool:
    """Whether a model draws at random, so that it can be fitted with another seed."""
    mix = build.profile(name)
    if mix.ranker:
        return "seed" in inspect.signature(build.named(build.RANKERS[mix.ranker][0])).parameters
    if name in build.RETRIEVERS:
        return "seed" in inspect.signature(build.retriever_class(name)[0]).parameters
    return False


def one_pass(llm: Path | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Time a ranking by one pass of a causal model against generating titles; rows and notes.

    Without a model given, a tiny one of random weights stands in, and a note says so.
    """
    try:
        took = timed("tiny" if llm is None else llm)
    except TastemateError as error:
        return [], [f"One pass against generation is left out: {error}"]
    one, other = took.pop("one_pass_seconds"), took.pop("generation_seconds")
    rows = [
        beside.row("one pass", one, "s", "generation", other) | took,
        beside.row("generation", other, "s", "one pass", one) | took,
    ]
    tiny = "One pass and generation are timed with a tiny causal model of random weights."
    return rows, [tiny] if llm is None else []


def _systems(asked: Asked) -> tuple[list[System], list[str]]:
    """Return what is measured, and notes on what is left out of the default systems."""
    known = {system.name: system for system in SYSTEMS}
    wanted = [known.get(name, System(name)) for name in dict.fromkeys(asked.models)] or SYSTEMS
    found, notes = [], []
    for system in wanted:
        if system.name.endswith(LETTERS) and asked.llm is None:
            notes.append(
                f"{system.name} (LlamaRec's ranker) is left out: it needs a causal model, given "
                "with --llm-path."
            )
            continue
        found.append(system)
    return found, notes


def _orders(data: Dataset, system: System, asked: Asked) -> Sequence[str]:
    """Return the orders of ties of a system; data without a clock has no ties."""
    clock = bool((data.interactions.timestamp >= CLOCK_STARTS).all())
    if not clock:
        return ("id",)
    return asked.ties or (tuple(TIE_ORDERS) if system.orders else ("id",))


def _measured(
    data: Dataset, system: System, ties: str, make: Make, asked: Asked, progress: Progress | None
) -> Ran:
    limits = [most for most in (asked.limit_users, system.most) if most is not None]
    limit = min(limits, default=None)
    if limit is not None and limit >= data.interactions.n_users:
        limit = None
    options: dict[str, Any] = {}
    label = system.name
    if asked.llm is not None and label.endswith(LETTERS):
        options["path"] = asked.llm
        label = f"{label} of {asked.llm.name} {key_of(asked.llm)}"
    seeds = (asked.seeds or system.seeds) if drawn(system.name) else 1
    if seeds > 1:
        models = {seed: make(system.name, seed=seed, **options) for seed in range(seeds)}
    else:
        models = {0: make(system.name, **options)}
    result = next_item(
        models,
        data.catalog,
        data.interactions,
        model=label,
        ties=ties,
        final=asked.final,
        cuts=(1,),
        max_history=published.longest_history(data.name),
        limit_users=limit,
        seed=asked.seed,
        progress=progress,
        keep=asked.keep,
        fresh=asked.fresh,
        log=asked.log,
        every_look=False,
    )
    return Ran(system, ties, seeds, result)


def key_of(folder: Path) -> str:
    """Return a short hash of where a model lies, and of its files' sizes and times."""
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    said = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return sha256(f"{folder.resolve()} {said}".encode()).hexdigest()[:8]


def _part_of(progress: Progress | None, at: int, whole: int, prefix: str) -> Progress | None:
    if progress is None:
        return None
    return lambda what, share: progress(prefix + what, (at + share) / max(whole, 1))
