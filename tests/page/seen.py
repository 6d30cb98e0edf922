"""Playwright's `expect`, fetched when it is first used: without playwright the tests skip."""

from typing import Any


def expect(what: Any) -> Any:
    """Return the assertions about a part of a page."""
    from playwright.sync_api import expect

    expect.set_options(timeout=15_000)  # a machine that is busy with other work
    return expect(what)
