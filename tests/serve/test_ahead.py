"""Answers made ahead: in quiet moments only, the latest users first, again for new models."""

import threading
import time

import numpy as np

from tastemate.data.synthetic import checkerboard
from tastemate.errors import StageError
from tastemate.interactions import Interactions
from tastemate.serve.ahead import Ahead, latest


def wait(done) -> None:
    end = time.monotonic() + 5
    while not done() and time.monotonic() < end:
        time.sleep(0.005)
    assert done()


def test_those_who_were_here_last_come_first() -> None:
    interactions = checkerboard()[1]
    times = np.zeros(len(interactions), np.int64)
    times[int(interactions.offsets[3]) - 1] = 50  # the third user's last event
    times[int(interactions.offsets[1]) - 1] = 90
    interactions.timestamp = times
    users = interactions.users
    assert latest(interactions, 3) == [users[0], users[2], users[1]]
    assert latest(Interactions.empty(checkerboard()[0]), 3) == []


def test_nothing_is_made_while_requests_come_and_all_is_made_again_for_new_models() -> None:
    quiet = threading.Event()
    made: list[str] = []
    users = [f"u{at}" for at in range(7)]
    ahead = Ahead(lambda: users, lambda part: made.extend(part), quiet.is_set, pause=0.001)
    ahead.start()
    time.sleep(0.05)
    assert made == []
    quiet.set()
    wait(lambda: made == users)
    ahead.again()
    wait(lambda: made == users * 2)
    ahead.close()


def test_a_failure_ends_the_round_only() -> None:
    calls: list[int] = []

    def answer(part) -> None:
        calls.append(len(part))
        if len(calls) == 1:
            raise StageError("no store")

    ahead = Ahead(lambda: ["a", "b", "c"], answer, lambda: True)
    ahead.start()
    wait(lambda: calls == [2])
    ahead.again()
    wait(lambda: calls == [2, 2, 1])
    ahead.close()
