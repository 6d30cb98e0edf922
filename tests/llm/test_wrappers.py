"""Retrying, deadline, breaker: time."""

import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemate import scope
from tastemate.errors import ConfigError, Unavailable
from tastemate.llm.parse import LONGEST
from tastemate.llm.scripted import Scripted
from tastemate.llm.wrappers.around import Around, Failed, failed, size
from tastemate.llm.wrappers.breaker import Breaker
from tastemate.llm.wrappers.deadline import Deadline
from tastemate.llm.wrappers.retrying import Retrying
from tastemate.messages import Completion, Generation, Message, Prompt


def ask(text="hello", **more):
    return Prompt("test/1", (Message("user", text),), **more)


def texts(answers):
    return [answer.text for answer in answers]


def faults(answers):
    return [answer.fault for answer in answers]


BUSY = Completion(error="busy", fault="busy", prompt_tokens=2)
DOWN = Completion(error="down", fault="server")


# Retrying


def test_only_what_failed_for_a_passing_reason_is_asked_again():
    waits = []
    replies = {"a": ["A"], "b": [BUSY, "B"], "c": [Completion(error="no", fault="refused")]}
    model = Scripted(lambda prompt: replies[prompt.text[-1]].pop(0))
    answers = Retrying(model, sleep=waits.append).complete([ask("a"), ask("b"), ask("c")])
    assert texts(answers) == ["A", "B", ""]
    assert faults(answers) == ["", "", "refused"]
    assert [prompt.text[-1] for prompt in model.prompts] == ["a", "b", "c", "b"]
    assert len(waits) == 1


def test_tokens_of_every_try_are_summed():
    answer = Retrying(Scripted([BUSY, BUSY, "ok"]), sleep=lambda _: None).complete([ask()])[0]
    assert answer.text == "ok"
    assert answer.prompt_tokens > 4


def test_tries_end():
    model = Scripted([DOWN])
    assert faults(Retrying(model, attempts=4, sleep=lambda _: None).complete([ask()])) == ["server"]
    assert len(model.prompts) == 4


@given(st.integers(0, 100), st.integers(1, 6))
@settings(max_examples=25)
def test_pauses_grow_with_jitter_under_the_cap(seed, attempts):
    waits = []
    model = Retrying(
        Scripted([DOWN]), attempts=attempts, base=1, cap=4, seed=seed, sleep=waits.append
    )
    model.complete([ask()])
    assert len(waits) == attempts - 1
    for at, wait in enumerate(waits):
        assert min(4, 2**at) / 2 <= wait <= min(4, 2**at)


def test_retry_after_is_kept_to():
    waits = []
    Retrying(Scripted([replace(BUSY, wait=7.0), "ok"]), sleep=waits.append).complete([ask()])
    assert waits == [7.0]


@pytest.mark.parametrize("wait", [3600.0, float("nan"), float("inf")])
def test_a_wait_past_all_patience_is_given_up_at_once(wait):
    model = Scripted([replace(BUSY, wait=wait), "ok"])
    assert faults(Retrying(model, sleep=pytest.fail).complete([ask()])) == ["busy"]


def test_one_prompt_that_must_wait_long_does_not_keep_the_others():
    waits = []
    replies = {"a": [replace(BUSY, wait=999.0)], "b": [BUSY, "B"]}
    model = Scripted(lambda prompt: replies[prompt.text[-1]].pop(0))
    answers = Retrying(model, sleep=waits.append).complete([ask("a"), ask("b")])
    assert texts(answers) == ["", "B"]
    assert max(waits) < 1


def test_it_never_sleeps_past_what_the_scope_has_left():
    model = Scripted([DOWN])
    with scope.opened(0.2):
        answers = Retrying(model, base=10, cap=10, sleep=pytest.fail).complete([ask()])
    assert faults(answers) == ["server"]
    assert len(model.prompts) == 1


