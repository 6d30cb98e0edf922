"""The model inside the process, without the process: what it writes, and what is said of errors."""

import importlib.util
import io
import json
from pathlib import Path

import pytest

from tastemate.llm.local import worker
from tastemate.llm.local.frames import completion_of, line, prompt_of, prompt_value
from tastemate.messages import Completion, Generation, Message, Prompt

_HERE = all(
    importlib.util.find_spec(name) is not None for name in ("torch", "transformers", "llguidance")
)
SCHEMA = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
    "required": ["names"],
    "additionalProperties": False,
}


@pytest.mark.skipif(not _HERE, reason="local models: extra `train`")
def test_the_model_in_this_process(tmp_path: Path) -> None:
    from tastemate.llm.local.causal import Causal

    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = Causal(str(module.tiny(tmp_path, vocabulary=700)), device="cpu", context=128)
    assert model.window == 128
    assert model.count("hello") > 0

    def ask(text: str = "Hello", **options: object) -> Prompt:
        known = {name: options.pop(name) for name in ("schema", "labels") if name in options}
        generation = Generation(**{"max_tokens": 40, **options})
        return Prompt("test/1", (Message("user", text),), generation, **known)

    # A schema, a long prompt and an impossible schema beside each other.
    held, long, impossible = model.complete(
        [
            ask(schema=SCHEMA, temperature=1.0),
            ask("word " * 90),
            ask(schema={"type": "string", "pattern": "(?=x)y"}),
        ]
    )
    assert len(json.loads(held.text)["names"]) >= 2
    assert (long.fault, impossible.fault) == ("refused", "unable")
    assert model.complete([Prompt("test/1", ())])[0].fault == "refused"

    # Cancelled at once: one token; in pieces: the same text.
    (cut,) = model.complete([ask()], cancelled=lambda: True)
    assert cut.completion_tokens == 1
    for options in (
        {"stop": ("4", "a")},
        {"beams": 2, "stop": ("e",)},
        {"repetition_penalty": 1.2},
    ):
        pieces: list[str] = []
        (streamed,) = model.complete([ask(**options)], piece=pieces.append)
        assert "".join(pieces) == streamed.text
        assert not any(stop in streamed.text for stop in options.get("stop", ()))

    scored = model.complete([ask(labels=("A", "B")), ask("More", labels=("Heat", "no", "中"))])
    assert [len(one.scores) for one in scored] == [2, 3]
    (clash,) = model.complete([ask(labels=("A", "A1"))])
    assert clash.fault == "unable"
    assert model.complete([]) == []


class _Broken:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def complete(self, *_: object) -> list[Completion]:
        raise self.error


def test_an_error_of_the_model_is_a_fault_of_each_prompt() -> None:
    request = {"id": 7, "op": "complete", "prompts": [prompt_value(Prompt("a/1", ()))] * 2}
    for error, said in (
        (RuntimeError("CUDA out of memory. Tried"), "Lower `batch`"),
        (IndexError(), "IndexError"),
    ):
        out = io.BytesIO()
        worker.answer(worker.Desk(io.BytesIO(), out), _Broken(error), request)
        reply = json.loads(out.getvalue())
        assert reply["id"] == 7
        found = [completion_of(value) for value in reply["done"]]
        assert [one.fault for one in found] == ["server", "server"]
        assert said in found[0].error


def test_a_prompt_and_a_completion_pass_the_pipe_unchanged() -> None:
    prompt = Prompt(
        "a/1",
        (Message("system", "line\nbreak \u2028"), Message("user", "中 \ud800")),
        Generation(7, 0.5, 0.9, 3, 1.1, 2, None, ("\n", "x")),
        {"type": "object"},
        ("A", "B"),
    )
    sent = line({"prompt": prompt_value(prompt)})
    assert sent.count(b"\n") == 1
    assert prompt_of(json.loads(sent)["prompt"]) == prompt
    completion = Completion("A", (-0.5, float("-inf")), 3, 0, error="no", fault="reply")
    assert completion_of(json.loads(line({"c": worker.completion_value(completion)}))["c"]) == (
        completion
    )


def test_who_pays_is_not_sent() -> None:
    assert "someone" not in line(prompt_value(Prompt("a/1", (), user="someone"))).decode()
