"""Everybody can use it: names, structure, contrast, targets, narrow screens, no mouse at all."""

from pathlib import Path

import pytest
from tests.page.seen import expect

CHECKS = Path(__file__).with_name("access.js").read_text(encoding="utf-8")
BROKEN = """() => [...document.querySelectorAll('.cover-title')].flatMap((title) => {
  const text = [...title.childNodes].find((n) => n.nodeType === 3);
  if (!text || !title.checkVisibility()) return [];
  return [...text.data.matchAll(/[^\\s\\u002d\\u2013]+/g)].filter((word) => {
    const range = document.createRange();
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1;
  }).map((word) => word[0]);
})"""
SMALL = {"width": 360, "height": 740}
THEMES = ("light", "dark")


def overflow(page) -> int:
    """Return by how many pixels something is wider than the screen; 0 where all fits."""
    return page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)")


def broken(page) -> list[str]:
    """Return the words of covers that are broken within."""
    return page.evaluate(BROKEN)


def wrong(page) -> list[str]:
    """Return all that is wrong with what is on the screen."""
    page.wait_for_timeout(50)
    found = [*page.evaluate(CHECKS), *(f"broken: {word}" for word in broken(page))]
    return [*found, f"{overflow(page)} px too wide"] if overflow(page) else found


def walk(page) -> dict[str, list[str]]:
    """Look into every part of the page; return what is wrong in each."""
    found: dict[str, list[str]] = {}

    def check(part: str) -> None:
        found[part] = wrong(page)

    page.wait_for_selector(".pick")
    check("first screen")
    for at in range(5):
        page.locator(".pick").nth(at).click()
    check("picked")
    page.locator(".pick-bar [type=submit]").click()
    page.wait_for_selector(".card .open")
    check("list")
    page.locator(".card .menu-box > button").first.click()
    check("menu")
    page.get_by_role("menuitem", name="Why is this here?").click()
    check("why")
    page.keyboard.press("Escape")
    page.locator(".card .menu-box > button").first.click()
    page.get_by_role("menuitem", name="More like this").click()
    page.wait_for_selector("dialog .row-item")
    check("more like this")
    page.keyboard.press("Escape")
    page.locator("#add-filter").click()
    page.locator("#attribute").select_option(index=1)
    page.locator("dialog .chip.toggle").first.click()
    check("filter")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Something about this list is not right").click()
    check("complaint")
    page.keyboard.press("Escape")
    page.locator(".card .act.like").first.click()
    page.wait_for_selector(".toast")
    check("message at the foot")
    page.locator(".views [data-to=chat]").click()
    page.locator("#message").fill("something funny")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chat .row-item")
    check("chat")
    page.locator(".views [data-to=you]").click()
    page.wait_for_selector(".past")
    page.locator(".past summary").click()
    check("about you")
    page.get_by_role("button", name="Delete me").click()
    check("delete")
    return found


PARTS = (
    *("first screen", "picked", "list", "menu", "why", "more like this", "filter", "complaint"),
    *("message at the foot", "chat", "about you", "delete"),
)
WELL = {part: [] for part in PARTS}
"""What `walk` returns where nothing is wrong."""


@pytest.mark.parametrize("theme", THEMES)
def test_small_screen(films, tab, theme):
    page = tab(viewport=SMALL, color_scheme=theme, has_touch=True).page
    page.goto(films.url)
    assert walk(page) == WELL


@pytest.mark.parametrize("theme", THEMES)
def test_large_screen(films, tab, theme):
    page = tab(color_scheme=theme).page
    page.goto(films.url)
    assert walk(page) == WELL


def test_books_on_a_small_screen(books, tab):
    page = tab(viewport=SMALL).page
    page.goto(books.url)
    assert walk(page) == WELL


def test_large_letters(films, tab):
    """At 200% text nothing is cut off sideways."""
    page = tab(viewport={"width": 640, "height": 800}).onboard(films.url)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert (overflow(page), broken(page)) == (0, [])


