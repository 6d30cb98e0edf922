import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError, Interrupted, TastemateError
from tastemate.interactions import Interactions
from tastemate.train.space import Choices, Range, cells, parse_space
from tastemate.train.tune import Ledger, Split, als_grid, rmse, search
from tastemate.types import Item


def _options(
    rank: int = 8, penalty: float = 0.1, kind: str = "a", deep: bool = False, free: object = None
) -> None:
    """Stand for a model's options."""


@pytest.fixture(scope="module")
def split() -> Split:
    rng = np.random.default_rng(1)
    n_users, n_items = 40, 30
    truth = 3 + rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items)) * 0.7
    part = rng.choice(4, size=truth.shape, p=[0.5, 0.2, 0.2, 0.1])
    part[part == 0] = 0
    part[0, 0:] = 2
    parts = []
    for which in range(3):
        user, item = np.nonzero(part == which)
        parts.append(
            Interactions(
                [f"u{at}" for at in range(n_users)],
                n_items,
                user.astype(np.int32),
                item.astype(np.int32),
                np.clip(truth, 0.5, 5)[part == which].astype(np.float32),
                np.arange(len(user)),
                position=1_000 * n_users * which + np.arange(len(user)),
            )
        )
    return Split(Catalog.of(Item(f"i{at}", "x") for at in range(n_items)), *parts)


def test_parts_that_share_events_are_refused(split):
    leaking = Split(split.catalog, split.train, split.train, split.test)
    with pytest.raises(DataError, match="share events"):
        als_grid(leaking, ranks=[2], regularisations=[0.1])


def test_settings_are_read_by_the_type_of_the_option():
    space = parse_space(
        ["rank=6,8", "penalty=1,0.5", "kind=1,b", "deep=true,False", "free=x,2"], _options
    )
    assert space["rank"] == Choices((6, 8))
    assert space["penalty"] == Choices((1.0, 0.5))
    assert space["kind"] == Choices(("1", "b"))
    assert space["deep"] == Choices((True, False))
    assert space["free"] == Choices(("x", 2))


def test_ranges_give_even_ratios_and_stay_inside():
    space = parse_space(["rank=2..32", "penalty=0.05..0.8"], _options)
    assert space["rank"].grid() == (2, 4, 8, 16, 32)
    assert space["penalty"].grid() == pytest.approx((0.05, 0.1, 0.2, 0.4, 0.8))
    assert parse_space(["free=0..1.0"], _options)["free"].grid() == (0, 0.25, 0.5, 0.75, 1)
    rng = np.random.default_rng(0)
    drawn = [space["rank"].draw(rng) for _ in range(200)]
    assert all(isinstance(value, int) and 2 <= value <= 32 for value in drawn)
    assert 0 <= Range(0, 1, False).draw(rng) <= 1


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("rank", "no setting"),
        ("rank=", "no setting"),
        ("ranc=3", "Did you mean 'rank'"),
        ("rank=0.5", "int values"),
        ("rank=x", "int values"),
        ("rank=true", "int values"),
        ("rank=0.5..2.0", "whole numbers"),
        ("kind=1..2", "no range"),
        ("penalty=a..b", "must be numbers"),
        ("penalty=2..1", "below the second"),
        ("penalty=1..nan", "below the second"),
    ],
)
def test_bad_settings_say_what_to_write(setting, told):
    with pytest.raises(ConfigError, match=told):
        parse_space([setting], _options)


def test_an_option_is_set_once():
    with pytest.raises(ConfigError, match="twice"):
        parse_space(["rank=1", "rank=2"], _options)


@given(st.text(max_size=30))
def test_any_setting_is_read_or_refused(text):
    try:
        space = parse_space([f"free={text}"], _options)
    except TastemateError:
        return
    assert cells(space)


def test_the_grid_is_every_combination_and_draws_are_seeded():
    space = parse_space(["rank=1,2", "penalty=0.1,0.2"], _options)
    assert len(cells(space)) == 4
    assert cells(space)[0] == {"rank": 1, "penalty": 0.1}
    wide = parse_space(["rank=1..1000", "penalty=0.1..9.0"], _options)
    assert cells(wide, 5, seed=1) == cells(wide, 5, seed=1) != cells(wide, 5, seed=2)
    assert len(cells(space, 50)) == 4


