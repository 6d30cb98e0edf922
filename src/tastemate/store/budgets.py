"""What each key or user has spent on language models, by day."""

from sqlalchemy import select

from tastemate.store.checked import check_ids, check_number
from tastemate.store.database import Database
from tastemate.store.schema import budgets
from tastemate.store.versions import insert_into


class Budgets:
    """Tokens and money spent, added up in the database: processes share one account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def charge(self, who: str, tokens: int, cost: float, day: str) -> None:
        """Add to what somebody spent on a day."""
        check_ids(who, day)
        check_number("A cost", cost)
        with self._database.writing() as connection:
            made = insert_into(connection, budgets).values(
                who=who, day=day, tokens=tokens, cost=float(cost)
            )
            more = {
                "tokens": budgets.c.tokens + made.excluded.tokens,
                "cost": budgets.c.cost + made.excluded.cost,
            }
            connection.execute(made.on_conflict_do_update(index_elements=["who", "day"], set_=more))

    def used(self, who: str, day: str) -> tuple[int, float]:
        """Return the tokens and the cost somebody spent on a day."""
        check_ids(who, day)
        found = select(budgets.c.tokens, budgets.c.cost)
        with self._database.reading() as connection:
            row = connection.execute(
                found.where(budgets.c.who == who, budgets.c.day == day)
            ).first()
        return (row.tokens, row.cost) if row else (0, 0.0)
