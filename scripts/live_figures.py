"""What the live vector does: to the next item within a session, and to a feed after three clicks.

    TASTEMATE_DATA=... python scripts/live_figures.py [--users N]

Writes benchmarks/results/live.json. Next item: ml-latest-small, validation cuts 1 to 3, the whole
catalogue ranked. "counted": the latest events are in the history and move the vector, as ratings
do. "clicks": the latest three are not in the history and move the vector alone, as clicks do; they
are left out of the list in both. Feed: films; somebody clicks three items of one genre.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from tastemate import build
from tastemate.data.datasets import open_dataset
from tastemate.data.split import leave_one_out
from tastemate.evaluate import record
from tastemate.evaluate.bootstrap import differences, intervals
from tastemate.evaluate.lab import Setting, limited, prepare, rank_values
from tastemate.evaluate.slices import by_user
from tastemate.metrics import ranks_of
from tastemate.profile.live import live_vector
from tastemate.profile.signals import Weights
from tastemate.retrieve.search import Search
from tastemate.types import Floats, History, Query

OUT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "live.json"
SAID = Weights()
CLICK = SAID.weights["click"]
SHARES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Weights of the vector against the whole mix that are tried."""
ALPHAS = (0.5, 0.8, 0.9)
HOURS = (1.0, 24.0, 24.0 * 365)
CLICKED = 3
TOP = 10
Vector = Callable[[History], Floats | None]


def main() -> None:
    """Measure both and write them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=None, help="ask only so many")
    users = parser.parse_args().users
    found = {"feed": feed(users or 150), "next_item": next_item(users)}
    for name, part in found.items():
        for row in part["rows"]:
            print(name, json.dumps(row))
    OUT.write_text(json.dumps(found | record.circumstances(), indent=1) + "\n")


def settings() -> Iterator[tuple[float, float, float]]:
    """Yield share, alpha and half-life: each changed by itself, the others as they are."""
    for share in SHARES:
        yield share, SAID.alpha, SAID.half_life_hours
    for alpha in ALPHAS:
        if alpha != SAID.alpha:
            yield build.EXTRAS["vector"], alpha, SAID.half_life_hours
    for hours in HOURS:
        if hours != SAID.half_life_hours:
            yield build.EXTRAS["vector"], SAID.alpha, hours


def next_item(users: int | None) -> dict[str, Any]:
    """Return NDCG@10 and recall@10 with and without the vector, paired by user."""
    data = open_dataset("ml-latest-small")
    setting = Setting(limit_users=users)
    catalog, events = prepare(data.catalog, data.interactions, setting)
    shared = build.resources()
    vectors = cast(Search, build.fitted("search", shared, catalog, events)).vectors
    middle = vectors.mean(axis=0)
    values: dict[str, list[dict[str, Floats]]] = {}
    people: list[Any] = []
    for cut in setting.cuts:
        asked = limited(leave_one_out(events, cut), setting)
        model = build.factory("fast", shared)(catalog, asked.train)
        people.append(asked.users)
        scale = asked.train.scale
        middle_of_scale, reach = (scale.low + scale.high) / 2, (scale.high - scale.low) / 2
        pasts = [past.last(setting.max_history) for past in asked.histories]
        kept = [past.take(np.arange(max(len(past) - CLICKED, 1))) for past in pasts]
        for mode, known in (("counted", pasts), ("clicks", kept)):
            base = _scores(model, known)
            moved = []
            for past, before in zip(pasts, known, strict=True):
                if mode == "counted":
                    worth = np.clip((past.values - middle_of_scale) / reach, -1, 1)
                    moved.append((past, worth))
                else:
                    clicks = past.take(np.arange(len(before), len(past)))
                    moved.append((clicks, np.full(len(clicks), CLICK, np.float32)))
            judged = _judge(base, asked)
            values.setdefault(f"{mode} without", []).append(judged)
            for share, alpha, hours in settings():
                near = [
                    live_vector(
                        past.items,
                        worth,
                        past.timestamps,
                        int(past.timestamps[-1]) if len(past) else 0,
                        vectors,
                        middle=middle,
                        alpha=alpha,
                        half_life_hours=hours,
                    )
                    for past, worth in moved
                ]
                name = f"{mode} share={share} alpha={alpha} half_life_hours={hours:g}"
                added = base + share * _nearness(near, vectors)
                values.setdefault(name, []).append(_judge(added, asked))
    codes = np.concatenate(people)
    whole = {
        name: {m: by_user(codes, np.concatenate([one[m] for one in parts])) for m in parts[0]}
        for name, parts in values.items()
    }
    return {
        "dataset": "ml-latest-small",
        "split": "validation",
        "users": len(np.unique(codes)),
        "rows": [_row(name, one, whole) for name, one in whole.items()],
    }


def _row(name: str, one: dict[str, Floats], whole: dict[str, Any]) -> dict[str, Any]:
    base = whole[f"{name.partition(' ')[0]} without"]
    return {
        "model": name,
        "metrics": {m: v.as_json() for m, v in intervals(one).items()},
        "against_without": {m: v.as_json() for m, v in differences(one, base).items()},
    }


def _scores(model: Any, known: list[History]) -> Floats:
    queries = [Query(history=past) for past in known]
    parts = [model.scores(queries[at : at + 128]) for at in range(0, len(queries), 128)]
    return np.asarray(np.concatenate(parts), dtype=np.float32)


def _nearness(vectors: list[Floats | None], items: Floats) -> Floats:
    """Return the z-scores of each query's cosines, zero where nothing points anywhere."""
    found = np.zeros((len(vectors), len(items)), dtype=np.float32)
    for at, vector in enumerate(vectors):
        if vector is not None:
            near = items @ vector
            found[at] = (near - near.mean()) / max(float(near.std()), 1e-9)
    return found


