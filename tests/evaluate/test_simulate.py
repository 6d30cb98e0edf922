import json
from dataclasses import replace

import numpy as np
import pytest

from tastemate.catalog import Catalog
from tastemate.chat.intent import Intent, Wish
from tastemate.chat.reply import Reply
from tastemate.chat.session import Question, Relaxation, Session, Turn
from tastemate.data.datasets import open_dataset
from tastemate.errors import ConfigError, DataError, Unavailable
from tastemate.evaluate.acting import Actor, Heard
from tastemate.evaluate.people import PATIENCE, WAYS, Person, people
from tastemate.evaluate.playing import play
from tastemate.evaluate.simulate import simulate, transcript
from tastemate.evaluate.speech import Voice
from tastemate.evaluate.wants import Want, fulfils, holds
from tastemate.filters import FALSE, TRUE, UNKNOWN
from tastemate.types import Item, Recommendation, Slate

CRIME = Want("genres", "Crime")
NINETIES = Want("year", shape="decade", low=1990, high=1999)


@pytest.fixture(scope="module")
def films() -> Catalog:
    return open_dataset("films").catalog


class Scripted:
    """A conversation that answers by a function of what was said and which turn it is."""

    def __init__(self, catalog, answer):
        self.catalog, self.answer, self.session = catalog, answer, Session("s")
        self.heard: list[str] = []

    def say(self, message):
        self.heard.append(message)
        rows, question, gone = self.answer(message, len(self.heard))
        lines = tuple(
            Recommendation(at, self.catalog.item(row), 1.0) for at, row in enumerate(rows, start=1)
        )
        self.session = self.session.then(Turn(message, Intent(), "ok", asked=question))
        return Reply("ok", self.session, Intent(), Slate(lines), question, gone)


def somebody(catalog, **changed) -> Person:
    made = Person(0, "asked", "ordinary", catalog.row("pulp-fiction-1994"), (CRIME, NINETIES),
                  frozenset())  # fmt: skip
    return replace(made, **changed)


def test_everybody_has_an_item_in_mind_that_fulfils_every_wish(films):
    crowd = people(films, 72, seed=3)
    for one in crowd:
        assert fulfils(films, one.goal)[one.target]
        assert one.target not in one.met
        assert 1 <= len(one.goal) <= 4
        assert len({(want.attribute, want.away) for want in one.goal}) == len(one.goal)
        if one.decoy is not None:
            assert holds(films, one.decoy)[one.target] != TRUE
    assert [one.way for one in crowd[:12]] == list(WAYS)
    assert {one.temper for one in crowd} == set(PATIENCE)
    assert people(films, 72, seed=3) == crowd
    assert people(films, 72, seed=4) != crowd
    relaxing = [one for one in crowd if one.way == "relaxing" and one.decoy is not None]
    assert relaxing
    for one in relaxing:
        assert not fulfils(films, (*one.goal, one.decoy)).any(), "it has to be given up"


def test_unknown_does_not_fulfil_and_like_words_do():
    catalog = Catalog.of(
        [
            Item("a", "A", attributes={"genres": ("War",), "themes": ("love",), "year": 1990}),
            Item("b", "B", attributes={"genres": ("Drama",), "themes": ("war",)}),
            Item("c", "C", attributes={"year": 2001, "themes": ("love",)}),
        ]
    )
    assert holds(catalog, Want("genres", "War")).tolist() == [TRUE, FALSE, UNKNOWN]
    assert holds(catalog, Want("genres", "War", also=(("themes", "war"),))).tolist() == [
        TRUE,
        TRUE,
        UNKNOWN,
    ]
    assert holds(catalog, Want("genres", "War", away=True)).tolist() == [FALSE, TRUE, UNKNOWN]
    assert holds(catalog, NINETIES).tolist() == [TRUE, UNKNOWN, FALSE]
    assert fulfils(catalog, ()).all()


def test_the_words_differ_and_the_wish_does_not(films):
    person = somebody(films)
    said = set()
    for seed in range(20):
        voice = Voice(person, films, np.random.default_rng(seed))
        said.add(voice.phrase(person.goal))
        assert "90s" in voice.bare(NINETIES)
        assert voice.bare(replace(CRIME, away=True)) in ("no crime", "not crime")
        mistyped = voice.mistyped("something suspenseful")
        assert abs(len(mistyped) - len("something suspenseful")) <= 2
        assert mistyped.split()[0][0] == "s"
    assert len(said) >= 4
    assert all("crime" in one and "90s" in one for one in said)


