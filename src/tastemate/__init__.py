"""Tastemate: a recommender that understands language.

The front door is `Tastemate`; everything heavy behind it is imported on first use.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Tastemate", "__version__"]

if TYPE_CHECKING:
    from tastemate.project import Tastemate


def __getattr__(name: str) -> Any:
    if name == "Tastemate":
        from tastemate.project import Tastemate

        return Tastemate
    raise AttributeError(f"module 'tastemate' has no attribute {name!r}")
