"""The page people use: its files, out of the package, with types and caching a browser can trust.

Every file is read once and answered by name from memory, so no path a browser sends ever reaches
the disk. `index.html` names its files under a folder called after the hash of them all
(`/static/@<hash>/…`): those never change and are kept for good; a new release has a new hash.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tastemate.errors import NotFound

if TYPE_CHECKING:
    from tastemate.serve.service import Service

FOLDER = Path(__file__).parent.parent / "page"
"""Where the files of the pages lie."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    media: str
    etag: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The files of the pages by name, and the hash of them all."""

    assets: Mapping[str, Asset]
    release: str

    def page(self, name: str) -> Asset:
        """Return an HTML page that names its files by this release; raise `NotFound`."""
        plain = self.asset(name)
        named = plain.body.replace(b'"/static/', f'"/static/@{self.release}/'.encode())
        return Asset(named, plain.media, _etag(named))

    def asset(self, name: str) -> Asset:
        """Return a file; raise `NotFound` for one that is not on the shelf."""
        try:
            return self.assets[name]
        except KeyError:
            raise NotFound("There is no such file. Go back to the page at /.") from None

    def lasts(self, folder: str) -> bool:
        """Whether a folder of a path names this release."""
        return folder == f"@{self.release}"


def read_shelf(folder: Path = FOLDER) -> Shelf:
    """Read the files of the pages; others than pages, styles, scripts and pictures are left."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES and path.is_file():
            body = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            found[name] = Asset(body, _TYPES[path.suffix], _etag(body))
    whole = "".join(f"{name}{asset.etag}" for name, asset in found.items())
    return Shelf(found, hashlib.sha256(whole.encode()).hexdigest()[:12])


def send(request: Request, asset: Asset, *, lasts: bool = False) -> Response:
    """Answer with a file, or with 304 where the browser has it already."""
    headers = {"ETag": asset.etag, "Cache-Control": _FOR_GOOD if lasts else _ASK_AGAIN}
    known = {tag.strip().removeprefix("W/") for tag in _known(request).split(",")}
    if asset.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=asset.media, headers=headers)


def router(service: "Service | None" = None) -> APIRouter:
    """Return `/`, `/operator` and `/static/…`, none of which tells anything of the data."""
    del service  # the files are the same for every service, and before there is one
    shelf = read_shelf()
    index, operator = shelf.page("index.html"), shelf.page("operator.html")
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/", methods=["GET", "HEAD"])
    def page(request: Request) -> Response:
        """Return the page."""
        return send(request, index)

    @routes.api_route("/operator", methods=["GET", "HEAD"])
    def desk(request: Request) -> Response:
        """Return the operator's page."""
        return send(request, operator)

    @routes.api_route("/static/{name:path}", methods=["GET", "HEAD"])
    def static(request: Request, name: str) -> Response:
        """Return one file of the pages."""
        folder, _, rest = name.partition("/")
        dated = folder.startswith("@")
        return send(request, shelf.asset(rest if dated else name), lasts=shelf.lasts(folder))

    return routes


def _known(request: Request) -> str:
    return request.headers.get("if-none-match", "")


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'
