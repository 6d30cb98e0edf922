"""The operator's page in a real browser: tabs by keyboard, plots with numbers, nothing cut off."""

import time

import pytest

from tastemate.store.impressions import Impression
from tastemate.types import Signal

TABS = ("user", "quality", "data", "fairness", "experiments", "jobs", "cost", "log")


@pytest.fixture(scope="module")
def desk(films):
    """The films site, with lists that were shown and taken from, on two days."""
    tm = films.service.project
    users, ids, now = tm.interactions.users[:12], tm.catalog.ids, int(time.time())
    rows, said = [], []
    for day in (1, 0):
        at = now - day * 86_400 - 60
        for user in users:
            name = f"desk-{day}-{user}"
            rows += [
                Impression(name, user, "", ids[40 * place + day], place + 1, at=at)
                for place in range(6)
            ]
            said.append(
                Signal(f"{name}-s", user, ids[day], "like", 0.0, at + 5, "", name, position=1)
            )
    tm.store.impressions.add(rows)
    tm.record(said)
    tm.store.complaints.add("<b>mallory</b>", "", "", "unfair", "<img src=x onerror=alert(1)>")
    return films


def opened(tab, desk, where="", **context):
    made = tab(**context)
    made.page.goto(f"{desk.url}/operator{where}")
    return made.page


def without(made, status):
    """Forget what the browser itself logs of an answer that is an error."""
    made.said = [one for one in made.said if str(status) not in one]


def panel(page, name):
    page.wait_for_selector(f"#panel-{name}:not([hidden]):not([aria-busy])")
    return page.locator(f"#panel-{name}")


def test_tabs_go_by_keyboard_and_each_has_its_panel(desk, tab):
    page = opened(tab, desk, "#user")
    page.locator("#tab-user").focus()
    for name in TABS[1:]:
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.id") == f"tab-{name}"
        assert page.locator("#tabs [aria-selected=true]").get_attribute("id") == f"tab-{name}"
        assert panel(page, name).locator("h2").count() == 1
        assert page.locator("[role=tabpanel]:not([hidden])").count() == 1
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.id") == "tab-user"
    assert page.evaluate("location.hash") == "#user"


def test_a_list_stage_by_stage(desk, tab):
    page = opened(tab, desk)
    page.fill("#who", "p003")
    page.locator("#turn-diversity").fill("0.8")
    page.click("form.ask button[type=submit]")
    page.wait_for_selector(".result .facts")
    result = page.locator(".result")
    assert result.locator("figure svg").count() >= 2
    lines = result.locator("table", has_text="What is sent").locator("tbody tr")
    assert lines.count() == 10
    assert "Ranks of the first" in result.inner_text()
    why = lines.first.locator("details.why")
    why.locator("summary").click()
    assert why.locator("li").count() >= 1
    prompt = result.locator("details.prompt").first
    prompt.locator("summary").click()
    assert "Candidates" in prompt.locator("pre").last.inner_text()
    assert page.evaluate("location.hash") == "#user/p003"


def test_a_user_by_address_and_one_nobody_knows(desk, tab):
    made = tab()
    page = made.page
    page.goto(f"{desk.url}/operator#user/p004")
    page.wait_for_selector(".result .facts")
    assert page.input_value("#who") == "p004"
    asked = []
    page.on("response", lambda answer: asked.append(answer.status))
    page.fill("#who", "nobody at all/?#")
    with page.expect_response(lambda answer: "/operator/user/" in answer.url):
        page.click("form.ask button[type=submit]")
    page.wait_for_selector(".result .problem")
    assert "nobody at all/?#" in page.locator(".result .problem").inner_text()
    assert 404 in asked
    without(made, 404)


def test_plots_have_names_numbers_and_a_readout_by_arrow_keys(desk, tab):
    page = opened(tab, desk, "#quality")
    shown = panel(page, "quality")
    drawing = shown.locator("figure svg[role=img]").first
    drawing.wait_for()
    assert "Clicked and accepted" in drawing.get_attribute("aria-label")
    readout = shown.locator(".readout").first
    last = readout.inner_text()
    drawing.focus()
    page.keyboard.press("ArrowLeft")
    assert readout.inner_text() != last
    assert "17%" in readout.inner_text()
    behind = shown.locator("details.behind").first
    behind.locator("summary").click()
    assert behind.locator("tbody tr").count() == 2
    assert shown.locator("table caption").count() == shown.locator("table").count()


def test_fairness_shows_groups_with_intervals_and_says_where_there_are_too_few(desk, tab):
    page = opened(tab, desk, "#fairness")
    shown = panel(page, "fairness")
    shown.locator("figure svg").first.wait_for()
    text = shown.inner_text()
    assert "Attention by popularity" in text
    assert "unfair" in text
    country = shown.locator("details.block", has_text="country")
    country.locator("summary").first.click()
    assert country.locator("small.interval").count() > 0
    assert country.locator(".few").count() > 0


def test_jobs_say_what_they_do_what_they_failed_of_or_what_came_of_them(desk, tab):
    queue = desk.service.project.store.jobs
    ends = {
        "done": lambda job: queue.finish(job, "w", {"model_version": "fast-1"}),
        "failed": lambda job: queue.fail(job, "w", "The disk is full."),
        "cancelled": lambda job: queue.cancel(job),
        "running": lambda job: None,
    }
    ids = {}
    for state, end in ends.items():
        job = ids[state] = queue.make("train", {})
        while (claimed := queue.claim("w")) is not None and claimed.id != job:
            queue.cancel(claimed.id)
        queue.tell(job, "w", 0.5, "fitting wanted")
        end(job)
    page = opened(tab, desk, "#jobs")
    shown = panel(page, "jobs")

    def says(state):
        return shown.locator("tr", has_text=ids[state]).locator("td").nth(3).inner_text()

    assert says("done") == "model fast-1"
    assert says("failed") == "The disk is full. (fitting wanted)"
    assert says("cancelled") == ""
    assert says("running") == "fitting wanted"
    queue.cancel(ids["running"])


