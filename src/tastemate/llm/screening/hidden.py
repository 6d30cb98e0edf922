"""Texts that hide what they say: look-alike letters, encodings, words taken apart.

`hidden` names what no honest title has; `revealed` gives the readings of a text that a model
could make of it, each to be screened.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

LOOKED = 400
"""Characters of a text that are looked at; more is never shown of one that is screened."""
_FORMAT = frozenset(("Cc", "Cf", "Co", "Cs", "Cn", "Sk", "So", "Zl", "Zp"))
_KEPT = frozenset("°♥★☆♡^\u200c\u200d")
_JOINERS = re.compile("[\u200c\u200d]")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f\u2800-\u28ff]")
_FLAGS = re.compile("[\U0001f1e6-\U0001f1ff]{4,}")
_ODD = re.compile("[\u0250-\u02af\u1d00-\u1dbf\ua720-\ua7ff]")
_ALIKE = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "DESERET")
_WORD = re.compile(r"[^\W\d_]+")
_ESCAPES = re.compile(r"(?i)(?:%[0-9a-f]{2}.?){3,}|(?:\\u[0-9a-f]{4}){2,}|(?:\\x[0-9a-f]{2}){3,}"
                      r"|(?:&#x?[0-9a-f]+;.?){2,}")  # fmt: skip
_BINARY = re.compile(r"(?:[01]{7,8}\W*){3,}")
_MORSE = re.compile(r"(?:[.·•\-−–_]{1,5}[ /]+){7,}")
_CODES = re.compile(r"(?:\b(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])\b[ ,;]+){7,}")
_HEX = re.compile(r"(?i)(?:0x)?((?:[0-9a-f]{2}[ :]?){8,})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_BASE32 = re.compile(r"\b[A-Z2-7]{16,}={0,6}")
_SPACED = re.compile(r"(?:(?<![^\W_])[^\W\d_][\s.\-_*·,/|+]+){4,}[^\W\d_](?![^\W_])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LEET = re.compile(r"[^\W_]*(?:[a-zA-Z][0134578@$!|]|[0134578@$!|][a-zA-Z])[\w@$!|]*")
_PLAIN = str.maketrans("034578@$|", "oeastbasl")


def unseen(text: str) -> str:
    """Return a text without characters that are not read: controls, formats, pictures."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        sign if sign in _KEPT or unicodedata.category(sign) not in _FORMAT else
        " " if sign in "\t\r\n\u2028\u2029\x0b\x0c\x85" else ""
        for sign in text
    )  # fmt: skip


def hidden(text: str) -> bool:
    """Whether a text hides what it says: overrides, encodings, words of two alphabets."""
    if _ESCAPES.search(text) or _BINARY.search(text) or _MORSE.search(text) or _CODES.search(text):
        return True
    if _encoded(text):
        return True
    if text.isascii():
        return False
    if _OVERRIDES.search(text) or _FLAGS.search(text) or len(_ODD.findall(text)) >= 3:
        return True
    plain = _JOINERS.sub("", unicodedata.normalize("NFKC", text))
    return any(_mixed(word) for word in _WORD.findall(plain) if not word.isascii())


def revealed(text: str) -> Iterator[str]:
    """Yield the readings of a text: as it stands, and without its disguises."""
    plain = _JOINERS.sub("", unseen(unicodedata.normalize("NFKC", text)))
    if not plain.isascii():
        apart = unicodedata.normalize("NFD", plain)
        bare = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
        plain = unicodedata.normalize("NFC", bare)
    plain = re.sub(r"([^\W\d])\1{2,}", r"\1", plain)[:LOOKED]
    yield plain
    if "&" in plain or "%" in plain:
        yield unquote(html.unescape(plain))
    if _LEET.search(plain):
        yield _LEET.sub(lambda word: _unleet(word[0], "i"), plain)
        yield _LEET.sub(lambda word: _unleet(word[0], "l"), plain)
    if _SPACED.search(plain):
        yield _SPACED.sub(lambda run: re.sub(r"[\W_]+", "", run[0]), plain)
        yield re.sub(r"[\W_]+", "", plain)
    if _CAMEL.search(plain):
        yield _CAMEL.sub(" ", plain)


def turned(text: str) -> Iterator[str]:
    """Yield a text backwards and with its letters rotated by thirteen."""
    yield text[::-1]
    yield codecs.encode(text, "rot13")


def _unleet(word: str, one: str) -> str:
    return word.translate(_PLAIN).replace("1", one).replace("!", "i")


def _mixed(word: str) -> bool:
    names = [unicodedata.name(sign, "") for sign in word]
    latin = any(name.startswith("LATIN") for name in names)
    return latin and any(name.startswith(_ALIKE) for name in names)


def _encoded(text: str) -> bool:
    """Whether a run of a text decodes to readable text, or can only be a code."""
    for run in _BASE64.findall(text):
        kinds = (str.isupper, str.islower, str.isdigit)
        if len(run) >= 20 and all(any(map(kind, run)) for kind in kinds):
            return True
    runs = [(run, _from_base64) for run in _BASE64.findall(text)]
    runs += [(run, _from_base32) for run in _BASE32.findall(text)]
    runs += [(run, _from_hex) for run in _HEX.findall(text)]
    return any(_readable(run, decode) for run, decode in runs)


def _readable(run: str, decode: Callable[[str], bytes]) -> bool:
    """Whether a run decodes to text that reads like words."""
    try:
        said = decode(run).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    letters = sum(sign.isalpha() or sign == " " for sign in said)
    return len(said) >= 6 and said.isprintable() and letters >= 0.8 * len(said)


def _from_base64(run: str) -> bytes:
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def _from_base32(run: str) -> bytes:
    bare = run.rstrip("=")
    return base64.b32decode(bare + "=" * (-len(bare) % 8))


def _from_hex(run: str) -> bytes:
    return bytes.fromhex(re.sub(r"[ :]", "", run))
