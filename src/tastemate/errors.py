"""Every error Tastemate raises on purpose, as one tree.

    TastemateError                 anything that is ours; stages catch this and nothing wider
    ├── ConfigError                a setting is unknown, of the wrong type, or out of range
    ├── DataError                  input that cannot be used
    │   ├── FormatError            a file is not what it claims to be
    │   └── NothingUsable          every line was rejected; carries the report
    ├── NotFound                   an id, a data set, a model or a file that does not exist
    │   ├── UnknownUser
    │   ├── UnknownItem
    │   └── UnknownDataset
    ├── NotFitted                  a model was asked before it was fitted
    ├── StageError                 a stage of the path failed and may be skipped
    ├── Unavailable                a network, a server or an optional package is missing
    └── Interrupted                the work was stopped; what was finished is kept

Every message says what to do next.
"""

import difflib
from collections.abc import Iterable


class TastemateError(Exception):
    """The root of the tree; `str()` of it is meant for the person at the keyboard."""


class ConfigError(TastemateError):
    """A setting is unknown, of the wrong type, or out of range."""


class DataError(TastemateError):
    """Input that cannot be used."""


class FormatError(DataError):
    """A file is not what it claims to be."""


class NothingUsable(DataError):
    """Every line of the input was rejected; `report` says why (`data.validate.Report`)."""

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


class NotFound(TastemateError):
    """An id, a data set, a model or a file that does not exist."""


class UnknownUser(NotFound):
    """No such user among the interactions."""


class UnknownItem(NotFound):
    """No such item in the catalogue."""


class UnknownDataset(NotFound):
    """No data set of that name and no folder at that path."""


class NotFitted(TastemateError):
    """A model was asked before it was fitted."""


class StageError(TastemateError):
    """A stage of the path failed and may be skipped."""


class Unavailable(TastemateError):
    """A network, a server or an optional package is missing."""


class Interrupted(TastemateError):
    """The work was stopped by the user; what was finished is kept."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest of `known`, or an empty string."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {found[0]!r}?" if found else ""