def test_a_stream_is_begun_again_only_before_its_first_piece():
    assert "".join(Retrying(Scripted([DOWN, "a b"]), sleep=lambda _: None).stream(ask())) == "a b"

    class Breaks(Around):
        begun = 0

        def stream(self, prompt):
            self.begun += 1
            yield "a"
            raise Failed(DOWN)

    model = Breaks(Scripted([""]))
    pieces = Retrying(model, sleep=lambda _: None).stream(ask())
    assert next(pieces) == "a"
    with pytest.raises(Unavailable, match="down"):
        next(pieces)
    assert model.begun == 1


def test_options_out_of_range_are_refused():
    model = Scripted([""])
    for make in (
        lambda: Retrying(model, attempts=0),
        lambda: Retrying(model, base=-1),
        lambda: Deadline(model, seconds=0),
        lambda: Deadline(model, seconds=float("nan")),
        lambda: Deadline(model, workers=0),
        lambda: Breaker(model, failures=0),
        lambda: Breaker(model, seconds=0),
        lambda: Breaker(model, patience=-1),
    ):
        with pytest.raises(ConfigError):
            make()


# Deadline


class Hanging:
    """Hangs on prompts that say so until released."""

    def __init__(self):
        self.release = threading.Event()
        self.name = "test:hanging"
        self.abilities = frozenset(("stream",))
        self.asked = []
        self.threads = set()

    def complete(self, prompts):
        self.asked += [prompt.text[-4:] for prompt in prompts]
        self.threads.add(threading.current_thread())
        if any(prompt.text.endswith("hang") for prompt in prompts):
            self.release.wait(30)
        return [Completion(text="ok", model=self.name) for _ in prompts]

    def stream(self, prompt):
        yield "one"
        if prompt.text.endswith("hang"):
            self.release.wait(30)
        yield "two"

    def count(self, text):
        return len(text)


@pytest.fixture
def hanging():
    model = Hanging()
    yield model
    model.release.set()


def test_what_is_there_in_time_is_returned_and_the_rest_times_out(hanging):
    model = Deadline(hanging, seconds=0.5, workers=2)
    start = time.monotonic()
    answers = model.complete([ask("a"), ask("hang"), ask("b"), ask("c")])
    assert time.monotonic() - start < 10, "the hang itself takes 30 s"
    assert faults(answers) == ["", "timeout", "", ""]
    assert answers[1].prompt_tokens > 0, "a call that was left behind may have been paid for"
    assert "0.5 s" in answers[1].error


def test_when_all_workers_hang_further_calls_fail_at_once(hanging):
    model = Deadline(hanging, seconds=0.1, workers=3)
    assert faults(model.complete([ask("hang")] * 5)) == ["timeout"] * 3 + ["unsent"] * 2
    start = time.monotonic()
    for _ in range(50):
        assert faults(model.complete([ask("a"), ask("b")])) == ["busy", "busy"]
    assert time.monotonic() - start < 2.5, "waiting would take 5 s"
    assert len(hanging.threads) == 3
    assert all(thread.daemon for thread in hanging.threads)
    with pytest.raises(Unavailable, match="hang"):
        next(model.stream(ask()))
    hanging.release.set()
    for thread in hanging.threads:
        thread.join(5)
    assert faults(model.complete([ask("a")])) == [""]


def test_a_batch_can_be_one_job(hanging):
    model = Deadline(hanging, seconds=0.1, each=False)
    assert faults(model.complete([ask("a"), ask("b")])) == ["", ""]
    assert len(hanging.threads) == 1
    assert faults(model.complete([ask("a"), ask("hang")])) == ["timeout", "timeout"]


def test_the_scope_ends_a_call_before_the_deadline(hanging):
    model = Deadline(hanging, seconds=30)
    with scope.opened(0.1):
        start = time.monotonic()
        assert faults(model.complete([ask("hang")])) == ["timeout"]
        assert time.monotonic() - start < 10
        hanging.asked.clear()
        assert faults(model.complete([ask("a")])) == ["unsent"]
        assert hanging.asked == [], "with no time left nothing is asked"


