"""Makes sure that a reply has the form that was asked for, or says that it has not.

Servers differ in how far they hold themselves to a schema; here the reply is read and
validated whatever the server promised, asked for once more with the error, and given on as JSON
alone.
"""

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tastemate import scope
from tastemate.llm import parse
from tastemate.llm.wrappers.around import Around, Failed, failed, streamed, summed
from tastemate.messages import Completion, Message, Prompt
from tastemate.protocols import ChatModel

SHOWN = 2000
"""Characters of a reply that the model is shown again."""
COMPILED = 64
"""Schemas whose validators are kept."""


class Structured(Around):
    """Holds replies to what was asked: a schema, label scores, or any text at all.

    A reply that does not fit a schema is asked for once more, with what is wrong; then it is the
    fault "reply", as are scores that are not one log-probability a label and empty texts. A
    model that has no schemas of its own is told the schema in the last message.
    """

    def __init__(self, inner: ChatModel) -> None:
        super().__init__(inner)
        self._validators: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Return what fits; a prompt whose schema is none is "refused" and not asked."""
        wrong = {at: said for at, prompt in enumerate(prompts) if (said := self._no_schema(prompt))}
        if wrong:
            rest = iter(self.complete([p for at, p in enumerate(prompts) if at not in wrong]))
            return [
                failed(self.name, "refused", wrong[at]) if at in wrong else next(rest)
                for at in range(len(prompts))
            ]
        asked = [self._told(prompt) for prompt in prompts]
        replies = self.inner.complete(asked)
        checked = [
            self._check(prompt, reply) for prompt, reply in zip(prompts, replies, strict=True)
        ]
        again = [
            at
            for at, answer in enumerate(checked)
            if prompts[at].schema is not None and not replies[at].error and answer.error
        ]
        if not again or scope.current().left() <= 0:
            return checked
        more = self.inner.complete([_again(asked[at], checked[at]) for at in again])
        for at, reply in zip(again, more, strict=True):
            checked[at] = summed(replies[at], self._check(prompts[at], reply))
        return checked

    def stream(self, prompt: Prompt) -> Generator[str, None, Completion]:
        """Yield free text as it comes, and JSON in one piece once it is known to fit."""
        if prompt.schema is None:
            return (yield from streamed(self.inner, prompt))
        answer = self.complete([prompt])[0]
        if answer.error:
            raise Failed(answer)
        yield answer.text
        return answer

    def fits(self, prompt: Prompt, reply: Completion) -> bool:
        """Say whether a reply is what its prompt asked for, as this would give it on."""
        return not self._no_schema(prompt) and not self._check(prompt, reply).error

    def _told(self, prompt: Prompt) -> Prompt:
        """Return the prompt with its schema in words for a model that cannot take it."""
        if prompt.schema is None or "schema" in self.abilities or not prompt.messages:
            return prompt
        *before, last = prompt.messages
        schema = json.dumps(prompt.schema, ensure_ascii=False, default=str)
        text = f"{last.text}\n\nReply with JSON only, fitting this JSON schema:\n{schema}"
        return replace(prompt, messages=(*before, Message(last.role, text)))

    def _check(self, prompt: Prompt, reply: Completion) -> Completion:
        """Return the reply as it should be, or as the fault "reply"."""
        if reply.error:
            return reply
        if prompt.labels:
            problem = _unlike_scores(reply.scores, len(prompt.labels))
            return _faulty(reply, problem) if problem else reply
        if prompt.schema is None:
            return reply if reply.text.strip() else _faulty(reply, "it is empty")
        validator = self._validator(prompt.schema)
        problem = "there is no JSON object or array in it"
        for at, value in enumerate(parse.json_values(reply.text)):
            wrong = _wrong(validator, value)
            if not wrong:
                return replace(reply, text=json.dumps(value, ensure_ascii=False))
            if at == 0:
                problem = wrong
        return _faulty(reply, problem)

    def _no_schema(self, prompt: Prompt) -> str:
        """Say what is wrong with the schema of a prompt; empty for nothing."""
        import jsonschema

        if prompt.schema is None:
            return ""
        try:
            self._validator(prompt.schema)
        except (jsonschema.SchemaError, TypeError, ValueError) as error:
            said = getattr(error, "message", str(error))
            return f"The schema of {prompt.name} is no JSON schema: {_short(said)}. Mend it."
        return ""

    def _validator(self, schema: Mapping[str, Any]) -> Any:
        import jsonschema

        key = json.dumps(schema, sort_keys=True, default=str)
        with self._lock:
            found = self._validators.get(key)
            if found is None:
                jsonschema.Draft202012Validator.check_schema(schema)
                found = self._validators[key] = jsonschema.Draft202012Validator(schema)
                if len(self._validators) > COMPILED:
                    self._validators.popitem(last=False)
            self._validators.move_to_end(key)
            return found


def _wrong(validator: Any, value: Any) -> str:
    """Return what is wrong with a value in a few words; empty for nothing."""
    error = next(validator.iter_errors(value), None)
    if error is None:
        return ""
    where = "/".join(str(part) for part in error.absolute_path)
    return f"{f'at {where}: ' if where else ''}{_short(error.message)}"


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:200]} … {text[-100:]}"


def _unlike_scores(scores: tuple[float, ...], n: int) -> str:
    """Say why scores are not the log-probabilities of n labels; empty where they are."""
    if len(scores) != n:
        return f"it scores {len(scores)} labels of {n}"
    if any(math.isnan(score) or score == math.inf for score in scores):
        return "a score is no log-probability"
    if all(score == -math.inf for score in scores):
        return "it scores none of the labels"
    return ""


def _faulty(reply: Completion, problem: str) -> Completion:
    text = f"The reply of {reply.model or 'the model'} does not fit what was asked: {problem}."
    return replace(reply, error=text, fault="reply")


def _again(asked: Prompt, answer: Completion) -> Prompt:
    """Return the prompt with the reply and what is wrong with it."""
    turns = (
        Message("assistant", answer.text[:SHOWN] or "(nothing)"),
        Message(
            "user",
            f"{answer.error} Reply again, in full, with JSON alone: no other words around it.",
        ),
    )
    return replace(asked, messages=(*asked.messages, *turns))
