"""A store in a zip of JSON lines: written from a server, and believed only where it holds together.

Rows are streamed both ways. What is read is checked against the tables as it comes, because a zip
can be cut, edited or made by something else, and no database should be the first to notice.
"""

import json
import lzma
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Double, Integer, Table

from tastemate.errors import FormatError
from tastemate.store import schema
from tastemate.store.checked import LARGEST
from tastemate.store.copying import COUNTED, TABLES, Reading
from tastemate.store.database import Database

FORMAT = 1
"""Of the zip; raised when an older version can no longer read it."""
ABOUT = "about.json"
SAY = "Name a file that `tastemate backup` wrote. Nothing was changed."
LONGEST_ABOUT = 2**20
"""Bytes of what a zip says of itself."""
LONGEST_ROW = 2**28
"""Bytes of a row: more is no row of ours, and would fill the memory."""
LARGEST_LONG = 2**63 - 1
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError,
    ValueError,
)  # fmt: skip
"""What reading a damaged, an encrypted or a strangely packed zip raises."""


class NoBackup(FormatError):
    """What was named to be restored is no file that `backup` wrote."""


def write_zip(database: Database, fresh: Path) -> dict[str, int]:
    """Write everything a database holds into a zip, as it is at one moment; return its rows."""
    rows: dict[str, int] = {}
    with (
        database.reading(still=True, long=True) as connection,
        zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        source = Reading(connection)
        for table in TABLES:
            rows[table.name] = 0
            with packed.open(_part(table), "w", force_zip64=True) as file:
                for row in source.rows(table):
                    file.write(json.dumps(row).encode("ascii") + b"\n")
                    rows[table.name] += 1
        about = {
            "format": FORMAT,
            "revision": schema.HEAD,
            "rows": rows,
            "counters": source.counters(),
        }
        packed.writestr(ABOUT, json.dumps(about))
    with Zipped(fresh) as zipped:
        zipped.check()
    return rows


class Zipped:
    """The rows in a zip, which stays the same file whatever becomes of its name.

    Raises `NoBackup` for another zip, and `FormatError` for one that is damaged or newer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._packed = zipfile.ZipFile(path)
        except UNREADABLE as error:
            raise self._damaged(str(error)) from error
        try:
            about = self._about()
            self._rows = self._numbers(about, "rows", TABLES)
            self._counters = self._numbers(about, "counters", COUNTED)
        except BaseException:
            self._packed.close()
            raise

    def __enter__(self) -> "Zipped":
        return self

    def __exit__(self, *_: object) -> None:
        self._packed.close()

    def check(self) -> None:
        """Read every row; raise `FormatError` where one is damaged, or a part is not as it says."""
        held = Counter(self._packed.namelist())
        parts = [_part(one) for one in TABLES]
        wrong = [one for one in parts if held[one] != 1]
        wrong += [one for one in held if one.endswith(".jsonl") and one not in parts]
        if wrong:
            raise self._damaged(f"missing, twice or unknown: {', '.join(sorted(wrong))}")
        for table in TABLES:
            for _ in self.rows(table):
                pass

    def rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table; raise `FormatError` at one that the table cannot hold."""
        part, read = _part(table), 0
        fits = {column.name: _fitting(column) for column in table.columns}
        for line in self._lines(part):
            read += 1
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise self._damaged(f"{part}, line {read}: no JSON") from error
            wrong = _wrong(row, fits)
            if wrong:
                raise self._damaged(f"{part}, line {read}: {wrong}")
            if table.name in self._counters:
                # Numbering goes on after the last row at least, whatever the counter says.
                self._counters[table.name] = max(self._counters[table.name], row["seq"])
            yield row
        if read != self._rows[table.name]:
            raise FormatError(
                f"{self._path} does not hold what it says ({part}: {read} rows, not "
                f"{self._rows[table.name]}). Take another backup."
            )

    def counters(self) -> Mapping[str, int]:
        """Return the last number given out, by table."""
        return dict(self._counters)

    def _lines(self, part: str) -> Iterator[bytes]:
        try:
            with self._packed.open(part) as file:
                while line := file.readline(LONGEST_ROW):
                    if len(line) == LONGEST_ROW:
                        raise ValueError("a row without an end")
                    yield line
        except (*UNREADABLE, KeyError) as error:
            raise self._damaged(f"{part}: {error}") from error

    def _about(self) -> dict[str, Any]:
        """Return what the zip says of itself, of a format and revision that are known."""
        strange = NoBackup(f"{self._path} is no backup. {SAY}")
        try:
            with self._packed.open(ABOUT) as file:
                said = file.read(LONGEST_ABOUT)
        except KeyError as error:
            raise strange from error
        except UNREADABLE as error:
            raise self._damaged(f"{ABOUT}: {error}") from error
        try:
            about = json.loads(said)
        except (ValueError, RecursionError) as error:
            raise strange from error
        if not isinstance(about, dict):
            raise strange
        written, revision = about.get("format"), about.get("revision")
        if type(written) is not int or written < 1 or not isinstance(revision, str):
            raise strange
        if written > FORMAT or revision not in schema.REVISIONS:
            raise FormatError(f"{self._path} was written by a newer version. Update Tastemate.")
        return about

    def _numbers(
        self, about: Mapping[str, Any], what: str, tables: tuple[Table, ...]
    ) -> dict[str, int]:
        """Return a whole number for each of some tables; raise `FormatError` for anything else."""
        said, names = about.get(what), {one.name for one in tables}
        if not isinstance(said, dict) or said.keys() != names:
            raise self._damaged(f"{ABOUT}: its {what} are not those of the tables")
        for name, number in said.items():
            if type(number) is not int or not 0 <= number <= LARGEST_LONG:
                raise self._damaged(f"{ABOUT}: its {what} of {name} are no number there is")
        return dict(said)

    def _damaged(self, what: str) -> FormatError:
        return FormatError(f"{self._path} is damaged ({what}). Take another backup.")


def _part(table: Table) -> str:
    return f"{table.name}.jsonl"


def _wrong(row: object, fits: Mapping[str, Callable[[Any], bool]]) -> str:
    """Return what is wrong with a row; empty where a table can hold it."""
    if not isinstance(row, dict):
        return "no row"
    if row.keys() != fits.keys():
        odd = sorted(row.keys() ^ fits.keys())
        return f"missing or unknown: {', '.join(odd)[:200]!r}"
    wrong = [name for name, holds in fits.items() if not holds(row[name])]
    return f"{', '.join(wrong)} cannot be kept" if wrong else ""


def _fitting(column: "Column[Any]") -> Callable[[Any], bool]:
    """Return what tells whether a column can hold a value."""
    kind = column.type
    if isinstance(kind, schema.Json):
        return _anything
    if isinstance(kind, Integer):
        largest = LARGEST_LONG if isinstance(kind, BigInteger) else LARGEST
        return lambda value: type(value) is int and -largest <= value <= largest
    if isinstance(kind, Double):
        return _is_number
    if column.nullable:
        return lambda value: value is None or _is_text(value)
    return _is_text


def _anything(_: object) -> bool:
    return True


def _is_number(value: object) -> bool:
    """Whether it is a finite number; NaN is within no bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _is_text(value: object) -> bool:
    """Whether both databases can hold it: no NUL, no half characters."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False
