import gzip
import hashlib
import io
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tastemate.data import recipes
from tastemate.data.recipes import RECIPES, Recipe, Source, fetch, fetch_recipe, unzip
from tastemate.errors import DataError, FormatError, Unavailable, UnknownDataset


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zipped({"tiny/ratings.csv": "userId\n", "tiny/README": bytes(range(256)) * 2000})


class Site:
    """A server that knows Range and can break off a reply after some bytes."""

    def __init__(self):
        self.files = {}
        self.break_after = []
        self.ranges = True
        self.requests = []
        site = self

        class Reply(BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range", "")
                site.requests.append((self.path, asked))
                body = site.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                start = int(asked[6:-1]) if asked and site.ranges else 0
                if start >= len(body) > 0:
                    self.send_error(416)
                    return
                self.send_response(206 if asked and site.ranges else 200)
                if asked and site.ranges:
                    self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                self.send_header("Content-Length", str(len(body) - start))
                self.end_headers()
                stop = site.break_after.pop(0) if site.break_after else len(body)
                self.wfile.write(body[start : start + stop])
                self.close_connection = True

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Reply)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Site()
    yield running
    running.close()


def recipe(site, body=ARCHIVE, name="tiny.zip", **checks):
    site.files[f"/{name}"] = body
    return Recipe("tiny", "a test", "free", (Source(f"{site.url}/{name}", **checks),))


def digest(body, kind="sha256"):
    return hashlib.new(kind, body).hexdigest()


def test_fetch_unpacks_into_the_name(site, tmp_path):
    seen = []
    folder = fetch_recipe(
        recipe(site, sha256=digest(ARCHIVE)), tmp_path, lambda what, share: seen.append(share)
    )
    assert folder == tmp_path / "tiny"
    assert (folder / "ratings.csv").read_text() == "userId\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    asked = len(site.requests)
    assert fetch_recipe(recipe(site), tmp_path) == folder
    assert len(site.requests) == asked


def test_a_broken_download_goes_on_where_it_broke(site, tmp_path):
    site.break_after = [1000, 2000]
    folder = fetch_recipe(recipe(site, sha256=digest(ARCHIVE)), tmp_path)
    assert (folder / "README").stat().st_size == 256 * 2000
    assert [asked for _, asked in site.requests] == ["", "bytes=1000-", "bytes=3000-"]


def test_the_next_run_goes_on_too(site, tmp_path):
    site.break_after = [1000] * recipes.ATTEMPTS
    with pytest.raises(Unavailable, match="4,000 bytes are kept"):
        fetch_recipe(recipe(site, sha256=digest(ARCHIVE)), tmp_path)
    assert not (tmp_path / "tiny").exists()
    fetch_recipe(recipe(site, sha256=digest(ARCHIVE)), tmp_path)
    assert site.requests[-1][1] == "bytes=4000-"


def test_a_server_without_ranges_starts_over(site, tmp_path):
    site.ranges = False
    site.break_after = [1000]
    folder = fetch_recipe(recipe(site, sha256=digest(ARCHIVE)), tmp_path)
    assert (folder / "README").stat().st_size == 256 * 2000


def test_a_whole_part_is_only_verified(site, tmp_path):
    parts = tmp_path / ".tiny.parts"
    parts.mkdir()
    (parts / "tiny.zip.part").write_bytes(ARCHIVE)
    assert fetch_recipe(recipe(site, sha256=digest(ARCHIVE)), tmp_path).is_dir()
    assert site.requests == [("/tiny.zip", f"bytes={len(ARCHIVE)}-")]


def test_a_wrong_checksum_is_not_used_and_not_kept(site, tmp_path):
    with pytest.raises(FormatError, match="sha256 is .* published is 00"):
        fetch_recipe(recipe(site, sha256="00"), tmp_path)
    assert not (tmp_path / "tiny").exists()
    assert list((tmp_path / ".tiny.parts").iterdir()) == []


