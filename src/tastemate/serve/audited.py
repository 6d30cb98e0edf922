"""Lines of the audit log for what is changed over HTTP: by which key, and of whom as a hash."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from tastemate.serve.auth import LOCAL, Caller
from tastemate.serve.refusal import said

if TYPE_CHECKING:
    from tastemate.store.opening import Store


def audit(
    store: "Store",
    request: Request,
    action: str,
    target: str = "",
    *,
    user: str = "",
    **detail: Any,
) -> None:
    """Write that somebody did something; on disk when this returns.

    A `user` is the target by the hash that also stands for them once erased (`Users.hash_of`).
    """
    if user:
        target = f"user {store.users.hash_of(user)}"
    store.audit.write(actor(request), action, target, detail)


def actor(request: Request) -> str:
    """Return who makes a request: the key's id, "local" where none is needed."""
    caller = said(request.scope).get("caller")
    return caller.key or LOCAL.name if isinstance(caller, Caller) else LOCAL.name
