"""Where public data sets come from, under which licence, and how they are fetched."""

RECIPES: dict[str, str] = {"ml-latest-small": ""}
