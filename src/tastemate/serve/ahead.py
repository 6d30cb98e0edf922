"""Answers made ahead: the first list of those who were here last, made while nothing else is asked.

A list takes a few milliseconds to make and a fraction of one to send. Most of those who come were
here before, so that what they will ask for first can be made in quiet moments.
"""

import logging
import threading
from collections.abc import Callable, Sequence

import numpy as np

from tastemate.errors import TastemateError
from tastemate.interactions import Interactions
from tastemate.serve.logs import places

AT_ONCE = 2
"""Lists made in one go: what a request that comes meanwhile has to wait for."""
_LOG = logging.getLogger("tastemate.serve")


class Ahead:
    """Makes answers in a thread of its own, whenever `idle` says so.

    `users` are those to answer for, `answer` makes and keeps their lists. `again` starts over: for
    new models. `pause` are the seconds between two looks.
    """

    def __init__(
        self,
        users: Callable[[], Sequence[str]],
        answer: Callable[[Sequence[str]], None],
        idle: Callable[[], bool],
        *,
        pause: float = 0.004,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._users, self._answer, self._idle, self._pause = users, answer, idle, pause
        self._failed = failed
        self._ending = threading.Event()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or begin again."""
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._ending.clear()
            self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
            self._thread.start()

    def again(self) -> None:
        """Begin again from the first user."""
        self._wanted.set()

    def close(self) -> None:
        """Stop after the lists that are being made."""
        self._ending.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wanted.wait()
            self._wanted.clear()
            try:
                self._round()
            except TastemateError as error:
                _LOG.warning("no answers are made ahead: %s", error)
            except Exception as error:  # the next models may be answered with
                kind = type(error).__name__
                _LOG.error("no answers are made ahead: %s at %s", kind, places(error))
                self._failed()

    def _round(self) -> None:
        users = self._users()
        for start in range(0, len(users), AT_ONCE):
            while not self._idle():
                if self._ending.wait(self._pause):
                    return
            if self._ending.is_set() or self._wanted.is_set():
                return
            self._answer(users[start : start + AT_ONCE])


def latest(interactions: Interactions, most: int) -> list[str]:
    """Return the users who did something last, at most so many, the latest first."""
    counts = np.diff(interactions.offsets)
    there = np.flatnonzero(counts)
    last = interactions.timestamp[interactions.offsets[there + 1] - 1]
    order = there[np.argsort(-last, kind="stable")][:most]
    return [interactions.users[one] for one in order]