def test_search_finds_the_highest_and_reports_progress():
    told = []
    found = search(
        "m",
        parse_space(["rank=1,2,3"], _options),
        lambda options: -abs(options["rank"] - 2),
        progress=lambda what, share: told.append((what, share)),
    )
    assert found["best"]["rank"] == 2
    assert [cell["value"] for cell in found["grid"]] == [-1, 0, -1]
    assert told[0] == ("m: rank 1", 0.0)
    assert told[-1][1] == 1.0
    with pytest.raises(ConfigError, match="nothing to try"):
        search("m", {}, lambda _: 0.0)


def test_stopped_by_hand_the_finished_cells_are_kept_and_taken_up(tmp_path):
    space = parse_space(["rank=1,2,3"], _options)
    made = []

    def stop_at_three(options):
        if options["rank"] == 3:
            raise KeyboardInterrupt
        made.append(options["rank"])
        return 1.0

    with pytest.raises(Interrupted, match="2 of 3 cells"):
        search("m", space, stop_at_three, keep=tmp_path)
    with (tmp_path / "m.jsonl").open("a") as file:
        file.write('{"key": "half a li')

    def note(options):
        made.append(options["rank"])
        return 1.0

    found = search("m", space, note, keep=tmp_path)
    assert made == [1, 2, 3]
    assert len(found["grid"]) == 3
    search("m", space, note, keep=tmp_path)
    assert made == [1, 2, 3]
    search("m", space, note, keep=tmp_path, fingerprint="other data")
    search("m", space, note, keep=tmp_path, fresh=True)
    assert made == [1, 2, 3] * 3


def test_without_a_folder_nothing_is_written(tmp_path):
    ledger = Ledger(None, "m")
    assert ledger.cell({"a": 1}, lambda: {"x": 1}) == {"x": 1}
    assert "memory" in ledger.where
    assert list(tmp_path.iterdir()) == []


def test_the_rating_grid_has_the_shape_of_the_contract(split, tmp_path):
    found = als_grid(split, ranks=(2, 3), regularisations=(0.02, 5.0), keep=tmp_path)
    assert [set(cell) for cell in found["grid"]] == [
        {"rank", "regularisation", "train_rmse", "validation_rmse"}
    ] * 4
    lowest = min(found["grid"], key=lambda cell: cell["validation_rmse"])
    assert found["best"].items() >= lowest.items()
    assert found["best"]["regularisation"] == 0.02
    assert found["best"]["test_rmse"] > 0
    assert found["spark_seconds"] is None
    assert 0 < found["pairs"] < found["cold"]["pairs"] == len(split.test)
    again = als_grid(split, ranks=(2, 3), regularisations=(0.02, 5.0), keep=tmp_path)
    assert again == found
    assert len((tmp_path / "als.jsonl").read_text().split()) > 4
    json.dumps(found, allow_nan=False)
    with pytest.raises(ConfigError, match="nothing to try"):
        als_grid(split, ranks=())


def test_against_spark_puts_its_cells_beside_ours(split, monkeypatch):
    class Spark:
        def __init__(self, *parts, iterations, seed):
            assert [len(part) for part in parts] == [
                len(part) for part in (split.train, split.validation, split.test)
            ]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def cell(self, rank, regularisation):
            errors = dict.fromkeys(("train_rmse", "validation_rmse", "test_rmse"), float(rank))
            return {"rank": rank, "regularisation": regularisation, **errors, "seconds": 100.0}

    monkeypatch.setattr("tastemate.spark.als.SparkAls", Spark)
    found = als_grid(split, ranks=(2, 3), regularisations=(0.1,), against_spark=True)
    assert found["spark_seconds"] == 200.0
    assert found["spark"]["best"]["rank"] == 2
    assert found["spark"]["best"]["test_rmse"] == 2.0
    assert all("test_rmse" not in cell for cell in found["spark"]["grid"])
    assert found["ratio"] == pytest.approx(200.0 / found["seconds"])


def test_the_error_of_nothing_is_zero(split):
    from tastemate.retrieve.als import BiasedAls

    model = BiasedAls(rank=2).fit(split.catalog, split.train)
    none = split.test.where(np.zeros(len(split.test), bool))
    got = rmse(model, split.train, none)
    assert (got.warm, got.warm_pairs, got.every, got.pairs) == (0.0, 0, 0.0, 0)
