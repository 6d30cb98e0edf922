"""The verbs that ask: recommend, similar, search, predict, explain, compare, taste."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tastemate.cli.output import (
    CountOption,
    DatasetOption,
    JsonOption,
    LlmOption,
    ModelOption,
    RankOption,
    ShowPromptOption,
    TextOption,
    candidates_json,
    emit,
    line_json,
    open_project,
    page,
    plain,
    slate_json,
    table,
    talk,
)

if TYPE_CHECKING:
    from tastemate.scope import Scope
    from tastemate.types import Recommendation, Slate, Taste

UserOption = Annotated[str | None, typer.Option("--user", "-u", help="A user id.")]
LikeOption = Annotated[
    list[str] | None,
    typer.Option("--like", help="Something liked, by id or title; repeat it for more."),
]
SimilarOption = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A retriever with neighbours. (ease, else content)"),
]
RatingOption = Annotated[
    str | None, typer.Option("--model", "-m", help="A retriever that predicts ratings. (als)")
]


def recommend(
    dataset: DatasetOption = None,
    user: UserOption = None,
    k: CountOption = 10,
    query: Annotated[
        str, typer.Option("--query", "-q", help="Free text: what it should be like.")
    ] = "",
    like: LikeOption = None,
    genre: Annotated[
        list[str] | None,
        typer.Option("--genre", help="It must have this genre; repeat it for more."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            help="A wish: 'year>=1990', 'genre!=Horror', 'country in UK,USA'; repeat it for more.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", help="Leave this one out, by id or title; repeat it for more."),
    ] = None,
    allow_seen: Annotated[
        bool, typer.Option("--allow-seen", help="Also what the user has met.")
    ] = False,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="How unlike each other; 0 is off.")
    ] = 0.0,
    novelty: Annotated[float, typer.Option(min=0, max=1, help="How little known; 0 is off.")] = 0.0,
    context: Annotated[
        str,
        typer.Option(
            "--context", help="The moment: company=kids,time=evening; 'now' is what the clock says."
        ),
    ] = "",
    why: Annotated[
        int | None, typer.Option("--why", min=1, help="Show all that line N rests on.")
    ] = None,
    model: ModelOption = None,
    llm: LlmOption = None,
    rank: RankOption = None,
    phrased: Annotated[
        bool | None,
        typer.Option("--phrased/--plain", help="Let the model word the reasons, or not."),
    ] = None,
    show_prompt: ShowPromptOption = False,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recommend: k items for a user, for likes named now, or for nobody in particular."""
    project = open_project(dataset, text, llm=llm, rank=rank, show=show_prompt, explain=phrased)
    wishes = [*(where or ()), *(f"genres={name}" for name in genre or ())]
    start = time.perf_counter()
    slate = project.recommend(
        user,
        k,
        query=query,
        likes=like or (),
        filters=wishes,
        exclude=exclude or (),
        exclude_seen=not allow_seen,
        diversity=diversity,
        novelty=novelty,
        context=_moment(context) if context.strip() else None,
        model=model,
    )
    took = time.perf_counter() - start
    if as_json:
        emit(slate_json(project.name, user, slate, took))
        return
    show_slate(slate, why)


def _moment(written: str) -> dict[str, str]:
    """Read a moment; "now" among its parts is what the clock says here."""
    from datetime import datetime

    from tastemate.context import moment, read

    parts = [part.strip() for part in written.split(",")]
    said = read(",".join(part for part in parts if part != "now"))
    if "now" not in parts:
        return said
    zone = datetime.now().astimezone().tzinfo
    return (moment(time.time(), zone) if zone else moment(time.time())) | said


def show_slate(slate: "Slate", why: int | None = None) -> None:
    """Print a slate for a person."""
    console = page()
    for line in slate.items:
        console.print(f"[bold]{line.rank:>3}  {plain(line.item.title)}[/bold]")
        if line.reason.text:
            console.print(f"     [dim]{plain(line.reason.text)}[/dim]")
        if why == line.rank:
            _show_evidence(line)
    if not slate.items:
        talk().print("Nothing is left to show: everything is seen, excluded or filtered out.")
    if why is not None and why > len(slate.items):
        talk().print(f"There is no line {why}; the list has {len(slate.items)}.")
    if slate.unknown:
        talk().print(f"{slate.unknown} items left out: nothing is known of what was asked for.")
    show_trace(slate)


def show_trace(slate: "Slate") -> None:
    """Say what failed, and what stages have to say besides."""
    for failed in slate.degraded:
        talk().print(f"[yellow]without {plain(failed)}[/yellow]")
    for step in slate.trace:
        if step.note:
            talk().print(f"[dim]{plain(step.name)}: {plain(step.note)}[/dim]")


def _degraded(account: "Scope") -> dict[str, list[str]]:
    return {"degraded": list(dict.fromkeys(account.errors))}


def _say(account: "Scope") -> None:
    """Say what failed and what was left out while something was asked."""
    for error in dict.fromkeys(account.errors):
        talk().print(f"[yellow]without {plain(error)}[/yellow]")
    for note in dict.fromkeys(account.notes):
        talk().print(f"[dim]{plain(note)}[/dim]")


