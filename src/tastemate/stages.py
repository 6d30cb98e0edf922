"""What stands behind the blend: what ranks, what arranges, what explains.

The other half of the composition root (`build`): it names the concrete classes of these stages.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tastemate import config
from tastemate.catalog import Catalog
from tastemate.errors import DataError
from tastemate.interactions import Interactions
from tastemate.language import Language
from tastemate.protocols import Attributing, Explainer, Profiler, Ranker, Retriever
from tastemate.rank.arranging import Chain
from tastemate.rank.beliefs import LinUcb, Log, Thompson
from tastemate.rank.credit import credited
from tastemate.rank.explore import Beliefs, Explorer
from tastemate.rank.renewed import Renewed
from tastemate.train.position import of_frame
from tastemate.traits import Traits
from tastemate.types import Floats

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Exploring:
    """`[explore]`: how lists explore where a query turns `explore` up."""

    policy: Literal["thompson", "linucb"] = "thompson"
    share: float = 0.3
    """Share of the places of a list that explore."""
    reach: int = 30
    """Candidates that such a place draws from."""
    floor: float = 0.1
    """Part of the chance that is dealt evenly among them."""
    rewards: tuple[str, ...] = ("click", "play", "like", "save", "purchase")
    """Kinds of signal that reward an impression."""
    window: int = 86_400
    """Seconds after an impression within which they do."""
    examination: tuple[float, ...] = ()
    """Chance that each place is looked at, from place 1 (`train.position`); else all alike."""
    places: bool = False
    """Whether that is estimated from the log, where `examination` names none."""
    days: int = 30
    """Of the log that is learned from."""
    minutes: float = 10.0
    """After which it is read again."""


@dataclass(frozen=True)
class Arranging:
    """What the operator declares of arranging: the tables `[fair]` and `[explore]`."""

    fair: Options = field(default_factory=dict)
    explore: Options = field(default_factory=dict)
    log: Callable[[int], tuple[pl.DataFrame, pl.DataFrame]] | None = None
    """Gives the impressions and signals of so many days, as the store frames them."""


AS_DECLARED = Arranging()
"""Nothing declared: no groups, exploration as it comes."""


def arranger(
    catalog: Catalog,
    vectors: Floats | None,
    counts: NDArray[np.int64],
    traits: Traits,
    said: Arranging,
) -> Chain:
    """Return what novelty, diversity, fairness and exploration do, in this order.

    Raises `ConfigError` for what `[fair]` and `[explore]` must not hold.
    """
    from tastemate.rank.diversify import Arranger
    from tastemate.rank.fair import Fair

    fair = config.arguments(Fair, said.fair, "[fair]")
    return Chain(
        (
            Arranger(catalog, vectors, counts, traits=traits),
            Fair(catalog, counts, traits=traits, **fair),
            explorer(catalog, vectors, said),
        )
    )


def explorer(catalog: Catalog, vectors: Floats | None, said: Arranging) -> Explorer:
    """Return what explores, by what the log says of items; raise `ConfigError` for `[explore]`."""
    wants = Exploring(**config.arguments(Exploring, said.explore, "[explore]"))
    prior = LinUcb(vectors) if wants.policy == "linucb" else Thompson()
    read = said.log

    def believed(impressions: pl.DataFrame, signals: pl.DataFrame) -> Beliefs:
        seen = log(impressions, signals)
        return prior.fit(seen) if isinstance(prior, LinUcb) else Thompson.fit(seen, len(catalog))

    def log(impressions: pl.DataFrame, signals: pl.DataFrame) -> Log:
        return Log.of(
            impressions,
            signals,
            catalog,
            kinds=wants.rewards,
            window=wants.window,
            examination=wants.examination or (looked(impressions, signals) if wants.places else ()),
        )

    def looked(impressions: pl.DataFrame, signals: pl.DataFrame) -> tuple[float, ...]:
        seen = credited(impressions, signals, wants.rewards, wants.window)
        with suppress(DataError):  # too little yet: all places alike
            return tuple(of_frame(seen).curve.tolist())
        return ()

    beliefs: Beliefs = prior
    if read is not None:
        beliefs = Renewed(prior, lambda: believed(*read(wants.days)), wants.minutes * 60)
    return Explorer(beliefs, share=wants.share, reach=wants.reach, floor=wants.floor)


def explainer(
    catalog: Catalog,
    interactions: Interactions,
    parts: Sequence[tuple[Retriever, float]],
    traits: Traits,
    language: Language | None,
) -> Explainer:
    """Return what says why: from the scores that can be split; a model may word it."""
    from tastemate.explain.evidence import EvidenceExplainer

    split = [(part, weight) for part, weight in parts if isinstance(part, Attributing)]
    offline = EvidenceExplainer(catalog, interactions, split, traits=traits)
    return offline if language is None else language.worded(offline, catalog, interactions)


def ranker(
    language: Language | None, catalog: Catalog, interactions: Interactions, traits: Traits
) -> Ranker | None:
    """Return the model's ranker; None where no model ranks."""
    from tastemate.profile.taste import AttributeTaste

    if language is None or language.wants.rank == "none":
        return None
    base = AttributeTaste(catalog, interactions, traits=traits)
    return language.ranker(catalog, interactions, base)


def profiler(language: Language | None, catalog: Catalog, interactions: Interactions) -> Profiler:
    """Return what reads tastes: by the model where the settings say so, else by attributes."""
    from tastemate.profile.taste import AttributeTaste

    base = AttributeTaste(catalog, interactions)
    return base if language is None else language.profiler(base, catalog, interactions)
