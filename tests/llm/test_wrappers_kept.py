"""Cached, budgeted, recorded, structured, and all of them together: files, money, form."""

import json
import math
import multiprocessing
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate import config, scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm import parse
from tastemate.llm.scripted import Scripted
from tastemate.llm.wrappers.breaker import Breaker
from tastemate.llm.wrappers.budgeted import Budgeted
from tastemate.llm.wrappers.cached import Cached
from tastemate.llm.wrappers.guards import Guards, forget, wrapped
from tastemate.llm.wrappers.ledger import Ledger, Spent, today
from tastemate.llm.wrappers.recorded import Recorded
from tastemate.llm.wrappers.redact import luhn, redacted
from tastemate.llm.wrappers.structured import Structured
from tastemate.messages import Completion, Generation, Message, Prompt

ORDER = {
    "type": "object",
    "properties": {"order": {"type": "array", "items": {"type": "integer"}}},
    "required": ["order"],
}
PLAIN = frozenset(("stream",))


def ask(text="hello", **more):
    return Prompt("test/1", (Message("user", text),), **more)


def texts(answers):
    return [answer.text for answer in answers]


def faults(answers):
    return [answer.fault for answer in answers]


# Cached


def test_the_same_request_is_asked_once(tmp_path):
    model = Scripted(["one", "two"])
    cached = Cached(model, tmp_path)
    first = cached.complete([ask()])[0]
    second = cached.complete([ask(user="somebody else")])[0]
    assert (first.text, first.cached) == ("one", False)
    assert (second.text, second.cached, second.cost) == ("one", True, 0.0)
    assert second.tokens == first.tokens
    assert (cached.hits, cached.misses) == (1, 1)
    assert texts(Cached(Scripted(["three"]), tmp_path).complete([ask()])) == ["one"]
    cached.close()


def test_every_part_of_a_request_counts(tmp_path):
    model = Scripted(lambda prompt: str(len(model.prompts)))
    cached = Cached(model, tmp_path)
    asked = [
        ask(),
        ask("other"),
        ask(schema=ORDER),
        ask(labels=("a",)),
        ask(generation=Generation(temperature=0.5)),
        ask(generation=Generation(seed=1)),
        Prompt("test/1", (Message("system", "hello"),)),
        Prompt("test/1", (Message("user", "hel"), Message("user", "lo"))),
    ]
    assert len(set(texts(cached.complete(asked)))) == len(asked)
    other = Cached(Scripted(["elsewhere"], name="other"), tmp_path)
    assert texts(other.complete([ask()])) == ["elsewhere"]


def test_duplicates_in_a_batch_are_asked_once(tmp_path):
    model = Scripted(lambda prompt: prompt.text[-1])
    cached = Cached(model, tmp_path)
    answers = cached.complete([ask("a"), ask("b"), ask("a"), ask("a")])
    assert texts(answers) == ["a", "b", "a", "a"]
    assert [answer.cached for answer in answers] == [False, False, True, True]
    assert len(model.prompts) == 2
    assert (cached.hits, cached.misses) == (2, 2)


def test_failures_and_fresh_draws_are_not_kept(tmp_path):
    down = Completion(error="down", fault="server")
    cached = Cached(Scripted([down, down, "ok"]), tmp_path)
    answers = cached.complete([ask(), ask()])
    assert faults(answers) == ["server", "server"]
    assert len(cached.inner.prompts) == 1
    draw = Generation(temperature=1.0, seed=None)
    model = Scripted(["one", "two", "three"])
    cached = Cached(model, tmp_path)
    assert texts(cached.complete([ask(generation=draw)] * 2)) == ["one", "two"]
    assert texts(cached.complete([ask(generation=draw)])) == ["three"]


def test_copies_of_a_failure_are_not_paid_for(tmp_path):
    lost = Completion("", (), 7, 3, cost=0.5, error="cut", fault="server")
    cached = Recorded(Cached(Scripted([lost]), tmp_path / "a"), tmp_path / "c", write=False)
    with scope.opened() as account:
        answers = cached.complete([ask()] * 3)
    assert faults(answers) == ["server"] * 3
    assert [answer.tokens for answer in answers] == [10, 0, 0]
    assert (account.tokens, account.cost) == (10, 0.5)


