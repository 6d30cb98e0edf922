"""Find the weights of the profile `talk`, and write down everything tried for conversations.

    python scripts/choose_talk.py [--text movie-text] [--out benchmarks/results/…-tried.json]

Each part is fitted on all ratings of ml-latest-small and scores every recommendation turn of
ReDial's validation dialogues. Weights are those of a conditional logit over the whole catalogue
(McFadden 1974) on the z-scores of the parts, fitted on the turns of the development half of the
workers only (`turns.halves`), with a small ridge. No dialogue is learned from in any other way.
Reported are recall at 1, 10 and 50 on that half, on the other half, and on all turns.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from tastemate import build
from tastemate.blend import zscore_mean
from tastemate.data.datasets import find_folder, open_dataset
from tastemate.evaluate import record
from tastemate.evaluate.conversation import read_from
from tastemate.evaluate.heard import Asked, ask
from tastemate.evaluate.turns import halves
from tastemate.protocols import Retriever

ALONE = (
    *("popular", "recent", "newcomer", "familiar", "item-knn", "ease", "implicit-als"),
    *("transition", "sequential-knn", "content", "knowledge", "search", "opening", "wanted"),
)
MIXES = (
    ("ease", "popular"),
    ("ease", "familiar"),
    ("content", "familiar"),
    ("content", "implicit-als", "familiar"),
    ("implicit-als", "familiar", "wanted"),
    ("content", "familiar", "wanted"),
    ("content", "implicit-als", "wanted"),
    ("content", "implicit-als", "familiar", "search"),
    ("content", "implicit-als", "familiar", "wanted"),
    ("content", "implicit-als", "familiar", "wanted", "ease"),
    ("content", "implicit-als", "familiar", "wanted", "search"),
    ("content", "implicit-als", "familiar", "wanted", "knowledge"),
    ("content", "implicit-als", "familiar", "wanted", "knowledge", "ease", "sequential-knn"),
)
PIECES = {
    "familiar": ("count", "recent", "young", "new"),
    "wanted": ("meaning", "labels", "named"),
}
"""The weights inside a part, each of which is tried as a part of its own."""
RIDGE = 1e-3


def main() -> None:
    """Fit the parts, try every mix, and write the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--text", default="movie-text")
    options.add_argument("--out", default="benchmarks/results/conversation-tried.json", type=Path)
    given = options.parse_args()
    data = open_dataset("ml-latest-small", text=given.text or None)
    turns = read_from(find_folder, None, data.catalog, data.interactions)
    asked = ask(turns, data.interactions.scale)
    places = np.flatnonzero([bool(turn.truths) for turn in turns])
    development, held = (np.flatnonzero(np.isin(places, half)) for half in halves(turns))
    parts = {"development": development, "held": held, "all": np.arange(len(asked.turns))}
    resources = build.resources()
    scores: dict[str, np.ndarray] = {}
    inside: dict[str, np.ndarray] = {}
    rows: list[dict[str, Any]] = []

    def note(name: str, mixed: np.ndarray, weights: dict[str, float]) -> None:
        row = {"model": name, "weights": weights, **figures(mixed, asked, parts)}
        rows.append(row)
        print(json.dumps(row), flush=True)

    for name in ALONE:
        model = build.fitted(name, resources, data.catalog, data.interactions)
        scores[name] = standard(scored(model, asked))
        note(name, scores[name], {name: 1.0})
        for piece in PIECES.get(name, ()):
            for other in PIECES[
                name
            ]:  # what is fitted does not depend on these, but for `familiar`
                setattr(model, other, float(other == piece))
            if name == "familiar":
                model.fit(data.catalog, data.interactions)
            alone = scored(model, asked)
            # values named keep their own scale inside `wanted`; all else is a z-score there
            made = np.where(np.isfinite(alone), alone, 0) if piece == "named" else standard(alone)
            inside[f"{name}: {piece}"] = made
    names = ["content", "implicit-als", *inside]
    found = fitted([(scores | inside)[name] for name in names], asked, development)
    weights = {name: round(float(one), 3) for name, one in zip(names, found, strict=True)}
    mixed = sum(one * (scores | inside)[name] for name, one in weights.items())
    note("content + implicit-als + pieces of familiar and wanted", np.asarray(mixed), weights)
    for mix in MIXES:
        found = fitted([scores[name] for name in mix], asked, development)
        weights = {name: round(float(one), 3) for name, one in zip(mix, found, strict=True)}
        mixed = sum(one * scores[name] for name, one in weights.items())
        note(" + ".join(mix), np.asarray(mixed), weights)
    result = {"protocol": "conversation, weights chosen", "text": given.text, "rows": rows}
    result |= {"turns": {name: len(one) for name, one in parts.items()}}
    result |= {"classes": classes(scores, asked, len(data.catalog))}
    result |= record.provenance(data.catalog, data.interactions)
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def scored(model: Retriever, asked: Asked) -> np.ndarray:
    """Return what a part says of every item at every turn."""
    starts = range(0, len(asked.queries), 128)
    return np.vstack([model.scores(asked.queries[at : at + 128]) for at in starts])


