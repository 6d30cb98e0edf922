"""One training loop for every sequence model: batches, AdamW, early stopping, checkpoints.

What stops a fit is the last event of people in the training data itself, held out for that alone.
The weights kept are a running mean of those trained, which is steadier than any one step's. A
fit that was killed goes on from its last checkpoint, and ends where it would have ended.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from tastemate import scope
from tastemate.errors import ConfigError, StageError
from tastemate.retrieve.sequential import checkpoints
from tastemate.retrieve.sequential.layers import Noise, Start, Steps, Tensor, Weights
from tastemate.retrieve.sequential.losses import LOSSES, Loss
from tastemate.retrieve.sequential.windows import Batch, Codes, Sequences
from tastemate.types import Floats

HELD = 2_000
"""People at most whose last event is held out."""
FEWEST = 50
"""People below which nothing is held out: their last events would say nothing."""
SAVE_AFTER = 20.0
"""Seconds between two checkpoints; a shorter fit leaves none."""
WARM = 50
"""Steps over which the learning rate rises to its full height."""
_KEPT = ("now", "mean", "best", "first", "second")


@dataclass(frozen=True, slots=True)
class Training:
    """How a network is trained; everything here decides what comes out."""

    loss: Loss = "sampled"
    negatives: int = 512
    calibration: float = 0.75
    smoothing: float = 0.0
    learning_rate: float = 0.004
    decay: float = 0.01
    dropout: float = 0.3
    length: int = 200
    batch: int = 800
    """Events of a step, about."""
    rounds: int = 20
    patience: int = 3
    look: int = 300
    """Steps at least from one look at the held-out events to the next: a round."""
    average: float = 0.99
    seed: int = 0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ConfigError(f"There is no loss {self.loss!r}; use one of {', '.join(LOSSES)}.")
        whole = (self.negatives, self.length, self.batch, self.rounds, self.patience, self.look)
        rates = 0 < self.learning_rate < np.inf and 0 <= self.decay < np.inf
        if min(whole) < 1 or not rates or self.seed < 0:
            raise ConfigError(
                "negatives, length, batch, rounds, patience and look must be at least 1, "
                "learning_rate above 0, decay and seed not negative."
            )
        for name in ("dropout", "smoothing", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be in [0, 1).")
        if not 0 <= self.calibration <= 1:
            raise ConfigError(f"calibration is {self.calibration}; it must be in [0, 1].")


class Network(Protocol):
    """What the loop trains."""

    def begin(self, rng: np.random.Generator, items: int, people: int) -> Start:
        """Return first weights for so many items and people."""
        ...

    def loss(self, w: Weights, steps: Steps, noise: Noise, training: Training) -> Tensor:
        """Return the loss of a batch."""
        ...

    def answer(self, w: Weights, steps: Steps) -> Tensor:
        """Score all items after the last step of each sequence, (sequences, items)."""
        ...


@dataclass(slots=True)
class Course:
    """How far a fit is, and how it went."""

    rounds: int = 0
    epochs: int = 0
    steps: int = 0
    best: float = -1.0
    since: int = 0
    """Rounds since the best one."""
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The weights of the best round, and the course that led there."""

    weights: dict[str, Floats]
    course: Course


def train(
    network: Network,
    data: Sequences,
    items: int,
    people: int,
    training: Training,
    *,
    fixed: Mapping[str, Floats] | None = None,
    name: str = "network",
    keep: Path | None = None,
) -> Trained:
    """Train a network on sequences of codes 1 to `items` and return its best weights.

    `fixed` are arrays it reads and does not learn; `keep` is a folder for checkpoints. Raises
    `StageError` where no round left weights that are numbers.
    """
    run = _Run(network, data, items, people, training, fixed or {})
    if keep is not None:
        run.resume(keep)
    saved = time.monotonic()
    rounds = training.rounds if len(run.held) else min(training.rounds, training.patience)
    while run.course.rounds < rounds and run.course.since < training.patience:
        if not run.round():
            break
        course, tell = run.course, scope.current().tell
        if tell is not None:
            share = course.rounds / rounds
            tell(
                f"{name}: round {course.rounds}, loss {course.losses[-1]:.3f}, "
                f"held out {course.values[-1]:.4f}, best {course.best:.4f}",
                share,
            )
        if keep is not None and time.monotonic() - saved > SAVE_AFTER:
            run.save(keep)
            saved = time.monotonic()
    if run.course.losses and run.course.best < 0:
        raise StageError(
            f"{name} learned nothing: its weights are no numbers any more. Lower learning_rate."
        )
    return Trained(run.arrays(run.best), run.course)


