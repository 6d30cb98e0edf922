"""Features by a language model, held to the vocabulary."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tastemate.features.reading import Kind, Reading
from tastemate.features.vocabulary import Vocabulary
from tastemate.llm import parse, prompts
from tastemate.messages import Completion
from tastemate.types import Item

if TYPE_CHECKING:
    from tastemate.protocols import ChatModel

_FINAL = frozenset(("budget", "unreachable", "refused", "paused", "unable"))
"""Faults that the next item would meet as well."""


class ModelReader:
    """Asks one prompt an item; `ChatModel.complete` gets a whole batch at once."""

    kind: Kind = "model"

    def __init__(
        self, model: "ChatModel", vocabulary: Vocabulary, *, style: prompts.Style = prompts.PLAIN
    ) -> None:
        self.model = model
        self.vocabulary = vocabulary
        self.style = style
        self.name = model.name
        asked = prompts.features(Item("", ""), vocabulary.values, style).name
        self.version = f"{asked} {vocabulary.digest}"

    def read(self, items: Sequence[Item]) -> list[Reading]:
        """Return one reading an item, in order; values outside the vocabulary are dropped."""
        asked = [prompts.features(item, self.vocabulary.values, self.style) for item in items]
        return [
            self._reading(item, answer)
            for item, answer in zip(items, self.model.complete(asked), strict=True)
        ]

    def expect(self, item: Item) -> tuple[int, int]:
        """Return the tokens of the prompt, by the model's own count, and of the longest reply."""
        asked = prompts.features(item, self.vocabulary.values, self.style)
        told = sum(self.model.count(turn.text) for turn in asked.messages)
        return told, asked.generation.max_tokens

    def _reading(self, item: Item, answer: Completion) -> Reading:
        if answer.error:
            return Reading(
                tokens=answer.tokens,
                cost=answer.cost,
                error=answer.error,
                final=answer.fault in _FINAL,
            )
        said = parse.json_value(answer.text)
        if not isinstance(said, dict):
            return Reading(
                tokens=answer.tokens, cost=answer.cost, error="The reply is no JSON object."
            )
        values, dropped = self.vocabulary.checked(said, item)
        return Reading(values, dropped, answer.tokens, answer.cost)
