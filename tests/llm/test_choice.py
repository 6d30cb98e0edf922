"""One line names a model: what it may say, and what is said when it cannot be opened."""

import importlib
import json

import pytest

from tastemate.errors import ConfigError, NotFound, Unavailable
from tastemate.llm import choice
from tastemate.llm.choice import PROVIDERS, Line, line_of, open_model
from tastemate.messages import Message, Prompt

ASK = Prompt("profile/1", (Message("user", "who?"),))


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS.values():
        monkeypatch.delenv(str(provider.options.get("key", "NO_SUCH_KEY")), raising=False)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ollama:llama3.2:3b", Line("ollama", "llama3.2:3b")),
        (" OpenAI : gpt-5-mini ", Line("openai", "gpt-5-mini")),
        ("vllm:org/name@http://h:1/v1", Line("vllm", "org/name", "http://h:1/v1")),
        ("vllm:a@b@https://h/v1", Line("vllm", "a@b", "https://h/v1")),
        ("local:/models/a@http://b", Line("local", "/models/a@http://b")),
        ("scripted:C:/a.jsonl", Line("scripted", "C:/a.jsonl")),
    ],
)
def test_a_line_is_taken_apart(text: str, line: Line) -> None:
    assert line_of(text) == line


@pytest.mark.parametrize("text", ["", ":", "gpt-5", "openai:", "vllm:@http://h/v1", "x" * 10_000])
def test_a_line_that_names_nothing_says_the_form(text: str) -> None:
    with pytest.raises(ConfigError, match="PROVIDER:NAME") as caught:
        open_model(text)
    assert len(str(caught.value)) < 600


def test_an_unknown_provider_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'ollama'"):
        open_model("olama:llama3.2")


@pytest.mark.parametrize(
    ("line", "variable"), [("openai:gpt-5", "OPENAI_API_KEY"), ("anthropic:c", "ANTHROPIC_API_KEY")]
)
def test_a_missing_key_says_which_variable_to_set(line: str, variable: str) -> None:
    pytest.importorskip(line.partition(":")[0])
    with pytest.raises(Unavailable, match=variable):
        open_model(line)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    for line, install in (
        ("openai:x", "pip install openai"),
        ("anthropic:x", r'"tastemate\[anthropic\]"'),
        ("local:x", r'"tastemate\[train\]"'),
    ):
        with pytest.raises(Unavailable, match=install):
            open_model(line)


def test_servers_on_this_machine_need_no_key() -> None:
    pytest.importorskip("openai")
    for provider in ("vllm", "ollama", "llama.cpp", "lmstudio"):
        model = open_model(f"{provider}:m")
        assert model.name == f"{provider}:m"
    assert "labels" not in open_model("lmstudio:m").abilities
    assert open_model("openai-compatible:m@http://localhost:1/v1").abilities == {"stream"}


def test_another_server_is_another_model() -> None:
    pytest.importorskip("openai")
    here = open_model("vllm:m@http://127.0.0.1:9/v1")
    assert here.name == "vllm:m@http://127.0.0.1:9/v1"
    assert open_model("vllm:m", base_url="http://127.0.0.1:9/v1").name == here.name
    with pytest.raises(ConfigError, match="one only"):
        open_model("vllm:m@http://127.0.0.1:9/v1", base_url="http://127.0.0.1:8/v1")
    with pytest.raises(ConfigError, match="base_url"):
        open_model("openai-compatible:m")


def test_options_are_checked_against_the_constructor() -> None:
    pytest.importorskip("openai")
    model = open_model("ollama:m", abilities=["stream"], seconds=3, fields={"keep_alive": "1h"})
    assert model.abilities == {"stream"}
    with pytest.raises(ConfigError, match="Did you mean 'seconds'"):
        open_model("ollama:m", second=3)
    with pytest.raises(ConfigError, match="a number"):
        open_model("ollama:m", seconds="long")
    with pytest.raises(ConfigError, match="Unknown setting 'model'"):
        open_model("ollama:m", model="other")
    with pytest.raises(ConfigError, match="limit"):
        open_model("ollama:m", limit="tokens")


def test_a_transcript_is_replayed(tmp_path) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_text(json.dumps({"prompt": "profile", "reply": "a film lover"}), encoding="utf-8")
    model = open_model(f"scripted:{file}")
    assert model.name == "scripted:talk"
    assert model.complete([ASK])[0].text == "a film lover"
    with pytest.raises(NotFound, match="nowhere"):
        open_model("scripted:nowhere.jsonl")


def test_another_transcript_of_the_same_name_is_another_version(tmp_path) -> None:
    versions = set()
    for folder, reply in (("a", "one"), ("b", "one"), ("a", "two")):
        file = tmp_path / folder / "talk.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"prompt": "profile", "reply": reply}), encoding="utf-8")
        model = open_model(f"scripted:{file}")
        assert model.version == open_model(f"scripted:{file}").version
        versions.add(model.version)
    assert len(versions) == 3


def test_every_row_of_the_table_names_what_exists() -> None:
    for provider in PROVIDERS.values():
        module, _, name = provider.part.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
        assert provider.note
