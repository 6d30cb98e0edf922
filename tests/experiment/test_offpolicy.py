import numpy as np
import pytest
from tests.experiment.frames import impressions, signals

from tastemate.errors import ConfigError, DataError, StageError
from tastemate.experiment.offpolicy import Logged, Method, Numbers, Reach, Target, estimate
from tastemate.experiment.replay import Fixed, Records, beside, judge, served

LOGGING = np.array([0.6, 0.3, 0.1])
TARGET = np.array([0.2, 0.3, 0.5])
RATE = np.array([0.1, 0.3, 0.5])
TRUTH = float(TARGET @ RATE)


def one_place(n: int, seed: int, model: bool = True) -> tuple[Logged, Target]:
    rng = np.random.default_rng(seed)
    drawn = rng.choice(3, n, p=LOGGING)
    rewards = (rng.random(n) < RATE[drawn]).astype(float)[:, None]
    guess = 0.5 * RATE if model else np.zeros(3)  # a model may be wrong
    logged = Logged(rewards, LOGGING[drawn][:, None], np.ones((n, 1), dtype=bool), np.arange(n))
    return logged, Target(
        TARGET[drawn][:, None], guess[drawn][:, None], np.full((n, 1), TARGET @ guess)
    )


@pytest.mark.parametrize("method", ["ips", "snips", "dr"])
def test_the_truth_lies_within_the_interval(method: Method) -> None:
    inside = 0
    for seed in range(100):
        found = estimate(*one_place(600, seed), method)
        inside += found.low <= TRUTH <= found.high
        assert 100 < found.effective < 600
    assert inside >= 90


def test_a_model_makes_the_interval_narrower() -> None:
    logged, target = one_place(4_000, 1)
    plain = estimate(logged, target, "ips")
    helped = estimate(logged, target, "dr")
    assert helped.high - helped.low < plain.high - plain.low


def test_the_serving_policy_itself_is_the_mean() -> None:
    logged, target = one_place(500, 2)
    same = Target(logged.propensity, target.logged, target.logged)
    for method in ("ips", "snips"):
        assert estimate(logged, same, method).value == pytest.approx(logged.rewards.mean())
    assert estimate(logged, same, "ips").effective == pytest.approx(500)


@pytest.mark.parametrize("reach", ["cascade", "list", "step"])
def test_two_places_that_depend_on_each_other(reach: Reach) -> None:
    rng = np.random.default_rng(5)
    n = 60_000
    first = rng.choice(2, n, p=[0.7, 0.3])
    second = rng.choice(2, n, p=[0.5, 0.5])
    chance = np.column_stack((0.2 + 0.2 * first, 0.1 + 0.3 * (first == second)))
    rewards = (rng.random((n, 2)) < chance).astype(float)
    logged = Logged(rewards, np.column_stack((np.where(first, 0.3, 0.7), np.full(n, 0.5))),
                    np.ones((n, 2), dtype=bool), np.arange(n))  # fmt: skip
    want = np.column_stack((np.where(first, 0.6, 0.4), np.where(second, 0.8, 0.2)))
    found = estimate(logged, Target(want, np.zeros((n, 2)), np.zeros((n, 2))), "ips", reach=reach)
    same = 0.6 * 0.8 + 0.4 * 0.2
    truth = 0.6 * 0.4 + 0.4 * 0.2 + 0.1 + 0.3 * same
    if reach == "step":  # blind to the item above: it takes the logged share of it
        assert not found.low <= truth <= found.high
    else:
        assert found.low <= truth <= found.high


def test_refused_below_the_least_effective_size() -> None:
    logged, target = one_place(120, 3)
    with pytest.raises(StageError, match="Log more lists"):
        estimate(logged, target)
    assert estimate(logged, target, least=10).lists == 120
    with pytest.raises(StageError, match="0 lists are worth 0"):
        estimate(*one_place(0, 0))


def test_refused_where_the_log_never_showed_it() -> None:
    logged, target = one_place(5_000, 4)
    elsewhere = Target(0.5 * target.chance, target.logged, target.wanted)
    with pytest.raises(StageError, match=r"average 0\.5"):
        estimate(logged, elsewhere)


