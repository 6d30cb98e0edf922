"""`tastemate experiments`: what is tried on whom, and what it shows so far."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.output import DatasetOption, JsonOption, emit, open_project, page, plain, table

if TYPE_CHECKING:
    import polars as pl

    from tastemate.experiment.definition import Experiment
    from tastemate.project import Tastemate

app = typer.Typer(no_args_is_help=True, help="Try things on some users, and see what it shows.")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of an experiment.")]
DAY = 86_400
EXAMPLE = """{"id": "calm",
 "arms": [{"name": "control", "share": 0.5},
          {"name": "mixed", "share": 0.5, "overrides": {"diversity": 0.4}}]}"""


@app.command("list")
def list_(dataset: DatasetOption = None, as_json: JsonOption = False) -> None:
    """List the experiments."""
    found = _all(open_project(dataset))
    if as_json:
        emit([one.as_json() for one in found])
        return
    if not found:
        page().print(
            "There is no experiment yet. Write one into a file, such as\n\n"
            f"{EXAMPLE}\n\n"
            'which shows half of the users a more varied list ("kind": "interleave" drafts both '
            "arms into one list instead), and begin it: tastemate experiments make FILE.json. A "
            "running service takes it up in a moment. docs/experiments.md explains every field.",
            markup=False,
        )
        return
    table(
        [
            {
                "id": one.id,
                "state": one.state,
                "unit": one.unit,
                "kind": one.kind,
                "arms": _arms(one),
                "held out": _percent(one.held_out),
                "note": one.note,
            }
            for one in found
        ]
    )


@app.command()
def show(
    experiment: IdArgument, dataset: DatasetOption = None, as_json: JsonOption = False
) -> None:
    """Show one experiment: its arms and what they set."""
    one = _get(open_project(dataset), experiment)
    if as_json:
        emit(one.as_json())
        return
    table(
        [
            {
                "arm": arm.name + (" (control)" if arm.name == one.control else ""),
                "share": "every list" if one.interleaved else _percent(arm.share),
                "sets": ", ".join(f"{name} = {value}" for name, value in arm.overrides.items())
                or "nothing: as without the experiment",
            }
            for arm in one.arms
        ],
        title=f"{one.id}, {one.state}",
    )
    metric = one.metric
    counted = "lists won" if one.interleaved else metric.measure
    page().print(
        f"Drawn by {one.unit}; what counts is {', '.join(metric.signals)} within "
        f"{metric.window:,} s of an impression ({counted}). Held out, and served as without the "
        f"experiment: {_percent(one.held_out)}. "
        f"What it shows: tastemate experiments analyse {one.id}",
        markup=False,
    )


@app.command()
def make(
    file: Annotated[Path, typer.Argument(help="The experiment as a JSON file.")],
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start an experiment, or change its shares or traffic; units keep their arm if they can."""
    from dataclasses import replace

    from tastemate.experiment.definition import check_together
    from tastemate.serve.trials import check_models, check_signals

    project = open_project(dataset)
    asked, now = _read(file), int(time.time())
    others = {one.id: one for one in _all(project)}
    before = others.pop(asked.id, None)
    made = asked if asked.started else replace(asked, started=now)
    if before is not None:
        made = _changed(before, asked, now)
    check_signals(project, made)
    check_models(project, made)
    check_together([*others.values(), made])
    project.store.experiments.put(made.as_json())
    if as_json:
        emit(made.as_json())
        return
    page().print(
        plain(
            f"{made.id} is {made.state} ({_arms(made)}; {_percent(made.held_out)} held out). "
            "A running service takes it up in a moment. What it shows: "
            f"tastemate experiments analyse {made.id}"
        )
    )


@app.command()
def stop(
    experiment: IdArgument, dataset: DatasetOption = None, as_json: JsonOption = False
) -> None:
    """Stop an experiment: nobody is assigned any more, what was seen can still be analysed."""
    project = open_project(dataset)
    ended = _get(project, experiment).ended(int(time.time()))
    project.store.experiments.put(ended.as_json())
    if as_json:
        emit(ended.as_json())
        return
    page().print(
        plain(
            f"{ended.id} is stopped: everybody is served as without it. What was seen stays: "
            f"tastemate experiments analyse {ended.id}"
        )
    )


