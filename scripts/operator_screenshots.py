"""Make the pictures of the operator's page: a real server over a store that was lived in.

    python scripts/operator_screenshots.py

The people are those of the films sample; what they do with their lists is drawn by a seed: likelier
at the top, no taste in it. The pictures show what the page looks like, no finding.
"""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from screenshots import CHROMIUM, FLAGS, IMAGES, SIZES, page_of, ready, shot
from tastemate.experiment.assign import arm_of
from tastemate.experiment.definition import Experiment
from tastemate.experiment.reading import read
from tastemate.project import Tastemate
from tastemate.serve.app import create_app
from tastemate.serve.service import Service
from tastemate.serve.settings import Serving
from tastemate.store.impressions import Impression
from tastemate.types import Controls, Recommendation, Signal

PEOPLE = 400
DAYS = 14
DAY = 86_400
KINDS = ("click", "like", "save", "view", "play")
SHARES = (0.45, 0.2, 0.1, 0.15, 0.1)
SAID = (
    ("unfair", "Only big studios here"),
    ("wrong", "I said no horror"),
    ("unfair", "Nothing from my country"),
    ("other", "The list never changes"),
)
TABS = ("quality", "data", "fairness", "experiments", "log")


def trial(now: int) -> Experiment:
    """Return an experiment that began ten days ago."""
    return read(
        {
            "id": "half-way-to-fair",
            "arms": [
                {"name": "as-it-is", "share": 0.5},
                {"name": "fairer", "share": 0.5, "overrides": {"fair": 0.5}},
            ],
            "control": "as-it-is",
            "started": now - 10 * DAY,
            "expected": PEOPLE,
            "note": "Do people take as much from a list that is half-way to fair?",
        }
    )


def lived(tm: Tastemate) -> None:
    """Let people be shown lists and take from them, two weeks long."""
    rng, now = np.random.default_rng(0), int(time.time())
    people = tm.interactions.users[:PEOPLE]
    asked = trial(now)
    tm.store.experiments.put(asked.as_json())
    for back in range(DAYS, -1, -1):
        at = now - back * DAY - 120
        who = [people[place] for place in rng.choice(PEOPLE, PEOPLE // 4, replace=False)]
        arms = [arm_of(asked, user) if at >= asked.since else "" for user in who]
        queries = [
            tm.query(user, controls=Controls(fair=0.5 if arm == "fairer" else 0.0))
            for user, arm in zip(who, arms, strict=True)
        ]
        rows: list[Impression] = []
        said: list[Signal] = []
        for user, arm, slate in zip(who, arms, tm.recommend_all(queries), strict=True):
            name = f"{back}-{user}"
            told = f"{asked.id}={arm}" if arm else ""
            for line in slate.items:
                rows.append(
                    Impression(
                        name, user, "", line.item.id, line.rank, 1.0, line.score, told, at=at
                    )
                )
                said += taken(rng, name, user, line, at)
        tm.store.impressions.add(rows)
        tm.record(said)
    for user, (kind, text) in zip(people, SAID, strict=False):
        tm.store.complaints.add(user, "", "", kind, text)
    tm.store.audit.write("local", "key.make", "ops", {"scopes": ["admin"]})


def taken(
    rng: np.random.Generator, name: str, user: str, line: Recommendation, at: int
) -> list[Signal]:
    """Return what somebody does about one line: nothing most of the time."""
    chance, drawn = 0.28 / np.sqrt(line.rank), rng.random()
    if drawn >= chance + 0.03:
        return []
    kind = str(rng.choice(KINDS, p=SHARES)) if drawn < chance else "dislike"
    made = f"{name}-{line.rank}"
    return [Signal(made, user, line.item.id, kind, 0.0, at + 60, "", name, line.rank)]


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Serve the sample over a store with a past; yield the address once it is ready."""
    tm = Tastemate.open("films", home=home)
    lived(tm)
    tm.store.jobs.make("train", {})
    app = create_app(Service(tm, Serving(log_file="none")))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not (server.started and server.servers):
        time.sleep(0.05)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    ready(url)
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(30)


def user(page: Page, url: str) -> None:
    """Look at one list with something turned up."""
    page.goto(f"{url}/operator#user/p001")
    page.wait_for_selector(".result .facts")
    page.locator("#turn-diversity").fill("0.4")
    page.locator("#turn-fair").fill("1")
    with page.expect_response(lambda answer: "fair=1" in answer.url):
        page.click("form.ask button[type=submit]")
    page.wait_for_selector(".result:not([aria-busy]) figure svg")


def pictures(browser: Browser, url: str) -> None:
    """Show every tab, wide in light and narrow in dark."""
    for width, theme in zip(SIZES, ("light", "dark"), strict=True):
        page = page_of(browser, width, theme)
        user(page, url)
        shot(page, f"operator-user-{width}")
        page.get_by_role("heading", name="How the order came about").evaluate(
            "one => one.scrollIntoView({ block: 'start' })"
        )
        shot(page, f"operator-stages-{width}")
        for name in TABS:
            page.evaluate("scrollTo(0, 0)")
            page.click(f"#tab-{name}")
            page.wait_for_selector(f"#panel-{name}:not([hidden]):not([aria-busy]) h2")
            shot(page, f"operator-{name}-{width}")
        page.context.close()


def main() -> None:
    """Make all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with served(Path(folder)) as url:
            pictures(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
