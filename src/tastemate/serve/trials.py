"""Which experiments run, as this process knows them: read again when somebody changed one."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tastemate import build
from tastemate.blend import Blend
from tastemate.errors import ConfigError, NotFitted, TastemateError
from tastemate.experiment.assign import Assignment, assign
from tastemate.experiment.definition import Experiment
from tastemate.experiment.parts import Arm, Override
from tastemate.experiment.reading import stored
from tastemate.serve.arms import DRAFT
from tastemate.types import UNDO

if TYPE_CHECKING:
    from tastemate.project import Tastemate
    from tastemate.store.opening import Store

_LOG = logging.getLogger("tastemate.serve")


class RunningTrials:
    """The running experiments of a store, as of the last `look`; asking for arms reads nothing.

    While the store does not answer, those known go on: who is in which arm must not depend on it.
    """

    def __init__(self, store: Callable[[], "Store"]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._version = -1
        self._running: tuple[Experiment, ...] = ()

    def arms(self, user: str, session: str = "") -> list[tuple[str, str, Mapping[str, Any]]]:
        """Return experiment, arm and what it sets, for a user and a session."""
        running = self._running
        found = assign(running, user, session) if running else ()
        return [(one.experiment, one.arm, _sets(one)) for one in found]

    def running(self) -> tuple[Experiment, ...]:
        """Return the experiments that assign units now."""
        return self._running

    def look(self) -> None:
        """Read what runs, if anybody changed that; raise `Unavailable` where it cannot be read."""
        with self._lock:
            store = self._store()
            version = store.versions.all().get("experiments", 0)
            if version != self._version:
                self._running = tuple(one for one in kept(store) if one.running)
                self._version = version

    def forget(self) -> None:
        """Look before the next answer: this process changed one."""
        self._version = -1
        try:
            self.look()
        except TastemateError as error:
            _LOG.warning("experiments cannot be read: %s", error)


def check_models(project: "Tastemate", experiment: Experiment) -> None:
    """Raise `NotFound` for an arm with an unknown model and `NotFitted` for one not fitted yet.

    Else it would be found out by those who ask for lists. Raises `ConfigError` for an interleaving
    whose arms answer alike with what is set here.
    """
    for arm in experiment.arms:
        name = str(arm.overrides.get("model", ""))
        parts = build.profile(name).weights if name else ()
        lacking = [part for part in parts if not project.work.is_fitted(part)]
        if lacking:
            fit = " ".join(f"-m {part}" for part in lacking)
            raise NotFitted(
                f"Arm {arm.name} asks the model {name!r}, and {', '.join(lacking)} is not fitted. "
                f"Fit it first: tastemate fit {fit}."
            )
        if arm.overrides.get("rerank") == "llm" and project.language is None:
            raise NotFitted(
                f"Arm {arm.name} asks a language model, and none is set: set model in [llm] first."
            )

    if experiment.interleaved:
        one, other = (_effect(project, arm) for arm in experiment.arms)
        if one == other:
            raise ConfigError(
                f"{experiment.id}: with what is set here both arms answer alike, so there is "
                f"nothing to compare: no model named is {project.settings.recommend.profile!r} "
                "with the weights in [blend], and rerank none is model. Let one arm set another "
                "model or control."
            )


def check_signals(project: "Tastemate", experiment: Experiment) -> None:
    """Raise `ConfigError` for a kind in the metric that can reward nothing in this project."""
    for kind in experiment.metric.signals:
        project.work.weights_of_signals.check(kind)
        if kind == UNDO:
            raise ConfigError(
                f"{experiment.id}: {UNDO} takes a signal back and rewards nothing. Leave it out."
            )


def _effect(project: "Tastemate", arm: Arm) -> tuple[Blend, Mapping[str, Override]]:
    """Return the mix an arm answers with, and what else it changes."""
    rest = {name: one for name, one in arm.changes.items() if (name, one) != ("rerank", "none")}
    model = str(rest.pop("model", ""))
    return build.profile(model) if model else project.profile, rest


def _sets(one: Assignment) -> Mapping[str, Any]:
    """Return what an assignment sets; of an interleaving that is what both its arms do."""
    return {DRAFT: {arm.name: arm.overrides for arm in one.draft}} if one.draft else one.overrides


def kept(store: "Store") -> Sequence[Experiment]:
    """Return every experiment of a store that can be read, by id; others are logged."""
    found = []
    for body in store.experiments.all():
        try:
            found.append(stored(body))
        except TastemateError as error:
            _LOG.error("an experiment is left out: %s", error)
    return found
