"""A model whose replies are written beforehand: for tests, transcripts and fault harnesses.

It is no language model and says so by its name, "scripted:…".
"""

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from tastemate.errors import FormatError, NotFound, Unavailable
from tastemate.llm.tokens import estimate
from tastemate.messages import Completion, Prompt
from tastemate.protocols import Ability

Reply: TypeAlias = Callable[[Prompt], Completion | str]
ALL: frozenset[Ability] = frozenset(("labels", "schema", "stream"))


class Scripted:
    """Answers by a function, or by a list of texts in turn (the last one again and again)."""

    def __init__(
        self,
        replies: Reply | Sequence[str | Completion],
        *,
        name: str = "test",
        abilities: frozenset[Ability] = ALL,
    ) -> None:
        self.name = f"scripted:{name}"
        self.abilities = abilities
        self.version = ""
        """What its replies depend on besides its name: where a transcript is, and what it says."""
        self.prompts: list[Prompt] = []
        """What was asked, in order."""
        self._replies = replies if callable(replies) else _in_turn(list(replies))

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Answer each prompt; texts are counted as tokens by an estimate."""
        return [self._answer(prompt) for prompt in prompts]

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the reply word by word; raise `Unavailable` where it is a failure."""
        answer = self._answer(prompt)
        if answer.error:
            raise Unavailable(answer.error)
        for at, word in enumerate(answer.text.split(" ")):
            yield word if at == 0 else f" {word}"

    def count(self, text: str) -> int:
        """Estimate the tokens of a text."""
        return estimate(text)

    def _answer(self, prompt: Prompt) -> Completion:
        self.prompts.append(prompt)
        reply = self._replies(prompt)
        if isinstance(reply, Completion):
            return reply
        return Completion(
            text=reply,
            prompt_tokens=sum(estimate(turn.text) for turn in prompt.messages),
            completion_tokens=estimate(reply),
            model=self.name,
        )


def transcript(path: Path) -> Scripted:
    """Return a model that replays a transcript: JSON lines of {"prompt": name, "reply": text}.

    The replies of one prompt name come in the order of the file, the last one again and again; a
    name the file does not have is the fault "unable". Raises `NotFound`, `FormatError`, and
    `Unavailable` for a file that may not be read.
    """
    if not path.is_file():
        raise NotFound(f"No transcript {path}. Give the path of a file of JSON lines.")
    turns: dict[str, list[str]] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not UTF-8 ({error}). Save it as UTF-8 JSON lines.") from error
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be read ({error.strerror}). Mend its permissions, or name another."
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            turns.setdefault(str(record["prompt"]), []).append(str(record["reply"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FormatError(
                f'{path}, line {number}: expected {{"prompt": …, "reply": …}} ({error!r}).'
            ) from error
    asked: dict[str, int] = {}

    def reply(prompt: Prompt) -> Completion | str:
        written = turns.get(prompt.name) or turns.get(prompt.name.split("/")[0])
        if not written:
            return Completion(
                error=f"The transcript {path.name} has no reply to {prompt.name}.", fault="unable"
            )
        at = asked.get(prompt.name, 0)
        asked[prompt.name] = at + 1
        return written[min(at, len(written) - 1)]

    model = Scripted(reply, name=path.stem, abilities=frozenset(("schema", "stream")))
    model.version = sha256(f"{path.resolve()}\n{text}".encode("utf-8", "replace")).hexdigest()[:8]
    return model


def _in_turn(replies: list[str | Completion]) -> Reply:
    left = iter(replies)
    last: list[str | Completion] = [""]

    def reply(_prompt: Prompt) -> Completion | str:
        last[0] = next(left, last[0])
        return last[0]

    return reply
