"""Recommendation turns: reading, linking, halves by worker, and the protocol over them."""

import json
from pathlib import Path

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.chat.titles import Titles as Finder
from tastemate.errors import DataError, FormatError, NotFound
from tastemate.evaluate.conversation import METRICS, clustered, conversation, measured, read_from
from tastemate.evaluate.heard import ask
from tastemate.evaluate.titles import Titles, akin, imdb_rows
from tastemate.evaluate.turns import Turn, halves, read_turns, turned_down
from tastemate.interactions import Interactions
from tastemate.text.link import Linker
from tastemate.types import Event, Floats, Item, Query

NAMES = {
    "1": "Heat (1995)",
    "2": "Alien (1979)",
    "3": "Toy Story (1995)",
    "4": "Speed 2 (1997)",
    "9": "Nobody Has This (2001)",
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Four films; ids as MovieLens has them."""
    return Catalog.of(
        [
            Item("6", "Heat (1995)", attributes={"year": 1995}),
            Item("1214", "Alien (1979)", attributes={"year": 1979}),
            Item("1", "Toy Story (1995)", attributes={"year": 1995}),
            Item("1556", "Speed 2: Cruise Control (1997)", attributes={"year": 1997}),
        ]
    )


@pytest.fixture(scope="module")
def interactions(catalog: Catalog) -> Interactions:
    """Two people who rate; Toy Story is the most popular."""
    events = [
        Event("a", "6", 5.0, 1),
        Event("a", "1", 4.0, 2),
        Event("b", "1", 1.0, 3),
        Event("b", "1214", 3.0, 4),
    ]
    return Interactions.of(events, catalog)


def dialogue(name: str, seeker: int, other: int, *texts: str) -> dict[str, object]:
    """One dialogue; the seeker speaks first."""
    said = [
        {"senderWorkerId": other if at % 2 else seeker, "text": text, "turn_id": at}
        for at, text in enumerate(texts)
    ]
    return {
        "conversationId": name,
        "initiatorWorkerId": seeker,
        "respondentWorkerId": other,
        "movieMentions": NAMES | {"50": None},
        "messages": said,
    }


TALK = dialogue(
    "d1",
    7,
    8,
    "Hi, I hated @2 but loved @1 !",
    "Then @3 or @9 , @50 ?",
    "Seen it.",
    "Maybe @1 again, or @2",
)


def write(folder: Path, dialogues: list[dict[str, object]]) -> Path:
    """Write dialogues as a file of JSON lines."""
    path = folder / "valid.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in dialogues), encoding="utf-8")
    return path


def read(path: Path, catalog: Catalog, **options: Path) -> list[Turn]:
    """Read turns, linked by title alone."""
    return read_turns(path, Titles(Linker(catalog), {}), **options)


def test_a_turn_has_what_was_said_named_and_recommended(tmp_path: Path, catalog: Catalog) -> None:
    first, second = read(write(tmp_path, [TALK]), catalog)
    assert (first.dialogue, first.number, first.seeker, first.recommender) == ("d1", 1, "7", "8")
    assert first.messages[0].text == "Hi, I hated Alien (1979) but loved Heat (1995)!"
    assert first.raw[0].text == "Hi, I hated Alien but loved Heat!"
    assert first.plain[0].text == "Hi, I hated but loved!"
    assert [(m.row, m.who, m.message, m.against) for m in first.mentions] == [
        (1, "seeker", 0, True),
        (0, "seeker", 0, False),
    ]
    assert first.truths == (2,)
    assert first.unlinked == ("Nobody Has This (2001)", "")
    assert second.truths == ()
    assert second.repeated == 2


def test_listed_turns_say_which_titles_count(tmp_path: Path, catalog: Catalog) -> None:
    path, listed = write(tmp_path, [TALK]), tmp_path / "turns.jsonl"
    line = {"dialog_id": "d1", "turn_id": 1, "rec": ["Nobody Has This  (2001)"]}
    listed.write_text(json.dumps(line), encoding="utf-8")
    (turn,) = read(path, catalog, turns=listed)
    assert turn.truths == ()
    assert turn.unlinked == ("Nobody Has This (2001)",)
    listed.write_text(json.dumps(line | {"turn_id": 99}), encoding="utf-8")
    with pytest.raises(FormatError, match="Turn 99"):
        read(path, catalog, turns=listed)


def test_files_that_are_something_else_are_refused(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="cannot be read"):
        read(tmp_path / "nowhere.jsonl", catalog)
    path = tmp_path / "valid.jsonl"
    path.write_text('{"title": 1}\n', encoding="utf-8")
    with pytest.raises(FormatError, match="line 1"):
        read(path, catalog)
    path.write_text('{"conversationId": "x", "movieMentions": {}}\n', encoding="utf-8")
    with pytest.raises(FormatError):
        read(path, catalog)


def test_imdb_numbers_link_only_where_titles_agree(tmp_path: Path, catalog: Catalog) -> None:
    films = {"4": {"imdb_id": "tt0120179"}, "5": {"imdb_id": "tt0113277"}, "6": {}}
    (tmp_path / "movies.json").write_text(json.dumps(films), encoding="utf-8")
    links = tmp_path / "links.csv"
    links.write_text("movieId,imdbId\n1556,120179\n6,0113277\n", encoding="utf-8")
    linker = Linker(catalog)
    rows = imdb_rows(tmp_path / "movies.json", links, linker)
    assert rows == {"4": 3, "5": 0}
    titles = Titles(linker, rows)
    assert titles.row("4", "Speed 2 (1997)") == 3
    assert titles.row("5", "Something Else (1990)") == -1
    assert titles.row("5", "Alien (1979)") == 1
    links.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"links\.csv"):
        imdb_rows(tmp_path / "movies.json", links, linker)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Star Wars: The Last Jedi (2017)", "The Last Jedi (2017)", True),
        ("Insidious: Chapter 4 (2018)", "Insidious: Chapter 2 (2013)", False),
        ("Bridesmaids (1989)", "Bridesmaids (2011)", True),
        ("The Mask (1988)", "Halloween 4 (1988)", False),
        ("Haunted House (2004)", "A Haunted House 2 (2014)", False),
        ("(2007)", "Anything (2007)", False),
    ],
)
def test_akin_titles(one: str, other: str, same: bool) -> None:
    assert akin(one, other) is same


@pytest.mark.parametrize(
    ("before", "bad"),
    [
        ("I hated ", True),
        ("I really didn't like ", True),
        ("I am not a fan of ", True),
        ("I hated that one. I loved ", False),
        ("I don't like horror but I liked ", False),
        ("I like ", False),
        ("", False),
    ],
)
def test_what_is_turned_down(before: str, bad: bool) -> None:
    assert turned_down(before) is bad


def worker_turns(pairs: list[tuple[str, str]]) -> list[Turn]:
    """One turn a dialogue, between these workers."""
    return [
        Turn(f"d{at}", 1, one, other, (), (), (), (0,)) for at, (one, other) in enumerate(pairs)
    ]


def test_halves_share_no_worker_and_keep_friends_together() -> None:
    pairs = [("a", "b"), ("b", "c"), ("a", "c"), ("x", "y"), ("y", "z"), ("x", "z"), ("c", "x")]
    turns = worker_turns(pairs)
    one, other = halves(turns)
    assert not {w for at in one for w in pairs[at]} & {w for at in other for w in pairs[at]}
    assert halves([])[0].tolist() == []


def test_raw_text_gives_what_the_reader_finds(
    tmp_path: Path, catalog: Catalog, interactions: Interactions
) -> None:
    turns = read(write(tmp_path, [TALK]), catalog)
    canonical = ask(turns, interactions.scale)
    assert [given.tolist() for given in canonical.given] == [[1, 0]]
    assert canonical.queries[0].text == "Hi, I hated but loved!"
    assert canonical.queries[0].history.values.tolist() == [1.0, 5.0]
    raw = ask(turns, interactions.scale, "raw", Finder(catalog))
    assert raw.queries[0].history.items.tolist() == [1, 0]
    assert raw.queries[0].history.values.tolist() == [1.0, 5.0]
    assert "Heat" not in raw.queries[0].text
    with pytest.raises(DataError, match="reader"):
        ask(turns, interactions.scale, "raw")


class Fixed:
    """Scores the catalogue in one order, whatever is asked."""

    def __init__(self, scores: list[float]) -> None:
        self._scores = np.array(scores, dtype=np.float32)

    def scores(self, queries: list[Query]) -> Floats:
        """Return the same row for every query."""
        return np.tile(self._scores, (len(queries), 1))


def test_the_protocol_masks_what_was_named(
    tmp_path: Path, catalog: Catalog, interactions: Interactions
) -> None:
    more = dialogue("d2", 1, 2, "I liked @3", "Try @1 and @2")
    turns = read(write(tmp_path, [TALK, more]), catalog)
    result = conversation(
        {"mine": lambda *_: Fixed([3.0, 2.0, 1.0, 0.0])}, catalog, interactions, turns
    ).as_json()
    rows = {(row["model"], row["slice"]): row for row in result["rows"]}
    mine = rows["mine", "canonical, all"]
    # d1: Heat and Alien masked, Toy Story first; d2: Heat of two truths first.
    assert mine["metrics"]["recall@1"]["value"] == pytest.approx(0.75)
    assert mine["metrics"]["recall@10"]["value"] == 1.0
    assert set(mine["metrics"]) == set(METRICS)
    assert set(mine["against"]["popularity"]) == set(METRICS)
    assert mine["ms"]["p50"] >= 0
    assert result["metrics"] == mine["metrics"]
    assert result["counts"]["truths"] == 3
    assert result["counts"]["repeated"] == 2
    assert ("mine", "raw, all") in rows


def test_without_a_linkable_truth_it_says_so(
    tmp_path: Path, catalog: Catalog, interactions: Interactions
) -> None:
    turns = read(write(tmp_path, [dialogue("d", 1, 2, "Hi", "Try @9")]), catalog)
    with pytest.raises(DataError, match="ml-latest-small"):
        conversation({}, catalog, interactions, turns)
    with pytest.raises(DataError, match="--dialogues"):
        read_from(lambda _: None, None, catalog, interactions)


def test_intervals_draw_whole_dialogues() -> None:
    values = {"m": np.array([1.0, 1.0, 0.0, 0.0, 0.0])}
    together = clustered(values, np.array([0, 0, 1, 1, 1]))["m"]
    assert together.value == pytest.approx(0.4)
    assert (together.low, together.high) == (0.0, 1.0)
    assert clustered(values | {"m": np.empty(0)}, np.empty(0, np.int64))["m"].value == 0


def test_recall_counts_the_share_of_a_turns_truths(
    tmp_path: Path, catalog: Catalog, interactions: Interactions
) -> None:
    turns = read(write(tmp_path, [dialogue("d", 1, 2, "Hi", "Try @1 and @2")]), catalog)
    found = measured([np.array([0, 2, 1])], ask(turns, interactions.scale))
    assert found["recall@1"].tolist() == [0.5]
    assert found["recall@10"].tolist() == [1.0]
    assert found["mrr@50"].tolist() == [1.0]
