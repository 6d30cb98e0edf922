"""Lays the settings' way of writing over what each prompt asks for: `[generation]`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tastemate.llm.wrappers.around import Around
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel


class Writing(Around):
    """Asks with `ways`, fields of `Generation`, in place of the prompt's own."""

    def __init__(self, inner: ChatModel, ways: Mapping[str, Any]) -> None:
        super().__init__(inner)
        self.ways = dict(ways)

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return one completion a prompt, written that way."""
        return self.inner.complete([self._told(prompt) for prompt in prompts])

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Yield the reply, written that way."""
        return self.inner.stream(self._told(prompt))

    def _told(self, prompt: Prompt) -> Prompt:
        return replace(prompt, generation=replace(prompt.generation, **self.ways))
