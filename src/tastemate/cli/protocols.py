"""The protocols of `tastemate evaluate`: one function each, from what was asked to the figures."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tastemate.blend import Blend
    from tastemate.build import Resources
    from tastemate.catalog import Catalog
    from tastemate.evaluate.scoring import Factory
    from tastemate.evaluate.turns import Turn
    from tastemate.interactions import Interactions
    from tastemate.language import Language
    from tastemate.protocols import Progress


class Protocol(StrEnum):
    """What is asked of the models."""

    NEXT_ITEM = "next-item"
    GLOBAL_TIME = "global-time"
    COLD_ITEM = "cold-item"
    COLD_USER = "cold-user"
    BEYOND = "beyond-accuracy"
    GENERATION = "generation"
    CONTEXT = "context"
    ONBOARDING = "onboarding"
    CONVERSATION = "conversation"
    UNDERSTANDING = "understanding"


class Ties(StrEnum):
    """Orders of events of one second."""

    ID = "id"
    SHUFFLE_1 = "shuffle-1"
    SHUFFLE_2 = "shuffle-2"


DEFAULT_MODELS: dict[Protocol, tuple[str, ...]] = {
    Protocol.NEXT_ITEM: ("fast",),
    Protocol.GLOBAL_TIME: ("fast", "popular"),
    Protocol.COLD_ITEM: ("content", "balanced", "logistic"),
    Protocol.COLD_USER: ("spoken", "start", "fast", "search"),
    Protocol.BEYOND: ("fast", "balanced", "popular", "content"),
    Protocol.GENERATION: ("fast", "ease-likes"),
    Protocol.CONTEXT: ("fast",),
    Protocol.ONBOARDING: ("fast",),
    Protocol.CONVERSATION: ("talk", "spoken", "ease"),
    Protocol.UNDERSTANDING: (),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    models: tuple[str, ...]
    ties: str
    final: bool
    cuts: tuple[int, ...]
    max_history: int
    min_events: int
    limit_users: int | None
    shuffle_labels: bool
    seed: int
    seeds: tuple[int, ...]
    keep: Path
    fresh: bool
    liked_only: bool
    dialogues: Path | None
    shared: "Resources"
    """The encoder, and the options of retrievers where a project sets them."""
    own: "Blend | None"
    """The project's mix, asked for by the name `OWN`."""
    language: "Language | None"
    ablations: int


OWN = "project"
"""The name of a project's own mix among the models."""


def _factory(wanted: Request, name: str, **options: Any) -> "Factory":
    from tastemate import build

    model = wanted.own if name == OWN and wanted.own is not None else name
    return build.factory(model, wanted.shared, **options)


def _factories(wanted: Request) -> "dict[str, Factory]":
    return {name: _factory(wanted, name) for name in wanted.models}


def _kept(wanted: Request) -> Path:
    """Return the folder of finished parts: one for each encoder and set of options."""
    said = json.dumps([wanted.shared.extra, wanted.own and dict(wanted.own.weights)], default=str)
    return wanted.keep / f"{wanted.shared.encoder_name()}-{sha256(said.encode()).hexdigest()[:8]}"


