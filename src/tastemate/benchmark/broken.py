"""Every way a model breaks, as models that break that way and say so by their names.

They are scripted: no language model is asked. What each kind does to label scores, structured
replies, texts and streams is what was seen of real servers, or what a hostile one could send.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from tastemate.config import LanguageModel
from tastemate.errors import Unavailable
from tastemate.llm.tokens import estimate
from tastemate.messages import Completion, Fault, Prompt
from tastemate.protocols import Ability

Reply: TypeAlias = Callable[[Prompt], Completion]
MEGABYTES = 10 * 1000 * 1000
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to break."""

    name: str
    reply: Reply
    seconds: float = LanguageModel().seconds
    """What the answer's calls may take together; short where waiting is the point."""
    fails: bool = True
    """Whether nothing usable comes, so that the slate must say that the model failed."""
    pause: float = 0.0
    """Seconds before each reply; a stream pauses before each piece."""
    hangs: bool = False
    dies: bool = False
    """Whether it breaks off in the middle."""


def text(written: str, times: int = 1) -> Reply:
    """Return a model's reply of that text, so many times, whatever was asked."""
    return lambda _prompt: Completion(written * times, prompt_tokens=9, completion_tokens=9)


def fault(name: Fault, said: str, wait: float = 0.0) -> Reply:
    """Return a failure, as a client reports it."""
    return lambda _prompt: Completion(error=said, fault=name, wait=wait)


def scores(values: Callable[[int], Sequence[float]]) -> Reply:
    """Return label scores made of how many labels were asked for."""
    return lambda prompt: Completion(scores=tuple(values(len(prompt.labels))), prompt_tokens=9)


def _raises(_prompt: Prompt) -> Completion:
    raise Unavailable("The client raised instead of returning a failure. Report it.")


PROSE = (
    "All of these films have their merits, and it would be unfair to put one of them before the "
    "others. Perhaps you could tell me more about the mood you are in tonight?"
)
KINDS: tuple[Kind, ...] = (
    Kind("empty", text("")),
    Kind("prose", text(PROSE)),
    Kind("truncated JSON", text('{"order": [')),
    Kind("duplicate handles", text('{"order": [2, 2, 2, 1, 1, 2]}'), fails=False),
    Kind("out-of-range handles", text('{"order": [0, -3, 99, 2001, 100000000000000000000]}')),
    Kind("10 MB of brackets", text("[", MEGABYTES)),
    Kind("10 MB of prose", text("the film ", MEGABYTES // 9)),
    Kind("wrong language", text("Все эти фильмы хороши: 私にはどれも面白い。 Son todas buenas.")),
    Kind("wrong JSON types", text('{"order": {"first": true, "second": null}, "reasons": 7}')),
    Kind("not the JSON asked for", text('[{"order": "descending"}, [[[]]], {}]')),
    Kind("deep JSON", text('{"order":' * 5000 + "1" + "}" * 5000)),
    Kind("endless number", text('{"order": [' + "9" * 1_000_000 + "]}")),
    Kind("invalid unicode", text('{"ord\ud800er": "\udfff\x00\x1b[31m"}')),
    Kind("429 with Retry-After 3600", fault("busy", "Too many requests.", HOUR)),
    Kind("429 with Retry-After NaN", fault("busy", "Too many requests.", float("nan"))),
    Kind("500", fault("server", "Internal server error."), seconds=0.4),
    Kind("unreachable", fault("unreachable", "Connection refused."), seconds=0.4),
    Kind("401", fault("refused", "The key is not valid.")),
    Kind("raises", _raises),
    Kind("hang", text(""), seconds=0.2, hangs=True),
    Kind("slow", text('{"order": [2, 1]}'), seconds=0.2, pause=0.5),
    Kind("slow drip", text("word " * 1000), seconds=0.2, pause=0.05),
    Kind("dies in mid-stream", text("These are the films that you"), seconds=0.4, dies=True),
    Kind("NaN scores", scores(lambda n: [float("nan")] * n)),
    Kind("infinite scores", scores(lambda n: [float("inf"), *[float("-inf")] * (n - 1)][:n])),
    Kind("no label scored", scores(lambda n: [float("-inf")] * n)),
    Kind("scores of the wrong length", scores(lambda n: [-1.0] * (n + 1))),
)


class Broken:
    """A model that breaks in one way, until `release` is called."""

    def __init__(self, kind: Kind, abilities: frozenset[Ability]) -> None:
        self.kind = kind
        self.name = f"scripted:broken ({kind.name})"
        self.abilities = abilities
        self.asked = 0
        self._released = threading.Event()
        self._made: dict[int, Completion] = {}

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return what the kind says of each prompt, in its time."""
        return [self._reply(prompt) for prompt in prompts]

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the reply word by word, each in its time; break off where the kind says so."""
        self.asked += 1
        reply = self.kind.reply(prompt)
        if reply.error:
            raise Unavailable(reply.error)
        words = reply.text[:100_000].split(" ")
        for at, word in enumerate(words):
            self._wait(self.kind.pause)
            if self.kind.hangs or (self.kind.dies and at > len(words) // 2):
                break
            yield f"{word} "
        if self.kind.dies:
            raise Unavailable("The connection was reset.")

    def count(self, text: str) -> int:
        """Estimate the tokens of a text."""
        return estimate(text)

    def release(self) -> None:
        """End what hangs, so that a harness leaves no threads behind."""
        self._released.set()

    def _reply(self, prompt: Prompt) -> Completion:
        self.asked += 1
        # ten megabytes are made once: their making is not what is measured
        labels = len(prompt.labels)
        if labels not in self._made:
            self._made[labels] = replace(self.kind.reply(prompt), model=self.name)
        reply = self._made[labels]
        # a whole reply takes as long as all its pieces
        self._wait(self.kind.pause * max(len(reply.text[:100_000].split(" ")), 1))
        if self.kind.dies:
            return replace(reply, error="The connection was reset.", fault="unreachable")
        return reply

    def _wait(self, seconds: float) -> None:
        if self.kind.hangs:
            self._released.wait(30.0)
        elif seconds:
            self._released.wait(min(seconds, 30.0))
