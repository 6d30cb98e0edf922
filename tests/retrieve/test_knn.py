import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, FormatError
from tastemate.interactions import Interactions
from tastemate.retrieve.knn import ItemKNN, UserKNN
from tastemate.retrieve.popular import Popular
from tastemate.types import Event, Item, Query, history

CATALOG = Catalog.of(Item(f"i{at}", f"Item {at}") for at in range(5))


def _events(*given: tuple[str, str, float]) -> Interactions:
    return Interactions.of([Event(*event, at) for at, event in enumerate(given)], CATALOG)


BUSY = _events(
    ("u", "i0", 5),
    ("u", "i1", 5),
    ("v", "i0", 4),
    ("v", "i1", 1),
    ("v", "i2", 4),
    ("w", "i2", 3),
    ("w", "i3", 2),
)


def test_item_knn_is_the_shrunken_cosine() -> None:
    scores = ItemKNN(shrinkage=1).fit(CATALOG, BUSY).scores([Query(history=history([0], [5.0]))])[0]
    np.testing.assert_allclose(scores[[1, 2]], [2 / 3, 1 / 3], rtol=1e-6)
    assert np.isneginf(scores[[0, 3, 4]]).all()


def test_item_knn_hears_only_the_nearest() -> None:
    scores = ItemKNN(shrinkage=0, k=1).fit(CATALOG, BUSY).scores([Query(history=history([2]))])[0]
    assert np.isneginf(scores[0])  # item 0 hears item 1 only
    assert np.isfinite(scores[3])


def test_explicit_values_count() -> None:
    plain = ItemKNN(shrinkage=0).fit(CATALOG, BUSY).similar(np.array([0], np.int32), 1)[0]
    rated = ItemKNN(shrinkage=0, events="explicit").fit(CATALOG, BUSY)
    near = rated.similar(np.array([0], np.int32), 1)[0]
    assert plain[0].row == near[0].row == 1
    weights = 0.1 + 0.9 * (np.array([5, 4, 5, 1]) - 1) / 4
    lengths = np.linalg.norm(weights[:2]) * np.linalg.norm(weights[2:])
    assert near[0].score == pytest.approx((weights[:2] @ weights[2:]) / lengths, rel=1e-5)


def test_similar_items_are_each_one_s_own_nearest() -> None:
    model = ItemKNN(shrinkage=0, k=1).fit(CATALOG, BUSY)
    found = model.similar(np.array([0, 1, 3, 4], np.int32), 5)
    assert [[c.row for c in line] for line in found] == [[1], [0], [2], []]


def test_user_knn_asks_the_nearest_people() -> None:
    model = UserKNN(k=1, shrinkage=0).fit(CATALOG, BUSY)
    found = model.retrieve([Query(history=history([3]))], 5)[0]
    assert [c.row for c in found] == [2]
    assert found[0].score == pytest.approx(1 / np.sqrt(2), rel=1e-6)


def test_user_knn_weighs_what_the_neighbours_said() -> None:
    query = [Query(history=history([0], [5.0]))]
    implicit = UserKNN(shrinkage=0).fit(CATALOG, BUSY).scores(query)[0]
    explicit = UserKNN(shrinkage=0, events="explicit").fit(CATALOG, BUSY).scores(query)[0]
    assert implicit[1] > implicit[2]
    assert explicit[1] / explicit[2] < implicit[1] / implicit[2]


def test_user_knn_listens_more_to_the_newest_event() -> None:
    model = UserKNN(k=1, shrinkage=0, decay=0.1).fit(CATALOG, BUSY)
    near_w, near_u = model.retrieve(
        [Query(history=history([1, 3])), Query(history=history([3, 1]))], 5
    )
    assert [c.row for c in near_w] == [2]
    assert [c.row for c in near_u] == [0]


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (ItemKNN, {"k": 0}),
        (ItemKNN, {"shrinkage": -1.0}),
        (ItemKNN, {"events": "odd"}),
        (ItemKNN, {"decay": 0.0}),
        (ItemKNN, {"last": 0}),
        (UserKNN, {"k": 0}),
        (UserKNN, {"decay": 1.5}),
    ],
)
def test_options_out_of_range_are_refused(model, options) -> None:
    with pytest.raises(ConfigError, match="knn"):
        model(**options)


def test_another_model_s_folder_is_refused(tmp_path) -> None:
    Popular().fit(CATALOG, BUSY).save(tmp_path / "popular")
    for model in (ItemKNN(), UserKNN()):
        with pytest.raises(FormatError, match="fit again"):
            model.load(tmp_path / "popular", CATALOG)


@pytest.mark.parametrize("model", [ItemKNN, UserKNN, Popular])
def test_a_catalogue_that_shrank_is_refused(model, tmp_path) -> None:
    model().fit(CATALOG, BUSY).save(tmp_path / "kept")
    with pytest.raises(FormatError, match="another catalogue"):
        model().load(tmp_path / "kept", CATALOG.select(np.arange(2, dtype=np.int32)))


def test_people_who_met_both_make_items_similar() -> None:
    catalog = Catalog.of(Item(f"i{at}", f"Item {at}") for at in range(4))
    events = [Event(u, i) for u in "ab" for i in ("i0", "i1")] + [Event("a", "i2")]
    model = UserKNN().fit(catalog, Interactions.of(events, catalog))
    lines = model.similar(np.array([0, 3], dtype=np.int32), 5)
    assert [[c.row for c in line] for line in lines] == [[1, 2], []]
    assert lines[0][0].score == pytest.approx(1.0)
