"""Where a page ended, carried by the caller: nothing is kept here, so it survives restarts.

A cursor holds which catalogue rows were shown so far, as a bitmap, and a hash of the request. The
next page is the same request without those rows: however much was learned in between, nothing is
shown twice and the pages end with the catalogue.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterable

import numpy as np

from tastemate.errors import ConfigError

_VERSION = 1
_HASH = 8


def write(request: str, rows: Iterable[int]) -> str:
    """Return the cursor of a request (a text that says all of it) after these rows."""
    shown = np.fromiter(rows, dtype=np.int64)
    bits = np.zeros(int(shown.max()) + 1 if len(shown) else 0, dtype=np.uint8)
    bits[shown] = 1
    packed = zlib.compress(np.packbits(bits).tobytes(), 6)
    return base64.urlsafe_b64encode(bytes([_VERSION]) + _digest(request) + packed).decode()


def read(cursor: str, request: str, items: int) -> frozenset[int]:
    """Return the rows shown before; raise `ConfigError` for the cursor of something else."""
    wrong = ConfigError("The cursor is not one of this service. Send it as it came, or leave it.")
    try:
        raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None
    if raw[:1] != bytes([_VERSION]):
        raise wrong
    if raw[1 : 1 + _HASH] != _digest(request):
        raise ConfigError(
            "The cursor belongs to another request. The next page is the same request, with the "
            "cursor and nothing else changed."
        )
    most = (items + 7) // 8
    engine = zlib.decompressobj()
    try:
        packed = engine.decompress(raw[1 + _HASH :], most + 1)  # never more than a catalogue's
    except zlib.error:
        raise wrong from None
    if len(packed) > most:
        raise ConfigError("The cursor is of another catalogue. Begin again without it.")
    if not engine.eof or engine.unused_data:
        raise wrong
    rows = np.flatnonzero(np.unpackbits(np.frombuffer(packed, dtype=np.uint8)))
    if len(rows) and rows[-1] >= items:
        raise ConfigError("The cursor is of another catalogue. Begin again without it.")
    return frozenset(rows.tolist())


def _digest(request: str) -> bytes:
    return hashlib.sha256(request.encode("utf-8", "replace")).digest()[:_HASH]