def test_the_call_inside_sees_a_scope_that_ends_in_time_and_may_note():
    def reply(_prompt):
        scope.current().note("said inside")
        return f"{scope.current().left():.2f}"

    with scope.opened(60) as outer:
        left = float(Deadline(Scripted(reply), seconds=2).complete([ask()])[0].text)
    assert 1 < left <= 2
    assert outer.notes == ["said inside"]


def test_an_error_of_our_own_making_is_not_swallowed():
    def reply(_prompt):
        raise TypeError("a bug")

    with pytest.raises(TypeError, match="a bug"):
        Deadline(Scripted(reply)).complete([ask()])
    with pytest.raises(TypeError, match="a bug"):
        list(Deadline(Scripted(reply)).stream(ask()))


def test_a_model_that_raises_our_errors_is_held_to_returning_them():
    def reply(_prompt):
        raise Unavailable("no package")

    answers = Deadline(Scripted(reply)).complete([ask()] * 2)
    assert faults(answers) == ["unreachable"] * 2
    assert answers[0].error == "no package"

    def wrong(_prompt):
        raise ConfigError("a wrong setting")

    with pytest.raises(ConfigError, match="a wrong setting"):
        Deadline(Scripted(wrong)).complete([ask()])


def test_what_nobody_would_read_is_cut_off():
    huge = Completion("x" * 10_000_000)
    assert len(Deadline(Scripted([huge])).complete([ask()])[0].text) == LONGEST

    class Endless(Hanging):
        def stream(self, prompt):
            while True:
                yield "x" * 1000

    with pytest.raises(Unavailable, match="did not come to an end"):
        list(Deadline(Endless()).stream(ask()))


def test_many_callers_share_few_threads():
    model = Deadline(Scripted(lambda prompt: prompt.text[-2:]), seconds=20, workers=2)
    prompts = [ask(f"{at:02}") for at in range(20)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: texts(model.complete(prompts)), range(8)))
    assert found == [[f"{at:02}" for at in range(20)]] * 8


def test_a_stream_has_the_deadline_for_each_piece(hanging):
    model = Deadline(hanging, seconds=0.1, workers=1)
    for _ in range(3):
        assert list(model.stream(ask("a"))) == ["one", "two"]
    pieces = model.stream(ask("hang"))
    assert next(pieces) == "one"
    with pytest.raises(Unavailable, match="no answer within"):
        next(pieces)


def test_closing_a_stream_ends_the_call_inside():
    closed = threading.Event()

    class Endless(Hanging):
        def stream(self, prompt):
            try:
                while True:
                    yield "again"
            finally:
                closed.set()

    model = Deadline(Endless(), seconds=5, workers=1)
    pieces = model.stream(ask())
    assert next(pieces) == "again"
    pieces.close()
    assert closed.wait(2)
    assert texts(model.complete([ask()])) == ["ok"]


def test_a_hanging_call_does_not_keep_the_process_from_ending():
    code = """
    import time
    from tastemate.llm.scripted import Scripted
    from tastemate.llm.wrappers.deadline import Deadline
    from tastemate.messages import Message, Prompt
    model = Deadline(Scripted(lambda prompt: time.sleep(60)), seconds=0.1)
    print(model.complete([Prompt("t/1", (Message("user", "x"),))])[0].fault)
    """
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == "timeout", done.stderr
    assert done.returncode == 0
    assert time.monotonic() - start < 25


def test_what_a_call_that_was_left_behind_may_have_used_is_counted(hanging):
    prompt = ask("hang", generation=Generation(max_tokens=70))
    (late,) = Deadline(hanging, seconds=0.1).complete([prompt])
    assert (late.prompt_tokens, late.completion_tokens) == (size(prompt), 70)
    (late,) = Deadline(hanging, seconds=0.1).complete([replace(prompt, labels=("A", "B"))])
    assert late.completion_tokens == 1
    pieces = Deadline(hanging, seconds=0.1).stream(prompt)
    with pytest.raises(Unavailable) as caught:
        list(pieces)
    assert caught.value.completion.completion_tokens == 70


