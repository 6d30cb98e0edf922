"""How the service is doing as a whole: its data, its quality by day, its fairness, its cost.

Everything is read when asked for, from the store and the project; nothing is kept here. What reads
much (`counted`, `quality`, `fairness`) is for the caller to ask for seldom (`serve.seldom`).
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tastemate import config
from tastemate.catalog import Catalog
from tastemate.evaluate import live, served
from tastemate.rank.fair import Fair
from tastemate.store.opening import Store

if TYPE_CHECKING:
    from tastemate.project import Tastemate

DAY = 86_400
FEW = 5
"""Events below which little is known of a user."""
NAMED = 20
"""Items named of a group that is counted."""
MOST = 20_000
"""Lines of a log that are read or counted, the latest ones."""


def counted(tm: "Tastemate", *, days: int = 30) -> dict[str, Any]:
    """Return what is counted over all items, all users, and the signals of so many days."""
    return {"items": _items(tm.catalog), "users": _users(tm), "kinds": _kinds(tm.store, days)}


def data_health(tm: "Tastemate", counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is missing, doubled, thin or out of date in the data, and how the store is.

    `counts` is what `counted` returned.
    """
    store, work = tm.store, tm.work
    last = store.events.last()
    return {
        "items": counts["items"],
        "users": counts["users"],
        "events": {
            "in_data_set": len(tm.interactions),
            "in_store": store.events.count(),
            "kinds": counts["kinds"],
        },
        "model": {
            "version": tm.model_version,
            "profile": tm.settings.recommend.profile,
            "unabsorbed": store.events.count(after=work.generation.events),
            "last_event": last,
            "added_items_unabsorbed": max(len(work.items) - work.generation.items, 0),
            **_age(work.folder / "models"),
        },
        "store": {
            "url": store.url,
            "integrity": store.check(),
            "bytes": store.bytes(),
            "versions": store.versions.all(),
        },
    }


def shown_lately(tm: "Tastemate", *, days: int = 30) -> pl.DataFrame:
    """Return what was shown within so many days, with what came of it (`live.outcomes`)."""
    since = int(time.time()) - days * DAY
    impressions = tm.store.impressions.frame(since)
    signals = tm.store.events.frame(since=since)
    weights, scale = tm.work.weights_of_signals, tm.interactions.scale
    return live.outcomes(impressions, signals, tm.catalog, weights, scale)


def quality(tm: "Tastemate", *, days: int = 30) -> dict[str, Any]:
    """Return the rates, coverage, inequality and drift of each day."""
    rows = served.per_day(shown_lately(tm, days=days), _counts(tm))
    return {"days": rows, "least": {"lines": live.LINES, "readers": live.READERS}}


def fairness(tm: "Tastemate", *, days: int = 30) -> dict[str, Any]:
    """Return exposure and acceptance by group of items and of people, and complaints by kind."""
    latest = tm.store.complaints.latest(MOST)
    said = [{"kind": one.kind, "user": one.user, "id": str(one.id)} for one in latest]
    found, counts = shown_lately(tm, days=days), _counts(tm)
    told = served.audit_live(found, tm.catalog, counts, people=people_of(tm), complaints=said)
    return told | {"declared": _declared(tm, found, counts)}


def _declared(
    tm: "Tastemate", found: pl.DataFrame, counts: np.ndarray[Any, np.dtype[np.int64]]
) -> dict[str, Any]:
    """Return the groups that `[fair]` declares, with the floors it names."""
    table = config.arguments(Fair, tm.settings.fair, "[fair]")
    fair = Fair(tm.catalog, counts, **table)
    rows = live.by_member(found, fair.member, fair.groups)
    return {
        "attribute": str(table.get("attribute", "")),
        "least": dict(table.get("least", {})),
        "rows": [row.as_json() for row in rows],
    }


def cost(tm: "Tastemate", telemetry: Any, *, days: int = 30) -> dict[str, Any]:
    """Return tokens and dollars by day from the model's account book, by stage since the start.

    Days without spending are left out; so is everything where there is no model.
    """
    from tastemate.llm.wrappers.ledger import Ledger

    path = tm.work.folder / "llm" / "spent.sqlite"
    rows = []
    if path.is_file():
        book = Ledger(path)
        today = datetime.now(UTC).date()
        for back in range(days - 1, -1, -1):
            day = (today - timedelta(days=back)).isoformat()
            spent = book.spent(day)
            if spent.tokens or spent.cost:
                rows.append({"day": day, "tokens": spent.tokens, "cost": spent.cost})
        book.close()
    return {
        "model": tm.language.model.name if tm.language is not None else "",
        "days": rows,
        "stages": _stages(telemetry),
    }


