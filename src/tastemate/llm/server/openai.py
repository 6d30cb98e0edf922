"""Asks any server that speaks OpenAI's chat protocol: OpenAI, vLLM, Ollama, llama.cpp, hosted ones.

They differ in what they take. What a server has is said by options; what it refuses is learned
from its first error and left out from then on. Retrying is not done here: that is a wrapper.
"""

import json
import math
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.parse import LONGEST
from tastemate.llm.server import body, wire
from tastemate.llm.tokens import counter, estimate
from tastemate.llm.wrappers.around import Failed, failed, size
from tastemate.messages import Completion, Prompt
from tastemate.protocols import Ability

Limit: TypeAlias = Literal["max_tokens", "max_completion_tokens"]
OTHER: Mapping[str, Limit] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
SPARE = ("top_k", "repetition_penalty", "beams")
"""What OpenAI's protocol has no word for, but some servers do."""
ROUNDS = 4
"""Tries of one call, each without what the try before was refused for."""


class OpenAIChat:
    """A model behind OpenAI's chat protocol.

    `key` names the environment variable of the key; a server on this machine needs none.
    `parameters` says what the server calls top_k, repetition_penalty and beams, where it has them
    ("use_beam_search" is vLLM's switch); `fields` are sent with every call as it is. `effort` and
    `thinking` (tokens on top of a prompt's limit) are for models that reason before they write;
    `tokenizer` is the model's tokenizer.json, by which tokens are counted before they are sent.
    `version` is a digest of the options that change replies. Several prompts are asked one after
    the other: the deadline around a client asks them at once.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str = "",
        base_url: str = "https://api.openai.com/v1",
        key: str = "OPENAI_API_KEY",
        abilities: Sequence[Ability] = ("labels", "schema", "stream"),
        limit: Limit = "max_completion_tokens",
        alternatives: int = 20,
        parameters: Mapping[str, str] | None = None,
        fields: Mapping[str, Any] | None = None,
        effort: str = "",
        thinking: int = 0,
        tokenizer: str = "",
        seconds: float = 60.0,
    ) -> None:
        self.model = model
        self.name = name or f"openai:{model}"
        server = wire.Server(base_url.rstrip("/"), key)
        server.secret()
        self._wire = wire.Wire("openai", "OpenAI", server, seconds)
        for name in parameters or {}:
            if name not in SPARE:
                raise ConfigError(f"parameters has {name!r}; it may have {', '.join(SPARE)}.")
        if limit not in OTHER or alternatives < 1 or thinking < 0:
            raise ConfigError(
                "limit must be max_tokens or max_completion_tokens, alternatives at least 1, "
                "thinking at least 0."
            )
        self._able = frozenset(abilities)
        self._limit: Limit = limit
        self._alternatives = alternatives
        self._parameters = dict(parameters or {})
        self._fields = dict(fields or {})
        self._effort = effort
        self._thinking = thinking
        self._counter = counter(Path(tokenizer).expanduser()) if tokenizer else estimate
        self._refused = body.Refusals()
        self.load_seconds = wire.LOADING
        self.version = body.digest(
            model,
            server.base_url,
            sorted(self._able),
            limit,
            alternatives,
            self._parameters,
            self._fields,
            effort,
            thinking,
        )

    def __repr__(self) -> str:
        return f"OpenAIChat({self.model!r}, base_url={self._wire.server.base_url!r})"

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the options say, less what the server has refused since."""
        lost: set[Ability] = set()
        if "logprobs" in self._refused:
            lost.add("labels")
        if "response_format" in self._refused:
            lost.add("schema")
        return self._able - lost

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
            lambda client, request: client.chat.completions.create(
                **request, stream=True, timeout=self._wire.timeout()
            ),
            streamed=True,
        )
        if isinstance(opened, Completion):
            raise Failed(opened)
        pieces, came, finish = [], 0, None
        usage: Any = None
        try:
            for chunk in opened:
                usage = body.dig(chunk, "usage") or usage
                finish = body.dig(chunk, "choices", 0, "finish_reason") or finish
                piece = body.dig(chunk, "choices", 0, "delta", "content")
                if not isinstance(piece, str) or not piece:
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
        if finish is None and came <= LONGEST:
            raise Failed(
                failed(self.name, "server", f"{self.name} broke off in the middle of a reply.")
            )
        return self._made(prompt, "".join(pieces), usage, self.model, start)

    def count(self, text: str) -> int:
        """Count the tokens of a text by the `tokenizer`; without one an estimate, rather high."""
        return max(self._counter(text), 1) if text else 0

    def start(self, seconds: float = 0.0) -> None:
        """Begin to import the SDK, and wait so long for it; nothing is sent."""
        self._wire.start("chat", seconds)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _answer(self, prompt: Prompt) -> Completion:
        start = time.perf_counter()
        if prompt.labels and "labels" not in self.abilities:
            return self._unable()
        if scope.current().left() <= 0:
            return self._late()
        raw = self._asked(
            prompt,
            lambda client, request: client.chat.completions.with_raw_response.create(
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

    def _asked(
        self, prompt: Prompt, send: Callable[[Any, dict[str, Any]], Any], *, streamed: bool = False
    ) -> Any:
        """Send a prompt, again without what the server refuses; a failure is a `Completion`."""
        try:
            client = self._wire.client()
        except Unavailable as missing:
            return failed(self.name, "unable", str(missing))
        for tries in range(1, ROUNDS + 1):
            if prompt.labels and not streamed and "logprobs" in self._refused:
                return self._unable()
            request = self._request(prompt, streamed=streamed)
            try:
                return send(client, request)
            except self._wire.errors() as error:
                if tries == ROUNDS or not self._refused.learn(error, self._sent(request), prompt):
                    return self._wire.failure(error, self.name)
        raise AssertionError("the last try returns")

    def _request(self, prompt: Prompt, *, streamed: bool) -> dict[str, Any]:
        """Return the arguments of the call, less what the server refused."""
        wants = prompt.generation
        turns = [
            {"role": turn.role, "content": body.printable(turn.text)} for turn in prompt.messages
        ]
        limit = OTHER[self._limit] if self._limit in self._refused else self._limit
        labelled = bool(prompt.labels) and not streamed
        given: dict[str, Any] = {"temperature": wants.temperature}
        if wants.top_p != 1.0:
            given["top_p"] = wants.top_p
        if wants.seed is not None:
            given["seed"] = wants.seed
        if wants.stop:
            given["stop"] = [body.printable(mark) for mark in wants.stop]
        if self._effort:
            given["reasoning_effort"] = self._effort
        if streamed:
            given["stream_options"] = {"include_usage": True}
        if labelled:
            given |= {"logprobs": True, "top_logprobs": self._alternatives}
        elif prompt.schema is not None:
            named = f"schema of {prompt.name}" in self._refused
            if "schema" in self.abilities and not named:
                given["response_format"] = _response_format(prompt)
            else:
                turns = body.demanded(turns, body.schema_words(prompt.schema))
        given = {name: value for name, value in given.items() if name not in self._refused}
        given[limit] = 1 if labelled else max(wants.max_tokens, 1) + self._thinking
        extra = self._fields | self._extra(prompt)
        return {"model": self.model, "messages": turns, "extra_body": extra, **given}

    def _sent(self, request: Mapping[str, Any]) -> list[str]:
        """Return the names of what a request could do without; `fields` were asked for by name."""
        kept = {"model", "messages", "extra_body", *self._fields}
        return [name for name in (*request, *request["extra_body"]) if name not in kept]

    def _extra(self, prompt: Prompt) -> dict[str, Any]:
        """Return what the server has beyond the protocol, under the names it has for it."""
        wants = prompt.generation
        extra: dict[str, Any] = {}
        if wants.top_k > 0 and "top_k" in self._parameters:
            extra[self._parameters["top_k"]] = wants.top_k
        if wants.repetition_penalty != 1.0 and "repetition_penalty" in self._parameters:
            extra[self._parameters["repetition_penalty"]] = wants.repetition_penalty
        if wants.beams > 1 and "beams" in self._parameters:
            name = self._parameters["beams"]
            beams = {"use_beam_search": True, "n": wants.beams}
            extra |= beams if name in beams else {name: wants.beams}
        return {name: value for name, value in extra.items() if name not in self._refused}

    def _read(self, prompt: Prompt, reply: Any, start: float) -> Completion:
        choice = body.dig(reply, "choices", 0)
        message = body.dig(choice, "message")
        text, finish = body.dig(message, "content"), body.dig(choice, "finish_reason")
        model = body.dig(reply, "model")
        model = model[:200] if isinstance(model, str) and model else self.model
        scores: tuple[float, ...] = ()
        if prompt.labels:
            first = body.dig(choice, "logprobs", "content", 0)
            if not isinstance(first, Mapping):
                self._refused.note("logprobs")
                return self._unable()
            scores = label_scores(first, prompt.labels)
            text = text if isinstance(text, str) else ""
        refusal = body.dig(message, "refusal")
        if isinstance(refusal, str) and refusal:
            said = self._wire.told(refusal)
            return failed(self.name, "reply", f"{self.name} declined to answer: {said}")
        if text is None and finish == "length":
            text = ""
        if not isinstance(text, str):
            said = f"sent a reply without a text ({self._wire.told(str(finish)):.40})."
            return failed(self.name, "reply", f"{self.name} {said}")
        if not text and finish == "length" and not prompt.labels:
            return failed(
                self.name,
                "reply",
                f"{self.name} used up its tokens before it wrote anything. Give `thinking` more "
                f"tokens, or a lower `effort`, in the model's options.",
            )
        return self._made(prompt, text, body.dig(reply, "usage"), model, start, scores)

    def _made(
        self,
        prompt: Prompt,
        text: str,
        usage: Any,
        model: str,
        start: float,
        scores: tuple[float, ...] = (),
    ) -> Completion:
        asked = sum(self.count(turn.text) for turn in prompt.messages)
        read, written = (body.dig(usage, f"{part}_tokens") for part in ("prompt", "completion"))
        most = prompt.generation.max_tokens + self._thinking
        return Completion(
            text=body.shortened(text),
            scores=scores,
            prompt_tokens=body.amount(read, asked, size(prompt)),
            completion_tokens=body.amount(written, self.count(text), most),
            seconds=time.perf_counter() - start,
            model=model,
        )

    def _late(self) -> Completion:
        return failed(self.name, "unsent", f"There was no time left to ask {self.name}.")

    def _unable(self) -> Completion:
        return failed(
            self.name, "unable", f"{self.name} reports no log-probabilities: rank without labels."
        )


def label_scores(first: Mapping[str, Any], labels: Sequence[str]) -> tuple[float, ...]:
    """Return each label's log-probability as the first token, -inf for one not reported.

    `first` is the protocol's `logprobs.content[0]`. A label and the same with a space before it are
    one answer, so their probabilities are added; case counts.
    """
    top = first.get("top_logprobs")
    seen: dict[str, float] = {}
    for one in [first, *(top if isinstance(top, list) else [])]:
        token, value = body.dig(one, "token"), body.dig(one, "logprob")
        if isinstance(token, str) and isinstance(value, int | float) and value <= 1e-3:
            seen[token] = max(seen.get(token, -math.inf), min(float(value), 0.0))
    return tuple(
        min(_added(seen.get(label, -math.inf), seen.get(f" {label}", -math.inf)), 0.0)
        for label in labels
    )


def _added(one: float, other: float) -> float:
    """Return the logarithm of the sum of two probabilities."""
    high, low = max(one, other), min(one, other)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _response_format(prompt: Prompt) -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]", "-", prompt.name)[:64] or "reply"
    schema = prompt.schema or {}
    held = {"name": name, "schema": dict(schema), "strict": body.strict(schema)}
    return {"type": "json_schema", "json_schema": held}
