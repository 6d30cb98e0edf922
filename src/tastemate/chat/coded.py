"""Values of a conversation as JSON and back, by their own types: what comes back is equal.

A field that holds its default is not written; one that is not known is an error, because a newer
version wrote it and leaving it out would change what was said.
"""

from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from tastemate.errors import FormatError

T = TypeVar("T")


def encoded(value: Any) -> dict[str, Any]:
    """Return a dataclass as JSON values, without the fields that hold their default."""
    held = ((one, getattr(value, one.name), _default(one)) for one in fields(value))
    return {
        # -0.0 equals 0.0 and True equals 1, but they are not the same
        one.name: _plain(now)
        for one, now, usual in held
        if now != usual or repr(_plain(now)) != repr(_plain(usual))
    }


def decoded(kind: type[T], record: Any, where: str) -> T:
    """Return the value that `encoded` wrote; raise `FormatError` naming `where` otherwise."""
    try:
        return cast(T, _read(kind, record))
    except _Unread as error:
        raise FormatError(
            f"{where} {error}. Update Tastemate if a newer version wrote it; else remove it."
        ) from error


class _Unread(Exception):
    """What a record holds is not what its type says."""


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return encoded(value) if is_dataclass(value) else value


def _read(hint: Any, value: Any) -> Any:
    """Return a JSON value as its type has it; raise `_Unread` where it does not fit."""
    if isinstance(hint, type) and is_dataclass(hint):
        return _read_fields(hint, value)
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _read_any(parts, value)
    if origin is Literal:
        if value in parts and isinstance(value, str):
            return value
    elif origin is tuple:
        if isinstance(value, list):
            return _read_all(parts, value)
    elif origin is not None:
        if isinstance(value, dict):
            return MappingProxyType({name: _read(parts[1], one) for name, one in value.items()})
    elif type(value) is hint or (hint is float and type(value) is int):
        return value
    elif hint is NoneType and value is None:
        return None
    raise _Unread(f"holds {str(value)[:40]!r} where that cannot be")


def _read_any(hints: tuple[Any, ...], value: Any) -> Any:
    """Return a value as the first of several types that it fits."""
    for hint in hints:
        try:
            return _read(hint, value)
        except _Unread as error:
            last = error
    raise last


def _read_all(hints: tuple[Any, ...], values: list[Any]) -> tuple[Any, ...]:
    if hints[-1] is Ellipsis:
        return tuple(_read(hints[0], one) for one in values)
    if len(hints) != len(values):
        raise _Unread(f"holds {len(values)} values where there are {len(hints)}")
    return tuple(_read(hint, one) for hint, one in zip(hints, values, strict=True))


def _read_fields(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, dict):
        raise _Unread(f"holds {str(value)[:40]!r} where a {kind.__name__} belongs")
    hints = _hints(cast(Hashable, kind))
    for name in value:
        if name not in hints:
            raise _Unread(f"has a field {name[:40]!r} that this version does not know")
    known = {name: _read(hints[name], one) for name, one in value.items()}
    for one in fields(kind):
        if one.name not in known and _default(one) is MISSING:
            raise _Unread(f"lacks the field {one.name!r}")
    return kind(**known)


@lru_cache(64)
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


def _default(one: "Field[Any]") -> Any:
    if one.default_factory is not MISSING:
        return one.default_factory()
    return one.default
