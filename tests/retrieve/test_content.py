import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.protocols import Attributing, Retriever, Similar
from tastemate.retrieve.content import Content
from tastemate.text.encoder import HashedWords
from tastemate.types import Event, Item, Query, history

FILMS = [
    ("heat", "Heat", ("Crime", "Thriller"), "A robbery and a detective in Los Angeles"),
    ("thief", "Thief", ("Crime",), "A robbery by a safe-cracker"),
    ("toy", "Toy Story", ("Animation", "Children"), "Toys come alive in a bedroom"),
    ("bug", "A Bug's Life", ("Animation", "Children"), "Ants come alive and fight"),
    ("love", "Love Actually", ("Romance",), "Couples at Christmas in London"),
]


class Topics:
    """Three dimensions: robbery, alive, and everything else."""

    name = "topics"
    dimensions = 3

    def __init__(self):
        self.seen = []

    def encode(self, texts):
        self.seen += texts
        found = np.array(
            [["robbery" in text, "alive" in text, bool(text)] for text in texts], dtype=np.float32
        ).reshape(-1, 3)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def film(key, title, genres, text):
    return Item(key, title, text, {"genres": genres, "year": 1990})


@pytest.fixture
def catalog():
    return Catalog.of(film(*line) for line in FILMS)


@pytest.fixture
def interactions(catalog):
    events = [Event("u", "heat", 5.0, 1), Event("u", "toy", 1.0, 2), Event("u", "love", 3.0, 3)]
    return Interactions.of(events, catalog)


@pytest.fixture
def fitted(catalog, interactions):
    return Content(encoder=Topics()).fit(catalog, interactions)


def ask(items, values=None, **settings):
    return Query(history=history(items, values), **settings)


def test_likes_bring_their_like(fitted):
    assert isinstance(fitted, Retriever)
    assert isinstance(fitted, Similar)
    assert isinstance(fitted, Attributing)
    (found,) = fitted.retrieve([ask([0], [5.0])], 2)
    assert found[0].row == 1
    assert found[0].source == "content"
    (found,) = fitted.retrieve([ask([2], [5.0])], 1)
    assert found[0].row == 3


def test_dislikes_push_away_and_neutral_ones_count_little(fitted):
    liked, mixed, doubtful = fitted.scores(
        [ask([0], [5.0]), ask([0, 2], [5.0, 1.0]), ask([0, 2], [5.0, 3.0])]
    )
    assert mixed[3] < liked[3] < doubtful[3]
    assert doubtful[1] > doubtful[3]


def test_late_events_weigh_more(catalog, interactions):
    quick = Content(encoder=Topics(), half_life=0.5).fit(catalog, interactions)
    first, second = quick.scores([ask([0, 2], [5.0, 5.0]), ask([2, 0], [5.0, 5.0])])
    assert first[3] > first[1]
    assert second[1] > second[3]


def test_scores_are_cosines_and_rows_do_not_depend_on_the_batch(fitted):
    queries = [ask([0, 1], [5.0, 2.0]), ask([]), ask([4, 4], [5.0, 5.0])]
    together = fitted.scores(queries)
    assert together.shape == (3, 5)
    assert together.dtype == np.float32
    assert np.isneginf(together[1]).all()
    assert np.abs(together[[0, 2]]).max() <= 1 + 1e-5
    assert together[2, 4] == pytest.approx(1, abs=1e-5)
    alone = np.concatenate([fitted.scores([query]) for query in queries])
    assert np.allclose(together, alone, atol=1e-6)


def test_contributions_add_up(fitted):
    query = ask([0, 2, 4], [5.0, 1.0, 3.0])
    shares = fitted.contributions(query, np.array([1, 3], dtype=np.int32))
    assert shares.shape == (2, 3)
    assert np.allclose(shares.sum(axis=1), fitted.scores([query])[0, [1, 3]], atol=1e-5)
    assert shares[0].argmax() == 0
    assert fitted.contributions(ask([]), np.array([1], dtype=np.int32)).shape == (1, 0)


def test_similar_leaves_the_item_out(fitted):
    found = fitted.similar(np.array([0, 3], dtype=np.int32), 4)
    assert [line[0].row for line in found] == [1, 2]
    assert all(item.row != 0 for item in found[0])
    assert len(found[0]) == 4


def test_saved_and_loaded_it_answers_the_same_without_encoding(fitted, catalog, tmp_path):
    fitted.save(tmp_path / "content")
    encoder = Topics()
    loaded = Content(encoder=encoder).load(tmp_path / "content", catalog)
    query = ask([0, 2], [5.0, 1.0])
    assert np.allclose(loaded.scores([query]), fitted.scores([query]), atol=1e-6)
    assert encoder.seen == []


