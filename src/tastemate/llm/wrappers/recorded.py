"""Writes down every call: what was asked, what came back, what it cost, what failed.

One JSON line a call in a file of the day, readable by the owner alone. What people should not find
there is taken out before it is written; who asked is not written at all. A record that cannot be
written is said, never a failure. This is also the one place that charges the open scope.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.wrappers.around import Around, failure, streamed
from tastemate.llm.wrappers.redact import redacted
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel

LONGEST = 20_000
"""Characters of one message or reply that are written."""
PARTS = 8
"""A file is at most this part of what all may take, so that old ones can go one by one."""


class Recorded(Around):
    """Records into `folder`; files older than `days`, and the oldest beyond `megabytes`, go.

    With `write=False` nothing is written, and the scope is still charged.
    """

    def __init__(
        self,
        inner: ChatModel,
        folder: Path,
        *,
        days: int = 30,
        megabytes: float = 256,
        write: bool = True,
    ) -> None:
        if days < 1 or not megabytes > 0:
            raise ConfigError("A record needs days of at least 1 and megabytes above 0.")
        super().__init__(inner)
        self.folder = folder
        self.days = days
        self.megabytes = megabytes
        self.write = write
        self._lock = threading.Lock()
        self._told = False

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return the answers, charged and written down."""
        answers = self.inner.complete(prompts)
        self._note(list(zip(prompts, answers, strict=True)))
        return answers

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield the reply; it is charged and written down however it ends."""
        pieces: list[str] = []
        answer: Completion | None = None
        source = streamed(self.inner, prompt)
        try:
            while True:
                try:
                    pieces.append(next(source))
                except StopIteration as end:
                    answer = end.value
                    assert answer is not None
                    return answer
                yield pieces[-1]
        except Unavailable as error:
            answer = failure(error)
            raise
        finally:
            source.close()
            text = "".join(pieces)
            self._note([(prompt, answer or Completion(text, model=self.name))])

    def _note(self, calls: Sequence[tuple[Prompt, Completion]]) -> None:
        for _, answer in calls:
            scope.current().charge(answer)
        if not self.write or not calls:
            return
        now = datetime.now(UTC)
        lines = "".join(f"{json.dumps(_line(now, *call, self.name))}\n" for call in calls)
        try:
            with self._lock:
                self._append(now, lines.encode("ascii"))
        except OSError as error:
            if not self._told:
                self._told = True
                scope.current().note(
                    f"Calls to the model cannot be recorded in {self.folder} ({error.strerror}). "
                    "Free some space or mend the permissions."
                )

    def _append(self, now: datetime, lines: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        room = int(self.megabytes * 2**20)
        path, fresh = _file(self.folder, f"{now:%Y-%m-%d}", room // PARTS)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = os.fstat(descriptor).st_size
            try:
                left = memoryview(lines)
                while left:
                    left = left[os.write(descriptor, left) :]
            except OSError:
                os.ftruncate(descriptor, before)  # half a line would spoil the next one
                raise
        finally:
            os.close(descriptor)
        if fresh:
            self._tidy(room)

    def _tidy(self, room: int) -> None:
        """Remove the files that are too old, and the oldest beyond the room there is."""
        oldest = time.time() - self.days * 86_400
        total = 0
        for path in sorted(self.folder.glob("????-??-??.*.jsonl"), reverse=True):
            status = path.stat()
            total += status.st_size
            if status.st_mtime < oldest or total > room:
                path.unlink(missing_ok=True)


def _file(folder: Path, day: str, most: int) -> tuple[Path, bool]:
    """Return the file of the day that has room left, and whether it is a new one."""
    parts = sorted(folder.glob(f"{day}.*.jsonl"))
    if not parts:
        return folder / f"{day}.0001.jsonl", True
    if parts[-1].stat().st_size < most:
        return parts[-1], False
    number = int(parts[-1].name.split(".")[1]) + 1
    return folder / f"{day}.{number:04d}.jsonl", True


def _line(now: datetime, prompt: Prompt, answer: Completion, asked: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "time": now.isoformat(timespec="milliseconds"),
        "prompt": prompt.name,
        "model": answer.model or asked,
        "messages": [{"role": turn.role, "text": _safe(turn.text)} for turn in prompt.messages],
        "reply": _safe(answer.text),
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "cost": answer.cost,
        "seconds": round(answer.seconds, 4),
        "cached": answer.cached,
        "fault": answer.fault,
    }
    if prompt.labels:
        scores = zip(prompt.labels, answer.scores, strict=False)
        # JSON has no infinities: a label the model did not score is null
        line["scores"] = {name: round(s, 4) if abs(s) < 1e9 else None for name, s in scores}
    if answer.error:
        line["error"] = _safe(answer.error)
    return line


def _safe(text: str) -> str:
    if len(text) <= LONGEST:
        return redacted(text)
    # cut between words: half an address would not be known as one
    head = text[:LONGEST]
    kept = head[: max(head.rfind(" "), head.rfind("\n"), LONGEST - 2000)]
    return f"{redacted(kept)} … ({len(text) - len(kept)} more characters)"