@app.command()
def analyse(
    experiment: Annotated[
        str, typer.Argument(help="An id; or a JSON file, with --impressions and --signals.")
    ],
    impressions: Annotated[
        Path | None, typer.Option(help="A CSV, Parquet or JSON lines file of impressions.")
    ] = None,
    signals: Annotated[
        Path | None, typer.Option(help="A CSV, Parquet or JSON lines file of signals.")
    ] = None,
    days_before: Annotated[
        int,
        typer.Option(min=0, help="Take away what so many days before the start explain (CUPED)."),
    ] = 0,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an experiment shows: arms, differences or wins with intervals, a sound split."""
    from tastemate.errors import ConfigError
    from tastemate.experiment.drafted import results
    from tastemate.experiment.outcomes import before

    if (impressions is None) != (signals is None):
        raise ConfigError("Give --impressions and --signals together, or neither.")
    if impressions is not None and signals is not None:
        one, shown, given = _read(Path(experiment)), _frame(impressions), _frame(signals)
    else:
        project = open_project(dataset)
        one = _get(project, experiment)
        shown = project.store.impressions.frame(since=one.since)
        given = project.store.events.frame(since=one.since - max(days_before * DAY, DAY))
    known = before(one, given, days_before * DAY) if days_before else None
    found = results(one, shown, given, covariate=known)
    if as_json:
        emit(found)
        return
    _print(found)


def _print(found: dict[str, Any]) -> None:
    drafted = found["kind"] == "interleave"
    table(found["arms"], title=f"{found['id']}: {found['metric']['measure']} by {found['unit']}")
    if drafted:
        page().print(
            f"{found['lists']:,} lists were drafted; in {found['rewarded']:,} of them, by "
            f"{found['units']:,} units, something was rewarded.",
            markup=False,
        )
    rows = []
    for one in found["comparisons"]:
        row = {"arm": one["arm"], "against": one["against"], "verdict": one["verdict"]}
        if drafted:
            row["won, lost, tied"] = f"{one['wins']:,}, {one['losses']:,}, {one['ties']:,}"
        what = "share of wins" if drafted else "difference"
        for name, title in (
            ("fixed", f"{what}, one look"), ("anytime", f"{what}, any look"),
            ("anytime_lift", "lift, any look"),
        ):  # fmt: skip
            if name in one:
                row[title] = _share(one[name]) if drafted else _interval(one[name])
        rows.append(row)
    table(rows)
    if any("fixed" in one for one in found["comparisons"]):
        page().print(
            "One look holds if you look once, at an end that was planned. Any look holds whenever "
            "you look, and the verdict goes by it."
            + (" 50% is even; a unit's lists are one vote." if drafted else ""),
            markup=False,
        )
    split = found["split"]
    sound = "even" if drafted else "as planned"
    page().print(
        f"{'Draft' if drafted else 'Split'}: {'BROKEN' if split['broken'] else sound} "
        f"(p {split['p']:.3g} for one look, {split['sequential_p']:.3g} for any).",
        markup=False,
    )
    for note in found["notes"]:
        page().print(plain(note))


def _interval(one: dict[str, float]) -> str:
    return f"{one['value']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"


def _share(one: dict[str, float]) -> str:
    return f"{one['value']:.1%} ({one['low']:.1%} to {one['high']:.1%})"


def _arms(one: "Experiment") -> str:
    """Return the arms of an experiment with what each is shown to."""
    if one.interleaved:
        names = " and ".join(arm.name for arm in one.arms)
        return f"{names} in every list of {_percent(one.traffic)} of the {one.unit}s"
    return ", ".join(f"{arm.name} {_percent(arm.share)}" for arm in one.arms)


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def _all(project: "Tastemate") -> "list[Experiment]":
    from tastemate.experiment.reading import stored

    return [stored(body) for body in project.store.experiments.all()]


def _get(project: "Tastemate", name: str) -> "Experiment":
    from tastemate.experiment.reading import stored

    return stored(project.store.experiments.get(name))


def _read(file: Path) -> "Experiment":
    from tastemate.errors import FormatError, NotFound
    from tastemate.experiment.reading import read

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"{file} cannot be read ({error}). Name a JSON file in UTF-8.") from error
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{file} is no JSON ({error}). Mend it and try again.") from error
    return read(value)


def _changed(before: "Experiment", asked: "Experiment", now: int) -> "Experiment":
    """Return the experiment with what was asked; only shares, traffic and note may change."""
    from dataclasses import replace

    from tastemate.errors import ConfigError

    def fixed(one: "Experiment") -> object:
        arms = [(arm.name, dict(arm.overrides)) for arm in one.arms]
        rest = one.control, one.unit, one.metric, one.salt, one.alpha, one.expected
        return one.kind, arms, rest

    if not before.running or fixed(before) != fixed(asked):
        raise ConfigError(
            f"{asked.id} is there already. Of a running experiment only shares and the note (of an "
            "interleaving its traffic) can change; give a new one an id of its own."
        )
    if before.interleaved:
        return replace(before.with_traffic(asked.traffic), note=asked.note)
    shares = {arm.name: arm.share for arm in asked.arms}
    same = shares == {arm.name: arm.share for arm in before.arms}
    return replace(before if same else before.resized(shares, now), note=asked.note)


def _frame(file: Path) -> "pl.DataFrame":
    import polars as pl

    from tastemate.errors import FormatError, NotFound

    kind = file.suffix.lower()
    if kind not in (".csv", ".parquet", ".jsonl"):
        raise FormatError(f"{file}: name a .csv, .parquet or .jsonl file.")
    texts = ("recommendation", "user", "session", "item", "kind", "arm")
    try:
        if kind == ".parquet":
            frame = pl.read_parquet(file, glob=False)
        else:
            frame = pl.read_csv(file, glob=False) if kind == ".csv" else pl.read_ndjson(file)
    except OSError as error:
        raise NotFound(f"{file} cannot be read ({error}).") from error
    except pl.exceptions.PolarsError as error:
        raise FormatError(f"{file} is not what its name says ({error}).") from error
    there = [name for name in texts if name in frame.columns]
    return frame.with_columns(pl.col(there).cast(pl.String).fill_null(""))
