"""`tastemate features`: what every item is, read from its text by a model or zero-shot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    LlmOption,
    TextOption,
    emit,
    open_project,
    page,
    plain,
    table,
    talk,
)

if TYPE_CHECKING:
    from tastemate.features.job import Estimate, Log, Outcome, Price
    from tastemate.features.reading import Reader
    from tastemate.features.vocabulary import Vocabulary
    from tastemate.language import Language
    from tastemate.project import Tastemate

ZERO_SHOT_BATCH = 256
PEOPLE = 1024
"""Histories held at once."""


def features(
    dataset: DatasetOption = None,
    llm: LlmOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Read at most so many items now.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would take, and read nothing.")
    ] = False,
    vocabulary: Annotated[
        Path | None,
        typer.Option("--vocabulary", help="A TOML file of features. (the bundled one)"),
    ] = None,
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            metavar="ATTRIBUTE=FEATURE",
            help="Measure the zero-shot reader against an attribute of the data; repeat it.",
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            "--embeddings", help="Write vectors of items and people to this .npz; read nothing."
        ),
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="Items shown at the end.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the halves of --check.")] = 0,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read genre, themes, audience, mood and keywords of every item; stop it and go on any time.

    By the language model, or without one by MiniLM. Only new and changed items are read. What
    was fitted on texts then reads them again.
    """
    from tastemate.artifacts import locked
    from tastemate.features.vocabulary import read_vocabulary

    if embeddings is not None:
        _embed(open_project(dataset, text, llm="none"), embeddings, as_json)
        return
    words = read_vocabulary(vocabulary)
    if check:
        project = open_project(dataset, text, llm="none")
        _check(project, words, check, seed, as_json)
        return
    project = open_project(dataset, text, llm=llm)
    reader, price, missing = _reader(project, words)
    log = project.work.features
    with locked(project.work.folder, "features.lock", wait=False):  # nothing is paid for twice
        result = _run(project, reader, log, limit, price, only_estimate=estimate, quiet=as_json)
    if missing:
        result["degraded"] = [missing]
    result["sample"] = _sample(project, log, sample)
    if as_json:
        emit({"dataset": project.name, "file": str(log.path)} | result)
    else:
        table(result["sample"])
    if result.get("outcome", {}).get("stopped"):
        raise typer.Exit(1)


def _reader(project: "Tastemate", words: "Vocabulary") -> "tuple[Reader, Price | None, str]":
    """Return who reads, what it costs where that is known, and why it is not the model named."""
    from tastemate.llm.absent import Absent

    language = project.language
    if language is None:
        return _zero_shot(project, words), None, ""
    if isinstance(gone := language.model, Absent):
        reader = _zero_shot(project, words)
        said = f"without {gone.name}: {gone.reason.rstrip('.')}; reading with {reader.name}"
        talk().print(plain(said), style="yellow", soft_wrap=True)
        return reader, None, said
    from tastemate.features.model import ModelReader

    return ModelReader(language.model, words, style=language.style), _price(language), ""


def _zero_shot(project: "Tastemate", words: "Vocabulary") -> Any:
    from tastemate.features.zeroshot import ZeroShot, word_rarity

    encoder = project.work.resources.encoder()
    return ZeroShot(words, encoder, rarity=word_rarity(project.catalog))


def _price(language: "Language") -> "Price | None":
    """Return the prices of the settings as a function, None where there are none."""
    known = language.price()
    if known is None:
        return None
    told, answered = known
    return lambda prompt, reply: (prompt * told + reply * answered) / 1_000_000


def _run(
    project: "Tastemate",
    reader: "Reader",
    log: "Log",
    limit: int | None,
    price: "Price | None",
    *,
    only_estimate: bool,
    quiet: bool,
) -> dict[str, Any]:
    from dataclasses import asdict

    from tastemate.cli.evaluate import _progress
    from tastemate.features import job

    expected = job.estimate(project.catalog, reader, log, limit=limit, price=price)
    if not quiet:
        _say_estimate(expected)
    if only_estimate:
        return {"estimate": asdict(expected)}
    batch = job.BATCH if reader.kind == "model" else ZERO_SHOT_BATCH
    with _progress() as progress:
        done = job.run(project.catalog, reader, log, limit=limit, batch=batch, progress=progress)
    if not quiet:
        _say_outcome(done)
    refreshed = project.work.reread()
    return {"estimate": asdict(expected), "outcome": done.as_json(), "refreshed": refreshed}


