"""A language model on this machine: transformers in a process of ours, so that a hang is killed.

The process starts with the first call and keeps the model. A call that takes too long is cancelled;
a process that does not even notice is killed. After that, and after a crash, the next call starts
another. The process that asks never imports torch.
"""

import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias
from zlib import crc32

from tastemate import scope
from tastemate.errors import ConfigError, FormatError, NotFound, Unavailable
from tastemate.llm.local.frames import completion_of, prompt_value
from tastemate.llm.local.process import Failure, ModelProcess
from tastemate.llm.tokens import Counter, counter, estimate
from tastemate.llm.wrappers.around import Failed, failed
from tastemate.messages import Completion, Generation, Prompt
from tastemate.protocols import Ability

Dtype: TypeAlias = Literal["auto", "float32", "float16", "bfloat16"]
LONGEST = 86_400.0
COUNTING = 0.05
"""Seconds that a count may take, which is estimated otherwise."""
KINDS = frozenset((".safetensors", ".json", ".jinja", ".model", ".txt"))
"""Endings of the files that a model is read from: weights, settings, template, vocabulary."""
DTYPES = ("auto", "float32", "float16", "bfloat16")


class LocalChat:
    """A causal model by folder or hub name, loaded on first use, in batches of `batch` prompts.

    `dtype` is what it computes in ("auto": what its file says), `quantise` 8 or 4 bits by
    bitsandbytes, `device` "cpu", "cuda" and the like, `context` a window smaller than the model's.
    `seconds` is the longest a batch may take, `load_seconds` the longest loading may; a call that
    comes while the model is loading waits no longer than its own time and leaves it loading.

    Temperature 0 writes the likeliest tokens, with `beams` by beam search; above 0 it draws, the
    same text for the same seed, whatever else is in the batch (beams are then not used, nor for
    a reply held to a schema). Where llguidance is installed, a reply fits its schema.
    """

    def __init__(
        self,
        model: str,
        *,
        dtype: Dtype = "auto",
        quantise: Literal[8, 4] | None = None,
        device: str = "auto",
        seconds: float = 60.0,
        batch: int = 8,
        context: int | None = None,
        load_seconds: float = 600.0,
    ) -> None:
        if not model.strip():
            raise ConfigError("model is empty. Give a folder or a name on the hub.")
        if dtype not in DTYPES:
            raise ConfigError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")
        if quantise not in (None, 8, 4):
            raise ConfigError(f"quantise must be 8 or 4 (bits), not {quantise!r}.")
        if batch < 1 or not (0 < seconds <= LONGEST and 0 < load_seconds <= LONGEST):
            raise ConfigError(
                f"batch must be at least 1, seconds and load_seconds above 0, at most {LONGEST:g}."
            )
        if context is not None and context < 2:
            raise ConfigError(f"context must be at least 2 tokens, not {context}.")
        self.model = str(Path(model).expanduser()) if _is_path(model) else model
        which = f"{Path(model).resolve() if Path(model).exists() else model} {dtype} {quantise}"
        # Two folders of one name are two models, and so is one at another precision.
        self.name = f"local:{Path(model).name or model}#{crc32(which.encode()):08x}"
        self.abilities: frozenset[Ability] = _abilities()
        self.seconds = seconds
        self.batch = batch
        self.load_seconds = load_seconds
        self._quantise = quantise
        self._settings = {
            "model": self.model,
            "dtype": dtype,
            "quantise": quantise,
            "device": device,
            "context": context,
        }
        self._starting = threading.Lock()
        self._running: list[ModelProcess] = []
        self._version = ""
        self._counter: Counter | None = None
        self._end = weakref.finalize(self, _end, self._running)

    @property
    def pid(self) -> int | None:
        """The process that holds the model, None where none runs."""
        return next((process.pid for process in self._running if process.alive), None)

    @property
    def version(self) -> str:
        """A digest of the model's files (names, sizes, times) and the window it is given."""
        if not self._version:
            files = [] if (found := _folder(self.model)) is None else _files(found)
            said = f"{found} {files} {self._settings['context']}"
            self._version = sha256(said.encode("utf-8", "replace")).hexdigest()[:8]
        return self._version

    def start(self, seconds: float = 0.0) -> None:
        """Begin to load the model, and wait so long for it; why it cannot, the calls will say."""
        if self._missing() is None:
            self._process(seconds)

    def close(self) -> None:
        """End the process and forget why it failed; the next call would start another."""
        _end(self._running)

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Answer prompts, batch by batch; in a batch are prompts of like generation.

        Labels are scored in one forward pass a batch, as the sum of the probabilities of the
        first tokens that a label may have, with a space before it or not; no token is written.
        """
        found: dict[int, Completion] = {}
        for places in _batches(prompts, self.batch):
            start = time.monotonic()
            answers = self._ask([prompts[at] for at in places])
            took = time.monotonic() - start
            for at, answer in zip(places, answers, strict=True):
                found[at] = replace(answer, model=self.name, seconds=took)
        return [found[at] for at in range(len(prompts))]

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the reply in pieces; closing the iterator stops the model at its next token.

        Raises `Unavailable` when it fails, with the failure as its `completion`. A beam search
        comes as one piece.
        """
        if prompt.labels:
            raise Unavailable("Labels are scored, not streamed: use `complete`.")
        end = time.monotonic() + self._limit()
        process = self._missing() or self._process(end - time.monotonic())
        if isinstance(process, Failure):
            raise Failed(failed(self.name, process.fault, process.error))
        if time.monotonic() >= end:
            raise Failed(failed(self.name, "unsent", self._late()))
        with process.request(op="stream", prompts=[prompt_value(prompt)]) as replies:
            while True:
                reply = replies.get(end - time.monotonic())
                if isinstance(reply, Failure):
                    slow = self._slow(reply)
                    raise Failed(failed(self.name, slow.fault, slow.error))
                if "piece" in reply:
                    yield reply["piece"]
                    continue
                (completion,) = (completion_of(value) for value in reply["done"])
                if completion.error:
                    raise Failed(completion)
                return

    def count(self, text: str) -> int:
        """Return how many tokens a text has.

        By the model's `tokenizer.json` (its folder's, or the one fetched from the hub before),
        else by its process where that is idle, else estimated: nobody waits for a count.
        """
        if self._counter is None:
            self._counter = _own_counter(self.model)
        if self._counter is not None:
            return self._counter(text)
        wait = min(self._limit(), COUNTING)
        process = next((one for one in self._running if one.idle), None)
        if process is None or wait <= 0:
            return estimate(text)
        with process.request(op="count", text=text) as replies:
            reply = replies.get(wait)
        return estimate(text) if isinstance(reply, Failure) else int(reply["count"])

    def _limit(self) -> float:
        return min(self.seconds, scope.current().left())

    def _ask(self, prompts: Sequence[Prompt]) -> list[Completion]:
        end = time.monotonic() + self._limit()
        process = self._missing() or self._process(end - time.monotonic())
        if isinstance(process, Failure):
            return [Completion(error=process.error, fault=process.fault)] * len(prompts)
        if time.monotonic() >= end:
            return [Completion(error=self._late(), fault="unsent")] * len(prompts)
        with process.request(
            op="complete", prompts=[prompt_value(one) for one in prompts]
        ) as replies:
            reply = replies.get(end - time.monotonic())
        if isinstance(reply, Failure):
            slow = self._slow(reply)
            return [Completion(error=slow.error, fault=slow.fault)] * len(prompts)
        return [completion_of(value) for value in reply["done"]]

    def _late(self) -> str:
        return f"No time was left to ask {self.name}."

    def _slow(self, failure: Failure) -> Failure:
        if failure.fault != "timeout":
            return failure
        return Failure(
            "timeout",
            f"{self.name} took too long. Allow more time (`seconds`), or use a smaller model.",
        )

    def _missing(self) -> Failure | None:
        """Return what is missing, as far as can be seen without starting anything."""
        if find_spec("torch") is None or find_spec("transformers") is None:
            return Failure(
                "unable",
                "A local model needs torch and transformers: pip install torch==2.13.0, "
                "then pip install 'tastemate[train]'",
            )
        if self._quantise is not None and find_spec("bitsandbytes") is None:
            return Failure("unable", "quantise needs bitsandbytes: pip install bitsandbytes")
        if _is_path(self.model) and not Path(self.model).is_dir():
            return Failure(
                "refused",
                f"There is no folder {self.model}. Give the folder of a model (config.json, "
                "tokenizer, safetensors weights) or its name on the hub.",
            )
        return None

    def _process(self, limit: float) -> ModelProcess | Failure:
        """Return the process with the model loaded, starting it where none runs."""
        with self._starting:
            if not self._running or self._running[0].spent:
                _end(self._running)
                self._version = ""  # another process reads the files anew
                self._running.append(ModelProcess(self._settings))
            process = self._running[0]
        return process.loaded(limit, self.load_seconds)