def test_a_client_that_gave_a_call_up_counts_it_too():
    prompt = ask(generation=Generation(max_tokens=70))
    slow = Completion(error="slow", fault="timeout")
    for model in (Retrying(Scripted([slow])), Deadline(Scripted([slow]))):
        (late,) = model.complete([prompt])
        assert (late.prompt_tokens, late.completion_tokens) == (size(prompt), 70)
    told = replace(slow, prompt_tokens=3)
    assert Retrying(Scripted([told])).complete([prompt])[0].tokens == 3, "it knows better"
    (unsent,) = Retrying(Scripted([failed("m", "unsent", "no time")])).complete([prompt])
    assert unsent.tokens == 0


def test_tries_before_the_one_that_was_left_behind_are_counted():
    release = threading.Event()
    replies = iter([replace(BUSY, prompt_tokens=5), None])

    def reply(_prompt):
        return next(replies) or str(release.wait(30))

    prompt = ask(generation=Generation(max_tokens=70))
    model = Deadline(Retrying(Scripted(reply), base=0.01), seconds=0.5)
    (late,) = model.complete([prompt])
    release.set()
    assert late.fault == "timeout"
    assert late.tokens == 5 + size(prompt) + 70


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.5, 10.0])
def test_a_call_has_a_little_time_to_hand_over_what_it_has(seconds):
    seen = []

    def reply(_prompt):
        seen.append(scope.current().deadline)
        return "ok"

    start = time.monotonic()
    Deadline(Scripted(reply), seconds=seconds).complete([ask()])
    kept = start + seconds - seen[0]
    assert min(0.08, seconds / 10) - 0.05 <= kept <= 0.08 + 1e-6


def test_a_batch_that_ends_with_its_scope_is_not_lost():
    class Local(Hanging):
        def complete(self, prompts):
            answers = []
            for at in range(len(prompts)):
                if at == 1:
                    time.sleep(scope.current().left())
                late = scope.current().left() <= 0
                answers.append(failed("m", "unsent", "late") if late else Completion("ok"))
            return answers

    with scope.opened(0.6):
        answers = Deadline(Local(), each=False).complete([ask()] * 4)
    assert faults(answers) == ["", "unsent", "unsent", "unsent"]


# Breaker


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_it_opens_after_failures_in_a_row_and_closes_by_a_probe():
    clock = Clock()
    replies = [DOWN, "fine", DOWN, DOWN, DOWN]
    model = Scripted([*replies, DOWN, "back"])
    breaker = Breaker(model, failures=3, seconds=30, clock=clock)
    for _ in replies:
        breaker.complete([ask()])
    assert breaker.state == "open"
    clock.now = 29
    assert faults(breaker.complete([ask(), ask()])) == ["paused", "paused"]
    assert len(model.prompts) == 5
    clock.now = 30
    assert breaker.state == "half-open"
    answers = breaker.complete([ask(), ask()])
    assert faults(answers) == ["server", "paused"], "one probe alone, and it failed"
    assert 0 < answers[1].wait <= 30
    clock.now = 59
    assert faults(breaker.complete([ask()])) == ["paused"]
    clock.now = 60
    assert texts(breaker.complete([ask(), ask()])) == ["back", "back"]
    assert breaker.state == "closed"


@pytest.mark.parametrize("fault", ["refused", "reply", "unable", "budget"])
def test_what_the_asker_did_wrong_does_not_open_it(fault):
    breaker = Breaker(Scripted([failed("m", fault, "no")]), failures=2)
    breaker.complete([ask()] * 5)
    assert breaker.state == "closed"


def test_only_one_of_many_threads_probes():
    clock, gate = Clock(), threading.Event()
    asked = []

    def reply(_prompt):
        asked.append(1)
        if len(asked) == 1:
            return DOWN
        gate.wait(10)
        return "ok"

    breaker = Breaker(Scripted(reply), failures=1, clock=clock)
    breaker.complete([ask()])
    clock.now = 31
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(breaker.complete, [ask()]) for _ in range(8)]
        while sum(call.done() for call in calls) < 7:
            time.sleep(0.01)
        gate.set()
        found = sorted(call.result()[0].fault for call in calls)
    assert found == [""] + ["paused"] * 7
    assert len(asked) == 2