def _say_estimate(expected: "Estimate") -> None:
    """Say on stderr what is to come, before anything is spent."""
    tokens = expected.prompt_tokens + expected.completion_tokens
    cost = "prices not known" if expected.cost is None else f"at most ${expected.cost:.2f}"
    took = "time not known yet" if expected.seconds is None else f"about {expected.seconds:.0f} s"
    spent = f"at most {tokens:,} tokens, {cost}, " if tokens else ""
    talk().print(
        plain(
            f"{expected.items} items to read by {expected.by} ({expected.kept} are kept): "
            f"{spent}{took}."
        )
    )


def _say_outcome(done: "Outcome") -> None:
    lines = [f"{done.read} items read by {done.by} in {done.seconds:.1f} s."]
    if done.tokens:
        lines.append(f"{done.tokens:,} tokens, ${done.cost:.4f}.")
    if done.dropped:
        told = ", ".join(f"{name} {count}" for name, count in done.dropped.most_common())
        lines.append(f"Dropped, not in the vocabulary or too many: {told}.")
    for error, count in done.errors.most_common(3):
        lines.append(f"{count} failed: {error}")
    if done.stopped:
        lines.append(f"Stopped early: {done.stopped} (--llm none reads without a model.)")
    if done.left:
        lines.append(f"{done.left} items are left; the same command goes on.")
    for line in lines:
        talk().print(plain(line))


def _embed(project: "Tastemate", path: Path, as_json: bool) -> None:
    """Write the items as `content` has them, and everybody as the items they liked."""
    import numpy as np

    from tastemate.features.embeddings import Embeddings
    from tastemate.retrieve.content import Content
    from tastemate.types import Query

    content = project.retriever("content")
    if not isinstance(content, Content):
        raise TypeError(f"content is a {type(content).__name__}")
    users = list(dict.fromkeys((*project.interactions.users, *project.store.events.users())))
    people = [
        content.people([Query(history=project.history(user)) for user in users[at : at + PEOPLE]])
        for at in range(0, len(users), PEOPLE)
    ]
    vectors = content.vectors
    blank = np.zeros((0, vectors.shape[1]), dtype=np.float32)
    Embeddings(project.catalog.ids, vectors, users, np.concatenate([blank, *people])).save(path)
    stand_in = project.work.resources.stand_in()
    result = {
        "dataset": project.name,
        "file": str(path),
        "items": len(vectors),
        "users": len(users),
        "dimensions": vectors.shape[1],
        "encoder": project.work.resources.encoder_name(),
        "degraded": [stand_in] if stand_in else [],
    }
    if as_json:
        emit(result)
        return
    page().print(
        f"{len(vectors)} items and {len(users)} people in {vectors.shape[1]} dimensions: "
        f"{plain(path)}",
        soft_wrap=True,
    )


def _sample(project: "Tastemate", log: "Log", n: int) -> list[dict[str, Any]]:
    """Return the first items with features, with who read them."""
    from tastemate.features.store import read_features

    known = read_features(log, project.catalog)
    return [
        {
            "item_id": project.catalog.ids[row],
            "title": project.catalog.titles[row],
            "features": known.sentence(row),
            "by": known.kept[row].by,
        }
        for row in sorted(known.kept)[:n]
    ]


def _check(
    project: "Tastemate", words: "Vocabulary", pairs: list[str], seed: int, as_json: bool
) -> None:
    from tastemate.errors import ConfigError
    from tastemate.features.calibration import check

    reader = _zero_shot(project, words)
    found = []
    for pair in pairs:
        attribute, equals, feature = pair.partition("=")
        if not equals:
            raise ConfigError(f"--check {pair!r} is not ATTRIBUTE=FEATURE, such as genres=genre.")
        found.append(check(project.catalog, reader, attribute, feature, seed=seed).as_json())
    if as_json:
        emit({"dataset": project.name, "checks": found})
        return
    for one in found:
        page().print(
            plain(
                f"{one['feature']} against {one['attribute']}: {one['items']} items, "
                f"{len(one['values'])} values, right by chance {one['rate']:.3f}"
            )
        )
        table({"thresholds": name} | figures for name, figures in one["figures"].items())
        for value, bar in one["thresholds"].items():
            page().print(plain(f"{value!r} = {bar}"))
