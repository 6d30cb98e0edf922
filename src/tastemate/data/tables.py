"""Delimited text, JSON lines and Parquet as one thing: a frame of texts with line numbers.

Lines without quotes are split in columns at once; only lines with quotes go through the csv
module, one record at a time, because a quoted field may hold separators and line breaks.
"""

import ast
import csv
import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tastemate.data.lines import LINE, read_lines, without_blank
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound

MAX_SPAN = 1_000
"""A quoted field may run over at most this many lines; beyond that the quote is a stray one."""

_MORE = "_more"
_SUFFIXES = {".csv": ",", ".tsv": "\t", ".dat": "::"}
_JSON = {".jsonl", ".ndjson", ".json"}


def read_table(
    path: Path,
    report: Report,
    *,
    separator: str | None = None,
    names: Sequence[str] | None = None,
    encoding: str | None = None,
    wanted: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return a file as columns of text (lists stay lists in JSON and Parquet) and `_line`.

    `names` are the columns of a file without a header; `wanted` limits what is taken from JSON.
    Unusable lines go to the report. Raises `FormatError`, `NothingUsable` or `NotFound`.
    """
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind == ".parquet":
        return _read_parquet(path, report)
    lines = read_lines(path, report, encoding, blank=True)
    if kind in _JSON:
        return _read_json(path, without_blank(lines), report, wanted)
    start = (lines["text"].str.strip_chars() != "").arg_max() or 0
    lines = lines.slice(start)
    head = lines["text"][0] if len(lines) else ""
    sep = separator or _guess_separator(kind, head)
    if names is None:
        if not len(lines):
            raise FormatError(f"{path} has no readable header line. The first line names columns.")
        names = _header(path, head, sep)
        lines = lines.slice(1)
    plain = not lines["text"].str.contains('"', literal=True).any()
    if plain or encoding == "latin-1":
        return _split_plain(path, without_blank(lines), sep, names, report)
    return _split_quoted(path, lines, sep, names, report)


def _guess_separator(kind: str, head: str) -> str:
    usual = _SUFFIXES.get(kind)
    if usual is not None and usual in head:
        return usual
    found = max(["\t", ",", ";", "|", "::"], key=head.count)
    return found if found in head else usual or ","


def _header(path: Path, head: str, sep: str) -> list[str]:
    try:
        cells = head.split(sep) if len(sep) > 1 else next(csv.reader([head], delimiter=sep), [])
    except csv.Error as error:
        raise FormatError(
            f"The header line of {path} cannot be read ({error}). "
            "Give short column names in one line, and end every line with a line feed."
        ) from error
    names = [cell.strip() or f"column_{at}" for at, cell in enumerate(cells, 1)]
    known = [*names, LINE, _MORE]
    twice = sorted({name for name in names if known.count(name) > 1})
    if twice:
        raise FormatError(f"{path} names the column {twice[0]!r} twice. Rename one of them.")
    return names


def _split_plain(
    path: Path, lines: pl.DataFrame, sep: str, names: Sequence[str], report: Report
) -> pl.DataFrame:
    width = len(names)
    cells = lines["text"].str.split_exact(sep, width).struct.unnest()
    cells.columns = [*names, _MORE]
    short = cells[names[-1]].is_null()
    long = cells[_MORE].is_not_null()
    for mask, what in ((short, "fewer"), (long, "more")):
        if mask.any():
            odd = lines.filter(mask)
            reason = f"has {what} than the {width} columns of the header"
            report.reject(path.name, odd[LINE], "line", reason, odd["text"])
    frame = cells.drop(_MORE).with_columns(lines[LINE])
    return frame.filter(~(short | long))


def _split_quoted(
    path: Path, lines: pl.DataFrame, sep: str, names: Sequence[str], report: Report
) -> pl.DataFrame:
    numbers = lines[LINE].to_list()
    texts = lines["text"].to_list()
    quotes = lines["text"].str.count_matches('"', literal=True).to_list()
    plain: list[int] = []
    records: list[list[str]] = []
    record_lines: list[int] = []
    bad: dict[str, list[int]] = {}
    at = 0
    while at < len(texts):
        if quotes[at] == 0:
            if texts[at].strip():
                plain.append(at)
            at += 1
            continue
        stop = _record_end(quotes, at)
        cells = _parse("\n".join(texts[at:stop]), sep) if stop > at else []
        if len(cells) == len(names):
            records.append(cells)
            record_lines.append(numbers[at])
            at = stop
            continue
        reason = "has an unbalanced quote or a quoted field over 128 KB"
        if stop == at + 1 and cells:
            more = "more" if len(cells) > len(names) else "fewer"
            reason = f"has {more} than the {len(names)} columns of the header"
        bad.setdefault(reason, []).append(at)
        at += 1
    for reason, places in bad.items():
        odd = lines[places]
        report.reject(path.name, odd[LINE], "line", reason, odd["text"])
    simple = _split_plain(path, lines[plain], sep, names, report)
    quoted = pl.DataFrame(records, schema=dict.fromkeys(names, pl.String), orient="row")
    quoted = quoted.with_columns(pl.Series(LINE, record_lines, dtype=pl.Int64))
    return pl.concat([simple, quoted]).sort(LINE)


def _record_end(quotes: list[int], at: int) -> int:
    """Return the index after the record's last line, or `at` when its quote never closes."""
    if quotes[at] % 2 == 0:
        return at + 1
    for stop in range(at + 1, min(at + MAX_SPAN, len(quotes))):
        if quotes[stop] % 2:
            return stop + 1
    return at


def _parse(text: str, sep: str) -> list[str]:
    """Return the cells of one record, or none when it is not well-formed."""
    if len(sep) > 1:
        return text.split(sep)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=sep, strict=True))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def _read_parquet(path: Path, report: Report) -> pl.DataFrame:
    if not path.exists():
        raise NotFound(f"There is no file {path}. Check the path.")
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FormatError(
            f"{path} is not a readable Parquet file ({error}). Write it again or use CSV."
        ) from error
    texts = []
    for name, dtype in frame.schema.items():
        if name == LINE:
            continue
        column = frame[name]
        if _as_text(dtype):
            texts.append(column.cast(pl.String))
        elif isinstance(dtype, pl.Datetime):
            texts.append(column.dt.epoch("s").cast(pl.String))
        elif isinstance(dtype, pl.Duration):
            texts.append(column.dt.total_seconds().cast(pl.String))
        elif isinstance(dtype, pl.List | pl.Array) and _as_text(dtype.inner):
            texts.append(column.cast(pl.List(pl.String)))
        else:
            report.note(
                f"The column {name!r} of {path.name} was left out: it holds {dtype}, which is "
                "neither text, number, time nor a list of those."
            )
    numbers = pl.int_range(1, len(frame) + 1, dtype=pl.Int64, eager=True).alias(LINE)
    return pl.DataFrame([*texts, numbers])