def test_another_version_of_a_model_is_asked_anew(tmp_path):
    old, new = Scripted(["1"]), Scripted(["2"])
    old.version, new.version = "1", "2"
    for model in (old, new):
        cached = Cached(Breaker(model), tmp_path)
        assert cached.version == model.version
        assert texts(cached.complete([ask()])) == texts(cached.complete([ask()])) == [model.version]


def test_scores_come_back_as_they_were(tmp_path):
    scores = (-0.1, float("-inf"))
    cached = Cached(Scripted([Completion(scores=scores)]), tmp_path)
    cached.complete([ask(labels=("a", "b"))])
    assert cached.complete([ask(labels=("a", "b"))])[0].scores == scores


def test_streams_are_answered_and_kept(tmp_path):
    cached = Cached(Scripted(["a b c", "other"]), tmp_path)
    assert "".join(cached.stream(ask())) == "a b c"
    assert "".join(cached.stream(ask())) == "a b c"
    assert texts(cached.complete([ask()])) == ["a b c"]
    pieces = cached.stream(ask("closed early"))
    next(pieces)
    pieces.close()
    assert not cached.complete([ask("closed early")])[0].cached


def test_a_damaged_cache_is_a_miss_and_said_once(tmp_path):
    (tmp_path / "cache.db").write_bytes(b"this is no database" * 500)
    with scope.opened() as account:
        cached = Cached(Scripted(["ok"]), tmp_path)
        assert texts(cached.complete([ask()])) == ["ok"]
        assert texts(cached.complete([ask()])) == ["ok"]
    assert len(account.notes) == 1
    assert str(tmp_path) in account.notes[0]
    assert (cached.hits, cached.misses) == (0, 2)


def test_a_folder_that_cannot_be_made_is_a_miss(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with scope.opened() as account:
        assert texts(Cached(Scripted(["ok"]), tmp_path / "file").complete([ask()])) == ["ok"]
    assert len(account.notes) == 1


def test_an_entry_that_was_tampered_with_is_a_miss_and_no_pickle_is_read(tmp_path):
    import pickle

    import diskcache

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "pwned"),))

    cached = Cached(Scripted(["ok"]), tmp_path)
    cached.complete([ask()])
    cached.close()
    with sqlite3.connect(tmp_path / "cache.db") as file:
        file.execute(
            "UPDATE Cache SET mode = ?, value = ?",
            (diskcache.core.MODE_PICKLE, pickle.dumps(Evil())),
        )
    file.close()
    with scope.opened() as account:
        assert not Cached(Scripted(["ok"]), tmp_path).complete([ask()])[0].cached
    assert account.notes
    assert not (tmp_path / "pwned").exists()
    for bad in ({"text": 1}, [], "x", {**dict.fromkeys(("text", "model"), ""), "scores": "no"}):
        cached = Cached(Scripted(["ok"]), tmp_path)
        cached._open().set(cached._key(ask()), bad)
        assert not cached.complete([ask()])[0].cached


def test_the_cache_keeps_to_its_size(tmp_path):
    words = iter(os.urandom(30_000).hex() for _ in range(200))
    cached = Cached(Scripted(lambda _: next(words)), tmp_path, megabytes=1)
    for at in range(60):
        cached.complete([ask(str(at))])
    assert cached._open().volume() < 1.5 * 2**20
    assert cached.complete([ask("59")])[0].cached
    assert not cached.complete([ask("0")])[0].cached


def test_many_threads_share_a_cache(tmp_path):
    cached = Cached(Scripted(lambda prompt: prompt.text[-3:]), tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda at: cached.complete([ask(f"{at % 10:03}")])[0].text, range(80))
        )
    assert found == [f"{at % 10:03}" for at in range(80)]
    assert cached.hits + cached.misses == 80


# Budgeted


def spending(tokens=(10, 5), name="test"):
    return Scripted(lambda _: Completion("ok", (), *tokens, model=f"scripted:{name}"), name=name)


SMALL = Generation(max_tokens=10)


def test_what_would_pass_a_limit_is_refused_before_it_is_sent(tmp_path):
    model = spending()
    budgeted = Budgeted(model, tmp_path / "b", day_tokens=45)
    answers = budgeted.complete([ask(generation=SMALL)] * 4)
    assert faults(answers).count("") == 2 == len(model.prompts)
    assert "day_tokens" in answers[-1].error
    assert budgeted.spent() == Spent(30, 0.0)
    with pytest.raises(Unavailable, match="day_tokens"):
        list(budgeted.stream(ask(generation=Generation(max_tokens=100))))


