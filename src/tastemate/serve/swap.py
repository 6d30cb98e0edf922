"""A new generation of models takes the place of the old one while requests go on.

Every server process watches the number of the generation in the store. When it rises, the project
is opened again in a background thread: its model files are read from end to end, its models are
opened, and it answers. Only then it is put in the place of the old one, by one
assignment; requests that are under way keep what they began with. A generation that fails any of
this is not served: the last good one goes on, and `trouble` says why.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from tastemate.errors import StageError, TastemateError, UnknownUser
from tastemate.serve.opening import Opening, damaged, needed

if TYPE_CHECKING:
    from tastemate.project import Tastemate

_LOG = logging.getLogger("tastemate.serve")


class Swap:
    """Watches for a new generation and puts it in place.

    `current` gives the project that is served and `put` replaces it; `model` is the number of its
    generation in the store (`Versions`). `told` hears why the newest one is not served, or nothing.
    `seconds` lie between looks.
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
    ) -> None:
        self.current, self.put, self.opening = current, put, opening
        self.model, self.told, self.seconds = model, told, seconds
        self.trouble = ""
        """Why the newest generation is not served; empty where it is."""
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
        if model == self.model:
            return False
        self.model = model  # one that fails is not tried again until there is a newer one
        return self._renew(model)

    def _renew(self, model: int) -> bool:
        start = time.perf_counter()
        try:
            fresh = self.opening.open()
            check(fresh)
        except (TastemateError, OSError) as error:
            self._failed(f"Generation {model} is not served: {error}")
            return False
        except Exception as error:  # the last good one serves whatever is wrong with the next
            _LOG.exception("generation %d cannot be opened", model)
            self._failed(f"Generation {model} is not served: {type(error).__name__}: {error}")
            return False
        self.put(fresh)
        self._failed("")
        _LOG.info(
            "generation %s is served, opened in %.2f s",
            fresh.model_version,
            time.perf_counter() - start,
        )
        settle()  # the old one is a cycle; its arrays are large
        return True

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


def settle() -> None:
    """Free what is no longer served, and never again look through what is served from now on."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


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
