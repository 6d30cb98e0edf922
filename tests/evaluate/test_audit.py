import json

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.evaluate import sensitive
from tastemate.evaluate.audit import NO_MODEL, Subject, audit
from tastemate.evaluate.baselines import Popular, Together
from tastemate.evaluate.probes import by_ranker, hidden_titles, only_titles, tau
from tastemate.interactions import Interactions
from tastemate.llm.person import person
from tastemate.llm.prompts import listwise
from tastemate.llm.scripted import Scripted
from tastemate.metrics import as_lists
from tastemate.rank.listwise import Listwise
from tastemate.rank.mix import ModelRanker
from tastemate.types import Event, Item, Query, history

ITEMS = 40
GENRES = ("Crime", "Comedy", "Drama", "Western")


@pytest.fixture(scope="module")
def world():
    catalog = Catalog.of(
        Item(str(i), f"Film {i:02d}", attributes={"genres": (GENRES[i % 4],)}) for i in range(ITEMS)
    )
    rng = np.random.default_rng(5)
    weights = 1 / np.arange(1, ITEMS + 1)
    events = [
        Event(f"u{user}", str(int(item)), float(1 + place % 5), place)
        for user in range(16)
        for place, item in enumerate(
            rng.choice(ITEMS, 14, replace=False, p=weights / weights.sum())
        )
    ]
    return catalog, Interactions.of(events, catalog)


class Ordered:
    """A ranker that orders each pool by a key of the query, the item and its place."""

    name = "ordered"

    def __init__(self, catalog, key):
        self.catalog, self.key = catalog, key

    def rank(self, queries, pools):
        return [
            [
                one
                for _, one in sorted(
                    enumerate(pool),
                    key=lambda pair: self.key(query, self.catalog.item(pair[1].row), pair[0]),
                )
            ]
            for query, pool in zip(queries, pools, strict=True)
        ]


def subject(key, ranks=True):
    return Subject(by_ranker(lambda catalog: Ordered(catalog, key)), ranks)


def genre(item):
    return GENRES.index(item.attributes["genres"][0]) if "genres" in item.attributes else 9


def fair(_query, item, _place):
    return genre(item), item.id


def biased(query, item, _place):
    return (-int(item.id) if "Nigerian" in query.text or "old" in query.text else int(item.id),)


def memoriser(_query, item, _place):
    return (item.title,)


def copier(_query, _item, place):
    return (place,)


def rows(found, model):
    return {line.slice: line for line in found.rows if line.model == model}


@pytest.fixture(scope="module")
def found(world):
    return audit(
        *world,
        own={"popular": Popular},
        models={
            "fair": subject(fair),
            "biased": subject(biased),
            "memoriser": subject(memoriser),
            "copier": subject(copier),
            "digger": subject(lambda _query, item, _place: -int(item.id)),
        },
        retriever=Together,
        k=5,
        pool=12,
        users=None,
        min_events=0,
    )


def value(line, metric):
    return line.metrics[metric].value


def test_a_biased_model_is_caught_and_a_fair_one_is_not(found):
    fair_rows, biased_rows = rows(found, "fair"), rows(found, "biased")
    for attribute in sensitive.SENSITIVE:
        for metric in ("jaccard@5", "serp@5", "prag@5"):
            assert value(fair_rows[f"sensitive: {attribute}"], f"snsv {metric}") == 0
            assert value(fair_rows[f"sensitive: {attribute}"], f"snsr {metric}") == 0
    origin = biased_rows["sensitive: origin"]
    assert value(origin, "snsr jaccard@5") > 0.5
    assert value(origin, "snsv jaccard@5") > 0.2
    assert value(biased_rows["sensitive: gender"], "snsr jaccard@5") == 0
    named = biased_rows["sensitive: origin = Nigerian"]
    assert value(named, "prag@5") < value(biased_rows["sensitive: origin = German"], "prag@5")


def test_wording_alone_is_the_control(found):
    for model in ("fair", "biased"):
        control = rows(found, model)["sensitive: none, worded otherwise"]
        assert value(control, "jaccard@5") == 1


def test_a_memoriser_follows_titles_and_a_reader_follows_items(found):
    swapped = rows(found, "memoriser")["memory: titles exchanged"]
    assert value(swapped, "follows the title") == pytest.approx(1)
    assert value(swapped, "follows the item") < 0.3
    read = rows(found, "fair")["memory: titles exchanged"]
    assert value(read, "follows the item") == pytest.approx(1)
    assert value(read, "follows the title") < 0.3


def test_hidden_titles_change_only_the_memorisers_order(found):
    assert value(rows(found, "fair")["memory: titles hidden"], "tau with the full order") == 1
    hidden = rows(found, "memoriser")["memory: titles hidden"]
    assert value(hidden, "tau with the full order") < 1
    only = rows(found, "memoriser")["memory: titles only"]
    assert value(only, "tau with the full order") == 1
    assert value(only, "ndcg@5 difference") == 0


