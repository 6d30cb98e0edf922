"""A new generation of models takes the place of the old one while requests go on.

Every server process watches the number of the generation in the store. When it rises, the project
is opened again in a background thread: its model files are read from end to end, its models are
opened, and it answers. Only then it is put in the place of the old one, by one
assignment; requests that are under way keep what they began with. A generation that fails any of
this is not served: the last good one goes on, and `trouble` says why.
"""

import gc
import importlib
import logging
import pkgutil
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from tastemate.errors import StageError, TastemateError, Unavailable, UnknownUser
from tastemate.serve.logs import places
from tastemate.serve.opening import Opening, damaged, needed

if TYPE_CHECKING:
    from tastemate.project import Tastemate

SERVING = ("retrieve", "rank", "explain", "profile", "text", "chat", "llm", "store", "serve")
"""Packages whose modules requests and models are made of."""
LONGEST = 60.0
"""Seconds between two tries at a generation that the store or the disk did not give."""
_LOG = logging.getLogger("tastemate.serve")


class Swap:
    """Watches for a new generation and puts it in place.

    `current` gives the project that is served and `put` replaces it; `model` is the number of its
    generation in the store (`Versions`). `told` hears why the newest one is not served, or nothing;
    `failed` is called for an error that nobody foresaw. `seconds` lie between looks. A generation
    that the store or the disk did not give is tried again, after longer and longer.
    """

    def __init__(
        self,
        current: Callable[[], "Tastemate"],
        put: Callable[["Tastemate"], None],
        opening: Opening,
        *,
        model: int,
        told: Callable[[str], None] = lambda trouble: None,
        seconds: float = 0.5,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self.current, self.put, self.opening = current, put, opening
        self.model, self.told, self.seconds = model, told, seconds
        self.trouble = ""
        """Why the newest generation is not served; empty where it is."""
        self._unforeseen = failed
        self._tried, self._tries = model, 0
        self._again = float("-inf")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="swap", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching; an opening under way is left behind with its thread."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def look(self) -> bool:
        """Look once; return whether a new generation was put in place."""
        model = self.current().store.versions.all().get("model", 0)
        if model == self.model or (model == self._tried and time.monotonic() < self._again):
            return False
        self._tried = model
        return self._renew(model)

    def _renew(self, model: int) -> bool:
        start = time.perf_counter()
        try:
            fresh = self.opening.open()
            check(fresh)
            fresh.work.supply(needed(fresh))  # once it is served, no request fits anything
        except (Unavailable, OSError) as error:
            wait = min(self.seconds * 2**self._tries, LONGEST)
            self._tries, self._again = self._tries + 1, time.monotonic() + wait
            self._failed(f"Generation {model} is not served yet: {error}")
            return False
        except TastemateError as error:
            return self._given_up(model, str(error))
        except Exception as error:  # the last good one serves whatever is wrong with the next
            _LOG.error("generation %d: %s at %s", model, type(error).__name__, places(error))
            self._unforeseen()
            return self._given_up(model, f"{type(error).__name__}: {error}")
        self._settled(model)
        fresh.work.resume(self.current().work)
        retire(self.current())
        self.put(fresh)
        self._failed("")
        _LOG.info(
            "generation %s is served, opened in %.2f s",
            fresh.model_version,
            time.perf_counter() - start,
        )
        settle()  # the old one is a cycle; its arrays are large
        return True

    def _given_up(self, model: int, why: str) -> bool:
        """Say why a generation is not served, and leave it at that until there is a newer one."""
        self._settled(model)
        self._failed(f"Generation {model} is not served: {why}")
        return False

    def _settled(self, model: int) -> None:
        self.model, self._tries, self._again = model, 0, float("-inf")

    def _failed(self, trouble: str) -> None:
        self.trouble = trouble
        self.told(trouble)
        if trouble:
            _LOG.error("%s", trouble)

    def _run(self) -> None:
        while not self._ending.wait(self.seconds):
            try:
                self.look()
            except TastemateError as error:
                _LOG.warning("the store does not say which generation is newest: %s", error)
            except Exception as error:  # whatever it is, the next generation has to be seen
                kind = type(error).__name__
                _LOG.error("the newest generation: %s at %s", kind, places(error))
                self._unforeseen()


def retire(project: "Tastemate") -> None:
    """Close a project's store once nothing uses the project any more."""
    weakref.finalize(project, project.store.close).atexit = False


def hold_still() -> None:
    """Import what serving may need, and never look through it again for what can be freed.

    A project is a cycle, so that an old one is freed by looking through everything; over modules
    that takes a tenth of a second, in which nobody is answered. For before a project is opened.
    """
    for package in SERVING:
        home = importlib.import_module(f"tastemate.{package}")
        for found in pkgutil.walk_packages(home.__path__, f"tastemate.{package}."):
            if ".migrations" not in found.name:
                with suppress(ImportError):  # of an extra that is not there
                    importlib.import_module(found.name)
    gc.collect()
    gc.freeze()


def settle() -> None:
    """Free what is no longer served."""
    gc.collect()


def check(project: "Tastemate") -> None:
    """Read a project's models from end to end, open them, and ask for two lists.

    Raises `FormatError` for a damaged model file, `StageError` for an empty or failed answer.
    """
    for error in damaged(project).values():
        raise error
    for name in needed(project):
        if project.work.is_fitted(name):
            project.retriever(name)
    if not len(project.catalog):
        return
    queries = [project.query(None, 5)]
    if known := project.interactions.users[:1]:
        with suppress(UnknownUser):
            queries.append(project.query(known[0], 5))
    slates = project.recommend_all(queries, llm=False)
    if said := [slate.degraded[0] for slate in slates if slate.degraded]:
        raise StageError(f"it answers only in part ({said[0]}). Fit again.")
    if not slates[0].items:
        raise StageError("it answers with an empty list. Look at the catalogue, and fit again.")
