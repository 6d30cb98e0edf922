"""A scripted model that ranks by a hidden worth, reading candidates off the prompt."""

import json
import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tastemate.llm.scripted import ALL, Scripted
from tastemate.messages import Completion, Prompt
from tastemate.types import Item

CARD = re.compile(r"^\W*(\d{1,2}|[A-Z])\W.*?candidate-(\d+)", re.MULTILINE)
BROKEN = Completion(error="The server is down.", fault="server")


class Mind:
    """Answers every kind of ranking prompt: higher numbers in titles are better, plus a favour."""

    def __init__(self, favour: Callable[[int], float] = lambda place: 0.0) -> None:
        self.favour = favour

    def worths(self, items: Sequence[str]) -> list[float]:
        return [int(item) + self.favour(place) for place, item in enumerate(items)]

    def order(self, text: str) -> list[int]:
        found = CARD.findall(text)
        worth = self.worths([item for _, item in found])
        return [int(found[at][0]) for at in np.argsort(-np.array(worth), kind="stable")]

    def __call__(self, prompt: Prompt) -> Completion | str:
        text = prompt.messages[-1].text
        kind = prompt.name.split("/")[0]
        if kind == "listwise":
            return json.dumps({"order": self.order(text)})
        if kind == "listwise_batch":
            parts = re.split(r"^# \d+$", text, flags=re.MULTILINE)[1:]
            return json.dumps({"orders": [self.order(part) for part in parts]})
        items = re.findall(r"candidate-(\d+)", text)
        scores = self.worths(items)
        if kind == "pointwise":
            likes = scores[0] - 10.0
            if prompt.labels:
                return Completion(scores=(likes, 0.0), model="scripted")
            return "Yes." if likes > 0 else "No."
        if prompt.labels:
            return Completion(scores=tuple(scores), model="scripted")
        return "A" if scores[0] > scores[1] else "B"


@pytest.fixture
def mind() -> type[Mind]:
    return Mind


@pytest.fixture
def scripted() -> Callable[..., Scripted]:
    def make(reply: object = None, *, labels: bool = True) -> Scripted:
        abilities = ALL if labels else ALL - {"labels"}
        return Scripted(Mind() if reply is None else reply, abilities=abilities)

    return make


@pytest.fixture
def pool() -> Callable[[Sequence[int]], list[Item]]:
    def make(numbers: Sequence[int]) -> list[Item]:
        return [Item(str(n), f"candidate-{n}") for n in numbers]

    return make


@pytest.fixture
def broken() -> Completion:
    return BROKEN