def _is_path(model: str) -> bool:
    """Return whether a model is named by a folder; on the hub a name has one slash at most."""
    return model[0] in "./~\\" or model.count("/") > 1 or Path(model).is_dir()


def _abilities() -> frozenset[Ability]:
    can: frozenset[Ability] = frozenset(("labels", "stream"))
    return can | {"schema"} if find_spec("llguidance") is not None else can


def _batches(prompts: Sequence[Prompt], size: int) -> Iterator[list[int]]:
    """Yield the places of prompts that may go together, of like lengths."""
    groups: dict[tuple[bool, bool, Generation], list[int]] = {}
    for at, prompt in enumerate(prompts):
        # Each reply of a batch has its own length, seed and stops.
        alike = replace(prompt.generation, max_tokens=0, seed=0, stop=())
        if prompt.labels:
            alike = Generation()
        kind = (bool(prompt.labels), prompt.schema is not None and not prompt.labels, alike)
        groups.setdefault(kind, []).append(at)
    for places in groups.values():
        places.sort(key=lambda at: sum(len(turn.text) for turn in prompts[at].messages))
        for start in range(0, len(places), size):
            yield places[start : start + size]


def _own_counter(model: str) -> Counter | None:
    """Return what counts by the model's own file, None where it is not on this machine."""
    folder = _folder(model, "tokenizer.json")
    try:
        return None if folder is None else counter(folder)
    except (NotFound, FormatError, ImportError):
        return None


def _folder(model: str, file: str = "config.json") -> Path | None:
    """Return where a model's files are: its folder, or what the hub gave before, by one of them."""
    if _is_path(model):
        return Path(model)
    try:
        hub: Any = import_module("huggingface_hub")
        path: Any = hub.try_to_load_from_cache(model, file)
    # What the hub raises for an impossible name is a ValueError.
    except (ImportError, ValueError):
        return None
    return Path(path).parent if isinstance(path, str) else None


def _files(folder: Path) -> list[tuple[str, int, int]]:
    """Return name, size and time (ns) of each file that a model is read from."""
    found: list[tuple[str, int, int]] = []
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix in KINDS and path.is_file():
                status = path.stat()
                found.append((path.name, status.st_size, status.st_mtime_ns))
    except OSError:  # gone, or not to be read: its process will say so
        return found
    return found


def _end(running: list[ModelProcess]) -> None:
    while running:
        running.pop().end()