def test_titles_are_written_as_people_write_them():
    catalog = Catalog.of([Item("1", "Matrix, The (1999)", attributes={"authors": ("Ann",)})])
    voice = Voice(somebody_of(catalog), catalog, np.random.default_rng(0))
    assert voice.title(0) == "The Matrix"
    assert voice.reads
    assert "before 2000" in voice.phrase([Want("year", shape="before", high=1999)])


def somebody_of(catalog):
    return Person(0, "asked", "ordinary", 0, (Want("authors", "Ann"),), frozenset())


def test_a_system_that_knows_what_they_want_serves_everybody(films):
    for person in people(films, 24, seed=1):
        talks = Scripted(films, lambda _said, _turn, row=person.target: ([row], None, ()))
        played = play(person, talks, films, trial=1)
        assert played.success, transcript(played, films.titles)
        assert played.turns <= 2 or person.temper == "patient"
        assert played.reason == ""
        assert sum(played.violations[name] for name in ("known", "again", "asked again")) == 0


def test_the_most_patient_say_everything_first(films):
    target = films.row("pulp-fiction-1994")
    person = somebody(films, way="one by one", temper="patient")
    talks = Scripted(films, lambda _said, _turn: ([target], None, ()))
    played = play(person, talks, films)
    assert played.success
    assert played.turns == 2
    assert "crime" in talks.heard[0].lower()
    assert "90s" in talks.heard[1]
    hasty = play(replace(person, temper="hurried"), talks, films)
    assert hasty.turns == 1


def test_a_system_that_never_listens_loses_them_all_and_is_found_out(films):
    person = somebody(films, way="two at once", temper="hurried")
    wrong = [films.row("toy-story-1995"), films.row("the-gold-rush-1925")]
    talks = Scripted(films, lambda _said, _turn: (wrong, None, ()))
    played = play(person, talks, films)
    assert not played.success
    assert played.turns == 3, "what breaks what was said costs patience twice"
    assert played.violations["wish"] == 6
    assert played.kept == 0
    assert played.shown == 6
    assert played.reason.startswith("not understood: ")
    assert any(name.endswith("not understood") for name in played.breaches)
    assert "!!" in transcript(played, films.titles)


def test_what_is_known_is_told_and_may_not_come_again(films):
    fits = [int(row) for row in np.flatnonzero(fulfils(films, (CRIME, NINETIES)))]
    target = films.row("pulp-fiction-1994")
    met = frozenset(row for row in fits if row != target)
    person = somebody(films, way="two at once", met=met)
    shown = sorted(met)[:2]
    talks = Scripted(films, lambda _said, turn: (shown if turn < 3 else [target], None, ()))
    played = play(person, talks, films)
    assert played.success
    assert played.violations["known"] == 2, "both came a second time"
    assert "already" in talks.heard[1] or "all of" in talks.heard[1]
    assert played.turns == 3


def test_questions_are_answered_and_not_asked_twice(films):
    asked = Question("year", ("before 1990", "since 1990"), "From before 1990, or newer?")
    moods = Question("moods", ("dark", "funny"), "Something dark, or something funny?")
    target = films.row("pulp-fiction-1994")
    answers = {1: ([], asked, ()), 2: ([], moods, ()), 3: ([], asked, ()), 4: ([target], None, ())}
    talks = Scripted(films, lambda _said, turn: answers[min(turn, 4)])
    played = play(somebody(films), talks, films)
    assert played.success
    assert "90s" in talks.heard[1]
    assert "crime" not in talks.heard[2]
    assert played.violations["asked again"] == 1


def test_one_wish_too_many_is_given_up_when_nothing_fits(films):
    decoy = Want("genres", "Documentary")
    person = somebody(films, way="relaxing", decoy=decoy)
    gone = (Relaxation(Wish("genres", "is", "Documentary"), 3),)
    target = films.row("pulp-fiction-1994")
    talks = Scripted(
        films, lambda _said, turn: ([], None, gone) if turn == 1 else ([target], None, ())
    )
    played = play(person, talks, films)
    assert played.success
    assert played.refused == 0, "nothing did fit"
    assert "documentary" in talks.heard[0].lower()
    again = play(person, Scripted(films, lambda _said, _turn: ([], None, gone)), films)
    assert again.refused >= 1, "and then something did"
    assert not again.success


