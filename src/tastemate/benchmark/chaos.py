"""Does the recommender hold when the model breaks? Hundreds of broken replies, one slate each.

The whole path with a model that ranks, and for half of the answers reads the taste and words the
reasons too, its wrappers around it. The model is replaced by one that breaks in a known way
(scripted, and named so), or by a server on this machine that breaks over HTTP. Each slate must be
full, valid, explained, in time and, where nothing usable came, must say that the model failed.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import quote

import numpy as np

from tastemate import build, config, scope
from tastemate.benchmark import broken_server
from tastemate.benchmark.broken import KINDS, Broken
from tastemate.data.datasets import FILMS, Dataset, open_dataset
from tastemate.errors import ConfigError, DataError, Unavailable, nearest
from tastemate.language import JUDGES, Language
from tastemate.llm.prompts import PLAIN
from tastemate.llm.server.openai import OpenAIChat
from tastemate.llm.wrappers.around import Around
from tastemate.llm.wrappers.guards import Guards, wrapped
from tastemate.messages import Message, Prompt
from tastemate.protocols import Ability, ChatModel, Progress, Retriever
from tastemate.recommender import Recommender
from tastemate.types import History, Query, Slate

DEADLINE = 2.0
"""Seconds that an answer may take."""
MODEL = config.LanguageModel().seconds
"""Seconds of these that the model may take, as by default, where no kind says less."""
K = 10
HTTP = "over HTTP: "
PLAINLY: frozenset[Ability] = frozenset(("stream",))
ALL: frozenset[Ability] = frozenset(get_args(Ability))


@dataclass(frozen=True, slots=True)
class _Fault:
    """One way to break, in process or over HTTP."""

    name: str
    seconds: float
    fails: bool
    index: int
    """In `KINDS`; -1 over HTTP."""
    stream: bool


@dataclass(slots=True)
class _Tally:
    cases: int = 0
    degraded: int = 0
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    failures: int = 0


def chaos(
    cases: int = 500,
    seed: int = 0,
    *,
    dataset: Dataset | None = None,
    http: bool = True,
    kinds: Sequence[str] | None = None,
    deadline: float = DEADLINE,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Ask for `cases` slates, each with a model that breaks in one of the ways there are, in turn.

    Returns cases, failures, by_kind (cases, failures, degraded, p50 and p99 in seconds of each),
    by_ranker (cases, failures), problems (what was wrong, the first few), seconds (p50, p99, the
    largest), deadline, model and seed. `http` adds the server that breaks; `kinds` names some of
    the ways, else it is all of them. Raises `ConfigError` for less than one case or an unknown
    kind, and `DataError` where nobody can be asked for.
    """
    if cases < 1:
        raise ConfigError(f"cases is {cases}; ask for at least 1.")
    data = open_dataset(FILMS) if dataset is None else dataset
    faults = _faults(http, kinds)
    rng = np.random.default_rng(seed)
    tallies = {fault.name: _Tally() for fault in faults}
    rankers = {name: _Tally() for name in JUDGES}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tastemate-chaos-")))
        address = stack.enter_context(broken_server.serving()) if http else ""
        stage = _Stage(data, folder, address)
        for at in range(cases):
            fault = faults[at % len(faults)]
            # every kind meets every ranker, with and without reasons worded by the model
            turn = at // len(faults) + at % len(faults)
            ranker = list(JUDGES)[turn % len(JUDGES)]
            if progress is not None:
                progress(fault.name, at / cases)
            abilities = ALL if ranker == "labels" or rng.random() < 0.5 else PLAINLY
            worded = bool(rng.random() < 0.5)
            query = stage.query(rng)
            slate, took, streamed = stage.run(fault, ranker, abilities, worded, query, at)
            problem = " ".join([*_problems(slate, query, data, took, deadline), *streamed])
            if fault.fails and not _said(slate, stage.stage_name(ranker)):
                problem = f"{problem} It does not say that the model failed.".strip()
            for tally in (tallies[fault.name], rankers[ranker]):
                tally.cases += 1
                tally.degraded += bool(slate.degraded)
                tally.seconds.append(took)
                if problem:
                    tally.failures += 1
                    tally.problems.append(f"{fault.name}, {ranker}: {problem}")
    return _report(tallies, rankers) | {"deadline": deadline, "seed": seed, "k": K}