def people_of(tm: "Tastemate") -> pl.DataFrame | None:
    """Return what users declared, in the data set and since, a row a user; None for nothing."""
    rows: dict[str, dict[str, Any]] = {}
    declared = tm.interactions.people
    if declared is not None:
        for user, row in zip(tm.interactions.users, declared.iter_rows(named=True), strict=True):
            rows[user] = row
    for user, said in tm.store.users.declared().items():
        rows[user] = {**rows.get(user, {}), **said}
    names = sorted({name for row in rows.values() for name in row} - {"user"})
    if not names:
        return None
    return pl.DataFrame(
        {"user": list(rows)}
        | {name: [_word(row.get(name)) for row in rows.values()] for name in names},
        schema=dict.fromkeys(("user", *names), pl.String),
    )


def _word(value: object) -> str | None:
    return None if value is None or isinstance(value, list | tuple | dict) else str(value)


def _counts(tm: "Tastemate") -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return how often each item of the catalogue was met in the data set, (items,)."""
    return np.asarray(tm.interactions.over(tm.catalog).counts, dtype=np.int64)


def _items(catalog: Catalog) -> dict[str, Any]:
    frame = catalog.frame
    missing = {name: int((~catalog.known(name)).sum()) for name in catalog.attributes}
    unknown = np.ones(len(catalog), dtype=bool)
    for name in catalog.attributes:
        unknown &= ~catalog.known(name)
    titles = frame.select("id", "title", key=pl.col("title").str.to_lowercase().str.strip_chars())
    twice = titles.filter(pl.col("key").is_duplicated() & (pl.col("key") != ""))
    groups = twice.group_by("key", maintain_order=True).agg("id", pl.col("title").first())
    return {
        "count": len(catalog),
        "without_text": int((frame["text"] == "").sum()),
        "without_title": int((frame["title"] == "").sum()),
        "without_attributes": int(unknown.sum()) if catalog.attributes else len(catalog),
        "missing": [
            {"attribute": name, "items": count, "share": count / max(len(catalog), 1)}
            for name, count in sorted(missing.items(), key=lambda one: (-one[1], one[0]))
        ],
        "duplicates": len(groups),
        "same_title": [
            {"title": title, "item_ids": ids[:NAMED]}
            for _, ids, title in groups.head(NAMED).iter_rows()
        ],
    }


def _users(tm: "Tastemate") -> dict[str, Any]:
    """Return how much is known of how many people."""
    interactions = tm.interactions
    known = dict(zip(interactions.users, np.diff(interactions.offsets).tolist(), strict=True))
    did = tm.store.events.by_user()
    for user, count in did.items():
        known[user] = known.get(user, 0) + count
    counts = np.array(list(known.values()), dtype=np.int64)
    edges = ((1, FEW), (FEW, 10), (10, 20), (20, 50), (50, 100), (100, 2**62))
    return {
        "count": len(known),
        "few_events": int((counts < FEW).sum()),
        "in_store": len(did),
        "histories": [
            {
                "events": f"{low} to {high - 1}" if high < 2**62 else f"{low} and more",
                "users": int(((counts >= low) & (counts < high)).sum()),
            }
            for low, high in edges
        ],
    }


def _kinds(store: Store, days: int) -> list[dict[str, Any]]:
    """Return how many signals of each kind came in on each day, oldest first."""
    since = int(time.time()) - days * DAY
    return [
        {
            "day": datetime.fromtimestamp(day * DAY, UTC).date().isoformat(),
            "kind": kind,
            "events": count,
        }
        for day, kind, count in store.events.kinds_per_day(since)
        if day * DAY < 2**36
    ]


def _age(folder: Path) -> dict[str, Any]:
    """Return when the latest of the kept models was fitted; nothing where none is kept."""
    times = [one.stat().st_mtime for one in folder.glob("*/meta.json")]
    if not times:
        return {}
    return {"fitted_at": int(max(times)), "age_hours": round((time.time() - max(times)) / 3600, 2)}


def _stages(telemetry: Any) -> dict[str, Any]:
    """Return what this process counted since it started: by stage, and lists that were lesser."""
    registry = getattr(telemetry, "registry", None)
    if registry is None:
        return {}
    sums: dict[tuple[str, str], float] = {}
    for family in registry.collect():
        for sample in family.samples:
            key = (sample.name, sample.labels.get("stage", ""))
            sums[key] = sums.get(key, 0.0) + float(sample.value)
    names = sorted({stage for name, stage in sums if name.startswith("tastemate_") and stage})
    return {
        "lists": int(sums.get(("tastemate_lists_total", ""), 0)),
        "cost": sums.get(("tastemate_llm_cost_dollars_total", ""), 0.0),
        "rows": [
            {
                "stage": stage,
                "runs": int(sums.get(("tastemate_stage_seconds_count", stage), 0)),
                "seconds": round(sums.get(("tastemate_stage_seconds_sum", stage), 0.0), 4),
                "tokens": int(sums.get(("tastemate_llm_tokens_total", stage), 0)),
                "failed": int(sums.get(("tastemate_degraded_total", stage), 0)),
            }
            for stage in names
        ],
    }


def degraded(telemetry: Any) -> Mapping[str, Any]:
    """Return how many lists of this process were sent, and stages of them failed."""
    told = _stages(telemetry)
    rows = told.get("rows", [])
    return {"lists": told.get("lists", 0), "failed": sum(row["failed"] for row in rows)}