def test_clipping_is_said() -> None:
    logged, target = one_place(3_000, 6)
    found = estimate(logged, target, "ips", clip=2.0)
    assert found.clipped == pytest.approx(0.1, abs=0.03)
    assert found.value < estimate(logged, target, "ips").value
    assert found.as_json()["clip"] == 2.0


def test_lists_of_one_person_are_not_independent() -> None:
    logged, target = one_place(1_000, 7)

    def four(*arrays: Numbers) -> list[Numbers]:
        return [np.repeat(one, 4, axis=0) for one in arrays]

    twice = Logged(*four(logged.rewards, logged.propensity, logged.there, logged.users))
    again = Target(*four(target.chance, target.logged, target.wanted))
    one, other = estimate(logged, target, "ips"), estimate(twice, again, "ips")
    assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.01)


def test_nonsense_is_refused() -> None:
    logged, target = one_place(10, 0)
    with pytest.raises(DataError, match="not above 0"):
        Logged(logged.rewards, 0 * logged.propensity, logged.there, logged.users)
    with pytest.raises(DataError, match="differ in shape"):
        Logged(logged.rewards, logged.propensity, logged.there, logged.users[1:])
    with pytest.raises(DataError, match="outside 0..1"):
        estimate(logged, Target(2 + target.chance, target.logged, target.wanted))
    with pytest.raises(ConfigError, match="clip is -1"):
        estimate(logged, target, clip=-1.0)
    with pytest.raises(DataError, match="differ in shape"):
        estimate(logged, Target(target.chance[1:], target.logged, target.wanted))


def store(n: int, seed: int = 0) -> Records:
    """Lists of two: the first place draws x or y evenly, the second shows what is left."""
    rng = np.random.default_rng(seed)
    shown, given = [], []
    for at in range(n):
        items = ["x", "y"] if rng.random() < 0.5 else ["y", "x"]
        for place, item in enumerate(items, start=1):
            shown.append({
                "recommendation": f"r{at:05d}", "user": f"u{at % 150}", "item": item,
                "position": place, "propensity": 0.5 if place == 1 else 1.0, "at": at,
            })  # fmt: skip
        if rng.random() < (0.6 if items[0] == "x" else 0.2):
            given.append({"user": f"u{at % 150}", "item": items[0], "recommendation": f"r{at:05d}",
                          "timestamp": at + 1})  # fmt: skip
    shown.append({"recommendation": "still", "user": "u", "item": "x", "at": 5})  # nothing drawn
    shown.append({"recommendation": "second page", "user": "u", "item": "x", "position": 11,
                  "propensity": 0.5, "at": 5})  # fmt: skip
    return Records.of(impressions(*shown), signals(*given), kinds=("click",), depth=2)


def test_a_fixed_policy_from_the_frames_of_the_store() -> None:
    records = store(1_500, seed=1)
    assert len(records.recommendations) == 1_500
    assert served(records) == pytest.approx(0.4, abs=0.06)
    always_x = Fixed({name: ["x", "y"] for name in records.recommendations})
    found, why = judge(records, always_x)
    assert why == ""
    for one in found:
        assert one.low < 0.6 < one.high
    target = beside(records, always_x)
    assert set(target.chance.ravel().tolist()) == {0.0, 1.0}
    assert (target.wanted[:, 0] > 0.4).all(), "the model knows x from y"


def test_a_policy_that_was_never_shown_is_refused_in_words() -> None:
    records = store(400)
    found, why = judge(records, Fixed({name: ["z"] for name in records.recommendations}))
    assert found == []
    assert "worth 0" in why
    with pytest.raises(DataError, match="Serve with exploration"):
        Records.of(impressions({"recommendation": "r", "item": "x"}), signals(), kinds=("click",))


def test_lists_that_words_or_events_shaped_are_left_out() -> None:
    lists = {"plain": "fast/model", "worded": "fast/model+words", "chat": "chat+session"}
    rows = [
        {"recommendation": name, "item": "x", "propensity": 0.5, "policy": policy}
        for name, policy in lists.items()
    ]
    records = Records.of(impressions(*rows), signals(), kinds=("click",))
    assert records.recommendations == ("plain",)
