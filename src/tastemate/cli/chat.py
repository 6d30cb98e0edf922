"""`tastemate chat`: a conversation in the terminal, kept, with its beliefs open to the person."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from tastemate.cli.ask import UserOption, show_slate
from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    LlmOption,
    ShowPromptOption,
    TextOption,
    line_json,
    open_project,
    page,
    plain,
    talk,
)
from tastemate.errors import TastemateError

if TYPE_CHECKING:
    from tastemate.chat.conversation import Conversation
    from tastemate.chat.keeping import Sessions
    from tastemate.chat.reply import Reply

Replies: TypeAlias = "Callable[[Callable[[str], None] | None], Reply]"
"""Answers, and lets its sentences be heard."""
Verdict: TypeAlias = Literal["liked", "disliked", "seen"]

HELP = """\
/why N      why the N-th item is shown, and what that rests on
/undo       take the last change back; again, the one before
/forget N   drop line N of /taste; without N, everything said here
/taste      what is believed of you, and from which message
/history    what was said so far
/like N, /dislike N, /seen N   a verdict on the N-th item shown
/remember   keep the likes and dislikes of this conversation for good (needs --user)
/quit       leave; the conversation is kept"""


def chat(
    say: Annotated[
        list[str] | None,
        typer.Option("--say", help="Say this instead of asking for lines; repeat it for more."),
    ] = None,
    dataset: DatasetOption = None,
    user: UserOption = None,
    session: Annotated[
        str | None, typer.Option("--session", help="Go on with a kept conversation, by its id.")
    ] = None,
    forget_session: Annotated[
        str | None,
        typer.Option("--forget-session", help="Delete a kept conversation for good, by its id."),
    ] = None,
    forget_all: Annotated[
        bool,
        typer.Option("--forget-all", help="Delete every conversation of --user for good."),
    ] = False,
    llm: LlmOption = None,
    show_prompt: ShowPromptOption = False,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Talk about what you would like; /help lists the commands, and all is kept here.

    With lines on standard input, or --say, it answers each and ends. --json writes one JSON
    document a reply.
    """
    project = open_project(dataset, text, llm=llm, show=show_prompt)
    if forget_session is not None or forget_all:
        _delete(project.desk.sessions, forget_session, user if forget_all else None)
        return
    talked = project.chat(user, session)
    quiet = as_json or bool(say) or not sys.stdin.isatty()
    if not quiet:
        page().print(f"[dim]{plain(_greeting(talked))}[/dim]")
    failed = _held(talked, say or _lines(quiet), quiet, as_json)
    if not as_json and talked.session.turns:
        talk().print(f"[dim]Kept as {plain(talked.session.id)}; go on with --session.[/dim]")
    if failed and quiet:
        raise typer.Exit(1)


def _held(talked: "Conversation", lines: Iterable[str], quiet: bool, as_json: bool) -> int:
    """Answer lines until the end; return how many could not be."""
    failed = 0
    for line in lines:
        if not line.strip():
            continue
        if line.strip().split()[0].casefold() in ("/quit", "/exit"):
            break
        if not as_json and quiet:
            page().print(f"[bold]> {plain(line)}[/bold]")
        try:
            _answer(talked, line.strip(), as_json)
        except TastemateError as error:
            failed += 1
            talk().print(f"\n{plain(error)}", soft_wrap=True)
    return failed


def _delete(sessions: "Sessions", session: str | None, user: str | None) -> None:
    """Delete one conversation, or all of a user."""
    from tastemate.errors import ConfigError

    if session is not None:
        sessions.delete(session)
        talk().print(f"Deleted: the conversation {plain(session)}.")
        return
    if user is None:
        raise ConfigError("It is not said whose conversations are to go. Add --user.")
    talk().print(f"Deleted: {sessions.delete_user(user)} conversations of {plain(user)}.")


def _greeting(talked: "Conversation") -> str:
    n = len(talked.session.turns)
    begun = f"Going on after {n} messages. " if n else ""
    return f"{begun}Say what you would like, in your own words. /help for more, /quit to leave."


def _lines(quiet: bool) -> Iterator[str]:
    """Yield what is typed, line by line, until the end."""
    while True:
        try:
            yield input() if quiet else input("> ")
        except EOFError:
            return


def _answer(talked: "Conversation", line: str, as_json: bool) -> None:
    if not line.startswith("/"):
        _replied(lambda hear: talked.say(line, hear), as_json)
        return
    command, _, rest = line[1:].partition(" ")
    name, rest = command.casefold(), rest.strip()
    if name in UPDATES:
        update = UPDATES[name](talked, rest)
        _replied(update, as_json)
    elif name in COMMANDS:
        COMMANDS[name](talked, rest)
    else:
        talk().print(f"There is no /{plain(command)}. /help lists what there is.")


