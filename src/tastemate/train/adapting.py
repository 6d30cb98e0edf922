"""One loop that adapts a pretrained network to lessons: AdamW, early stopping, checkpoints.

Only what the network leaves trainable is learned and kept: adapters (LoRA, Hu et al. 2022) and
heads. A run that was killed goes on from its last checkpoint and ends where it would have ended:
every step's draws come from the seed and the step's number.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tastemate.errors import ConfigError
from tastemate.protocols import Progress
from tastemate.retrieve.sequential import checkpoints
from tastemate.types import Floats

Tensor: TypeAlias = Any
SAVE_AFTER = 20.0
"""Seconds at least between two checkpoints."""
_KEPT = ("now", "best", "first", "second")


@dataclass(frozen=True, slots=True)
class Adapting:
    """How adapters are learned; everything here decides what comes out."""

    rate: float = 1e-4
    batch: int = 16
    """Lessons of a step."""
    epochs: int = 1
    look: int = 100
    """Steps from one look at the held-out lessons to the next."""
    patience: int = 3
    """Looks without a gain after which it stops."""
    warm: int = 20
    """Steps over which the learning rate rises to its full height."""
    decay: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        whole = (self.batch, self.epochs, self.look, self.patience, self.warm)
        if min(whole) < 1 or self.rate <= 0 or self.decay < 0:
            raise ConfigError(
                "batch, epochs, look, patience and warm must be at least 1, rate above 0 and "
                "decay not negative."
            )


@dataclass(slots=True)
class Course:
    """How far a run is, and how it went; `key` says what of."""

    key: str = ""
    steps: int = 0
    best: float = float("-inf")
    since: int = 0
    """Looks since the best one."""
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


Teach: TypeAlias = Callable[[Sequence[int], np.random.Generator], Tensor]
"""Returns the loss of some lessons, by their places."""


def adapt(
    learned: Mapping[str, Any],
    teach: Teach,
    judge: Callable[[], float],
    lessons: int,
    adapting: Adapting,
    *,
    key: object = "",
    name: str = "adapters",
    keep: Path | None = None,
    progress: Progress | None = None,
) -> Course:
    """Learn the parameters of these names in place, and leave them as they were best judged.

    `judge` returns what is to be high on held-out lessons; it is asked before the first step too,
    so that what learning worsens is left as it was. `keep` is a folder for checkpoints.
    """
    import torch

    run = _Run(learned, adapting, hashlib.sha256(repr(key).encode()).hexdigest()[:16])
    run.resume(keep)
    each = -(-lessons // adapting.batch)
    total = each * adapting.epochs
    saved = time.monotonic()
    with torch.random.fork_rng():
        if not run.course.values:
            run.look(judge)
        while run.course.steps < total and run.course.since < adapting.patience:
            began, losses = time.perf_counter(), []
            stop = min(run.course.steps + adapting.look, total)
            while run.course.steps < stop:
                losses.append(run.step(teach, lessons, each))
            run.course.losses.append(float(np.mean(losses)))
            run.look(judge)
            run.course.seconds += time.perf_counter() - began
            if progress is not None:
                progress(run.said(name), run.course.steps / total)
            if keep is not None and time.monotonic() - saved >= SAVE_AFTER:
                run.save(keep)
                saved = time.monotonic()
    run.put(run.best)
    return run.course


class _Run:
    """The state of one run."""

    def __init__(self, learned: Mapping[str, Any], adapting: Adapting, key: str) -> None:
        import torch

        if not learned:
            raise ConfigError("There is nothing to learn; give the network adapters first.")
        self.adapting = adapting
        self.names = sorted(learned)
        self.now = {name: learned[name] for name in self.names}
        self.best = self.arrays()
        self.course = Course(key)
        self.adam = torch.optim.AdamW(
            list(self.now.values()), lr=adapting.rate, weight_decay=adapting.decay
        )

    def step(self, teach: Teach, lessons: int, each: int) -> float:
        import torch

        at, said = self.course.steps, self.adapting
        order = np.random.default_rng([said.seed, at // each]).permutation(lessons)
        start = at % each * said.batch
        torch.manual_seed(said.seed * 1_000_003 + at)
        for group in self.adam.param_groups:
            group["lr"] = said.rate * min((at + 1) / said.warm, 1.0)
        rng = np.random.default_rng([said.seed, 1, at])
        loss = teach(order[start : start + said.batch].tolist(), rng)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(self.now.values()), 1.0)
        self.adam.step()
        self.course.steps += 1
        return float(loss.detach())

    def look(self, judge: Callable[[], float]) -> None:
        """Ask how good it is; keep the parameters when they are the best so far."""
        value = judge()
        self.course.values.append(value)
        self.course.since += 1
        if value > self.course.best:
            self.course.best, self.course.since = value, 0
            self.best = self.arrays()

    def said(self, name: str) -> str:
        course = self.course
        return (
            f"{name}: step {course.steps}, loss {course.losses[-1]:.3f}, "
            f"held out {course.values[-1]:.4f}, best {course.best:.4f}"
        )

    def arrays(self) -> dict[str, Floats]:
        return {name: one.detach().float().cpu().numpy().copy() for name, one in self.now.items()}

    def put(self, arrays: Mapping[str, Floats]) -> None:
        import torch

        with torch.no_grad():
            for name, one in self.now.items():
                one.copy_(torch.from_numpy(np.array(arrays[name])).to(one.device, one.dtype))

    def save(self, folder: Path) -> None:
        state = [self.adam.state[self.now[name]] for name in self.names]
        parts = {"now": self.arrays(), "best": self.best}
        for part, kind in (("first", "exp_avg"), ("second", "exp_avg_sq")):
            parts[part] = {
                name: one[kind].float().cpu().numpy()
                for name, one in zip(self.names, state, strict=True)
            }
        checkpoints.save(folder, asdict(self.course), parts)

    def resume(self, folder: Path | None) -> None:
        """Go on from the checkpoint in a folder, where there is one of the same run."""
        import torch

        shapes = {name: [int(size) for size in self.now[name].shape] for name in self.names}
        course = asdict(self.course)
        found = None if folder is None else checkpoints.load(folder, _KEPT, shapes, course)
        if found is None or found[0].get("key") != self.course.key:
            return
        self.course = Course(**found[0])
        now, self.best, first, second = (found[1][part] for part in _KEPT)
        self.put(now)
        for name in self.names:
            one = self.now[name]
            self.adam.state[one] = {
                "step": torch.tensor(float(self.course.steps)),
                "exp_avg": torch.from_numpy(first[name]).to(one.device, one.dtype),
                "exp_avg_sq": torch.from_numpy(second[name]).to(one.device, one.dtype),
            }
