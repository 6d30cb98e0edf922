"""One store, two databases: what holds for SQLite holds for PostgreSQL."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect
from tests.conftest import Postgres

from tastemate.errors import ConfigError, DataError, FormatError, NotFound
from tastemate.store import events
from tastemate.store.backup import backup, restore
from tastemate.store.impressions import Impression
from tastemate.store.jobs import TRIES
from tastemate.store.opening import Store, open_store, sqlite_url
from tastemate.store.resetting import reset
from tastemate.store.tastes import TasteEdit
from tastemate.types import Item, Signal

ODD = ["a/b", "🎬 été", "x" * 200, "%_'\"\\", " ", "مرحبا", "a\nb"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "deep" / "store.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.fresh()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def did(n: int, user: str = "ann", item: str = "i", kind: str = "like", **more: object) -> Signal:
    return Signal(f"e{n}", user, item, kind, timestamp=n, **more)


def test_an_empty_store_answers(store: Store):
    assert store.check() == "ok"
    assert store.events.of("ann") == store.events.since(0) == store.events.users() == []
    assert store.events.last() == store.events.count() == store.items.last() == 0
    assert store.events.frame().columns[:3] == ["seq", "id", "user"]
    assert store.impressions.frame().is_empty()
    assert store.items.all() == store.users.all() == store.sessions.all() == []
    assert store.users.get("ann") == {}
    assert not store.users.known("ann")
    assert store.keys.any() is False
    assert store.budgets.used("k", "2026-01-01") == (0, 0.0)
    assert store.jobs.claim("w") is None
    assert set(store.versions.all().values()) == {0}
    assert store.users.export("ann")["events"] == []


def test_a_signal_comes_back_as_it_was_once(store: Store):
    one = Signal("1", "ann", "🎬/x", "rating", 3.5, 7, "s", "r", 2)
    assert store.events.record([one, did(2), one]) == store.events.record([]).__class__(2, 1)
    again = store.events.record([did(2), did(3)])
    assert (again.accepted, again.duplicates) == (1, 1)
    assert store.events.of("ann") == [did(2), did(3), one]  # by time
    assert [found for _, found in store.events.since(0)] == [one, did(2), did(3)]
    assert store.events.count() == 3
    version = store.versions.all()["events"]
    assert store.events.record([did(2)]).accepted == 0
    assert store.versions.all()["events"] == version


def test_numbers_rise_and_are_never_given_twice(store: Store):
    store.events.record([did(n) for n in range(5)])
    numbers = [number for number, _ in store.events.since(0)]
    assert numbers == sorted(set(numbers))
    assert store.events.since(numbers[2], limit=1) == [(numbers[3], did(3))]
    assert store.events.last() == numbers[-1]
    store.users.erase("ann")
    assert store.events.last() == 0
    store.events.record([did(9, "bob")])
    assert store.events.since(numbers[-1]) == [(store.events.last(), did(9, "bob"))]


def test_the_log_as_a_table(store: Store):
    store.events.record([did(n, f"u{n % 2}", value=0.5) for n in range(4)])
    frame = store.events.frame()
    assert frame["user"].to_list() == ["u0", "u1", "u0", "u1"]
    assert frame["value"].to_list() == [0.5] * 4
    seqs = frame["seq"].to_list()
    part = store.events.frame(until=seqs[2], after=seqs[0])
    assert part["seq"].to_list() == seqs[1:3]
    assert part.schema == frame.schema == store.events.frame(after=seqs[-1]).schema


def test_the_log_since_a_time_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "CHUNK", 3)
    times = [50, 10, 40, 20, 30, 60, 5, 45]
    store.events.record([Signal(f"e{n}", "u", "i", "like", 0.5, n) for n in times])
    whole = store.events.frame()
    assert whole["timestamp"].to_list() == times  # in the order they were kept
    assert whole.schema == store.events.frame(since=99).schema
    late = store.events.frame(since=40)
    assert late["timestamp"].to_list() == [50, 40, 60, 45]
    assert late.equals(whole.filter(whole["timestamp"] >= 40))
    part = store.events.frame(until=late["seq"][2], after=late["seq"][0], since=40)
    assert part["timestamp"].to_list() == [40, 60]
    store.impressions.add([Impression("r", "ann", "", f"i{n}", n, at=n) for n in range(1, 9)])
    assert store.impressions.frame(since=3)["position"].to_list() == [3, 4, 5, 6, 7, 8]


def test_what_was_done_since_a_time_is_found_by_its_index(store: Store):
    store.events.record([did(n) for n in range(3000)])
    asked = "SELECT kind FROM events WHERE timestamp >= 2990"
    with store.database.writing() as connection:
        if store.database.is_sqlite:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
        else:
            connection.exec_driver_sql("ANALYZE events")
            plan = connection.exec_driver_sql(f"EXPLAIN {asked}").all()
    assert "ix_events_timestamp" in str(plan)


def test_counts_of_the_log_stay_right(store: Store, url: str):
    other = open_store(url)
    day = 86_400

    def agree(count: int) -> None:
        for one in (store, other):
            assert one.events.count() == len(one.events.frame()) == count
            assert sum(one.events.by_user().values()) == count

    agree(0)
    store.events.record([did(1), did(day, "bob"), did(day + 1, "bob"), did(day + 2, kind="view")])
    agree(4)
    assert store.events.by_user() == {"ann": 2, "bob": 2}
    assert store.events.kinds_per_day(2) == [(1, "like", 2), (1, "view", 1)]
    assert store.events.count(after=store.events.last() - 1) == 1
    other.events.record([did(7)])
    agree(5)
    store.users.erase("bob")
    agree(3)
    other.events.record([did(8), did(9), did(10, "cy")])
    agree(6)
    reset(other, "ann")
    agree(1)
    other.close()


def test_who_left_anything_at_all_is_held(store: Store):
    assert not store.users.held("ann")
    left = (
        lambda user: store.impressions.add([Impression("r", user, "", "i", 1)]),
        lambda user: store.sessions.keep(f"s-{user}", user, 1, []),
        lambda user: store.complaints.add(user, "", "", "unfair", ""),
        lambda user: store.tastes.put(user, "genres", "Crime", True),
        lambda user: store.budgets.charge(user, 1, 0.0, "d"),
        lambda user: store.audit.write("key", "did", f"/v1/users/{user}", {}),
        lambda user: store.jobs.make("export", {"user": user}),
        lambda user: store.users.put(user, {}),
        lambda user: store.events.record([did(1, user)]),
    )
    for n, leave in enumerate(left):
        leave(f"u{n}")
        assert store.users.held(f"u{n}"), n
        store.users.erase(f"u{n}")
        assert not store.users.held(f"u{n}"), n
    store.users.put("zoe", {"age": 3, "tags": ("a",)})
    assert store.users.declared() == {"zoe": {"age": 3, "tags": ("a",)}}
    assert store.bytes() > 1000


def test_what_waited_to_be_written_of_somebody_erased_is_dropped(store: Store):
    now = int(time.time())
    waits = [
        Impression(f"r-{user}-{at}", user, "", "i", 1, at=at)
        for user in ("ann", "bob", "")
        for at in (now - 5, now + 100)
    ]
    store.users.erase("ann")
    store.impressions.add(waits)
    assert store.impressions.frame()["recommendation"].to_list() == [
        f"r-ann-{now + 100}",  # who came back
        *(f"r-{user}-{at}" for user in ("bob", "") for at in (now - 5, now + 100)),
    ]
    assert store.users.erase("ann")["impressions"] == 1
    assert store.users.erased() == {store.users.hash_of("ann")}


@pytest.mark.parametrize("name", ODD)
def test_ids_of_any_text(store: Store, name: str):
    store.events.record([Signal(name, name, name, "like", session=name, recommendation=name)])
    assert store.events.of(name)[0].item == name
    store.items.add([Item(name, name, name, {name: (name, "b")})])
    assert store.items.all() == [Item(name, name, name, {name: (name, "b")})]
    store.users.put(name, {name: name})
    assert store.users.get(name) == {name: name}
    assert store.users.all() == [name]
    store.sessions.start(name, name, 1, [{"text": name}])
    assert store.sessions.open(name, 1).records == ({"text": name},)
    store.audit.write(name, "did", f"/v1/users/{name}", {"who": [name]})
    assert store.users.export(name)["sessions"][0]["turns"] == [{"text": name}]
    assert store.users.erase(name)["events"] == 1
    assert name == " " or name not in str(store.audit.all()[0])


@pytest.mark.parametrize("bad", ["a\0b", "\ud83c", "x" * 1025, "🎬" * 257])
def test_what_no_database_holds_is_refused_and_nothing_of_it_kept(store: Store, bad: str):
    for place in ("id", "user", "item", "kind", "session", "recommendation"):
        values = {"id": "x", "user": "u", "item": "i", "kind": "like"} | {place: bad}
        with pytest.raises(DataError, match=r"Leave it out|Mend it|Shorten it"):
            store.events.record([did(1), Signal(**values)])
    for call in (
        lambda: store.items.add([Item(bad, "")]),
        lambda: store.users.put(bad, {}),
        lambda: store.tastes.put(bad, "genre", "x", True),
        lambda: store.sessions.keep(bad, None, 1, []),
        lambda: store.complaints.add(bad, "", "", "unfair", ""),
        lambda: store.budgets.charge(bad, 1, 1.0, "d"),
        lambda: store.users.erase(bad),
        # and asked for, on both alike
        lambda: store.events.of(bad),
        lambda: store.users.known(bad),
        lambda: store.users.get(bad),
        lambda: store.users.all(after=bad),
        lambda: store.users.export(bad),
        lambda: store.tastes.of(bad),
        lambda: store.tastes.clear(bad),
        lambda: store.sessions.open(bad, 1),
        lambda: store.sessions.all(bad),
        lambda: store.sessions.delete(bad),
        lambda: store.sessions.delete_user(bad),
        lambda: store.impressions.of(bad),
        lambda: store.jobs.get(bad),
        lambda: store.jobs.tell(bad, "w", 0.5),
        lambda: store.jobs.tell("j", bad, 0.5),
        lambda: store.experiments.get(bad),
        lambda: store.keys.revoke(bad),
        lambda: store.budgets.used(bad, "d"),
    ):
        with pytest.raises(DataError):
            call()
    assert store.events.count() == 0


@pytest.mark.parametrize(
    "more",
    [{"value": float("nan")}, {"value": float("inf")}, {"timestamp": 2**62}, {"position": -1}],
)
def test_numbers_out_of_range_are_refused(store: Store, more: dict[str, float]):
    with pytest.raises(DataError):
        store.events.record([Signal("x", "u", "i", "like", **more)])
    with pytest.raises(DataError, match="empty id"):
        store.events.record([Signal("", "u", "i", "like")])


def test_texts_that_are_not_ids_come_back_whatever_they_hold(store: Store):
    odd = "nul \0 and half \ud83c"
    store.items.add([Item("a", odd, odd, {"x": odd})])
    assert store.items.all()[0].title == odd
    store.tastes.put("ann", odd, odd, False)
    assert store.tastes.of("ann")[0].value == odd
    store.complaints.add("ann", "", "", "other", odd)
    assert store.complaints.all()[0].text == odd
    store.sessions.keep("s", None, 1, [{"text": odd}])
    assert store.sessions.open("s", 1).records[0]["text"] == odd


def test_a_replaced_item_keeps_its_place(store: Store):
    store.items.add([Item("a", "A"), Item("b", "B"), Item("a", "A1", attributes={"year": 1990})])
    last = store.items.last()
    store.items.add([Item("c", "C"), Item("a", "A2", "t", {"genres": ("x", "y"), "n": 0.5})])
    whole = store.items.all()
    assert [one.title for one in whole] == ["A2", "B", "C"]
    assert whole[0].attributes == {"genres": ("x", "y"), "n": 0.5}
    assert [one.title for _, one in store.items.since(last)] == ["C", "A2"]
    assert [one.title for one in store.items.all()] == ["A2", "B", "C"]
    assert store.versions.all()["items"] == 2


def test_users_with_and_without_an_entry(store: Store):
    store.users.put("bob", {"age": 30, "tags": ("a", "b")})
    store.users.put("bob", {"age": 31})
    store.events.record([did(1, "Ann"), did(2, "ann"), did(3, "émile"), did(4, "bob")])
    assert store.users.get("bob") == {"age": 31}
    assert store.users.known("ann")
    assert store.users.known("bob")
    assert not store.users.known("cy")
    assert store.users.all() == ["Ann", "ann", "bob", "émile"]  # by code point
    assert store.users.all("Ann", 2) == ["ann", "bob"]
    assert store.users.all("émile") == []
    assert store.events.users() == ["Ann", "ann", "bob", "émile"]


def test_impressions(store: Store):
    rows = [Impression("r", "ann", "s", f"i{n}", n, 0.5, 1.5, "a", "m", "p", n) for n in (2, 1)]
    store.impressions.add(rows)
    store.impressions.add([*rows, Impression("q", "bob", "", "i1", 1)])
    assert store.impressions.of("r") == rows[::-1]
    assert store.impressions.of("nothing") == []
    assert store.impressions.frame().height == 3
    assert store.impressions.frame(since=2)["item"].to_list() == ["i2"]


def test_the_latest_lists_that_drew_anything_are_found_without_reading_all(store: Store):
    rows = [
        Impression(
            f"r{n}", "ann", "", f"i{place}", place, 0.5 if place == 1 else 1.0, policy=policy, at=n
        )
        for n, policy in enumerate(["", "fast/model", "fast/model+words", "p+interleaved", "", ""])
        for place in (1, 2, 3)
    ]
    plain = [Impression("plain", "ann", "", f"i{place}", place, at=9) for place in (1, 2)]
    deep = [Impression("deep", "ann", "", f"i{n}", n, 0.5 if n == 4 else 1.0, at=9) for n in (1, 4)]
    store.impressions.add([*rows, *plain, *deep])
    found, count = store.impressions.drawn(1, most=2, depth=3, without="+")
    assert count == 3
    assert found["recommendation"].unique(maintain_order=True).to_list() == ["r4", "r5"]
    assert found["position"].to_list() == [1, 2, 3, 1, 2, 3]
    found, count = store.impressions.drawn(0, most=9, depth=2, without="+")
    assert (count, found["position"].max()) == (4, 2)
    assert found["recommendation"].to_list() == ["r0", "r0", "r1", "r1", "r4", "r4", "r5", "r5"]
    nothing, count = store.impressions.drawn(99, most=9, depth=2, without="+")
    assert (len(nothing), count) == (0, 0)
    assert nothing.columns == store.impressions.frame().columns
    found, count = store.impressions.drawn(0, most=9, depth=3, without="%")
    assert count == 6, "a sign of patterns is a sign like others"


def test_tastes(store: Store):
    store.tastes.put("ann", "genres", "Crime", True)
    store.tastes.put("ann", "year", ("a", "b"), False)
    store.tastes.put("ann", "genres", "Crime", None)
    found = [(one.attribute, one.value, one.likes) for one in store.tastes.of("ann")]
    assert found == [("year", ("a", "b"), False), ("genres", "Crime", None)]
    assert isinstance(store.tastes.of("ann")[0], TasteEdit)
    store.tastes.clear("ann")
    assert store.tastes.of("ann") == []
    assert store.versions.all()["tastes"] == 4


def test_one_word_of_a_taste_is_forgotten(store: Store):
    for value in ("Crime", "Drama", 1990):
        store.tastes.put("ann", "genres", value, True)
    store.tastes.put("bob", "genres", "Crime", True)
    before = store.versions.all()["tastes"]
    assert store.tastes.forget("ann", "genres", "Crime") == before + 1
    assert [one.value for one in store.tastes.of("ann")] == ["Drama", 1990]
    assert store.tastes.forget("ann", "genres", "1990") == before + 2
    assert store.tastes.forget("ann", "genres", "Crime") == 0
    assert store.tastes.forget("ann", "moods", "Drama") == 0
    assert [one.value for one in store.tastes.of("ann")] == ["Drama"]
    assert len(store.tastes.of("bob")) == 1
    assert store.versions.all()["tastes"] == before + 2


def test_complaints_audit_and_experiments(store: Store):
    first = store.complaints.add("ann", "r", "i", "unfair", "No women")
    second = store.complaints.add("", "", "", "other", "")
    assert [one.id for one in store.complaints.all()] == [first, second]
    assert [one.text for one in store.complaints.all(after=first)] == [""]
    for n in range(3):
        store.audit.write("key", "put", "x", {"n": n})
    assert [one.detail["n"] for one in store.audit.all(limit=2)] == [0, 1]
    assert len(store.audit.all(after=store.audit.all()[1].id)) == 1
    store.experiments.put({"id": "b", "arms": ["x"]})
    store.experiments.put({"id": "a", "n": None})
    store.experiments.put({"id": "b", "arms": []})
    assert store.experiments.all() == [{"id": "a", "n": None}, {"id": "b", "arms": []}]
    assert store.experiments.get("a") == {"id": "a", "n": None}
    store.experiments.delete("a")
    for call in (store.experiments.get, store.experiments.delete):
        with pytest.raises(NotFound):
            call("a")
    with pytest.raises(DataError):
        store.experiments.put({})


def test_keys_are_kept_as_hashes(store: Store, url: str):
    name, secret = store.keys.make("page", ["read", "write", "read"])
    assert secret.startswith(f"tm_{name}_")
    assert len(secret.split("_", 2)[2]) == 43
    found = store.keys.verify(secret)
    assert found is not None
    assert (found.name, found.scopes, found.revoked) == ("page", {"read", "write"}, 0)
    for wrong in (
        secret[:-1],
        secret + "x",
        "",
        "tm__",
        f"tm_{name}_",
        "tm_\0_x",
        "é_a_b",
        "_" * 9,
    ):
        assert store.keys.verify(wrong) is None
    assert store.keys.any()
    assert secret not in str(store.keys.all())
    store.keys.revoke(name)
    store.keys.revoke(name)
    assert store.keys.verify(secret) is None
    assert not store.keys.any()
    assert store.keys.all()[0].revoked
    with pytest.raises(NotFound):
        store.keys.revoke("nothing")
    if url.startswith("sqlite"):
        store.close()
        held = b"".join(one.read_bytes() for one in Path(store.database.path).parent.iterdir())
        assert secret.split("_", 2)[2].encode() not in held


def test_budgets_add_up(store: Store):
    for _ in range(3):
        store.budgets.charge("k", 10, 0.25, "2026-01-01")
    store.budgets.charge("k", 1, 0.0, "2026-01-02")
    assert store.budgets.used("k", "2026-01-01") == (30, 0.75)
    assert store.budgets.used("k", "2026-01-02") == (1, 0.0)


def test_jobs_from_asking_to_the_end(store: Store):
    first, second = store.jobs.make("train", {"k": 1}), store.jobs.make("backup", {})
    claimed = store.jobs.claim("w")
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.asked) == (first, "running", {"k": 1})
    assert store.jobs.tell(first, "w", 0.5, "half")
    assert (store.jobs.get(first).progress, store.jobs.get(first).message) == (0.5, "half")
    store.jobs.finish(first, "w", {"seconds": 1})
    assert store.jobs.get(first).result == {"seconds": 1}
    assert (store.jobs.get(first).progress, store.jobs.get(first).message) == (1.0, "")
    store.jobs.cancel(first)
    assert store.jobs.get(first).state == "done"
    assert store.jobs.claim("w").id == second
    store.jobs.tell(second, "w", 0.6, "half")
    store.jobs.cancel(second)
    assert store.jobs.tell(second, "w", 0.7) is False
    assert store.jobs.get(second).message == ""
    store.jobs.finish(second, "w", {})
    assert store.jobs.get(second).state == "cancelled"
    assert [one.id for one in store.jobs.all()] == [second, first]
    for call in (store.jobs.get, store.jobs.cancel):
        with pytest.raises(NotFound):
            call("nothing")


def test_what_a_job_says_is_what_is_being_done_or_was_done_last_before_it_failed(store: Store):
    def said() -> tuple[str, float, str]:
        found = store.jobs.get(job)
        return found.state, found.progress, found.message

    job = store.jobs.make("train", {})
    for leave in (lambda: store.jobs.give_back(job, "w"), lambda: store.jobs.requeue_dead(-1)):
        store.jobs.claim("w")
        store.jobs.tell(job, "w", 0.5, "fitting ease")
        leave()
        assert said() == ("queued", 0.0, "")
    store.jobs.claim("w")
    store.jobs.tell(job, "w", 0.3, "fitting knn")
    store.jobs.fail(job, "w", "The disk is full.")
    assert said() == ("failed", 0.3, "fitting knn")
    assert store.jobs.get(job).error == "The disk is full."


def test_a_job_whose_worker_died_begins_again_and_at_last_has_failed(store: Store):
    job = store.jobs.make("train", {})
    for _ in range(TRIES):
        assert store.jobs.claim("w") is not None
        assert store.jobs.requeue_dead(60) == 0
        assert store.jobs.requeue_dead(-1) == 1
    assert store.jobs.claim("w") is None
    assert store.jobs.get(job).state == "failed"
    assert "died" in store.jobs.get(job).error


def test_who_lost_a_job_speaks_for_it_no_more(store: Store):
    job = store.jobs.make("train", {})
    store.jobs.claim("slow")
    store.jobs.requeue_dead(-1)
    store.jobs.claim("next")
    assert store.jobs.tell(job, "slow", 0.9) is False
    store.jobs.finish(job, "slow", {"model": "old"})
    store.jobs.fail(job, "slow", "it was slow")
    store.jobs.give_back(job, "slow")
    found = store.jobs.get(job)
    assert (found.state, found.progress, found.result, found.error) == ("running", 0.0, {}, "")
    assert store.jobs.tell(job, "next", 0.5)
    store.jobs.finish(job, "next", {"model": "new"})
    assert store.jobs.get(job).result == {"model": "new"}


def test_no_two_workers_get_the_same_job(store: Store):
    asked = {store.jobs.make("train", {}) for _ in range(12)}
    got: list[str] = []

    def work(name: str) -> None:
        while (job := store.jobs.claim(name)) is not None:
            got.append(job.id)

    _at_once([lambda n=n: work(f"w{n}") for n in range(4)])
    assert sorted(got) == sorted(asked)


def test_a_conversation_is_only_added_to(store: Store):
    rows = store.sessions
    rows.keep("s", "ann", 1, [])
    rows.keep("s", "ann", 1, [{"a": 1}])
    rows.keep("s", "ann", 1, [{"a": 1}, {"b": 2}])
    assert rows.open("s", 1).records == ({"a": 1}, {"b": 2})
    for other in ([{"a": 1}], [{"a": 1}, {"c": 2}], [{"a": 1}, {"c": 2}, {"d": 3}]):
        with pytest.raises(DataError, match="went on elsewhere"):
            rows.keep("s", "ann", 1, other)
    with pytest.raises(NotFound, match="was deleted"):
        rows.keep("t", None, 1, [{}, {}])
    with pytest.raises(NotFound, match="was deleted"):
        rows.keep("t", None, 1, [{}], must_exist=True)
    with pytest.raises(DataError, match="already"):
        rows.start("s", None, 1, [])
    rows.start("newer", "ann", 2, [])
    for call in (lambda: rows.open("newer", 1), lambda: rows.keep("newer", "ann", 1, [{}])):
        with pytest.raises(FormatError, match="newer version"):
            call()
    assert {one.id for one in rows.all("ann")} == {"s", "newer"}
    rows.delete("s")
    assert rows.delete_user("ann") == 1
    assert rows.all() == []
    with pytest.raises(NotFound):
        rows.delete("s")


def fill(store: Store, user: str) -> None:
    """Let every table name a user."""
    store.events.record([Signal(f"{user}-{n}", user, "i", "like", timestamp=n) for n in range(3)])
    store.events.record([Signal(f"{user}-anonymous", "", "i", "view", session=f"talk-{user}")])
    store.impressions.add([Impression(f"r-{user}", user, "", "i", 1)])
    store.sessions.start(f"talk-{user}", user, 1, [{"text": f"I am {user}"}])
    store.tastes.put(user, "genres", f"{user}'s", True)
    store.complaints.add(user, "", "", "unfair", f"{user} complains")
    store.users.put(user, {"name": user})
    store.budgets.charge(user, 1, 0.1, "d")
    store.audit.write(user, "export", f"/v1/users/{user}/export", {"users": [user, "someone"]})
    store.jobs.make("export", {"user": user})


def test_erasing_leaves_nothing_of_one_and_all_of_the_others(store: Store, url: str):
    fill(store, "zelda-77")
    fill(store, "bob-42")
    before = store.users.export("bob-42")
    assert {name: len(rows) for name, rows in before.items() if isinstance(rows, list)} == {
        "events": 4, "impressions": 1, "sessions": 1, "tastes": 1, "complaints": 1,
        "budgets": 1, "audit": 1, "jobs": 1,
    }  # fmt: skip
    assert before["attributes"] == {"name": "bob-42"}
    versions = store.versions.all()
    gone = store.users.erase("zelda-77")
    assert gone == {
        "events": 4, "impressions": 1, "turns": 1, "sessions": 1, "tastes": 1, "complaints": 1,
        "budgets": 1, "users": 1, "audit": 1, "jobs": 1,
    }  # fmt: skip
    assert store.users.export("bob-42") == before
    empty = store.users.export("zelda-77")
    assert not any(rows for name, rows in empty.items() if name != "user")
    assert store.users.erased() == {store.users.hash_of("zelda-77")}
    assert store.versions.all()["erased"] == versions["erased"] + 1
    assert store.audit.all()[0].detail == {"users": ["(erased)", "someone"]}
    assert not store.users.known("zelda-77")
    assert store.users.erase("zelda-77") == dict.fromkeys(gone, 0)
    if url.startswith("sqlite"):
        place = Path(store.database.path).parent
        assert all(b"zelda-77" not in one.read_bytes() for one in place.iterdir())


def test_an_export_is_plain_values(store: Store):
    import json

    fill(store, "ann")
    assert json.loads(json.dumps(store.users.export("ann"))) == store.users.export("ann")


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(store: Store):
    class Stop(Exception):
        pass

    def half() -> None:
        with store.transaction() as connection:
            store.versions.bump("model", connection)
            raise Stop

    with pytest.raises(Stop):
        half()
    assert store.versions.all()["model"] == 0
    with store.transaction() as connection:
        store.versions.bump("model", connection)
        store.versions.bump("model", connection)
    assert store.versions.all()["model"] == 2
    assert store.versions.bump("model") == 3


def test_threads_at_once_lose_and_double_nothing(store: Store):
    seen: list[int] = []
    done = threading.Event()

    def write(n: int) -> None:
        for at in range(10):
            # every signal twice, from two threads
            store.events.record([did(n // 2 * 1000 + at * 10 + k) for k in range(10)])

    def follow() -> None:
        last = 0
        while True:
            over = done.is_set()
            seen.extend(number for number, _ in store.events.since(last, limit=7))
            last = seen[-1] if seen else 0
            if over and last == store.events.last():
                return

    follower = threading.Thread(target=follow)
    follower.start()
    _at_once([lambda n=n: write(n) for n in range(6)])
    done.set()
    follower.join(30)
    assert store.events.count() == 300
    assert seen == [number for number, _ in store.events.since(0)]  # who follows misses none


def _write_in_process(url: str, start: int, n: int) -> None:
    mine = open_store(url)
    for at in range(n):
        mine.events.record([did(start + at)])
    mine.close()


def test_processes_agree(store: Store, url: str):
    spawn = multiprocessing.get_context("fork")
    running = [spawn.Process(target=_write_in_process, args=(url, n, 20)) for n in (0, 10, 100)]
    for one in running:
        one.start()
    store.events.record([did(1000)])
    for one in running:
        one.join(30)
    assert [one.exitcode for one in running] == [0] * 3
    other = open_store(url)
    assert other.events.since(0) == store.events.since(0)
    assert store.events.count() == 51
    assert other.id == store.id
    assert other.users.hash_of("ann") == store.users.hash_of("ann")
    other.close()


def test_an_open_store_goes_on_in_a_forked_process(store: Store):
    store.events.record([did(0)])

    def child() -> None:
        store.events.record([did(1)])
        assert store.events.count() == 2
        store.close()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert store.events.record([did(2)]).accepted == 1
    assert store.events.count() == 3


def _acknowledge(url: str, name: str, file: str) -> None:
    mine = open_store(url)
    with open(file, "a", buffering=1) as told:
        for n in range(100_000):
            mine.events.record([Signal(f"{name}-{n}-{k}", "u", "i", "like") for k in range(3)])
            told.write(f"{n}\n")


def test_a_killed_writer_loses_nothing_it_acknowledged(store: Store, url: str, tmp_path: Path):
    for kill in range(5):
        told = tmp_path / f"told-{kill}"
        told.touch()
        process = multiprocessing.get_context("fork").Process(
            target=_acknowledge, args=(url, str(kill), str(told))
        )
        process.start()
        until = time.monotonic() + 20
        while not told.read_text().count("\n") > 2 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.013 * kill)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(10)
        acknowledged = len(told.read_text().splitlines())
        assert acknowledged > 2
        kept = {one.id for _, one in store.events.since(0, 1_000_000)}
        mine = {one for one in kept if one.startswith(f"{kill}-")}
        assert {f"{kill}-{n}-{k}" for n in range(acknowledged) for k in range(3)} <= mine
        assert len(mine) % 3 == 0  # a batch is kept as a whole
        assert store.check(deep=True) == "ok"
    assert store.events.count() == len(kept)


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_a_backup_is_restored_into_either(
    store: Store, tmp_path: Path, other: str, request: pytest.FixtureRequest
):
    fill(store, "ann")
    fill(store, "bob")
    store.items.add([Item("a", "nul \0", "", {"x": ("y",)}), Item("b", "B")])
    store.keys.make("k", ["admin"])
    store.users.erase("ann")
    last = store.events.last()
    store.users.erase("bob")
    fill(store, "cy")
    copied = backup(store, tmp_path / "out" / "backup")
    assert copied.rows["events"] == 4
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["backup"]
    with pytest.raises(ConfigError, match="there already"):
        backup(store, tmp_path / "out" / "backup")
    target = sqlite_url(tmp_path / "other.db")
    if other == "postgresql":
        target = request.getfixturevalue("postgres").fresh()
    assert restore(tmp_path / "out" / "backup", target).rows["events"] == 4
    again = open_store(target)
    assert again.events.since(0) == store.events.since(0)
    assert again.users.export("cy") == store.users.export("cy")
    assert again.items.all() == store.items.all()
    assert (again.id, again.users.erased()) == (store.id, store.users.erased())
    assert again.events.record([did(999)]).accepted == 1
    assert again.events.last() > store.events.last() > last
    with pytest.raises(ConfigError, match="not empty"):
        restore(tmp_path / "out" / "backup", target)
    before = again.versions.all()
    restore(tmp_path / "out" / "backup", target, replace=True)
    assert again.events.since(0) == store.events.since(0)
    assert all(again.versions.all()[name] > before[name] for name in before)
    again.close()


def test_the_schema_is_the_one_the_migrations_make(url: str):
    from tastemate.store import schema
    from tastemate.store.database import Database
    from tastemate.store.opening import read_url
    from tastemate.store.upgrading import upgrade

    made = open_store(url)
    made.versions.bump("model")
    tables = _described(made)
    made.close()
    database = Database(read_url(url))
    with database.writing() as connection:
        schema.METADATA.drop_all(connection)
        schema.STAMP.drop_all(connection)
    with database.writing() as connection:
        upgrade(connection)
    migrated = Store(database)
    assert _described(migrated) == tables
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT * FROM tastemate_version").all() == [
            (schema.HEAD,)
        ]
    migrated.close()


def test_a_newer_store_is_not_touched(store: Store, url: str):
    store.versions.bump("model")
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE tastemate_version SET version_num = '9999'")
    with pytest.raises(FormatError, match="newer version"):
        open_store(url)


def _described(store: Store) -> dict[str, object]:
    with store.database.reading() as connection:
        found = inspect(connection)
        return {
            name: (
                [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)],
                found.get_pk_constraint(name)["constrained_columns"],
                sorted(str(one["column_names"]) for one in found.get_unique_constraints(name)),
                sorted((str(one["name"]), str(one["column_names"]))
                       for one in found.get_indexes(name)),
                [(one["constrained_columns"], one["referred_table"], one["options"])
                 for one in found.get_foreign_keys(name)],
            )
            for name in found.get_table_names()
        }  # fmt: skip


def _at_once(calls: list) -> None:
    failed: list[BaseException] = []

    def run(call) -> None:
        try:
            call()
        except BaseException as error:
            failed.append(error)

    running = [threading.Thread(target=run, args=(one,)) for one in calls]
    for one in running:
        one.start()
    for one in running:
        one.join(60)
    assert not failed


def test_those_who_open_it_first_at_once_share_one_store(url: str):
    stores: list[Store] = []

    def begin(n: int) -> None:
        mine = open_store(url)
        stores.append(mine)
        mine.events.record([did(n)])

    _at_once([lambda n=n: begin(n) for n in range(6)])
    assert len({one.id for one in stores}) == 1
    assert all(one.events.count() == 6 for one in stores)
    for one in stores:
        one.close()
