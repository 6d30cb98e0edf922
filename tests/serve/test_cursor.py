"""A cursor holds a catalogue at most, whatever somebody packed into one."""

import base64
import zlib

import pytest

from tastemate.errors import ConfigError
from tastemate.serve import cursor

ASKED = '{"user_id":"u1"}'


def packed(bitmap: bytes, more: bytes = b"") -> str:
    head = bytes([1]) + cursor._digest(ASKED)
    return base64.urlsafe_b64encode(head + zlib.compress(bitmap, 9) + more).decode()


def test_it_comes_back_as_it_went() -> None:
    for rows in (set(), {0}, {7, 8}, {0, 11}):
        assert cursor.read(cursor.write(ASKED, rows), ASKED, 12) == rows


@pytest.mark.parametrize(
    "written",
    [
        packed(bytes(16_000_000)),  # fifteen kilobytes that would be sixteen megabytes
        packed(bytes(3)),  # one byte more than twelve items have
        packed(b"\xff\xff"),  # items thirteen to sixteen
        packed(b"\x80", b"more"),
    ],
)
def test_what_holds_more_than_the_catalogue_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="cursor"):
        cursor.read(written, ASKED, 12)


def test_it_is_never_unpacked_further_than_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    most = []
    made = zlib.decompressobj

    class Watched:
        def __init__(self) -> None:
            self.inner = made()

        def decompress(self, raw: bytes, length: int) -> bytes:
            most.append(length)
            return self.inner.decompress(raw, length)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(ConfigError):
        cursor.read(packed(bytes(16_000_000)), ASKED, 12)
    assert most == [3]
