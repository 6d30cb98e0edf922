"""Choose the weights of `retrieve.newcomer` and of search beside it on half of ReDial's seekers.

    TASTEMATE_DATA=... python scripts/choose_newcomer.py [TEXT]

Recall@20 of the likes after one sentence, coordinate search over a small grid; printed are the
weights and what they give on the half they were chosen on and on the other one.
"""

import sys
from collections.abc import Mapping, Sequence

import numpy as np

from tastemate.data.datasets import find_folder, open_dataset
from tastemate.evaluate.dialogues import choosing, read_seekers
from tastemate.evaluate.lab import without_last
from tastemate.project import Tastemate
from tastemate.retrieve.newcomer import Newcomer
from tastemate.text.link import Linker
from tastemate.types import Floats, Query

GRID = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
PARTS = ("count", "recent", "named", "search")


def standard(rows: Floats) -> Floats:
    """Return each row's z-scores."""
    low = np.where(np.isfinite(rows), rows, np.inf).min(axis=1, keepdims=True)
    filled = np.where(np.isfinite(rows), rows, np.where(np.isfinite(low), low, 0))
    spread = filled.std(axis=1, keepdims=True)
    return ((filled - filled.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-9)).astype("f4")


def recall(
    parts: Mapping[str, Floats],
    weights: Mapping[str, float],
    at: Sequence[int],
    truths: Sequence[set[int]],
) -> float:
    """Return mean recall@20 of some seekers."""
    mixed = sum(weights[name] * parts[name][at] for name in PARTS)
    best = np.argsort(-mixed, axis=1, kind="stable")[:, :20]
    pairs = zip(best.tolist(), at, strict=True)
    return float(np.mean([len(set(row) & truths[one]) / len(truths[one]) for row, one in pairs]))


def main() -> None:
    """Print the weights and the figures of both halves."""
    text = sys.argv[1] if len(sys.argv) > 1 else None
    data = open_dataset("ml-latest-small", text=text)
    catalog, train = data.catalog, without_last(data.interactions)
    linker = Linker(catalog, popularity=data.interactions.counts)
    folder = find_folder("redial")
    assert folder is not None, "redial is not in TASTEMATE_DATA"
    asked = []
    for seeker in read_seekers(folder / "valid.jsonl"):
        truth = {linker.link(title).row for title in seeker.liked} - {-1}
        if truth:
            asked.append((seeker, truth))
    truths = [truth for _, truth in asked]
    queries = [Query(text=seeker.wish) for seeker, _ in asked]
    off = {"count": 0.0, "recent": 0.0, "named": 0.0}
    parts = {
        name: standard(Newcomer(**off | {name: 1.0}).fit(catalog, train).scores(queries))
        for name in off
    }
    search = Tastemate.open("ml-latest-small", text=text).retriever("search")
    parts["search"] = standard(search.scores(queries))
    ours = [at for at, (seeker, _) in enumerate(asked) if choosing(seeker)]
    other = [at for at, (seeker, _) in enumerate(asked) if not choosing(seeker)]
    weights = dict.fromkeys(PARTS, 1.0)
    best = recall(parts, weights, ours, truths)
    for _ in range(3):
        before = dict(weights)
        for name in PARTS:
            for value in GRID:
                trial = weights | {name: value}
                reached = recall(parts, trial, ours, truths)
                if reached > best + 1e-9:
                    best, weights = reached, trial
        if weights == before:
            break
    told = recall(parts, weights, other, truths)
    plain = {
        name: recall(parts, dict.fromkeys(PARTS, 0.0) | {name: 1.0}, other, truths)
        for name in PARTS
    }
    mixed = sum(weights[name] * parts[name] for name in PARTS[:3])
    print(
        f"{weights}: {best:.4f} on {len(ours)} seekers chosen on, {told:.4f} on {len(other)} others"
    )
    print(f"Alone, on the others: { ({name: round(value, 4) for name, value in plain.items()}) }")
    print(f"Deviation of the first three together: {float(mixed.std(axis=1).mean()):.2f}")


if __name__ == "__main__":
    main()
