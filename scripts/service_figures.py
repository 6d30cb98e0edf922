"""The tables about the service; `figures.py` puts them on its pages.

Each function takes what it needs of `figures.py` and returns nothing where no result was made.
"""

from talk_figures import Page, Result, command_of


def load_of(page: Page, *, short: bool = False) -> str:
    """P7 over HTTP, a table for each data set; `short` keeps to what has a goal."""
    found = [one for one in (page.load("http"), page.load("http-ml")) if one]
    return "\n\n".join(_load(page, one, short) for one in found)


def _load(page: Page, found: Result, short: bool) -> str:
    rows = [
        [one["name"], f"{one['value']:g} {one['unit']}", _goal(one)]
        for one in found["rows"]
        if not short or one["against"] or "2xx" in one["name"]
    ]
    return (
        f"The service under load over {found['dataset']}, an open loop on the machine that also "
        f"serves ({found['hardware'].split(', Linux')[0]}). {command_of(found)}\n\n"
        + page.table(["what", "measured", "goal"], rows)
    )


def _goal(row: Result) -> str:
    if row["against_value"] is None:
        return ""
    more = row["unit"] == "events/s"
    met = row["value"] >= row["against_value"] if more else row["value"] <= row["against_value"]
    sign = "at least" if more else "at most"
    return f"{sign} {row['against_value']:g} ({'met' if met else 'missed'})"


def kept(page: Page) -> str:
    """P8: what a kill, a full disk, a damaged model and a dead database cost."""
    found = page.load("durability")
    if not found:
        return ""
    kills = found["by_kind"]["kill -9"]
    rows = [
        [
            kind,
            str(one["cases"]) if one["cases"] else one.get("skipped", ""),
            str(one["failures"]),
            "; ".join(one["problems"]),
        ]
        for kind, one in found["by_kind"].items()
    ]
    return (
        f"**{kills['cases']}** kills (kill -9) of a server that is written to, some while it fits: "
        f"of {kills['acknowledged']:,} acknowledged events **{kills['failures']}** checks failed "
        f"(lost, twice, integrity). {command_of(found)}\n\n"
        + page.table(["what", "cases", "failures", "found"], rows)
    )


def fuzzed(page: Page) -> str:
    """What schemathesis found over the OpenAPI document."""
    found = page.load("api")
    if not found:
        return ""
    return (
        f"schemathesis, all checks, {found['examples_asked']} examples an operation where there "
        f"are so many, {found['operations']} operations: **{len(found['failures'])}** failures in "
        f"{found['cases']:,} cases; a check is narrowed for {len(found['narrowed'])} operations, "
        f"with reasons in the JSON. `python scripts/{found['command']}`"
    )


def trials(page: Page) -> str:
    """A/A and A/B experiments, assignment, the sample-ratio alarm."""
    found = page.load("trials")
    if not found:
        return ""
    wrong = [
        [one["world"], *(_percent(one[name]) for name in _LOOKS)]
        for one in found["false_positives"]
    ]
    right = [
        [f"lift of {_percent(one['lift'])}", *(_percent(one[name]) for name in _LOOKS)]
        for one in found["power"]
    ]
    split = found["assignment"]
    alarms = "; ".join(
        f"{one['split']}: {_percent(one['sequential_peeked'])}" for one in found["alarm"]
    )
    return (
        f"{found['simulations']:,} simulated experiments of {found['units']:,} units each, "
        f"{found['looks']} looks. {command_of(found)}\n\n"
        + page.table(["differs by chance only", *_HEADS], wrong)
        + "\n\n"
        + page.table(["differs truly", *_HEADS], right)
        + f"\n\nAssignment at {split['users']:,} users is off by {_percent(split['worst'])} of all "
        f"at most; when an arm grows, {split['moved_out_of_an_arm_when_another_grew']} users leave "
        f"another arm. Sample-ratio alarm under peeking: {alarms}."
    )


_LOOKS = ("fixed", "fixed_peeked", "always_valid_peeked")
_HEADS = ("fixed horizon, one look", "the same, peeked at", "always-valid, peeked at")


def offpolicy(page: Page) -> str:
    """Off-policy estimates against a known truth."""
    found = page.load("offpolicy")
    if not found:
        return ""
    rows = [
        [
            one["policy"],
            one["method"].upper(),
            _percent(one["refused"]),
            "" if one["refused"] == 1 else _percent(one["coverage"]),
            "" if one["refused"] == 1 else f"{one['error']:.3f}",
        ]
        for one in found["rows"]
    ]
    return (
        f"Another policy judged from the explorer's log, {found['runs']} logs of "
        f"{found['lists']:,} lists; an estimate with an effective sample below {found['least']:g} "
        f"is refused. {command_of(found)}\n\n"
        + page.table(["policy", "estimate", "refused", "truth within 95%", "error"], rows)
    )


def explored(page: Page) -> str:
    """What exploration costs and finds, and what correcting for places gains."""
    parts = []
    if found := page.load("explore"):
        rows = [
            [one["policy"], f"{one['regret']:.3f}", f"{one['regret_last_tenth']:.3f}"]
            for one in found["rows"]
        ]
        parts.append(
            f"Rewards lost a list against the best list, {found['seeds']} worlds with "
            f"{found['hidden']} good items the ranker undervalues. {command_of(found)}\n\n"
            + page.table(["policy", "over all lists", "over the last tenth"], rows)
        )
    if found := page.load("clicks"):
        rows = [
            [one["habit"], one["way"], f"{one['tau']:.3f}", f"{one['tau_looped']:.3f}"]
            for one in found["rows"]
        ]
        parts.append(
            f"An order learned from clicks against the true one (Kendall's tau), "
            f"{found['runs']} worlds. {command_of(found)}\n\n"
            + page.table(["ranker that was logged", "learned from", "tau", "after rounds"], rows)
        )
    return "\n\n".join(parts)


def fair(page: Page) -> str:
    """What the fairness control gives and costs."""
    parts = []
    for name in ("fair-films", "fair-ml"):
        found = page.load(name)
        if not found:
            continue
        rows = [
            [
                f"{one['fair']:g}",
                page.interval(one["ndcg"]),
                *(f"{group['exposure']:.3f}" for group in one["exposure"]),
                f"{one['coverage']:.3f}",
            ]
            for one in found["rows"]
        ]
        groups = [group["group"] for group in found["rows"][0]["exposure"]]
        head = ["fair", "NDCG@10", *(f"exposure of {group}" for group in groups), "coverage"]
        parts.append(f"{found['dataset']}. {command_of(found)}\n\n" + page.table(head, rows))
    return "\n\n".join(parts)


def live(page: Page) -> str:
    """What three clicks do to the next list."""
    found = page.load("live")
    if not found:
        return ""
    rows = [
        [one["model"], page.interval(one["genre_share"]), page.interval(one["rise"])]
        for one in found["feed"]["rows"]
    ]
    return (
        f"Share of a genre in the list after three clicks on it, {found['feed']['users']} users of "
        f"{found['feed']['dataset']}, by the share of the live vector. {command_of(found)}\n\n"
        + page.table(["share", "share of the genre", "rise"], rows)
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
