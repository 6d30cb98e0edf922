import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted
from tastemate.interactions import Interactions
from tastemate.protocols import Retriever
from tastemate.retrieve.search import Search
from tastemate.text.encoder import HashedWords
from tastemate.types import Item, Query, history

FILMS = [
    ("White Heat (1949)", "Raoul Walsh", "A gangster and his mother, and the heat of the chase"),
    ("Heat (1995)", "Michael Mann", "A heist crew and a detective in Los Angeles"),
    ("Body Heat (1981)", "Lawrence Kasdan", "A lawyer falls for a married woman in the heat"),
    ("Thief (1981)", "Michael Mann", "A safe-cracker plans one last heist"),
    ("Michael (1996)", "Nora Ephron", "An angel comes to Iowa"),
    ("Toy Story (1995)", "John Lasseter", "Toys come alive"),
    ("It (1990)", "Tommy Lee Wallace", "A clown frightens children"),
]


class Robbers:
    """Knows only whether a text is about robbery."""

    name = "robbers"
    dimensions = 2

    def encode(self, texts):
        crime = [any(word in text for word in ("heist", "burglary")) for text in texts]
        return np.array([[float(c), 1.0 - c] for c in crime], dtype=np.float32).reshape(-1, 2)


def found_by(model, texts, n):
    return model.retrieve([Query(text=text) for text in texts], n)


def film(at, title, director, text):
    return Item(str(at), title, text, {"directors": (director,), "year": 1990})


@pytest.fixture(scope="module")
def catalog():
    return Catalog.of(film(at, *line) for at, line in enumerate(FILMS))


@pytest.fixture(scope="module")
def fitted(catalog):
    return Search(encoder=Robbers()).fit(catalog, Interactions.empty(catalog))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("heat", 1),
        ("Heat (1995)", 1),
        ("body heat", 2),
        ("something like Heat", 1),
        ("michael", 4),
        ("toys story", 5),
        ("it", 6),
        ("lasseter", 5),
        ("clown", 6),
    ],
)
def test_titles_people_and_words_are_found(fitted, text, first):
    (found,) = found_by(fitted, [text], 3)
    assert found[0].row == first
    assert [item.rank for item in found] == [1, 2, 3]
    assert found[0].source == "search"


def test_people_come_before_others(fitted):
    (found,) = found_by(fitted, ["heist films by Michael Mann"], 2)
    assert {item.row for item in found} == {1, 3}


def test_meaning_finds_what_words_do_not(fitted):
    assert {item.row for item in found_by(fitted, ["burglary"], 2)[0]} == {1, 3}


def test_it_is_a_retriever_of_queries_with_text(fitted):
    assert isinstance(fitted, Retriever)
    queries = [Query(text="heat"), Query(), Query(text=" \0?!"), Query(text="clown")]
    scores = fitted.scores(queries)
    assert scores.shape == (4, 7)
    assert scores.dtype == np.float32
    assert np.isneginf(scores[1:3]).all()
    assert np.isfinite(scores[[0, 3]]).all()
    alone = np.concatenate([fitted.scores([query]) for query in queries])
    assert np.allclose(scores, alone, atol=1e-6)
    seen = Query(text="heat", history=history([1]))
    assert all(item.row != 1 for item in fitted.retrieve([seen], 7)[0])


def test_saved_and_loaded_it_answers_the_same(fitted, catalog, tmp_path):
    fitted.save(tmp_path / "search")
    loaded = Search(encoder=Robbers()).load(tmp_path / "search", catalog)
    texts = ["heat", "heist by mann", "clown"]
    assert np.allclose(loaded.score_texts(texts), fitted.score_texts(texts), atol=1e-6)
    with pytest.raises(ConfigError, match="Fit again"):
        Search(encoder=HashedWords()).load(tmp_path / "search", catalog)


def test_new_items_of_a_grown_catalogue_are_found(fitted, catalog, tmp_path):
    fitted.save(tmp_path / "search")
    grown = catalog.with_items([film("new", "Ronin (1998)", "John Frankenheimer", "A briefcase")])
    loaded = Search(encoder=Robbers()).load(tmp_path / "search", grown)
    assert found_by(loaded, ["briefcase"], 1)[0][0].row == 7
    assert found_by(loaded, ["ronin"], 1)[0][0].row == 7
    assert found_by(loaded, ["heat"], 1)[0][0].row == 1


@pytest.mark.parametrize("titles", [[], [""], ["???"], ["Heat"]])
def test_small_and_empty_catalogues(titles):
    catalog = Catalog.of(Item(str(at), title) for at, title in enumerate(titles))
    fitted = Search(encoder=HashedWords()).fit(catalog, Interactions.empty(catalog))
    scores = fitted.score_texts(["heat", "the", ""])
    assert scores.shape == (3, len(titles))
    assert np.isneginf(scores[2]).all()
    assert len(found_by(fitted, ["heat"], 5)[0]) == len(titles)


def test_each_part_can_be_turned_off(catalog):
    words = Search(encoder=Robbers(), meaning=0, title=0).fit(catalog, Interactions.empty(catalog))
    assert (words.score_texts(["burglary"]) == 0).all()
    assert words.score_texts(["clown"])[0].argmax() == 6
    meaning = Search(encoder=Robbers(), words=0, title=0)
    meaning.fit(catalog, Interactions.empty(catalog))
    assert meaning.score_texts(["burglary clown"])[0].argmax() in (1, 3)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_is_answered(fitted, text):
    scores = fitted.score_texts([text])
    assert np.isfinite(scores).all() or np.isneginf(scores).all()


@pytest.mark.parametrize("text", ["heat " * 2_000_000, "(((heat.*[", "\\b(?P<heat>)+", "heat\0"])
def test_hostile_texts_are_words_like_any_other(fitted, text):
    assert found_by(fitted, [text], 1)[0][0].row in (0, 1, 2)


def test_reading_is_bounded(catalog):
    short = Search(encoder=Robbers(), chars=5).fit(catalog, Interactions.empty(catalog))
    assert short.similar(np.array([3], dtype=np.int32), 6)[0][0].row == 0


def test_similar_means_the_same(fitted):
    assert fitted.similar(np.array([3], dtype=np.int32), 1)[0][0].row == 1
    with pytest.raises(NotFitted):
        Search(encoder=Robbers()).similar(np.array([0], dtype=np.int32), 1)


def test_options_and_order_of_calls_are_checked(tmp_path):
    for options in ({"words": -1}, {"chars": 0}):
        with pytest.raises(ConfigError):
            Search(encoder=Robbers(), **options)
    with pytest.raises(NotFitted):
        Search(encoder=Robbers()).score_texts(["x"])
    with pytest.raises(NotFitted):
        Search(encoder=Robbers()).save(tmp_path / "x")
    with pytest.raises(NotFitted):
        Search(encoder=Robbers())._title_likeness(["x"])


def test_a_replaced_item_is_found_by_its_new_words(fitted, catalog, tmp_path):
    fitted.save(tmp_path / "search")
    changed = catalog.with_items([film(5, "Ronin (1998)", "John Frankenheimer", "A heist in Nice")])
    loaded = Search(encoder=Robbers()).load(tmp_path / "search", changed)
    (found,) = found_by(loaded, ["ronin"], 1)
    assert found[0].row == 5
    (found,) = found_by(loaded, ["toy story"], 1)
    assert found[0].row != 5
    assert loaded.score_texts(["burglary"])[0, 5] > fitted.score_texts(["burglary"])[0, 5]