def test_a_probe_that_raises_frees_the_place_of_the_probe():
    clock = Clock()
    replies = iter([DOWN, TypeError("bug"), "ok"])

    def reply(_prompt):
        found = next(replies)
        if isinstance(found, Exception):
            raise found
        return found

    breaker = Breaker(Scripted(reply), failures=1, seconds=10, clock=clock)
    breaker.complete([ask()])
    clock.now = 11
    with pytest.raises(TypeError):
        breaker.complete([ask()])
    clock.now = 22
    assert texts(breaker.complete([ask()])) == ["ok"]


def test_streams_count_too():
    clock = Clock()
    breaker = Breaker(Scripted([DOWN, DOWN, "a b"]), failures=2, clock=clock)
    for _ in range(2):
        with pytest.raises(Unavailable):
            list(breaker.stream(ask()))
    with pytest.raises(Unavailable, match="in a row"):
        list(breaker.stream(ask()))
    clock.now = 31
    assert "".join(breaker.stream(ask())) == "a b"
    assert breaker.state == "closed"


def test_an_answer_with_no_time_left_says_nothing_about_the_model():
    breaker = Breaker(Deadline(Scripted(["ok"])), failures=1)
    with scope.opened(0):
        assert faults(breaker.complete([ask()])) == ["unsent"]
    assert breaker.state == "closed"


SLOW = failed("m", "timeout", "slow")


def test_many_prompts_on_few_workers_do_not_open_it_on_a_healthy_model():
    def reply(_prompt):
        time.sleep(0.4)
        return "ok"

    deadline = Deadline(Scripted(reply), seconds=2, workers=8)
    breaker = Breaker(deadline, failures=1, patience=2)
    with scope.opened(0.75):
        found = faults(breaker.complete([ask()] * 20))
    assert found.count("") >= 8
    assert found.count("unsent") >= 4
    assert set(found) <= {"", "timeout", "unsent"}
    assert breaker.state == "closed"


def test_the_prompts_of_one_call_are_one_failure_or_one_success():
    breaker = Breaker(Scripted([DOWN]), failures=2)
    breaker.complete([ask()] * 20)
    assert breaker.state == "closed"
    breaker.complete([ask()])
    assert breaker.state == "open"
    breaker = Breaker(Scripted(["ok", DOWN, DOWN, DOWN, "ok", DOWN, DOWN]), failures=1)
    breaker.complete([ask()] * 4)
    assert breaker.state == "closed"
    breaker.complete([ask()] * 2)
    assert breaker.state == "closed"
    breaker.complete([ask()])
    assert breaker.state == "open"


def test_silence_counts_only_after_the_whole_time():
    breaker = Breaker(Scripted([SLOW]), failures=2, patience=1.5)
    for _ in range(5):
        with scope.opened(1.0):
            breaker.complete([ask()])
    assert breaker.state == "closed"
    breaker = Breaker(Scripted([SLOW, DOWN]), failures=2, patience=1.5)
    with scope.opened(1.45):  # what came before the call took a little
        breaker.complete([ask()])
    with scope.opened(0.5):
        assert breaker.state == "closed"
        breaker.complete([ask()])
    assert breaker.state == "open", "a refused connection counts however little time there was"


def test_what_was_never_sent_neither_counts_nor_clears():
    unsent = failed("m", "unsent", "no time")
    breaker = Breaker(Scripted([DOWN, unsent, unsent, DOWN]), failures=2)
    breaker.complete([ask()])
    breaker.complete([ask()] * 2)
    assert breaker.state == "closed"
    breaker.complete([ask()])
    assert breaker.state == "open"


def test_a_probe_that_never_went_out_leaves_the_probing_to_the_next_call():
    clock = Clock()
    model = Scripted([DOWN, failed("m", "unsent", "no time"), "back"])
    breaker = Breaker(model, failures=1, seconds=10, clock=clock)
    breaker.complete([ask()])
    clock.now = 11
    assert faults(breaker.complete([ask()])) == ["unsent"]
    assert breaker.state == "half-open"
    assert texts(breaker.complete([ask()])) == ["back"]
    assert breaker.state == "closed"