class _Run:
    """The state of one fit."""

    def __init__(
        self,
        network: Network,
        data: Sequences,
        items: int,
        people: int,
        training: Training,
        fixed: Mapping[str, Floats],
    ) -> None:
        import torch

        self.network, self.data, self.training = network, data, training
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        rng = np.random.default_rng(training.seed)
        start = network.begin(rng, items, people)
        self.names = sorted(start)
        self.now = {name: self._tensor(start[name]) for name in self.names}
        self.fixed = {name: self._tensor(one) for name, one in fixed.items()}
        self.mean = {name: one.clone() for name, one in self.now.items()}
        self.best = {name: one.clone() for name, one in self.now.items()}
        for one in self.now.values():
            one.requires_grad_(True)
        self.held = self._held(rng)
        self.course = Course()
        decays = [one for one in self.now.values() if one.dim() > 1]
        others = [one for one in self.now.values() if one.dim() <= 1]
        self.adam = torch.optim.AdamW(
            [
                {"params": decays, "weight_decay": training.decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=training.learning_rate,
            fused=True,
        )

    def _tensor(self, array: Floats) -> Tensor:
        import torch

        return torch.tensor(np.asarray(array, np.float32), device=self.device)

    def _held(self, rng: np.random.Generator) -> Codes:
        """Return whose last event is held out: at most `HELD`, of those with three or more.

        Nobody's, where they are fewer than `FEWEST`.
        """
        able = np.flatnonzero(self.data.sizes() >= 3)
        if len(able) < FEWEST:
            return np.zeros(0, np.int64)
        return np.sort(rng.permutation(able)[:HELD]).astype(np.int64)

    def steps(self, batch: Batch) -> Steps:
        """Put a batch on the device."""
        import torch

        parts = (batch.items, batch.times, batch.targets, batch.users, batch.lengths)
        return Steps(*(torch.from_numpy(part).to(self.device) for part in parts))

    def round(self) -> bool:
        """Train until there is something to look at; False where there is nothing to learn."""
        import torch

        began, before = time.perf_counter(), self.course.steps
        ends, total = self.data.ends(self.held), 0.0
        while self.course.steps - before < self.training.look:
            rng = np.random.default_rng([self.training.seed, self.course.epochs])
            noise = Noise(
                torch.Generator(self.device).manual_seed(int(rng.integers(1 << 62))),
                self.training.dropout,
            )
            done = self.course.steps
            for batch in self.data.epoch(ends, self.training.length, self.training.batch, rng):
                total += self._step(batch, noise)
            self.course.epochs += 1
            if self.course.steps == done:
                return False
        self.course.rounds += 1
        self.course.losses.append(total / (self.course.steps - before))
        self._judge()
        self.course.seconds += time.perf_counter() - began
        return True

    def _step(self, batch: Batch, noise: Noise) -> float:
        import torch

        self.course.steps += 1
        rate = self.training.learning_rate * min(self.course.steps / WARM, 1.0)
        for group in self.adam.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            loss = self.network.loss(
                {**self.fixed, **self.now}, self.steps(batch), noise, self.training
            )
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(self.now.values()), 1.0)
        self.adam.step()
        share = min(self.training.average, self.course.steps / (self.course.steps + 10))
        with torch.no_grad():
            for name, one in self.now.items():
                self.mean[name].lerp_(one, 1 - share)
        return float(loss.detach())

    def _judge(self) -> None:
        """Look at the events held out; keep the weights when they are the best so far."""
        import torch

        whole = all(bool(torch.isfinite(one).all()) for one in self.mean.values())
        value = self._value() if whole else -1.0
        self.course.values.append(value)
        self.course.since += 1
        if whole and (value > self.course.best or not len(self.held)):
            self.course.best, self.course.since = value, 0
            self.best = {name: one.clone() for name, one in self.mean.items()}

    def _value(self) -> float:
        """Return the mean of 1 / log2(1 + rank) of the events held out, over all ranks.

        Without a cut-off it moves with every place gained, so that it says more of few people.
        """
        import torch

        gains = [np.zeros(0)]
        for start in range(0, len(self.held), 64):
            steps = self.steps(self.data.asked(self.held[start : start + 64], self.training.length))
            with torch.inference_mode():
                scores = self.network.answer({**self.fixed, **self.mean}, steps).float()
                at = torch.arange(len(scores), device=scores.device)
                target = steps.targets[at, steps.lengths - 1]
                own = scores[at, target - 1].clone()
                seen = torch.zeros_like(scores, dtype=torch.bool)
                codes = (steps.items - 1).clamp(min=0)
                seen.scatter_(1, codes, steps.items > 0)
                ranks = ((scores >= own[:, None]) & ~seen).sum(1).clamp(min=1)
            gains.append(1 / np.log2(1 + ranks.cpu().numpy()))
        return float(np.concatenate(gains).mean()) if len(self.held) else 0.0

    def arrays(self, weights: Weights) -> dict[str, Floats]:
        """Return weights as arrays."""
        return {name: one.detach().cpu().numpy().copy() for name, one in weights.items()}

    def save(self, folder: Path) -> None:
        """Keep everything that the next step needs, in place of the last checkpoint."""
        moments = [self.adam.state[self.now[name]] for name in self.names]
        parts = {
            "now": self.now,
            "mean": self.mean,
            "best": self.best,
            "first": dict(zip(self.names, (one["exp_avg"] for one in moments), strict=True)),
            "second": dict(zip(self.names, (one["exp_avg_sq"] for one in moments), strict=True)),
        }
        kept = {name: self.arrays(part) for name, part in parts.items()}
        checkpoints.save(folder, asdict(self.course), kept)

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in a folder, where there is a whole one."""
        import torch

        shapes = {name: [int(size) for size in self.now[name].shape] for name in self.names}
        found = checkpoints.load(folder, _KEPT, shapes, asdict(self.course))
        if found is None:
            return
        self.course = Course(**found[0])
        now, mean, best, first, second = (found[1][part] for part in _KEPT)
        with torch.no_grad():
            for name in self.names:
                self.now[name].copy_(self._tensor(now[name]))
                self.mean[name] = self._tensor(mean[name])
                self.best[name] = self._tensor(best[name])
                self.adam.state[self.now[name]] = {
                    "step": self._tensor(np.array(self.course.steps, np.float32)),
                    "exp_avg": self._tensor(first[name]),
                    "exp_avg_sq": self._tensor(second[name]),
                }
