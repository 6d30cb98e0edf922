import json

import pytest

from tastemate.catalog import Catalog
from tastemate.errors import Interrupted
from tastemate.features import job
from tastemate.features.model import ModelReader
from tastemate.features.reading import Reading
from tastemate.features.store import enriched, read_features, sentence
from tastemate.features.vocabulary import read_vocabulary
from tastemate.llm.scripted import Scripted
from tastemate.messages import Completion
from tastemate.store.journal import Journal
from tastemate.types import Item

VOCABULARY = read_vocabulary()


def world(n=20):
    return Catalog.of(
        Item(f"i{at}", f"Film {at}", f"Number {at} has a robber.", {"genres": ("Crime",)})
        for at in range(n)
    )


def reply(prompt):
    return json.dumps({"genre": ["crime", "cooking"], "mood": ["tense"], "keywords": ["robber"]})


def reader(answer=reply, name="test"):
    model = Scripted(answer, name=name)
    return model, ModelReader(model, VOCABULARY)


def log(tmp_path):
    return Journal(tmp_path / "features.jsonl")


def test_everything_is_read_once_and_never_again(tmp_path):
    catalog, (model, one) = world(), reader()
    done = job.run(catalog, one, log(tmp_path), batch=6, clock=lambda: 99.0)
    assert (done.read, done.kept, done.failed, done.left, done.stopped) == (20, 0, 0, 0, "")
    assert done.dropped == {"genre": 20}
    assert done.tokens > 0
    assert len(model.prompts) == 20
    again = job.run(catalog, one, log(tmp_path))
    assert (again.read, again.kept) == (0, 20)
    assert len(model.prompts) == 20
    record = log(tmp_path).read()[3]
    assert record["item"] == "i3"
    assert record["features"]["genre"] == ["crime"]
    assert record["by"] == "scripted:test"
    assert record["kind"] == "model"
    assert record["prompt"].startswith("features/")
    assert record["time"] == 99


def test_the_limit_and_going_on(tmp_path):
    catalog, (model, one) = world(), reader()
    first = job.run(catalog, one, log(tmp_path), limit=7, batch=4)
    assert (first.read, first.left) == (7, 13)
    rest = job.run(catalog, one, log(tmp_path), batch=4)
    assert (rest.read, rest.kept, rest.left) == (13, 7, 0)
    asked = [prompt.text for prompt in model.prompts]
    assert len(asked) == len(set(asked)) == 20


def test_killed_at_any_moment_it_goes_on_without_asking_twice(tmp_path):
    catalog = world()

    class Killed(BaseException):
        pass

    for moment in range(1, 20):
        place = tmp_path / str(moment)
        count = 0

        def dying(prompt, moment=moment):
            nonlocal count
            count += 1
            if count == moment:
                raise Killed
            return reply(prompt)

        with pytest.raises(Killed):
            job.run(catalog, reader(dying)[1], log(place), batch=1)
        kept = len(log(place).read()) if log(place).path.exists() else 0
        assert kept == moment - 1
        # a kill in the middle of a line
        if kept:
            with log(place).path.open("ab") as file:
                file.write(b'{"item": "i1')
        model, one = reader()
        rest = job.run(catalog, one, log(place), batch=5)
        assert rest.read == len(model.prompts) == 20 - kept
        assert len(read_features(log(place), catalog)) == 20


def test_ctrl_c_keeps_what_is_done(tmp_path):
    catalog = world()
    left = [9]

    def stopping(prompt):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return reply(prompt)

    with pytest.raises(Interrupted, match="8 items read now and 0 before are kept"):
        job.run(catalog, reader(stopping)[1], log(tmp_path), batch=4)
    assert len(log(tmp_path).read()) == 8


def test_a_changed_item_is_read_again_and_others_are_not(tmp_path):
    catalog, (model, one) = world(), reader()
    job.run(catalog, one, log(tmp_path))
    changed = catalog.with_items(
        [Item("i4", "Film 4", "It is a robber musical now."), Item("n", "New")]
    )
    known = read_features(log(tmp_path), changed)
    assert sorted(set(range(21)) - set(known.kept)) == [4, 20]
    done = job.run(changed, one, log(tmp_path))
    assert (done.read, done.kept) == (2, 19)
    assert "musical" in model.prompts[-2].text
    # back as it was: what was read of it first still holds
    assert job.wanted(log(tmp_path), catalog, one) == []


def test_failed_items_are_left_for_the_next_run(tmp_path):
    catalog = world()

    def flaky(prompt):
        if "Film 3" in prompt.text or "Film 7" in prompt.text:
            return Completion(error="The server said 500.", fault="server")
        if "Film 5" in prompt.text:
            return "I would rather not."
        return reply(prompt)

    done = job.run(catalog, reader(flaky)[1], log(tmp_path), batch=4)
    assert (done.read, done.failed, done.left, done.stopped) == (17, 3, 3, "")
    assert done.errors == {"The server said 500.": 2, "The reply is no JSON object.": 1}
    again = job.run(catalog, reader()[1], log(tmp_path))
    assert again.read == 3