class _Stage:
    """The path, composed once for each way of ranking, around a model that can be exchanged."""

    def __init__(self, data: Dataset, folder: Path, address: str) -> None:
        self._data = data
        self._folder = folder
        self._address = address
        self._resources = build.resources(encoder="words")
        self._fitted: dict[str, Retriever] = {}
        self._paths: dict[tuple[str, bool], tuple[Recommender, Around]] = {}
        self._users = list(data.interactions.users)
        if not self._users or len(data.catalog) < 2 * K:
            raise DataError(f"{data.name} has no users or hardly any items. Use other data.")

    def query(self, rng: np.random.Generator) -> Query:
        """Return a request of somebody drawn, their newest likes alone, at times with words."""
        user = self._users[int(rng.integers(len(self._users)))]
        history: History = self._data.interactions.history_of(user)
        return Query(user=user, history=history.last(len(self._data.catalog) // 2), k=K)

    def stage_name(self, ranker: str) -> str:
        """Return the name of a ranker in the trace."""
        path = next(path for (name, _), (path, _) in self._paths.items() if name == ranker)
        assert path.ranker is not None
        return path.ranker.name

    def run(
        self,
        fault: _Fault,
        ranker: str,
        abilities: frozenset[Ability],
        worded: bool,
        query: Query,
        case: int,
    ) -> tuple[Slate, float, list[str]]:
        """Return the slate, the seconds it took, and what was wrong with a stream."""
        path, place = self._path(ranker, worded)
        client = self._client(fault, abilities)
        guards = Guards(seconds=fault.seconds, cache=case % 3 == 0, record=case % 5 == 0)
        model = wrapped(client, self._folder / str(case), guards)
        place.inner, path.seconds = model, fault.seconds
        try:
            start = time.monotonic()
            slate = path.recommend(query)
            took = time.monotonic() - start
            return slate, took, _streamed(model, fault.seconds) if fault.stream and case % 2 else []
        finally:
            if isinstance(client, Broken):
                client.release()
            model.close()

    def _path(self, ranker: str, worded: bool) -> tuple[Recommender, Around]:
        if (ranker, worded) not in self._paths:
            place = Around(Broken(KINDS[0], ALL))
            wants = config.LanguageModel(
                rank=cast(Any, ranker), gate=False, taste=worded, explain=worded
            )
            path = build.recommender(
                build.profile("fast"),
                self._fit,
                self._data.catalog,
                self._data.interactions,
                language=Language(place, config.Settings(llm=wants), PLAIN),
            )
            self._paths[ranker, worded] = path, place
        return self._paths[ranker, worded]

    def _fit(self, name: str) -> Retriever:
        if name not in self._fitted:
            made = cast(Any, build.retriever(name, self._resources))
            self._fitted[name] = made.fit(self._data.catalog, self._data.interactions)
        return self._fitted[name]

    def _client(self, fault: _Fault, abilities: frozenset[Ability]) -> ChatModel:
        if fault.index >= 0:
            return Broken(KINDS[fault.index], abilities)
        kind = fault.name.removeprefix(HTTP)
        return OpenAIChat(
            "scripted-broken",
            name=f"scripted:broken server ({kind})",
            base_url=f"{self._address}/{quote(kind)}/v1",
            key="",
            abilities=sorted(abilities),
        )


def _faults(http: bool, kinds: Sequence[str] | None) -> list[_Fault]:
    waits = ("hang", "slow drip", "dies in mid-stream")
    found = [
        _Fault(kind.name, kind.seconds, kind.fails, at, kind.name in waits)
        for at, kind in enumerate(KINDS)
    ]
    if http:
        found += [
            _Fault(f"{HTTP}{name}", broken_server.SECONDS.get(name, MODEL), True, -1, True)
            for name in broken_server.KINDS
        ]
    known = {fault.name: fault for fault in found}
    for name in kinds or ():
        if name not in known:
            raise ConfigError(f"No kind {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
    return found if kinds is None else [known[name] for name in kinds]


def _problems(
    slate: Slate, query: Query, data: Dataset, took: float, deadline: float
) -> Iterator[str]:
    """Yield what is wrong with a slate; nothing where it is full, valid, explained and in time."""
    if len(slate.items) != K:
        yield f"It has {len(slate.items)} items."
    if len(set(slate.ids)) != len(slate.ids):
        yield "An item is in it twice."
    known = {data.catalog.item(int(row)).id for row in query.history.items}
    if known & set(slate.ids):
        yield "It holds what was seen."
    if any(name not in data.catalog for name in slate.ids):
        yield "It holds what is not in the catalogue."
    if not all(line.reason.text and line.reason.evidence for line in slate.items):
        yield "A reason is missing."
    if took > deadline:
        yield f"It took {took:.2f} s."
    said = [line.reason.text for line in slate.items] + list(slate.degraded)
    try:
        "".join(said).encode("utf-8")
    except UnicodeEncodeError:
        yield "A text in it cannot be written."
    if any(len(text) > 5000 for text in said):
        yield "A text in it is endless."


def _said(slate: Slate, stage: str) -> bool:
    """Whether the slate says that the model failed at the stage where it did."""
    return any(line.startswith(f"{stage}: ") for line in slate.degraded)


def _streamed(model: ChatModel, seconds: float) -> list[str]:
    """Read a stream of the model under a deadline; return what was wrong with how it ended.

    It must end by itself soon after its time is up, with an error of ours or without.
    """
    prompt = Prompt("chaos/1", (Message("user", "Tell me about these films."),))
    start = time.monotonic()
    size = 0
    with scope.opened(seconds):
        try:
            for piece in model.stream(prompt):
                size += len(piece)
        except Unavailable:
            pass
    took = time.monotonic() - start
    return [f"Its stream took {took:.2f} s."] if took > max(DEADLINE, seconds + 0.5) else []


def _report(kinds: Mapping[str, _Tally], rankers: Mapping[str, _Tally]) -> dict[str, Any]:
    asked = {name: tally for name, tally in kinds.items() if tally.cases}
    seconds = [second for tally in asked.values() for second in tally.seconds]
    return {
        "cases": sum(tally.cases for tally in asked.values()),
        "failures": sum(tally.failures for tally in asked.values()),
        "by_kind": {
            name: {
                "cases": tally.cases,
                "failures": tally.failures,
                "degraded": tally.degraded,
                **_quantiles(tally.seconds),
            }
            for name, tally in asked.items()
        },
        "by_ranker": {
            name: {"cases": tally.cases, "failures": tally.failures}
            for name, tally in rankers.items()
        },
        "problems": [problem for tally in asked.values() for problem in tally.problems][:20],
        "seconds": _quantiles(seconds) | {"most": round(max(seconds), 4)},
        "model": "scripted: breaks on purpose",
    }


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(np.asarray(seconds), (50, 99)).tolist()
    return {"p50": round(p50, 4), "p99": round(p99, 4)}
