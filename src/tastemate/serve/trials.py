"""Which experiments run, as this process knows them: read again when somebody changed one."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tastemate.errors import TastemateError
from tastemate.experiment.assign import assign
from tastemate.experiment.definition import Experiment
from tastemate.experiment.reading import read

if TYPE_CHECKING:
    from tastemate.store.opening import Store

_LOG = logging.getLogger("tastemate.serve")


class RunningTrials:
    """The running experiments of a store; `seconds` lie between two looks for changes at least.

    While the store does not answer, those known go on: who is in which arm must not depend on it.
    """

    def __init__(self, store: Callable[[], "Store"], *, seconds: float = 0.5) -> None:
        self._store, self._seconds = store, seconds
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._version = -1
        self._running: tuple[Experiment, ...] = ()

    def arms(self, user: str, session: str = "") -> list[tuple[str, str, Mapping[str, Any]]]:
        """Return experiment, arm and what it sets, for a user and a session."""
        found = assign(self.running(), user, session)
        return [(one.experiment, one.arm, one.overrides) for one in found]

    def running(self) -> tuple[Experiment, ...]:
        """Return the experiments that assign units now."""
        if time.monotonic() - self._looked >= self._seconds and self._lock.acquire(blocking=False):
            try:
                self._look()
            except TastemateError as error:
                _LOG.warning("experiments cannot be read: %s", error)
            finally:
                self._lock.release()
        return self._running

    def forget(self) -> None:
        """Look again before the next answer: this process changed one."""
        self._looked = float("-inf")

    def _look(self) -> None:
        self._looked = time.monotonic()
        store = self._store()
        version = store.versions.all().get("experiments", 0)
        if version == self._version:
            return
        self._running = tuple(one for one in kept(store) if one.running)
        self._version = version


def kept(store: "Store") -> Sequence[Experiment]:
    """Return every experiment of a store that can be read, by id; others are logged."""
    found = []
    for body in store.experiments.all():
        try:
            found.append(read(body))
        except TastemateError as error:
            _LOG.error("an experiment is left out: %s", error)
    return found
