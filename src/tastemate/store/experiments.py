"""Which experiments run: each a JSON object with an id."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from tastemate.errors import DataError, NotFound
from tastemate.store.checked import check_ids
from tastemate.store.database import Database
from tastemate.store.schema import experiments
from tastemate.store.versions import bump, insert_into


class Experiments:
    """Experiments by id; what they mean is for others to say."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, experiment: Mapping[str, Any]) -> None:
        """Keep an experiment, in place of an earlier one of its id."""
        named = experiment.get("id")
        if not isinstance(named, str) or not named:
            raise DataError("An experiment needs an id of text.")
        check_ids(named)
        now = {"body": dict(experiment), "at": int(time.time())}
        with self._database.writing() as connection:
            made = insert_into(connection, experiments).values(id=named, **now)
            connection.execute(made.on_conflict_do_update(index_elements=["id"], set_=now))
            bump(connection, "experiments")

    def get(self, experiment: str) -> dict[str, Any]:
        """Return an experiment; raise `NotFound` if there is none of that id."""
        check_ids(experiment)
        found = select(experiments.c.body).where(experiments.c.id == experiment)
        with self._database.reading() as connection:
            body = connection.scalar(found)
        if body is None:
            raise NotFound(f"There is no experiment {experiment!r}. List them to see their ids.")
        return dict(body)

    def all(self) -> list[dict[str, Any]]:
        """Return every experiment, by id."""
        found = select(experiments.c.body).order_by(experiments.c.id)
        with self._database.reading() as connection:
            return [dict(body) for body in connection.scalars(found)]

    def delete(self, experiment: str) -> None:
        """Remove an experiment; raise `NotFound` if there is none of that id."""
        check_ids(experiment)
        with self._database.writing() as connection:
            found = delete(experiments).where(experiments.c.id == experiment)
            if not connection.execute(found).rowcount:
                raise NotFound(f"There is no experiment {experiment!r}; nothing was deleted.")
            bump(connection, "experiments")
