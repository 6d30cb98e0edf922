"""Threads that go on whatever happens to them, and say what happened without its words."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.serve.projects import small

from tastemate.errors import DataError, Unavailable
from tastemate.project import Tastemate
from tastemate.serve import freshness, warming
from tastemate.serve.ahead import Ahead
from tastemate.serve.batching import Batches
from tastemate.serve.freshness import Fresh
from tastemate.serve.impressions import Behind
from tastemate.serve.opening import Opening, needed
from tastemate.serve.swap import Swap
from tastemate.serve.warming import Warming
from tastemate.types import Signal


def wait(done: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.005)


class Odd:
    """Fails the first times with what no module of ours raises, then works."""

    def __init__(self, times: int = 1) -> None:
        self.calls, self.times = 0, times

    def __call__(self, *_: object) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise ValueError("secret words of a driver")


def said(caplog: pytest.LogCaptureFixture) -> str:
    assert "secret" not in caplog.text
    return caplog.text


def test_reading_goes_on(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(freshness, "PAUSE", 0.02)
    read, failed = Odd(), []
    fresh = Fresh(read, 0.01, lambda: failed.append(1))
    fresh.ask()
    wait(lambda: (fresh.ask(), read.calls > 2 and not fresh.trouble)[1])
    fresh.close()
    assert failed == [1]
    assert "ValueError" in said(caplog)
    assert "test_lasting.py" in caplog.text  # where, too


def test_writing_goes_on_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    odd = Odd()
    written: list[int] = []
    failed: list[int] = []

    def write(rows: Sequence[int]) -> None:
        odd()
        written.extend(rows)

    behind: Behind[int] = Behind(write, seconds=0.01, failed=lambda: failed.append(1))
    behind.add([1, 2, 3, 4])
    wait(lambda: len(written) == 4)
    behind.add([5])
    behind.close()
    assert written == [1, 2, 3, 4, 5]
    assert (behind.dropped, behind.written, behind.error) == (0, 5, "")
    assert failed
    assert "ValueError" in said(caplog)


@pytest.mark.parametrize("kind", [ValueError, DataError])
def test_one_row_that_cannot_be_written_does_not_hold_the_others(kind: type[Exception]) -> None:
    written: list[int] = []

    def write(rows: Sequence[int]) -> None:
        if 7 in rows:
            raise kind("seven")
        written.extend(rows)

    behind: Behind[int] = Behind(write, seconds=60)
    behind.add(list(range(20)))
    behind.flush()
    assert sorted(written) == [at for at in range(20) if at != 7]
    assert written == sorted(written)
    assert behind.dropped == 1
    behind.close()


def test_what_waits_keeps_its_order_when_nothing_can_be_written() -> None:
    def write(rows: object) -> None:
        raise kinds[0]("no")

    kinds: list[type[Exception]] = [ValueError]
    behind: Behind[int] = Behind(write, seconds=60)
    behind.add(list(range(200)))
    behind.flush()
    left = list(behind._rows)
    assert left == sorted(left)
    assert 150 < len(left) < 200  # so many tries, then the rest waits
    kinds[0] = Unavailable
    behind.flush()
    assert list(behind._rows) == left
    behind._ended.set()


def test_making_ahead_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    odd, failed = Odd(), []
    ahead = Ahead(lambda: ["a"], odd, lambda: True, failed=lambda: failed.append(1))
    ahead.start()
    wait(lambda: odd.calls == 1)
    wait(lambda: failed)
    ahead.again()
    wait(lambda: odd.calls == 2)
    ahead.close()
    assert "ValueError" in said(caplog)


def test_warming_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(warming, "AGAIN", 0.01)
    project = small(tmp_path / "project", fitted=True).open()
    odd, failed = Odd(2), []
    supply = project.work.supply
    monkeypatch.setattr(project.work, "supply", lambda names: (odd(), supply(names)))
    warm = Warming(lambda: failed.append(1))
    warm.keep_on(lambda: warm.warm(project))
    assert warm.done.wait(20)
    warm.close()
    assert len(failed) == 2


def test_lists_are_answered_without_what_only_others_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    project = small(tmp_path / "project", fitted=True).open()
    supply, failed = project.work.supply, []

    def all_but_one(names: Sequence[str]) -> None:
        if "familiar" in names:
            raise ValueError("secret")
        supply(names)

    monkeypatch.setattr(project.work, "supply", all_but_one)
    warm = Warming(lambda: failed.append(1))
    assert warm.warm(project)
    assert warm.done.is_set()
    assert failed == [1]
    assert "familiar cannot be loaded: ValueError" in said(caplog)


def test_watching_for_generations_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    odd, failed = Odd(), []

    def current() -> Tastemate:
        odd()
        raise Unavailable("away")

    swap = Swap(
        current,
        lambda fresh: None,
        Opening("nowhere"),
        model=0,
        seconds=0.01,
        failed=lambda: failed.append(1),
    )
    swap.start()
    wait(lambda: odd.calls > 2)
    swap.close()
    assert failed == [1]
    assert "ValueError" in said(caplog)


def test_a_generation_that_the_store_did_not_give_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    opening = small(tmp_path / "project", fitted=True)
    held = [opening.open()]
    model = held[0].store.versions.all()["model"]
    told: list[str] = []
    swap = Swap(
        lambda: held[0],
        lambda fresh: held.__setitem__(0, fresh),
        opening,
        model=model,
        told=told.append,
        seconds=0.05,
    )
    other = opening.open()
    other.record([Signal("e1", "new", "i1", "like", timestamp=1)])
    other.fit(needed(other))
    true, tries = Opening.open, []

    def opened(self: Opening, progress: object = None) -> Tastemate:
        tries.append(1)
        if len(tries) < 3:
            raise [Unavailable("The store is away."), OSError("a disk")][len(tries) - 1]
        return true(self)

    monkeypatch.setattr(Opening, "open", opened)
    before = held[0]
    assert not swap.look()
    assert "not served yet: The store is away." in told[-1]
    assert not swap.look()  # too soon
    assert len(tries) == 1
    wait(swap.look)
    assert len(tries) == 3
    assert held[0] is not before
    assert told[-1] == ""


def test_slow_ones_do_not_wait_for_each_other() -> None:
    both = threading.Barrier(2, timeout=5)
    batches: Batches[int, int] = Batches(lambda batch: [both.wait() + 1], size=1, threads=2)

    async def ask() -> list[int]:
        return await asyncio.gather(batches.ask(1, 5), batches.ask(2, 5))

    assert sorted(asyncio.run(ask())) == [1, 2]
    batches.close()


def test_too_few_answers_do_not_end_the_thread() -> None:
    sizes = []

    def answer(batch: object) -> list[int]:
        sizes.append(batch)
        return [1] if len(sizes) > 1 else []

    batches: Batches[int, int] = Batches(answer)
    with pytest.raises(ValueError, match="shorter"):
        asyncio.run(batches.ask(1, 5))
    assert asyncio.run(batches.ask(1, 5)) == 1
    batches.close()
