"""Keeps answers on disk, so that the same request is paid for once.

JSON in SQLite by diskcache, never pickle; several processes may share a folder. A cache that cannot
be read or written is a miss, said once, and never a failure.
"""

import hashlib
import json
import math
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from tastemate import scope
from tastemate.errors import ConfigError
from tastemate.llm.wrappers.around import Around, streamed
from tastemate.llm.wrappers.structured import Structured
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel

FORMAT = 2
"""Part of every key: a change of what is kept makes the old entries unfindable."""
LONGEST = 1_000_000
"""Characters of a reply that are still worth keeping."""
_KEPT = ("text", "scores", "prompt_tokens", "completion_tokens", "model")

T = TypeVar("T")


class Cached(Around):
    """Answers from `folder` what was asked before; the least recently used goes first.

    The key is the whole request but for the user, with the model's name and its `version`, where it
    has one: what else its replies depend on (files, options of its client). A request that wants a
    fresh draw (no seed and a temperature above 0) is never kept. What is kept but does not fit the
    prompt's schema or labels is asked for, and kept, anew. `hits` and `misses` count prompts.
    """

    def __init__(self, inner: ChatModel, folder: Path, *, megabytes: float = 256) -> None:
        if not megabytes > 0:
            raise ConfigError(f"megabytes is {megabytes}; a cache must have some room.")
        super().__init__(inner)
        self.folder = folder
        self.megabytes = megabytes
        self.hits = 0
        self.misses = 0
        self._form = Structured(inner)
        self._cache: Any = None
        self._told = False
        self._lock = threading.Lock()

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return kept answers, ask for the others once each, and keep those without a fault."""
        keys = [self._key(prompt) for prompt in prompts]
        whose = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key}
        known = {key: self._read(key, prompt) for key, prompt in whose.items()}
        # one prompt a key, and each of those that may not be kept
        asked: list[int] = []
        missing = {key for key, found in known.items() if found is None}
        for at, key in enumerate(keys):
            if not key or key in missing:
                asked.append(at)
                missing.discard(key)
        self._count(len(prompts) - len(asked), len(asked))
        fresh = self.inner.complete([prompts[at] for at in asked]) if asked else []
        first = dict(zip(asked, fresh, strict=True))
        answered = {keys[at]: answer for at, answer in first.items() if keys[at]}
        for key, answer in answered.items():
            self._keep(key, answer)
        answers: list[Completion] = []
        for at, key in enumerate(keys):
            if at in first:
                answers.append(first[at])
            else:
                answers.append(known[key] or _copied(answered[key]))
        return answers

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield a kept reply in one piece, or the reply as it comes, kept when it is whole."""
        key = self._key(prompt)
        found = self._read(key, prompt) if key else None
        self._count(int(found is not None), int(found is None))
        if found is not None:
            yield found.text
            return found
        whole = yield from streamed(self.inner, prompt)
        if key:
            self._keep(key, whole)
        return whole

    def close(self) -> None:
        """Close the files."""
        if self._cache is not None:
            self._guarded(lambda: self._cache.close(), None)
        super().close()

    def _key(self, prompt: Prompt) -> str:
        """Return the hash of a request; empty for one that must not be kept."""
        if prompt.generation.seed is None and prompt.generation.temperature > 0:
            return ""
        request = [
            FORMAT,
            self.name,
            self.version,
            [[turn.role, turn.text] for turn in prompt.messages],
            asdict(prompt.generation),
            prompt.schema,
            prompt.labels,
        ]
        text = json.dumps(request, sort_keys=True, default=str)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def _read(self, key: str, prompt: Prompt) -> Completion | None:
        start = time.monotonic()
        kept = self._guarded(lambda: self._open().get(key), None)
        if kept is None:
            return None
        answer = _completion(kept)
        formed = prompt.schema is not None or prompt.labels
        if answer is None or (formed and not self._form.fits(prompt, answer)):
            self._say("an entry is damaged")
            return None
        return replace(answer, seconds=time.monotonic() - start)

    def _keep(self, key: str, answer: Completion) -> None:
        if answer.error or answer.fault or answer.cached or len(answer.text) > LONGEST:
            return
        kept = {name: getattr(answer, name) for name in _KEPT}
        self._guarded(lambda: self._open().set(key, kept), False)

    def _open(self) -> Any:
        with self._lock:
            if self._cache is None:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._cache = _open(self.folder, int(self.megabytes * 2**20))
            return self._cache

    def _guarded(self, call: Callable[[], T], otherwise: T) -> T:
        import diskcache

        try:
            return call()
        except diskcache.Timeout:  # another process is writing: a miss, and nothing is wrong
            return otherwise
        except (OSError, sqlite3.Error, zlib.error, ValueError, TypeError, EOFError) as error:
            self._say(f"{type(error).__name__}: {error}")
            return otherwise

    def _say(self, what: str) -> None:
        with self._lock:
            if self._told:
                return
            self._told = True
        scope.current().note(
            f"The model's cache in {self.folder} cannot be used ({what:.200}); calls are paid "
            "again. Delete that folder or mend its permissions."
        )

    def _count(self, hits: int, misses: int) -> None:
        with self._lock:
            self.hits += hits
            self.misses += misses


def _open(folder: Path, size: int) -> Any:
    import diskcache

    class Json(diskcache.JSONDisk):  # type: ignore[misc]
        """Reads what it wrote: JSON only, also from a folder that somebody else wrote into."""

        def fetch(self, mode: int, filename: str, value: Any, read: bool) -> Any:
            if mode == diskcache.core.MODE_PICKLE:
                raise ValueError("an entry is not JSON")
            return super().fetch(mode, filename, value, read)

    # waits for another process that writes, but never as long as a person would
    return diskcache.Cache(
        str(folder),
        timeout=0.5,
        disk=Json,
        size_limit=size,
        eviction_policy="least-recently-used",
    )


def emptied(folder: Path) -> int:
    """Remove every reply kept in a folder, also for those who have it open; return how many."""
    if not folder.is_dir():
        return 0
    kept = _open(folder, 2**30)
    try:
        return int(kept.clear(retry=True))
    finally:
        kept.close()


def _copied(answer: Completion) -> Completion:
    """Return the answer to a duplicate, which used nothing; a failure is not a kept answer."""
    if answer.error:
        return replace(answer, prompt_tokens=0, completion_tokens=0, cost=0.0, seconds=0.0)
    return replace(answer, cached=True, cost=0.0, seconds=0.0)


def _completion(kept: object) -> Completion | None:
    """Return what was kept, or None where it is not what was written."""
    if not isinstance(kept, dict) or set(kept) != set(_KEPT):
        return None
    scores, tokens = kept["scores"], (kept["prompt_tokens"], kept["completion_tokens"])
    if not isinstance(kept["text"], str) or not isinstance(kept["model"], str):
        return None
    if not isinstance(scores, list) or not all(isinstance(score, float | int) for score in scores):
        return None
    if not all(isinstance(number, int) and number >= 0 for number in tokens):
        return None
    if any(math.isnan(score) for score in scores):
        return None
    return Completion(
        text=kept["text"],
        scores=tuple(float(score) for score in scores),
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        model=kept["model"],
        cached=True,
    )
