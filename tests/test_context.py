import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.context import AXES, CLOCK, checked, moment, read, show
from tastemate.errors import ConfigError


def at(*when, zone=UTC):
    return int(datetime(*when, tzinfo=zone).timestamp())


def test_what_somebody_types_is_read_and_written_again():
    told = read(" Company = Kids , occasion=rainy-day,")
    assert told == {"company": "kids", "occasion": "rainy day"}
    assert read(show(told)) == told
    assert read("") == {}


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("companie=kids", "company"),
        ("company=kidz", "kids"),
        ("kids", "axis=value"),
        ("=x", "time"),
    ],
)
def test_what_is_not_in_the_vocabulary_names_what_is(typed, hint):
    with pytest.raises(ConfigError, match=hint):
        read(typed)


@pytest.mark.parametrize(
    ("hour", "part"),
    [(0, "night"), (5, "morning"), (12, "afternoon"), (17, "evening"), (22, "night")],
)
def test_the_clock_tells_the_time_of_day_where_somebody_is(hour, part):
    assert moment(at(2024, 3, 1, hour))["time"] == part
    east = timezone(timedelta(hours=9))
    assert moment(at(2024, 3, 1, hour, zone=east), east)["time"] == part


def test_seasons_turn_round_in_the_south_and_weekends_are_two_days():
    summer = at(2024, 7, 20, 12)
    assert moment(summer) == {"time": "afternoon", "weekday": "weekend", "season": "summer"}
    assert moment(summer, southern=True)["season"] == "winter"
    assert moment(at(2024, 12, 2))["season"] == "winter"
    assert moment(at(2024, 7, 22))["weekday"] == "weekday"


def test_a_time_no_calendar_has_is_refused():
    with pytest.raises(ConfigError, match="seconds since 1970"):
        moment(1e30)


@given(st.integers(-(10**9), 4 * 10**9))
def test_every_time_is_a_moment_of_the_vocabulary(timestamp):
    told = moment(timestamp)
    assert tuple(told) == CLOCK
    assert checked(told) == told


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_an_error_that_says_what_to_do(text):
    told = {}
    with contextlib.suppress(ConfigError):
        told = read(text)
    assert all(value in AXES[axis] for axis, value in told.items())
