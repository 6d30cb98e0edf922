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


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    artifacts.write(folder, {"rank": 2}, {"small": np.zeros(3), "large": np.zeros(1_000_000)})
    artifacts.verify(folder)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, at in (("small.npy", 140), ("meta.json", 12), ("large.npy", -1)):
        damaged = bytearray(whole[name])
        damaged[at] ^= 1
        (folder / name).write_bytes(damaged)
        with pytest.raises(FormatError, match=r"checksum|cannot be read"):
            artifacts.read(folder)
        with pytest.raises(FormatError, match="fit again"):
            artifacts.verify(folder)
        (folder / name).write_bytes(whole[name])
    artifacts.verify(folder)


def test_a_byte_between_the_sampled_blocks_is_found_by_reading_everything(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    artifacts.write(folder, {}, {"large": np.zeros(1_000_000)})
    with (folder / "large.npy").open("r+b") as file:
        file.seek(artifacts._BLOCK + 200)
        file.write(b"x")
    artifacts.read(folder)  # opening a large file reads a sample of it
    with pytest.raises(FormatError, match=r"large\.npy does not match"):
        artifacts.verify(folder)


def test_a_file_cut_short_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    artifacts.write(folder, {}, {"large": np.zeros(1_000_000)})
    with (folder / "large.npy").open("r+b") as file:
        file.truncate(7_000_000)
    with pytest.raises(FormatError, match=r"large\.npy"):
        artifacts.read(folder)


def test_folders_from_before_there_were_checksums_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "dense.npy", np.ones(2))
    (tmp_path / "meta.json").write_text('{"meta": {"rank": 1}, "sparse": {}, "dense": ["dense"]}')
    meta, arrays = artifacts.read(tmp_path)
    assert meta == {"rank": 1}
    assert arrays["dense"].tolist() == [1, 1]
    artifacts.verify(tmp_path)
