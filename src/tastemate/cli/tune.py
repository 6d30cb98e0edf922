"""`tastemate tune`: the best options of a model, searched on validation only."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.blended import BLENDED, Wanted, blended, show_blend, taste_options
from tastemate.cli.output import DatasetOption, JsonOption, emit, open_project, source, table, talk

if TYPE_CHECKING:
    from tastemate.catalog import Catalog
    from tastemate.interactions import Interactions
    from tastemate.protocols import Progress
    from tastemate.train.tune import Split

LETTERS = "split_spark_seed0.txt"
"""The committed split of a folder of ratings: one letter t, v or e per rating, in file order."""
_RATED = "ml-latest-small"
"""What the rating grid is about when nothing is named and it is on this machine."""


class Rival(StrEnum):
    """What the rating grid can be compared with."""

    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class _Data:
    """What was opened, and its committed split where it has one."""

    name: str
    catalog: "Catalog"
    interactions: "Interactions"
    letters: Path | None
    folder: Path | None = None


def tune(
    model: Annotated[
        str,
        typer.Argument(
            help="A retriever; als is tuned on rating error; ratings blends all that predict one."
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="rank=6,8,12 or regularisation=0.05..0.8; repeat it."),
    ] = None,
    draws: Annotated[
        int, typer.Option("--random", min=0, help="So many random cells instead of the grid.")
    ] = 0,
    against: Annotated[
        Rival | None, typer.Option("--against", help="als: the same fits by Spark in this run.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="ratings: texts to join, such as movie-text.")
    ] = None,
    final: Annotated[
        bool,
        typer.Option("--final", help="ratings: the test as well; leaves a line in final.log."),
    ] = False,
    shuffle_labels: Annotated[
        bool,
        typer.Option("--shuffle-labels", help="ratings: the control, which should find nothing."),
    ] = False,
    dataset: DatasetOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the models, splits and draws.")] = 0,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Folder of finished cells. (in the state folder)")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make everything again, whatever is kept.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Search a model's options, rating error for als, NDCG@10 for others; or blend ratings."""
    from tastemate.data.places import state_home
    from tastemate.errors import ConfigError
    from tastemate.evaluate import record

    folder = keep or state_home() / "tuned"
    if model != "als" and against is not None:
        raise ConfigError("Only als is compared with Spark; leave out --against, or tune als.")
    if model == "als" and draws:
        raise ConfigError("als is tuned on a grid; leave out --random.")
    if model != BLENDED and (text is not None or final or shuffle_labels):
        raise ConfigError("--text, --final and --shuffle-labels go with: tastemate tune ratings.")
    if model == BLENDED and draws:
        raise ConfigError("The blend learns its weights; leave out --random.")
    data = _open(dataset, model, text)
    with _progress() as progress:
        if model == BLENDED:
            how = Wanted(final, shuffle_labels, seed, folder, fresh, taste_options(settings or ()))
            result = blended(data.catalog, _split(data, seed), data.folder, how, progress)
            result["split"] = _split_name(data)
        elif model == "als":
            result = _ratings(data, settings or (), against, seed, folder, fresh, progress)
        else:
            result = _ranking(model, data, settings or (), draws, seed, folder, fresh, progress)
    result = {"model": model, "dataset": data.name, "seed": seed} | result
    result |= record.provenance(data.catalog, data.interactions)
    if as_json:
        emit(result)
    elif model == BLENDED:
        show_blend(result)
    else:
        _show(result)


def _open(dataset: str | None, model: str, text: str | None = None) -> _Data:
    from tastemate.data.datasets import find_folder, open_dataset

    named = source(dataset)
    if (Path(named) / "tastemate.toml").is_file():
        project = open_project(named, measures=True)
        return _Data(project.name, project.catalog, project.interactions, None)
    if dataset is None and model in ("als", BLENDED) and find_folder(_RATED) is not None:
        named = _RATED
        talk().print(f"[dim]on {_RATED}; name another with --dataset[/dim]")
    opened = open_dataset(named, text=text)
    folder = find_folder(named) or Path(named)
    found = folder / LETTERS if (folder / LETTERS).is_file() else None
    return _Data(opened.name, opened.catalog, opened.interactions, found, folder)


