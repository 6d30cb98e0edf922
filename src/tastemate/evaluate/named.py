"""Who is asked to name titles, how, and the variations that show what each choice is worth."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemate.data.split import check_disjoint
from tastemate.errors import DataError
from tastemate.evaluate.held import Questions
from tastemate.interactions import Interactions
from tastemate.llm.prompts import Style
from tastemate.messages import Generation
from tastemate.retrieve.generated import Asking
from tastemate.types import Query, Rows

LIKED, HELD = 6, 4
"""Likes that are given, and likes that are to be named."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The prompt, what it says, and how the model writes."""

    name: str = "base"
    prompt: Asking = "zero_shot"
    style: Style = Style(attributes=False, texts=False, dislikes=False)
    """Titles with years and nothing else."""
    generation: Generation = Generation()
    """Greedy; a reply is never longer than the prompt asks for."""

    def changed(self, base: "Setup") -> dict[str, Any]:
        """Return what differs from another setup, by name."""
        found: dict[str, Any] = {}
        if self.prompt != base.prompt:
            found["prompt"] = self.prompt
        for mine, theirs in ((self.style, base.style), (self.generation, base.generation)):
            for part in fields(mine):
                value = getattr(mine, part.name)
                if value != getattr(theirs, part.name):
                    found[part.name] = value
        return {"changed": found}


BASE = Setup()


def variations(base: Setup = BASE) -> Iterator[Setup]:
    """Yield the base and its variations, one choice changed at a time."""
    style, ways = base.style, base.generation
    yield base
    yield replace(base, name="few-shot", prompt="few_shot")
    yield replace(base, name="chain of thought", prompt="chain_of_thought")
    yield replace(base, name="no years", style=replace(style, years=False))
    yield replace(base, name="attributes", style=replace(style, attributes=True))
    yield replace(
        base, name="attributes and synopses", style=replace(style, attributes=True, texts=True)
    )
    yield replace(base, name="dislikes", style=replace(style, dislikes=True))
    for heat in (0.3, 0.7, 1.0):
        yield replace(base, name=f"temperature {heat}", generation=replace(ways, temperature=heat))
    yield replace(
        base, name="sampling, top-p 0.9", generation=replace(ways, temperature=1.0, top_p=0.9)
    )
    yield replace(
        base, name="repetition penalty 1.2", generation=replace(ways, repetition_penalty=1.2)
    )
    yield replace(base, name="24 tokens", generation=replace(ways, max_tokens=24))
    yield replace(base, name="48 tokens", generation=replace(ways, max_tokens=48))
    yield replace(base, name="beam search, 4", generation=replace(ways, beams=4))


def drawn(
    events: Interactions, limit: int | None, seed: int
) -> tuple[Interactions, Questions, list[Rows]]:
    """Return what models learn from, what they are asked, and what each person disliked."""
    asked = Questions([], [], [])
    disliked: list[Rows] = []
    out: NDArray[np.bool_] = np.zeros(len(events), dtype=np.bool_)
    codes: list[int] = []
    for code in range(events.n_users):
        past = events.history(code)
        likes = np.array(
            list(dict.fromkeys(past.items[events.scale.likes(past.values)].tolist())), np.int32
        )
        if len(likes) < LIKED + HELD:
            continue
        places = np.random.default_rng([seed, code]).permutation(len(likes))
        given, truth = likes[np.sort(places[:LIKED])], likes[places[LIKED : LIKED + HELD]]
        at = slice(int(events.offsets[code]), int(events.offsets[code + 1]))
        out[at] = np.isin(past.items, truth)
        known = past.take(np.isin(past.items, given) & events.scale.likes(past.values))
        asked.queries.append(Query(history=known, k=HELD))
        asked.seen.append(given)
        asked.truths.append(truth)
        disliked.append(np.unique(past.items[events.scale.dislikes(past.values)]))
        codes.append(code)
    if not codes:
        raise DataError(f"Nobody has {LIKED + HELD} likes besides their last event; use more data.")
    train = events.where(~out)
    check_disjoint(train, events.where(out))
    order = np.arange(len(codes))
    if limit is not None:
        order = np.sort(np.random.default_rng(seed).permutation(order)[:limit])
    few = Questions(
        [asked.queries[at] for at in order],
        [asked.seen[at] for at in order],
        [asked.truths[at] for at in order],
    )
    return train, few, [disliked[at] for at in order]
