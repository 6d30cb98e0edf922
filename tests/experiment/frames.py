"""Small frames with the columns of the store."""

import polars as pl

IMPRESSION = {
    "recommendation": "", "user": "", "session": "", "item": "", "position": 1, "propensity": 1.0,
    "score": 0.0, "arm": "", "model": "", "policy": "", "at": 0,
}  # fmt: skip
SIGNAL = {
    "seq": 0, "id": "", "user": "", "item": "", "kind": "click", "value": 0.0, "timestamp": 0,
    "session": "", "recommendation": "", "position": 0,
}  # fmt: skip


def impressions(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([IMPRESSION | row for row in rows], schema=_schema(IMPRESSION))


def signals(*rows: dict[str, object]) -> pl.DataFrame:
    numbered = [{"seq": at} | row for at, row in enumerate(rows)]
    return pl.DataFrame([SIGNAL | row for row in numbered], schema=_schema(SIGNAL))


def _schema(row: dict[str, object]) -> dict[str, type[pl.DataType]]:
    kinds = {str: pl.String, int: pl.Int64, float: pl.Float64}
    return {name: kinds[type(value)] for name, value in row.items()}
