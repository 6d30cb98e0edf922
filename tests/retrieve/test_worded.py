import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.data.synthetic import checkerboard
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.profile.taste import AttributeTaste
from tastemate.retrieve.worded import Worded, spoken
from tastemate.text.encoder import HashedWords
from tastemate.types import Item, Query, Statement, Taste, history

CATALOG = Catalog.of(
    [
        Item("a", "Harbour", "A detective in the winter rain.", {"genres": ("Crime",)}),
        Item("b", "Meadow", "A love story in the sun.", {"genres": ("Romance",)}),
        Item("c", "Station", "A detective in love.", {"genres": ("Crime", "Romance")}),
        Item("d", "Engine", "Trains.", {"genres": ("Documentary",)}),
    ]
)


def statement(value, likes=True, attribute="genres"):
    return Statement(f"likes {value}", attribute, value, likes, 2.0, ())


def fitted(**options):
    return Worded(encoder=HashedWords(), **options).fit(CATALOG, Interactions.empty(CATALOG))


def ids(found):
    return [CATALOG.ids[candidate.row] for candidate in found]


def test_what_is_liked_comes_first_and_what_is_disliked_last():
    model = fitted(dislike=1.0)
    taste = Taste((statement("detective"), statement("love", likes=False)))
    found = model.retrieve([Query(taste=taste)], 4)[0]
    assert ids(found)[0] == "a"
    assert ids(found)[-1] == "b"
    only = fitted(dislike=0.0).scores([Query(taste=taste)])[0]
    with_dislikes = model.scores([Query(taste=taste)])[0]
    assert with_dislikes[1] < only[1]
    assert with_dislikes[0] == pytest.approx(only[0], abs=0.1)


def test_a_sentence_that_names_a_dislike_is_not_searched_for():
    taste = Taste(
        (statement("Crime"), statement("Romance", likes=False)),
        "You like crime in the rain. You care less for romances! Trains please you.",
    )
    assert spoken(taste) == ("You like crime in the rain. Trains please you.", "Romance")
    assert spoken(Taste((statement("Crime"), statement(1990, attribute="year")))) == (
        "Crime, 1990",
        "",
    )
    assert spoken(Taste()) == ("", "")


def test_without_a_taste_there_is_no_opinion_and_the_request_is_not_read():
    model = fitted()
    rows = model.scores([Query(), Query(taste=Taste()), Query(text="detective")])
    assert np.isneginf(rows).all()
    assert model.retrieve([Query(history=history([0]))], 3) == [[]]


class LikesCrime:
    """Reads the same taste out of every history, and counts how many it was given."""

    asked = 0

    def taste(self, histories):
        self.asked += len(histories)
        return [Taste((statement("Crime"),)) for _ in histories]


def test_a_profiler_reads_the_histories_that_bring_no_taste():
    profiler = LikesCrime()
    model = fitted(profiler=profiler)
    own = Taste((statement("Documentary"),))
    queries = [Query(history=history([1])), Query(history=history([0]), taste=own)]
    assert model.tastes(queries)[1] is own
    found = model.retrieve(queries, 1)
    assert [ids(line) for line in found] == [["a"], ["d"]]
    assert profiler.asked == 2
    assert model.retrieve(queries[1:], 1) == found[1:]
    assert profiler.asked == 2


def test_the_attribute_taste_is_words_enough():
    catalog, interactions = checkerboard()[:2]
    profiler = AttributeTaste(catalog, interactions)
    model = Worded(encoder=HashedWords(), profiler=profiler).fit(catalog, interactions)
    scores = model.scores([Query(history=interactions.history_of(u)) for u in interactions.users])
    assert np.isfinite(scores).any(axis=1).all()


def test_options_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="dislike"):
        Worded(encoder=HashedWords(), dislike=-1)


def test_saved_and_loaded_it_keeps_its_own_name(tmp_path):
    model = fitted()
    model.save(tmp_path / "w")
    loaded = Worded(encoder=HashedWords()).load(tmp_path / "w", CATALOG)
    query = Query(taste=Taste((statement("winter"),)))
    found = loaded.retrieve([query], 2)[0]
    assert found == model.retrieve([query], 2)[0]
    assert {one.source for one in found} == {"worded"}
