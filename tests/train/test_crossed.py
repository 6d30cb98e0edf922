import numpy as np
import pytest

from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, DataError, FormatError, Unavailable
from tastemate.interactions import Interactions
from tastemate.rank.adapters import arrays, put
from tastemate.rank.crossencoder import CrossEncoder, read
from tastemate.rank.crossreading import Reading, Shape, coded, opened
from tastemate.recommender import Recommender
from tastemate.retrieve.popular import Popular
from tastemate.text import minilm
from tastemate.text.encoder import MiniLM
from tastemate.train.adapting import Adapting
from tastemate.train.crossed import Crossing, crossed, judged, taught
from tastemate.train.mixing import gain
from tastemate.train.pools import Drawing, Lesson, shown
from tastemate.types import Candidate, Event, Item, Query, history

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")
pytest.importorskip("peft", reason="needs peft")
try:
    FOLDER = minilm.packaged()
except Unavailable as error:
    pytest.skip(str(error), allow_module_level=True)

KINDS = ("Western", "Musical", "Horror", "Romance")
CATALOG = Catalog.of(
    [
        Item(f"i{at}", f"Story {at // 4 + 1}", attributes={"genres": (KINDS[at % 4],), "year": at})
        for at in range(32)
    ]
)
SHAPE = Shape(history=2, apart=4)
QUICK = Crossing(
    shape=SHAPE,
    drawing=Drawing(folds=2, positions=4, depth=6),
    adapting=Adapting(rate=5e-3, batch=8, epochs=2, look=15),
    size=5,
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _lessons(n: int, seed: int, *, telling: bool = True) -> list[Lesson]:
    """After an item of a kind comes one of the next kind; the mix knows nothing of it.

    Where texts are not telling, the mix mostly knows.
    """
    rng, found = np.random.default_rng(seed), []
    for at in range(n):
        past = rng.permutation(32)[:2].astype(np.int32)
        free = np.setdiff1d(np.arange(32), past)
        fits = free[free % 4 == (past[-1] + 1) % 4] if telling else free
        target = int(rng.choice(fits))
        others = rng.choice(free[free % 4 != target % 4], 5, replace=False)
        pool = rng.permutation([target, *others]).astype(np.int32)
        scores = -np.sort(-rng.random(6)).astype(np.float32)
        if not telling and rng.random() < 0.8:
            pool = np.concatenate(([target], others)).astype(np.int32)
        place = int(np.flatnonzero(pool == target)[0])
        found.append(Lesson(past, pool, scores, place, at % 3 == 0))
    return found


@pytest.fixture(scope="module")
def opened_once() -> tuple[Reading, dict]:
    reading = Reading(CATALOG, SHAPE, half=False)
    return reading, arrays(reading.learned)


@pytest.fixture
def reading(opened_once) -> Reading:
    """A network that has learned nothing."""
    put(opened_once[0].learned, opened_once[1])
    return opened_once[0]


@pytest.fixture(scope="module")
def ranker() -> CrossEncoder:
    return taught(Reading(CATALOG, SHAPE, half=False), _lessons(216, 0), QUICK)


def test_the_weights_say_in_torch_what_they_say_in_onnx() -> None:
    network = opened(FOLDER)
    encoder = MiniLM()
    texts = ["Heat (1995)", "a quiet film about the sea, told by those who stayed behind", "x"]
    _, tokenizer, _ = encoder._open()
    for text, vector in zip(texts, encoder.encode(texts), strict=True):
        with torch.no_grad():
            ids = torch.tensor([tokenizer.encode(text).ids])
            mean = network(input_ids=ids).last_hidden_state[0].mean(0).numpy()
        np.testing.assert_allclose(mean / np.linalg.norm(mean), vector, atol=1e-4)


def test_an_items_text_is_its_title_and_its_words_cut_short() -> None:
    long = Item("a", "word " * 90, attributes={"genres": ("Drama",) * 40, "tags": ("mine",)})
    bare = Item("b", "")
    rows = coded(Catalog.of([long, bare]), ("tags",), FOLDER)
    assert len(rows[0]) == 1 + 12 + 1 + 6 + 1
    assert len(rows[1]) == 2


def test_candidates_do_not_see_each_other_and_padding_changes_nothing(ranker) -> None:
    rng = np.random.default_rng(3)
    pasts = [rng.permutation(32)[:n].astype(np.int32) for n in (1, 2, 7)]
    pools = [rng.permutation(32)[:n].astype(np.int32) for n in (6, 3, 1)]
    together = read(ranker.reading, pasts, pools)
    for past, pool, scores in zip(pasts, pools, together, strict=True):
        assert len(scores) == len(pool)
        for row, score in zip(pool, scores, strict=True):
            (alone,) = read(ranker.reading, [past], [np.array([row])])
            assert alone[0] == pytest.approx(score, abs=1e-4)


def test_it_learns_what_follows_what_and_counts(ranker) -> None:
    exam = _lessons(60, 9)
    scores = judged(ranker.reading, exam)
    alone, both, mix = (
        np.mean([gain(o.scores, s, o.place, w) for o, s in zip(exam, scores, strict=True)])
        for w in (1.0, ranker.weight, 0.0)
    )
    assert ranker.weight > 0.3
    assert alone > mix + 0.1
    assert both > mix + 0.1
    assert ranker.told["held out"][-1] > ranker.told["held out"][0]
    assert ranker.told["mixing"]["queries"] == 72


def test_where_there_is_nothing_to_learn_it_counts_nothing(reading) -> None:
    said = Crossing(shape=SHAPE, adapting=Adapting(rate=1e-3, batch=8, look=10), size=4)
    idle = taught(reading, _lessons(120, 4, telling=False), said)
    assert idle.weight <= 0.3
    idle.weight = 0.0
    pool = [Candidate(at, -float(at), "mix", at + 1) for at in range(5)]
    assert idle.rank([Query(history=history([7, 8, 9]))], [pool]) == [pool]


def test_it_is_loaded_as_it_was_saved(ranker, tmp_path) -> None:
    ranker.save(tmp_path / "cross")
    grown = CATALOG.with_items([Item("new", "Story 9")])
    again = CrossEncoder.load(tmp_path / "cross", grown)
    again.reading.half = False
    queries = [Query(history=history([4, 9, 2])), Query(history=history([4, 9, 2]), text="sea")]
    pool = [Candidate(at, -float(at), "mix", at + 1) for at in (11, 3, 30, 22, 17)]
    ours, theirs = (one.scores(queries, [pool, pool]) for one in (ranker, again))
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-5)
    assert not len(theirs[1])
    ranked = again.rank(queries, [pool, pool])
    assert sorted(one.row for one in ranked[0]) == sorted(one.row for one in pool)
    assert ranked[1] == pool
    assert again.told == ranker.told
    with pytest.raises(FormatError):
        CrossEncoder.load(tmp_path / "cross", CATALOG.select(np.arange(5, dtype=np.int32)))


