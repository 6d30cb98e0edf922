"""The tables beside LlamaRec's, and of serving; `figures.py` puts them on its pages.

Each function takes what it needs of `figures.py` and returns nothing where no result was made.
"""

from talk_figures import Page, Result, command_of

DATASETS = ("ml-latest-small", "beauty", "amazon-games")
NAMES = ("ndcg@10", "recall@10", "mrr@10")
AT_5 = ("ndcg@5", "recall@5", "mrr@5")
HEADS = {
    **{"ndcg@10": "NDCG@10", "recall@10": "Recall@10", "mrr@10": "MRR@10"},
    **{"ndcg@5": "NDCG@5", "recall@5": "Recall@5", "mrr@5": "MRR@5"},
}
SHORT = ("lrurec", "lrurec+llamarec", "fast", "best")
LAST = "LlamaRec"


def block(page: Page) -> str:
    """Return all tables of docs/llamarec.md, a section for each data set that was run."""
    found = [one for name in DATASETS if (one := page.load(f"llamarec-{name}"))]
    parts = [part for one in found for part in _dataset(page, one)]
    parts += [served(page)]
    whole = "\n\n".join(part for part in parts if part)
    return whole or "No run is kept yet: `tastemate benchmark llamarec --final` makes the tables."


def short(page: Page) -> str:
    """Return the few rows of the README, of test figures only."""
    parts = []
    for name in DATASETS:
        found = page.load(f"llamarec-{name}")
        if not found or found["split"] != "test":
            continue
        rows = [
            [f"{row}, as published", *(page.shown(figures[metric]) for metric in NAMES), ""]
            for row, figures in found["tables"]["published"]["1"].items()
        ]
        rows += [
            [
                f"**`{one['model']}`**",
                *(page.interval(one["metrics"][metric]) for metric in NAMES),
                _lies(one, LAST),
            ]
            for one in found["tables"]["1"]
            if one["model"] in SHORT and one["ties"] == "id"
        ]
        head = ["model", *(HEADS[metric] for metric in NAMES), f"{LAST}'s NDCG@10 lies"]
        parts.append(f"{_head(found)}\n\n{page.table(head, rows)}")
    return "\n\n".join(parts)


def _head(found: Result) -> str:
    asked = "the test" if found["split"] == "test" else "**validation** (the item before the last)"
    few = f", {found['limit_users']:,} users drawn" if found["limit_users"] else ""
    return (
        f"Next item on {found['dataset']}: {found['users']:,} users, {found['items']:,} items, "
        f"{found['events']:,} events after 5-core, full ranking, {asked}{few}. {command_of(found)}"
    )


def _lies(one: Result, row: str, metric: str = "ndcg@10") -> str:
    """Say where a published point lies of our interval; nothing on validation."""
    place = one["lies"].get(row, {}).get(metric, "")
    return f"{place} our interval" if place else ""


def _dataset(page: Page, found: Result) -> list[str]:
    tables = found["tables"]
    return [
        f"### {found['dataset']}",
        _head(found) + f" Hardware: {found['hardware'].split(', Linux')[0]}.",
        _table(page, found, "1", "Table 1, all users.", NAMES),
        _table(page, found, "1", "At 5.", AT_5),
        _table(page, found, "3", _pooled(tables["3"]), NAMES),
        _table(
            page,
            found,
            "4",
            "Table 4, language models that recommend, each by its own paper's protocol.",
            ("ndcg@5", "recall@5", "ndcg@10", "recall@10"),
        ),
        _orders(page, found),
        _costs(page, found),
        _differences(page, found),
        _slices(page, found),
        _passes(found),
        "\n".join(f"- {note}" for note in found["notes"]),
    ]


def _pooled(ours: list[Result]) -> str:
    few = f" ({ours[0]['users']:,} of {ours[0]['of']:,})" if ours else ""
    return f"Table 3, the users whose target is in the retriever's first 20{few}."


def _table(page: Page, found: Result, number: str, title: str, names: tuple[str, ...]) -> str:
    """Return published rows above ours; nothing where there are none of ours."""
    ours, published = found["tables"][number], found["tables"]["published"][number]
    if not ours:
        return ""
    tested = found["split"] == "test"
    rows = [
        [
            f"{row}, as published" + ("" if tested else ", of the test"),
            "",
            *(page.shown(figures[name]) if name in figures else "" for name in names),
            *([""] if tested else []),
        ]
        for row, figures in published.items()
    ]
    orders = len({one["ties"] for one in ours}) > 1
    rows += [
        [
            f"`{one['model']}`" + (f", ties by {one['ties']}" if orders else ""),
            f"{one['users']:,}" + (f", {one['seeds']} seeds" if one["seeds"] > 1 else ""),
            *(page.interval(one["metrics"][name]) for name in names),
            *([_against(one, published, names)] if tested else []),
        ]
        for one in ours
    ]
    head = ["model", "users", *(HEADS[name] for name in names)]
    head += ["of our interval, published points lie"] if tested else []
    return f"{title}\n\n{page.table(head, rows)}"


def _against(one: Result, published: Result, names: tuple[str, ...]) -> str:
    """Say, by NDCG or else Recall, which published rows lie below, within and above."""
    metric = next(name for name in ("ndcg@10", "ndcg@5", *names) if name in names)
    said = []
    for place in ("below", "within", "above"):
        rows = [row for row in published if one["lies"].get(row, {}).get(metric) == place]
        if rows:
            said.append(f"{place}: {', '.join(rows)}")
    return "; ".join(said)


