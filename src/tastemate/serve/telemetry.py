"""What the service tells Prometheus: how fast, how well, how much, and what is out of order.

Every process has a registry of its own, and every line the label `worker`: where several processes
share a port, a scrape meets one of them; sum over `worker` (docs/monitoring.md).
"""

import os
import re
import threading
import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tastemate.errors import TastemateError
from tastemate.evaluate.live import deciles
from tastemate.serve.drift import Shown
from tastemate.serve.logs import Seen
from tastemate.types import Signal, Slate

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.serve.tracing import Tracer

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
"""The exposition format: what every Prometheus reads."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
KINDS = 60
"""Kinds of signals, stages and reasons that get lines of their own; the rest is "other"."""
ACCEPTS = frozenset({"like", "click"})
"""Kinds of signals that count as taking what was recommended."""
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
AGE = 5.0
"""Seconds for which what the store said of its jobs is shown again."""
REASONS = (
    ("timeout", r"time|second|late|deadline|slow"),
    ("budget", r"budget|spent"),
    ("unreachable", r"reach|connect|network|paused|circuit"),
    ("busy", r"\b429\b|busy|too many"),
    ("reply", r"repl|json|schema|\bread\b|parse"),
    ("missing", r"install|not fitted|no language model|there is no|stand"),
)
"""Why a stage failed, told by the words of its error; anything else is "other"."""


class Served(Protocol):
    """A service, as far as it is looked at when somebody scrapes; what it lacks is left out.

    Read are also, where they are there, `answers` (hits, misses, length), `impressions` (length,
    dropped) and `trouble`.
    """

    @property
    def project(self) -> "Tastemate":
        """What is served."""
        ...


class Telemetry:
    """The measures of one process; every method may be called from any thread."""

    def __init__(self, *, worker: str = "", shown: Shown | None = None) -> None:
        self.registry = CollectorRegistry()
        self.worker = worker or str(os.getpid())
        self.tracer: Tracer | None = None
        self._shown = shown or Shown()
        self._service: Served | None = None
        self._deciles: tuple[object, Any] = (None, None)
        self._children: dict[tuple[str, ...], Any] = {}
        self._names: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        self._trouble = ""
        self._asked: tuple[float, Mapping[str, int] | None] = (float("-inf"), None)
        self._make()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Found(self))

    def _make(self) -> None:
        of: dict[str, Any] = {"namespace": "tastemate", "registry": self.registry}
        self._requests = Histogram(
            "request_seconds", "Requests by route and status.", ["route", "method", "status"],
            buckets=BUCKETS, **of,
        )  # fmt: skip
        self._stages = Histogram(
            "stage_seconds", "Stages of lists.", ["stage"], buckets=BUCKETS, **of
        )
        self._degraded = Counter(
            "degraded", "Stages that failed while a list was answered.", ["stage", "reason"], **of
        )
        self._tokens = Counter("llm_tokens", "Tokens of language models.", ["stage"], **of)
        self._cost = Counter("llm_cost_dollars", "Cost of language models, by their prices.", **of)
        self._signals = Counter("events", "Signals that were taken in.", ["kind"], **of)
        self._lists = Counter("lists", "Lists that were sent.", **of)
        self._items = Counter("shown", "Items on lists that were sent (impressions).", **of)
        self._taken = Counter("accepted", "Likes and clicks that answer a list.", ["kind"], **of)
        self._other = Counter("happened", "Things that should be rare, by name.", ["what"], **of)

    def watch(self, service: Served) -> None:
        """Say which service is measured: what it holds is looked at when somebody scrapes."""
        self._service = service

    # what happens

    def request(self, seen: Seen) -> None:
        """Count a request that was answered."""
        method = seen.scope["method"] if seen.scope["method"] in METHODS else "other"
        self._child(self._requests, seen.route, method, str(seen.status)).observe(seen.seconds)

    def slate(self, slate: Slate) -> None:
        """Count the stages of a list that was made: time, tokens, failures; and their spans."""
        for step in slate.trace:
            stage = self._name("stage", step.name)
            self._child(self._stages, stage).observe(step.seconds)
            if step.tokens:
                self._child(self._tokens, stage).inc(step.tokens)
            if step.error:
                self._child(self._degraded, stage, reason_of(step.error)).inc()
        if self.tracer is not None:
            self.tracer.stages(slate.trace)

    def shown(self, ids: Iterable[str]) -> None:
        """Count a list that was sent, by the ids of its items; an empty one is none."""
        named = list(ids)
        if not named:
            return
        self._lists.inc()
        self._items.inc(len(named))
        if self._service is not None:
            project = self._service.project
            bands = self._bands(project)
            known = [item for item in named if item in project.catalog]
            rows = [project.catalog.row(item) for item in known]
            self._shown.add(known, [int(bands[row]) if row < len(bands) else 9 for row in rows])

    def signals(self, signals: Iterable[Signal]) -> None:
        """Count signals that were taken in, without those seen before."""
        for signal in signals:
            kind = self._name("kind", signal.kind)
            self._child(self._signals, kind).inc()
            if signal.recommendation and signal.kind in ACCEPTS:
                self._child(self._taken, kind).inc()

    def spent(self, cost: float, tokens: int = 0, stage: str = "") -> None:
        """Count money, and tokens that no list's trace tells of (a conversation's)."""
        self._cost.inc(max(cost, 0.0))
        if tokens > 0:
            self._child(self._tokens, self._name("stage", stage or "chat")).inc(tokens)

    def trouble(self, what: str) -> None:
        """Say that a newer generation cannot be served; "" that all is well."""
        self._trouble = what

    def count(self, what: str) -> None:
        """Count something that should be rare; `what` is one of few fixed names."""
        self._child(self._other, self._name("what", what)).inc()

    def log_line_dropped(self) -> None:
        """Count a log line that could not be written."""
        self.count("log_line_dropped")

    # what is told

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return bytes(generate_latest(_Labelled(self.registry, self.worker)))

    def found(self) -> Iterator[Metric]:
        """Yield what is looked at when somebody scrapes."""
        if self._service is None:
            return
        project = self._service.project
        version = GaugeMetricFamily(
            "tastemate_model", "The generation that is served.", labels=["version", "name"]
        )
        version.add_metric([project.model_version, project.name], 1)
        yield version
        items = len(project.catalog)
        yield _gauge("tastemate_items", "Items in the catalogue.", items)
        share = self._shown.coverage(items)
        text = "Share of the catalogue that this worker showed to somebody within a day."
        yield _gauge("tastemate_catalogue_coverage", text, share)
        drift = self._shown.drift()
        if drift is not None:
            text = "PSI of the popularity deciles of what was shown: last day against the first."
            yield _gauge("tastemate_popularity_drift_psi", text, drift)
        yield from _held(self._service)
        trouble = self._trouble or getattr(self._service, "trouble", "")
        text = "1 while a newer generation cannot be served."
        yield _gauge("tastemate_model_trouble", text, float(bool(trouble)))
        yield from self._store(project)

    def _store(self, project: "Tastemate") -> Iterator[Metric]:
        at, states = self._asked
        if time.monotonic() - at > AGE:
            try:
                states = Tally(job.state for job in project.store.jobs.all())
            except TastemateError:
                states = None
            self._asked = (time.monotonic(), states)
        up = "1 if the store answered when it was last asked."
        yield _gauge("tastemate_store_up", up, float(states is not None))
        if states is not None:
            jobs = GaugeMetricFamily("tastemate_jobs", "Jobs by state.", labels=["state"])
            for state in JOB_STATES:
                jobs.add_metric([state], states.get(state, 0))
            yield jobs

    def _bands(self, project: "Tastemate") -> Any:
        data, bands = self._deciles
        if data is not project.interactions:
            data, bands = project.interactions, deciles(project.interactions.counts)
            self._deciles = (data, bands)
        return bands

    def _child(self, metric: Any, *labels: str) -> Any:
        """Return the line of a metric with these labels, without making it anew each time."""
        key = (metric._name, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def _name(self, group: str, name: str) -> str:
        """Return a name as a label: the first `KINDS` of a group by themselves, then "other"."""
        known = self._names.setdefault(group, set())
        if name in known:
            return name
        with self._lock:
            if len(known) >= KINDS:
                return "other"
            known.add(name)
        return name


class _Found(Collector):
    """What is looked up at a scrape, as the registry wants it."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def collect(self) -> Iterator[Metric]:
        return self._telemetry.found()

    def describe(self) -> Iterable[Metric]:
        return ()