def test_a_run_that_was_killed_ends_where_it_would_have_ended(
    reading, tmp_path, monkeypatch
) -> None:
    said = Crossing(shape=SHAPE, adapting=Adapting(rate=5e-3, batch=8, look=2), size=4, held=9)
    lessons, start = _lessons(60, 5), arrays(reading.learned)

    def killed(what: str, _: float) -> None:
        if "step 4," in what:
            raise KeyboardInterrupt

    def run(**more):
        put(reading.learned, start)
        return taught(reading, lessons, said, **more).told["held out"], arrays(reading.learned)

    whole, weights = run()
    monkeypatch.setattr("tastemate.train.adapting.SAVE_AFTER", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(keep=tmp_path / "run", progress=killed)
    again, same = run(keep=tmp_path / "run")
    assert again == whole
    for name, one in weights.items():
        np.testing.assert_array_equal(one, same[name])


def _walks(people: int) -> Interactions:
    rng = np.random.default_rng(2)
    events = [
        Event(f"u{person}", f"i{at}", 1.0, time)
        for person in range(people)
        for time, at in enumerate(rng.permutation(32)[:8].tolist())
    ]
    return Interactions.of(events, CATALOG)


def _compose(catalog, events, ranker):
    popular = Popular().fit(catalog, events)
    return Recommender(catalog, [popular], Blend(weights={"popular": 1.0}), ranker=ranker, pool=12)


def test_it_is_taught_behind_a_path() -> None:
    said = Crossing(
        shape=SHAPE,
        drawing=Drawing(folds=2, positions=3, depth=12, most=60),
        adapting=Adapting(batch=8, look=5),
        size=4,
        held=30,
    )
    events = _walks(30)
    made = crossed(_compose, CATALOG, events, seed=3, crossing=said)
    assert made.told["lessons"] > 5
    path = _compose(CATALOG, events, made)
    slate = path.recommend(Query(user="u1", history=events.history(1), k=5))
    assert not slate.degraded
    assert len(slate.items) == 5
    with pytest.raises(DataError):
        crossed(_compose, CATALOG, _walks(1), crossing=said)


def test_what_is_shown_holds_the_event_first_and_fills_up() -> None:
    rng = np.random.default_rng(0)
    lesson = _lessons(1, 0)[0]
    rows, places = shown(lesson, 4, 32, rng)
    assert rows[0] == lesson.target
    assert places[0] == lesson.place
    assert len(set(rows.tolist())) == 4
    rows, places = shown(lesson, 12, 32, rng)
    assert len(set(rows.tolist()) - set(lesson.past.tolist())) == 12
    assert (places[6:] == -1).all()
    assert len(shown(lesson, 99, 32, rng)[0]) == 30


def test_options_out_of_range_are_refused() -> None:
    for wrong in ({"apart": 6}, {"history": 0}, {"dropout": 1.0}):
        with pytest.raises(ConfigError):
            Shape(**wrong)
    with pytest.raises(ConfigError):
        Crossing(size=1)
