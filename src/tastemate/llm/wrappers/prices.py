"""What a model costs: prices as a person writes them down, and the one of a model."""

from collections.abc import Mapping

from tastemate.errors import ConfigError

DEAREST = 1e6
"""US dollars a million tokens that a price may be."""
Prices = Mapping[str, tuple[float, float]]
"""US dollars a million tokens of prompt and of reply, by model name."""


def price_of(prices: Prices, *names: str) -> tuple[float, float] | None:
    """Return the price of the first name that has one; None where none has.

    A name is found with or without its provider, or by the longest beginning of it.
    """
    for name in names:
        for known in (name, name.partition(":")[2]):
            if known in prices:
                return prices[known]
            begun = [key for key in prices if known.startswith(f"{key}-")]
            if begun:
                return prices[max(begun, key=len)]
    return None


def checked(prices: Mapping[str, object]) -> dict[str, tuple[float, float]]:
    """Return prices as they must be; raise `ConfigError` for one that is not two such numbers."""
    found: dict[str, tuple[float, float]] = {}
    for name, price in prices.items():
        pair = tuple(price) if isinstance(price, list | tuple) else ()
        if len(pair) != 2 or not all(
            isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= DEAREST
            for one in pair
        ):
            raise ConfigError(
                f"The price of {name!r} is {price!r:.80}; write [dollars a million tokens of "
                f"prompt, of reply], each at most {DEAREST:,.0f}, such as [0.25, 2.0]."
            )
        found[name] = (float(pair[0]), float(pair[1]))
    return found