class _Labelled(Collector):
    """A registry's lines with one more label."""

    def __init__(self, registry: CollectorRegistry, worker: str) -> None:
        self._registry, self._worker = registry, worker

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [
                sample._replace(labels={**sample.labels, "worker": self._worker})
                for sample in family.samples
                if not sample.name.endswith("_created")
            ]
            yield family


def _held(service: Served) -> Iterator[Metric]:
    """Yield how the service's own stores of answers and impressions are doing."""
    answers = getattr(service, "answers", None)
    if answers is not None:
        found = CounterMetricFamily(
            "tastemate_answer_cache", "Looks among the kept answers.", labels=["found"]
        )
        found.add_metric(["yes"], answers.hits)
        found.add_metric(["no"], answers.misses)
        yield found
        yield _gauge("tastemate_answers_kept", "Answers that are kept.", len(answers))
    waiting = getattr(service, "impressions", None)
    if waiting is not None:
        text = "Shown lists that are not in the store yet."
        yield _gauge("tastemate_impressions_waiting", text, len(waiting))
        text = "Shown lists that never came into the store."
        lost = CounterMetricFamily("tastemate_impressions_dropped", text)
        lost.add_metric([], waiting.dropped)
        yield lost


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def reason_of(error: str) -> str:
    """Return the class of a stage's error, a row of `REASONS` or "other"."""
    for reason, words in REASONS:
        if re.search(words, error, re.IGNORECASE):
            return reason
    return "other"