def press(page, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def until(page, css: str, key: str = "Tab", most: int = 90) -> None:
    """Press a key until the focus is on what a selector finds; the focus can always be seen."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("css => document.activeElement.matches(css)", css):
            style = page.evaluate(
                "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])"
                "(getComputedStyle(document.activeElement))"
            )
            assert style[0] != "none"
            assert style[1] >= 2
            return
    raise AssertionError(f"{css} was not reached in {most} steps")


def test_keyboard_alone(films, tab):
    page = tab().page
    page.goto(films.url)
    page.wait_for_selector(".pick")
    press(page, "Tab")
    expect(page.locator(".skip")).to_be_focused()
    press(page, "Enter")
    until(page, ".pick")
    for key in ("Space", "ArrowRight", "Space", "ArrowDown", "Space", "ArrowLeft", "Space"):
        press(page, key)
    assert page.locator(".pick[aria-pressed=true]").count() == 4
    until(page, ".pick-bar [type=submit]")
    press(page, "Enter")
    expect(page.locator("#feed-title")).to_be_focused()
    page.wait_for_selector(".card .open")

    # the list: arrows, the menu, a dialog that gives the focus back
    until(page, ".card .open")
    second = page.locator(".card .open").nth(1)
    press(page, "ArrowRight")
    expect(second).to_be_focused()
    until(page, ".menu-box > button")
    opener = page.evaluate("document.activeElement.getAttribute('aria-label')")
    press(page, "Enter")
    press(page, "ArrowDown", 2)
    press(page, "Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(12):
        press(page, "Tab")
        inside = (
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert page.evaluate(inside)
    press(page, "Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == opener

    # a reaction keeps the focus in the list; Control Z undoes it
    until(page, ".card .act.dislike")
    count = page.locator(".card").count()
    with page.expect_response(lambda r: r.url.endswith("/v1/feedback")):
        press(page, "Enter")
    page.wait_for_selector(".toast")
    assert page.evaluate("!!document.activeElement.closest('.card')")
    with page.expect_response(lambda r: "/v1/feedback/" in r.url and r.request.method == "DELETE"):
        press(page, "Control+z")
    expect(page.locator(".card")).to_have_count(count)

    # a slider, a filter, and away with it again
    until(page, "#diversity", "Shift+Tab")
    with page.expect_response(lambda r: r.url.endswith("/v1/recommend")):
        press(page, "ArrowRight", 4)
    until(page, "#add-filter")
    press(page, "Enter")
    until(page, "#low")
    page.keyboard.type("1990")
    with page.expect_response(lambda r: r.url.endswith("/v1/recommend")):
        press(page, "Enter")
    expect(page.locator("#add-filter")).to_be_focused()
    until(page, ".chip.own")
    with page.expect_response(lambda r: r.url.endswith("/v1/recommend")):
        press(page, "Enter")
    expect(page.locator("#add-filter")).to_be_focused()

    # the chat: one stop for all that was said, arrow keys within
    until(page, "#message", most=160)
    page.keyboard.type("something from France")
    press(page, "Enter")
    expect(page.locator("#chat .row-item")).not_to_have_count(0)
    expect(page.locator("#message")).to_be_focused()
    assert (
        page.locator(".log button:not([tabindex='-1']), .log a:not([tabindex='-1'])").count() == 0
    )
    until(page, ".log", "Shift+Tab", most=12)
    press(page, "ArrowDown")
    expect(page.locator(".log .row-title").first).to_be_focused()
    press(page, "ArrowDown")
    expect(page.locator(".log .row-item .like").first).to_be_focused()
    press(page, "Escape")
    expect(page.locator(".log")).to_be_focused()
    press(page, "End")
    press(page, "Tab")
    assert page.evaluate("!document.activeElement.closest('.log')")


def test_changes_are_told(films, tab):
    page = tab().onboard(films.url)
    expect(page.locator("#live")).to_contain_text("in your list")
    page.locator(".card .act.seen").first.click()
    expect(page.locator("#live")).to_contain_text("in your list")
    page.locator("#message").fill("not too violent")
    page.keyboard.press("Enter")
    expect(page.locator(".log")).to_contain_text("violence")


FAULTS = {
    "<button></button>": "no name",
    "<input>": "no name",
    "<svg width=50 height=50></svg>": "picture without words",
    "<h1>a</h1><h3>b</h3>": "heading 3 after 1",
    "<button style='width:20px'>ok</button>": "small target",
    "<p style='color:#999'>pale</p>": "contrast 2.85",
    "<p style='background:#000'>dark</p>": "contrast 1.00",
    "<a href='#' tabindex=3 style='display:block;height:50px'>link link</a>": "own place",
    "<p id=a>1</p><p id=a>2</p>": "id twice",
    "<ul><p>no item</p></ul>": "no item of a list",
    "<div aria-hidden=true><button>hidden</button></div>": "can be reached but is hidden",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_checks_find_what_is_wrong(tab, fault):
    page = tab().page
    whole = "<html lang=en><title>t</title><main>{}</main>"
    page.set_content(whole.format("<p>fine</p>"))
    assert page.evaluate(CHECKS) == []
    page.set_content(whole.format(fault))
    assert any(FAULTS[fault] in line for line in page.evaluate(CHECKS)), page.evaluate(CHECKS)
