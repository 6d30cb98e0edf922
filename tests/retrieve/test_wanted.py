"""What somebody is in the mood for: values named, labels and descriptions."""

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.data.synthetic import random_world
from tastemate.errors import ConfigError
from tastemate.interactions import Interactions
from tastemate.retrieve.wanted import Wanted
from tastemate.text.encoder import open_encoder
from tastemate.types import Item, Query

CATALOG = Catalog.of(
    [
        Item("1", "Night", "A ghost in an old house.", {"genres": ("Horror",), "tags": ("good",)}),
        Item("2", "Day", "Two friends open a bakery.", {"genres": ("Comedy",)}),
        Item("3", "Noon", "A pilot is lost at sea.", {"genres": ("Drama",), "cast": ("Ann Lee",)}),
        Item("4", "Evening", "", {"genres": ("Drama", "Comedy")}),
    ]
)


def fitted(**options: float) -> Wanted:
    """Fit on the four items, with the encoder that needs no weights."""
    none = Interactions.of([], CATALOG)
    return Wanted(encoder=open_encoder("words"), **options).fit(CATALOG, none)


def best(model: Wanted, text: str) -> str:
    """Return the id of the best item for a text."""
    return CATALOG.ids[int(np.argmax(model.scores([Query(text=text)])[0]))]


def test_a_value_that_is_named_counts() -> None:
    assert best(fitted(), "hi, some horror please") == "1"
    assert best(fitted(meaning=0.0, labels=0.0), "anything with Ann Lee") == "3"
    assert best(fitted(), "a comedy, no drama") == "2"


def test_a_description_is_found_by_what_it_says() -> None:
    assert best(fitted(), "a bakery and friends") == "2"


def test_everyday_words_are_no_values() -> None:
    model = fitted(meaning=0.0, labels=0.0)
    assert not model.scores([Query(text="a good one")]).any()
    assert model.scores([Query(text="horror")])[0].tolist()[1:] == [0.0, 0.0, 0.0]


def test_without_words_there_is_no_opinion() -> None:
    scores = fitted().scores([Query(text=""), Query(text="?!"), Query(text="horror")])
    assert np.isneginf(scores[:2]).all()
    assert np.isfinite(scores[2]).all()


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="negative"):
        fitted(meaning=-1.0)


def test_only_new_items_are_encoded_again(tmp_path: object) -> None:
    catalog, interactions = random_world(0)
    encoder = open_encoder("words")
    Wanted(encoder=encoder).fit(catalog, interactions).save(tmp_path / "kept")
    grown = catalog.with_items([Item("new", "New winter", "harbour")])
    loaded = Wanted(encoder=encoder).load(tmp_path / "kept", grown)
    assert loaded.encoded() == 1
