"""`[serve]` in `tastemate.toml`: how the service answers, with the defaults that were measured."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from tastemate.config import arguments
from tastemate.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Serving:
    """Everything `[serve]` can say; seconds and counts, none of them negative."""

    fresh: float = 0.1
    """Seconds for which what other processes wrote may go unread."""
    batch: int = 8
    """Requests for lists that are answered together at most."""
    waiting: int = 1_000
    """Requests for lists that may wait; more are told to come back."""
    slow: int = 4
    """Lists made at once that take longer: a language model is asked, or a model is named."""
    cached: int = 4_096
    """Answers kept; 0 keeps none."""
    cached_bytes: int = 64_000_000
    """Bytes that the kept answers may take together."""
    ahead: int = 2_000
    """Users whose first list is made in quiet moments, those who were here last; 0: nobody's."""
    flush: float = 0.1
    """Seconds between two writes of what was shown."""
    impressions: int = 100_000
    """Shown lists that may wait to be written; the oldest go first."""
    switch: float = 0.001
    """Seconds after which one thread of the server lets another one go on."""
    rate_per_key: float = 500.0
    """Requests a second that one key (or everybody, where there is none) may make; 0: any."""
    rate_per_user: float = 20.0
    """Requests a second that may be made about one user; 0: any."""
    wrong_keys: float = 20.0
    """Wrong keys that one address may try at once, one more each second; 0: any."""
    burst: float = 3.0
    """Seconds' worth of requests that may come at once after a quiet time."""
    max_body_bytes: int = 8_000_000
    """Bytes of a request's body; more is refused with 413."""
    max_depth: int = 32
    """Lists and tables within each other that a body may have."""
    max_values: int = 500_000
    """Values that a body may have, however small."""
    timeout_s: float = 30.0
    """Seconds after which a request that has not begun to answer gets 503; 0: none."""
    hosts: tuple[str, ...] = ()
    """Names under which the service is reached; where none is given: any with a key, loopback
    without one."""
    origins: tuple[str, ...] = ()
    """Pages of other origins (`https://shop.example`) that may send what changes something."""
    open_metrics: bool = False
    """Whether `/metrics` is open to all where keys exist."""
    log_file: str = ""
    """Where log lines go, one JSON document each; empty: standard error, "none": nowhere."""
    log_users: Literal["none", "hashed"] = "none"
    """Whether log lines name users, by a hash that only this store can make."""


POSITIVE = (
    *("batch", "waiting", "slow"),
    *("burst", "max_body_bytes", "max_depth", "max_values"),
)
"""What is of no use below one."""


def serving(table: Mapping[str, Any]) -> Serving:
    """Check the table `[serve]`; raise `ConfigError` for what it must not hold."""
    said = Serving(**arguments(Serving, table, "[serve]"))
    for part in fields(Serving):
        value = getattr(said, part.name)
        least = 1 if part.name in POSITIVE else 0
        if isinstance(value, int | float) and value < least:
            raise ConfigError(f"{part.name} in [serve] is {value}; it must be at least {least}.")
    return said