@pytest.mark.parametrize("fault", ["budget", "unreachable", "refused", "paused", "unable"])
def test_a_fault_that_stays_ends_the_run_at_once(tmp_path, fault):
    done_first = [3]

    def answer(prompt):
        done_first[0] -= 1
        return reply(prompt) if done_first[0] >= 0 else Completion(error="No more.", fault=fault)

    model, one = reader(answer)
    done = job.run(world(), one, log(tmp_path), batch=5)
    assert (done.read, done.failed, done.left) == (3, 2, 17)
    assert done.stopped == "No more."
    assert len(model.prompts) == 5
    assert len(log(tmp_path).read()) == 3


def test_a_model_that_only_fails_is_given_up(tmp_path):
    model, one = reader(lambda _: Completion(error="Slow.", fault="timeout"))
    done = job.run(world(), one, log(tmp_path), batch=2)
    assert "3 batches in a row" in done.stopped
    assert len(model.prompts) == 6


class Offline:
    kind, name, version = "zero-shot", "minilm zero-shot", "1"

    def read(self, items):
        return [Reading({"genre": ("drama",)}) for _ in items]

    def expect(self, item):
        return 0, 0


def test_a_model_stands_before_zero_shot_whoever_came_first(tmp_path):
    catalog = world(4)
    job.run(catalog, Offline(), log(tmp_path))
    assert job.wanted(log(tmp_path), catalog, reader()[1]) == [0, 1, 2, 3]
    job.run(catalog, reader()[1], log(tmp_path), limit=2)
    assert job.wanted(log(tmp_path), catalog, Offline()) == []
    known = read_features(log(tmp_path), catalog)
    assert [known.kept[row].kind for row in range(4)] == ["model", "model"] + ["zero-shot"] * 2
    # another model reads anew, and the later one stands
    job.run(catalog, reader(name="other")[1], log(tmp_path))
    assert read_features(log(tmp_path), catalog).kept[0].by == "scripted:other"


def test_the_estimate_asks_nobody_and_counts_with_the_model(tmp_path):
    catalog, (model, one) = world(), reader()
    told = job.estimate(
        catalog, one, log(tmp_path), price=lambda prompt, answer: (prompt + 2 * answer) / 1e6
    )
    assert model.prompts == []
    assert (told.items, told.kept, told.seconds) == (20, 0, None)
    assert told.cost == pytest.approx((told.prompt_tokens + 2 * told.completion_tokens) / 1e6)
    done = job.run(catalog, one, log(tmp_path), limit=10)
    later = job.estimate(catalog, one, log(tmp_path), limit=5)
    assert (later.items, later.kept) == (5, 10)
    assert later.seconds is not None
    assert later.cost is None
    assert done.tokens <= (told.prompt_tokens + told.completion_tokens) / 2 * 1.05
    assert job.estimate(catalog, one, log(tmp_path), limit=0).prompt_tokens == 0
    offline = job.estimate(catalog, Offline(), log(tmp_path))
    assert (offline.cost, offline.prompt_tokens) == (0.0, 0)
    assert offline.seconds is not None


def test_nothing_to_read(tmp_path):
    empty = Catalog.of([])
    assert job.run(empty, reader()[1], log(tmp_path)).read == 0
    assert job.estimate(empty, reader()[1], log(tmp_path)).seconds == 0.0
    assert len(read_features(log(tmp_path), empty)) == 0


def test_records_of_others_are_passed_over(tmp_path):
    catalog, (_, one) = world(3), reader()
    log(tmp_path).append([{"x": 1}, {"item": "i0", "hash": "0", "features": ["a"]}])
    job.run(catalog, one, log(tmp_path))
    whole = log(tmp_path).read()[2]
    log(tmp_path).append([whole | {"item": "gone"}, whole | {"kind": "magic"}])
    assert len(read_features(log(tmp_path), catalog)) == 3


def test_features_are_text_but_never_attributes(tmp_path):
    catalog = world(3)
    job.run(catalog, reader()[1], log(tmp_path), limit=2)
    known = read_features(log(tmp_path), catalog)
    assert {row: kept.values["genre"] for row, kept in known.kept.items()} == {
        0: ("crime",),
        1: ("crime",),
    }
    assert known.sentence(0) == "Genre: crime. Mood: tense. Keywords: robber."
    assert known.sentence(2) == ""
    rich = enriched(catalog, known)
    assert rich.attributes == catalog.attributes
    assert rich.ids == catalog.ids
    assert rich.item(0).text == f"{known.sentence(0)} {catalog.item(0).text}"
    assert rich.item(2) == catalog.item(2)
    assert catalog.item(0).text == "Number 0 has a robber."
    assert enriched(catalog, read_features(log(tmp_path / "none"), catalog)) is catalog
    assert sentence({}) == ""
