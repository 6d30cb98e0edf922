"""Settings: said once, in `tastemate.toml`, checked against the signatures they configure.

A table such as `[retrievers.ease]` holds keyword arguments of that retriever's constructor. The
environment overrides: `TASTEMATE_RECOMMEND__POOL=50` is `pool` in `[recommend]`.
"""

import inspect
import reprlib
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from tastemate import settings_file
from tastemate.errors import ConfigError, nearest

FILE = "tastemate.toml"


@dataclass(frozen=True, slots=True)
class Data:
    """`[data]`: which data set, by name or path, and whose descriptions to join."""

    dataset: str = ""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Recommend:
    """`[recommend]`: the mix of retrievers, and how many candidates reach the ranker."""

    profile: str = "fast"
    pool: int = 100


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """`[encoder]`: which encoder reads texts."""

    name: Literal["minilm", "words"] = "minilm"


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """`[llm]`: which language model, if any, and what it is asked to do."""

    model: str = ""
    """In one line: "openai:NAME", "ollama:NAME", "anthropic:NAME", "local:PATH"; empty: none."""
    rank: str = "auto"
    """How it ranks: a row of `language.JUDGES`, or "none"; "auto" is label scores where the model
    has them, else listwise. Checked where the model is opened."""
    weight: float | None = None
    """Share of the model's order against the retrievers', 0 to 1; unset: what `tastemate llm
    weigh` learned for this model and data, else .5, which is a guess."""
    depth: int = 20
    """Candidates it sees."""
    gate: bool = True
    """Whether it is asked only where it is likely to help."""
    taste: bool = False
    """Whether it reads the taste."""
    explain: bool = False
    """Whether it words the reasons."""
    generate: Literal["zero_shot", "few_shot", "chain_of_thought"] = "zero_shot"
    """How the retriever `generated` asks for titles."""
    seconds: float = 1.5
    """What all calls for one list may take together: the list itself is due after 2."""
    answer_seconds: float = 8.0
    """What all calls for one answer to a question may take together."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `tastemate.toml` and the environment can say."""

    data: Data = Data()
    recommend: Recommend = Recommend()
    encoder: EncoderChoice = EncoderChoice()
    blend: Mapping[str, float] | None = None
    """Weights by retriever, instead of the profile's."""
    retrievers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options by retriever; checked where the retriever is made."""
    llm: LanguageModel = LanguageModel()
    client: Mapping[str, Any] = field(default_factory=dict)
    """Options of the model's client, such as `base_url`; checked where it is opened."""
    guards: Mapping[str, Any] = field(default_factory=dict)
    """Retries, deadlines, budgets and prices around the model; checked where they are put."""
    judges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options by way of ranking, `[judges.labels]`; checked where the judge is made."""
    gate: Mapping[str, Any] = field(default_factory=dict)
    """When the model is asked; checked where the gate is made."""
    taste: Mapping[str, Any] = field(default_factory=dict)
    """How the model reads tastes; checked where its profiler is made."""
    reasons: Mapping[str, Any] = field(default_factory=dict)
    """How the model words reasons; checked where its explainer is made."""
    style: Mapping[str, Any] = field(default_factory=dict)
    """How prompts are written; checked where they are."""
    generation: Mapping[str, Any] = field(default_factory=dict)
    """How the model writes, over what a prompt asks for; checked where it is opened."""
    chat: Mapping[str, Any] = field(default_factory=dict)
    """How conversations go; checked where one is opened."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What the moment makes one lean to; checked where it is used."""
    store: Mapping[str, Any] = field(default_factory=dict)
    """Where what people do is kept; checked where it is opened."""
    signals: Mapping[str, Any] = field(default_factory=dict)
    """What each kind of signal is worth; checked where they are read."""
    serve: Mapping[str, Any] = field(default_factory=dict)
    """How the service answers; checked where it starts."""
    explore: Mapping[str, Any] = field(default_factory=dict)
    """How lists explore; checked where they do."""
    fair: Mapping[str, Any] = field(default_factory=dict)
    """Which groups of items lists are fair to; checked where they are."""


TABLES = (
    *("client", "guards", "judges", "gate", "taste", "reasons", "style", "generation"),
    *("chat", "context", "store", "signals", "serve", "explore", "fair"),
)
"""Tables that are checked where they are used."""


def _at_home(found: dict[str, Any], folder: Path) -> None:
    """Take a model's path beside a settings file from there, wherever somebody stands."""
    table = found.get("llm")
    line = table.get("model") if isinstance(table, dict) else None
    kind, _, named = line.partition(":") if isinstance(line, str) else ("", "", "")
    if kind in ("local", "scripted") and named and (folder / named).exists():
        found["llm"] = {**found["llm"], "model": f"{kind}:{(folder / named).resolve()}"}


DEFAULTS = Settings()
"""What holds where nothing is said."""


def settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check a settings file; raise `ConfigError` naming what is wrong."""
    found = settings_file.read(path, environ)
    _at_home(found, path.parent)
    known(found, [part.name for part in fields(Settings)], path.name)
    for name, table in found.items():
        if not isinstance(table, dict):
            raise ConfigError(
                f"{name} in {path.name} is {show(table)}; it must be a table, [{name}]."
            )
    blend = found.get("blend")
    for name, weight in (blend or {}).items():
        if not fits(weight, float):
            raise ConfigError(f"{name} in [blend] is {show(weight)}; it must be a number.")
    for group in ("retrievers", "judges"):
        for name, table in found.get(group, {}).items():
            if not isinstance(table, dict):
                raise ConfigError(f"{name} in [{group}] must be a table, [{group}.{name}].")
    return Settings(
        Data(**arguments(Data, found.get("data", {}), "[data]")),
        Recommend(**arguments(Recommend, found.get("recommend", {}), "[recommend]")),
        EncoderChoice(**arguments(EncoderChoice, found.get("encoder", {}), "[encoder]")),
        blend,
        found.get("retrievers", {}),
        language_model(found.get("llm", {})),
        **{name: found[name] for name in TABLES if name in found},
    )


def chosen(
    said: Settings, profile: str | None = None, llm: str | None = None, **wants: Any
) -> Settings:
    """Return settings with what was asked for this once.

    `llm` is `model` of `[llm]`, "none" is no model; `wants` are other keys of `[llm]`, None for
    those not asked for. Options of the client do not go over to another provider's.
    """
    given = {name: value for name, value in wants.items() if value is not None}
    if llm is not None:
        given["model"] = "" if llm == "none" else llm
    told = asdict(said.llm) | given
    same = told["model"].partition(":")[0] == said.llm.model.partition(":")[0]
    return replace(
        said,
        recommend=replace(said.recommend, profile=profile or said.recommend.profile),
        llm=language_model(told),
        client=said.client if same or not said.llm.model else {},
    )


def language_model(table: Mapping[str, Any]) -> LanguageModel:
    """Check the table `[llm]`; raise `ConfigError` for what it must not hold."""
    said = LanguageModel(**arguments(LanguageModel, table, "[llm]"))
    if said.model == "none":
        said = replace(said, model="")
    if said.weight is not None and not 0 <= said.weight <= 1:
        raise ConfigError(f"weight in [llm] is {said.weight}; it must lie between 0 and 1.")
    if said.depth < 1:
        raise ConfigError(f"depth in [llm] is {said.depth}; the model must see at least 1 item.")
    for name in ("seconds", "answer_seconds"):
        if not getattr(said, name) > 0:
            raise ConfigError(f"{name} in [llm] must be more than 0, not {getattr(said, name)}.")
    return said


def known(table: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    """Raise `ConfigError` for a key of `table` that is not among `names`."""
    allowed = list(names)
    for key in table:
        if key not in allowed:
            raise ConfigError(
                f"Unknown setting {key!r} in {where}.{nearest(key, allowed)} "
                f"Known: {', '.join(allowed) or 'none'}."
            )


NONE = inspect.Parameter.empty
"""The default of a positional parameter that is no option: it is given by who makes the object."""


def arguments(call: Callable[..., Any], table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check a table against the keyword arguments of `call`; return them.

    Raises `ConfigError` for an unknown key (with the nearest known one) or a value of the wrong
    type.
    """
    options = {
        name: _hint(call, parameter.annotation)
        for name, parameter in inspect.signature(call).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
        or (parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is not NONE)
    }
    known(table, options, where)
    checked: dict[str, Any] = {}
    for key, value in table.items():
        if not fits(value, options[key]):
            raise ConfigError(
                f"{key} in {where} is {show(value)}; it must be {_spell(options[key])}."
            )
        checked[key] = tuple(value) if isinstance(value, list) else value
    return checked


def _hint(call: Callable[..., Any], annotation: Any) -> Any:
    """Return a parameter's type; Any for what is not annotated or known to type checkers only."""
    if not isinstance(annotation, str):
        return Any if annotation is inspect.Parameter.empty else annotation
    try:
        return eval(annotation, vars(sys.modules[call.__module__]))
    except NameError:
        return Any


def fits(value: object, hint: Any) -> bool:
    """Say whether a TOML value fits a type hint."""
    origin = get_origin(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if origin in (tuple, list):
        inner = [part for part in get_args(hint) if part is not Ellipsis]
        return isinstance(value, list | tuple) and all(
            any(fits(part, kind) for kind in inner) for part in value
        )
    if origin is not None:
        return isinstance(origin, type) and isinstance(value, origin)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint)


_WORDS = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
_MANY = {float: "numbers", int: "whole numbers", str: "texts"}


def _spell(hint: Any) -> str:
    """Return in words what a hint takes."""
    origin, parts = get_origin(hint), get_args(hint)
    kind = hint if origin is None else origin
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_spell(part) for part in parts))
    if hint is types.NoneType or hint is None:
        return "nothing"
    if hint in _WORDS:
        return _WORDS[hint]
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return "a table"
    if isinstance(kind, type) and issubclass(kind, Iterable):
        inner = {part for part in parts if part is not Ellipsis}
        named = _MANY.get(inner.pop()) if len(inner) == 1 else None
        return f"a list of {named}" if named else "a list"
    return "left out: it can be given in Python only"


def show(value: object) -> str:
    """Return a value for a message, cut where it is long or deep."""
    shown = reprlib.Repr()
    shown.maxstring = shown.maxother = 80
    return shown.repr(value)


def written(**given: object) -> None:
    """Raise `ConfigError` for a value, by its name, that is not text."""
    for name, value in given.items():
        if not isinstance(value, str):
            raise ConfigError(f"{name} is {show(value)}; it must be text.")


def listed(**given: object) -> None:
    """Raise `ConfigError` for a value, by its name, that is not a list of several."""
    for name, value in given.items():
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            raise ConfigError(f"{name} is {show(value)}; it must be a list, even of one.")
