"""The clients against real servers: llama.cpp's own, and `transformers serve`.

Both serve one tiny random Llama made on the spot, in a process of their own. llama.cpp's server
(from the package xllamacpp) has log-probabilities and replies held to a schema; `transformers
serve` has neither (it warns and goes on) and shows what a client makes of that.
"""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.llm import llama_server
from tests.llm.tiny import tiny

from tastemate.llm.choice import open_model
from tastemate.llm.parse import json_value
from tastemate.messages import Completion, Generation, Message, Prompt

NEEDS = ("openai", "anthropic", "jsonschema", "safetensors", "xllamacpp", "gguf")
MISSING = [name for name in NEEDS if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

WINDOW = 32_768
LONG = WINDOW - 1_000
"""Tokens that take the tiny model many seconds."""
LABELS = ("A", "B", "C", "yes", "no", "no token of this name")
ORDER = {
    "type": "object",
    "properties": {
        "order": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 20},
            "minItems": 2,
            "maxItems": 6,
        }
    },
    "required": ["order"],
    "additionalProperties": False,
}
TASTE = {
    "type": "object",
    "properties": {
        "likes": {"type": "boolean"},
        "about": {"enum": ["theme", "mood", "era"]},
        "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
    },
    "required": ["likes", "about", "items"],
    "additionalProperties": False,
}


def prompt(text: str = "Heat (1995), Crime. Which film comes next?", **more: Any) -> Prompt:
    turns = (Message("system", "Rank the candidates."), Message("user", text))
    return Prompt("listwise/1", turns, **({"generation": Generation(max_tokens=12)} | more))


