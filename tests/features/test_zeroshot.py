import json

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError
from tastemate.features.calibration import check, truth
from tastemate.features.vocabulary import read_vocabulary, said_in, spoken
from tastemate.features.zeroshot import ZeroShot, bars, read_text, word_rarity
from tastemate.text.encoder import HashedWords, unit
from tastemate.types import Item

VOCABULARY = read_vocabulary()


class Meanings:
    """Stands in for MiniLM: one axis a word of a small world, so that nearness is exact."""

    name, dimensions = "minilm", 3

    def encode(self, texts):
        known = {"war": 0, "soldiers": 0, "love": 1, "kiss": 1, "space": 2, "rocket": 2}
        vectors = np.zeros((len(texts), 3), np.float32)
        for row, text in enumerate(texts):
            for word in spoken(text).split():
                for name, axis in known.items():
                    if said_in(name, f" {word} "):
                        vectors[row, axis] += 1
        return unit(vectors)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "v.toml"
    path.write_text(
        '[genre]\nmost = 2\nthreshold = 0.2\n[genre.values]\nwar = "soldiers"\n'
        'romance = "a kiss"\n"science fiction" = "a rocket in space"\n[keywords]\nmost = 2\n'
    )
    return read_vocabulary(path)


def test_the_nearest_values_above_their_bars_are_given(small):
    items = [
        Item("a", "A (1990)", "Soldiers everywhere."),
        Item("b", "B", "A kiss in a rocket."),
        Item("c", "C", "Nothing of the kind."),
        Item("d", "", ""),
    ]
    reader = ZeroShot(small, Meanings())
    found = [reading.values for reading in reader.read(items)]
    assert [one["genre"] for one in found] == [("war",), ("romance", "science fiction"), (), ()]
    assert reader.kind == "zero-shot"
    assert reader.name == "minilm zero-shot"
    assert reader.read([]) == []
    assert [r.values for r in reader.read(items[1:2])] == found[1:2]


def test_another_threshold_is_another_version(small, tmp_path):
    text = (tmp_path / "v.toml").read_text().replace("0.2", "0.4")
    (tmp_path / "w.toml").write_text(text)
    other = read_vocabulary(tmp_path / "w.toml")
    assert ZeroShot(small, Meanings()).version != ZeroShot(other, Meanings()).version


def test_without_meanings_the_words_of_the_text_decide():
    reader = ZeroShot(VOCABULARY, HashedWords())
    assert (reader.kind, reader.name) == ("words", "words of the text")
    items = [Item("a", "A", "A western about revenge, and a sci-fi film."), Item("b", "B", "x")]
    first, second = reader.read(items)
    assert first.values["genre"] == ("science fiction", "western")
    assert first.values["themes"] == ("revenge",)
    assert not any(second.values.values())


def test_keywords_are_rare_words_of_the_text_and_no_names():
    catalog = Catalog.of(
        [
            *(Item(str(at), f"T{at}", "the film and the usual things") for at in range(50)),
            Item("x", "Heist", "A heist by Brando, a submarine and a heist, the film."),
            Item("y", "Y", "Another heist in a submarine for Brando."),
        ]
    )
    reader = ZeroShot(VOCABULARY, HashedWords(), rarity=word_rarity(catalog))
    keywords = [one.values["keywords"] for one in reader.read([catalog["y"], catalog["x"]])]
    assert keywords == [("heist", "submarine"), ("submarine",)]
    assert VOCABULARY.checked({"keywords": list(keywords[0])}, catalog["y"])[1] == {}


def test_an_item_without_a_text_is_read_by_its_attributes():
    item = Item("1", "Dune (1965)", "", {"genres": ("sci-fi",), "year": 1965})
    assert read_text(item) == "Dune (1965)\nsci-fi\n"
    assert read_text(Item("1", "Dune (1965)", "Sand.", {"genres": ("a",)})) == "Dune. Sand."
    assert ZeroShot(VOCABULARY, HashedWords()).read([item])[0].values["genre"] == (
        "science fiction",
    )


def labelled(n=120):
    texts = {"War": "soldiers", "Romance": "kiss", "Sci-Fi": "rocket"}
    names = list(texts)
    return Catalog.of(
        Item(str(at), f"T{at}", f"{texts[names[at % 3]]}.", {"genres": (names[at % 3],)})
        for at in range(n)
    )


def test_the_check_finds_bars_that_separate(small):
    found = check(labelled(), ZeroShot(small, Meanings()), "genres", "genre")
    # "Sci-Fi" is no spelling of this small vocabulary
    assert found.values == ("war", "romance")
    assert (found.chosen.precision, found.chosen.recall) == (1.0, 1.0)
    assert found.words.recall == 0.0
    assert 0 < found.thresholds["war"] < 1
    assert json.loads(json.dumps(found.as_json()))["items"] == found.items
    again = check(labelled(), ZeroShot(small, Meanings()), "genres", "genre")
    assert again == found


def test_what_cannot_be_checked_is_said(small):
    reader = ZeroShot(small, Meanings())
    with pytest.raises(ConfigError, match="no feature 'genres'.*'genre'"):
        check(labelled(), reader, "genres", "genres")
    with pytest.raises(ConfigError, match="no text attribute"):
        check(labelled(), reader, "genre", "genre")
    with pytest.raises(DataError, match="Too few"):
        check(labelled(6), reader, "genres", "genre")
    with pytest.raises(ConfigError, match="MiniLM"):
        check(labelled(), ZeroShot(small, HashedWords()), "genres", "genre")


def test_truth_knows_other_spellings():
    catalog = labelled(3)
    genre = VOCABULARY.features[0]
    right = truth(catalog, genre, "genres", [2, 0])
    names = list(genre.values)
    assert np.flatnonzero(right[0]).tolist() == [names.index("science fiction")]
    assert np.flatnonzero(right[1]).tolist() == [names.index("war")]
    assert bars(genre).shape == (len(names),)


def test_minilm_reads_what_a_text_means():
    from tastemate.errors import Unavailable
    from tastemate.text.encoder import MiniLM

    try:
        reader = ZeroShot(VOCABULARY, MiniLM())
    except Unavailable:
        pytest.skip("MiniLM's weights are not installed")
    items = [
        Item("a", "A", "Astronauts fly a spaceship to Mars, where robots and aliens wait."),
        Item("b", "B", "A cowboy and a sheriff fight outlaws on the frontier."),
    ]
    genres = [reading.values["genre"] for reading in reader.read(items)]
    assert "science fiction" in genres[0]
    assert "western" in genres[1]
