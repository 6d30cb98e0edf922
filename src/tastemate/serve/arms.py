"""Who says which arm of which experiment a request is in, and what that arm sets."""

from collections.abc import Mapping
from typing import Any, Protocol

Arms = list[tuple[str, str, Mapping[str, Any]]]
"""Experiment, arm, and what the arm sets of a request (`listing.OPEN`)."""
DRAFT = "draft"
"""What an interleaving sets instead: its two arms by name, and what each of them sets."""


class Trials(Protocol):
    """Says which arm of which experiment somebody is in."""

    def arms(self, user: str, session: str = "") -> Arms:
        """Return experiment, arm, and what the arm sets of a request."""
        ...

    def look(self) -> None:
        """Read which experiments run; raise `Unavailable` where that cannot be read."""
        ...


class NoTrials:
    """No experiment runs."""

    def arms(self, user: str, session: str = "") -> Arms:
        """Return nothing."""
        del user, session
        return []

    def look(self) -> None:
        """Read nothing."""