def _as_text(dtype: Any) -> bool:
    """Whether each value of a Parquet column has one plain text."""
    other = (pl.Binary, pl.Object, pl.Datetime, pl.Duration)
    return not dtype.is_nested() and dtype not in other


def _loads(text: str) -> Any:
    """Read one line as JSON, or as the Python dictionary of the 2014 Amazon files."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)


def _read_json(
    path: Path, lines: pl.DataFrame, report: Report, wanted: Sequence[str] | None
) -> pl.DataFrame:
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    bad: dict[str, list[int]] = {}
    places_of = lines[LINE].to_list()
    for at, text in enumerate(lines["text"].to_list()):
        try:
            record = _loads(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            bad.setdefault("is not JSON", []).append(at)
            continue
        if not isinstance(record, dict):
            bad.setdefault("is not a JSON object", []).append(at)
            continue
        records.append(record)
        numbers.append(places_of[at])
    for reason, places in bad.items():
        odd = lines[places]
        report.reject(path.name, odd[LINE], "line", reason, odd["text"])
    first = lines["text"][0].lstrip() if len(lines) else ""
    if not records and first.startswith("["):
        raise FormatError(
            f"{path} holds one JSON array. Give one JSON object per line instead, "
            "for example with `jq -c '.[]'`."
        )
    keys = {_sound(str(key)): key for record in records for key in record}
    keys.pop(LINE, None)
    if wanted is not None:
        keys = {name: key for name, key in keys.items() if name in set(wanted)}
    columns = [_column(name, [one.get(key) for one in records]) for name, key in keys.items()]
    return pl.DataFrame([*columns, pl.Series(LINE, numbers, dtype=pl.Int64)])


def _column(name: str, values: list[Any]) -> pl.Series:
    if any(isinstance(value, list) for value in values):
        lists: list[list[str] | None] = [_texts(value) for value in values]
        return pl.Series(name, lists, dtype=pl.List(pl.String))
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _sound(value)
    try:
        return _sound(json.dumps(value, ensure_ascii=False, default=str))
    except TypeError:
        # Keys of a Python dictionary may be what no JSON object has.
        return _sound(str(value))


def _sound(text: str) -> str:
    """Replace halves of surrogate pairs, which no UTF-8 text holds."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _texts(value: Any) -> list[str] | None:
    if value is None:
        return None
    flat: list[str] = []
    flatten: list[Any] = [value]
    while flatten:
        one = flatten.pop(0)
        if isinstance(one, list):
            flatten = [*one, *flatten]
        elif (text := _text(one)) is not None:
            flat.append(text)
    return flat