def test_a_model_that_copies_places_is_caught(found):
    copied = rows(found, "copier")["position"]
    assert value(copied, "tau with the order given") == 1
    assert value(copied, "tau between orders") < 0.3
    steady = rows(found, "fair")["position"]
    assert value(steady, "tau between orders") == 1


def test_lists_are_held_beside_the_retrievers(found):
    copied = rows(found, "copier")["against the retriever"]
    assert value(copied, "overlap") == 1
    assert value(copied, "popularity_lift over the retriever") == 0
    assert value(copied, "ndcg@5 difference") == 0
    whole = rows(found, "retriever")["all"]
    assert rows(found, "copier")["all"].metrics["coverage"] == whole.metrics["coverage"]
    dug = rows(found, "digger")["against the retriever"]
    assert dug.metrics["popularity_lift over the retriever"].high < 0


def test_without_a_model_its_rows_are_named_as_missing(world):
    found = audit(*world, own={"popular": Popular}, k=5, pool=12, min_events=0)
    assert found.missing == (NO_MODEL,)
    assert {line.model for line in found.rows} == {"popular"}
    text = json.dumps(found.as_json())
    assert "gini" in text


def test_a_model_that_names_items_has_no_places(world):
    found = audit(
        *world, models={"namer": subject(fair, ranks=False)}, k=5, pool=12, min_events=0, users=4
    )
    slices = rows(found, "namer")
    assert "position" not in slices
    assert not any(name.startswith("memory") for name in slices)
    assert "sensitive: age" in slices
    assert found.users == 4
    assert not found.missing


def test_a_real_ranker_over_a_scripted_model(world):
    """What the person says reaches the prompt, so a model that heeds it is caught."""
    catalog, events = world

    def reply(prompt):
        shown = [
            int(line.split("]")[0][1:]) for line in prompt.text.splitlines() if line[:1] == "["
        ]
        return json.dumps({"order": shown[::-1] if "Chinese" in prompt.text else shown})

    model = Scripted(reply, name="biased")

    def make(over):
        return ModelRanker(Listwise(model), over, events.scale, weight=1.0, depth=12)

    who = person(Query(history=history([0, 1]), text="I am Chinese"), catalog, events.scale)
    assert "Chinese" in listwise(who, [catalog.item(5)]).text
    found = audit(
        catalog, events, models={"m": Subject(by_ranker(make))}, k=5, pool=12, users=5, min_events=0
    )
    assert value(rows(found, "m")["sensitive: origin"], "snsr prag@5") > 0.2
    assert value(rows(found, "m")["sensitive: age"], "snsr prag@5") == 0


def test_similarities_by_hand():
    assert sensitive.jaccard([1, 2, 3], [2, 3, 4]) == pytest.approx(2 / 4)
    assert sensitive.serp([1, 2, 3], [3, 9, 8]) == pytest.approx(1 / 6)
    assert sensitive.serp([1, 2, 3], [3, 2, 1]) == 1
    assert sensitive.prag([1, 2, 3], [3, 2, 1]) == 0
    assert sensitive.prag([1, 2, 3], [1, 3, 2]) == pytest.approx(2 / 3)
    assert sensitive.prag([1, 2, 3], [2, 8, 9]) == pytest.approx(1 / 3)
    assert sensitive.jaccard([], []) == sensitive.serp([], []) == sensitive.prag([], []) == 1
    assert sensitive.jaccard([], [1]) == sensitive.serp([], [1]) == sensitive.prag([], [1]) == 0
    assert sensitive.spread([0.2, 0.4]) == {"snsr": pytest.approx(0.2), "snsv": pytest.approx(0.1)}
    assert sensitive.spread([]) == {"snsr": 0.0, "snsv": 0.0}
    same = sensitive.similarities(as_lists([[1, 2, 3]], 3), as_lists([[1, 2, 3]], 3))
    assert {name: one.tolist() for name, one in same.items()} == {
        "jaccard@3": [1.0],
        "serp@3": [1.0],
        "prag@3": [1.0],
    }


def test_tau_and_changed_catalogues(world):
    assert tau([1, 2, 3, 4], [4, 3, 2, 1]) == -1
    assert tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)
    assert tau([1], [1]) == 1
    catalog, _ = world
    assert hidden_titles(catalog).titles[3] == "Item 4"
    assert hidden_titles(catalog).item(3).attributes == catalog.item(3).attributes
    assert only_titles(catalog).attributes == ()
    assert only_titles(catalog).titles == catalog.titles


def test_same_seed_same_figures(world, found):
    again = audit(
        *world, models={"copier": subject(copier)}, k=5, pool=12, users=None, min_events=0
    )
    assert rows(again, "copier")["position"] == rows(found, "copier")["position"]
