"""Getting a service ready: what lists need is loaded or fitted, and asked once, before anybody."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from tastemate import build
from tastemate.errors import TastemateError
from tastemate.serve.logs import places
from tastemate.serve.opening import needed

if TYPE_CHECKING:
    from tastemate.project import Tastemate

USUAL: tuple[tuple[str, ...], ...] = (
    (),
    ("search",),
    ("newcomer",),
    ("search", "newcomer", "opening"),
    ("vector",),
    ("vector", "newcomer"),
)
"""What most queries call for (`dispatch.asked_for`): composed before anybody asks."""
AGAIN = 5.0
"""Seconds after which what failed is tried again."""
WAITING = "The models are being fitted or loaded. Ask again in a moment."
FAILED = "The models cannot be loaded; it is tried again. The server's log says why."
_LOG = logging.getLogger("tastemate.serve")


class Warming:
    """Readies a project; `failed` is called each time that it cannot be done."""

    def __init__(self, failed: Callable[[], None] = lambda: None) -> None:
        self.done = threading.Event()
        """Whether everything can be answered."""
        self.why = WAITING
        """Why not, while they cannot; for anybody to read."""
        self._failed = failed
        self._ended = threading.Event()

    def warm(self, project: "Tastemate") -> bool:
        """Ready a project; say whether that was done."""
        try:
            self._warm(project)
        except TastemateError as error:
            _LOG.error("the models cannot be loaded: %s", error)
        except Exception as error:  # whatever it is, the next try may be the one that works
            _LOG.error("the models cannot be loaded: %s at %s", type(error).__name__, places(error))
        else:
            return True
        self.why = FAILED
        self._failed()
        return False

    def keep_on(self, warm: Callable[[], bool]) -> None:
        """Try until it is done, or until `close`, in a thread of its own."""

        def run() -> None:
            while not warm() and not self._ended.wait(AGAIN):
                pass

        threading.Thread(target=run, name="warming", daemon=True).start()

    def close(self) -> None:
        """Try no more."""
        self._ended.set()

    def _warm(self, tm: "Tastemate") -> None:
        extras = [name for name in build.EXTRAS if name in build.RETRIEVERS]
        tm.work.supply([*tm.profile.weights, build.FALLBACK, *extras])
        words = tm.catalog.titles[0] if len(tm.catalog) else "anything"
        for calls in USUAL:
            tm.recommender(None, calls, llm=False)
        tm.recommend_all([tm.query(None, 10), tm.query(None, 10, text=words)], llm=False)
        for name in needed(tm):
            try:
                tm.work.supply([name])
            except Exception as error:  # lists can be answered without; who asks for it hears why
                kind = type(error).__name__
                _LOG.error("%s cannot be loaded: %s at %s", name, kind, places(error))
                self._failed()
        self.done.set()