def _judge(scores: Floats, asked: Any) -> dict[str, Floats]:
    masked = scores.copy()
    for row, past in zip(masked, asked.histories, strict=True):
        row[past.items] = -np.inf
    ranks = ranks_of(masked, asked.targets, equal="worst")
    return rank_values(ranks[:, None], (TOP,))


def feed(users: int) -> dict[str, Any]:
    """Return the share of a genre among the first ten before and after three clicks in it."""
    data = open_dataset("films")
    catalog, events = data.catalog, data.interactions
    shared = build.resources()
    vectors = cast(Search, build.fitted("search", shared, catalog, events)).vectors
    model = build.factory("fast", shared)(catalog, events)
    genres = catalog.incidence("genres")
    of = {name: genres.matrix[:, code].toarray().ravel() > 0 for name, code in genres.codes.items()}
    common = [name for name, has in of.items() if 30 <= has.sum() <= len(catalog) / 3]
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.permutation(events.n_users)[:users])
    pasts = [events.history(code) for code in drawn.tolist()]
    base = _scores(model, pasts)
    rows: dict[str, list[Floats]] = {}
    for past, scores in zip(pasts, base, strict=True):
        per: dict[str, list[float]] = {}
        for name in common:
            open_ = np.flatnonzero(of[name] & ~np.isin(np.arange(len(catalog)), past.items))
            if len(open_) < CLICKED + TOP:
                continue  # nearly all of it is seen: no list of it is left
            clicked = rng.choice(open_, CLICKED, replace=False).astype(np.int32)
            vector = live_vector(
                clicked, np.full(CLICKED, CLICK, np.float32), np.arange(CLICKED), 3, vectors
            )
            near = _nearness([vector], vectors)[0]
            seen = np.union1d(past.items, clicked)
            for share in (0.0, *SHARES):
                masked = scores + share * near
                masked[seen] = -np.inf
                best = np.argsort(-masked, kind="stable")[:TOP]
                per.setdefault(f"share={share}", []).append(float(of[name][best].mean()))
        for key, found in per.items():
            rows.setdefault(key, []).append(np.asarray(found).mean())
    values = {key: np.asarray(found, np.float64) for key, found in rows.items()}
    start = values["share=0.0"]
    return {
        "dataset": "films",
        "users": len(drawn),
        "genres": common,
        "rows": [
            {
                "model": key,
                "genre_share": intervals({"share": one})["share"].as_json(),
                "rise": differences({"share": one}, {"share": start})["share"].as_json(),
            }
            for key, one in values.items()
        ],
    }


if __name__ == "__main__":
    main()