def _show_evidence(line: "Recommendation") -> None:
    console = page()
    for found in line.sources:
        console.print(f"       found by {found.source} at rank {found.rank} ({found.score:.3f})")
    for fact in line.reason.evidence:
        parts = [fact.id, fact.kind, fact.title, fact.attribute, str(fact.value)]
        shown = " · ".join(plain(part) for part in parts if part)
        count = f" · {fact.count}" if fact.count else ""
        share = f" · {fact.weight:.0%} of the score" if fact.weight else ""
        console.print(f"       {shown}{count}{share}")


def similar(
    item: Annotated[str, typer.Argument(help="An id or a title.")],
    dataset: DatasetOption = None,
    k: CountOption = 10,
    model: SimilarOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the items most like one."""
    project = open_project(dataset, text)
    found = candidates_json(project.similar(item, k, model=model), project.catalog)
    if as_json:
        emit(
            {
                "dataset": project.name,
                "item": project.catalog.ids[project.find(item)],
                "items": found,
            }
        )
        return
    table(found)


def search(
    words: Annotated[str, typer.Argument(help="Free text.")],
    dataset: DatasetOption = None,
    k: CountOption = 10,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find items by free text over titles, attributes and descriptions."""
    project = open_project(dataset, text)
    found = candidates_json(project.search(words, k), project.catalog)
    if as_json:
        emit({"dataset": project.name, "query": words, "items": found})
        return
    table(found)


def predict(
    user: Annotated[str, typer.Option("--user", "-u", help="A user id.")],
    items: Annotated[list[str], typer.Argument(help="Ids or titles.")],
    dataset: DatasetOption = None,
    model: RatingOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict the rating a user would give to items."""
    project = open_project(dataset, text)
    ratings = project.predict(user, items, model=model or "als")
    rows = [
        {
            "item_id": project.catalog.ids[project.find(item)],
            "title": project.catalog.titles[project.find(item)],
            "rating": rating,
        }
        for item, rating in zip(items, ratings, strict=True)
    ]
    if as_json:
        emit({"dataset": project.name, "user": user, "items": rows})
        return
    table(rows)


def explain(
    user: Annotated[str, typer.Option("--user", "-u", help="A user id.")],
    item: Annotated[str, typer.Argument(help="An id or a title.")],
    dataset: DatasetOption = None,
    model: ModelOption = None,
    llm: LlmOption = None,
    show_prompt: ShowPromptOption = False,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say where an item stands for a user, and why; with --llm in the model's words."""
    from tastemate.scope import opened

    asks = True if llm not in (None, "none") or show_prompt else None
    project = open_project(dataset, text, llm=llm, show=show_prompt, explain=asks)
    with opened() as account:
        line = project.explain(user, item, model=model)
    if as_json:
        seen = any(fact.kind == "seen" for fact in line.reason.evidence)
        about = {"dataset": project.name, "user": user, "seen": seen}
        emit(about | _degraded(account) | line_json(line))
        return
    page().print(f"[bold]{plain(line.item.title)}[/bold], rank {line.rank} for {plain(user)}")
    page().print(plain(line.reason.text or "Nothing in the history speaks for or against it."))
    _show_evidence(line)
    _say(account)


def compare(
    user: Annotated[str, typer.Option("--user", "-u", help="A user id.")],
    items: Annotated[list[str], typer.Argument(help="Two or three ids or titles.")],
    dataset: DatasetOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold two or three items against a user's taste."""
    from tastemate.scope import opened

    project = open_project(dataset, text)
    with opened() as account:
        found = project.compare(user, items)
    if as_json:
        emit({"dataset": project.name, "user": user} | _degraded(account) | asdict(found))
        return
    page().print(plain(found.text))
    _say(account)


def taste(
    dataset: DatasetOption = None,
    user: UserOption = None,
    like: LikeOption = None,
    llm: LlmOption = None,
    show_prompt: ShowPromptOption = False,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read what somebody likes and dislikes, each statement with its items.

    With --llm or --show-prompt the model is asked to read it.
    """
    from tastemate.scope import opened

    asks = True if llm not in (None, "none") or show_prompt else None
    project = open_project(dataset, text, llm=llm, show=show_prompt, taste=asks)
    with opened() as account:
        read = project.taste(user, likes=like or ())
    if as_json:
        emit({"dataset": project.name, "user": user} | _degraded(account) | asdict(read))
        return
    show_taste(read, dict(zip(project.catalog.ids, project.catalog.titles, strict=True)))
    _say(account)


def show_taste(read: "Taste", titles: dict[str, str]) -> None:
    """Print a taste for a person."""
    console = page()
    console.print(plain(read.text or "Too little is known yet to say what this person likes."))
    for statement in read.statements:
        mark = "+" if statement.likes else "-"
        names = ", ".join(titles.get(item, item) for item in statement.items[:3])
        console.print(f"  {mark} {plain(statement.text)} [dim]({plain(names)})[/dim]")
