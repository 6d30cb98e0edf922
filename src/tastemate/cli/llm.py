"""`tastemate llm`: is the model there, what can it do, what does a call cost, what is it worth?"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    LlmOption,
    RankOption,
    emit,
    open_project,
    page,
    plain,
    table,
    talk,
)

if TYPE_CHECKING:
    from tastemate.language import Language
    from tastemate.messages import Completion
    from tastemate.project import Tastemate
    from tastemate.protocols import ChatModel

UNHEARD = 0.05
"""Share of people whom the model may say nothing about, for what is learned to be kept."""
app = typer.Typer(no_args_is_help=True, help="Look at the language model.")


@app.callback()
def llm() -> None:
    """Look at the language model."""


@app.command()
def check(
    dataset: DatasetOption = None, llm: LlmOption = None, as_json: JsonOption = False
) -> None:
    """Ask the model for a text, JSON, label scores and a stream; exit 1 if it cannot be reached."""
    from tastemate.llm.absent import NONE

    project = open_project(dataset, llm=llm)
    language = project.language
    if language is None:
        result: dict[str, Any] = {"model": None, "reachable": False, "error": NONE, "checks": []}
    else:
        language = project.work.weighed(language, project.profile)
        checks = list(_checks(language.model))
        text = checks[0]
        result = {
            "model": language.model.name,
            "reachable": not text["error"],
            "error": text["error"],
            "rank": language.wants.rank,
            "weight": language.weight,
            "weight_by": language.weight_by,
            "checks": checks,
        }
    if as_json:
        emit(result)
    elif not result["checks"]:
        page().print(f"No model: {plain(result['error'])}. Everything works without one.")
    else:
        table(
            [{k: v for k, v in row.items() if k != "error"} for row in result["checks"]],
            plain(result["model"]),
        )
        said = f"Its order counts {result['weight']:g} ({result['weight_by']})."
        page().print(plain(said), soft_wrap=True)
        for error in dict.fromkeys(row["error"] for row in result["checks"] if row["error"]):
            page().print(plain(error), soft_wrap=True)
    if not result["reachable"]:
        raise typer.Exit(1)


@app.command()
def weigh(
    dataset: DatasetOption = None,
    llm: LlmOption = None,
    rank: RankOption = None,
    users: Annotated[int, typer.Option(min=1, help="People asked about, drawn by the seed.")] = 200,
    depth: Annotated[
        int | None,
        typer.Option(
            min=2, max=100, help="Candidates judged; another depth is not kept. (that of \\[llm])"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the people.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Learn on validation how much the model's order counts, and for histories of what length.

    What is learned is kept, and used where no weight is set.
    """
    from tastemate import build
    from tastemate.errors import ConfigError, StageError
    from tastemate.evaluate import record
    from tastemate.evaluate.reranking import reranking
    from tastemate.llm.absent import NONE
    from tastemate.profile.taste import AttributeTaste

    project = open_project(dataset, llm=llm, rank=rank)
    language = project.language
    if language is None:
        raise ConfigError(f"There is nothing to weigh: {NONE}.")
    if language.wants.rank == "none":
        raise ConfigError("The model is not to rank (rank is none). Name a way with --rank.")
    console = talk()
    depth = depth or language.wants.depth
    found = reranking(
        build.factory(project.profile, project.work.resources),
        lambda items, events: language.mixing(items, events, AttributeTaste(items, events), depth),
        project.catalog,
        project.interactions,
        users=users,
        depth=depth,
        seed=seed,
        progress=lambda what, share: console.print(f"[dim]{share:4.0%} {plain(what)}[/dim]"),
    )
    if found["unheard"] == found["asked"]:
        why = f": {found['errors'][0]}" if found["errors"] else "."
        raise StageError(f"The model said nothing about anybody, so nothing was learned{why}")
    found = {"model": language.model.name, "dataset": project.name} | found
    kept = _keep(project, language, found)
    found["kept"] = not kept
    if as_json:
        emit(found | record.provenance(project.catalog, project.interactions))
        return
    table(found["curve"], f"NDCG@10 of {found['queries']} people by the model's weight")
    page().print(
        f"[llm] weight = {found['weight']}; [gate] signals = {found['signals']}", markup=False
    )
    set_ = language.wants.weight is not None
    told = "weight in [llm] is set and goes before it." if set_ else "It is used from now on."
    page().print(kept or f"Kept in {project.work.weights}. {told}", markup=False, soft_wrap=True)
    for error in found["errors"]:
        console.print(f"[yellow]{plain(error)}[/yellow]")


def _keep(project: "Tastemate", language: "Language", found: dict[str, Any]) -> str:
    """Keep what was learned for what is served; return why not, empty where it is kept."""
    from tastemate.errors import Unavailable
    from tastemate.train.mixing import FEWEST
    from tastemate.train.weights import Learned, keep_learned

    if found["depth"] != language.wants.depth:
        return (
            f"Not kept: {found['depth']} candidates were judged, {language.wants.depth} are served."
        )
    if found["queries"] < FEWEST:
        return (
            f"Not kept: {found['queries']} targets are among the candidates, too few to learn from "
            f"(at least {FEWEST}). Ask about more people with --users."
        )
    if found["unheard"] > UNHEARD * found["asked"]:
        return f"Not kept: nothing was heard about {found['unheard']} of {found['asked']} people."
    learned = Learned(found["weight"], found["signals"], found["queries"])
    served = language.served(project.work.key, project.profile)
    more = {name: found[name] for name in ("ndcg", "without", "asked", "seed")}
    try:
        keep_learned(project.work.weights, served, learned, **more)
    except Unavailable as error:
        return str(error)
    return ""


def _checks(model: "ChatModel") -> Iterator[dict[str, Any]]:
    """Ask for a text, JSON, label scores and a stream, past any cache."""
    from tastemate.messages import Generation, Message, Prompt

    def asked(what: str, **more: Any) -> "Prompt":
        # The time makes it a call that was never made before: nothing cached may answer.
        words = f"{what} (Check of {time.time_ns()}.)"
        few = Generation(max_tokens=16)
        return Prompt("check/1", (Message("user", words),), few, **more)

    yield _row("text", model.complete([asked("Answer with the word: ready.")])[0])
    schema = {
        "type": "object",
        "properties": {"ready": {"type": "boolean"}},
        "required": ["ready"],
        "additionalProperties": False,
    }
    reply = asked('Answer in JSON: {"ready": true}.', schema=schema)
    yield _row("JSON", model.complete([reply])[0], "schema" in model.abilities)
    labels = asked("Answer with one letter, A or B.", labels=("A", "B"))
    yield _row("label scores", model.complete([labels])[0], "labels" in model.abilities)
    yield _streamed(model, asked("Answer with the word: ready."))


def _row(what: str, got: "Completion", able: bool = True) -> dict[str, Any]:
    return {
        "what": what,
        "ok": not got.error,
        "able": able,
        "seconds": round(got.seconds, 3),
        "tokens": got.tokens,
        "dollars": got.cost,
        "error": got.error,
    }


def _streamed(model: "ChatModel", prompt: Any) -> dict[str, Any]:
    from tastemate.errors import Unavailable
    from tastemate.messages import Completion

    start = time.perf_counter()
    try:
        text, error = "".join(model.stream(prompt)), ""
    except Unavailable as failure:
        text, error = "", str(failure)
    got = Completion(text, seconds=time.perf_counter() - start, error=error)
    return _row("stream", got, "stream" in model.abilities)
