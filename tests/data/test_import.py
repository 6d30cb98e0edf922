import gzip
import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemate.catalog import Catalog
from tastemate.data import saved
from tastemate.data.columns import Columns
from tastemate.data.events import Checked, to_interactions
from tastemate.data.load import import_files, import_items, load_path, recognise
from tastemate.data.tables import read_table
from tastemate.data.times import UNREADABLE
from tastemate.data.validate import Report
from tastemate.errors import DataError, FormatError, NotFound, NothingUsable, TastemateError
from tastemate.types import Item

HEAD = "userId,movieId,rating,timestamp\n"


@pytest.fixture
def file(tmp_path):
    def write(content, name="ratings.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def rejected(report):
    return [(one.line, one.field, one.reason) for one in report.first(50)]


def test_every_bad_value_is_reported_with_line_and_reason(file):
    lines = [
        "1,10,4.0,1000",
        ",10,4.0,1000",
        "1,,4.0,1000",
        "1,10,NaN,1001",
        "1,10,inf,1002",
        "1,10,-Infinity,1002",
        "1,10,four,1003",
        "1,10,,1003",
        "1,10,1e300,1003",
        "1,10,4,-5",
        "1,10,4,9999999999",
        "1,10,4,noon",
        "1,10,4,",
        "1,10,4,nan",
        "1,10",
        "1,10,4,5,6",
        "2,11,3,2000",
    ]
    catalog, interactions, report = import_files(file(HEAD + "\n".join(lines) + "\n"))
    assert catalog.ids == ("10", "11")
    assert interactions.users == ("1", "2")
    assert interactions.position.tolist() == [0, 16]
    assert rejected(report) == [
        (3, "userId", "is empty"),
        (4, "movieId", "is empty"),
        (5, "rating", "is not a number (NaN)"),
        (6, "rating", "is infinite"),
        (7, "rating", "is infinite"),
        (8, "rating", "is not a number"),
        (9, "rating", "is empty"),
        (10, "rating", "is out of range"),
        (11, "timestamp", "is before 1970"),
        (12, "timestamp", "is after 2100"),
        (13, "timestamp", UNREADABLE),
        (14, "timestamp", "is empty"),
        (15, "timestamp", "is not a finite number"),
        (16, "line", "has fewer than the 4 columns of the header"),
        (17, "line", "has more than the 4 columns of the header"),
    ]
    assert report.accepted == 2
    assert len(report) == 15
    assert report.counts["ratings.csv: rating is infinite"] == 2


def test_duplicates_keep_the_last_and_repeats_at_other_times_stay(file):
    path = file(HEAD + "1,10,1,1000\n1,10,5,1000\n1,10,3,2000\n")
    _, interactions, report = import_files(path)
    assert report.duplicates == 1
    assert interactions.value.tolist() == [5.0, 3.0]
    assert "1 repeated event" in report.summary()


@pytest.mark.parametrize(
    ("factor", "unit"), [(1000, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
def test_finer_times_become_seconds_with_a_note(file, factor, unit):
    rows = "".join(f"1,{at},4,{(964982703 + at) * factor}\n" for at in range(3))
    _, interactions, report = import_files(file(HEAD + rows))
    assert interactions.timestamp.tolist() == [964982703, 964982704, 964982705]
    assert any(unit in note for note in report.notes)


def test_written_dates_are_read(file):
    rows = (
        "1,1,4,2014-05-03\n1,2,4,2014-05-03T12:00:00Z\n1,3,4,2014-05-03 12:00\n1,4,4,1399118400\n"
    )
    _, interactions, _ = import_files(file(HEAD + rows))
    assert interactions.timestamp.tolist() == [1399075200, 1399118400, 1399118400, 1399118400]


def test_items_file_makes_unknown_items_rejections(file):
    items = file("x,movieId,title,genres,year\n0,10,Heat,Crime|Drama,1995\n", "items.csv")
    ratings = file(HEAD + "1,10,4,1\n1,99,4,2\n")
    catalog, interactions, report = import_files(ratings, items, Columns(item="movieId"))
    assert catalog["10"].title == "Heat"
    assert catalog["10"].attributes == {"x": 0, "genres": ("Crime", "Drama"), "year": 1995}
    assert len(interactions) == 1
    assert rejected(report) == [(3, "item", "is not in the items file")]


def test_items_are_checked_and_typed(file):
    path = file(
        "sku,name,description,zip,price,tags,id,nothing\n"
        'a,"A, one",text,01234,1.5,x|y,7,\n'
        ",B,,,,,,\n"
        "a,C,,,,,,\n"
        "d,,,02000,,,,\n",
        "items.csv",
    )
    catalog, report = import_items(path)
    assert catalog.ids == ("a", "d")
    assert catalog.titles == ("A, one", "d")
    one = catalog["a"]
    assert one.text == "text"
    assert one.attributes == {"zip": "01234", "price": 1.5, "tags": ("x", "y"), "id_": 7}
    assert rejected(report) == [
        (3, "sku", "is empty"),
        (4, "sku", "is there twice; the first is kept"),
    ]
    with pytest.raises(NothingUsable, match="--item-id-col"):
        import_items(file("sku,name\n,x\n", "none.csv"))


def test_named_columns_win_and_missing_ones_say_what_there_is(file):
    path = file("who;what;how\nann;x;3\nbob;y;4\n")
    catalog, interactions, report = import_files(
        path, columns=Columns(user="who", item="what", rating="how")
    )
    assert interactions.users == ("ann", "bob")
    assert interactions.timestamp.tolist() == [0, 1]
    assert any("order of the file" in note for note in report.notes)
    with pytest.raises(FormatError, match=r"'who', 'what', 'how'.*--user-col"):
        import_files(path)
    with pytest.raises(FormatError, match=r"no column 'whom'.*Did you mean 'who'.*--user-col"):
        import_files(path, columns=Columns(user="whom"))


def test_without_ratings_every_event_counts_as_one(file):
    _, interactions, report = import_files(file("user\titem\na\tx\na\ty\n", "log.tsv"))
    assert interactions.value.tolist() == [1.0, 1.0]
    assert any("counts as 1" in note for note in report.notes)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + HEAD + "1,10,4,1000\n2,11,3,2000\n",
        (HEAD + "1,10,4,1000\n2,11,3,2000").replace("\n", "\r\n"),
        (HEAD + "1,10,4,1000\n2,11,3,2000\n").replace("\n", "\r"),
        HEAD + "\n1,10,4,1000\n\n\n2,11,3,2000\n\n",
        '"userId","movieId","rating","timestamp"\n"1","10","4","1000"\n2,11,3,2000\n',
        HEAD + " 1 , 10 ,4, 1000\n2,11, 3,2000\n",
    ],
    ids=["bom", "crlf", "cr", "blank lines", "quotes", "spaces"],
)
def test_harmless_dirt_changes_nothing(file, content):
    catalog, interactions, report = import_files(file(content))
    assert catalog.ids == ("10", "11")
    assert interactions.users == ("1", "2")
    assert interactions.timestamp.tolist() == [1000, 2000]
    assert len(report) == 0


def test_quoted_fields_may_hold_separators_quotes_and_line_breaks(file):
    report = Report()
    path = file('id,title\n1,"a, ""b""\nc"\n2,plain\n3,"open\n4,after\n5,"x",y\n')
    table = read_table(path, report)
    assert table["title"].to_list() == ['a, "b"\nc', "plain", "after"]
    assert rejected(report) == [
        (5, "line", "has an unbalanced quote or a quoted field over 128 KB"),
        (7, "line", "has more than the 2 columns of the header"),
    ]


def test_lines_over_a_megabyte_are_rejected(file):
    path = file(HEAD + "1,10,4,1000\n1," + "x" * 10_000_000 + ",4,1000\n2,11,3,2000\n")
    _, interactions, report = import_files(path)
    assert len(interactions) == 2
    assert rejected(report) == [(3, "line", "is longer than 1 MB")]
    assert len(report.first(1)[0].value) == 80


def test_latin_1_is_read_with_a_note_and_broken_utf8_is_rejected(file):
    report = Report()
    table = read_table(file("id,title\n1,Am\xe9lie\n".encode("latin-1")), report)
    assert table["title"].to_list() == ["Amélie"]
    assert any("Latin-1" in note for note in report.notes)
    report = Report()
    mixed = "id,title\r\n1,Amélie\r\n".encode() + b"2,Am\xe9lie\r\n3,x\r\n"
    table = read_table(file(mixed), report)
    assert table["title"].to_list() == ["Amélie", "x"]
    assert rejected(report) == [(3, "line", "is not UTF-8")]


def test_gz_is_read_and_a_truncated_one_keeps_its_first_part(file):
    text = HEAD + "".join(f"{at},10,4,{at * 7919 % 10007}\n" for at in range(20_000))
    packed = gzip.compress(text.encode())
    _, interactions, report = import_files(file(packed, "ratings.csv.gz"))
    assert len(interactions) == 20_000
    assert len(report) == 0
    _, interactions, report = import_files(file(packed[: len(packed) // 2], "ratings.csv.gz"))
    assert 0 < len(interactions) < 20_000
    assert report.first(50)[-1].reason == "is cut off: the compressed file is damaged"
    assert any("incomplete" in note for note in report.notes)
    with pytest.raises(FormatError, match="not a gzip file"):
        import_files(file(text, "ratings.csv.gz"))
    with pytest.raises(FormatError, match="damaged"):
        import_files(file(packed[:30], "ratings.csv.gz"))
    broken = bytearray(packed)
    broken[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
    _, interactions, report = import_files(file(bytes(broken), "ratings.csv.gz"))
    assert 0 < len(interactions) < 20_000
    assert "damaged" in report.frame["reason"][-1]
    two = packed + gzip.compress(b"a,b,3,7\n") + b"\0" * 9
    assert len(import_files(file(two, "ratings.csv.gz"))[1]) == 20_001


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", NothingUsable, "is empty"),
        ("\n \n", NothingUsable, "is empty"),
        (HEAD, NothingUsable, "No line of"),
        (HEAD + "1,10,x,1\n", NothingUsable, "rating is not a number"),
        (b"\xff\xfeu\0s\0", FormatError, "UTF-16"),
        (b"userId,movieId\n1,\0\0\n", FormatError, "not a text file"),
        (b"PAR1xxxx", FormatError, "Parquet"),
        ("user,item,user\n1,2,3\n", FormatError, "'user' twice"),
        ("x" * 2_000_000, FormatError, "no readable header"),
    ],
)
def test_useless_files_raise_ours(file, content, error, message):
    with pytest.raises(error, match=message) as caught:
        import_files(file(content))
    if error is NothingUsable:
        assert isinstance(caught.value.report, Report)


def test_folders_and_missing_files_raise_ours(tmp_path, file):
    with pytest.raises(FormatError, match="is a folder"):
        import_files(tmp_path)
    with pytest.raises(NotFound, match="no file"):
        import_files(tmp_path / "none.csv")
    with pytest.raises(NotFound, match="no file"):
        import_files(tmp_path / "none.parquet")
    with pytest.raises(NotFound, match="nothing at"):
        load_path(tmp_path / "none")
    with pytest.raises(FormatError, match="holds nothing"):
        load_path(tmp_path)
    with pytest.raises(FormatError, match="Parquet"):
        import_files(file("x", "ratings.parquet"))


def test_json_lines(file):
    lines = [
        {"user": 1, "item": "x", "rating": 5, "timestamp": 10, "tags": ["a", ["b"], None]},
        {"user": 2, "item": "y", "rating": 4.5, "timestamp": 20},
    ]
    text = "\n".join(json.dumps(one) for one in lines)
    path = file(
        text
        + '\n{"user": \n[1]\n{"user": "\\ud800", "item": "z", "rating": NaN}\n'
        + "[" * 100_000
        + "\n",
        "e.jsonl",
    )
    catalog, interactions, report = import_files(path)
    assert catalog.ids == ("x", "y")
    assert interactions.users == ("1", "2")
    assert rejected(report) == [
        (3, "line", "is not JSON"),
        (4, "line", "is not a JSON object"),
        (5, "rating", "is not a number (NaN)"),
        (6, "line", "is not JSON"),
    ]
    assert read_table(path, Report())["tags"].to_list()[0] == ["a", "b"]


def test_parquet(tmp_path):
    path = tmp_path / "events.parquet"
    frame = pl.DataFrame(
        {
            "user_id": [1, 2, None],
            "item_id": ["x", "y", "z"],
            "rating": [1.0, 2.5, 3.0],
            "timestamp": pl.Series([0, 60, 90]).cast(pl.Datetime("ms")),
            "tags": [["a"], [], None],
            "_line": [1, 2, 3],
        }
    )
    frame.write_parquet(path)
    _, interactions, report = import_files(path)
    assert interactions.value.tolist() == [1.0, 2.5]
    assert rejected(report) == [(3, "user_id", "is empty")]
    assert read_table(path, Report())["tags"].to_list() == [["a"], [], None]


def test_a_folder_of_named_files(tmp_path, file):
    file(HEAD + "1,10,4,1000\n")
    file("movieId,title\n10,Heat\n", "items.csv")
    assert recognise(tmp_path) == "named files"
    catalog, interactions, _ = load_path(tmp_path)
    assert catalog.titles == ("Heat",)
    assert len(interactions) == 1
    other = import_files(
        tmp_path / "ratings.csv",
        file("code,movieId\n10,77\n", "other.csv"),
        Columns(item_id="code", title="movieId"),
    )
    assert other[0].titles == ("77",)
    assert len(load_path(tmp_path / "ratings.csv")[1]) == 1


def test_the_report_is_written_whole(file, tmp_path):
    _, _, report = import_files(file(HEAD + "1,10,4,1\n" + "1,10,x,1\n" * 200))
    path = tmp_path / "rejected.jsonl.gz"
    report.write(path)
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert len(lines) == 200
    assert lines[0] == {
        "file": "ratings.csv",
        "line": 3,
        "field": "rating",
        "reason": "is not a number",
        "value": "x",
    }
    shown = report.as_json(1)
    assert shown["rejected"] == 200
    assert len(shown["first"]) == 1
    assert Report().counts == {}
    with pytest.raises(DataError, match="cannot be written"):
        report.write(tmp_path / "no" / "folder.jsonl")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_give_a_report_or_our_error(file, content):
    for name in ("r.csv", "r.jsonl", "r.csv.gz"):
        try:
            _, interactions, report = import_files(file(HEAD.encode() + content, name))
        except TastemateError:
            continue
        assert report.accepted == len(interactions) > 0


field = st.text(alphabet=st.sampled_from('ab,"\n é'), min_size=1, max_size=6).map(
    lambda text: "u" + text
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(field, field), min_size=1, max_size=8))
def test_what_a_csv_writer_wrote_is_read_back(file, rows):
    frame = pl.DataFrame(rows, schema=["a", "b"], orient="row")
    report = Report()
    table = read_table(file(frame.write_csv().encode()), report)
    assert table.select("a", "b").rows() == rows
    assert len(report) == 0


def test_two_character_separators_and_quotes(file):
    report = Report()
    table = read_table(file('id::title\n1::"Weird" Al\n2::b::c\n', "items.dat"), report)
    assert table["title"].to_list() == ['"Weird" Al']
    assert len(report) == 1
    quoted = read_table(file('id,title\n1,"a"b\n2,"' + "x" * 200_000 + '"\n'), report)
    assert len(quoted) == 0
    assert len(report) == 3


def test_an_imported_folder_opens_again(file, tmp_path):
    catalog, interactions, _ = import_files(file(HEAD + "1,10,4,1000\n2,11,3,2000\n"))
    saved.save(tmp_path / "own", catalog, interactions)
    saved.save(tmp_path / "own", catalog, interactions)
    again, events, report = load_path(tmp_path / "own")
    assert again.fingerprint == catalog.fingerprint
    assert events.fingerprint == interactions.fingerprint
    assert report.accepted == 2
    (tmp_path / "own" / "events.parquet").write_bytes(b"x")
    with pytest.raises(FormatError, match="Import it again"):
        load_path(tmp_path / "own")
    (tmp_path / "flat").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        saved.save(tmp_path / "flat" / "own", catalog, interactions)


def test_json_items_with_lists(file):
    path = file('{"id": "a", "title": ["One", "two"], "genres": ["x"]}\n', "items.jsonl")
    catalog, _ = import_items(path)
    assert catalog["a"].title == "One two"
    assert catalog["a"].attributes == {"genres": ("x",)}


def test_people_named_twice_are_noted() -> None:
    frame = pl.DataFrame(
        {"user": ["u"], "item": ["a"], "value": [1.0], "timestamp": [0], "position": [0]}
    )
    people = pl.DataFrame({"user": ["u", "u", "v"], "age": [1, 2, 3]})
    report = Report()
    checked = Checked(frame, "events.csv")
    events = to_interactions(checked, Catalog.of([Item("a", "A")]), report, people)
    assert events.about("u") == {"age": 1}
    assert report.notes == ["1 line describes somebody described before: the first one counts."]
