"""The files of the page go wherever the package goes."""

from tastemate.serve.routes.page import FOLDER, read_shelf

NEEDED = ("index.html", "icon.svg", "early.js", "app.js", "api.js", "tokens.css", "base.css")


def test_package_holds_the_page():
    shelf = read_shelf()
    assert set(NEEDED) <= set(shelf.assets)
    assert FOLDER.parent.name == "serve"


def test_every_import_and_link_leads_to_a_file():
    import re

    shelf = read_shelf()
    for name, asset in shelf.assets.items():
        text = asset.body.decode("utf-8", "replace")
        if name.endswith(".js"):
            for other in re.findall(r'from "\./([^"]+)"', text):
                assert other in shelf.assets, (name, other)
        if name.endswith(".html"):
            for other in re.findall(r'"/static/([^"]+)"', text):
                assert other in shelf.assets, (name, other)


def test_release_changes_with_any_file(tmp_path):
    (tmp_path / "index.html").write_text('<script src="/static/app.js"></script>')
    (tmp_path / "app.js").write_text("1")
    before = read_shelf(tmp_path)
    (tmp_path / "app.js").write_text("2")
    after = read_shelf(tmp_path)
    assert before.release != after.release
    assert before.page("index.html").etag != after.page("index.html").etag
    assert after.lasts(f"@{after.release}")
    assert not after.lasts(f"@{before.release}")
