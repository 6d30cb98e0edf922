"""The tables about conversations, newcomers and moments; `figures.py` puts them on its pages.

Each function takes what it needs of `figures.py` and returns nothing where no result was made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]

PUBLISHED = (  # He et al. 2023, repeated items removed, on ReDial's test split
    ("GPT-4, zero-shot, as published", "", ".0504", ".2008", "", ""),
    ("GPT-3.5, zero-shot, as published", "", ".0431", ".1831", "", ""),
)
RUNS = (
    ("conversation-learned", "learning from other workers' dialogues", (0.05, 0.21)),
    ("conversation", "from ratings, texts and the graph alone", (None, 0.13)),
)
"""Results of P4, what they may learn from, and the goals of Recall@1 and @10."""
RECALLS = ("recall@1", "recall@10", "recall@50")
HALVES = (
    ("understanding-first", "first half (built on)"),
    ("understanding", "second half (opened once)"),
)
CROWDS = ("simulate", "simulate-goodbooks")


@dataclass(frozen=True)
class Page:
    """How results are read and written: the functions of `figures.py`."""

    load: Callable[[str], Result]
    shown: Callable[[float], str]
    interval: Callable[[Result], str]
    table: Callable[[list[str], list[list[str]]], str]


def command_of(found: Result) -> str:
    """Return the command that made a result."""
    return f"`{found['command'].removesuffix(' --json')}`"


def conversation(page: Page, *, short: bool = False) -> str:
    """P4: recommendation turns of ReDial; `short` keeps to all turns with the marks given."""
    rows = [list(row) for row in PUBLISHED]
    commands, goals = [], []
    for name, learns, wanted in RUNS:
        found = page.load(name)
        if not found:
            continue
        rows += _turns(page, found, short)
        commands.append(command_of(found))
        goals += _goals(page, found, learns, wanted)
    if not commands:
        return ""
    rows.sort(key=lambda row: row[0] == "`popularity`")  # once, at the end
    unique = [list(row) for row in dict.fromkeys(map(tuple, rows))]
    counts = next(found["counts"] for name, *_ in RUNS if (found := page.load(name)))
    head = ["model", "text, turns", "Recall@1", "Recall@10", "Recall@50", "ms, p50 / p99"]
    if short:
        unique, head = [[row[0], *row[2:5]] for row in unique], [head[0], *head[2:5]]
    said = (
        f"What the recommender of a ReDial dialogue names next: {counts['turns asked']:,} turns of "
        f"the validation dialogues, full ranking over {counts['items']:,} films, what was named "
        "before removed. No language model is asked. `dialogues` learns from dialogues of other "
        "workers only (cross-validated by worker), the others from no dialogue. The published "
        "rows are of the test split and another catalogue."
    )
    parts = [said, page.table(head, unique)]
    if not short:
        parts += [
            "Recall is the share of a turn's own truths, intervals draw whole dialogues again. "
            "*raw*: titles are found in the text by the reader of `tastemate chat`. *held*: turns "
            "of the workers on whom no weight of `talk` was chosen.",
            "\n".join(goals),
        ]
    return "\n\n".join([*parts, "; ".join(commands)])


def _turns(page: Page, found: Result, short: bool) -> list[list[str]]:
    """Return the rows of one run; popularity of one run is that of the other."""
    wanted = ("canonical, all",) if short else ("canonical, all", "raw, all", "canonical, held")
    rows = []
    for row in found["rows"]:
        if row["slice"] not in wanted or (row["model"] == "popularity" and row["slice"][0] == "r"):
            continue
        took = row.get("ms") if row["model"] != "popularity" else None
        speed = f"{took['p50']:.0f} / {took['p99']:.0f}" if took and not short else ""
        figures = [page.interval(row["metrics"][metric]) for metric in RECALLS]
        rows.append([f"`{row['model']}`", row["slice"], *figures, speed])
    return rows


def _goals(page: Page, found: Result, learns: str, wanted: Sequence[float | None]) -> list[str]:
    """Return a line for each goal: met or not, by the point estimate and by the interval."""
    lines = []
    for metric, goal in zip(RECALLS, wanted, strict=False):
        if goal is not None:
            one = found["metrics"][metric]
            met = "met" if one["value"] >= goal else "not met"
            sure = " by the whole interval" if one["low"] >= goal or one["high"] < goal else ""
            name = metric.replace("recall", "Recall")
            goal_said = page.shown(goal).rstrip("0")
            lines.append(f"- Goal {learns}: {name} at least {goal_said}: {met}{sure}.")
    return lines


def tried(page: Page) -> str:
    """What was tried for the profile `talk`: every part, every mix."""
    found = page.load("conversation-tried")
    if not found:
        return ""
    rows = []
    for row in found["rows"]:
        weights = row["weights"]
        said = ", ".join(f"{name} {weight:.2g}" for name, weight in weights.items() if weight)
        figures = [page.shown(row[part]["recall@10"]) for part in ("development", "held", "all")]
        rows.append([row["model"], said if len(weights) > 1 else "", *figures])
    turns, classes = found["turns"], found["classes"]
    lost = classes["in no part's best 100"]
    return (
        f"Recall@10, canonical. Weights are fitted on the {turns['development']:,} turns of the "
        f"development half of the workers; the {turns['held']:,} held turns share no worker with "
        f"them. Of all {classes['truths']:,} truths {lost:,} ({lost / classes['truths']:.0%}) are "
        "in no part's best 100: no mix of these parts finds them. `scripts/choose_talk.py`\n\n"
        + page.table(["parts", "weights", "development", "held", "all"], rows)
    )


def understood(page: Page) -> str:
    """How much of a message is understood, in one sentence: the half that was put away."""
    found = page.load("understanding")
    if not found:
        return ""
    kinds = [
        f"**{page.interval(one['f1'])}** on {one['messages']} {name} ones"
        for name, one in sorted(found["kinds"].items(), reverse=True)
    ]
    return (
        "Understanding: slots found exactly, F1, in messages that were put away unread until the "
        f"code was done: {', '.join(kinds)}, without a language model. {command_of(found)}"
    )


def understanding(page: Page) -> str:
    """How much of a message is understood, half by half."""
    rows: list[list[str]] = []
    commands: list[str] = []
    slots: dict[str, dict[str, str]] = {}
    for name, half in HALVES:
        found = page.load(name)
        if not found:
            continue
        commands.append(command_of(found))
        parts = {"all": found["all"]} | found["kinds"] | found["catalogs"]
        for part, one in parts.items():
            figures = [page.interval(one[key]) for key in ("f1", "precision", "recall")]
            rows.append([half, part, str(one["messages"]), *figures])
        for slot, one in found["slots"].items():
            slots.setdefault(slot, {})[name] = page.interval(one["f1"])
    if not rows:
        return ""
    head = ["half", "messages", "how many", "F1", "precision", "recall"]
    text = (
        "Slots of a message found exactly, by the grammar alone, without a language model. The "
        "messages were written before the code, by writers who saw the catalogues' vocabularies "
        "only; the second half was put away unread until the code was done. Goals on the second "
        "half: F1 .90 on plain messages, .75 on hard ones.\n\n" + page.table(head, rows)
    )
    names = {"at": "numbers (at least, at most)"}
    cells = [
        [names.get(slot, slot), *(one.get(name, "") for name, _ in HALVES)]
        for slot, one in slots.items()
    ]
    slot_table = page.table(["slot", *(half for _, half in HALVES)], cells)
    return f"{text}\n\nF1 by slot:\n\n{slot_table}\n\n{'; '.join(commands)}"


def served(page: Page) -> str:
    """How scripted people fare, in one sentence."""
    crowds = [
        f"**{found['success']['value']:.1%}** of {found['people']} on {found['dataset']} "
        f"({found['success']['low']:.1%} to {found['success']['high']:.1%}) in "
        f"{found['turns']['value']:.1f} turns, {found['violations']} of {found['shown']:,} items "
        "shown against a wish"
        for name in CROWDS
        if (found := page.load(name))
    ]
    if not crowds:
        return ""
    return (
        "Scripted people with checkable wishes are shown something that fulfils them all: "
        f"{'; '.join(crowds)}. {command_of(page.load(CROWDS[0]) or page.load(CROWDS[1]))}"
    )


def simulated(page: Page) -> str:
    """Scripted people with checkable wishes."""
    rows, ways, commands = [], [], []
    for name in CROWDS:
        found = page.load(name)
        if not found:
            continue
        commands.append(command_of(found))
        rows.append([f"{found['dataset']}, {found['people']} people", *_talked(page, found)])
        ways += [
            [f"{found['dataset']}: {row['slice']}", *_talked(page, row)] for row in found["rows"]
        ]
    if not rows:
        return ""
    head = ["people", "success", "all trials", "turns to success", "acceptance", "violations"]
    text = (
        "Scripted people with wishes that something in the catalogue fulfils; no language model "
        "plays them. Goals: success .9, no violation.\n\n" + page.table(head, rows)
    )
    return "\n\n".join([text, _troubles(page), page.table(head, ways), "; ".join(commands)])


def _talked(page: Page, found: Result) -> list[str]:
    turns, shown = found["turns"], found["shown"]
    every = next(one for key, one in found.items() if key.startswith("pass^"))
    return [
        page.interval(found["success"]),
        page.interval(every),
        f"{turns['value']:.2f} ({turns['low']:.2f} to {turns['high']:.2f})",
        page.interval(found["acceptance"]),
        f"{found['violations']:,} of {shown:,} shown",
    ]


def _troubles(page: Page) -> str:
    """Say what went wrong, and how long an answer took."""
    lines = []
    for name in CROWDS:
        found = page.load(name)
        if not found:
            continue
        took = found["latency_ms"]
        left = ", ".join(f"{why} ({n})" for why, n in list(found["failed"].items())[:6])
        kinds = ", ".join(f"{what} ({n})" for what, n in list(found["breaches"].items())[:6])
        lines.append(
            f"- {found['dataset']}: an answer took {took['p50']:g} ms (p50), {took['p99']:g} ms "
            f"(p99) over {found['answers']:,} answers. Said that nothing fits where something "
            f"does: {found['refused']}. People left because: {left or 'none did'}. Wishes broken: "
            f"{kinds or 'none'}."
        )
    return "\n".join(lines)


def faults(page: Page, *, short: bool = False) -> str:
    """Conversations under broken and hostile models, scripted ones."""
    found = page.load("conversation-faults")
    if not found:
        return ""
    said = (
        f"**{found['cases'] - found['failures']:,} of {found['cases']:,}** conversations "
        f"({found['turns']:,} turns) with a broken, lying or hostile model (scripted) hold at "
        "every turn: an answer in time, nothing outside the catalogue, no firm wish broken, no "
        f"untrue sentence. {command_of(found)}"
    )
    if short:
        return said
    rows = []
    for part in found["parts"]:
        kinds = [one for name, one in found["by_kind"].items() if name.startswith(f"{part}: ")]
        cells = [sum(one[key] for one in kinds) for key in ("cases", "failures", "turns")]
        cells.append(sum(one["degraded"] for one in kinds))
        slowest = max(one["p99"] for one in kinds)
        rows.append([part, str(len(kinds)), *(f"{cell:,}" for cell in cells), f"{slowest:.2f} s"])
    head = ["part", "kinds", "conversations", "failures", "turns", "degraded turns"]
    failed = [name for name, one in found["by_kind"].items() if one["failures"]]
    after = f"\n\nKinds with failures: {', '.join(failed)}." if failed else ""
    return f"{said}\n\n{page.table([*head, 'slowest kind, p99'], rows)}{after}"


def onboarding(page: Page) -> str:
    """Five steps of picking: what is chosen to tell against what is popular, and random."""
    found = page.load("onboarding")
    if not found:
        return ""
    steps: dict[int, dict[str, Result]] = {}
    for row in found["rows"]:
        steps.setdefault(row["k"], {})[row["model"]] = row
    ways = ("chosen to tell", "popular picks", "random popular picks")
    rows = []
    for k, here in steps.items():
        values = [page.shown(here[way]["metrics"]["recall@20"]["value"]) for way in ways]
        against = here[ways[0]]["against"]
        apart = [page.interval(against[way]["recall@20"]) if k else "" for way in ways[1:]]
        picks = f"{here[ways[0]]['metrics']['picks']['value']:.1f}"
        rows.append([str(k), picks, *values, *apart])
    head = ["steps", "picks by then", *ways, "chosen minus popular", "chosen minus random"]
    return (
        f"{found['notes'][0]} Recall@20, validation.\n\n{page.table(head, rows)}\n\n"
        f"{command_of(found)}"
    )


def moments(page: Page) -> str:
    """The next item with and without the moment of asking."""
    parts = []
    for name in ("context", "context-films"):
        found = page.load(name)
        if not found:
            continue
        later = {row["model"]: row for row in found["rows"] if row["k"] == "an hour later"}
        rows = []
        for row in found["rows"]:
            if row["k"] != "all":
                continue
            model = row["model"]
            base = found["model"]
            apart = "" if model == base else page.interval(row["against"][base]["ndcg@10"])
            away = "" if model not in later else page.interval(later[model]["metrics"]["ndcg@10"])
            rows.append([f"`{model}`", page.interval(row["metrics"]["ndcg@10"]), apart, away])
        head = [f"{found['dataset']}, NDCG@10", "all", "minus without", "an hour later or more"]
        notes = " ".join(found["notes"])
        parts.append(f"{notes} {command_of(found)}\n\n{page.table(head, rows)}")
    return "\n\n".join(parts)


def cold_credits(page: Page) -> str:
    """Cold items where credits and texts are joined: the graph beside the others."""
    return beside(
        page, "cold-item-credits", "recall@20", ("genre popularity", "content neighbours")
    )


def beside(
    page: Page, name: str, metric: str, others: Sequence[str], second: str = "ndcg@100"
) -> str:
    """Return rows of a protocol with the differences to some of its models."""
    found = page.load(name)
    if not found:
        return ""
    rows = []
    for row in found["rows"]:
        against = row.get("against", {})
        apart = [page.interval(against[o][metric]) if o in against else "" for o in others]
        figures = [page.interval(row["metrics"][one]) for one in (metric, second)]
        rows.append([row["model"], str(row["k"]), str(row["users"]), *figures, *apart])
    head = ["model", "k", "users", metric, second, *(f"{metric} minus {o}" for o in others)]
    return f"{command_of(found)}\n\n{page.table(head, rows)}"
