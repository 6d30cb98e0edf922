"""The tables about conversations: P4, understanding, simulated people, cold start."""

from collections.abc import Callable
from typing import Any

Result = dict[str, Any]
Load = Callable[[str], Result]
Interval = Callable[[Result], str]
Table = Callable[[list[str], list[list[str]]], str]

PUBLISHED = (  # He et al. 2023, repeated items removed, on ReDial's test split
    ("GPT-4, zero-shot, as published", ".0504", ".2008", ""),
    ("GPT-3.5, zero-shot, as published", ".0431", ".1831", ""),
)
RUNS = ("conversation-learned", "conversation")


def conversation(load: Load, interval: Interval, table: Table) -> str:
    """P4: recommendation turns of ReDial."""
    rows = [list(row) for row in PUBLISHED]
    commands = []
    for name in RUNS:
        found = load(name)
        for row in found.get("rows", []):
            if row["slice"].endswith(", all"):
                metrics = row["metrics"]
                figures = [interval(metrics[m]) for m in ("recall@1", "recall@10", "recall@50")]
                text = row["slice"].removesuffix(", all")
                rows.append([f"`{row['model']}`, {text} text", *figures])
        if found:
            commands.append(f"`{found['command'].removesuffix(' --json')}`")
    if not commands:
        return ""
    return (
        "Recommendation turns of ReDial's validation dialogues, full ranking over ml-latest-small, "
        "items already mentioned removed. `dialogues` learns from dialogues of other workers only; "
        "the others see none. The published rows are of another split.\n\n"
        + table(["model", "Recall@1", "Recall@10", "Recall@50"], rows)
        + f"\n\n{'; '.join(commands)}"
    )


def understanding(load: Load, interval: Interval, table: Table) -> str:
    """How much of a message is understood, half by half."""
    rows = []
    for name, half in (
        ("understanding-first", "first half (built on)"),
        ("understanding", "second half (opened once)"),
    ):
        for row in load(name).get("rows", []):
            if row.get("part") in ("plain", "hard"):
                f1 = interval({"value": row["f1"], "low": row["low"], "high": row["high"]})
                rows.append([half, row["part"], str(row["messages"]), f1])
    return table(["half", "messages", "how many", "slot F1"], rows) if rows else ""


def simulated(load: Load, interval: Interval, table: Table) -> str:
    """Scripted people with checkable wishes."""
    rows = []
    for name in ("simulate", "simulate-goodbooks"):
        found = load(name)
        if found:
            turns = found["turns"]
            rows.append(
                [
                    f"{found['dataset']}, {found['people']} x {found['trials']}",
                    interval(found["success"]),
                    interval(found["pass^3"]),
                    f"{turns['value']:.2f} ({turns['low']:.2f} to {turns['high']:.2f})",
                    interval(found["acceptance"]),
                    str(found["violations"]),
                ]
            )
    head = ["people", "success", "pass^3", "turns to success", "acceptance", "violations"]
    return table(head, rows) if rows else ""


def faults(load: Load, table: Table) -> str:
    """Conversations under broken and hostile models."""
    found = load("conversation-faults")
    if not found:
        return ""
    rows = [[kind, str(one)] for kind, one in found["by_kind"].items()]
    return (
        f"{found['cases'] - found['failures']:,} of {found['cases']:,} conversations with a broken "
        "or hostile model end in a valid answer, nothing outside the catalogue, no firm wish "
        "broken: `tastemate benchmark conversation`"
    ) + ("" if len(rows) > 12 else "\n\n" + table(["kind", "cases, failures"], rows))
