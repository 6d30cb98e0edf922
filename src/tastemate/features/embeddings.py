"""Vectors of items and people, as a file that any other program can read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tastemate.errors import Unavailable
from tastemate.types import Floats


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Items and people in one space: the dot product of two vectors is their cosine."""

    item_ids: Sequence[str]
    items: Floats
    """(items, dimensions), rows of length 1; zero for an item nothing is written about."""
    user_ids: Sequence[str]
    users: Floats
    """(users, dimensions), rows of length 1; zero for somebody without a described item."""

    def save(self, path: Path) -> None:
        """Write a `.npz` of these four arrays, whole or not at all; ids are text, never pickled.

        Raises `Unavailable` when it cannot be written.
        """
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with fresh.open("wb") as file:
                np.savez(
                    file,
                    item_ids=np.array(self.item_ids, dtype=np.str_),
                    items=self.items,
                    user_ids=np.array(self.user_ids, dtype=np.str_),
                    users=self.users,
                )
            fresh.replace(path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise Unavailable(
                f"{path} cannot be written ({error.strerror or error}). Name a file in a folder "
                "that exists and can be written."
            ) from error