def test_one_answer_has_its_own_limit(tmp_path):
    budgeted = Budgeted(spending(), tmp_path / "b", request_tokens=40)
    for _ in range(2):
        with scope.opened():
            found = [budgeted.complete([ask(generation=SMALL)])[0].fault for _ in range(4)]
            assert found == ["", "", "budget", "budget"]


def test_each_user_has_a_limit_and_no_name_is_in_the_file(tmp_path):
    budgeted = Budgeted(spending(), tmp_path / "b", user_tokens=35)

    def of(user):
        return faults(budgeted.complete([ask(generation=SMALL, user=user)] * 3))

    assert of("maria@example.com") == ["", "", "budget"]
    assert of("maria@example.com") == ["budget"] * 3
    assert of("other") == ["", "", "budget"]
    assert of("") == ["", "", ""], "nobody's calls count for the day alone"
    assert b"maria" not in (tmp_path / "b").read_bytes()
    assert budgeted.spent("maria@example.com").tokens == 30
    assert budgeted.spent().tokens == 105
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600


def test_money_is_counted_by_the_prices(tmp_path):
    prices = {"test": (1000.0, 2000.0)}
    budgeted = Budgeted(spending(), tmp_path / "b", prices=prices, day_cost=0.05)
    answers = budgeted.complete([ask(generation=SMALL)])
    assert answers[0].cost == pytest.approx((10 * 1000 + 5 * 2000) / 1e6)
    assert budgeted.spent().cost == pytest.approx(0.02)
    found = faults(budgeted.complete([ask(generation=SMALL)] * 3))
    assert found == ["", "budget", "budget"]


def test_an_answer_and_a_user_have_limits_in_money(tmp_path):
    prices = {"test": (1000.0, 2000.0)}
    most = {"generation": SMALL, "user": "maria"}
    budgeted = Budgeted(spending(), tmp_path / "b", prices=prices, request_cost=0.05)
    for _ in range(2):
        with scope.opened():
            found = [budgeted.complete([ask(**most)])[0] for _ in range(3)]
            assert faults(found) == ["", "", "budget"]
            assert "request_cost" in found[-1].error
    assert faults(budgeted.complete([ask(generation=Generation(max_tokens=30))])) == ["budget"]
    budgeted = Budgeted(spending(), tmp_path / "c", prices=prices, user_cost=0.05)
    found = budgeted.complete([ask(**most)] * 3)
    assert faults(found) == ["", "budget", "budget"], "what a call may cost counts until it is over"
    assert "user_cost" in found[-1].error
    assert faults(budgeted.complete([ask(**most)] * 2)) == ["", "budget"]
    assert faults(budgeted.complete([ask(generation=SMALL, user="other")])) == [""]


def test_the_user_of_the_scope_pays_for_calls_that_name_nobody(tmp_path):
    budgeted = Budgeted(spending(), tmp_path / "b", user_tokens=35)
    with scope.opened(user="maria"):
        budgeted.complete([ask(generation=SMALL)])
        assert budgeted.left() == 20
    assert budgeted.spent("maria").tokens == 15


def test_what_is_left_can_be_asked_through_every_wrapper(tmp_path):
    assert wrapped(spending(), tmp_path / "free").left() == math.inf
    guards = Guards(
        request_tokens=100, user_tokens=60, day_tokens=1000, cache=False, prices={"test": (5, 10)}
    )
    model = wrapped(spending(), tmp_path, guards)
    assert model.left("maria") == 60
    with scope.opened():
        assert model.left() == 100
        model.complete([ask(generation=SMALL, user="maria")] * 2)
        assert (model.left(), model.left("maria")) == (70, 30)
    assert model.left("somebody else") == 60
    assert wrapped(spending(), tmp_path, Guards(day_tokens=1000)).left() == 970
    costs = wrapped(spending(), tmp_path / "costs", replace(guards, request_cost=0.0004))
    with scope.opened():
        assert costs.left() == pytest.approx(40)
        costs.complete([ask(generation=SMALL)])
        assert costs.left() == pytest.approx(30)
    (tmp_path / "broken").write_bytes(b"no database at all" * 100)
    assert Budgeted(spending(), tmp_path / "broken", user_tokens=5).left("maria") == 0.0
    assert Budgeted(spending(), tmp_path / "broken", request_tokens=5).left("maria") == 5


