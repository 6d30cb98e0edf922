"""Fitted state survives the trip to disk, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from tastemate import artifacts
from tastemate.errors import FormatError


def test_what_is_written_is_read(tmp_path: Path) -> None:
    dense = np.arange(6, dtype=np.float32).reshape(2, 3)
    thin = sparse.csr_matrix(np.eye(3, dtype=np.float32))
    for _ in range(2):  # the second time replaces the first
        artifacts.write(tmp_path / "model", {"rank": 2}, {"dense": dense, "thin": thin})
    meta, arrays = artifacts.read(tmp_path / "model")
    assert meta == {"rank": 2}
    assert np.array_equal(arrays["dense"], dense)
    assert np.array_equal(arrays["thin"].toarray(), thin.toarray())
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("damage", ["missing", "meta", "array"])
def test_a_damaged_folder_is_said(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "model"
    if damage != "missing":
        artifacts.write(folder, {}, {"dense": np.zeros(3)})
        name = "meta.json" if damage == "meta" else "dense.npy"
        (folder / name).write_bytes(b"\x93NUM")
    with pytest.raises(FormatError, match="fit again"):
        artifacts.read(folder)


def test_a_model_is_read_as_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    artifacts.write_model(folder, "Ease", 3, {"rank": 2}, {"bias": np.zeros(3)})
    meta, arrays = artifacts.read_model(folder, "Ease", 4, ["rank"], ["bias"])
    assert (meta["rank"], arrays["bias"].shape) == (2, (3,))
    for options, says in (
        (("Bpr", 4), "no Bpr"),
        (("Ease", 2), "knows 3 items"),
        (("Ease", 4, ["mean"]), "lacks mean"),
        (("Ease", 4, [], ["rank"]), "another catalogue"),
    ):
        with pytest.raises(FormatError, match=says):
            artifacts.read_model(folder, *options)
