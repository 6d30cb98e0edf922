import numpy as np
import pytest

from tastemate.errors import ConfigError, StageError
from tastemate.retrieve.borrowing import Borrowing, lent
from tastemate.types import Candidate, Query


class Base:
    name = "base"

    def save(self, folder):
        folder.write_text("kept")

    def scores(self, queries):
        rows = np.tile(np.array([4.0, 0.0, -np.inf, -np.inf], np.float32), (len(queries), 1))
        rows[[bool(query.text) for query in queries]] = -np.inf
        return rows


class Near:
    def similar(self, items, n):
        near = {0: [], 1: [], 2: [(3, 0.9), (0, 0.6), (1, 0.2)], 3: []}
        return [
            [
                Candidate(row, score, "near", at)
                for at, (row, score) in enumerate(near[int(item)], 1)
            ]
            for item in items
        ]


MET = np.array([True, True, False, False])


def test_a_new_item_without_anything_to_compare_gets_the_mean_of_its_met_neighbours():
    found = Borrowing(Base(), Near(), MET).scores([Query()])[0]
    assert found[:2].tolist() == [4.0, 0.0]
    assert found[2] == pytest.approx(0.75 * 4.0)
    assert np.isneginf(found[3])


class Line:
    """Forty items in a line, neighbours side by side; every fourth one is new."""

    name = "line"
    met = np.arange(40) % 4 != 1

    def scores(self, queries):
        rows = np.tile((np.arange(40, dtype=np.float32) / 10) ** 3, (len(queries), 1))
        rows[:, ~self.met] = -np.inf
        return rows

    def similar(self, items, n):
        return [
            [
                Candidate(row, 1.0 / abs(row - item), "line", at)
                for at, row in enumerate(sorted(range(40), key=lambda r: abs(r - item))[1 : n + 1])
            ]
            for item in items.tolist()
        ]


def test_new_items_stand_where_their_neighbours_do_and_are_neither_ahead_nor_behind():
    line = Line()
    found = Borrowing(line, line, line.met, neighbours=2).scores([Query()])[0]
    new = np.flatnonzero(~line.met)
    assert np.isfinite(found).all()
    assert (np.diff(found[new]) > 0).all()
    place = np.argsort(np.argsort(found))[new]
    assert np.abs(place - new).max() <= 3
    top = np.argsort(-found)[:12]
    assert 2 <= np.isin(top, new).sum() <= 4
    again = Borrowing(line, line, line.met, neighbours=2).scores([Query(), Query()])
    np.testing.assert_array_equal(again[1], found)


def test_it_wraps_what_is_fitted(tmp_path):
    wrapped = Borrowing(Base(), Near(), MET)
    wrapped.save(tmp_path / "base")
    assert (tmp_path / "base").read_text() == "kept"
    with pytest.raises(StageError, match="wrap it again"):
        wrapped.load(tmp_path, None)
    with pytest.raises(StageError, match="wrap it again"):
        wrapped.fit(None, None)
    assert wrapped.contributions(Query(), np.array([0, 2])).shape == (2, 0)


def test_no_opinion_stays_none():
    assert np.isneginf(Borrowing(Base(), Near(), MET).scores([Query(text="x")])).all()
    everything = Borrowing(Base(), Near(), np.ones(4, bool)).scores([Query()])
    np.testing.assert_array_equal(everything, Base().scores([Query()]))
    with pytest.raises(ConfigError, match="neighbour"):
        Borrowing(Base(), Near(), MET, neighbours=0)


def test_only_what_lends_is_wrapped_and_only_where_something_is_new():
    lender, other = Base(), Base()
    lender.name = "ease-likes"
    parts = [(lender, 1.0), (other, 0.5)]
    wrapped = lent(parts, Near(), MET)
    assert isinstance(wrapped[0][0], Borrowing)
    assert wrapped[0][0].name == "ease-likes"
    assert wrapped[1] == parts[1]
    assert lent(parts, Near(), np.ones(4, bool)) == parts
    assert lent(parts, Near(), np.zeros(4, bool)) == parts
    assert lent(parts, None, MET) == parts
