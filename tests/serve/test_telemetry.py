"""What Prometheus is told, how drift is measured, and spans where they are wanted."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tests.serve.guarded_app import Clock, opened

from tastemate.evaluate.live import deciles
from tastemate.serve.drift import HOUR, Shown, stability
from tastemate.serve.telemetry import KINDS, Telemetry, reason_of
from tastemate.serve.tracing import ENDPOINT, Tracer, open_tracer
from tastemate.types import Item, Recommendation, Signal, Slate, Step


def told(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    """Return every sample by name and labels, without the worker."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(telemetry.exposition().decode()):
        for sample in family.samples:
            assert sample.labels.pop("worker") == "w1"
            key = (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def slate(*steps: Step) -> Slate:
    return Slate((Recommendation(1, Item("1", "One"), 1.0),), steps)


def test_stages_failures_tokens_and_cost() -> None:
    telemetry = Telemetry(worker="w1")
    late = "the model took more than 1.5 seconds"
    telemetry.slate(slate(Step("ease", 10, 0.002), Step("judge", 0, 1.5, 40, late)))
    telemetry.slate(slate(Step("ease", 10, 0.004)))
    telemetry.spent(0.25, 100, "chat")
    found = told(telemetry)
    assert found["tastemate_stage_seconds_count", "stage=ease"] == 2
    assert found["tastemate_stage_seconds_sum", "stage=ease"] == pytest.approx(0.006)
    assert found["tastemate_degraded_total", "reason=timeout", "stage=judge"] == 1
    assert found["tastemate_llm_tokens_total", "stage=judge"] == 40
    assert found["tastemate_llm_tokens_total", "stage=chat"] == 100
    assert found["tastemate_llm_cost_dollars_total",] == 0.25


def test_signals_and_acceptance() -> None:
    telemetry = Telemetry(worker="w1")
    telemetry.shown(["1", "2", "3"])
    telemetry.signals(
        [
            Signal("a", "ann", "1", "click", recommendation="r"),
            Signal("b", "ann", "2", "like", recommendation="r"),
            Signal("c", "ann", "2", "like"),
            Signal("d", "ann", "2", "skip", recommendation="r"),
        ]
    )
    found = told(telemetry)
    assert found["tastemate_lists_total",] == 1
    assert found["tastemate_shown_total",] == 3
    assert found["tastemate_events_total", "kind=like"] == 2
    assert found["tastemate_accepted_total", "kind=like"] == 1
    assert found["tastemate_accepted_total", "kind=click"] == 1
    assert ("tastemate_accepted_total", "kind=skip") not in found


def test_labels_stay_few_whatever_comes() -> None:
    telemetry = Telemetry(worker="w1")
    for number in range(10 * KINDS):
        telemetry.signals([Signal(str(number), "ann", "1", f'kind {number}\n"x"')])
    kinds = [key for key in told(telemetry) if key[0] == "tastemate_events_total"]
    assert len(kinds) == KINDS + 1


def test_requests_by_template_and_status(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        for number in range(20):
            app.client.get(f"/v1/items/{number}")
            app.client.get(f"/nowhere/{number}")
        app.client.request("BREW", "/v1/items/1")
        text = app.client.get("/metrics").text
        counts = [line for line in text.splitlines() if "request_seconds_count" in line]
        assert any('status="200"' in line and line.endswith(" 20.0") for line in counts)
        assert any('route="(none)"' in line and 'status="404"' in line for line in counts)
        assert any('method="other"' in line for line in counts)
        assert len(counts) <= 4
        assert app.client.get("/metrics").headers["content-type"].startswith("text/plain")


def test_a_scrape_looks_at_the_service(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        job = app.store.jobs.make("train", {})
        app.store.jobs.cancel(job)
        app.store.jobs.make("train", {})
        app.service.answers = _Sized(hits=3, misses=1)
        app.service.impressions = _Sized(dropped=2)
        telemetry = app.service.telemetry
        telemetry.trouble("Generation 4 is not served.")
        telemetry.worker = "w1"
        found = told(telemetry)
        assert found["tastemate_model", "name=films", "version=fast-1"] == 1
        assert found["tastemate_jobs", "state=queued"] == 1
        assert found["tastemate_jobs", "state=cancelled"] == 1
        assert found["tastemate_store_up",] == 1
        assert found["tastemate_answer_cache_total", "found=yes"] == 3
        assert found["tastemate_impressions_dropped_total",] == 2
        assert found["tastemate_model_trouble",] == 1


class _Sized:
    def __init__(self, **held: int) -> None:
        self.__dict__.update(held)

    def __len__(self) -> int:
        return 7


def test_coverage_and_drift_of_what_was_shown() -> None:
    clock = Clock(0.0)
    shown = Shown(clock=clock)
    catalog = _Catalog(100)
    counts = np.arange(100, 0, -1)
    interactions = SimpleNamespace(counts=counts)
    project = SimpleNamespace(catalog=catalog, interactions=interactions, name="n")
    telemetry = Telemetry(worker="w1", shown=shown)
    telemetry.watch(SimpleNamespace(project=project))
    rng = np.random.default_rng(3)
    for hour in range(24):
        clock.now = hour * HOUR
        for _ in range(10):
            telemetry.shown([str(row) for row in rng.choice(50, 10, replace=False)])
    assert shown.coverage(100) == 0.5
    assert shown.drift() is None, "the first day is not over"
    clock.now = 24 * HOUR
    telemetry.shown(["0", "unknown to the catalogue"])
    calm = shown.drift()
    assert calm is not None
    assert calm < 0.01
    for hour in range(25, 49):
        clock.now = hour * HOUR
        for _ in range(10):
            telemetry.shown([str(row) for row in rng.choice(range(60, 100), 10, replace=False)])
    moved = shown.drift()
    assert moved is not None
    assert moved > 1.0
    assert shown.coverage(100) == 0.4


class _Catalog:
    def __init__(self, items: int) -> None:
        self.items = items

    def __len__(self) -> int:
        return self.items

    def __contains__(self, item: str) -> bool:
        return item.isdecimal() and int(item) < self.items

    def row(self, item: str) -> int:
        return int(item)


def test_the_first_day_outlives_a_restart(tmp_path: Path) -> None:
    clock, path = Clock(0.0), tmp_path / "first.json"
    shown = Shown(clock=clock, reference=path)
    shown.add([str(n) for n in range(2_000)], [0] * 2_000)
    clock.now = 24 * HOUR
    shown.add(["1"], [0])
    assert json.loads(path.read_text())["shown_by_decile"][0] == 2_001
    again = Shown(clock=clock, reference=path)
    again.add([str(n) for n in range(2_000)], [9] * 2_000)
    drift = again.drift()
    assert drift is not None
    assert drift > 5
    path.write_text("{")
    assert Shown(clock=clock, reference=path).drift() is None


def test_deciles_share_ties_and_put_the_popular_first() -> None:
    assert deciles(np.arange(20)[::-1]).tolist() == [row // 2 for row in range(20)]
    assert set(deciles(np.zeros(50, np.int64)).tolist()) == {0}
    assert deciles(np.zeros(0, np.int64)).tolist() == []
    assert deciles(np.array([5, 0, 0, 0])).tolist() == [0, 2, 2, 2]


@given(
    st.lists(st.integers(0, 10**6), min_size=10, max_size=10),
    st.lists(st.integers(0, 10**6), min_size=10, max_size=10),
)
def test_stability_is_a_symmetric_distance(now: list[int], then: list[int]) -> None:
    one, two = np.array(now), np.array(then)
    assert stability(one, two) >= -1e-12
    assert stability(one, two) == pytest.approx(stability(two, one))
    assert stability(one, one) == 0.0


def test_stability_by_hand() -> None:
    now, then = np.array([30, 70]), np.array([50, 50])
    p, q = np.array([30.5, 70.5]) / 101, np.array([50.5, 50.5]) / 101
    assert stability(now, then) == pytest.approx(float(((p - q) * np.log(p / q)).sum()))


def test_reasons_are_few() -> None:
    for error, reason in (
        ("Connection refused: the server cannot be reached", "unreachable"),
        ("The budget of today is used up", "budget"),
        ("3 of 20 replies could not be read", "reply"),
        ("429: too many requests", "busy"),
        ("something else", "other"),
    ):
        assert reason_of(error) == reason


def test_spans_of_a_request_and_its_stages() -> None:
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = export.InMemorySpanExporter()
    tracer = Tracer(exporter)
    telemetry = Telemetry(worker="w1")
    telemetry.tracer = tracer

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = SimpleNamespace(path="/v1/recommend")
        telemetry.slate(slate(Step("ease", 10, 0.002), Step("judge", 0, 0.1, 4, "it failed")))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def run() -> None:
        from tastemate.serve.tracing import Traced

        async def send(_: Any) -> None:
            return

        parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/recommend",
            "query_string": b"q=secret",
            "headers": [(b"traceparent", parent)],
        }
        await Traced(app, tracer)(scope, send, send)

    asyncio.run(run())
    tracer.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"POST /v1/recommend", "ease", "judge"}
    request = spans["POST /v1/recommend"]
    assert format(request.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert spans["judge"].parent.span_id == request.context.span_id
    assert spans["judge"].attributes["tastemate.failed"] is True
    assert request.attributes["http.response.status_code"] == 200
    assert "secret" not in str([span.to_json() for span in spans.values()])


def test_stages_outside_of_a_request_stand_below_one_span() -> None:
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = export.InMemorySpanExporter()
    tracer = Tracer(exporter)
    tracer.stages((Step("ease", 10, 0.002), Step("judge", 0, 0.1)))
    tracer.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["ease"].parent.span_id == spans["list"].context.span_id
    assert spans["judge"].start_time >= spans["ease"].end_time
    assert spans["ease"].start_time >= spans["list"].start_time


def test_nothing_is_imported_where_nothing_is_configured() -> None:
    assert open_tracer({}) is None
    code = (
        "import sys; from tastemate.serve.guarding import install; "
        "from tastemate.serve.tracing import open_tracer; open_tracer({}); "
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_exporter_that_is_not_installed_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tastemate.serve.tracing.EXPORTER", "opentelemetry.exporter.not_there.x")
    assert open_tracer({ENDPOINT: "http://127.0.0.1:4318"}) is None
