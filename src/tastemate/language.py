"""The composition root of the language model: what is wrapped around it, and where it is asked.

Beside `build`, the only module that names concrete classes. To add a way of ranking: one file, one
row in `JUDGES`.
"""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from tastemate import config
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, Unavailable, nearest
from tastemate.interactions import Interactions, Scale
from tastemate.messages import Generation, Prompt
from tastemate.protocols import ChatModel, Explainer, Profiler, Ranker

if TYPE_CHECKING:
    from tastemate.llm.prompts import Style
    from tastemate.rank.mix import ModelRanker
    from tastemate.train.weights import Learned, Served

JUDGES: dict[str, str] = {
    "labels": "tastemate.rank.verbalizer:LabelScores",
    "listwise": "tastemate.rank.listwise:Listwise",
    "pointwise": "tastemate.rank.pointwise:Pointwise",
    "pairwise": "tastemate.rank.pairwise:Pairwise",
}
"""How a language model may rank, `rank` in `[llm]`."""
WEIGHT = 0.5
"""Share of the model's order where none was set or learned; set by hand."""


@dataclass(frozen=True)
class Language:
    """A language model with its guards around it, and what it is asked to do."""

    model: ChatModel
    settings: config.Settings
    style: "Style"
    learned: "Learned | None" = None
    """What `tastemate llm weigh` learned for what is served; None where it did not."""

    @property
    def wants(self) -> config.LanguageModel:
        """What the model is asked to do."""
        return self.settings.llm

    @property
    def joins(self) -> bool:
        """Whether the model has a part in lists: their order or their reasons."""
        return self.wants.rank != "none" or self.wants.explain or bool(self.style.promote)

    @property
    def weight(self) -> float:
        """The share of the model's order: as set, else as learned, else `WEIGHT`."""
        if self.wants.weight is not None:
            return self.wants.weight
        return WEIGHT if self.learned is None else self.learned.weight

    @property
    def weight_by(self) -> str:
        """Where `weight` comes from."""
        if self.wants.weight is not None:
            return "set in [llm]"
        if self.learned is None:
            return "a guess; learn it with `tastemate llm weigh`"
        return f"learned from {self.learned.queries} people by `tastemate llm weigh`"

    def weighed(self, path: Path, data: str, mix: Blend) -> "Language":
        """Return this with what the file says was learned of its order for a data set and a mix."""
        from tastemate.train.weights import read_learned

        if self.wants.rank == "none":
            return self
        return replace(self, learned=read_learned(path, self.served(data, mix)))

    def served(self, data: str, mix: Blend) -> "Served":
        """Return what a weight that is learned now will hold for; `data` is a hash of the data."""
        from tastemate.train.weights import Served

        judge = self.judge(self.wants.rank).name
        options = self.settings.judges.get(judge)
        told = f" {json.dumps(options, sort_keys=True, default=str)}" if options else ""
        return Served(
            model=self.model.name,
            rank=judge + told,
            depth=self.wants.depth,
            taste=self.wants.taste,
            data=data,
            profile=json.dumps([mix.method, sorted(mix.weights.items())]),
        )

    def price(self) -> tuple[float, float] | None:
        """Return US dollars a million tokens of prompt and of reply; None where not known."""
        from tastemate.llm.wrappers.budgeted import Budgeted

        layer: Any = self.model
        while layer is not None and not isinstance(layer, Budgeted):
            layer = getattr(layer, "inner", None)
        return layer.price(self.model.name) if layer is not None else None

    def judge(self, name: str) -> Any:
        """Return the judge of a name in `JUDGES`; "auto" takes labels where the model has them.

        Raises `ConfigError` for options in `[judges]` that it does not have.
        """
        if name == "auto":
            name = "labels" if "labels" in self.model.abilities else "listwise"
        module, _, class_name = JUDGES[name].partition(":")
        kind = getattr(importlib.import_module(module), class_name)
        options = config.arguments(kind, self.settings.judges.get(name, {}), f"[judges.{name}]")
        return kind(self.model, **{"style": self.style} | options)

    def ranker(self, catalog: Catalog, interactions: Interactions, base: Profiler) -> Ranker | None:
        """Return what ranks by the model, behind its gate; None where it is not to rank.

        Tastes are read by `base`, or by the model where the settings say so.
        """
        if self.wants.rank == "none" or self.wants.weight == 0:
            return None
        from tastemate.rank.gate import Gate, Unasked

        if not self.weight:
            return Unasked(
                self.judge(self.wants.rank).name, f"its order counts 0, {self.weight_by}"
            )
        made = self.mixing(catalog, interactions, base)
        if not self.wants.gate:
            return made
        options = config.arguments(Gate, self.settings.gate, "[gate]")
        if self.wants.weight is None and self.learned is not None:
            options = {"signals": self.learned.signals} | options
        options["budget"] = getattr(self.model, "left", None)
        return Gate(made, **options)

    def mixing(
        self,
        catalog: Catalog,
        interactions: Interactions,
        base: Profiler,
        depth: int | None = None,
    ) -> "ModelRanker":
        """Return what `ranker` puts behind the gate: of this depth, else that of the settings."""
        from tastemate.rank.mix import ModelRanker

        return ModelRanker(
            self.judge(self.wants.rank),
            catalog,
            interactions.scale,
            weight=self.weight,
            depth=depth or self.wants.depth,
            profiler=self.profiler(base, catalog, interactions),
        )

    def alone(self, catalog: Catalog, scale: Scale, depth: int) -> "ModelRanker":
        """Return a ranker by the model alone: no gate, nothing of the retrievers mixed in."""
        from tastemate.rank.mix import ModelRanker

        return ModelRanker(self.judge(self.wants.rank), catalog, scale, weight=1.0, depth=depth)

    def worded(self, inner: Explainer, catalog: Catalog, interactions: Interactions) -> Explainer:
        """Return reasons worded by the model where the settings say so, checked by evidence.

        What the operator promotes is disclosed either way. Raises `ConfigError` for options in
        `[reasons]` that there are not.
        """
        from tastemate.explain.disclosed import Disclosed
        from tastemate.explain.phrased import PhrasedExplainer
        from tastemate.explain.verify import Verifier

        catalog.rows(self.style.promote)  # an id that does not exist is said before it is used
        options = config.arguments(PhrasedExplainer, self.settings.reasons, "[reasons]")
        if self.wants.explain:
            verifier = Verifier(catalog, interactions)
            options = {"style": self.style} | options
            inner = PhrasedExplainer(inner, verifier, self.model, catalog, **options)
        return Disclosed(inner, self.style.promote) if self.style.promote else inner

    def profiler(self, base: Profiler, catalog: Catalog, interactions: Interactions) -> Profiler:
        """Return tastes read by the model where the settings say so; `base` stands behind it.

        Raises `ConfigError` for options in `[taste]` that there are not.
        """
        from tastemate.profile.worded import WordedTaste

        options = config.arguments(WordedTaste, self.settings.taste, "[taste]")
        if not self.wants.taste:
            return base
        options = {"style": self.style} | options
        return WordedTaste(base, catalog, interactions.scale, self.model, **options)


