"""Ids in paths: they may hold a slash, a line break, anything that was percent-encoded."""

from starlette.convertors import Convertor, register_url_convertor

VERBS = ("taste", "history", "export", "reset")
"""What may stand behind a user's id; an id that ends in one of them cannot be asked for alone."""


class AnyId(Convertor[str]):
    """Any text."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return the text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Return the text as it is."""
        return value


class BareUser(AnyId):
    """Any text that does not end in a verb: else other methods of a verb would end up here."""

    regex = rf"(?:(?!/(?:{'|'.join(VERBS)})$)[\s\S])*"


def register() -> None:
    """Make the kinds known to routes: `{item_id:anyid}`, `{user_id:bareuser}`."""
    register_url_convertor("anyid", AnyId())
    register_url_convertor("bareuser", BareUser())
