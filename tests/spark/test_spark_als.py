import importlib.util
import shutil

import numpy as np
import pytest

from tastemate.errors import Unavailable
from tastemate.interactions import Interactions
from tastemate.spark.als import SparkAls

_HERE = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None


def _part(seed: int, size: int, users: int = 12) -> Interactions:
    rng = np.random.default_rng(seed)
    pairs = rng.choice(users * 10, size=size, replace=False)
    user, item = pairs // 10, pairs % 10
    return Interactions(
        [f"u{at}" for at in range(12)],
        10,
        user.astype(np.int32),
        item.astype(np.int32),
        (1 + (user % 2 == item % 2) * 3).astype(np.float32),
        np.arange(size),
    )


@pytest.mark.parametrize("missing", ["pyspark", "java"])
def test_without_spark_it_says_what_to_install(monkeypatch, missing):
    found = None if missing == "pyspark" else object()
    java = None if missing == "java" else "/usr/bin/java"
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: found)
    monkeypatch.setattr("shutil.which", lambda _name: java)
    with pytest.raises(Unavailable, match="tastemate\\[spark\\]"):
        SparkAls(_part(0, 10), _part(1, 10), _part(2, 10))


@pytest.mark.skipif(not _HERE, reason="pyspark (tastemate[spark]) and Java are not installed")
@pytest.mark.filterwarnings("ignore")
def test_a_tiny_fit_by_spark():
    train, validation = _part(0, 80), _part(1, 20)
    with SparkAls(train, validation, _part(2, 0), iterations=2, cores=1) as spark:
        cell = spark.cell(2, 0.05)
    assert cell["train_rmse"] < 1.0
    assert cell["validation_rmse"] > 0
    assert cell["test_rmse"] == 0.0
    assert cell["seconds"] > 0
    spark.close()