@pytest.mark.parametrize(
    ("model", "price"),
    [("gpt-5-mini-2026-01-01", 2.0), ("gpt-5", 1.0), ("openai:gpt-5-mini", 2.0), ("gpt-55", None)],
)
def test_a_price_is_found_by_the_longest_beginning_of_a_name(tmp_path, model, price):
    prices = {"gpt-5": (1.0, 0.0), "gpt-5-mini": (2.0, 0.0)}
    found = Budgeted(spending(), tmp_path / "b", prices=prices).price(model)
    assert (found and found[0]) == price


def test_a_model_without_a_price_is_said_once(tmp_path):
    budgeted = Budgeted(spending(), tmp_path / "b", prices={"other": (1.0, 1.0)})
    with scope.opened() as account:
        assert budgeted.complete([ask()] * 2)[0].cost == 0
        budgeted.complete([ask()])
    assert len(account.notes) == 1
    with scope.opened() as account:
        budgeted.complete([ask()])
    assert account.notes == []


def test_failures_that_used_tokens_are_booked(tmp_path):
    lost = Completion("", (), 7, 3, error="cut", fault="server")
    budgeted = Budgeted(Scripted([lost, Completion(error="x", fault="server")]), tmp_path / "b")
    budgeted.complete([ask()])
    budgeted.complete([ask()])
    assert budgeted.spent().tokens == 10


def test_a_stream_is_booked_however_it_ends(tmp_path):
    budgeted = Budgeted(Scripted(["a b c d"]), tmp_path / "b")
    assert "".join(budgeted.stream(ask())) == "a b c d"
    whole = budgeted.spent().tokens
    assert whole > 4
    pieces = budgeted.stream(ask())
    next(pieces)
    pieces.close()
    assert whole < budgeted.spent().tokens < 2 * whole
    down = Budgeted(Scripted([Completion(error="x", fault="paused")]), tmp_path / "c")
    with pytest.raises(Unavailable):
        list(down.stream(ask()))
    assert down.spent().tokens == 0


def test_the_limit_holds_under_eight_threads(tmp_path):
    budgeted = Budgeted(spending(), tmp_path / "b", day_tokens=600, request_tokens=300)

    def one(_):
        return budgeted.complete([ask(generation=SMALL)])[0]

    with ThreadPoolExecutor(8) as pool:
        served = [a for a in pool.map(one, range(100)) if not a.error]
    spent = budgeted.spent()
    assert spent.tokens == 15 * len(served) <= 600
    assert 600 - 15 * len(served) < 15 + 8 * 20
    import contextvars

    with scope.opened():
        account = scope.current()
        contexts = [contextvars.copy_context() for _ in range(50)]
        other = Budgeted(spending(), tmp_path / "c", request_tokens=300)

        def inside(context):
            return context.run(lambda: other.complete([ask(generation=SMALL)])[0])

        with ThreadPoolExecutor(8) as pool:
            served = [a for a in pool.map(inside, contexts) if not a.error]
    assert account.tokens == 0, "charging is for the record"
    assert 8 <= len(served) <= 20


def _spend(path, results):
    budgeted = Budgeted(spending(), Path(path), day_tokens=1000)
    results.put(
        sum(not a.error for _ in range(30) for a in budgeted.complete([ask(generation=SMALL)]))
    )