def test_the_published_md5_is_asked(site, tmp_path):
    source = recipe(site, md5_url=f"{site.url}/tiny.zip.md5")
    with pytest.raises(Unavailable, match="checksum"):
        fetch_recipe(source, tmp_path)
    site.files["/tiny.zip.md5"] = b"<html>"
    with pytest.raises(FormatError, match="no md5"):
        fetch_recipe(source, tmp_path)
    site.files["/tiny.zip.md5"] = b"MD5 (tiny.zip) = " + b"0" * 32
    with pytest.raises(FormatError, match="md5 is"):
        fetch_recipe(source, tmp_path)
    site.files["/tiny.zip.md5"] = f"{digest(ARCHIVE, 'md5').upper()}  tiny.zip\n".encode()
    assert fetch_recipe(source, tmp_path).is_dir()


def test_plain_files_are_kept_and_a_damaged_gz_is_not(site, tmp_path):
    body = gzip.compress(b"{}" * 1000)
    with pytest.raises(FormatError, match="damaged"):
        fetch_recipe(recipe(site, body[:-9], "reviews.json.gz"), tmp_path)
    folder = fetch_recipe(recipe(site, body, "reviews.json.gz"), tmp_path)
    assert (folder / "reviews.json.gz").read_bytes() == body
    (tmp_path / "b").mkdir()
    assert (fetch_recipe(recipe(site, b"x", "a.txt"), tmp_path / "b") / "a.txt").exists()


def test_no_network_and_no_page_say_what_to_do(site, tmp_path):
    gone = Recipe("tiny", "", "", (Source(f"{site.url}/none.zip"),))
    with pytest.raises(Unavailable, match="404.*TASTEMATE_DATA"):
        fetch_recipe(gone, tmp_path)
    assert len(site.requests) == 1
    away = Recipe("tiny", "", "", (Source("http://127.0.0.1:9/none.zip"),))
    with pytest.raises(Unavailable, match="check the network"):
        fetch_recipe(away, tmp_path)


def test_an_unknown_name_and_a_bad_folder(tmp_path):
    with pytest.raises(UnknownDataset, match="Did you mean 'ml-100k'"):
        fetch("ml-100", tmp_path)
    (tmp_path / "ml-1m").mkdir()
    assert fetch("ml-1m", tmp_path) == tmp_path / "ml-1m"
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="TASTEMATE_CACHE"):
        fetch("ml-100k", tmp_path / "file")


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil", "a/..\\..\\evil"]
)
def test_no_member_is_written_outside(tmp_path, name):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"fine": "x", name: "x"}))
    inside = tmp_path / "in"
    inside.mkdir()
    with pytest.raises(FormatError, match="outside its folder"):
        unzip(path, inside)
    assert list(inside.iterdir()) == []


def test_links_bombs_and_broken_archives_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(FormatError, match="outside"):
        unzip(path, tmp_path)
    path.write_bytes(ARCHIVE[: len(ARCHIVE) // 2])
    with pytest.raises(FormatError, match="not a sound zip"):
        unzip(path, tmp_path)
    path.write_bytes(ARCHIVE)
    monkeypatch.setattr(recipes, "MAX_UNPACKED", 1000)
    with pytest.raises(FormatError, match="was refused"):
        unzip(path, tmp_path)


def test_recipes_are_complete():
    for name, one in RECIPES.items():
        assert one.name == name
        assert one.licence
        assert one.summary
        assert all(source.url.startswith("https://") for source in one.sources)
    assert RECIPES["ml-latest-small"].sources[0].sha256.startswith("696d65a3")
    assert RECIPES["ml-1m"].sources[0].md5_url.endswith("ml-1m.zip.md5")


def test_the_pinned_checksum_is_that_of_the_official_zip(data_dir):
    body = (data_dir / "ml-latest-small" / "ml-latest-small.zip").read_bytes()
    assert digest(body) == RECIPES["ml-latest-small"].sources[0].sha256