def test_a_delegate_is_the_model_inside():
    model = Scripted(["a b"], abilities=frozenset(("stream",)))
    around = Around(Around(model))
    assert (around.name, around.abilities) == (model.name, model.abilities)
    assert around.count("some words") == model.count("some words")
    assert texts(around.complete([ask()])) == ["a b"]
    assert list(around.stream(ask())) == ["a", " b"]
    around.close()


def test_jitter_of_one_seed_is_the_same():
    found = []
    for _ in range(2):
        waits = []
        Retrying(Scripted([DOWN]), seed=3, sleep=waits.append).complete([ask()])
        found.append(waits)
    assert found[0] == found[1]


def test_the_failure_before_a_try_that_never_went_out_is_told():
    dropped = Completion(error="the connection was dropped", fault="unreachable", prompt_tokens=3)
    unsent = Completion(error="no time", fault="unsent")
    answer = Retrying(Scripted([dropped, unsent]), attempts=2, sleep=lambda _: None).complete(
        [ask()]
    )[0]
    assert (answer.fault, answer.error) == ("unreachable", "the connection was dropped")
    late = Completion(error="no answer.", fault="timeout")
    answer = Retrying(Scripted([dropped, late]), attempts=2, sleep=lambda _: None).complete(
        [ask()]
    )[0]
    assert answer.fault == "timeout"
    assert "the connection was dropped" in answer.error
    slept = []
    with scope.opened(0.1):
        retrying = Retrying(Scripted([dropped, "ok"]), base=5.0, sleep=slept.append)
        assert faults(retrying.complete([ask()])) == ["unreachable"]
    assert not slept


def test_a_stream_that_was_not_sent_again_tells_the_failure_before():
    class Model(Scripted):
        faults: tuple[str, ...] = ("unreachable", "unsent")

        def stream(self, prompt):
            first, *rest = self.faults
            self.faults = tuple(rest)
            raise Failed(failed("m", first, first))
            yield ""

    with pytest.raises(Unavailable, match="unreachable"):
        list(Retrying(Model([""]), sleep=lambda _: None).stream(ask()))


def test_what_was_left_behind_tells_the_try_before():
    dropped = Completion(error="the connection was dropped", fault="unreachable")
    release = threading.Event()

    def reply(_prompt):
        if len(model.prompts) == 1:
            return dropped
        release.wait(5)
        return "late"

    model = Scripted(reply)
    answer = Deadline(Retrying(model, base=0.0), seconds=0.2).complete([ask()])[0]
    release.set()
    assert answer.fault == "timeout"
    assert "the connection was dropped" in answer.error


@pytest.mark.parametrize(
    ("error", "fault"),
    [(ConnectionResetError("reset"), "unreachable"), (TimeoutError("slow"), "timeout")],
)
def test_an_error_of_the_system_is_a_failure_of_the_model(error, fault):
    def reply(_prompt):
        raise error

    answer = Deadline(Scripted(reply)).complete([ask()])[0]
    assert answer.fault == fault
    assert str(error) in answer.error
    with pytest.raises(Failed) as told:
        list(Deadline(Scripted(reply)).stream(ask()))
    assert told.value.completion.fault == fault

    def bug(_prompt):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        Deadline(Scripted(bug)).complete([ask()])


def test_errors_of_a_model_are_one_short_line():
    evil = "\x1b[31mred\n\x07" + "x" * 10_000
    answer = Deadline(Scripted([Completion(error=evil, fault="server")])).complete([ask()])[0]
    assert answer.error.startswith("[31mred xxx")
    assert answer.error.isprintable()
    assert len(answer.error) <= 500

    def raises(_prompt):
        raise Unavailable(evil)

    with scope.opened():
        answer = Deadline(Scripted(raises)).complete([ask()])[0]
    assert answer.error.isprintable()
    assert len(answer.error) <= 500
