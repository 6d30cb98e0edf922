"""Answers as JSON, made in one go."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


def reply(
    told: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return JSON values as a response."""
    return sent(to_json(told, inf_nan_mode="constants"), status, headers)


def sent(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a body that is JSON already as a response."""
    return Response(body, status, headers, "application/json")