def standard(raw: np.ndarray) -> np.ndarray:
    """Return z-scores a turn, as the blend makes them; silence is the lowest."""
    z = zscore_mean([raw], [1.0])
    lowest = np.where(np.isfinite(z), z, np.inf).min(axis=1, keepdims=True)
    return np.where(np.isfinite(z), z, np.where(np.isfinite(lowest), lowest, 0))


def ranks(scores: np.ndarray, asked: Asked) -> list[np.ndarray]:
    """Return the place of each truth of each turn, what was named masked; ties count against."""
    found = []
    for row, turn, given in zip(scores, asked.turns, asked.given, strict=True):
        line = row.copy()
        line[given] = -np.inf
        found.append(np.array([int((line >= line[truth]).sum()) for truth in turn.truths]))
    return found


def figures(
    scores: np.ndarray, asked: Asked, parts: dict[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Return recall at 1, 10 and 50 of each part."""
    places = ranks(scores, asked)
    table: dict[str, dict[str, float]] = {}
    for name, which in parts.items():
        table[name] = {
            f"recall@{k}": round(float(np.mean([(places[at] <= k).mean() for at in which])), 4)
            for k in (1, 10, 50)
        }
    return table


def fitted(parts: list[np.ndarray], asked: Asked, which: np.ndarray) -> np.ndarray:
    """Return the weights of the most likely conditional logit, no weight below zero."""
    x = np.stack([part[which] for part in parts], axis=-1).astype(np.float32)
    masked = np.zeros(x.shape[:2], dtype=bool)
    truth = np.zeros(x.shape[:2], dtype=np.float32)
    for at, turn in enumerate(which):
        masked[at, asked.given[turn]] = True
        rows = list(asked.turns[turn].truths)
        truth[at, rows] = 1 / len(rows)
    reached = np.einsum("tnf,tn->f", x, truth)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        s = x @ weights.astype(np.float32)
        s[masked] = -1e9
        top = s.max(axis=1, keepdims=True)
        share = np.exp(s - top)
        total = share.sum(axis=1, keepdims=True)
        value = (reached @ weights - (np.log(total) + top).sum()) / len(which)
        slope = (reached - np.einsum("tnf,tn->f", x, share / total)) / len(which)
        return -value + RIDGE * float(weights @ weights), -slope + 2 * RIDGE * weights

    bounds = [(0.0, None)] * len(parts)
    start = np.full(len(parts), 0.1)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def classes(scores: dict[str, np.ndarray], asked: Asked, items: int) -> dict[str, int]:
    """Return how many truths no part has among its best 100, and how many each finds alone."""
    places = {name: np.concatenate(ranks(one, asked)) for name, one in scores.items()}
    best = np.min(list(places.values()), axis=0)
    table = {"truths": len(best), "items": items, "in no part's best 100": int((best > 100).sum())}
    for name, one in places.items():
        others = np.min([two for other, two in places.items() if other != name], axis=0)
        table[f"best 100 of {name} alone"] = int(((one <= 100) & (others > 100)).sum())
    return table


if __name__ == "__main__":
    main()
