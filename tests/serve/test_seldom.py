"""Figures made seldom: how long they stand, and who waits for whom."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tastemate.serve.seldom import CHEAP, MOST, TIMES, Seldom


def test_figures_that_are_dear_are_made_seldom_and_say_how_old_they_are():
    now, made = [100.0], []

    def make(took):
        made.append(took)
        now[0] += took
        return {"made": len(made)}

    seldom = Seldom(clock=lambda: now[0])
    for many in (1, 2):  # cheap ones are always fresh
        assert seldom.of("a", lambda: make(CHEAP)) == {"made": many, "age_s": 0.0}
    assert seldom.of("a", lambda: make(2.0)) == {"made": 3, "age_s": 0.0}
    now[0] += 2 * TIMES - 1
    assert seldom.of("a", lambda: make(2.0)) == {"made": 3, "age_s": 2 * TIMES - 1}
    now[0] += 1
    assert seldom.of("a", lambda: make(2.0)) == {"made": 4, "age_s": 0.0}
    for other in range(MOST):  # others push it out
        seldom.of(other, lambda: make(1.0))
    assert seldom.of("a", lambda: make(0.0))["age_s"] == 0.0
    assert len(made) == 4 + MOST + 1

    def broken():
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        seldom.of("b", broken)
    assert seldom.of("b", lambda: make(0.0))["made"] == len(made)


def test_who_asks_while_figures_are_made_gets_the_same_ones():
    seldom, made, go = Seldom(), [], threading.Event()

    def make():
        go.wait(5)
        made.append(1)
        time.sleep(0.6)
        return {}

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(seldom.of, "a", make) for _ in range(4)]
        go.set()
        assert all("age_s" in one.result() for one in asked)
    assert made == [1]


def test_figures_that_take_long_do_not_hold_others_and_leave_no_lock():
    seldom, began, go = Seldom(), threading.Event(), threading.Event()

    def slow():
        began.set()
        assert go.wait(10)
        return {"made": "slow"}

    def broken():
        raise RuntimeError("gone")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(seldom.of, "slow", slow)
        try:
            assert began.wait(10)
            for other in range(100):
                assert seldom.of(other, lambda: {"made": 1}) == {"made": 1, "age_s": 0.0}
            with pytest.raises(RuntimeError):
                seldom.of("broken", broken)
            assert not asked.done()
            assert list(seldom._turns) == ["slow"]
        finally:
            go.set()
        assert asked.result()["made"] == "slow"
    assert seldom._turns == {}