def test_new_items_of_a_grown_catalogue_are_served(fitted, catalog, tmp_path):
    fitted.save(tmp_path / "content")
    grown = catalog.with_items(
        [
            film("den", "Den of Thieves", ("Crime", "Heist"), "A robbery at a bank"),
            Item("blank", "", "", {}),
        ]
    )
    encoder = Topics()
    loaded = Content(encoder=encoder).load(tmp_path / "content", grown)
    assert len(encoder.seen) == 2
    scores = loaded.scores([ask([0], [5.0])])
    assert scores.shape == (1, 7)
    assert np.allclose(scores[0, :5], fitted.scores([ask([0], [5.0])])[0], atol=1e-6)
    assert scores[0, 5] > 0.5
    assert np.isneginf(scores[0, 6])
    assert np.isneginf(loaded.scores([ask([6], [5.0])])).all()
    assert loaded.similar(np.array([6], dtype=np.int32), 3) == [[]]
    with pytest.raises(ConfigError, match="Fit again"):
        Content(encoder=HashedWords()).load(tmp_path / "content", grown)


def test_a_catalogue_without_events_or_items_fits(catalog):
    alone = Content(encoder=Topics()).fit(catalog, Interactions.empty(catalog))
    assert alone.scores([ask([0])])[0].argmax() == 0
    empty = Catalog.of([])
    nothing = Content(encoder=Topics()).fit(empty, Interactions.empty(empty))
    assert nothing.scores([ask([])]).shape == (1, 0)
    assert nothing.retrieve([ask([])], 3) == [[]]
    one = Catalog.of([Item("a", "Heat")])
    single = Content(encoder=Topics()).fit(one, Interactions.empty(one))
    assert single.scores([ask([0])])[0, 0] == pytest.approx(1, abs=1e-5)


def test_an_attribute_that_the_catalogue_lost_is_no_error(fitted, catalog, tmp_path):
    fitted.save(tmp_path / "content")
    bare = Catalog(catalog.frame.drop("genres")).with_items([Item("x", "A robbery alive")])
    loaded = Content(encoder=Topics()).load(tmp_path / "content", bare)
    assert loaded.scores([ask([0], [5.0])])[0, 5] > 0


def test_attributes_share_the_length(catalog, interactions):
    only = Content(encoder=Topics(), attributes=1.0).fit(catalog, interactions)
    scores = only.scores([ask([2], [5.0])])[0]
    assert scores[3] == pytest.approx(1, abs=1e-5)
    assert np.isneginf(scores[4])
    none = Content(encoder=Topics(), attributes=0.0).fit(catalog, interactions)
    assert none.scores([ask([2], [5.0])])[0, 3] == pytest.approx(1, abs=1e-5)


def test_reading_is_bounded(catalog, interactions):
    encoder = Topics()
    Content(encoder=encoder, chars=4).fit(catalog, interactions)
    assert max(map(len, encoder.seen)) == 4


def test_vectors_are_unit_rows(fitted):
    assert fitted.vectors.shape == (5, 3)
    assert fitted.vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(fitted.vectors, axis=1), 1, atol=1e-5)
    assert fitted.vectors[0] @ fitted.vectors[1] == pytest.approx(1, abs=1e-5)


def test_options_and_order_of_calls_are_checked(catalog, tmp_path):
    for options in ({"attributes": 2}, {"half_life": 0}, {"chars": 0}, {"neutral": -1}):
        with pytest.raises(ConfigError):
            Content(encoder=Topics(), **options)
    with pytest.raises(NotFitted):
        Content(encoder=Topics()).scores([ask([0])])
    with pytest.raises(NotFitted):
        Content(encoder=Topics()).save(tmp_path / "x")


def test_a_replaced_item_is_encoded_again_and_only_that_one(fitted, catalog, tmp_path):
    fitted.save(tmp_path / "content")
    changed = catalog.with_items([film("love", "Ronin", ("Crime",), "A robbery in Nice")])
    encoder = Topics()
    loaded = Content(encoder=encoder).load(tmp_path / "content", changed)
    assert len(encoder.seen) == 1
    query = ask([0], [5.0])
    assert loaded.scores([query])[0, 4] > fitted.scores([query])[0, 4] + 0.5
    assert np.allclose(loaded.scores([query])[0, :4], fitted.scores([query])[0, :4], atol=1e-6)
    loaded.save(tmp_path / "again")
    untouched = Topics()
    Content(encoder=untouched).load(tmp_path / "again", changed)
    assert untouched.seen == []


def test_the_shares_of_a_long_history_need_no_square_of_it(fitted):
    query = ask([0, 2, 4] * 20_000, [5.0, 1.0, 3.0] * 20_000)
    shares = fitted.contributions(query, np.array([1, 3], dtype=np.int32))
    assert shares.shape == (2, 60_000)
    assert np.allclose(shares.sum(axis=1), fitted.scores([query])[0, [1, 3]], atol=1e-4)