def test_several_processes_keep_one_limit(tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    several = [
        context.Process(target=_spend, args=(str(tmp_path / "b"), results)) for _ in range(3)
    ]
    for one in several:
        one.start()
    served = sum(results.get(timeout=60) for _ in several)
    for one in several:
        one.join()
    spent = Ledger(tmp_path / "b").spent(today())
    assert spent.tokens == 15 * served <= 1000
    assert served >= 60


def test_a_call_that_never_came_back_stays_booked(tmp_path):
    def reply(_prompt):
        raise KeyboardInterrupt

    budgeted = Budgeted(Scripted(reply), tmp_path / "b", day_tokens=100)
    with pytest.raises(KeyboardInterrupt):
        budgeted.complete([ask(generation=SMALL)])
    assert budgeted.spent().tokens > 10


def test_old_days_are_dropped(tmp_path):
    ledger = Ledger(tmp_path / "b", keep=2)
    ledger.book([("u", Spent(5, 0.1))], "2026-01-01", lambda *_: "")
    ledger.book([("u", Spent(5, 0.1))], "2026-01-02", lambda *_: "")
    assert ledger.spent("2026-01-01", "u") == Spent(5, 0.1)
    ledger.book([], "2026-01-04", lambda *_: "")
    assert ledger.spent("2026-01-01") == Spent()
    assert ledger.spent("2026-01-02") == Spent(5, 0.1)


def test_a_book_that_cannot_be_kept_refuses_only_where_there_is_a_daily_limit(tmp_path):
    path = tmp_path / "b"
    path.write_bytes(b"no database at all" * 100)
    with scope.opened() as account:
        answers = Budgeted(spending(), path, day_tokens=10**6).complete([ask()])
        assert faults(answers) == ["budget"]
        assert "cannot be used" in answers[0].error
        assert texts(Budgeted(spending(), path).complete([ask()])) == ["ok"]
    assert len(account.notes) == 1


@pytest.mark.parametrize("price", [1, [1], [1, -1], [1, "2"], [True, 1], [1, float("inf")]])
def test_a_price_must_be_two_numbers(tmp_path, price):
    with pytest.raises(ConfigError, match="million"):
        Budgeted(spending(), tmp_path / "b", prices={"m": price})


def test_a_limit_must_not_be_negative(tmp_path):
    for name in ("day_tokens", "request_cost", "user_cost"):
        with pytest.raises(ConfigError, match=name):
            Budgeted(spending(), tmp_path / "b", **{name: -1})


# Recorded


def lines_of(folder):
    return [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]


def test_every_call_is_a_line_and_charged_once(tmp_path):
    answer = Completion("yes", (), 4, 1, cost=0.5, seconds=0.25, model="m")
    down = Completion(error="down", fault="server")
    recorded = Recorded(Scripted([answer, down]), tmp_path / "calls")
    with scope.opened() as account:
        recorded.complete([ask("a", user="maria"), ask("b")])
    assert (account.calls, account.tokens, account.cost) == (2, 5, 0.5)
    one, two = lines_of(tmp_path / "calls")
    assert (one["prompt"], one["model"], one["reply"], one["fault"]) == ("test/1", "m", "yes", "")
    assert (one["prompt_tokens"], one["completion_tokens"], one["cost"]) == (4, 1, 0.5)
    assert one["messages"] == [{"role": "user", "text": "a"}]
    assert (two["fault"], two["error"]) == ("server", "down")
    assert "maria" not in json.dumps(one)
    (path,) = (tmp_path / "calls").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_streams_are_recorded_however_they_end(tmp_path):
    recorded = Recorded(Scripted(["a b c", Completion(error="x", fault="server"), "d e"]), tmp_path)
    with scope.opened() as account:
        assert "".join(recorded.stream(ask())) == "a b c"
        with pytest.raises(Unavailable):
            list(recorded.stream(ask()))
        pieces = recorded.stream(ask())
        next(pieces)
        pieces.close()
    assert [line["reply"] for line in lines_of(tmp_path)] == ["a b c", "", "d"]
    assert account.calls == 3
    assert account.tokens > 0


def test_nothing_is_written_where_nothing_is_to_be(tmp_path):
    recorded = Recorded(Scripted(["ok"]), tmp_path / "calls", write=False)
    with scope.opened() as account:
        recorded.complete([ask()])
    assert account.calls == 1
    assert not (tmp_path / "calls").exists()


def test_a_record_that_cannot_be_written_is_said_once(tmp_path):
    (tmp_path / "file").write_text("in the way")
    recorded = Recorded(Scripted(["ok"]), tmp_path / "file")
    with scope.opened() as account:
        assert texts(recorded.complete([ask()])) == ["ok"]
        recorded.complete([ask()])
    assert len(account.notes) == 1


def test_old_and_surplus_files_go(tmp_path):
    old = tmp_path / "2020-01-01.0001.jsonl"
    old.write_text("{}\n")
    os.utime(old, (0, 0))
    mine = tmp_path / "notes.txt"
    mine.write_text("not ours")
    recorded = Recorded(Scripted(["word " * 3000]), tmp_path, megabytes=0.2)
    for at in range(40):
        recorded.complete([ask(str(at))])
    files = list(tmp_path.glob("*.jsonl"))
    assert not old.exists()
    assert mine.exists()
    assert 2 < len(files) < 12
    assert sum(path.stat().st_size for path in files) < 0.25 * 2**20
    assert lines_of(tmp_path)[-1]["messages"][0]["text"] == "39"


def test_what_is_long_is_cut(tmp_path):
    recorded = Recorded(Scripted([Completion("x" * 10_000_000)]), tmp_path)
    recorded.complete([ask("mail " * 10_000 + "maria@example.com")])
    (line,) = lines_of(tmp_path)
    assert len(line["reply"]) < 21_000
    assert "more characters" in line["reply"]


@pytest.mark.parametrize(
    ("secret", "mark"),
    [
        ("maria.lopez+films@mail.example.co.uk", "[email]"),
        ("+34 612 34 56 78", "[phone]"),
        ("(555) 123-4567", "[phone]"),
        ("0049 30 1234567", "[phone]"),
        ("06 12 34 56 78", "[phone]"),
        ("612345678901", "[phone]"),
        ("4111 1111 1111 1111", "[card]"),
        ("378282246310005", "[card]"),
        ("sk-proj-abcdefghijklmnopqrstuvwxyz", "[key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[key]"),
        ("hf_abcdefghijklmnopqrstuvwx", "[key]"),
    ],
)
def test_secrets_are_taken_out(secret, mark, tmp_path):
    assert redacted(f"Write to {secret}, please.") == f"Write to {mark}, please."
    Recorded(Scripted([f"It is {secret}."]), tmp_path).complete([ask(f"I am {secret}!")])
    (line,) = lines_of(tmp_path)
    assert line["messages"][0]["text"] == f"I am {mark}!"
    assert line["reply"] == f"It is {mark}."


@pytest.mark.parametrize(
    "text",
    ["2001: A Space Odyssey (1968)", "[1] Heat (1995) | 4.5", "3 > 1 > 2", '{"order": [3, 1, 12]}',
     "2026-11-21", "12, 5, 7, 8, 9, 10", "4111 1111 1111 1112 is no card", "1999 2000 2001 2002"],
)  # fmt: skip
def test_what_is_no_secret_stays(text):
    assert redacted(text) == text


@given(st.text(alphabet="0123456789 -+().@abcsk_.", max_size=200))
def test_redaction_takes_any_text(text):
    assert "@" not in redacted(text) or "@" in text
    assert luhn([0])


# Structured


def test_a_reply_is_given_on_as_json_alone():
    model = Structured(Scripted(['Sure:\n```json\n{"order": [2, 1]}\n```\nEnjoy!']))
    assert texts(model.complete([ask(schema=ORDER)])) == ['{"order": [2, 1]}']


def test_what_fits_is_found_among_what_does_not():
    model = Structured(Scripted(['{"note": "a draft"} {"order": [1]}']))
    assert texts(model.complete([ask(schema=ORDER)])) == ['{"order": [1]}']


def test_it_is_asked_once_more_with_the_error():
    inner = Scripted(['{"order": "no"}', '{"order": [1]}'])
    answer = Structured(inner).complete([ask(schema=ORDER)])[0]
    assert (answer.text, answer.fault) == ('{"order": [1]}', "")
    again = inner.prompts[1]
    assert [turn.role for turn in again.messages] == ["user", "assistant", "user"]
    assert "at order: 'no' is not of type 'array'" in again.messages[2].text
    assert again.schema == ORDER
    assert answer.prompt_tokens > 2 * Scripted([""]).complete([ask()])[0].prompt_tokens


def test_then_it_is_a_fault_with_the_tokens_of_both():
    inner = Scripted(["no JSON", "still none"])
    answer = Structured(inner).complete([ask(schema=ORDER)])[0]
    assert answer.fault == "reply"
    assert "no JSON object" in answer.error
    assert len(inner.prompts) == 2
    assert answer.completion_tokens > 2


def test_only_the_unfit_ones_of_a_batch_are_asked_again():
    replies = {"a": ['{"order": [1]}'], "b": ["no", '{"order": [2]}'], "c": ["free"]}
    inner = Scripted(lambda prompt: replies[prompt.messages[0].text].pop(0))
    answers = Structured(inner).complete([ask("a", schema=ORDER), ask("b", schema=ORDER), ask("c")])
    assert texts(answers) == ['{"order": [1]}', '{"order": [2]}', "free"]
    assert len(inner.prompts) == 4


def test_failures_are_not_asked_again_nor_without_time():
    down = Completion(error="down", fault="server")
    inner = Scripted([down, "no JSON"])
    assert faults(Structured(inner).complete([ask(schema=ORDER)])) == ["server"]
    assert len(inner.prompts) == 1
    with scope.opened(0):
        assert faults(Structured(inner).complete([ask(schema=ORDER)])) == ["reply"]
    assert len(inner.prompts) == 2


def test_a_model_without_schemas_is_told_the_schema():
    inner = Scripted(['{"order": [1]}'], abilities=PLAIN)
    Structured(inner).complete([ask(schema=ORDER), ask()])
    assert json.dumps(ORDER) in inner.prompts[0].text
    assert inner.prompts[1].text == ask().text


def test_a_reply_of_ten_megabytes_is_shown_in_part():
    inner = Scripted([Completion("[" * 10_000_000), '{"order": []}'])
    assert faults(Structured(inner).complete([ask(schema=ORDER)])) == [""]
    assert len(inner.prompts[1].text) < 5000


@pytest.mark.parametrize(
    "scores", [(), (-1.0,), (-1.0, float("nan")), (float("inf"), 0.0), (float("-inf"),) * 2]
)
def test_scores_that_are_none_are_a_fault(scores):
    model = Structured(Scripted([Completion(scores=scores)]))
    assert faults(model.complete([ask(labels=("a", "b"))])) == ["reply"]


def test_scores_and_texts_that_are_some_pass():
    scores = (-1.0, float("-inf"))
    model = Structured(Scripted([Completion(scores=scores), "text", " \n"]))
    answers = model.complete([ask(labels=("a", "b")), ask(), ask()])
    assert faults(answers) == ["", "", "reply"]
    assert answers[0].scores == scores


def test_a_stream_of_json_comes_whole_and_checked():
    model = Structured(Scripted(["no", 'Here: {"order": [1]}', "no"]))
    assert list(model.stream(ask(schema=ORDER))) == ['{"order": [1]}']
    with pytest.raises(Unavailable, match="does not fit"):
        list(model.stream(ask(schema=ORDER)))
    assert list(Structured(Scripted(["a b"])).stream(ask())) == ["a", " b"]


def test_a_schema_that_is_none_is_refused_and_not_asked():
    inner = Scripted(["text"])
    answers = Structured(inner).complete([ask("a"), ask("b", schema={"type": 7}), ask("c")])
    assert faults(answers) == ["", "refused", ""]
    assert "Mend it" in answers[1].error
    assert [prompt.text[-1] for prompt in inner.prompts] == ["a", "c"]


@given(st.text(max_size=200))
def test_any_reply_fits_or_is_a_fault(text):
    answer = Structured(Scripted([text])).complete([ask(schema=ORDER)])[0]
    if answer.error:
        assert answer.fault == "reply"
    else:
        assert isinstance(parse.json_value(answer.text)["order"], list)


# All together


def test_the_whole_stack_answers_charges_and_keeps(tmp_path):
    inner = Scripted(["no JSON", '{"order": [1]}'])
    guards = Guards(record=True, day_tokens=10_000, prices={"test": (1.0, 1.0)})
    model = wrapped(inner, tmp_path, guards)
    with scope.opened(5) as account:
        first = model.complete([ask(schema=ORDER)])[0]
        used, cost = account.tokens, account.cost
        second = model.complete([ask(schema=ORDER)])[0]
    assert (first.text, second.text) == ('{"order": [1]}', '{"order": [1]}')
    assert used == first.tokens > 0
    assert cost == pytest.approx(used / 1e6)
    assert second.cached
    assert (account.calls, account.tokens) == (2, used)
    assert [line["cached"] for line in lines_of(tmp_path / "calls")] == [False, True]
    assert model.name == inner.name
    model.close()


def test_the_second_try_has_to_fit_the_budget_too(tmp_path):
    inner = Scripted(["no JSON at all, and quite a few words of it", '{"order": [1]}'])
    guards = Guards(request_tokens=150)
    with scope.opened():
        answer = wrapped(inner, tmp_path, guards).complete(
            [ask(schema=ORDER, generation=Generation(max_tokens=20))]
        )[0]
    assert answer.fault in ("budget", "reply")
    assert len(inner.prompts) == 1


def test_a_hang_opens_the_breaker(tmp_path):
    import threading

    release = threading.Event()
    inner = Scripted(lambda _: str(release.wait(20)))
    guards = Guards(seconds=0.05, failures=2, workers=4, cache=False)
    model = wrapped(inner, tmp_path, guards)
    found = [model.complete([ask()])[0].fault for _ in range(4)]
    release.set()
    assert found == ["timeout", "timeout", "paused", "paused"]


def test_a_call_that_was_left_behind_stays_booked_in_full(tmp_path):
    import threading

    release = threading.Event()
    inner = Scripted(lambda _: str(release.wait(20)))
    model = wrapped(inner, tmp_path, Guards(seconds=0.1, cache=False, day_tokens=500))
    prompt = ask(generation=Generation(max_tokens=300))
    assert faults(model.complete([prompt])) == ["timeout"]
    assert model.left() < 200
    assert faults(model.complete([prompt])) == ["budget"]
    release.set()


def test_guards_can_be_read_from_a_table(tmp_path):
    table = {"seconds": 3, "day_cost": 1, "prices": {"m": [1, 2]}, "record": True}
    guards = Guards(**config.arguments(Guards, table, "[guards]"))
    assert replace(guards, seconds=3.0, prices={}) == Guards(seconds=3.0, day_cost=1, record=True)
    wrapped(Scripted([""]), tmp_path, guards)
    with pytest.raises(ConfigError, match="day_cost"):
        config.arguments(Guards, {"day_costs": 1}, "[guards]")


@pytest.mark.parametrize("value", [math.inf, 1e300, math.nan, -1.0, 10**400])
@pytest.mark.parametrize("name", ["cache_megabytes", "record_megabytes", "seconds", "pause"])
def test_guards_out_of_range_are_named(name, value):
    with pytest.raises(ConfigError, match=name):
        Guards(**{name: value})


@pytest.mark.parametrize(
    "name", ["workers", "attempts", "failures", "record_days", "day_cost", "user_tokens"]
)
def test_no_guard_is_nan_or_below_0(name):
    for value in (math.nan, -1):
        with pytest.raises(ConfigError, match=name):
            Guards(**{name: value})


def test_a_price_is_bounded(tmp_path):
    with pytest.raises(ConfigError, match="at most 1,000,000"):
        wrapped(spending(), tmp_path, Guards(prices={"m": (1.0, 1e7)}))


def test_a_kept_reply_that_does_not_fit_is_asked_for_anew_and_healed(tmp_path):
    good = Completion('{"order": [1]}', model="test")
    for wrong in ("no JSON", '{"order": "x"}', "[1]", ""):
        cached = Cached(Scripted([good]), tmp_path / "schema")
        asked = ask(schema=ORDER)
        cached.complete([asked])
        kept = cached._open().get(cached._key(asked))
        cached._open().set(cached._key(asked), kept | {"text": wrong})
        assert [cached.complete([asked])[0].cached for _ in range(2)] == [False, True]
        cached.close()
    cached = Cached(Scripted([Completion(scores=(-1.0, -2.0))]), tmp_path / "labels")
    asked = ask(labels=("a", "b"))
    cached.complete([asked])
    kept = cached._open().get(cached._key(asked))
    cached._open().set(cached._key(asked), kept | {"scores": [-1.0]})
    assert [cached.complete([asked])[0].cached for _ in range(2)] == [False, True]
    cached.close()


def test_what_was_kept_of_calls_is_forgotten_when_somebody_is_erased(tmp_path):
    model = wrapped(Scripted(["yes", "again"]), tmp_path, Guards(record=True))
    asked = [ask("likes Heat")]
    assert model.complete(asked)[0].text == "yes"
    assert model.complete(asked)[0].cached
    assert list((tmp_path / "calls").iterdir())
    forget(tmp_path)
    assert not list((tmp_path / "calls").iterdir())
    assert model.complete(asked)[0].text == "again"
    model.close()
    forget(tmp_path / "nowhere")
