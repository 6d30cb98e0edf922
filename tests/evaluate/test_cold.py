import json

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.errors import DataError, FormatError, Interrupted, NotFound
from tastemate.evaluate.baselines import ContentNeighbours, GenrePopularity, Popular, Together
from tastemate.evaluate.cold import METRICS, cold_items, cold_users, sentences
from tastemate.evaluate.dialogues import Seeker, choosing, read_seekers
from tastemate.evaluate.seekers import against_likes
from tastemate.interactions import Interactions
from tastemate.types import Event, Item, Query, history

ITEMS = 40


def world(users=30, each=18):
    """Even people meet even items (genre "even"), odd people odd ones."""
    catalog = Catalog.of(
        Item(str(i), f"Film {i}", attributes={"genres": (("even", "odd")[i % 2],), "year": i})
        for i in range(ITEMS)
    )
    rng = np.random.default_rng(0)
    events = [
        Event(f"u{user}", str(2 * int(item) + user % 2), float(1 + (place % 4)), place)
        for user in range(users)
        for place, item in enumerate(rng.permutation(ITEMS // 2)[:each])
    ]
    return catalog, Interactions.of(events, catalog)


class Parity:
    """Knows the right answer: items of the parity of the history, all alike."""

    def __init__(self, catalog, interactions):
        self.items, self.train = len(catalog), interactions

    def scores(self, queries):
        scores = np.full((len(queries), self.items), -np.inf, np.float32)
        for row, query in zip(scores, queries, strict=True):
            if len(query.history):
                row[int(query.history.items[0]) % 2 :: 2] = 1.0
            if query.text:
                row["odd" in query.text :: 2] = 1.0
        return scores


def test_cold_items_are_out_of_training_and_found_by_content():
    trained = []

    def factory(catalog, interactions):
        trained.append(interactions)
        return Parity(catalog, interactions)

    seen = []
    table = cold_items(
        {"parity": factory},
        *world(),
        share=0.2,
        min_events=0,
        progress=lambda what, share: seen.append(what),
    )
    assert (trained[0].counts == 0).sum() == round(0.2 * ITEMS)
    rows = {row.model: row for row in table.rows}
    assert rows["parity"].metrics["recall@20"].value == 1.0
    assert rows["popularity"].metrics["recall@100"].value == 0.0
    assert rows["genre popularity"].metrics["recall@20"].value > 0.9
    assert rows["content neighbours"].metrics["recall@20"].value == 1.0
    assert set(rows["parity"].against) == {"genre popularity", "content neighbours"}
    assert table.as_json()["rows"][0]["k"] == 0
    assert seen[0] == "fitting parity"


def test_the_last_event_of_nobody_is_learned_or_asked():
    catalog, events = world(each=10)
    last = set(events.position[events.from_end() == 0].tolist())
    known, asked = [], []

    class Spy(Parity):
        def __init__(self, catalog, interactions):
            super().__init__(catalog, interactions)
            known.append(set(interactions.position.tolist()))

        def scores(self, queries):
            asked.extend(int(query.history.timestamps.max(initial=0)) for query in queries)
            return super().scores(queries)

    items = cold_items({"spy": Spy}, catalog, events, share=0.2, min_events=0)
    people = cold_users({"spy": Spy}, catalog, events, share=0.4, min_events=0, known=(0, 1))
    assert len(known) == 2
    assert all(last.isdisjoint(one) for one in known)
    assert max(asked) < 9
    assert all("last event is left out" in " ".join(one.notes) for one in (items, people))


def test_a_stopped_run_goes_on_from_the_finished_models(tmp_path):
    fitted = []

    def counted(catalog, interactions):
        fitted.append("parity")
        return Parity(catalog, interactions)

    def stopped(catalog, interactions):
        raise KeyboardInterrupt

    def run(*more, **options):
        lots = {"parity": counted} | dict(more)
        return cold_users(lots, *world(), share=0.4, min_events=0, keep=tmp_path, **options)

    with pytest.raises(Interrupted, match="the same command goes on"):
        run(("second", stopped))
    assert fitted == ["parity"]
    kept = run(("second", Parity))
    assert fitted == ["parity"]
    again = run(("second", Parity), fresh=True)
    assert fitted == ["parity", "parity"]
    assert kept.rows == again.rows
    run(known=(0, 2))
    assert len(fitted) == 3


def test_only_liked_cold_items_can_count():
    everything = cold_items({}, *world(), share=0.5, min_events=0)
    liked = cold_items({}, *world(), share=0.5, min_events=0, liked_only=True)
    assert liked.fingerprint == everything.fingerprint
    assert "liked" in liked.notes[0]
    few = cold_items({}, *world(), share=0.5, min_events=0, limit_users=6)
    assert few.users == 6


def test_nobody_to_ask_says_what_to_change():
    catalog = Catalog.of(Item(str(i), "T") for i in range(3))
    alone = Interactions.of(
        [Event(user, item, 1.0, at) for at, (user, item) in enumerate(("a0", "a2", "b1", "b2"))],
        catalog,
    )
    with pytest.raises(DataError, match="larger share"):
        cold_items({}, catalog, alone, share=0.4, min_events=0)
    with pytest.raises(DataError, match="fewer likes"):
        cold_users({}, catalog, alone, min_events=0)


def test_cold_users_bring_nested_likes_and_the_truth_stays():
    asked = {}

    class Spy(Parity):
        def scores(self, queries):
            k = len(queries[0].history)
            asked[k] = [set(query.history.items.tolist()) for query in queries]
            return super().scores(queries)

    table = cold_users({"spy": Spy}, *world(), share=0.4, min_events=0)
    rows = {(row.model, row.k): row for row in table.rows}
    assert sorted(asked) == [0, 1, 3, 5]
    assert all(a <= b <= c for a, b, c in zip(asked[1], asked[3], asked[5], strict=True))
    assert rows["spy", 0].metrics["recall@20"].value == 0.0
    assert rows["spy", 1].metrics["recall@20"].value == 1.0
    assert rows["spy", 3].against["popularity"]["recall@20"].low > 0
    assert rows["popularity", 0].metrics == rows["popularity", 5].metrics
    assert cold_users({}, *world(), share=0.4, min_events=0, limit_users=3).users <= 3


def dialogue(texts, liked, mentions, **more):
    return {
        "conversationId": "7",
        "initiatorWorkerId": 1,
        "respondentWorkerId": 2,
        "movieMentions": mentions,
        "initiatorQuestions": {film: {"liked": int(film in liked)} for film in mentions},
        "respondentQuestions": {},
        "messages": [{"senderWorkerId": who, "text": text} for who, text in texts],
        **more,
    }


@pytest.fixture
def spoken(tmp_path):
    talk = [
        (2, "Hello there, what do you like best?"),
        (1, "Hi"),
        (1, "I want odd films like @1 or Film 9 please"),
        (2, "Try @3 or @4"),
        (1, "@1 is great, and so is @5"),
    ]
    films = {
        "1": "Film 1 (1990)",
        "3": "Film 3",
        "4": "Film 4",
        "5": "Film 5",
        "9": "Film 9 (2001-2004)",
    }
    one = dialogue(talk, {"1", "3", "5"}, films)
    swapped = dialogue(talk, set(), films, initiatorQuestions=[])
    swapped["respondentQuestions"] = {"3": {"liked": 1}}
    silent = dialogue([(2, "Is there anybody here to talk to?")], set(), [])
    path = tmp_path / "talk.jsonl"
    path.write_text("\n".join(json.dumps(d) for d in (one, swapped, silent)) + "\n\n")
    return path


def test_a_wish_has_no_titles_and_the_likes_come_later(spoken):
    one, swapped = read_seekers(spoken)
    assert one.wish == "I want odd films like or please"
    assert one.liked == ("Film 3", "Film 5")
    assert swapped.liked == ("Film 3",)


def test_one_sentence_against_later_likes(spoken):
    catalog, interactions = world()
    titles = {title: row for row, title in enumerate(catalog.titles)}
    seekers = read_seekers(spoken)
    rows, note = sentences(
        {"parity": Parity}, catalog, interactions, seekers, lambda t: titles.get(t, -1)
    )
    found = {row.model: row.metrics["recall@100"].value for row in rows}
    assert found["parity"] == 1.0
    assert found["parity, no sentence"] == 0.0
    assert "2 of 2 people, 3 of 3 likes" in note
    nothing, note = sentences({}, catalog, interactions, seekers, lambda title: -1)
    assert nothing == []
    assert "0 of 2 people" in note
    table = cold_users(
        {"parity": Parity},
        *world(),
        min_events=0,
        share=0.4,
        seekers=seekers,
        link=lambda t: titles.get(t, -1),
    )
    assert table.rows[-1].k == "sentence"
    assert table.notes[-2].startswith("One sentence")
    assert table.notes[-1].startswith("seekers: 0 people")


def test_a_sentence_against_likes_asks_for_the_same_items():
    catalog, interactions = world()
    titles = {title: row for row, title in enumerate(catalog.titles)}
    told = tuple(f"Film {n}" for n in (1, 3, 5, 7, 9, 9))
    people = [Seeker(str(n), "something odd please", told) for n in range(12)]
    ours = [one for one in people if not choosing(one)]
    assert 0 < len(ours) < len(people)
    asked = []

    class Spy(Parity):
        def scores(self, queries):
            asked.extend((len(query.history), bool(query.text)) for query in queries)
            return super().scores(queries)

    found, note = against_likes(
        {"spy": Spy}, catalog, interactions, people, lambda t: titles.get(t, -1), METRICS
    )
    assert f"{len(ours)} people" in note
    assert set(asked) == {(k, text) for k in (0, 1, 2, 3) for text in (False, True)}
    recall = {row.model: row.metrics["recall@20"].value for row in found}
    assert recall["spy, 0 likes"] == 0.0
    assert recall["spy, 1 like"] == recall["spy, sentence"] == 1.0
    assert set(found[0].against) == {"popularity", "spy, sentence"}
    assert {row.k for row in found} == {"seekers"}
    none, note = against_likes({}, catalog, interactions, [], lambda title: -1, METRICS)
    assert none == []
    assert "0 people" in note


def test_dialogues_that_cannot_be_read(tmp_path):
    with pytest.raises(NotFound, match="another file"):
        read_seekers(tmp_path / "none.jsonl")
    broken = tmp_path / "broken.jsonl"
    for line in ("{", "[]", '{"messages": []}'):
        broken.write_text(line)
        with pytest.raises(FormatError, match="line 1"):
            read_seekers(broken)


def test_real_dialogues(data_dir):
    path = data_dir / "redial" / "valid.jsonl"
    if not path.exists():
        pytest.skip("real data: redial is not in TASTEMATE_DATA")
    seekers = read_seekers(path)
    assert len(seekers) > 900
    assert not any(
        "@" in seeker.wish and seeker.wish.split("@")[1][:1].isdigit() for seeker in seekers
    )


@pytest.mark.parametrize("kind", [Popular, GenrePopularity, ContentNeighbours, Together])
def test_baselines_answer_with_nothing_to_go_on(kind):
    bare = Catalog.of(Item(str(i), "T") for i in range(4))
    query = [Query(), Query(history=history([1, 2]))]
    assert kind(bare, Interactions.empty(bare)).scores(query).shape == (2, 4)
    events = Interactions.of([Event("a", "1"), Event("b", "1"), Event("b", "2")], bare)
    scores = kind(bare, events).scores(query)
    assert scores.shape == (2, 4)
    assert not np.isnan(scores).any()


def test_what_people_meet_together_is_near():
    catalog = Catalog.of(Item(str(i), "T") for i in range(4))
    events = [Event(u, i) for u, i in ("a0", "a1", "b0", "b1", "c2", "c3")]
    scores = Together(catalog, Interactions.of(events, catalog)).scores(
        [Query(history=history([0]))]
    )
    assert scores[0].tolist() == pytest.approx([1, 1, 0, 0])
