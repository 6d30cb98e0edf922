"""When things go wrong: hostile titles, a server that is gone, slow, or wants a key."""

import json
import re

import httpx
import pytest
from tests.page.seen import expect

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\"><script>alert('1')</script>",
    "${alert(1)}{{7*7}} javascript:alert(1)",
    "\u202eeltit desrever" + "x" * 200,
    "العنوان 書名 🎬",
]


def problem(status: int, detail: str):
    """Return what answers a request with a problem."""
    body = json.dumps({"title": "Not now", "status": status, "detail": detail})
    media = "application/problem+json"
    return lambda route: route.fulfill(status=status, content_type=media, body=body)


@pytest.fixture(scope="module")
def hostile(films):
    """The sample with items whose words try to be more than words."""
    items = [
        {"id": f"evil/{at}?#<b>", "title": title, "text": title, "genres": [title[:60]],
         "themes": [title[:60]], "directors": [title[:60]], "year": 2001}
        for at, title in enumerate(HOSTILE)
    ]  # fmt: skip
    told = httpx.post(f"{films.url}/v1/items", json={"items": items}, timeout=60).json()
    assert len(told["added"]) + len(told["replaced"]) == len(items), told
    likes = [{"user_id": "mallory", "item_id": one["id"], "kind": "like"} for one in items[:3]]
    assert httpx.post(f"{films.url}/v1/events", json={"events": likes}).json()["accepted"] == 3
    return items


def test_hostile_words_stay_words(films, hostile, tab):
    page = tab(viewport={"width": 360, "height": 740}).page
    page.on("dialog", lambda dialog: pytest.fail("a title ran"))
    page.goto(f"{films.url}/?user=mallory")
    page.wait_for_selector(".card .open")
    expect(page.locator("#likes a")).to_have_count(3)
    expect(page.locator("#likes")).to_contain_text(HOSTILE[0])
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360

    page.locator(".views [data-to=chat]").click()
    page.locator("#message").fill(f"tell me about {HOSTILE[0]}")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.you .words")).to_have_text(f"tell me about {HOSTILE[0]}")
    expect(page.locator(".turn.them .words").nth(1)).not_to_be_empty()
    page.locator(".views [data-to=you]").click()
    page.wait_for_selector(".statement, .empty, .past")
    page.locator(".past summary").click()
    expect(page.locator(".history")).to_contain_text(HOSTILE[0])
    assert page.locator("main img, main script").count() == 0


def test_hostile_item_is_found_picked_and_shown(films, hostile, tab):
    page = tab().page
    page.goto(films.url)
    page.wait_for_selector(".pick")
    page.locator("#find-own").fill(HOSTILE[0])
    page.locator(".found", has_text="onerror").first.click()
    expect(page.locator(".pick[aria-pressed=true] .cover-title")).to_have_text(HOSTILE[0])
    page.locator(".pick-bar [type=submit]").click()
    page.wait_for_selector(".card .open")
    expect(page.locator("#likes")).to_contain_text(HOSTILE[0])


def test_no_title_is_near(films, tab):
    page = tab().page
    page.goto(films.url)
    page.wait_for_selector(".pick")
    for words, title in (("zzxqw", ""), ("paddin", "Paddington"), ("y tu mama", "Mam\u00e1"),
                         ("pulp fictoin", "Pulp Fiction")):  # fmt: skip
        page.locator("#find-own").fill(words)
        found = page.locator(".finder li")
        expect(found.first).to_contain_text(title or "Nothing found")
        expect(page.locator(".found")).to_have_count(1 if title else 0)


def test_server_gone_is_said_and_tried_again(films, tab):
    one = tab()
    page = one.onboard(films.url)
    page.route("**/v1/**", lambda route: route.abort())
    page.locator("#novelty").fill("1")
    expect(page.locator("#cards .failure")).to_contain_text("cannot be reached")
    expect(page.locator(".offline")).to_be_visible()
    page.unroute("**/v1/**")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".card .open")
    expect(page.locator(".offline")).to_have_count(0)
    one.said[:] = [text for text in one.said if "ERR_FAILED" not in text]


def test_what_was_not_saved_comes_back(films, tab):
    one = tab()
    page = one.onboard(films.url)
    first = page.locator(".card").first.get_attribute("data-id")
    page.route("**/v1/feedback", problem(503, "The store is busy."))
    page.locator(".card .dislike").first.click()
    expect(page.locator(".toast")).to_contain_text("was not saved. The store is busy.")
    assert page.locator(".card").first.get_attribute("data-id") == first
    page.unroute("**/v1/feedback")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".toast")).to_contain_text("Not for you")
    one.said[:] = [text for text in one.said if "503" not in text]