def _split(data: _Data, seed: int) -> "Split":
    """Return the committed split, or 60, 20 and 20% drawn by the seed."""
    from tastemate.data.split import committed, random_ratio, read_letters
    from tastemate.errors import ConfigError
    from tastemate.train.tune import Split

    scale = data.interactions.scale
    if not len(data.interactions) or scale.high <= scale.low:
        raise ConfigError(
            f"{data.name} holds no ratings to predict. Name a data set with ratings, "
            "such as --dataset ml-latest-small."
        )
    if data.letters is not None:
        parts = committed(data.interactions, read_letters(data.letters))
    else:
        train, validation, test = random_ratio(data.interactions, (0.6, 0.2, 0.2), seed)
        parts = (train, validation, test)
    return Split(data.catalog, *parts)


def _split_name(data: _Data) -> str:
    return LETTERS if data.letters else "random .6/.2/.2"


def _ratings(
    data: _Data,
    settings: Sequence[str],
    against: Rival | None,
    seed: int,
    folder: Path,
    fresh: bool,
    progress: "Progress",
) -> dict[str, Any]:
    """Run the rating grid on the committed split, or on 60, 20 and 20% drawn by the seed."""
    from tastemate.errors import ConfigError
    from tastemate.retrieve.als import BiasedAls
    from tastemate.train.space import parse_space
    from tastemate.train.tune import RANKS, REGULARISATIONS, als_grid

    space = parse_space(settings, BiasedAls)
    if space.keys() - {"rank", "regularisation"}:
        raise ConfigError("The grid of als is over rank and regularisation; --set only those.")
    ranks = space["rank"].grid() if "rank" in space else RANKS
    penalties = space["regularisation"].grid() if "regularisation" in space else REGULARISATIONS
    found = als_grid(
        _split(data, seed),
        ranks=[int(rank) for rank in ranks],
        regularisations=[float(penalty) for penalty in penalties],
        seed=seed,
        against_spark=against is not None,
        keep=folder,
        fresh=fresh,
        progress=progress,
    )
    return {"split": _split_name(data), **found}


def _ranking(
    model: str,
    data: _Data,
    settings: Sequence[str],
    draws: int,
    seed: int,
    folder: Path,
    fresh: bool,
    progress: "Progress",
) -> dict[str, Any]:
    """Search by NDCG@10 of the next item over the validation cuts."""
    from tastemate import build
    from tastemate.evaluate.protocol import next_item
    from tastemate.train.space import Options, parse_space
    from tastemate.train.tune import search

    kind, _ = build.retriever_class(model)

    def measure(options: Options) -> float:
        made = build.factory(model, **options)
        result = next_item(made, data.catalog, data.interactions, model=model, seed=seed)
        return result.metrics["ndcg@10"].value

    found = search(
        model,
        parse_space(settings, kind),
        measure,
        draws=draws,
        seed=seed,
        keep=folder,
        fresh=fresh,
        fingerprint=f"{data.catalog.fingerprint}-{data.interactions.fingerprint}",
        progress=progress,
    )
    return {"metric": "ndcg@10", "split": "validation", **found}


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Show the cell at work on stderr; a bar where it is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=talk(), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


def _show(result: dict[str, Any]) -> None:
    """Print the grid and the best cell for a person."""
    table(result["grid"], f"{result['model']} on {result['dataset']}, split {result['split']}")
    table([result["best"]], "Best on validation")
    if "pairs" not in result:
        return
    rows = [{"by": "Tastemate", "seconds": result["seconds"], **_errors(result["best"])}]
    if "spark" in result:
        best = result["spark"]["best"]
        rows.append({"by": "Spark", "seconds": result["spark_seconds"], **_errors(best)})
    table(rows, f"All fits; test error over {result['pairs']} pairs")
    cold = result["cold"]
    talk().print(
        f"With the pairs whose user or item is not in training ({cold['pairs']} in all) "
        f"the test error is {cold['test_rmse']:.4f}."
    )


def _errors(best: dict[str, Any]) -> dict[str, float]:
    return {name: best[name] for name in ("validation_rmse", "test_rmse")}
