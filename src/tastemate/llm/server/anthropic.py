"""Asks Anthropic's models, over the Messages API and its official SDK.

The API has no log-probabilities, so labels are the fault "unable". Its newest models refuse
sampling parameters and the SDK has no arguments for them: they go into the body, and what a model
refuses is learned from its first error.
"""

import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.parse import LONGEST
from tastemate.llm.server import body, wire
from tastemate.llm.tokens import estimate
from tastemate.llm.wrappers.around import Failed, failed, size
from tastemate.messages import Completion, Prompt
from tastemate.protocols import Ability

ROUNDS = 4
"""Tries of one call, each without what the try before was refused for."""


class AnthropicChat:
    """A model behind Anthropic's Messages API; `key` names the environment variable of the key.

    `thinking` is tokens on top of a prompt's limit, for a model that reasons before it writes;
    `effort` its level, "low" to "max". `version` is a digest of the options that change replies.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str = "",
        base_url: str = "https://api.anthropic.com",
        key: str = "ANTHROPIC_API_KEY",
        abilities: Sequence[Ability] = ("schema", "stream"),
        fields: Mapping[str, Any] | None = None,
        effort: str = "",
        thinking: int = 0,
        seconds: float = 60.0,
    ) -> None:
        self.model = model
        self.name = name or f"anthropic:{model}"
        server = wire.Server(base_url.rstrip("/").removesuffix("/v1"), key)
        server.secret()
        self._wire = wire.Wire("anthropic", "Anthropic", server, seconds)
        if thinking < 0:
            raise ConfigError("thinking must be at least 0.")
        self._able = frozenset(abilities) - {"labels"}
        self._fields = dict(fields or {})
        self._effort = effort
        self._thinking = thinking
        self._refused = body.Refusals()
        self.load_seconds = wire.LOADING
        self.version = body.digest(
            model, server.base_url, sorted(self._able), self._fields, effort, thinking
        )

    def __repr__(self) -> str:
        return f"AnthropicChat({self.model!r}, base_url={self._wire.server.base_url!r})"

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the options say, less what the model has refused since."""
        return self._able - {"schema"} if "output_config" in self._refused else self._able

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return one completion a prompt, asked in order; a failure is a value."""
        return [self._answer(prompt) for prompt in prompts]

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield the reply in pieces and return it whole; closing closes the connection.

        Raises `Unavailable` when it fails, in the middle as well, with the failure as its
        `completion`.
        """
        start = time.perf_counter()
        if scope.current().left() <= 0:
            raise Failed(self._late())
        opened = self._asked(
            prompt,
            lambda client, request: client.messages.create(
                **request, stream=True, timeout=self._wire.timeout()
            ),
        )
        if isinstance(opened, Completion):
            raise Failed(opened)
        pieces: list[str] = []
        usage: dict[str, Any] = {}
        came, finish, whole = 0, None, False
        try:
            for event in opened:
                kind = body.dig(event, "type")
                for told in (body.dig(event, "message", "usage"), body.dig(event, "usage")):
                    usage |= {name: body.dig(told, name) for name in USED if body.dig(told, name)}
                finish = body.dig(event, "delta", "stop_reason") or finish
                whole = whole or kind == "message_stop"
                piece = body.dig(event, "delta", "text")
                if kind != "content_block_delta" or not isinstance(piece, str) or not piece:
                    continue
                pieces.append(body.shortened(piece))
                came += len(piece)
                yield pieces[-1]
                if came > LONGEST:
                    break
        except self._wire.errors() as error:
            raise Failed(self._wire.failure(error, self.name)) from None
        finally:
            opened.close()
        if finish == "refusal":
            raise Failed(self._declined())
        if not whole and came <= LONGEST:
            raise Failed(
                failed(self.name, "server", f"{self.name} broke off in the middle of a reply.")
            )
        return self._made(prompt, "".join(pieces), usage, self.model, start)

    def count(self, text: str) -> int:
        """Estimate the tokens of a text, rather too many."""
        return max(estimate(text), 1) if text else 0

    def start(self, seconds: float = 0.0) -> None:
        """Begin to import the SDK, and wait so long for it; nothing is sent."""
        self._wire.start("messages", seconds)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _answer(self, prompt: Prompt) -> Completion:
        start = time.perf_counter()
        if prompt.labels:
            return failed(
                self.name,
                "unable",
                f"{self.name} reports no log-probabilities: rank without labels.",
            )
        if scope.current().left() <= 0:
            return self._late()
        raw = self._asked(
            prompt,
            lambda client, request: client.messages.with_raw_response.create(
                **request, timeout=self._wire.timeout()
            ),
        )
        if isinstance(raw, Completion):
            return raw
        try:
            reply = json.loads(raw.http_response.content)
        except (ValueError, RecursionError) as error:
            return self._wire.failure(error, self.name)
        return self._read(prompt, reply, start)

    def _asked(self, prompt: Prompt, send: Callable[[Any, dict[str, Any]], Any]) -> Any:
        """Send a prompt, again without what the model refuses; a failure is a `Completion`."""
        try:
            client = self._wire.client()
        except Unavailable as missing:
            return failed(self.name, "unable", str(missing))
        for tries in range(1, ROUNDS + 1):
            request = self._request(prompt)
            sent = [name for name in (*request, *request["extra_body"]) if name in SPARE]
            try:
                return send(client, request)
            except self._wire.errors() as error:
                if tries == ROUNDS or not self._refused.learn(error, sent, prompt):
                    return self._wire.failure(error, self.name)
        raise AssertionError("the last try returns")

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        """Return the arguments of the call, less what the model refused."""
        wants = prompt.generation
        system = [turn.text for turn in prompt.messages if turn.role == "system"]
        turns = [
            {"role": turn.role, "content": body.printable(turn.text)}
            for turn in prompt.messages
            if turn.role != "system" and turn.text
        ]
        given: dict[str, Any] = {}
        output: dict[str, Any] = {"effort": self._effort} if self._effort else {}
        if prompt.schema is not None:
            held = self._held(prompt)
            if held is not None:
                output["format"] = {"type": "json_schema", "schema": held}
            else:
                turns = body.demanded(turns, body.schema_words(prompt.schema))
        if not turns:  # the API wants a turn of the user
            turns, system = [{"role": "user", "content": body.printable("\n\n".join(system))}], []
        if system:
            given["system"] = body.printable("\n\n".join(system))
        if output and "output_config" not in self._refused:
            given["output_config"] = output
        stops = [body.printable(mark) for mark in wants.stop if mark.strip()]
        if stops and "stop_sequences" not in self._refused:
            given["stop_sequences"] = stops
        sampling: dict[str, Any] = {"temperature": min(wants.temperature, 1.0)}
        if wants.top_k > 0:
            sampling["top_k"] = wants.top_k
        if wants.top_p != 1.0:
            sampling["top_p"] = wants.top_p
        extra = {name: value for name, value in sampling.items() if name not in self._refused}
        return {
            "model": self.model,
            "max_tokens": max(wants.max_tokens, 1) + self._thinking,
            "messages": turns,
            "extra_body": extra | self._fields,
            **given,
        }

    def _held(self, prompt: Prompt) -> dict[str, Any] | None:
        """Return the schema as the API takes it; None where it takes none, or not this one."""
        if "schema" not in self.abilities or f"schema of {prompt.name}" in self._refused:
            return None
        from anthropic import transform_schema

        try:
            held: dict[str, Any] = transform_schema(json.loads(json.dumps(prompt.schema)))
            return held
        except (ValueError, TypeError, AttributeError, AssertionError, RecursionError):
            return None  # the SDK has no form for it: it is said in words

    def _read(self, prompt: Prompt, reply: Any, start: float) -> Completion:
        blocks, finish = body.dig(reply, "content"), body.dig(reply, "stop_reason")
        if finish == "refusal":
            return self._declined()
        texts = [
            body.dig(block, "text")
            for block in (blocks if isinstance(blocks, list) else [])
            if body.dig(block, "type") == "text"
        ]
        text = "".join(part for part in texts if isinstance(part, str))
        if not isinstance(blocks, list) or not isinstance(finish, str):
            return failed(self.name, "reply", f"{self.name} sent a reply without a text.")
        if not text and finish == "max_tokens":
            return failed(
                self.name,
                "reply",
                f"{self.name} used up its tokens before it wrote anything. Give `thinking` more "
                f"tokens, or a lower `effort`, in the model's options.",
            )
        model = body.dig(reply, "model")
        model = model[:200] if isinstance(model, str) and model else self.model
        return self._made(prompt, text, body.dig(reply, "usage"), model, start)

    def _made(self, prompt: Prompt, text: str, usage: Any, model: str, start: float) -> Completion:
        parts = [body.dig(usage, name) for name in USED[:3]]
        read = sum(part for part in parts if isinstance(part, int) and part > 0)
        written = body.dig(usage, "output_tokens")
        most = prompt.generation.max_tokens + self._thinking
        asked = sum(self.count(turn.text) for turn in prompt.messages)
        return Completion(
            text=body.shortened(text),
            prompt_tokens=body.amount(read or None, asked, size(prompt)),
            completion_tokens=body.amount(written, self.count(text), most),
            seconds=time.perf_counter() - start,
            model=model,
        )

    def _late(self) -> Completion:
        return failed(self.name, "unsent", f"There was no time left to ask {self.name}.")

    def _declined(self) -> Completion:
        return failed(self.name, "reply", f"{self.name} declined to answer.")


SPARE = ("output_config", "stop_sequences", "temperature", "top_k", "top_p")
"""What a request can do without."""
USED = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)
"""Where the API reports tokens: those read, in three parts, and those written."""
