"""`tastemate tune ratings`: every predictor of a rating, and the blend of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tastemate.cli.output import table, talk

if TYPE_CHECKING:
    from tastemate.catalog import Catalog
    from tastemate.protocols import Progress
    from tastemate.train.ratings.pairs import Predictor
    from tastemate.train.ratings.tags import TagTimes
    from tastemate.train.space import Options
    from tastemate.train.tune import Split
    from tastemate.types import Floats

BLENDED = "ratings"
"""What `tastemate tune` calls the blend."""
_TAGS = "tags"
_OPTIONS = ("crowd", "period", "shrinkage", "rounds")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the blend is asked for; `keep` is the folder where vectors of texts stay."""

    final: bool
    shuffle_labels: bool
    seed: int
    keep: Path
    fresh: bool
    options: "Options" = field(default_factory=dict)


def taste_options(settings: Sequence[str]) -> "Options":
    """Return the options of the taste that were given; raise `ConfigError` for any other."""
    from tastemate.errors import ConfigError
    from tastemate.train.ratings.taste import Taste
    from tastemate.train.space import parse_space

    space = parse_space(settings, Taste)
    if space.keys() - set(_OPTIONS) or any(len(values.grid()) > 1 for values in space.values()):
        raise ConfigError(
            f"ratings takes one value each of {', '.join(_OPTIONS)}: --set shrinkage=6."
        )
    return {name: values.grid()[0] for name, values in space.items()}


def blended(
    catalog: "Catalog", split: "Split", folder: Path | None, wanted: Wanted, progress: "Progress"
) -> dict[str, Any]:
    """Fit and blend; `folder` is where the data set lies, for tags with their times."""
    from tastemate.catalog import Catalog
    from tastemate.evaluate.rating import blend_ratings
    from tastemate.train.ratings.tags import read_tag_times

    tagged = None
    if folder is not None and (folder / "tags.csv").is_file():
        tagged = read_tag_times(folder / "tags.csv", catalog)
    if _TAGS in catalog.attributes:
        # Without its times a tag may be younger than the rating it would help to predict.
        catalog = Catalog(catalog.frame.drop(_TAGS))
    encoder, vectors = _vectors(catalog, wanted, progress)
    found = blend_ratings(
        split,
        _predictors(catalog, vectors, tagged, wanted),
        final=wanted.final,
        against="als",
        shuffle_labels=wanted.shuffle_labels,
        seed=wanted.seed,
        progress=progress,
    )
    return {
        "options": dict(wanted.options),
        "encoder": encoder,
        "attributes": list(catalog.attributes),
        **found,
    }


def _vectors(catalog: "Catalog", wanted: Wanted, progress: "Progress") -> "tuple[str, Floats]":
    """Return the encoder's name and the vectors of the items' texts, made once and kept."""
    from tastemate import artifacts
    from tastemate.errors import FormatError
    from tastemate.text.encoder import name_of, open_encoder

    encoder = open_encoder(threads=1)
    name = name_of(encoder)
    place = wanted.keep / f"vectors-{catalog.fingerprint}-{name.split()[0]}"
    if place.exists() and not wanted.fresh:
        try:
            return name, artifacts.read(place, ("vectors",))[1]["vectors"]
        except FormatError:
            pass  # half a cell is no cell: the texts are encoded again
    progress("encoding texts", 0.0)
    vectors = encoder.encode([catalog.describe(row) for row in range(len(catalog))])
    artifacts.write(place, {"encoder": name}, {"vectors": vectors})
    return name, vectors


def _predictors(
    catalog: "Catalog", vectors: "Floats", tagged: "TagTimes | None", wanted: Wanted
) -> "Sequence[Callable[[], Predictor]]":
    """Return makers of all predictors; each taste has one thing more than the one before it."""
    from functools import partial

    from tastemate.train.ratings.factors import Factors
    from tastemate.train.ratings.means import Means
    from tastemate.train.ratings.neighbours import Neighbours
    from tastemate.train.ratings.taste import Taste

    options: dict[str, Any] = {"seed": wanted.seed, **wanted.options}
    plain = partial(Taste, catalog, **options)
    alone = partial(plain, crowd=0.0, period=0.0)
    tags = (
        []
        if tagged is None
        else [partial(alone, vectors=vectors, tagged=tagged, name="taste+time+text+tags")]
    )
    return [
        Means,
        partial(Factors, catalog, seed=wanted.seed),
        partial(Neighbours, "item"),
        partial(Neighbours, "user"),
        partial(alone, timed=False, name="taste"),
        partial(alone, name="taste+time"),
        partial(alone, vectors=vectors, name="taste+time+text"),
        *tags,
        partial(plain, vectors=vectors, tagged=tagged, name="taste+crowd"),
    ]


def show_blend(result: dict[str, Any]) -> None:
    """Print the predictors and the blend for a person."""
    blend, cold = result["blend"], result["cold"]
    seen = [part for part in ("validation", "test") if f"{part}_rmse" in blend]
    rows = [
        {"name": row["name"], "weight": blend["weights"][row["name"]]}
        | {f"{part}_rmse": row[f"{part}_rmse"] for part in seen}
        for row in result["parts"]
    ]
    rows.append({"name": "blend", "weight": 1.0} | {f"{p}_rmse": blend[f"{p}_rmse"] for p in seen})
    table(rows, f"Ratings of {result['dataset']}, split {result['split']}")
    for part in seen:
        low, high = (blend[f"{part}_interval"][end] for end in ("low", "high"))
        less = blend[f"{part}_below_als"]
        talk().print(
            f"{part}: {blend[f'{part}_rmse']:.4f} [{low:.4f}, {high:.4f}], "
            f"below als by {less['value']:.4f} [{less['low']:.4f}, {less['high']:.4f}]"
        )
    if not cold["pairs"]:
        return
    talk().print(
        f"{cold['pairs']} pairs of {cold['part']} whose user or item is not in training: "
        f"{cold['rmse']:.4f}; with the {result['pairs']} others {cold['with_warm_rmse']:.4f}."
    )
