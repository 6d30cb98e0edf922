"""What every answer tells a browser."""

from pathlib import Path

import pytest
from tests.serve.guarded_app import opened


@pytest.mark.parametrize("path", ["/", "/v1/items/1", "/v1/nothing", "/v1/broken", "/health/live"])
def test_every_answer_has_the_headers(tmp_path: Path, path: str) -> None:
    with opened(tmp_path) as app:
        headers = app.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "camera=()" in headers["permissions-policy"]
        assert headers["x-request-id"]
        for name in headers:
            assert len(headers.get_list(name)) == 1, name


def test_a_refusal_has_them_too(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        refused = app.client.get("/v1/items/1", headers={"Host": "evil.example"})
        assert refused.status_code == 421
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert refused.headers["x-request-id"] == refused.json()["request_id"]


def test_static_files_may_be_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        assert "cache-control" not in app.client.get("/static/app.js").headers