def test_a_change_of_mind_takes_the_first_wish_back(films):
    decoy = Want("year", shape="decade", low=1970, high=1979)
    person = somebody(films, way="correcting", decoy=decoy, instead=1, goal=(CRIME, NINETIES))
    actor = Actor(person, films, np.random.default_rng(2))
    said = [actor.line(Heard()).text]
    while NINETIES not in actor.told.wants and len(said) < 6:
        said.append(actor.line(Heard((films.row("toy-story-1995"),))).text)
    assert NINETIES in actor.told.wants
    assert decoy not in actor.told.wants
    assert any("90s" in one and "70s" in one for one in said) or not any("70s" in s for s in said)


def test_more_is_asked_for_once_everything_is_said(films):
    target = films.row("pulp-fiction-1994")
    fits = np.flatnonzero(fulfils(films, (CRIME, NINETIES))).tolist()
    actor = Actor(somebody(films, met=frozenset(fits) - {target}), films, np.random.default_rng(0))
    actor.told.wants += [CRIME, NINETIES]
    actor._plan.clear()
    actor._turn = 1
    shown = tuple(row for row in fits if row != target)[:1]
    assert actor.line(Heard(shown)).move == "verdict"
    assert shown[0] in actor.told.known
    assert actor.told.passed == set(shown), "other ones are asked for"


def test_an_error_ends_the_conversation_and_is_counted(films):
    def fail(_said, _turn):
        raise Unavailable("The store is gone. Try again.")

    found = simulate(lambda: Scripted(films, fail), films, 2, trials=1).as_json()
    assert found["success"]["value"] == 0
    assert list(found["failed"]) == ["error: The store is gone. Try again."]


def test_the_figures_of_a_crowd(films):
    found = simulate(lambda: Scripted(films, lambda _s, turn: ([turn], None, ())), films, 12)
    value = found.as_json()
    assert value["conversations"] == 36
    assert value["people"] == 12
    assert set(value["success"]) == {"value", "low", "high"}
    for name in ("turns", "violations", "pass^3", "acceptance", "engagement", "latency_ms"):
        assert name in value
    assert value["pass^3"]["value"] <= value["success"]["value"]
    assert {row["slice"] for row in value["rows"]} >= {f"way: {way}" for way in WAYS}
    assert sum(row["conversations"] for row in value["rows"] if "way" in row["slice"]) == 36
    assert sum(value["failed"].values()) == round(36 * (1 - value["success"]["value"]))
    json.dumps(value, allow_nan=False)
    again = simulate(lambda: Scripted(films, lambda _s, turn: ([turn], None, ())), films, 12)
    for one, other in zip(found.played, again.played, strict=True):
        assert [e.line for e in one.exchanges] == [e.line for e in other.exchanges]
    assert [e.line.text for e in found.played[0].exchanges] != [
        e.line.text for e in found.played[1].exchanges
    ], "another time, other words"


def test_bad_requests_are_refused(films):
    with pytest.raises(ConfigError, match="at least 1"):
        people(films, 0)
    with pytest.raises(ConfigError, match="at least once"):
        simulate(lambda: Scripted(films, lambda _s, _t: ([], None, ())), films, 1, trials=0)
    with pytest.raises(DataError, match="has none of the attributes"):
        people(Catalog.of([Item("a", "A"), Item("b", "B")]), 1)


def test_the_command_prints_json_and_conversations(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from tastemate.cli.main import app

    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path))
    monkeypatch.setenv("TASTEMATE_ENCODER__NAME", "words")
    told = tmp_path / "people.json"
    asked = ["simulate", "-n", "2", "--trials", "1", "--dataset", "films", "--show", "1"]
    done = CliRunner().invoke(app, [*asked, "--out", str(told), "--json"])
    assert done.exit_code == 0, done.output
    value = json.loads(told.read_text())
    assert value["conversations"] == 2
    assert {"success", "turns", "violations", "pass^1", "acceptance", "command"} <= set(value)
    assert "Person " in done.stderr
    assert json.loads(done.stdout) == value
    assert not any(tmp_path.rglob("sessions/*")), "nothing said here is kept"
