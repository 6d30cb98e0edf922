"""A model phrases, the evidence decides: what it makes up never reaches the reader."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError
from tastemate.explain.evidence import EvidenceExplainer
from tastemate.explain.faithful import Phrasing, best, disclosed, faithfulness, merged
from tastemate.explain.phrased import PhrasedExplainer, read
from tastemate.explain.verify import Verifier
from tastemate.interactions import Interactions
from tastemate.llm.prompts import Style
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion
from tastemate.protocols import Explainer
from tastemate.types import Clause, Event, Evidence, Item, Query, Reason, Recommendation, history

FILMS = Catalog.of(
    [
        Item("heat", "Heat (1995)", "", {"director": "Michael Mann", "year": 1995}),
        Item("insider", "The Insider (1999)", "", {"director": "Michael Mann", "year": 1999}),
        Item("ronin", "Ronin (1998)", "", {"director": "John Frankenheimer", "year": 1998}),
        Item("seven", "Seven Days (1964)", "", {"director": "John Frankenheimer", "year": 1964}),
        Item("train", "The Train (1964)", "", {"director": "John Frankenheimer", "year": 1964}),
    ]
)
RATINGS = Interactions.of(
    [
        *[Event(f"u{n}", one, 5.0, 1) for n in range(25) for one in ("heat", "insider", "ronin")],
        Event("me", "heat", 5.0, 1),
        Event("u0", "train", 1.0, 2),
    ],
    FILMS,
)
VERIFIER = Verifier(FILMS, RATINGS)
QUERY = Query(user="me", history=history([FILMS.row("heat")], [5.0]))
INNER = EvidenceExplainer(FILMS, RATINGS)
LINES = [Recommendation(n, FILMS[one], 0.0) for n, one in enumerate(("insider", "ronin"), start=1)]
OFFLINE = INNER.explain(QUERY, LINES)


def clause(text, *ids):
    return {"text": text, "evidence": list(ids)}


def replied(*phrasings, item=1):
    """Return a reply in the lines that are asked for."""
    lines = [
        f"{item}{letter if len(phrasings) > 1 else ''} {','.join(one['evidence'])}: {one['text']}"
        for letter, clauses in zip("abcd", phrasings, strict=False)
        for one in clauses
    ]
    return json.dumps({"reasons": lines})


def phrased(reply, **options):
    model = Scripted([reply] if isinstance(reply, str | Completion) else reply)
    return PhrasedExplainer(INNER, VERIFIER, model, FILMS, **options), model


def test_what_stands_is_said_in_the_models_words():
    made, model = phrased(
        replied(
            [
                clause("You liked Heat, and Michael Mann directed this as well.", "e1", "e2"),
                clause("25 people who liked Heat liked this too", "e3"),
            ]
        )
    )
    assert isinstance(made, Explainer)
    reasons = made.explain(QUERY, LINES)
    assert [one.text for one in reasons[0].clauses] == [
        "you liked Heat, and Michael Mann directed this as well",
        "25 people who liked Heat liked this too",
    ]
    assert reasons[0].evidence == OFFLINE[0].evidence
    assert reasons[1] == OFFLINE[1]
    assert made.dropped == {"kept": 2}
    assert len(model.prompts) == 1
    assert VERIFIER.check(reasons[0], LINES[0].item, QUERY) == []
    assert faithfulness(reasons[0], LINES[0].item, VERIFIER.unbound).covered == 1.0


def test_what_is_made_up_gives_way_to_the_offline_words():
    made, _ = phrased(
        replied(
            [
                clause("a gripping, award-winning film", "e2"),
                clause("you disliked Heat", "e1"),
                clause("people who liked Heat liked this", "e99"),
                clause("25 people who liked Heat liked this too", "e3"),
            ]
        )
    )
    reasons = made.explain(QUERY, LINES)
    assert [one.text for one in reasons[0].clauses] == [
        OFFLINE[0].clauses[0].text,
        "25 people who liked Heat liked this too",
    ]
    assert made.dropped["kept"] == 1
    assert made.dropped["unbound"] == 2
    assert made.dropped["more than its evidence"] == 1


def test_a_reason_is_never_thinner_than_offline():
    made, _ = phrased(replied([clause("you liked Heat", "e1")]))
    reason = made.explain(QUERY, LINES)[0]
    said = {name for one in reason.clauses for name in one.evidence}
    assert said == {fact.id for fact in OFFLINE[0].evidence}
    assert reason == OFFLINE[0]


def test_the_more_faithful_phrasing_is_taken():
    bad = [clause("the best film", "e1"), clause("you liked Heat", "e1")]
    good = [clause("you liked Heat, and this is by Michael Mann too", "e1", "e2")]
    made, _ = phrased(replied(bad, good))
    assert "by Michael Mann too" in made.explain(QUERY, LINES)[0].text
    one = Phrasing((Clause("you liked Heat", ("e1",)),), (), 0.25)
    two = Phrasing((Clause("you liked Heat, by Michael Mann", ("e1", "e2")),), (), 0.5)
    assert best([one, two]) is two
    assert best([two, two]) is two


@pytest.mark.parametrize(
    "reply",
    ["", "no JSON", "[]", '{"reasons": 3}', replied([clause("x", "e1")], item=9), "{" * 5000],
)
def test_a_reply_without_reasons_leaves_the_offline_ones(reply):
    made, _ = phrased(reply)
    with scope.opened() as used:
        assert made.explain(QUERY, LINES) == OFFLINE
    assert used.errors == ["reasons in words: the model's reply holds no reason."]


def test_a_failed_model_leaves_the_offline_reasons_and_says_so():
    made, _ = phrased(Completion(error="The server is busy.", fault="busy"))
    with scope.opened() as used:
        assert made.explain(QUERY, LINES) == OFFLINE
    assert used.errors == ["reasons in words: The server is busy."]


def test_nothing_to_say_asks_nothing():
    made, model = phrased("x")
    assert made.explain(Query(), [Recommendation(1, FILMS["train"], 0.0)]) == [Reason()]
    assert made.explain(QUERY, []) == []
    assert model.prompts == []


@pytest.mark.parametrize("reply", ["broken", replied([clause("promoted by nobody", "e1")])])
def test_a_promotion_is_always_disclosed(reply):
    made, _ = phrased(reply, style=Style(promote=("ronin",)))
    reasons = made.explain(QUERY, LINES)
    assert reasons[1].text.endswith("promoted by the operator.")
    assert "promoted" not in reasons[0].text
    assert VERIFIER.check(reasons[1], LINES[1].item, QUERY) == []
    assert disclosed(reasons[1], LINES[1].item, ["ronin"]) == reasons[1]
    assert disclosed(Reason(), FILMS["ronin"], ["ronin"]).text == "Promoted by the operator."


def test_several_aspects_bring_their_evidence():
    made, model = phrased("broken", aspect="multi-aspect")
    reasons = made.explain(QUERY, LINES)
    kinds = {fact.kind for fact in reasons[1].evidence}
    assert {"popularity", "new attribute"} <= kinds
    assert "25 people liked it" in reasons[1].text
    assert "new in your list: John Frankenheimer" in reasons[1].text
    for line, reason in zip(LINES, reasons, strict=True):
        assert VERIFIER.check(reason, line.item, QUERY) == []
    assert model.prompts[0].name.startswith("explanation-multi-aspect")


def test_a_comparison_says_what_sets_items_apart():
    made, model = phrased("broken", aspect="comparative")
    reasons = made.explain(QUERY, LINES)
    assert "unlike Ronin (1998), it is by Michael Mann" in reasons[0].text
    assert "unlike The Insider (1999), it is by John Frankenheimer" in reasons[1].text
    for line, reason in zip(LINES, reasons, strict=True):
        assert VERIFIER.check(reason, line.item, QUERY) == []
    assert model.prompts[0].name.startswith("explanation-comparative")
    made.explain(QUERY, LINES[:1])
    assert model.prompts[1].name.startswith("explanation-single")


def test_faithfulness_counts_clauses_and_evidence():
    facts = (Evidence("e1", "liked item", "heat", "Heat (1995)", value=5.0, weight=1.0),)
    half = Reason((Clause("you liked Heat", ("e1",)), Clause("a classic", ("e1",))), facts)
    found = faithfulness(half, FILMS["ronin"], VERIFIER.unbound)
    assert (found.kept, found.covered) == (0.5, 1.0)
    empty = faithfulness(Reason((), facts), FILMS["ronin"], VERIFIER.unbound)
    assert (empty.kept, empty.covered) == (1.0, 0.0)
    assert faithfulness(Reason(), FILMS["ronin"], VERIFIER.unbound).covered == 1.0


def test_merging_says_nothing_twice():
    facts = [Evidence(f"e{n}", "popularity", count=1) for n in range(1, 4)]
    plain = [Clause("one and two", ("e1", "e2")), Clause("three", ("e3",))]
    assert merged([Clause("3!", ("e3",)), Clause("1!", ("e1",))], plain, facts) == (
        plain[0],
        Clause("3!", ("e3",)),
    )


def test_lines_and_objects_are_read_alike():
    first = [clause("You liked Heat", "e1"), clause("25 people: they liked both", "e2", "e3")]
    second = [clause("Heat is by Michael Mann too", "e1", "e2")]
    objects = {"reasons": [{"item": 2, "phrasings": [first, second]}]}
    found = read(json.loads(replied(first, second, item=2)), 2)
    assert found == read(objects, 2)
    assert found == {
        1: [
            [Clause("you liked Heat", ("e1",)), Clause("25 people: they liked both", ("e2", "e3"))],
            [Clause("Heat is by Michael Mann too", ("e1", "e2"))],
        ]
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 e1,e2: You liked Heat.", ("you liked Heat", ("e1", "e2"))),
        ("[1] e1, e2: you liked Heat", ("you liked Heat", ("e1", "e2"))),
        ("1. [e1] : you liked Heat", ("you liked Heat", ("e1",))),
        ("1a e1; e2: Heat: a film you liked", ("Heat: a film you liked", ("e1", "e2"))),
        ("1: you liked Heat", None),
        ("1 you liked Heat", None),
        ("3 e1: you liked Heat", None),
        ("0 e1: you liked Heat", None),
        ("e1: you liked Heat", None),
        ("1 e1:", None),
        ("", None),
    ],
)
def test_a_line_is_a_handle_ids_and_words(line, said):
    found = read({"reasons": [line]}, 2)
    assert found == ({0: [[Clause(*said)]]} if said else {})


def test_only_the_first_lines_are_worded():
    reply = [clause("You liked Heat, which Michael Mann directed too", "e1", "e2")]
    made, model = phrased(replied(reply), lines=1)
    reasons = made.explain(QUERY, LINES)
    assert reasons[0].text.startswith("You liked Heat, which")
    assert reasons[1] == OFFLINE[1]
    assert "[2]" not in model.prompts[0].text
    nothing, unasked = phrased("x", lines=0)
    assert nothing.explain(QUERY, LINES) == OFFLINE
    assert unasked.prompts == []
    for wrong in ({"lines": -1}, {"phrasings": 0}, {"phrasings": 5}):
        with pytest.raises(ConfigError, match="1 to 4"):
            phrased("x", **wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.text(max_size=12) | st.just("e1"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["reasons", "item", "phrasings", "text", "evidence", "x"]), inner
        )
    ),
    max_leaves=25,
)


@settings(max_examples=80, deadline=None)
@given(JSON)
def test_any_reply_gives_true_reasons(value):
    assert all(0 <= place < 2 for place in read(value, 2))
    said = [value, f"1 e1: {value}", f"2 e1,e2 {value}", {"item": 1, "phrasings": [value]}]
    made, _ = phrased(json.dumps({"reasons": said}))
    for line, reason in zip(LINES, made.explain(QUERY, LINES), strict=True):
        assert VERIFIER.check(reason, line.item, QUERY) == []
        assert len(reason.clauses) > 0


def test_marks_that_nobody_sees_are_taken_away():
    made, _ = phrased(
        replied(
            [
                clause(
                    "\u202eyou liked Heat, and Michael Mann directed this\u200b too\x07", "e1", "e2"
                )
            ]
        )
    )
    text = made.explain(QUERY, LINES)[0].clauses[0].text
    assert text == "you liked Heat, and Michael Mann directed this too"


@pytest.mark.parametrize(
    "text",
    [
        "you liked Heat: Michael Mann, Michael Mann, Michael Mann",
        "you liked liked Heat, and Michael Mann directed this",
        "MICHAEL MANN MICHAEL MANN and you liked Heat",
    ],
)
def test_a_clause_repeats_nothing(text):
    made, _ = phrased(replied([clause(text, "e1", "e2")]))
    assert made.explain(QUERY, LINES)[0] == OFFLINE[0]


def test_nothing_is_said_twice_beside_the_offline_words():
    facts = tuple(Evidence(f"e{n}", "popularity", "x", count=n) for n in range(1, 6))
    offline = (Clause("a", ("e1", "e2")), Clause("b", ("e3",)), Clause("c", ("e4", "e5")))
    covered = (Clause("p", ("e1", "e2", "e3")),)
    assert [one.text for one in merged(covered, offline, facts)] == ["p", "c"]
    partly = (Clause("p", ("e2", "e3")), Clause("q", ("e4", "e5")), Clause("r", ("e4",)))
    assert [one.text for one in merged(partly, offline, facts)] == ["a", "b", "q"]
