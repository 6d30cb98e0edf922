"""A service over the films for the tests of REST: the quick encoder, a home of its own."""

from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from tastemate.project import Tastemate
from tastemate.serve.app import create_app
from tastemate.serve.service import Service
from tastemate.serve.settings import Serving

QUIET = Serving(log_file="none", rate_per_key=0, rate_per_user=0)


def opened(home, source="films"):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASTEMATE_ENCODER__NAME", "words")
        return Tastemate.open(source, home=home)


@contextmanager
def running(project, settings=QUIET, **more):
    """Yield a client and the service behind it, ready."""
    service = Service(project, settings, **more)
    with TestClient(create_app(service), base_url="http://localhost") as client:
        service.warm()
        yield client, service