def _orders(page: Page, found: Result) -> str:
    """Return the means over the orders of ties, of models that have several."""
    every: dict[str, list[Result]] = {}
    for one in found["tables"]["1"]:
        every.setdefault(one["model"], []).append(one["metrics"])
    rows = [
        [f"`{model}`", str(len(ones))]
        + [page.shown(sum(one[name]["value"] for one in ones) / len(ones)) for name in NAMES]
        for model, ones in every.items()
        if len(ones) > 1
    ]
    if not rows:
        return ""
    return page.table(["mean over orders of ties", "orders", *(HEADS[one] for one in NAMES)], rows)


def _costs(page: Page, found: Result) -> str:
    rows = [
        [
            f"`{one['model']}`",
            f"{one['cost']['fit_seconds']:,.1f}",
            f"{one['cost']['seconds_per_1000_users']:,.2f}",
            f"{one['cost']['numbers']:,.0f}",
        ]
        for one in found["tables"]["1"]
        if one["ties"] == "id" and one["cost"]
    ]
    if not rows:
        return ""
    head = ["model", "training, s", "asking 1,000 users, s", "numbers kept"]
    return "What it costs: every item is scored for everybody.\n\n" + page.table(head, rows)


def _differences(page: Page, found: Result) -> str:
    rows = [
        [
            f"`{model}`, ties by {ties}",
            *(page.interval(one["metrics"][name]) for name in NAMES),
        ]
        for ties, models in found["tables"]["differences"].items()
        for model, one in models.items()
    ]
    if not rows:
        return ""
    head = ["less `fast`, paired by user", *(HEADS[name] for name in NAMES)]
    return page.table(head, rows)


def _slices(page: Page, found: Result) -> str:
    rows = [
        [ties, kind, name, f"{part['users']:,}"]
        + [page.interval(part["metrics"][metric]) for metric in NAMES]
        for ties, kinds in found["tables"]["slices"].items()
        for kind, parts in kinds.items()
        for name, part in parts.items()
        if ties == "id"
    ]
    if not rows:
        return ""
    head = ["ties", "slice", "value", "users", *(HEADS[name] for name in NAMES)]
    return "Where `best` has it from:\n\n" + page.table(head, rows)


def _passes(found: Result) -> str:
    took = {row["name"]: row for row in found["rows"] if row["name"] in ("one pass", "generation")}
    if len(took) < 2:
        return ""
    one, other = took["one pass"], took["generation"]
    return (
        f"One pass of a causal model takes {one['value']:.3g} s, generating titles "
        f"{other['value']:.3g} s: {other['ratio']:.0f} times as long (published: under 1 s, 56 s)."
    )


def served(page: Page) -> str:
    """Return what an answer of each model costs once it serves."""
    found = page.load("serving")
    if not found:
        return ""
    base = next(one for one in found["tables"]["models"] if one["model"] == "fast")
    rows = [
        [
            f"`{one['model']}`",
            one["served_by"],
            *(f"{one[key][at]:.3g}" for key in ("one_more", "top_100") for at in ("p50", "p99")),
            f"{one['top_100']['p50'] / base['top_100']['p50']:.2g}",
            f"{one['numbers']:,}",
            f"{one['disk_mb']:.3g}",
        ]
        for one in found["tables"]["models"]
    ]
    head = ["model", "served by", "one event more, p50 ms", "p99", "top 100, p50 ms", "p99"]
    head += ["times `fast`", "numbers kept", "MB on disk"]
    states = [
        f"`{row['name']}`: {row['value']:.3g} ms, reading the whole history "
        f"{row['against_value']:.3g} ms."
        for row in found["rows"]
        if "by advance" in row["name"]
    ]
    return "\n\n".join(
        [
            "### Serving",
            f"The {found['people']} people of {found['dataset']} with the longest histories (mean "
            f"{found['events']:g} events), {found['items']:,} items. Hardware: "
            f"{found['hardware'].split(', Linux')[0]}. {command_of(found)}",
            page.table(head, rows),
            *states,
        ]
    )


def tried(page: Page, name: str, over: str) -> str:
    """Return the table of what a script of choices tried (`scripts/tried.py`)."""
    found = page.load(name)
    if not found:
        return "No run is kept."
    head = ["variant", *(HEADS[metric] for metric in NAMES), f"NDCG@10 {over}", "s"]
    rows = [
        [row["variant"], *(page.shown(row[metric]) for metric in NAMES)]
        + [page.interval(_bounds(row[over])), f"{row['seconds']:.0f}" if row["seconds"] else ""]
        for row in found["rows"]
    ]
    about = (
        f"{command_of(found)}: {found['dataset']}, events before validation cut {found['cut']}, "
        f"pools of `{found['model']}`, {found['lessons']:,} lessons; {found['events']:,} events "
        "of the people kept apart."
    )
    return f"{about}\n\n{page.table(head, rows)}"


def _bounds(three: list[float]) -> Result:
    return dict(zip(("value", "low", "high"), three, strict=True))


def networks(page: Page) -> str:
    """Return the tables of what `scripts/sequence_figures.py` measured."""
    parts = []
    for name in ("sequence-tried-ml", "sequence-tried-beauty"):
        found = page.load(name)
        if not found:
            continue
        rows = [
            [f"`{one['model']}`", page.interval(_bounds(one["ndcg@10"]))]
            + [page.shown(one[metric][0]) for metric in ("recall@10", "recall@100")]
            + [f"{one['rounds']}", f"{one['fit']}"]
            for one in found["rows"]
        ]
        head = ["model", "NDCG@10", "Recall@10", "Recall@100", "rounds", "fit, s"]
        parts.append(
            f"{command_of(found)}: {found['dataset']}, validation cut {found['cut']}, "
            f"{found['asked']:,} people.\n\n{page.table(head, rows)}"
        )
    return "\n\n".join(parts)