@dataclass(frozen=True)
class Served:
    """A server that runs, and the folder of the model it serves."""

    url: str
    folder: Path

    def slot(self) -> dict[str, Any]:
        """Return what llama.cpp says of its one place for a request."""
        with urllib.request.urlopen(f"{self.url}/slots", timeout=5) as reply:
            return json.load(reply)[0]

    @property
    def written(self) -> float:
        """Tokens of all requests so far, as llama.cpp counts them."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as reply:
            lines = reply.read().decode().splitlines()
        total = "llamacpp:tokens_predicted_total "
        return next(float(line.split()[1]) for line in lines if line.startswith(total))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("tiny"), window=WINDOW, hidden=64)


@pytest.fixture(scope="session")
def llama_cpp(folder: Path) -> Iterator[Served]:
    """llama.cpp's server, with one place: a second request waits for the first."""
    file = llama_server.converted(folder, folder / "tiny.gguf")
    command = [sys.executable, llama_server.__file__, str(file)]
    with started(command, folder / "llama.log", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        assert url.startswith("http"), (folder / "llama.log").read_text(errors="replace")[-2000:]
        yield Served(url, folder)


@pytest.fixture(scope="session")
def transformers_serve(folder: Path) -> Iterator[Served]:
    for name in ("torch", "transformers", "fastapi", "uvicorn", "typer"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"transformers serve needs {name}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = "from transformers.cli.transformers import main; main()"
    command = [sys.executable, "-c", code, "serve", str(folder), "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = folder / "transformers.log"
    with started(command, log) as process:
        served = Served(f"http://127.0.0.1:{port}", folder)
        for _ in range(600):
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            try:
                urllib.request.urlopen(f"{served.url}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield served


@contextmanager
def started(
    command: list[str], log: Path, stdout: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a subprocess that is ended with its block."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdout=stdout or written, stderr=written, env=environment
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def opened() -> Iterator[Callable[..., Any]]:
    models: list[Any] = []

    def make(line: str, **options: Any) -> Any:
        models.append(open_model(line, **options))
        return models[-1]

    yield make
    for one in models:
        one.close()


def whole(stream: Iterator[str]) -> tuple[list[str], Completion]:
    pieces = []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            return pieces, end.value


def letters(text: str) -> str:
    """Return the ASCII letters: a random model also writes bytes that are no text, cut anywhere."""
    return re.sub("[^A-Za-z]", "", text)


def test_answers_are_whole_streamed_and_counted(llama_cpp: Served, opened) -> None:
    model = opened(f"llama.cpp:tiny@{llama_cpp.url}/v1", fields={"ignore_eos": True})
    answer = model.complete([prompt()])[0]
    assert answer.error == ""
    assert answer.completion_tokens == 12
    assert answer.prompt_tokens > 12
    pieces, told = whole(model.stream(prompt()))
    assert len(pieces) > 3
    assert "".join(pieces) == answer.text == told.text
    assert (told.prompt_tokens, told.completion_tokens) == (answer.prompt_tokens, 12)


def test_generation_reaches_the_server(llama_cpp: Served, opened) -> None:
    model = opened(f"llama.cpp:tiny@{llama_cpp.url}/v1")
    drawn = [
        model.complete([prompt(generation=Generation(16, temperature=1.5, seed=seed))])[0].text
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    narrow = Generation(16, temperature=1.5, top_k=1, seed=7)
    likeliest = model.complete([prompt(generation=Generation(16))])[0].text
    assert model.complete([prompt(generation=narrow)])[0].text == likeliest
    word = re.findall("[A-Za-z]{2,}", likeliest)[-1]
    ended = model.complete([prompt(generation=Generation(16, stop=(word,)))])[0]
    assert letters(ended.text) == letters(likeliest[: likeliest.index(word)])


def own_scores(folder: Path, asked: Prompt) -> dict[str, float]:
    """Return the model's log-softmax of the next token, summed by what a token says."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    turns = [{"role": turn.role, "content": turn.text} for turn in asked.messages]
    given = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        chances = torch.softmax(model(**given).logits[0, -1].double(), dim=-1)
    total: dict[str, float] = {}
    for at, chance in enumerate(chances.tolist()):
        word = tokenizer.decode([at]).removeprefix(" ")
        total[word] = total.get(word, 0.0) + chance
    return {word: float(torch.log(torch.tensor(chance))) for word, chance in total.items()}


def test_label_scores_are_the_models_own_log_softmax(llama_cpp: Served, opened) -> None:
    model = opened(f"llama.cpp:tiny@{llama_cpp.url}/v1", alternatives=1000)
    for text in ("Which film comes next? A, B or C?", "Will this person like it?"):
        asked = prompt(text, labels=LABELS)
        answer = model.complete([asked])[0]
        assert answer.error == ""
        own = own_scores(llama_cpp.folder, asked)
        assert answer.scores[:-1] == pytest.approx([own[word] for word in LABELS[:-1]], abs=2e-3)
        assert answer.scores[-1] == float("-inf")


@pytest.mark.parametrize("schema", [ORDER, TASTE], ids=["order", "taste"])
def test_a_random_models_reply_fits_the_schema(llama_cpp: Served, opened, schema) -> None:
    import jsonschema

    model = opened(f"llama.cpp:tiny@{llama_cpp.url}/v1")
    wants = [Generation(400, temperature=1.0, seed=seed) for seed in range(6)]
    answers = model.complete([prompt(schema=schema, generation=one) for one in wants])
    assert [one.error for one in answers] == [""] * 6
    for answer in answers:
        jsonschema.validate(json_value(answer.text), schema)
    free = model.complete([prompt(generation=wants[0])])[0]
    assert json_value(free.text) is None  # without the schema it writes noise


def idle(server: Served) -> None:
    """Wait until the server serves nobody; fail where that takes 10 seconds.

    Seldom asked: llama.cpp looks for clients that went away only after a second in which it had
    nothing to tell anybody.
    """
    start = time.monotonic()
    while server.slot()["is_processing"]:
        assert time.monotonic() - start < 10
        time.sleep(1.3)


def test_closing_a_stream_stops_the_server(llama_cpp: Served, opened) -> None:
    model = opened(f"llama.cpp:tiny@{llama_cpp.url}/v1", fields={"ignore_eos": True})
    model.complete([prompt(generation=Generation(100))])
    before = llama_cpp.written
    assert before >= 100
    stream = model.stream(prompt(generation=Generation(LONG)))
    for _ in range(5):
        next(stream)
    assert llama_cpp.slot()["is_processing"]
    stream.close()
    idle(llama_cpp)
    assert model.complete([prompt()])[0].error == ""  # the one place is free again
    assert llama_cpp.written - before < LONG  # and what was closed never came to its end


def test_a_timeout_stops_the_server_too(llama_cpp: Served, opened) -> None:
    url = f"llama.cpp:tiny@{llama_cpp.url}/v1"
    opened(url).complete([prompt()])
    before = llama_cpp.written
    hasty = opened(url, fields={"ignore_eos": True}, seconds=0.5)
    answer = hasty.complete([prompt(generation=Generation(LONG))])[0]
    assert answer.fault == "timeout"
    idle(llama_cpp)
    assert opened(url).complete([prompt()])[0].error == ""
    assert llama_cpp.written - before < LONG


def test_too_long_a_prompt_is_refused(llama_cpp: Served, opened) -> None:
    answer = opened(f"llama.cpp:tiny@{llama_cpp.url}/v1").complete([prompt("film " * 40_000)])[0]
    assert answer.fault == "refused"
    assert "context" in answer.error


def test_anthropics_client_on_llama_cpps_messages_endpoint(llama_cpp: Served, opened) -> None:
    model = opened(f"anthropic:tiny@{llama_cpp.url}")
    answer = model.complete([prompt()])[0]
    assert answer.error == ""
    assert answer.text == opened(f"llama.cpp:tiny@{llama_cpp.url}/v1").complete([prompt()])[0].text
    assert answer.prompt_tokens > 12
    pieces, told = whole(model.stream(prompt()))
    assert "".join(pieces) == told.text == answer.text


def test_transformers_serve_answers_and_streams(
    transformers_serve: Served, llama_cpp: Served, opened
) -> None:
    line = f"openai-compatible:{transformers_serve.folder}@{transformers_serve.url}/v1"
    model = opened(line)
    answer = model.complete([prompt()])[0]
    assert answer.error == ""
    pieces, told = whole(model.stream(prompt()))
    assert "".join(pieces) == told.text
    assert letters(told.text) == letters(answer.text)
    # two engines, one model: the same likeliest tokens
    other = opened(f"llama.cpp:tiny@{llama_cpp.url}/v1").complete([prompt()])[0]
    assert letters(answer.text) == letters(other.text)


def test_transformers_serve_has_no_labels_and_that_is_said(
    transformers_serve: Served, opened
) -> None:
    line = f"openai-compatible:{transformers_serve.folder}@{transformers_serve.url}/v1"
    model = opened(line, abilities=["labels", "stream"])
    assert model.complete([prompt(labels=LABELS)])[0].fault == "unable"
    assert model.abilities == {"stream"}
    unknown = opened(line, fields={"no_such_field": 1}).complete([prompt()])[0]
    assert unknown.fault == "refused"  # what a person asked for by name is not left out
    assert "no_such_field" in unknown.error
    named = opened(line, parameters={"top_k": "no_such_name"})
    spared = named.complete([prompt(generation=Generation(12, top_k=5))])[0]
    assert spared.error == ""  # refused by name, and left out


def test_transformers_serve_stops_when_a_stream_is_closed(
    transformers_serve: Served, opened
) -> None:
    line = f"openai-compatible:{transformers_serve.folder}@{transformers_serve.url}/v1"
    model = opened(line)
    model.complete([prompt()])
    stream = model.stream(prompt(generation=Generation(LONG)))
    next(stream)
    stream.close()
    start = time.monotonic()
    assert model.complete([prompt()])[0].error == ""
    assert time.monotonic() - start < 10