def _next_item(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.protocol import next_item

    models: dict[str, Any] = {
        name: {seed: _factory(wanted, name, seed=seed) for seed in wanted.seeds}
        if wanted.seeds
        else _factory(wanted, name)
        for name in wanted.models
    }
    first, *others = models
    result = next_item(
        models[first],
        catalog,
        interactions,
        model=first,
        ties=wanted.ties,
        final=wanted.final,
        cuts=wanted.cuts,
        max_history=wanted.max_history,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        shuffle_labels=wanted.shuffle_labels,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        compare={name: models[name] for name in others},
        progress=progress,
    )
    return result.as_json()


def _global_time(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.timesplit import after

    return after(
        _factories(wanted),
        catalog,
        interactions,
        max_history=wanted.max_history,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _borrowing(wanted: Request) -> "dict[str, Factory]":
    """Return a collaborative model whose cold items borrow from their described neighbours."""
    from tastemate import build
    from tastemate.retrieve.borrowing import Borrowing

    def fit(catalog: "Catalog", interactions: "Interactions") -> Borrowing:
        base = build.fitted("ease-likes", wanted.shared, catalog, interactions)
        near = build.fitted("content", wanted.shared, catalog, interactions)
        return Borrowing(base, cast(Any, near), interactions.counts > 0)

    return {"ease-likes, borrowing": fit}


def _cold_item(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.cold import cold_items

    return cold_items(
        _factories(wanted) | _borrowing(wanted),
        catalog,
        interactions,
        liked_only=wanted.liked_only,
        max_history=wanted.max_history,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _cold_user(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.data.datasets import find_folder
    from tastemate.evaluate.cold import cold_users
    from tastemate.evaluate.dialogues import read_seekers
    from tastemate.text.link import Linker

    folder = find_folder("redial")
    path = wanted.dialogues or (None if folder is None else folder / "valid.jsonl")
    linker = Linker(catalog, popularity=interactions.counts)
    return cold_users(
        _factories(wanted),
        catalog,
        interactions,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        seekers=[] if path is None else read_seekers(path),
        link=lambda title: linker.link(title).row,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _beyond(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate import build
    from tastemate.evaluate.beyond import beyond_accuracy

    return beyond_accuracy(
        _factories(wanted),
        catalog,
        interactions,
        reference=build.factory("item-knn"),
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _generation(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.data.datasets import find_folder
    from tastemate.evaluate.generation import generation

    folder = find_folder("redial")
    films = folder / "movies.json" if folder is not None else None
    known: list[str] = []
    if films is not None and films.is_file():
        known = [str(film["name"]) for film in json.loads(films.read_text("utf-8")).values()]
    language = wanted.language
    return generation(
        _factories(wanted),
        catalog,
        interactions,
        model=None if language is None else language.model,
        encoder=wanted.shared.encoder() if language is not None else None,
        known=known,
        ablations=wanted.ablations,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _context(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.moments import moments

    name = wanted.models[0]
    return moments(
        _factory(wanted, name),
        catalog,
        interactions,
        model=name,
        max_history=wanted.max_history,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _onboarding(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.onboarding import onboarding

    name = wanted.models[0]
    return onboarding(
        _factory(wanted, name),
        catalog,
        interactions,
        model=name,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


LEARNED = "dialogues"
"""The retriever that learns from dialogues: cross-validated by worker where it is asked."""


def _crossed(wanted: Request, turns: "Sequence[Turn]") -> "Factory":
    from tastemate import build
    from tastemate.evaluate.learned import Crossed
    from tastemate.retrieve.dialogues import Dialogues

    def fit(catalog: "Catalog", interactions: "Interactions") -> Crossed:
        model = cast(Dialogues, build.retriever(LEARNED, wanted.shared))
        return Crossed(model, turns, seed=wanted.seed).fit(catalog, interactions)

    return fit


def _conversation(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.data.datasets import find_folder
    from tastemate.evaluate.conversation import conversation, read_from

    turns = read_from(find_folder, wanted.dialogues, catalog, interactions)
    factories = _factories(wanted)
    if LEARNED in factories:  # what was learned from a dialogue may not be asked about it
        factories[LEARNED] = _crossed(wanted, turns)
    return conversation(
        factories,
        catalog,
        interactions,
        turns,
        seed=wanted.seed,
        keep=_kept(wanted),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


RUN: dict[Protocol, "Callable[[Request, Catalog, Interactions, Progress], dict[str, Any]]"] = {
    Protocol.NEXT_ITEM: _next_item,
    Protocol.GLOBAL_TIME: _global_time,
    Protocol.COLD_ITEM: _cold_item,
    Protocol.COLD_USER: _cold_user,
    Protocol.BEYOND: _beyond,
    Protocol.GENERATION: _generation,
    Protocol.CONTEXT: _context,
    Protocol.ONBOARDING: _onboarding,
    Protocol.CONVERSATION: _conversation,
}
