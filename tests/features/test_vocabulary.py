import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.errors import ConfigError, NotFound
from tastemate.features.vocabulary import LONGEST, own_text, read_vocabulary, said_in, spoken
from tastemate.types import Item

HEAT = Item(
    "6", "Heat (1995)", "A bank robber and a weary detective.", {"cast": ("Al Pacino",), "year": 1}
)
VOCABULARY = read_vocabulary()


def test_the_bundled_vocabulary_is_whole():
    names = [feature.name for feature in VOCABULARY.features]
    assert names == ["genre", "themes", "audience", "mood", "keywords"]
    for feature in VOCABULARY.features:
        assert set(feature.also) <= set(feature.values)
        assert set(feature.thresholds) <= set(feature.values)
        assert len(feature.spellings()) >= len(feature.values)
        assert all(gloss for gloss in feature.values.values())
    assert VOCABULARY.values["keywords"] == ()
    assert len(VOCABULARY.digest) == 8


def test_only_known_values_and_own_words_are_kept():
    said = {
        "genre": ["Crime", "sci-fi", "cooking", "crime"],
        "mood": "tense",
        "keywords": ["bank robbers", "DETECTIVE", "submarine", "robber bank", "Al Pacino"],
        "made up": ["x"],
    }
    kept, dropped = VOCABULARY.checked(said, HEAT)
    assert kept["genre"] == ("crime", "science fiction")
    assert kept["mood"] == ("tense",)
    assert kept["keywords"] == ("bank robbers", "detective", "al pacino")
    assert kept["themes"] == kept["audience"] == ()
    assert dropped == {"genre": 1, "keywords": 2}


def test_too_many_values_are_dropped_and_counted():
    kept, dropped = VOCABULARY.checked({"genre": ["crime", "drama", "war", "western"]}, HEAT)
    assert kept["genre"] == ("crime", "drama", "war")
    assert dropped == {"genre": 1}


def test_a_keyword_carries_no_marks_of_its_own():
    item = Item("1", "Evil \x1b[31m [bold]film[/bold]", "")
    kept, _ = VOCABULARY.checked({"keywords": ["\x1b[31m bold film"]}, item)
    assert kept["keywords"] == ("31m bold film",)
    kept, dropped = VOCABULARY.checked({"keywords": ["evil " * LONGEST]}, item)
    assert kept["keywords"] == ()
    assert dropped == {"keywords": 1}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON | st.dictionaries(st.sampled_from(list(VOCABULARY.values)), _JSON))
def test_any_reply_gives_only_what_is_allowed(said):
    kept, dropped = VOCABULARY.checked(said, HEAT)
    assert set(kept) == set(VOCABULARY.values)
    own = spoken(own_text(HEAT))
    for name, values in kept.items():
        allowed = VOCABULARY.values[name]
        assert all(value in allowed if allowed else said_in(value, own) for value in values)
        assert len(set(values)) == len(values)
    assert all(count > 0 for count in dropped.values())


def test_a_file_replaces_it(tmp_path):
    path = tmp_path / "games.toml"
    path.write_text(
        '[kind]\nmost = 1\nthreshold = 0.2\n[kind.values]\npuzzle = "thinking"\n'
        '[kind.also]\npuzzle = ["riddle"]\n[kind.thresholds]\npuzzle = 0.1\n[words]\n'
    )
    read = read_vocabulary(path)
    assert read.values == {"kind": ("puzzle",), "words": ()}
    assert read.features[0].least("puzzle") == 0.1
    assert read.features[0].least("other") == 0.2
    assert read.digest != VOCABULARY.digest
    assert read.checked({"kind": ["Riddle"]}, HEAT)[0]["kind"] == ("puzzle",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no feature"),
        ("[kind\n", "not valid TOML"),
        ("kind = 1\n", "must be a table"),
        ("[kind]\nmots = 1\n", "mots"),
        ("[kind]\nmost = 0\n", "above 0"),
        ('[kind]\nthreshold = "x"\n', "number"),
        ("[kind.values]\na = 1\n", "what it means"),
        ('[kind.values]\n"!" = "x"\n', "no value"),
        ('[kind.values]\na = "x"\n[kind.also]\nb = ["c"]\n', "Unknown setting 'b'"),
        ('[kind.values]\na = "x"\n[kind.also]\na = "c"\n', "list of texts"),
        ('[kind.values]\na = "x"\n[kind.thresholds]\na = "c"\n', "number"),
        ('[kind]\nalso = 1\n[kind.values]\na = "x"\n', "must be a table"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path, text, words):
    path = tmp_path / "v.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_vocabulary(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(NotFound, match="cannot be read"):
        read_vocabulary(tmp_path / "none.toml")
