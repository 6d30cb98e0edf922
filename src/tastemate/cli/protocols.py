"""The protocols of `tastemate evaluate`: one function each, from what was asked to the figures."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from tastemate.cli.request import Protocol, Request

if TYPE_CHECKING:
    from tastemate.catalog import Catalog
    from tastemate.evaluate.scoring import Factory
    from tastemate.evaluate.turns import Turn
    from tastemate.interactions import Interactions
    from tastemate.protocols import Progress


def _next_item(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.protocol import next_item

    models: dict[str, Any] = {
        name: {seed: wanted.factory(name, seed=seed) for seed in wanted.seeds}
        if wanted.seeds
        else wanted.factory(name)
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
        keep=wanted.kept(),
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
        wanted.factories(),
        catalog,
        interactions,
        max_history=wanted.max_history,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=wanted.kept(),
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
        wanted.factories() | _borrowing(wanted),
        catalog,
        interactions,
        liked_only=wanted.liked_only,
        max_history=wanted.max_history,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=wanted.kept(),
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
        wanted.factories(),
        catalog,
        interactions,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        seekers=[] if path is None else read_seekers(path),
        link=lambda title: linker.link(title).row,
        keep=wanted.kept(),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _beyond(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate import build
    from tastemate.evaluate.beyond import beyond_accuracy

    return beyond_accuracy(
        wanted.factories(),
        catalog,
        interactions,
        reference=build.factory("item-knn"),
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=wanted.kept(),
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
        wanted.factories(),
        catalog,
        interactions,
        model=None if language is None else language.model,
        encoder=wanted.shared.encoder() if language is not None else None,
        known=known,
        ablations=wanted.ablations,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=wanted.kept(),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _context(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.moments import moments

    name = wanted.models[0]
    return moments(
        wanted.factory(name),
        catalog,
        interactions,
        model=name,
        max_history=wanted.max_history,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=wanted.kept(),
        fresh=wanted.fresh,
        progress=progress,
    ).as_json()


def _onboarding(
    wanted: Request, catalog: "Catalog", interactions: "Interactions", progress: "Progress"
) -> dict[str, Any]:
    from tastemate.evaluate.onboarding import onboarding

    name = wanted.models[0]
    return onboarding(
        wanted.factory(name),
        catalog,
        interactions,
        model=name,
        min_events=wanted.min_events,
        limit_users=wanted.limit_users,
        seed=wanted.seed,
        keep=wanted.kept(),
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
    factories = wanted.factories()
    if LEARNED in factories:  # what was learned from a dialogue may not be asked about it
        factories[LEARNED] = _crossed(wanted, turns)
    return conversation(
        factories,
        catalog,
        interactions,
        turns,
        seed=wanted.seed,
        keep=wanted.kept(),
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
