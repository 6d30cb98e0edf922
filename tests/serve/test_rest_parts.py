"""The parts between many callers and one model: batches, kept answers, writing behind."""

import asyncio
import threading
import time

import pytest
from tests.serve.rest_app import opened

from tastemate.errors import DataError, Unavailable
from tastemate.serve.answers import Answers, Kept, Shown
from tastemate.serve.batching import Batches
from tastemate.serve.freshness import Fresh
from tastemate.serve.impressions import Behind, rows_of
from tastemate.serve.service import Service


def test_what_waits_while_one_batch_runs_is_the_next_batch():
    sizes = []
    free = threading.Event()

    def answer(batch):
        sizes.append(len(batch))
        free.wait(5)
        return [DataError("odd") if one % 2 else one * 10 for one in batch]

    batches = Batches(answer, size=4)

    async def ask_all():
        first = asyncio.create_task(batches.ask(0, 5))
        while not sizes:
            await asyncio.sleep(0.001)
        rest = [asyncio.create_task(batches.ask(one, 5)) for one in range(1, 7)]
        await asyncio.sleep(0.01)
        free.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    found = asyncio.run(ask_all())
    batches.close()
    assert sizes == [1, 4, 2]
    assert [one for one in found if isinstance(one, int)] == [0, 20, 40, 60]
    assert sum(isinstance(one, DataError) for one in found) == 3


def test_a_question_is_given_up_in_time_and_too_many_are_refused():
    free = threading.Event()
    batches = Batches(lambda batch: [free.wait(5) for _ in batch], size=1, waiting=2)

    async def ask_all():
        tasks = [asyncio.create_task(batches.ask(at, 0.05)) for at in range(5)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(ask_all())
    free.set()
    batches.close()
    kinds = {type(one) for one in found}
    assert kinds == {TimeoutError, Unavailable}
    with pytest.raises(Unavailable):
        asyncio.run(batches.ask(1, 1))


def test_an_error_nobody_foresaw_reaches_who_asked():
    def broken(batch):
        raise ZeroDivisionError

    batches = Batches(broken)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(batches.ask(1, 1))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(batches.ask(1, 1))
    batches.close()


def test_kept_answers_are_bounded_and_degraded_ones_are_not_kept():
    answers = Answers(3, 100)
    for at in range(5):
        answers.put(at, Kept(b"x" * 10, ()))
    assert len(answers) == 3
    assert answers.get(0) is None
    assert answers.get(4) is not None
    answers.put("big", Kept(b"x" * 90, ()))
    assert answers.get("big") is not None
    assert answers.get(4) is None or len(answers) == 2
    answers.put("bad", Kept(b"x", (), degraded=("ease: failed",)))
    assert answers.get("bad") is None
    answers.put("huge", Kept(b"x" * 101, ()))
    assert answers.get("huge") is None
    answers.clear()
    assert len(answers) == 0


def test_rows_wait_while_the_store_is_down_and_the_oldest_go_first():
    down = True
    written = []

    def write(rows):
        if down:
            raise Unavailable("The store is away.")
        written.extend(rows)

    behind = Behind(write, seconds=60, most=5)
    behind.add([1, 2, 3])
    behind.flush()
    assert behind.error == "The store is away."
    assert len(behind) == 3
    behind.add([4, 5, 6, 7])
    assert behind.dropped == 2
    down = False
    behind.close()
    assert written == [3, 4, 5, 6, 7]
    assert behind.error == ""


def test_rows_are_written_soon():
    written = threading.Event()
    behind = Behind(lambda rows: written.set(), seconds=0.01)
    behind.add([1])
    assert written.wait(2)
    behind.close()


def test_a_list_is_one_row_an_item():
    shown = (Shown("a", 1, 0.5, 2.0), Shown("b", 2, 1.0, 1.0))
    kept = Kept(b"", shown, arms=(("x", "on"), ("y", "off")), model="m", policy="p", user="u")
    rows = rows_of([("r", kept, 7)])
    assert [(row.item, row.position, row.propensity) for row in rows] == [
        ("a", 1, 0.5),
        ("b", 2, 1),
    ]
    assert rows[0].arm == "x=on;y=off"
    assert rows[0].at == 7


def test_others_are_read_at_most_so_often_and_never_waited_for_long():
    reads, free = [], threading.Event()

    def read():
        reads.append(time.monotonic())
        free.wait(5)

    fresh = Fresh(read, 0.1, lambda: None)
    began = time.monotonic()
    fresh.ask()
    assert time.monotonic() - began < 1
    free.set()
    until = time.monotonic() + 2
    while not fresh.now and time.monotonic() < until:
        fresh.ask()
    for _ in range(100):
        fresh.ask()
    assert len(reads) <= 4
    fresh.close()


def test_a_store_that_is_away_does_not_stop_answers():
    failed = []

    def read():
        raise Unavailable("away")

    fresh = Fresh(read, 0.05, lambda: failed.append(1))
    fresh.ask()
    fresh.ask()
    fresh.close()
    assert failed


def test_it_is_ready_only_once_models_are_there(tmp_path):
    service = Service(opened(tmp_path))
    assert "fitted or loaded" in service.why_not()
    service.warm()
    assert service.why_not() == ""
    service.trouble = "Generation 3 is not served."
    assert service.trouble
    service.stop()
