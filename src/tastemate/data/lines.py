"""Files as numbered lines of text, whatever their compression, encoding or line ends.

What cannot be read as text is rejected line by line, or raised when the whole file is not text.
"""

import zlib
from pathlib import Path

import polars as pl

from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound, NothingUsable

MAX_LINE = 1_000_000
"""Lines longer than this many bytes are rejected."""

LINE = "_line"
"""Name of the column of line numbers, from 1."""

_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"PAR1": "Parquet", b"PK\x03\x04": "zip"}
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 16


def open_bytes(path: Path, report: Report) -> bytes:
    """Return the bytes of a file, uncompressed; raise our errors where there is none."""
    if path.is_dir():
        raise FormatError(f"{path} is a folder, not a file. Name the file inside it.")
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        return _unpack(path, report)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}. Check the path.") from error
    except OSError as error:
        raise FormatError(
            f"{path} cannot be read ({error}). Check that it is complete and may be read."
        ) from error


def read_lines(
    path: Path, report: Report, encoding: str | None = None, *, blank: bool = False
) -> pl.DataFrame:
    """Return the lines of a file, blank ones only if asked: columns `_line` and text.

    `encoding` is named where the format fixes it; else UTF-8, and Latin-1 when no line beyond
    ASCII is valid UTF-8. Raises `FormatError` for what is not text, `NothingUsable` if empty.
    """
    raw = open_bytes(path, report)
    for mark, what in _MARKS.items():
        if raw.startswith(mark):
            raise FormatError(f"{path} is a {what} file, not UTF-8 text. Convert it or name it so.")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in raw[:65536]:
        raise FormatError(f"{path} is not a text file (it holds zero bytes). Save it as UTF-8.")
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    if not raw.strip():
        raise NothingUsable(f"{path} is empty. Give a file with at least one line of data.", report)
    frame = _decoded(path, raw, report, encoding)
    if not blank:
        frame = without_blank(frame)
    long = frame.filter(pl.col("text").str.len_bytes() > MAX_LINE)
    if len(long):
        report.reject(path.name, long[LINE], "line", "is longer than 1 MB", long["text"])
        frame = frame.filter(pl.col("text").str.len_bytes() <= MAX_LINE)
    return frame


def without_blank(lines: pl.DataFrame) -> pl.DataFrame:
    """Leave out the lines of nothing but space."""
    return lines.filter(pl.col("text").str.strip_chars() != "")


def _unpack(path: Path, report: Report) -> bytes:
    """Unpack gzip members one after the other, so that what came before damage is kept."""
    packed = path.read_bytes()
    if not packed.startswith(_GZIP):
        raise FormatError(f"{path} is not a gzip file. Remove .gz from its name or fetch it again.")
    parts: list[bytes] = []
    member = zlib.decompressobj(wbits=31)
    try:
        for start in range(0, len(packed), _CHUNK):
            chunk = packed[start : start + _CHUNK]
            while chunk:
                if member.eof:
                    member = zlib.decompressobj(wbits=31)
                parts.append(member.decompress(chunk))
                # Some writers pad the end with zero bytes.
                chunk = member.unused_data.lstrip(b"\0") if member.eof else b""
    except zlib.error:
        return _cut_short(path, parts, report)
    return b"".join(parts) if member.eof else _cut_short(path, parts, report)


def _cut_short(path: Path, parts: list[bytes], report: Report) -> bytes:
    kept, found, rest = b"".join(parts).rpartition(b"\n")
    if not found:
        raise FormatError(f"{path} is damaged or incomplete. Fetch it again.")
    value = rest[:200].decode("utf-8", "replace")
    line = kept.count(b"\n") + 2
    report.reject(path.name, [line], "line", "is cut off: the compressed file is damaged", [value])
    report.note(f"{path.name} is damaged or incomplete: only its first part was read.")
    return kept + found


def _decoded(path: Path, raw: bytes, report: Report, encoding: str | None) -> pl.DataFrame:
    if encoding is not None:
        return _split(raw.decode(encoding, "replace").encode())
    if _is_utf8(raw):
        return _split(raw)
    good: list[str] = []
    at: list[int] = []
    bad: list[int] = []
    utf8 = False
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            good.append(line.decode("utf-8"))
            at.append(number)
            utf8 = utf8 or not line.isascii()
        except UnicodeDecodeError:
            bad.append(number)
    if not utf8:
        report.note(f"{path.name} is not UTF-8; it was read as Latin-1.")
        return _split(raw.decode("latin-1").encode())
    lines = raw.split(b"\n")
    values = [lines[number - 1][:200].decode("utf-8", "replace") for number in bad]
    report.reject(path.name, bad, "line", "is not UTF-8", values)
    frame = pl.DataFrame({LINE: at, "text": good}, schema={LINE: pl.Int64, "text": pl.String})
    return frame.with_columns(pl.col("text").str.strip_suffix("\r"))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _split(raw: bytes) -> pl.DataFrame:
    """Split UTF-8 text into lines by reading it as a table of one column."""
    column = pl.read_csv(
        raw.replace(b"\x01", b" "),
        separator="\x01",
        quote_char=None,
        has_header=False,
        infer_schema=False,
        new_columns=["text"],
    )["text"].fill_null("")
    numbers = pl.int_range(1, len(column) + 1, dtype=pl.Int64, eager=True)
    return pl.DataFrame({LINE: numbers, "text": column})