def _replied(make: "Replies", as_json: bool) -> None:
    """Print a reply, its sentences as they come."""
    console = page()
    start = time.perf_counter()

    def hear(sentence: str) -> None:
        console.print(plain(sentence), end=" ", soft_wrap=True)

    reply = make(None if as_json else hear)
    took = time.perf_counter() - start
    if as_json:
        _emit(reply, took)
        return
    console.print()
    show_reply(reply)
    talk().print(f"[dim]{took * 1000:.0f} ms{_missing(reply)}[/dim]")


def show_reply(reply: "Reply") -> None:
    """Print the cards of a reply; its sentences are out by then."""
    for line in reply.slate.items:
        page().print(f"[bold]{line.rank:>3}  {plain(line.item.title)}[/bold]")
        if line.reason.text:
            page().print(f"     [dim]{plain(line.reason.text)}[/dim]")


def _missing(reply: "Reply") -> str:
    return "".join(f"; {plain(one)}" for one in reply.degraded)


def _emit(reply: "Reply", took: float) -> None:
    """Write one reply as one line of JSON."""
    import json

    sys.stdout.write(json.dumps(reply_json(reply, took), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def reply_json(reply: "Reply", took: float) -> dict[str, Any]:
    """Return a reply as JSON values; `took` in seconds."""
    from tastemate.chat.intent import slots

    asked = reply.question
    return {
        "session": reply.session.id,
        "reply": reply.text,
        "state": reply.intent.state,
        "understood": sorted([slot, value] for slot, value in slots(reply.intent)),
        "search": reply.intent.text,
        "items": [line_json(line) for line in reply.slate.items],
        "question": None
        if asked is None
        else {"attribute": asked.attribute, "options": list(asked.options), "text": asked.text},
        "relaxations": [
            {"wish": [one.wish.attribute, one.wish.operator, one.wish.value], "items": one.items}
            for one in reply.relaxations
        ],
        "degraded": list(reply.degraded),
        "took_ms": round(took * 1000, 3),
    }


def _help(_talked: "Conversation", _rest: str) -> None:
    page().print(plain(HELP))


def _why(talked: "Conversation", rest: str) -> None:
    from tastemate.types import Slate

    line = talked.why(_number(rest))
    show_slate(Slate((line,)), line.rank)


def _undo(talked: "Conversation", _rest: str) -> "Replies":
    return talked.undo


def _forget(talked: "Conversation", rest: str) -> None:
    page().print(plain(talked.drop(_number(rest) if rest else None)), soft_wrap=True)


def _taste(talked: "Conversation", _rest: str) -> None:
    lines = talked.believed
    for number, said in enumerate(lines, start=1):
        page().print(f"{number:>3}  {plain(said)}")
    if not lines:
        page().print("[dim]Nothing yet.[/dim]")


def _history(talked: "Conversation", _rest: str) -> None:
    titles = dict(zip(talked.desk.catalog.ids, talked.desk.catalog.titles, strict=True))
    for turn in talked.session.turns:
        if turn.text:
            page().print(f"[bold]> {plain(turn.text)}[/bold]")
        page().print(plain(turn.reply), soft_wrap=True)
        for place, one in enumerate(turn.shown, start=1):
            page().print(f"[dim]{place:>3}  {plain(titles.get(one, one))}[/dim]")


def _remember(talked: "Conversation", _rest: str) -> None:
    kept = talked.remember()
    page().print(f"Kept: {len(kept)} likes and dislikes.")


def _verdict(kind: "Verdict") -> "Callable[[Conversation, str], Replies]":
    def tell(talked: "Conversation", rest: str) -> "Replies":
        place = _number(rest)
        return lambda hear: talked.verdict(place, kind, hear)

    return tell


def _number(rest: str) -> int:
    from tastemate.errors import ConfigError

    if not rest.isdecimal() or not 0 < int(rest[:6]) < 1000:
        raise ConfigError("Give the number of a line, such as /why 1.")
    return int(rest)


COMMANDS: dict[str, "Callable[[Conversation, str], None]"] = {
    "help": _help,
    "why": _why,
    "forget": _forget,
    "taste": _taste,
    "history": _history,
    "remember": _remember,
}
"""What a line that begins with a stroke does."""
UPDATES: dict[str, "Callable[[Conversation, str], Replies]"] = {
    "undo": _undo,
    "like": _verdict("liked"),
    "dislike": _verdict("disliked"),
    "seen": _verdict("seen"),
}
"""Those that change what is believed and are answered like a message."""