@runtime_checkable
class Loading(Protocol):
    """A client that takes long to be ready."""

    load_seconds: float

    def start(self, seconds: float = 0.0) -> None:
        """Begin to load, and wait so long for it."""
        ...


def open_language(
    settings: config.Settings, folder: Path, show: Callable[[Prompt], None] | None = None
) -> Language | None:
    """Open the model of the settings; None where none is named and no prompt is to be shown.

    One that cannot be opened is `Absent`: what asks it says why. `folder` keeps its cache, its
    account and its records. `show` gets what is sent, each time: nothing is cached then. Raises
    `ConfigError` for settings that make no sense.
    """
    config.known(settings.judges, JUDGES, "[judges]")
    if settings.llm.rank not in (ways := ("auto", "none", *JUDGES)):
        raise ConfigError(
            f"rank in [llm] is {settings.llm.rank!r}.{nearest(settings.llm.rank, ways)} "
            f"Known: {', '.join(ways)}."
        )
    line = settings.llm.model
    if not line and show is None:
        return None
    from tastemate.llm.absent import Absent
    from tastemate.llm.choice import line_of, open_model
    from tastemate.llm.prompts import Style
    from tastemate.llm.wrappers.guards import Guards, wrapped
    from tastemate.llm.wrappers.shown import Shown
    from tastemate.llm.wrappers.writing import Writing

    local = bool(line) and line_of(line).provider == "local"
    usual: dict[str, Any] = {"patience": settings.llm.seconds, "together": local}
    guards = Guards(**usual | config.arguments(Guards, settings.guards, "[guards]"))
    style = Style(**config.arguments(Style, settings.style, "[style]"))
    writes = config.arguments(Generation, settings.generation, "[generation]")
    model: ChatModel = Shown(Absent(), show) if show else Absent()
    if line:
        try:
            client = open_model(line, **settings.client)
            if isinstance(client, Loading):
                # A model is waited for before any answer's time begins to run, an SDK is not.
                client.start(client.load_seconds if local else 0.0)
            if show is not None:
                client, guards = Shown(client, show), replace(guards, cache=False)
            model = wrapped(client, folder, guards)
            model = Writing(model, writes) if writes else model  # outermost: the cache must see it
        except Unavailable as missing:
            model = Absent(str(missing), line)
            model = Shown(model, show) if show else model
    return Language(model, settings, style)
