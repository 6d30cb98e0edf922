"""Where public data sets come from, under which licence, and how they are fetched.

A download goes to a `.part` file and goes on from there when it was broken off; only a file whose
checksum fits is unpacked, beside its final place, and renamed into it.
"""

import gzip
import hashlib
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tastemate.errors import DataError, FormatError, Unavailable, UnknownDataset, nearest
from tastemate.protocols import Progress

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 4
"""How often a broken download is taken up again before giving up."""

MAX_UNPACKED = 8 << 30
"""An archive that would unpack to more bytes than this is refused."""

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Source:
    """One file to fetch."""

    url: str
    sha256: str = ""
    """Pinned checksum; where empty, `md5_url` is asked, or a .gz is read through."""
    md5_url: str = ""

    @property
    def file(self) -> str:
        """The name under which the file is kept."""
        return PurePosixPath(self.url).name


@dataclass(frozen=True, slots=True)
class Recipe:
    """A public data set: what it is, its licence, and its files."""

    name: str
    summary: str
    licence: str
    sources: tuple[Source, ...]


_GROUPLENS = "https://files.grouplens.org/datasets/movielens"
_AMAZON_2014 = "https://snap.stanford.edu/data/amazon/productGraph/categoryFiles"
_AMAZON_2018 = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2"
_GROUPLENS_LICENCE = "GroupLens: research use, no commercial use without permission"
_AMAZON_LICENCE = "research use; cite the authors; do not pass it on"


def _movielens(name: str, summary: str, sha256: str = "") -> Recipe:
    url = f"{_GROUPLENS}/{name}.zip"
    return Recipe(name, summary, _GROUPLENS_LICENCE, (Source(url, sha256, f"{url}.md5"),))


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _movielens(
            "ml-latest-small",
            "100,836 ratings of 9,742 films by 610 people, tags (2018)",
            "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        ),
        _movielens("ml-100k", "100,000 ratings of 1,682 films by 943 people (1998)"),
        _movielens("ml-1m", "1,000,209 ratings of 3,883 films by 6,040 people (2000)"),
        _movielens("ml-25m", "25,000,095 ratings of 62,423 films by 162,541 people (2019)"),
        Recipe(
            "amazon-beauty",
            "Amazon Beauty, 5-core reviews and metadata (2014)",
            _AMAZON_LICENCE,
            (
                Source(f"{_AMAZON_2014}/reviews_Beauty_5.json.gz"),
                Source(f"{_AMAZON_2014}/meta_Beauty.json.gz"),
            ),
        ),
        Recipe(
            "amazon-games",
            "Amazon Video Games, 5-core reviews and metadata (2018)",
            _AMAZON_LICENCE,
            (
                Source(f"{_AMAZON_2018}/categoryFilesSmall/Video_Games_5.json.gz"),
                Source(f"{_AMAZON_2018}/metaFiles2/meta_Video_Games.json.gz"),
            ),
        ),
    )
}


def fetch(name: str, dest: Path, progress: Progress | None = None) -> Path:
    """Download a data set into the folder `dest`/`name` and return it; done already is done.

    Raises `UnknownDataset`, `Unavailable` (no network; run it again to go on), `FormatError`
    (checksum or archive wrong) or `DataError` (the disk).
    """
    if name not in RECIPES:
        raise UnknownDataset(
            f"There is no recipe for {name!r}.{nearest(name, RECIPES)} Known: {', '.join(RECIPES)}."
        )
    return fetch_recipe(RECIPES[name], dest, progress)


def fetch_recipe(recipe: Recipe, dest: Path, progress: Progress | None = None) -> Path:
    """Download what a recipe names; see `fetch`."""
    folder = dest / recipe.name
    if folder.is_dir():
        return folder
    parts = dest / f".{recipe.name}.parts"
    fresh = dest / f".{recipe.name}.fresh"
    tell = progress or _silent
    try:
        parts.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for source in recipe.sources:
            path = _download(source, parts, tell)
            if path.suffix == ".zip":
                unzip(path, fresh)
            else:
                shutil.move(path, fresh / path.name)
        inner = list(fresh.iterdir())
        (inner[0] if len(inner) == 1 and inner[0].is_dir() else fresh).rename(folder)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(parts, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"The data set cannot be written to {dest} ({error}). Free some space there, or set "
            "TASTEMATE_CACHE to another folder."
        ) from error
    tell(recipe.name, 1.0)
    return folder


