from datetime import timedelta

import polars as pl
import pytest

from tastemate.data.columns import Columns
from tastemate.data.load import import_files, import_items, load_path
from tastemate.errors import FormatError


@pytest.mark.parametrize("head", ['us\rer,item,"x"', f'"{"u" * 140_000}",item'])
def test_a_header_that_is_none_says_so(tmp_path, head):
    path = tmp_path / "ratings.csv"
    path.write_bytes(head.encode() + b"\na,b,c\n")
    with pytest.raises(FormatError, match="header line of .* cannot be read"):
        import_files(path)


def test_columns_with_the_names_of_ours_get_others(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("item_id,id,id_,name,title\n1,a,b,x,Heat\n")
    catalog, _ = import_items(path)
    assert catalog["1"].attributes == {"id__": "a", "id_": "b", "name": "x"}
    catalog, _ = import_items(path, Columns(title="name"))
    assert catalog["1"].attributes == {"id__": "a", "id_": "b", "title_": "Heat"}


def test_parquet_columns_of_any_kind_are_read_or_left_out_with_a_note(tmp_path):
    path = tmp_path / "items.parquet"
    pl.DataFrame(
        {
            "id": ["a", "b"],
            "title": ["A", "B"],
            "length": [timedelta(minutes=2), None],
            "cast": [[{"name": "x"}], None],
            "grid": [[["x"]], [["y"]]],
            "maker": [{"name": "x"}, None],
            "genres": [[None, "Crime"], ["War"]],
            "price": [float("inf"), 2.0],
        }
    ).write_parquet(path)
    catalog, report = import_items(path)
    assert catalog["a"].attributes == {"length": 120, "genres": ("Crime",)}
    assert catalog["b"].attributes == {"genres": ("War",), "price": 2.0}
    left_out = [note for note in report.notes if "was left out" in note]
    assert [note.split("'")[1] for note in left_out] == ["cast", "grid", "maker"]
    assert any("'price'" in note and "1 value is infinite" in note for note in report.notes)


def test_infinite_numbers_of_a_text_file_are_unknown(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("id,title,year\na,A,inf\nb,B,1995\nc,C,1e999\nd,D,nan\n")
    catalog, report = import_items(path)
    assert catalog.frame["year"].to_list() == [None, 1995, None, None]
    assert any("2 values are infinite" in note for note in report.notes)


def test_a_python_dictionary_with_odd_keys_and_half_characters(tmp_path):
    path = tmp_path / "items.jsonl"
    lines = ["{'id': 'a', 'x': {(1, 2): 3}, 7: 'seven'}", '{"id": "b", "\\ud800": "\\ud800"}']
    path.write_text("\n".join(lines))
    catalog, _ = import_items(path)
    assert catalog["a"].attributes == {"x": "{(1, 2): 3}", "7": "seven"}
    assert catalog["b"].attributes == {"?": "?"}


@pytest.mark.parametrize("text", ['[{"id": "a"}, {"id": "b"}]', "[\n]"])
def test_one_json_array_says_to_give_lines(tmp_path, text):
    path = tmp_path / "items.json"
    path.write_text(text)
    with pytest.raises(FormatError, match="one JSON object per line"):
        import_items(path)


def test_an_unknown_folder_names_the_command(tmp_path):
    with pytest.raises(FormatError, match="tastemate import RATINGS --items ITEMS"):
        load_path(tmp_path)
