import pytest

from tastemate.catalog import Catalog
from tastemate.context import AXES
from tastemate.data.datasets import open_dataset
from tastemate.errors import ConfigError
from tastemate.filters import decide
from tastemate.text.moments import Moments
from tastemate.text.recognise import Values
from tastemate.types import Filter, Item, Leaning


@pytest.fixture(scope="module")
def catalog():
    return Catalog.of(
        [
            Item("a", "A", attributes={"shelf": ("Children's books", "Fantasy"), "violence": 0}),
            Item("b", "B", attributes={"shelf": ("Horror",), "violence": 3}),
            Item("c", "C", attributes={"shelf": ("Comedies", "sea-stories"), "violence": 1}),
            Item("d", "D", attributes={"shelf": ("Crime Family",)}),
        ]
    )


def test_plain_words_find_the_values_of_any_catalogue(catalog):
    found = {
        (one.attribute, one.value): one.weight
        for one in Moments(catalog).leanings({"company": "kids"})
    }
    assert found["shelf", ("Children's books",)] == 1.0
    assert found["shelf", ("Horror",)] == -1.0
    assert not any("Crime Family" in str(value) for _, value in found)
    assert all(one.because == "with kids" for one in Moments(catalog).leanings({"company": "kids"}))


def test_numbers_lean_to_a_third(catalog):
    violence = [
        one for one in Moments(catalog).leanings({"company": "kids"}) if one.attribute == "violence"
    ]
    assert [(one.operator, one.weight) for one in violence] == [("at most", 1.0)]
    holds = decide(catalog, Filter("violence", "at most", violence[0].value))
    assert holds.tolist() == [1, 0, 0, -1] or holds.tolist() == [1, 0, 1, -1]


def test_settings_lie_over_the_defaults_key_by_key(catalog):
    said = {"company": {"kids": {"words": ["fantasy"], "less": [], "weight": 0.5}}}
    assert Moments(catalog, said).leanings({"company": "kids"}) == (
        Leaning("shelf", "any of", ("Fantasy",), 0.5, "with kids"),
    )
    wishes = {"time": {"evening": {"prefer": ["shelf=Horror"], "avoid": ["violence>=3"]}}}
    found = Moments(catalog, wishes).leanings({"time": "evening"})
    assert [(one.value, one.weight) for one in found] == [("Horror", 1.0), (3, -1.0)]
    assert {one.because for one in found} == {"in the evening"}


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ({"compnay": {}}, "company"),
        ({"company": {"kidz": {}}}, "kids"),
        ({"company": {"kids": {"wrods": []}}}, "words"),
        ({"company": {"kids": 3}}, "table"),
        ({"company": 3}, "table"),
        ({"measures": {"long": 3}}, "names of numbers"),
    ],
)
def test_a_table_that_says_something_else_is_refused(catalog, said, hint):
    with pytest.raises(ConfigError, match=hint):
        Moments(catalog, said)


def test_values_are_recognised_but_not_behind_a_negation(catalog):
    values = Values(catalog)
    assert values.named("some comedies, please, no horror but fantasy") == [
        ("shelf", "Comedies"),
        ("shelf", "Fantasy"),
    ]
    assert values.named("stories of the sea") == [("shelf", "sea-stories")]
    assert values.named("") == values.named("books") == []
    assert values.leanings("a comedy", 0.5) == (Leaning("shelf", "is", "Comedies", 0.5),)


@pytest.mark.parametrize("name", ["films", "goodbooks"])
def test_every_moment_makes_leanings_that_hold_somewhere(name, data_dir):
    if name != "films" and not (data_dir / name).exists():
        pytest.skip(f"real data: {name} is not in TASTEMATE_DATA")
    items = open_dataset(name).catalog
    moments = Moments(items)
    some = 0
    for axis, values in AXES.items():
        for value in values:
            for leaning in moments.leanings({axis: value}):
                wish = Filter(leaning.attribute, leaning.operator, leaning.value)
                assert (decide(items, wish) == 1).any()
                some += 1
    assert some > 20
