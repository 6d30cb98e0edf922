"""Shows every prompt to somebody before it is sent: what `--show-prompt` prints."""

from collections.abc import Callable, Iterator, Sequence

from tastemate.llm.wrappers.around import Around
from tastemate.messages import Completion, Prompt
from tastemate.protocols import ChatModel


class Shown(Around):
    """Calls `show` with each prompt, then asks the model inside."""

    def __init__(self, inner: ChatModel, show: Callable[[Prompt], None]) -> None:
        super().__init__(inner)
        self.show = show

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Show the prompts, then return one completion each."""
        for prompt in prompts:
            self.show(prompt)
        return self.inner.complete(prompts)

    def stream(self, prompt: Prompt) -> Iterator[str]:
        """Show the prompt, then yield the reply."""
        self.show(prompt)
        return self.inner.stream(prompt)