def test_what_people_write_stays_text(desk, tab):
    made = tab()
    page = made.page
    page.goto(f"{desk.url}/operator#log")
    shown = panel(page, "log")
    assert "<img src=x onerror=alert(1)>" in shown.inner_text()
    assert shown.locator("img").count() == 0
    shown.locator("button.link", has_text="<b>mallory</b>").click()
    page.wait_for_selector(".result .problem")
    assert page.input_value("#who") == "<b>mallory</b>"
    without(made, 404)


def tried(store, now):
    """Keep three experiments that are over, from before the days that quality looks at."""
    start = now - 61 * 86_400
    over = {"state": "stopped", "started": start, "stopped": start + 9_000}
    mixed = {"diversity": 0.4}
    halves = [{"name": "old", "share": 0.5}, {"name": "new", "share": 0.5, "overrides": mixed}]
    both = [{"name": "old"}, {"name": "new", "overrides": {"novelty": 0.5}}]
    metric = {"signals": ["click"], "window": 600}
    for one in (
        {"id": "halves", "arms": halves, "metric": metric},
        {"id": "drafted", "arms": both, "metric": metric, "kind": "interleave", "traffic": 0.5},
        {"id": "unmet", "arms": halves, "metric": metric, "note": "nobody <b>met</b> it"},
    ):
        store.experiments.put(one | over)
    rows, said = [], []
    for at in range(240):
        user, arm = f"tried-{at}", ("old", "new")[at % 2]
        for place, side in enumerate((arm, "new" if arm == "old" else "old"), start=1):
            team = f"drafted={side};halves={arm}"
            one = Impression(f"t{at}", user, "", side, place, arm=team, at=start + at)
            rows.append(one)
        if at % 3 == 0 or at % 2 == 1 and at % 5 < 3:
            item = "new" if at % 4 else "old"
            said.append(Signal(f"t{at}", user, item, "click", 0.0, start + at + 5, "", f"t{at}"))
    store.impressions.add(rows)
    store.events.record(said)


def test_experiments_say_what_they_show_and_what_may_be_believed(desk, tab):
    tried(desk.service.project.store, int(time.time()))
    page = opened(tab, desk, "#experiments")
    shown = panel(page, "experiments")
    drafted, halves, unmet = (
        shown.locator("article", has=page.locator("h3", has_text=name))
        for name in ("drafted", "halves", "unmet")
    )
    text = drafted.inner_text()
    for words in (
        "interleaved", "draft even", "Every list of 50% of the users", "success: click,",
        "within 10 minutes", "new against old: better", "lists won 108, lost 20, tied 0; wins 84%",
        "novelty 0.5", "nothing",
    ):  # fmt: skip
        assert words in text, words
    assert drafted.locator("figure svg[role=img]").count() == 1
    assert "new, any looks" in drafted.locator("svg[role=img]").get_attribute("aria-label")
    text = halves.inner_text()
    for words in ("split as planned", "Drawn by user", "diversity 0.4", "Successes per line shown"):
        assert words in text, words
    assert "new against old" in text
    text = unmet.inner_text()
    assert "nobody met it yet" in text
    assert "too early to say" in text
    assert "100 units an arm are needed" in text
    assert "nobody <b>met</b> it" in text


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_words_can_be_read(desk, tab, width, scheme):
    page = opened(
        tab, desk, "#quality", viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    for name in TABS:
        page.click(f"#tab-{name}")
        panel(page, name)
        page.wait_for_timeout(60)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{name} is wider than the window by {over}"
        low = page.evaluate(CONTRAST, f"#panel-{name}")
        assert low == [], f"{name}: {low}"


CONTRAST = """(where) => {
  const part = (c) => (c / 255 <= 0.03928 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const one of document.querySelectorAll(where + ' *')) {
    const words = [...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!words || !one.checkVisibility() || one.tagName === 'OPTION') continue;
    const style = getComputedStyle(one);
    const ink = light(numbers(one instanceof SVGElement ? style.fill : style.color));
    const paper = light(behind(one));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${one.tagName} ${one.textContent.slice(0, 30)}`);
  }
  return low.slice(0, 5);
}"""
"""Words whose contrast is below WCAG's AA, 4.5 to 1."""


def test_a_key_is_asked_for_where_one_is_wanted(desk, tab):
    store = desk.service.project.store
    made = tab()
    page = made.page
    wanted = {"status": 401, "content_type": "application/json", "body": '{"detail": "key"}'}

    def guard(route):
        given = route.request.headers.get("authorization", "")
        if given == "Bearer tm_x_secret":
            route.continue_(headers={**route.request.headers, "authorization": ""})
        else:
            route.fulfill(**wanted)

    page.route("**/v1/**", guard)
    page.goto(f"{desk.url}/operator#data")
    page.wait_for_selector("dialog[open]")
    page.fill("#key-field", "tm_x_secret")
    page.click("dialog button[type=submit]")
    assert "Data and store" in panel(page, "data").inner_text()
    assert store.keys.any() is False
    assert page.locator("dialog[open]").count() == 0
    without(made, 401)
