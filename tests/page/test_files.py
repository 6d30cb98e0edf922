"""The files of the page: types, caching, and nothing a content policy would refuse."""

import re
from pathlib import Path

import httpx
import pytest

from tastemate.errors import NotFound
from tastemate.serve.routes.page import FOLDER, read_shelf

PAGES = sorted(FOLDER.glob("*.html"))
SCRIPTS = sorted(FOLDER.glob("*.js"))


def test_page_names_its_files_by_release_and_they_last(films):
    page = httpx.get(f"{films.url}/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    files = re.findall(r'"(/static/[^"]+)"', page.text)
    assert len(files) >= 6
    for name in files:
        file = httpx.get(f"{films.url}{name}")
        assert file.status_code == 200, name
        assert "immutable" in file.headers["cache-control"], name
        kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
        assert file.headers["content-type"].startswith(kind[name.rsplit(".", 1)[1]]), name
        assert file.headers["x-content-type-options"] == "nosniff"


def test_undated_file_is_asked_for_again_and_not_sent_twice(films):
    first = httpx.get(f"{films.url}/static/app.js")
    assert first.headers["cache-control"] == "no-cache"
    again = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    second = httpx.get(f"{films.url}/static/app.js", headers=again)
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["etag"] == first.headers["etag"]


def test_other_release_is_not_kept_for_good(films):
    old = httpx.get(f"{films.url}/static/@000000000000/app.js")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")


def test_head_has_no_body(films):
    answer = httpx.head(f"{films.url}/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 500


@pytest.mark.parametrize(
    "path",
    [
        *("nothing.js", "../app.py", "%2e%2e/app.py", "..%2fapp.py", "/etc/passwd"),
        *("@x/../app.py", "page.py", "app.js/", "", "@", "%00", "app.js%00.css", "\\app.py"),
    ],
)
def test_nothing_but_the_files_of_the_page(films, path):
    answer = httpx.get(f"{films.url}/static/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_shelf_holds_pages_and_no_code(tmp_path):
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "secret.py").write_text("1")
    shelf = read_shelf(tmp_path)
    assert list(shelf.assets) == ["a.js"]
    with pytest.raises(NotFound, match="page"):
        shelf.asset("secret.py")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_hold_no_code_and_no_styles(path: Path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text, re.I)
    for tag in re.findall(r"<script[^>]*>", text):
        assert "src=" in tag
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_never_make_markup_of_text(path: Path):
    text = path.read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in text
    assert "new Function" not in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert len(text.splitlines()) <= 350
