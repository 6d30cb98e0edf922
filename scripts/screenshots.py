"""Make the pictures of the page in docs/images: a real server, a real browser, a made-up visitor.

    python scripts/screenshots.py [--only films|books] [--books FOLDER]

Films are the bundled sample; books are goodbooks where it lies (TASTEMATE_DATA), else left out.
A picture that would be larger than 300 kB is brought down to 256 colours.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent.parent / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SIZES = {1280: 900, 360: 760}
MOST = 300_000
"""Bytes of a picture."""
PICKS = (0, 2, 4, 6, 8, 11)
"""Places of what the visitor picks on the first screen."""


@contextmanager
def served(home: Path, noun: str, dataset: str) -> Iterator[str]:
    """Serve a data set in a new folder; yield the address once it is ready."""
    home.mkdir()
    tables = {"data": ("dataset", dataset), "chat": ("noun", noun), "serve": ("log_file", "none")}
    text = "".join(f'[{name}]\n{key} = "{value}"\n' for name, (key, value) in tables.items())
    (home / "tastemate.toml").write_text(text, encoding="utf-8")
    start = "from tastemate.cli.main import run; run()"
    command = [sys.executable, "-c", start, "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            ready(url)
            yield url
        finally:
            server.terminate()


def ready(url: str, seconds: float = 900.0) -> None:
    """Wait until a server answers lists."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/health/ready", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"{url} was not ready after {seconds:.0f} seconds.")


def page_of(browser: Browser, width: int, theme: Any) -> Page:
    """Return a new visitor's page."""
    size = {"width": width, "height": SIZES[width]}
    context = browser.new_context(
        viewport=size, color_scheme=theme, reduced_motion="reduce", has_touch=width < 500
    )
    return context.new_page()


def begun(page: Page, url: str) -> None:
    """Open the page and pick a few things."""
    page.goto(url)
    page.wait_for_selector(".pick")
    for at in PICKS:
        page.locator(".pick").nth(at).click()


def listed(page: Page) -> None:
    """Go on to the list."""
    page.locator(".pick-bar [type=submit]").click()
    page.wait_for_selector(".card .why")
    page.mouse.move(0, 0)


def talked(page: Page, message: str) -> None:
    """Say something in the chat and wait for the answer."""
    page.locator(".views [data-to=chat]").click()
    page.locator("#message").fill(message)
    page.keyboard.press("Enter")
    page.wait_for_selector("#chat .row-item", timeout=60_000)
    page.wait_for_selector("[aria-label=Send]:visible")
    page.wait_for_timeout(600)


def shot(page: Page, name: str) -> None:
    """Keep what is on the screen as a small picture."""
    from PIL import Image

    page.wait_for_timeout(300)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        whole = picture.convert("RGB")
    whole.save(path, optimize=True)
    if path.stat().st_size > MOST:
        whole.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(IMAGES.parent.parent)}  {size / 1000:.0f} kB")
    if size > MOST:
        raise SystemExit(f"{path.name} is larger than {MOST} bytes; show less in it.")


def films(browser: Browser, url: str) -> None:
    """Show the whole way, small and large, light and dark."""
    for width in SIZES:
        for theme in ("light", "dark"):
            page = page_of(browser, width, theme)
            begun(page, url)
            page.evaluate("scrollTo(0, 0)")
            shot(page, f"start-{width}-{theme}")
            listed(page)
            shot(page, f"feed-{width}-{theme}")
            talked(page, "something funny, not too violent")
            shot(page, f"chat-{width}-{theme}")
            page.locator(".views [data-to=feed]").click()
            page.locator(".card .open").first.click()
            page.mouse.move(0, 0)
            shot(page, f"why-{width}-{theme}")
            page.keyboard.press("Escape")
            page.locator(".views [data-to=you]").click()
            page.wait_for_selector(".statement")
            shot(page, f"you-{width}-{theme}")
            page.context.close()


def books(browser: Browser, url: str) -> None:
    """Show that the same page serves books."""
    for width, theme in ((1280, "light"), (360, "dark")):
        page = page_of(browser, width, theme)
        begun(page, url)
        page.evaluate("scrollTo(0, 0)")
        shot(page, f"books-start-{width}-{theme}")
        listed(page)
        shot(page, f"books-feed-{width}-{theme}")
        page.context.close()


def main() -> None:
    """Make all pictures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--books", default="goodbooks", help="Data of books; default goodbooks.")
    asked.add_argument("--only", choices=("films", "books"), default="", help="Make only these.")
    said = asked.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    there = Path(os.environ.get("TASTEMATE_DATA", "")) / "goodbooks"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        if said.only != "books":
            with served(Path(folder) / "films", "films", "films") as url:
                films(browser, url)
        if said.only != "films" and (there.is_dir() or Path(said.books).is_dir()):
            with served(Path(folder) / "books", "books", said.books) as url:
                books(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
