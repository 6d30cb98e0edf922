"""Opens the model that one line names: `ollama:llama3.2`, `openai-compatible:m@http://host/v1`.

To add a provider: one row in `PROVIDERS`. What its servers have beyond the protocol, and what they
lack, is said there once, so that the line is all that a person has to write.
"""

import importlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tastemate.config import arguments, known
from tastemate.errors import ConfigError, Unavailable, nearest
from tastemate.llm.scripted import Scripted, transcript
from tastemate.protocols import ChatModel

OPENAI = "tastemate.llm.server.openai:OpenAIChat"
EVERYTHING = ("labels", "schema", "stream")


@dataclass(frozen=True, slots=True)
class Provider:
    """How the models of one provider are opened."""

    part: str
    """What makes one, "module:name"; its first argument is the model's name."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What its constructor gets where the settings do not say otherwise."""
    packages: tuple[str, ...] = ()
    """What must be installed, by the names of import."""
    install: str = ""
    """What `pip install` takes to have them."""
    served: bool = True
    """Whether it is asked over a network, at a `base_url`."""
    note: str = ""
    """What a person should know of it, in a few words."""


def _compatible(note: str, **options: Any) -> Provider:
    return Provider(OPENAI, options, ("openai",), "openai", note=note)


PROVIDERS: Mapping[str, Provider] = {
    "openai": _compatible(
        "OpenAI's own models",
        base_url="https://api.openai.com/v1",
        key="OPENAI_API_KEY",
        abilities=EVERYTHING,
        limit="max_completion_tokens",
    ),
    "vllm": _compatible(
        "a vLLM server",
        base_url="http://127.0.0.1:8000/v1",
        key="VLLM_API_KEY",
        abilities=EVERYTHING,
        limit="max_tokens",
        parameters={
            "top_k": "top_k",
            "repetition_penalty": "repetition_penalty",
            "beams": "use_beam_search",
        },
    ),
    "ollama": _compatible(
        "Ollama; labels since 0.12.11",
        base_url="http://127.0.0.1:11434/v1",
        key="OLLAMA_API_KEY",
        abilities=EVERYTHING,
        limit="max_tokens",
    ),
    "llama.cpp": _compatible(
        "llama-server of llama.cpp",
        base_url="http://127.0.0.1:8080/v1",
        key="LLAMA_API_KEY",
        abilities=EVERYTHING,
        limit="max_tokens",
        alternatives=100,
        parameters={"top_k": "top_k", "repetition_penalty": "repeat_penalty"},
    ),
    "lmstudio": _compatible(
        "LM Studio; no labels",
        base_url="http://127.0.0.1:1234/v1",
        key="LMSTUDIO_API_KEY",
        abilities=("schema", "stream"),
        limit="max_tokens",
    ),
    "openai-compatible": _compatible(
        "any other server of the protocol; say its abilities",
        key="OPENAI_COMPATIBLE_API_KEY",
        abilities=("stream",),
        limit="max_tokens",
    ),
    "anthropic": Provider(
        "tastemate.llm.server.anthropic:AnthropicChat",
        {"base_url": "https://api.anthropic.com", "key": "ANTHROPIC_API_KEY"},
        ("anthropic",),
        '"tastemate[anthropic]"',
        note="Anthropic's models; no labels",
    ),
    "local": Provider(
        "tastemate.llm.local.client:LocalChat",
        packages=("torch", "transformers"),
        install='torch==2.13.0, then "tastemate[train]"',
        served=False,
        note="a transformers model on this machine, by folder or hub name",
    ),
    "scripted": Provider(
        "tastemate.llm.choice:replayed", served=False, note="a transcript, FILE.jsonl"
    ),
}
"""Every provider by the name a line starts with."""

FORM = "Write PROVIDER:NAME, such as ollama:llama3.2 or vllm:NAME@http://127.0.0.1:8000/v1."


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart: provider, model, and the server's address where the line has one."""

    provider: str
    model: str
    url: str = ""


def line_of(text: str) -> Line:
    """Take a line apart; raise `ConfigError` where it names no provider or no model."""
    before, colon, rest = text.strip().partition(":")
    name = before.strip().lower()
    if not colon or name not in PROVIDERS:
        raise ConfigError(
            f"No provider {before.strip()[:60]!r} of language models."
            f"{nearest(name, PROVIDERS)} Known: {', '.join(PROVIDERS)}. {FORM}"
        )
    model, url = rest.strip(), ""
    found = re.fullmatch(r"(.*?)@(https?://.*)", model, re.DOTALL)
    if found and PROVIDERS[name].served:
        model, url = found[1].strip(), found[2].strip()
    if not model:
        raise ConfigError(f"{text.strip()[:60]!r} names no model. {FORM}")
    return Line(name, model, url)


def open_model(line: str, **options: Any) -> ChatModel:
    """Open the model that a line names; options go to its constructor.

    Raises `ConfigError` for a line or an option that makes no sense, `Unavailable` where a package
    or a key is missing (it says which, and what to do), `NotFound` for a file that is not there.
    """
    said = line_of(line)
    provider = PROVIDERS[said.provider]
    for package in provider.packages:
        if find_spec(package) is None:
            raise Unavailable(
                f"{line} needs the package {package!r}. Install it: pip install {provider.install}."
            )
    make = _part(provider.part)
    named = list(inspect.signature(make).parameters)
    known(options, [name for name in named[1:] if name != "name"], f"the options of {line}")
    given = dict(provider.options) | arguments(make, options, f"the options of {line}")
    if not provider.served:
        model: ChatModel = make(said.model, **given)
        return model
    usual = provider.options.get("base_url", "")
    if said.url:
        if options.get("base_url", said.url) != said.url:
            raise ConfigError(f"{line} names one server and base_url another. Name one only.")
        given["base_url"] = said.url
    if not given.get("base_url"):
        raise ConfigError(
            f"{line} says no server. Add its address: {said.provider}:{said.model}"
            "@http://127.0.0.1:8000/v1, or `base_url` in the model's options."
        )
    name = f"{said.provider}:{said.model}"
    if given["base_url"] != usual:  # another server may have another model of this name
        name += f"@{given['base_url']}"
    served: ChatModel = make(said.model, name=name, **given)
    return served


def replayed(file: str) -> Scripted:
    """Return the model that replays a transcript; raises `NotFound`, `FormatError`."""
    return transcript(Path(file).expanduser())


def _part(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
