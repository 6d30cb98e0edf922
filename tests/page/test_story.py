"""What somebody does on a first visit, from the first pick to being forgotten."""

import json
import re

import httpx
from tests.page.seen import expect


def ids(page) -> list[str]:
    return page.locator("#cards .card").evaluate_all("all => all.map(one => one.dataset.id)")


def feedback(page):
    return page.expect_response(lambda r: r.url.endswith("/v1/recommend") and r.ok)


def test_first_visit(films, tab):
    page = tab().onboard(films.url)
    expect(page.locator("#feed-title")).to_be_focused()
    assert page.locator("#likes a").count() == 5

    # every reason names likes that are links to them
    cited = page.locator(".card .evidence").first
    item = cited.get_attribute("data-item")
    cited.click()
    expect(page.locator(f'#likes a[data-like="{item}"]')).to_be_focused()
    expect(page.locator(f'#likes a[data-like="{item}"]')).to_have_class(re.compile("marked"))

    # dislike, undo, dislike
    gone = ids(page)[0]
    with feedback(page):
        page.locator(".card .dislike").first.click()
    assert gone not in ids(page)
    with feedback(page):
        page.get_by_role("button", name="Undo").click()
    expect(page.locator(f'.card[data-id="{gone}"]')).to_have_count(1)
    with feedback(page):
        page.locator(f'.card[data-id="{gone}"] .dislike').click()
    page.reload()
    page.wait_for_selector(".card .open")
    assert gone not in ids(page)

    # a wish said in the chat is a chip of the list
    page.locator("#message").fill("not too violent")
    with feedback(page) as listed:
        page.keyboard.press("Enter")
    chip = page.locator(".chip.chat")
    expect(chip).to_have_count(1)
    assert "violence" in chip.inner_text()
    asked = json.loads(listed.value.request.post_data)
    assert any(wish.startswith("violence<=") for wish in asked["filters"])
    assert all(one["attributes"]["violence"] <= 2 for one in listed.value.json()["items"])
    expect(page.locator("#chat .row-item")).not_to_have_count(0)

    # why
    page.locator(".card .menu-box > button").first.click()
    page.get_by_role("menuitem", name="Why is this here?").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".grounds li")).not_to_have_count(0)
    expect(dialog.locator(".why .evidence")).not_to_have_count(0)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    # the chip can be taken off
    with feedback(page):
        chip.click()
    expect(page.locator(".chip.chat")).to_have_count(0)

    # start over
    user = page.evaluate("localStorage['tastemate.user']")
    page.locator(".views [data-to=you]").click()
    expect(page.locator(".statement")).not_to_have_count(0)
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("dialog").get_by_role("button", name="Start over").click()
    expect(page.locator("#start-title")).to_be_focused()
    left = httpx.get(f"{films.url}/v1/users/{user}/history")
    assert left.status_code == 404 or left.json()["events"] == []


def test_sliders_reorder_at_once(films, tab):
    page = tab().onboard(films.url)
    before = ids(page)
    with feedback(page) as listed:
        page.locator("#novelty").fill("1")
    assert json.loads(listed.value.request.post_data)["novelty"] == 1
    page.wait_for_function("before => document.querySelector('#cards .card').dataset.id !== before",
                           arg=before[0])  # fmt: skip
    assert page.locator("#novelty").get_attribute("aria-valuetext").endswith("as possible")
    assert len(set(ids(page))) == len(ids(page))


def test_more_pages_never_repeat(films, tab):
    page = tab().onboard(films.url)
    for pages in (2, 3):
        page.get_by_role("button", name="Show more").click()
        expect(page.locator("#cards .card")).to_have_count(12 * pages)
    assert len(set(ids(page))) == 36


def test_filter_is_built_kept_and_removed(films, tab):
    page = tab().onboard(films.url)
    page.locator("#add-filter").click()
    page.locator("#attribute").select_option("genres")
    page.locator("#mode").select_option("none of these")
    page.get_by_role("button", name=re.compile("^Drama")).click()
    with feedback(page) as listed:
        page.get_by_role("button", name="Add", exact=True).click()
    assert json.loads(listed.value.request.post_data)["filters"] == ["genres!=Drama"]
    assert all("Drama" not in one["attributes"]["genres"] for one in listed.value.json()["items"])
    page.reload()
    page.wait_for_selector(".card .open")
    with feedback(page) as listed:
        page.get_by_role("button", name="Remove: Genres: no Drama").click()
    assert json.loads(listed.value.request.post_data)["filters"] == []


def test_nothing_fits_says_so(films, tab):
    page = tab().onboard(films.url)
    page.locator("#add-filter").click()
    page.locator("#low").fill("2023")
    page.locator("#high").fill("1920")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("dialog .wrong")).to_contain_text("Nothing goes from 2023 up to 1920")
    expect(page.locator("#low")).to_be_focused()
    page.locator("#low").fill("1900")
    page.locator("#high").fill("1901")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".empty-title")).to_contain_text("No")
    expect(page.locator(".chip.own")).to_have_text(["Year 1900\u20131901"])
    with feedback(page) as listed:
        page.reload()
    assert json.loads(listed.value.request.post_data)["filters"] == ["year>=1900", "year<=1901"]


