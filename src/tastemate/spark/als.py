"""The rating grid by Spark's ALS, to compare with: the same cells, split, seed and error.

pyspark is an optional package that needs Java; nothing else in Tastemate needs either.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import numpy as np
import polars as pl

from tastemate.errors import Unavailable
from tastemate.interactions import Interactions

_INSTALL = (
    "Comparing with Spark needs the package pyspark and Java 17 or newer. "
    "Install them (pip install 'tastemate[spark]'; Debian: openjdk-17-jre-headless) "
    "or leave out --against spark."
)


class SparkAls:
    """A local Spark session holding the three parts; use as a context manager.

    The session starts at the first cell, so that a run whose cells are all kept needs none.
    """

    def __init__(
        self,
        train: Interactions,
        validation: Interactions,
        test: Interactions,
        *,
        iterations: int = 10,
        seed: int = 0,
        cores: int = 2,
    ) -> None:
        """Take the parts; raises `Unavailable` when pyspark or Java is missing."""
        import shutil
        from importlib.util import find_spec

        if find_spec("pyspark") is None or shutil.which("java") is None:
            raise Unavailable(_INSTALL)
        self.parts = {"train": train, "validation": validation, "test": test}
        self.iterations = iterations
        self.seed = seed
        self.cores = cores
        self._session: Any = None
        self._frames: dict[str, Any] = {}
        self._files: TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the session and drop its files; a second call does nothing."""
        if self._session is not None:
            self._session.stop()
            self._session = None
            self._frames = {}
        if self._files is not None:
            self._files.cleanup()
            self._files = None

    def cell(self, rank: int, regularisation: float) -> dict[str, float]:
        """Fit once and return `rank`, `regularisation`, errors of the three parts, `seconds`.

        Pairs whose user or item is not in training are dropped (coldStartStrategy). `seconds`
        is the fit alone, on data that Spark already holds in memory.
        """
        self._start()
        from pyspark.ml.recommendation import ALS

        als = ALS(
            rank=rank,
            regParam=regularisation,
            maxIter=self.iterations,
            seed=self.seed,
            userCol="user",
            itemCol="item",
            ratingCol="rating",
            coldStartStrategy="drop",
        )
        start = time.perf_counter()
        model = als.fit(self._frames["train"])
        seconds = time.perf_counter() - start
        errors = {f"{part}_rmse": self._rmse(model, part) for part in self.parts}
        return {"rank": rank, "regularisation": regularisation, **errors, "seconds": seconds}

    def _rmse(self, model: Any, part: str) -> float:
        """Return the error over the pairs Spark can score; 0 when there are none."""
        from pyspark.sql import functions

        predicted = model.transform(self._frames[part])
        square = functions.pow(functions.col("prediction") - functions.col("rating"), 2)
        mean = predicted.select(functions.avg(square)).first()[0]
        return 0.0 if mean is None else float(np.sqrt(mean))

    def _start(self) -> None:
        """Start the session and put the parts into its memory."""
        if self._session is not None:
            return
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession

        try:
            self._session = (
                SparkSession.builder.master(f"local[{self.cores}]")
                .appName("tastemate")
                .config("spark.ui.enabled", "false")
                .config("spark.sql.shuffle.partitions", str(self.cores))
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.ui.showConsoleProgress", "false")
                .getOrCreate()
            )
        except PySparkException as error:
            raise Unavailable(f"Spark did not start ({error}). {_INSTALL}") from error
        self._session.sparkContext.setLogLevel("ERROR")
        # By way of files: handing Spark Python objects would start Python workers to read them.
        self._files = TemporaryDirectory(prefix="tastemate-spark-")
        for name, part in self.parts.items():
            path = Path(self._files.name) / f"{name}.parquet"
            columns = {"user": part.user, "item": part.item, "rating": part.value}
            pl.DataFrame(columns).write_parquet(path)
            frame = self._session.read.parquet(path.as_uri()).repartition(self.cores).cache()
            frame.count()
            self._frames[name] = frame
