"""What every ranker taught behind a mix promises, run over `build.RANKERS`."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tastemate import build, ranked
from tastemate.data.synthetic import random_world
from tastemate.errors import FormatError, Unavailable
from tastemate.protocols import Ranker
from tastemate.train.adapting import Adapting
from tastemate.train.crossed import Crossing
from tastemate.train.hybrid import Training
from tastemate.train.letters import AS_PUBLISHED, Lettering, _tiny
from tastemate.train.pools import Drawing
from tastemate.train.ranking import Teaching
from tastemate.types import Candidate, Item, Leaning, Query, history

CATALOG, EVENTS = random_world(4, n_users=30, n_items=40, n_events=500)
SHARED = build.resources(encoder="words")
SMALL = Teaching(folds=2, positions=3, depth=40, rounds=5, smallest=5)
FEW = Drawing(folds=2, positions=1, depth=8)
QUICK = Adapting(batch=4, look=1, patience=1)
NEEDS = {
    "learned": ("lightgbm",),
    "hybrid": ("torch",),
    "cross": ("torch", "transformers", "peft"),
    "letters": ("torch", "transformers", "peft"),
    "llamarec": ("torch", "transformers", "peft"),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "learned": {"teaching": SMALL},
    "hybrid": {"training": Training(SMALL, nets=1, hidden=(4,), epochs=1, text=2)},
    "cross": {"crossing": Crossing(drawing=FEW, adapting=QUICK, size=4, held=4)},
    "letters": {"lettering": Lettering(drawing=FEW, adapting=QUICK, held=4)},
    "llamarec": {"lettering": replace(AS_PUBLISHED, drawing=FEW, adapting=QUICK, held=4)},
}
QUERIES = [Query(user=f"u{at}", history=EVENTS.history(at)) for at in range(3)]


@pytest.fixture(scope="module", params=build.RANKERS)
def ranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ranker:
    """Taught on a small world; where what it reads is worth nothing, asked all the same."""
    name = request.param
    for library in NEEDS[name]:
        pytest.importorskip(library, reason=f"needs {library}")
    options = dict(OPTIONS[name])
    try:
        if name in ("letters", "llamarec"):
            options["path"] = _tiny(tmp_path_factory.mktemp("model"))
        mix = build.profile(f"popular+{name}")
        made: Any = ranked.taught(mix, SHARED, CATALOG, EVENTS, pool=40, **options)
    except Unavailable as error:
        pytest.skip(str(error))
    if hasattr(made, "weight"):
        made.weight = 0.5
    return made


def _pools(size: int) -> list[list[Candidate]]:
    rng = np.random.default_rng(size)
    return [
        [
            Candidate(int(row), 9.0 - at, "blend", at + 1, (("popular", 9.0 - at),))
            for at, row in enumerate(rng.permutation(40)[:size])
        ]
        for _ in QUERIES
    ]


@pytest.mark.parametrize("size", [0, 1, 2, 12, 40])
def test_a_permutation_of_what_came_in_and_a_batch_as_each_alone(ranker, size) -> None:
    assert isinstance(ranker, Ranker)
    assert build.RANKERS[ranker.name]
    pools = _pools(size)
    went = ranker.rank(QUERIES, pools)
    assert pools == _pools(size)
    assert [sorted(one.row for one in pool) for pool in went] == [
        sorted(one.row for one in pool) for pool in pools
    ]
    assert all(set(after) == set(came) for after, came in zip(went, pools, strict=True))
    assert [ranker.rank([q], [p])[0] for q, p in zip(QUERIES, pools, strict=True)] == went
    assert size < 12 or went != pools
    assert ranker.rank([], []) == []


@pytest.mark.parametrize(
    "more",
    [
        {"text": "a quiet one"},
        {"leanings": (Leaning("genres", "is", "War"),)},
        {"history": history([3])},
        {"history": history([])},
    ],
)
def test_what_is_asked_for_otherwise_stays_as_it_came(ranker, more) -> None:
    pool = _pools(12)[0]
    assert ranker.rank([QUERIES[0]], [pool]) != [pool]
    assert ranker.rank([Query(**({"history": EVENTS.history(0)} | more))], [pool]) == [pool]


def test_saved_and_loaded_it_ranks_the_same_over_a_grown_catalogue(ranker, tmp_path: Path) -> None:
    kept: Any = ranker
    kept.save(tmp_path / "kept")
    assert not [*(tmp_path / "kept").rglob("*.pkl"), *(tmp_path / "kept").rglob("*.bin")]
    load = build.named(build.RANKERS[ranker.name][1]).load
    grown = CATALOG.with_items([Item("new", "New")])
    content: Any = build.fitted("content", SHARED, CATALOG, EVENTS)
    reads = "vectors" in inspect.signature(load).parameters
    for catalog in (CATALOG, grown):
        texts = np.pad(content.vectors, ((0, len(catalog) - len(CATALOG)), (0, 0)))
        again = load(tmp_path / "kept", catalog, **({"vectors": texts} if reads else {}))
        assert again.rank(QUERIES, _pools(12)) == ranker.rank(QUERIES, _pools(12))
    with pytest.raises(FormatError):
        load(tmp_path / "kept", CATALOG.select(np.arange(5, dtype=np.int32)))