def test_one_sentence_is_enough(films, tab):
    page = tab().page
    page.goto(films.url)
    page.wait_for_selector(".pick")
    page.locator("#sentence").fill("a comedy from the 90s")
    page.get_by_role("button", name="Show my list").click()
    expect(page.locator(".chip.chat")).to_have_count(2)
    expect(page.locator(".card .open")).not_to_have_count(0)


def test_first_sentence_is_followed_whole(films, tab):
    page = tab().page
    page.goto(films.url)
    page.wait_for_selector(".pick")
    page.locator("#sentence").fill("a comedy for a rainy evening")
    page.get_by_role("button", name="Show my list").click()
    expect(page.locator(".chip.chat")).to_have_count(3)
    page.wait_for_selector(".card .open")
    later = page.expect_request(
        lambda r: r.url.endswith("/v1/recommend") and "rainy day" not in (r.post_data or "")
    )
    with later as listed:
        page.get_by_role("button", name="Remove: rainy day").click()
    asked = json.loads(listed.value.post_data)
    assert (asked["filters"], asked["context"]) == (["genres=Comedy"], {"time": "evening"})


def test_more_and_less_like_this(films, tab):
    page = tab().onboard(films.url)
    page.locator(".card .menu-box > button").first.click()
    page.get_by_role("menuitem", name="More like this").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".row-item")).to_have_count(5)
    dialog.locator(".chip.toggle").first.click()
    with feedback(page):
        dialog.get_by_role("button", name="More of that").click()
    expect(page.locator(".toast")).to_contain_text("More of")
    page.locator(".views [data-to=you]").click()
    expect(page.locator("#said-title")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Undone")
    page.reload()
    page.wait_for_selector(".past")
    expect(page.locator("#said-title")).to_have_count(0)


def test_taste_is_corrected(films, tab):
    page = tab().onboard(films.url)
    page.locator(".views [data-to=you]").click()
    one = page.locator(".statement").filter(has_not_text="from the").first
    words = one.locator(".claim").inner_text()
    one.get_by_role("button", name="Yes").click()
    own = page.locator(".said li")
    expect(own).to_have_count(1)
    expect(page.locator(".claim", has_text=words)).to_have_count(0)  # said once, not twice
    own.get_by_role("button", name="Take back").click()
    expect(own).to_have_count(0)
    one = page.locator(".statement").filter(has_text=words)
    one.get_by_role("button", name=re.compile("^No: ")).click()
    expect(page.locator(".toast")).to_contain_text("not say it again")
    expect(page.locator(".claim", has_text=words)).to_have_count(0)
    expect(own).to_contain_text("Not to be said of you")
    assert "You say you" not in page.locator("#you").inner_text()
    page.get_by_role("button", name="Undo").click()
    expect(own).to_have_count(0)
    one.get_by_role("button", name="It is the opposite").click()
    expect(own).to_contain_text("You do not like")
    expect(page.locator(".claim", has_text=words)).to_have_count(0)


def test_like_said_in_the_chat_is_kept(films, tab):
    page = tab().onboard(films.url)
    with feedback(page):
        page.locator("#message").fill("I love The Godfather and hated Jaws")
        page.keyboard.press("Enter")
    expect(page.locator("#likes a")).to_have_count(6)
    expect(page.locator("#likes")).to_contain_text("The Godfather")
    expect(page.locator(".toast")).to_contain_text("Kept from the chat")
    user = page.evaluate("localStorage['tastemate.user']")
    past = httpx.get(f"{films.url}/v1/users/{user}/history").json()["events"]
    kept = [(one["kind"], one["item_id"]) for one in past[:2]]
    assert sorted(kept) == [("dislike", "jaws-1975"), ("like", "the-godfather-1972")]
    page.locator("#message").fill("something tense")
    page.keyboard.press("Enter")
    expect(page.locator(".chip.chat")).to_have_count(1)
    expect(page.locator("[aria-label=Send]")).to_be_visible()
    assert httpx.get(f"{films.url}/v1/users/{user}/history").json()["total"] == 7  # kept once
    page.get_by_role("button", name="Take back what I said last").click()
    expect(page.locator(".chip.chat")).to_have_count(0)
    expect(page.locator("#likes a")).to_have_count(6)
    page.get_by_role("button", name="Take back what I said last").click()
    expect(page.locator("#likes a")).to_have_count(5)


def test_feed_begins_with_what_the_chat_found(films, tab):
    page = tab().onboard(films.url)
    page.locator("#message").fill("something tense")
    with feedback(page):
        page.keyboard.press("Enter")
    expect(page.locator("#chat .row-item")).not_to_have_count(0)
    expect(page.locator("#feed .notes")).to_contain_text("what the chat found")
    chat = page.locator("#chat .row-item").evaluate_all("all => all.map(one => one.dataset.id)")
    shown = ids(page)
    assert shown[: len(chat)] == chat
    assert len(set(shown)) == len(shown)
    page.locator(".card .dislike").first.click()
    expect(page.locator(f'#cards [data-id="{chat[0]}"]')).to_have_count(0)
    assert ids(page)[: len(chat) - 1] == chat[1:]
    with feedback(page):
        page.locator("#novelty").fill("0.5")
    expect(page.locator("#feed .notes")).not_to_contain_text("what the chat found")


def test_mood_is_read_as_the_chat_reads(films, tab):
    page = tab().onboard(films.url)
    page.locator("#words").fill("no ghosts")
    with feedback(page) as listed:
        page.keyboard.press("Enter")
    expect(page.locator(".chip.chat")).to_have_text("nothing about ghosts")
    assert json.loads(listed.value.request.post_data)["filters"] == ["themes!=ghosts"]
    page.locator("#words").fill("zxcvb qwerty")
    with feedback(page) as listed:
        page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("I know no word of")
    assert json.loads(listed.value.request.post_data)["query"] == "zxcvb qwerty"
    chip = page.get_by_role("button", name="Remove: \u201czxcvb qwerty\u201d")
    with feedback(page) as listed:
        chip.click()
    assert json.loads(listed.value.request.post_data)["query"] == ""
    expect(page.locator(".chip.chat")).to_have_count(1)


def test_offers_of_the_last_turn_are_there_after_a_reload(films, tab):
    page = tab().onboard(films.url)
    page.locator("#message").fill("a western from the 2020s with robots")
    page.keyboard.press("Enter")
    expect(page.locator(".ideas .chip").first).to_contain_text("Forget")
    offers = page.locator(".ideas .chip").all_text_contents()
    page.reload()
    expect(page.locator(".ideas .chip")).to_have_text(offers)
    expect(page.locator(".chip.chat")).to_have_count(3)
    page.locator(".ideas .chip").first.click()  # gives up two of the three: no one alone helps
    expect(page.locator(".chip.chat")).to_have_count(1)
    expect(page.locator("#chat .row-item").first).to_be_visible()


def test_complaint_arrives(films, tab):
    page = tab().onboard(films.url)
    page.get_by_role("button", name="Something about this list is not right").click()
    page.locator("#complaint").fill("Only films by men.")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.locator(".toast")).to_contain_text("Thank you")
    found = films.service.project.store.complaints.all()
    assert any(one.text == "Only films by men." and one.kind == "unfair" for one in found)


