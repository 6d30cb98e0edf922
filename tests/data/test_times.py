import polars as pl
import pytest

from tastemate.data.load import import_files
from tastemate.data.times import UNCERTAIN, day_month_order, written_times

MAY_14 = 1_684_022_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2023-05-14", MAY_14),
        ("2023/05/14", MAY_14),
        ("14.05.2023", MAY_14),
        ("14.05.2023 01:30", MAY_14 + 5400),
        ("14/05/2023", MAY_14),
        ("05/14/2023 00:00:30", MAY_14 + 30),
        ("2023-05-14T02:00:00+02:00", MAY_14),
        ("2023-05-13 19:00:00.250-0500", MAY_14),
        ("2023-05-14T00:00Z", MAY_14),
        ("noon", None),
        ("31.02.2023", None),
        ("", None),
    ],
)
def test_dates_as_people_write_them(text, seconds):
    assert written_times(pl.Series([text])).to_list() == [seconds]


def test_one_day_above_twelve_tells_the_order_of_all():
    told = written_times(pl.Series(["04/05/2023", "14/05/2023"])).to_list()
    assert told == [MAY_14 - 10 * 86_400, MAY_14]
    assert day_month_order(pl.Series(["04/05/2023", "05/14/2023"])) == "month first"
    assert day_month_order(pl.Series(["13/05/2023", "05/14/2023"])) == "unknown"
    assert written_times(pl.Series(["04/05/2023"])).to_list() == [None]


def test_dates_that_may_be_either_are_rejected_with_what_to_write(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("user,item,rating,date\na,x,5,04/05/2023\na,y,5,2023-05-14\n")
    _, interactions, report = import_files(path)
    assert interactions.timestamp.tolist() == [MAY_14]
    assert [(one.line, one.reason) for one in report.first()] == [(2, UNCERTAIN)]


@pytest.mark.parametrize("mostly", ["seconds", "milliseconds"])
def test_seconds_and_milliseconds_in_one_column(tmp_path, mostly):
    path = tmp_path / "ratings.csv"
    times = [MAY_14, MAY_14 * 1000] + [MAY_14 * (1 if mostly == "seconds" else 1000)] * 3
    rows = "".join(f"a,{at},5,{time}\n" for at, time in enumerate(times))
    path.write_text("user,item,rating,timestamp\n" + rows)
    _, interactions, report = import_files(path)
    assert interactions.timestamp.tolist() == [MAY_14] * 5
    assert any("milliseconds" in note for note in report.notes)
