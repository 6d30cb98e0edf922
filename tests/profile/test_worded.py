"""A taste in words says what somebody likes, tied to what they met, and never who they are."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.interactions import Scale
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion
from tastemate.profile.protected import refuse, trait_of_value, traits
from tastemate.profile.worded import WordedTaste
from tastemate.protocols import Profiler
from tastemate.types import Item, Statement, Taste, history

FILMS = Catalog.of(
    [
        Item(
            "notebook",
            "The Notebook (2004)",
            "First love, summer rain.",
            {"genres": ("Drama", "Romance"), "year": 2004},
        ),
        Item(
            "emma",
            "Emma (1996)",
            "Bonnets, balls and manners, first love and happy endings.",
            {"genres": ("Comedy", "Romance"), "year": 1996},
        ),
        Item("clueless", "Clueless (1995)", "", {"genres": ("Comedy",), "year": 1995}),
        Item("women", "Little Women (1994)", "", {"genres": ("Drama",), "year": 1994}),
        Item(
            "saw",
            "Saw (2004)",
            "Torture and gore in bonnets.",
            {"genres": ("Horror",), "year": 2004},
        ),
        Item(
            "amelie",
            "Love Actually (2003)",
            "Christmas and first love.",
            {"genres": ("Romance",), "year": 2003},
        ),
        Item("pulp", "Pulp Fiction (1994)", "", {"genres": ("Crime",), "year": 1994}),
    ]
)
SCALE = Scale(0.5, 5.0)
PAST = history([FILMS.row(one) for one in ("notebook", "emma", "saw", "women")], [5.0, 4.5, 1.0, 3])
# handles: 1 notebook, 2 emma, 3 women (likes first, one dislike to three likes), see `shown`


class Offline:
    def taste(self, histories):
        return [
            Taste((Statement("offline", "genres", "Romance", True, 2.0, ("emma",)),), "Offline.")
            for _ in histories
        ]


def said(*statements, text="You like stories about first love."):
    return json.dumps({"text": text, "statements": list(statements)})


def one(value="first love", kind="theme", likes=True, items=(1,)):
    return {"kind": kind, "value": value, "likes": likes, "items": list(items)}


def worded(*replies, **options):
    model = Scripted(list(replies) or [said(one())])
    return WordedTaste(Offline(), FILMS, SCALE, model, **options), model


def shown(model):
    """Return item titles by handle, as the last prompt shows them."""
    lines = [line for line in model.prompts[-1].messages[-1].text.splitlines() if line[:1] == "["]
    return {int(line[1 : line.index("]")]): line.split("] ")[1].split(" | ")[0] for line in lines}


def handle(title):
    made, model = worded()
    made.taste([PAST])
    return next(at for at, name in shown(model).items() if name == title)


def test_a_statement_is_tied_to_its_items():
    made, model = worded(
        said(
            one("first love", items=[handle("The Notebook"), handle("Emma")]),
            one("torture", likes=False, items=[handle("Saw")]),
        )
    )
    assert isinstance(made, Profiler)
    taste = made.taste([PAST])[0]
    assert [(s.text, s.likes, s.items) for s in taste.statements] == [
        ("likes titles about first love", True, ("notebook", "emma")),
        ("dislikes titles about torture", False, ("saw",)),
    ]
    assert taste.text == "You like stories about first love."
    assert not made.dropped


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (one(items=[]), "unbound"),
        (one(items=[99, 0, -1]), "unbound"),
        (one(items=["1", None, True]), "unbound"),
        (one("gore", items=["Saw"]), "unbound"),
        (one("in her thirties"), "protected"),
        (one("30s", kind="age"), "protected"),
        (one("a married woman"), "protected"),
        (one(""), "malformed"),
        ("love", "malformed"),
        (one("see https://spam.example now"), "malformed"),
        (one("Pulp Fiction and the like"), "title"),
        (one("Crime", kind="genre"), "not in the items"),
        (one("the 1970s", kind="era"), "not in the items"),
    ],
)
def test_what_cannot_stand_is_dropped_and_counted(statement, reason):
    good = one("happy endings", items=[handle("Emma")])
    made, _ = worded(said(statement, good))
    taste = made.taste([PAST])[0]
    assert [s.value for s in taste.statements] == ["happy endings"]
    assert made.dropped[reason] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("first love", "malformed"),
        ("", "malformed"),
        ("+ theme:  = 1", "malformed"),
        ("+ theme: gore", "unbound"),
        ("+ theme: gore = 99, 0", "unbound"),
        ("+ theme: gore = Saw", "malformed"),
        ("- age: in her thirties = 1", "protected"),
        ("+ genre: Crime = 2", "not in the items"),
    ],
)
def test_a_line_that_cannot_stand_is_dropped_and_counted(line, reason):
    made, _ = worded(said(line, f"+ theme: happy endings = {handle('Emma')}"))
    assert [s.value for s in made.taste([PAST])[0].statements] == ["happy endings"]
    assert made.dropped[reason] == 1


def test_a_line_says_what_an_object_says():
    notebook, emma, saw = handle("The Notebook"), handle("Emma"), handle("Saw")
    lines = (
        f"+ theme: first love = {notebook}, {emma}",
        f"+genre:romance=[{notebook}, {emma}]",
        f"- mood: torture = {saw}",
        f"era: the 1990s = {emma}",
    )
    objects = (
        one("first love", "theme", items=[notebook, emma]),
        one("romance", "genre", items=[notebook, emma]),
        one("torture", "mood", likes=False, items=[saw]),
        one("the 1990s", "era", items=[emma]),
    )
    tastes = [worded(said(*form))[0].taste([PAST])[0] for form in (lines, objects)]
    assert tastes[0] == tastes[1]
    assert len(tastes[0].statements) == 4


def test_a_known_statement_needs_no_handles():
    later = PAST.then(history([FILMS.row("amelie")], [5.0], [99]))
    made, model = worded(
        said(f"+ theme: first love = {handle('Emma')}"),
        said("+ theme: first love", "+ theme: christmas = 1", "+ theme: bonnets"),
    )
    made.taste([PAST])
    taste = made.taste([later])[0]
    assert [(s.value, s.items) for s in taste.statements] == [
        ("first love", ("emma",)),
        ("christmas", ("amelie",)),
    ]
    statements = model.prompts[1].schema["properties"]["statements"]
    assert statements["items"] == {"type": "string"}
    assert made.dropped == {"unbound": 1}


def test_a_new_person_costs_a_small_budget():
    catalog = Catalog.of(Item(f"i{n}", f"Something Rather Long {n}") for n in range(80))
    events = history(list(range(80)), [5.0, 1.0] * 40)
    for options, least, most in (({}, 3, 10), ({"events": 40, "budget": 3000}, 40, 40)):
        model = Scripted([said(one())])
        WordedTaste(Offline(), catalog, SCALE, model, **options).taste([events])
        told = sum(line.startswith("[") for line in model.prompts[0].text.splitlines())
        assert least <= told <= most
        used = sum(model.count(turn.text) for turn in model.prompts[0].messages)
        assert used <= options.get("budget", 280)
    for wrong in ({"events": 0}, {"budget": 0}):
        with pytest.raises(ConfigError, match="at least 1"):
            worded(**wrong)


def test_a_sign_against_the_values_is_dropped():
    saw, emma = handle("Saw"), handle("Emma")
    made, _ = worded(
        said(
            one("gore", items=[saw]),
            one("balls and manners", likes=False, items=[emma]),
            one("bonnets", items=[emma, saw]),
        )
    )
    taste = made.taste([PAST])[0]
    assert [(s.value, s.items) for s in taste.statements] == [("bonnets", ("emma",))]
    assert made.dropped["contradicted"] == 2


def test_values_of_the_catalogue_are_checked_against_the_items():
    notebook, emma, women = handle("The Notebook"), handle("Emma"), handle("Little Women")
    made, _ = worded(
        said(
            one("romance", kind="genre", items=[notebook, emma, women]),
            one("the 1990s", kind="era", items=[notebook, emma]),
        )
    )
    taste = made.taste([PAST])[0]
    assert [(s.attribute, s.value, s.items) for s in taste.statements] == [
        ("genres", "Romance", ("notebook", "emma")),
        ("year", "1990s", ("emma",)),
    ]


def test_sentences_about_the_person_and_strange_titles_go():
    text = (
        "You like films about first love such as Emma. "
        "She is probably married and in her thirties. "
        "Little Women and Emma show it. You would enjoy Pulp Fiction. You adore Midnight Rain "
        "Forever. Works as a teacher. See www.example.com for more."
    )
    made, _ = worded(said(one(items=[1, 2]), text=text))
    assert made.taste([PAST])[0].text == "You like films about first love such as Emma."
    assert made.dropped["sentence beyond the statements"] == 1
    assert made.dropped["protected sentence"] == 2
    assert made.dropped["sentence with a title"] == 2
    assert made.dropped["odd sentence"] == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("mood", "romantic"),
        ("person", "gay men"),
        ("person", "Tom Cruise"),
        ("theme", "Christian faith"),
        ("theme", "depression"),
        ("theme", "hates children"),
        ("theme", "for a teenage girl"),
        ("theme", "not violent"),
        ("theme", "only first love"),
        ("theme", "first love and happy endings"),
        ("genre", "Horror"),
        ("genre", "Romance but not Drama"),
        ("genre", "only Romance"),
        ("era", "1940s"),
        ("era", "not the 1990s"),
        ("setting", "Paris"),
        ("themes", "summer balls"),
    ],
)
def test_a_value_is_the_catalogues_or_an_items_own(kind, value):
    good = one("Romance", kind="genre", items=[1, 2])
    made, _ = worded(said(one(value, kind=kind, items=[1, 2]), good))
    assert [s.value for s in made.taste([PAST])[0].statements] == ["Romance"]
    assert made.dropped.total() >= 1


def test_what_stands_in_words_of_a_film_is_no_trait_of_a_person():
    catalog = Catalog.of([Item("a", "A Film (2000)", "A Jewish family fights depression.")])
    events = history([0], [5.0])
    for value in ("Jewish family", "depression", "family fights depression"):
        made = WordedTaste(Offline(), catalog, SCALE, Scripted([said(one(value))]))
        assert made.taste([events])[0].text == "Offline."
        assert made.dropped["protected"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "You like tense films.",
        "A lonely gay man who likes romance.",
        "Likes romance and Oscar winners.",
        "Likes Romance; unemployed.",
        "Never likes Romance.",
        "Dislikes Romance.",
        "Likes Horror.",
        "Likes films of the 1990s with 12 Oscars.",
        "You care less for Romance.",
        "Likes Romance such as Saw.",
        "You like Romance as a mother.",
        "You are romance.",
        "Emma likes Romance.",
    ],
)
def test_the_text_rests_on_the_statements(text):
    made, _ = worded(said(one("Romance", kind="genre", items=[1, 2]), text=text))
    assert made.taste([PAST])[0].text == "You like titles of the genre Romance."


@pytest.mark.parametrize(
    "text",
    [
        "You like Romance.",
        "You enjoy romance films such as Emma.",
        "Likes stories of the genre Romance, and care less for Horror.",
        "You like Romance, but you care less for horror such as Saw.",
    ],
)
def test_honest_sentences_stand(text):
    notebook, emma, saw = handle("The Notebook"), handle("Emma"), handle("Saw")
    made, _ = worded(
        said(
            one("Romance", kind="genre", items=[notebook, emma]),
            one("Horror", kind="genre", likes=False, items=[saw]),
            text=text,
        )
    )
    assert made.taste([PAST])[0].text == text


def test_without_a_sentence_left_the_statements_are_said():
    made, _ = worded(said(one(), text="You are a mother of two."))
    assert made.taste([PAST])[0].text == "You like titles about first love."


@pytest.mark.parametrize("reply", ["", "prose", "[1]", '{"statements": 5}', said(one(items=[77]))])
def test_nothing_left_gives_the_offline_taste_once(reply):
    made, model = worded(reply)
    for _ in range(2):
        with scope.opened() as used:
            assert made.taste([PAST])[0].text == "Offline."
        assert used.errors == ["taste in words: nothing in the model's reply stood."]
    assert len(model.prompts) == 1


def test_a_failed_model_is_asked_again_later():
    made, model = worded(Completion(error="Too slow.", fault="timeout"), said(one()))
    with scope.opened() as used:
        assert made.taste([PAST])[0].text == "Offline."
    assert used.errors == ["taste in words: Too slow."]
    assert made.taste([PAST])[0].statements[0].value == "first love"
    assert len(model.prompts) == 2


def test_known_histories_are_not_asked_again():
    made, model = worded(said(one()), kept=2)
    first = made.taste([PAST, PAST, history([])])
    assert first[0] == first[1]
    assert first[2] == Taste()
    assert made.taste([PAST]) == first[:1]
    assert len(model.prompts) == 1
    others = [history([row], [5.0]) for row in range(3)]
    made.taste(others)
    made.taste([PAST])
    assert len(model.prompts) == 5  # PAST had been pushed out
    assert made.taste([]) == []


def test_a_new_event_updates_what_is_known():
    later = PAST.then(history([FILMS.row("amelie")], [5.0], [99]))
    made, model = worded(
        said(one("first love", items=[1]), one("rain", items=[1])),
        said(one("first love", items=[1]), one("christmas", items=[1]), one("bonnets", items=[])),
    )
    made.taste([PAST])
    taste = made.taste([later])[0]
    assert [prompt.name.split("/")[0] for prompt in model.prompts] == ["profile", "profile_update"]
    assert "Love Actually" in model.prompts[1].text
    assert "Emma" not in model.prompts[1].messages[-1].text
    assert [(s.value, s.items) for s in taste.statements] == [
        ("first love", ("notebook", "amelie")),
        ("christmas", ("amelie",)),
    ]
    assert made.dropped["unbound"] == 1


def test_after_many_events_all_is_read_again():
    made, model = worded(fresh=2)
    made.taste([PAST])
    now = PAST
    for at, name in enumerate(("clueless", "amelie", "pulp")):
        now = now.then(history([FILMS.row(name)], [5.0], [100 + at]))
        made.taste([now])
    names = [prompt.name.split("/")[0] for prompt in model.prompts]
    assert names == ["profile", "profile_update", "profile_update", "profile"]


def test_a_changed_value_is_read_again():
    made, model = worded()
    made.taste([PAST])
    made.taste([PAST.then(history([FILMS.row("emma")], [1.0], [99]))])
    assert [prompt.name.split("/")[0] for prompt in model.prompts] == ["profile", "profile"]


def test_a_long_history_is_cut_to_its_most_telling_part():
    catalog = Catalog.of(Item(f"i{n}", f"Thing {n}") for n in range(500))
    values = np.tile([5.0, 3.0, 1.0, 4.0], 125)
    model = Scripted([said(one())])
    made = WordedTaste(Offline(), catalog, SCALE, model)
    made.taste([history(list(range(500)), values.tolist())])
    said_of = [line for line in model.prompts[0].text.splitlines() if line.startswith("[")]
    assert 3 <= len(said_of) <= 10
    assert all("= 3" not in line for line in said_of)


FINE = """You like films about growing old.
You like films about Mexico and war.
Likes romantic comedies with strong female leads.
You enjoy coming-of-age stories and teen comedies.
Themes such as marriage, ageing and grief return in the highest rated titles.
You favour light romantic comedies from the 1990s.
You love films in which a woman finds a way of living.
Enjoys movies set in the late sixties and seventies.
You care less for war films and violent thrillers.
You like French films by women directors.
Likes stories about teenagers, first love and school.
Likes dramas about marriage and divorce.
You rated about 30 titles, most of them comedies.
Likes films that deal with depression and illness.
Enjoys animated films for children.
You like workplace comedies and political thrillers.
Likes movies with religious themes.""".splitlines()
REFUSED = """This person is probably in their thirties.
She likes comedies.
You work as a teacher.
Probably a middle-aged viewer with children.
You are likely American.
Lives in a small town.
The viewer is around 35.
A thirty-something professional with a good income.
Likely married with two kids.
You like romantic comedies because you are a woman.
Likes films about growing old, suggesting that the viewer is elderly.
Seems to be religious and conservative.
They appear to be gay.
You probably suffer from loneliness.
Comes from a working-class background.
The profile fits a Mexican immigrant.
Is in a long-term relationship.
Your disability makes you prefer quiet films.
You probably vote for the left-wing party.
As a Christian, you enjoy hopeful stories.
You like movies about marriage because your own marriage is happy.
Enjoys watching comedies with her husband.
A gay film lover.""".splitlines()


@pytest.mark.parametrize("sentence", FINE)
def test_what_films_are_about_may_be_said(sentence):
    assert traits(sentence) == ()


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_somebody_is_may_not(sentence):
    assert traits(sentence)


def test_titles_are_nobodys_traits():
    kept, gone = refuse("Little Women is a favourite. You are a woman.", ("Little Women",))
    assert kept == "Little Women is a favourite."
    assert [(one.sentence, one.traits) for one in gone] == [("You are a woman.", ("gender",))]


def test_themes_may_name_what_people_may_not_be():
    for value in ("growing old", "marriage", "women in their thirties", "war veterans", "Mexico"):
        assert not trait_of_value("theme", value)
    for kind, value in (("job", "office"), ("theme", "is a teacher"), ("theme", "single mother")):
        assert trait_of_value(kind, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 6) | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["text", "statements", "kind", "value", "likes", "items"]), inner
        )
    ),
    max_leaves=25,
)


@settings(max_examples=80, deadline=None)
@given(JSON, JSON)
def test_any_reply_gives_a_taste_that_the_history_bears_out(first, second):
    lines = [f"+ theme: {first} = 1, {second}", f"{first}: {second}"]
    reply = json.dumps(
        {"text": first, "statements": [first, second, *lines, {**one(), "value": second}]}
    )
    made, _ = worded(reply)
    taste = made.taste([PAST])[0]
    assert taste.text
    for statement in taste.statements:
        assert statement.items
        assert set(statement.items) <= {"notebook", "emma", "saw", "women"}