def test_export_then_delete(films, tab, tmp_path):
    page = tab().onboard(films.url)
    user = page.evaluate("localStorage['tastemate.user']")
    page.locator(".views [data-to=you]").click()
    with page.expect_download() as file:
        page.get_by_role("button", name="Download everything").click()
    file.value.save_as(tmp_path / "all.json")
    assert json.loads((tmp_path / "all.json").read_text())["user_id"] == user
    page.get_by_role("button", name="Delete me").click()
    sure = page.get_by_role("dialog").get_by_role("button", name="Delete me")
    expect(sure).to_be_disabled()
    page.locator("#typed").fill("delete")
    sure.click()
    expect(page.get_by_role("heading", name="You are gone")).to_be_focused()
    assert httpx.get(f"{films.url}/v1/users/{user}/history").status_code == 404
    assert page.evaluate("localStorage['tastemate.user']") is None


def test_named_user_is_known(films, tab):
    httpx.post(f"{films.url}/v1/feedback",
               json={"user_id": "ann/ö", "item_id": "jaws-1975", "kind": "like"})  # fmt: skip
    page = tab().page
    page.goto(f"{films.url}/?user=ann%2F%C3%B6")
    expect(page.locator("#likes a")).to_have_text(re.compile("Jaws"))


def test_theme_is_remembered(films, tab):
    page = tab(color_scheme="light").page
    page.goto(films.url)
    page.get_by_role("button", name="Switch to dark colours").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    expect(page.get_by_role("button", name="Switch to light colours")).to_be_visible()


def test_books(books, tab):
    page = tab().onboard(books.url)
    assert page.locator(".card .why .evidence").count() > 0
    page.locator("#message").fill("a fantasy, nothing with romance")
    page.keyboard.press("Enter")
    expect(page.locator("#chat .row-item")).not_to_have_count(0)
    expect(page.locator(".chip.chat")).not_to_have_count(0)
    with feedback(page):
        page.locator(".card .act.like").first.click()
    expect(page.locator("#likes a")).to_have_count(6)
    assert not re.search(r"film|movie|watch", page.locator("main").inner_text(), re.I)