def unzip(archive: Path, folder: Path) -> None:
    """Unpack into a folder; raise `FormatError` for an archive that is broken or writes outside."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = content.infolist()
            for member in members:
                _check_member(archive, member)
            if sum(member.file_size for member in members) > MAX_UNPACKED:
                raise FormatError(
                    f"{archive.name} would unpack to over {MAX_UNPACKED >> 30} GB and was refused. "
                    "Check where it came from."
                )
            content.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise FormatError(
            f"{archive.name} is not a sound zip archive ({error}). Delete it and fetch again."
        ) from error


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    path = PurePosixPath(name)
    link = stat.S_ISLNK(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or link:
        raise FormatError(
            f"{archive.name} holds {member.filename!r}, which would be written outside its "
            "folder. It was not unpacked; check where it came from."
        )


def _download(source: Source, parts: Path, tell: Progress) -> Path:
    """Return the whole, verified file."""
    import httpx

    done = parts / source.file
    part = parts / f"{source.file}.part"
    if not done.exists():
        with httpx.Client(timeout=httpx.Timeout(60, connect=15), follow_redirects=True) as client:
            for attempt in range(ATTEMPTS):
                try:
                    _receive(client, source.url, part, lambda at: tell(source.file, at))
                    break
                except httpx.HTTPError as error:
                    refused = isinstance(error, httpx.HTTPStatusError)
                    if refused or attempt == ATTEMPTS - 1:
                        raise Unavailable(_unreachable(source.url, part, error)) from error
            _verify(client, source, part)
        part.rename(done)
    return done


def _receive(client: "httpx.Client", url: str, part: Path, tell: Callable[[float], None]) -> None:
    """Append what is still missing of a file, or start over where the server cannot resume."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as reply:
        if reply.status_code == 416:
            # Nothing is left to send: the checksum decides whether the part is the file.
            return
        reply.raise_for_status()
        if reply.status_code != 206 or not _continues(reply.headers, have):
            have = 0
        total = have + int(reply.headers.get("Content-Length", 0))
        with part.open("ab" if have else "wb") as out:
            for chunk in reply.iter_raw():
                out.write(chunk)
                have += len(chunk)
                tell(min(have / total, 0.99) if total else 0.0)


def _continues(headers: "httpx.Headers", have: int) -> bool:
    return str(headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _verify(client: "httpx.Client", source: Source, part: Path) -> None:
    """Raise `FormatError`, and forget the part, when it is not the published file."""
    expected, kind = source.sha256, "sha256"
    if not expected and source.md5_url:
        expected, kind = _published_md5(client, source), "md5"
    if expected:
        with part.open("rb") as stream:
            got = hashlib.file_digest(stream, kind).hexdigest()
        problem = "" if got == expected else f"its {kind} is {got}, published is {expected}"
    else:
        problem = _damage(part, source.file)
    if problem:
        part.unlink()
        raise FormatError(
            f"{source.file} from {source.url} is not the published file: {problem}. It was "
            "deleted; fetch it again."
        )


def _published_md5(client: "httpx.Client", source: Source) -> str:
    import httpx

    try:
        reply = client.get(source.md5_url)
        reply.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(
            f"The checksum {source.md5_url} cannot be read ({error}). The download is kept; "
            "run the same command again."
        ) from error
    found = re.search(r"\b[0-9a-fA-F]{32}\b", reply.text)
    if found is None:
        raise FormatError(
            f"{source.md5_url} holds no md5 checksum. The download is kept but not used; "
            "check the address in a browser."
        )
    return found[0].lower()


def _damage(part: Path, name: str) -> str:
    """Read a compressed file through: its own check sum tells damage from completeness."""
    if not name.endswith(".gz"):
        return ""
    try:
        with gzip.open(part, "rb") as stream:
            while stream.read(_CHUNK << 4):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return f"it is damaged ({error})"
    return ""


def _unreachable(url: str, part: Path, error: Exception) -> str:
    kept = f"{part.stat().st_size:,} bytes are kept; " if part.exists() else ""
    return (
        f"{url} cannot be fetched ({error or type(error).__name__}). {kept}"
        "check the network and run the same command again, or put the unpacked data set into "
        "a folder of that name in TASTEMATE_DATA."
    )


def _silent(_what: str, _share: float) -> None:
    return None