def test_server_that_starts_is_waited_for(films, tab):
    one = tab()
    answers = iter([503])

    def starting(route):
        if next(answers, None):
            problem(503, "Fitting (40%).")(route)
        else:
            route.continue_()

    one.page.route("**/v1/project", starting)
    one.page.goto(films.url)
    expect(one.page.locator(".failure")).to_contain_text("Fitting (40%).")
    one.page.wait_for_selector(".pick")
    expect(one.page.locator(".failure")).to_have_count(0)
    one.said[:] = [text for text in one.said if "503" not in text]


def test_lesser_answers_are_said(films, tab):
    page = tab().onboard(films.url)

    def lesser(route):
        answer = route.fetch()
        told = answer.json()
        told |= {"fallback": "The 5 ms were over: this is what most people chose.",
                 "degraded": ["rerank: the model did not answer"], "unknown": 3}  # fmt: skip
        route.fulfill(response=answer, json=told)

    page.route("**/v1/recommend", lesser)
    page.locator("#novelty").fill("0.5")
    notes = page.locator("#feed .note")
    expect(notes).to_have_count(3)
    expect(notes.nth(0)).to_contain_text("The 5 ms were over")
    expect(notes.nth(2)).to_contain_text("3 titles left out")
    page.unroute("**/v1/recommend")
    page.get_by_role("button", name="Ask again").click()
    expect(notes).to_have_count(0)


def test_who_is_new_is_spoken_to(films, tab):
    page = tab().page
    page.goto(films.url)
    page.get_by_role("button", name="see what is popular").click()
    note = page.locator("#feed .note")
    expect(note).to_have_text("I do not know you yet; this is what most people chose.")
    page.locator("#add-filter").click()
    page.locator("#low").fill("1990")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(note).to_have_text(
        "I do not know you yet; of what fits your wishes, this is what most people chose."
    )
    page.reload()
    page.wait_for_selector(".card .open")


def test_answer_is_stopped(films, tab):
    page = tab().onboard(films.url)
    page.route("**/messages", lambda route: None)
    page.locator("#message").fill("something funny")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop answering").click()
    expect(page.locator(".turn.them").last).to_contain_text("(stopped)")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_sentences_are_shown_as_they_come(films, tab):
    page = tab().onboard(films.url)
    events = [
        ("sentence", {"text": "One."}), ("sentence", {"text": "Two."}),
        ("error", {"title": "Broken", "status": 500, "detail": "The model went away."}),
    ]  # fmt: skip
    body = ": hello\r\n\r\n" + "".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events
    )
    page.route("**/messages", lambda route: route.fulfill(
        status=200, content_type="text/event-stream", body=body))  # fmt: skip
    page.locator("#message").fill("hello")
    page.keyboard.press("Enter")
    last = page.locator(".turn.them").last
    expect(last.locator(".words")).to_have_text("One. Two.")
    expect(last.locator(".failure")).to_contain_text("The model went away.")
    page.unroute("**/messages")
    last.get_by_role("button", name="Try again").click()
    expect(page.locator("#chat .failure")).to_have_count(0)


def test_key_is_asked_for_and_kept_in_the_tab(films, tab):
    one = tab()
    keys = []

    def guarded(route):
        keys.append(route.request.headers.get("authorization", ""))
        if keys[-1] == "Bearer tm_1_secret":
            return route.continue_(headers={k: v for k, v in route.request.headers.items()
                                            if k != "authorization"})  # fmt: skip
        return problem(401, "Send a key.")(route)

    one.page.route("**/v1/**", guarded)
    one.page.goto(films.url)
    expect(one.page.get_by_role("heading", name="This server wants a key")).to_have_count(1)
    one.page.locator("#key").fill("tm_1_wrong")
    one.page.get_by_role("button", name="Use this key").click()
    expect(one.page.locator("#key-wrong")).to_have_text("Send a key.")
    expect(one.page.locator("#key")).to_be_focused()
    assert one.page.evaluate("sessionStorage.length") == 0
    one.page.locator("#key").fill("tm_1_secret")
    one.page.get_by_role("button", name="Use this key").click()
    one.page.wait_for_selector(".pick")
    assert keys[0] == ""
    kept = one.page.evaluate("[JSON.stringify(localStorage), JSON.stringify(sessionStorage)]")
    assert "secret" not in kept[0]
    assert re.search("tm_1_secret", kept[1])
    one.said[:] = [text for text in one.said if "401" not in text]


def test_closed_storage_is_no_trouble(films, tab):
    one = tab()
    one.page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get() { throw new Error('closed') } })"
    )
    one.onboard(films.url)
    assert one.page.locator(".card").count() > 0
