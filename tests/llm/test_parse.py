import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate.llm import parse

SOME_TEXT = st.one_of(
    st.text(max_size=300),
    st.text(alphabet='[]{}",:0123456789 >ABC\n-()=.order\\ud8', max_size=300),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"order": [3, 1]}', {"order": [3, 1]}),
        ('Sure!\n```json\n{"a": 1}\n```\nHope it helps.', {"a": 1}),
        ('[3] is best, so: {"order": [3]}', {"order": [3]}),
        ('[{"a": 1}, {"b": 2}]', [{"a": 1}, {"b": 2}]),
        ('<think>{"order": [9]}</think>{"order": [1]}', {"order": [1]}),
        ('<think>{"order": [9]} and so on', None),
        ('{"order": [3, 1', None),
        ('{"x": NaN, "y": Infinity, "z": 1e999}', {"x": None, "y": None, "z": None}),
        ('{"x": ' + "9" * 5000 + "}", {"x": None}),
        ('{"x": "\\ud800"}', {"x": "\ufffd"}),
        ('{"x": "\ud800"}', {"x": "\ufffd"}),
        ("[" * 300 + "]" * 300, None),
        ('{"a":' * 300 + '"\\ud800"' + "}" * 300, None),
        ('{"x": "line\nbreak"}', {"x": "line\nbreak"}),
        ("no JSON here", None),
        ("", None),
    ],
)
def test_json_value(text, value):
    assert parse.json_value(text) == value


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ('{"order": [3, 1, 2]}', [3, 1, 2]),
        ('{"order": ["3", "[1]", 2.0, true, null, 99, -1, 3]}', [3, 1, 2]),
        ('{"order": [3, 1, 12', [3, 1]),
        ('{"ranking": [{"handle": 2}, {"id": 1}]}', [2, 1]),
        ("[2, 3, 1]", [2, 3, 1]),
        ("I would take [3], then [1]; 2001: A Space Odyssey scores 2 of 3.", [3, 1]),
        ("[3] > [1] > [2]", [3, 1, 2]),
        ("3 > 1 > 2", [3, 1, 2]),
        ("Ranking: 3, 1, 2.", [3, 1, 2]),
        ("3. since it is tense\n1. it is slow", [3, 1]),
        ("3\n1\n2", [3, 1, 2]),
        ("['3', '1']", [3, 1]),
        ("12 Angry Men\n3 Idiots", []),
        ("In 2001 they made 2 films, of which 3 were seen.", []),
        ("{'order': [2, 1]}", [2, 1]),
        ("Je ne sais pas.", []),
        ("", []),
    ],
)
def test_ranking(text, order):
    assert parse.ranking(text, 3) == order


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("B", [2]),
        ("(B) Heat", [2]),
        ("B > A > C", [2, 1, 3]),
        ("The answer is B.", [2]),
        ('{"order": ["C", "A"]}', [3, 1]),
        ("A man walks into a bar", []),
        ("B. Heat\nA. Alien", [2, 1]),
        ("Answer: C", [3]),
        ("Z", []),
        ("", []),
    ],
)
def test_letters(text, order):
    assert parse.letters(text, 3) == order


@pytest.mark.parametrize(
    ("text", "names", "well_formed"),
    [
        ("Heat\nAlien\nSeven", ["Heat", "Alien", "Seven"], True),
        ("1. Heat (1995)\n2. Alien\n3. Seven", ["Heat (1995)", "Alien", "Seven"], True),
        ("- Heat\n* Alien\n\u2022 Seven", ["Heat", "Alien", "Seven"], True),
        ("Here are three:\n1. Heat\n2. Alien\n3. Seven", ["Heat", "Alien", "Seven"], False),
        ("Heat, Alien, Seven", ["Heat", "Alien", "Seven"], False),
        ('Try "Heat", or "Alien"; and surely "Seven".', ["Heat", "Alien", "Seven"], False),
        ("I think of dread.\nTITLES:\nHeat\nAlien\nSeven", ["Heat", "Alien", "Seven"], True),
        ("**Titles:** Heat\nAlien\nSeven", ["Heat", "Alien", "Seven"], True),
        ("A, B => Heat, Alien, Seven", ["Heat", "Alien", "Seven"], True),
        ("=> Heat\nAlien\nSeven", ["Heat", "Alien", "Seven"], True),
        ("=> Heat => Alien => Seven", ["Heat", "Alien", "Seven"], True),
        ('["Heat", "Alien", "Seven"]', ["Heat", "Alien", "Seven"], False),
        ('{"titles": [{"title": "Heat"}, {"title": "Alien"}]}', ["Heat", "Alien"], False),
        ("1. Heat\n2. heat\n3. Alien", ["Heat", "Alien"], False),
        ("Heat\nAlien\nSeven\nJaws", ["Heat", "Alien", "Seven"], False),
        ('1. "Heat" - a film about people who cannot stop\n2. Alien', ["Heat", "Alien"], False),
        (
            "2001: A Space Odyssey\n12 Angry Men\n21",
            ["2001: A Space Odyssey", "12 Angry Men", "21"],
            True,
        ),
        ("", [], False),
    ],
)
def test_titles(text, names, well_formed):
    found = parse.titles(text, 3)
    assert list(found.names) == names
    assert found.well_formed is well_formed


def test_a_title_with_a_comma_is_one_title():
    assert parse.titles("Crouching Tiger, Hidden Dragon").names == (
        "Crouching Tiger, Hidden Dragon",
    )


@given(SOME_TEXT, st.integers(0, 30))
def test_any_text_gives_a_valid_value(text, n):
    for order in (parse.ranking(text, n), parse.letters(text, n)):
        assert len(order) == len(set(order))
        assert all(type(handle) is int and 1 <= handle <= n for handle in order)
    value = parse.json_value(text)
    assert value is None or isinstance(value, dict | list)
    found = parse.titles(text, n)
    assert len(found.names) <= n
    assert all(name and name == name.strip() and len(name) <= parse.TITLE for name in found.names)
    for name in found.names:
        name.encode("utf-8")


@given(st.permutations(range(1, 9)))
@settings(max_examples=30)
def test_every_way_to_write_an_order_is_read(order):
    ways = [
        f'{{"order": {order}}}',
        " > ".join(map(str, order)),
        ", ".join(f"[{handle}]" for handle in order),
        "\n".join(f"{handle}) a title, 1999" for handle in order),
        "\n".join(map(str, order)),
    ]
    assert all(parse.ranking(way, 8) == order for way in ways)


@pytest.mark.parametrize(
    "piece",
    ["[", "{", '{"a":', "1", "[1", "1,", "1 > ", "\n", '"', "a ", "A > ", "<think>", "=>", "(A)",
     "titles:\n", "- ", "\\", '{"order": [', "\u201c", "1 ", "    ", "[ 1", " - "],
)  # fmt: skip
def test_ten_megabytes_are_cheap(piece):
    text = piece * (10_000_000 // len(piece))
    start = time.process_time()
    parse.json_value(text)
    parse.ranking(text, 100)
    parse.letters(text, 26)
    parse.titles(text, 10)
    # a bound on the order of growth, not a speed: rescanning would take minutes
    assert time.process_time() - start < 2.0
