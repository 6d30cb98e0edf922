import numpy as np
import pytest
from scipy import sparse

from tastemate import scope
from tastemate.catalog import Catalog
from tastemate.errors import ConfigError, NotFitted, Unavailable
from tastemate.interactions import Interactions
from tastemate.retrieve import lightgcn
from tastemate.retrieve.lightgcn import Graph, LightGcn
from tastemate.types import Event, Item, Query, history

torch = pytest.importorskip("torch", reason="needs torch")


def _camps(people=60, items=30, seed=0) -> tuple[Catalog, Interactions]:
    """Even people meet even items, odd ones odd; item `items` is unmet."""
    rng = np.random.default_rng(seed)
    catalog = Catalog.of(Item(f"i{at:02}", f"Item {at}") for at in range(items + 1))
    events = []
    for person in range(people):
        own = rng.permutation(np.arange(person % 2, items, 2))[:10]
        events += [Event(f"u{person:02}", f"i{item:02}", 1.0, at) for at, item in enumerate(own)]
    return catalog, Interactions.of(events, catalog)


CATALOG, EVENTS = _camps()
SMALL = {"dim": 8, "look": 10, "rounds": 4, "batch": 400, "learning_rate": 0.05}


def _model(**options) -> LightGcn:
    return LightGcn(**(SMALL | options))


def _share_of_own_camp(model: LightGcn) -> float:
    queries = [Query(history=EVENTS.history(code)) for code in range(EVENTS.n_users)]
    found = model.retrieve(queries, 5)
    right = [line.row % 2 == code % 2 for code, lines in enumerate(found) for line in lines]
    return float(np.mean(right))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": "softmax"},
        {"loss": "bpr"},
        {"learns": "person"},
        {"learns": "person", "loss": "bpr"},
        {"layers": 3, "learns": "person"},
    ],
)
def test_the_own_camp_comes_first_whatever_is_minimised(options) -> None:
    model = _model(**options).fit(CATALOG, EVENTS)
    assert _share_of_own_camp(model) > 0.95
    unmet = model.scores([Query(history=EVENTS.history(0))])[:, -1]
    assert np.isneginf(unmet).all()


def test_a_layer_is_the_normalised_mean_of_the_neighbours() -> None:
    met = sparse.csr_matrix(np.array([[1, 1, 0], [0, 1, 1]], np.float32))
    rng = np.random.default_rng(0)
    item, person = (rng.standard_normal((n, 4)).astype(np.float32) for n in (3, 2))
    weights = {"item": torch.from_numpy(item), "person": torch.from_numpy(person)}
    shown, given, people = (one.numpy() for one in Graph(met).tables(weights, 2))
    dense = met.toarray()
    edges = dense / np.sqrt(np.outer(dense.sum(1), dense.sum(0)))
    whole = np.block([[np.zeros((2, 2)), edges], [edges.T, np.zeros((3, 3))]])
    first = np.vstack((person, item))
    mean = (first + whole @ first + whole @ whole @ first) / 3
    np.testing.assert_allclose(people, mean[:2], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(shown, mean[2:], rtol=1e-4, atol=1e-6)
    # A person's node without its own first vector is what the history hands over, over √n.
    folded = dense @ given / np.sqrt(dense.sum(1))[:, None]
    np.testing.assert_allclose(folded + person / 3, people, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("halved", [False, True])
def test_the_gradient_goes_through_the_graph(halved) -> None:
    met = sparse.csr_matrix(np.array([[1, 1, 0], [0, 1, 1]], np.float32))
    item = torch.randn(3, 2, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    with torch.autocast("cpu", torch.bfloat16, enabled=halved):
        shown, _, _ = Graph(met).tables({"item": item}, 2)
    shown[0].sum().backward()
    dense = Graph(met).of_people.to_dense()
    expected = (torch.eye(3) + dense.T @ dense)[0] / 3
    torch.testing.assert_close(item.grad, expected[:, None].expand(3, 2))


def test_what_judges_a_fit_is_no_edge_of_its_graph(monkeypatch) -> None:
    seen = []

    class Watched(Graph):
        def __init__(self, met: sparse.csr_matrix) -> None:
            seen.append(met)
            super().__init__(met)

    monkeypatch.setattr(lightgcn, "Graph", Watched)
    _model(rounds=1).fit(CATALOG, EVENTS)
    early, whole = (one.toarray() for one in seen)
    assert whole.sum() == len(EVENTS)
    for code in range(EVENTS.n_users):
        last = int(EVENTS.history(code).items[-1])
        assert whole[code, last] == 1
        assert early[code, last] == 0
    assert early.sum() == len(EVENTS) - EVENTS.n_users


def test_newer_events_weigh_more_and_shares_sum_to_the_score() -> None:
    model = _model(fade=0.5).fit(CATALOG, EVENTS)
    query = Query(history=history([1, 3, 0, 2, 2, 30]))
    items = np.arange(30, dtype=np.int32)
    shares = model.contributions(query, items)
    scores = model.scores([query])[0]
    np.testing.assert_allclose(shares.sum(1), scores[:30], rtol=1e-3, atol=1e-4)
    assert (shares[:, [3, 5]] == 0).all()  # met again later, and unknown
    assert scores[0:30:2].mean() > scores[1:30:2].mean()
    turned = model.scores([Query(history=history([0, 2, 1, 3]))])[0]
    assert turned[1:30:2].mean() > turned[0:30:2].mean()


def test_the_same_seed_and_no_torch_at_serving(tmp_path, monkeypatch) -> None:
    queries = [Query(history=EVENTS.history(code)) for code in (0, 3)]
    model, again = (_model(seed=3, rounds=2).fit(CATALOG, EVENTS) for _ in range(2))
    np.testing.assert_array_equal(model.scores(queries), again.scores(queries))
    model.save(tmp_path / "kept")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    grown = CATALOG.with_items([Item("new", "New")])
    loaded = LightGcn().load(tmp_path / "kept", grown)
    scores = loaded.scores(queries)
    np.testing.assert_array_equal(scores[:, :-1], model.scores(queries))
    assert np.isneginf(scores[:, -1]).all()
    assert [one.row % 2 for one in loaded.similar(np.array([2], np.int32), 5)[0]] == [0] * 5


def test_a_fit_that_was_stopped_goes_on_where_it_was(monkeypatch, tmp_path) -> None:
    from tastemate.retrieve.sequential import training

    monkeypatch.setenv("TASTEMATE_HOME", str(tmp_path))
    queries = [Query(history=EVENTS.history(code)) for code in (0, 3)]
    whole = _model().fit(CATALOG, EVENTS)
    monkeypatch.setattr(training, "SAVE_AFTER", -1.0)
    told = []

    def tell(text: str, share: float) -> None:
        told.append(text)
        if len(told) == 3:
            raise KeyboardInterrupt

    with scope.opened() as account:
        account.tell = tell
        with pytest.raises(KeyboardInterrupt):
            _model().fit(CATALOG, EVENTS)
    assert len(list(tmp_path.rglob("lightgcn-*"))) == 1
    resumed = _model().fit(CATALOG, EVENTS)
    np.testing.assert_allclose(resumed.scores(queries), whole.scores(queries), rtol=1e-4)
    assert resumed.course.rounds == whole.course.rounds
    assert not list(tmp_path.rglob("lightgcn-*"))


def test_what_is_wrong_is_said(monkeypatch) -> None:
    with pytest.raises(NotFitted, match="fit or load"):
        LightGcn().scores([Query()])
    for options in ({"dim": 0}, {"layers": 0}, {"fade": 0.0}, {"loss": "bce"}, {"learns": "all"}):
        with pytest.raises(ConfigError, match="lightgcn"):
            LightGcn(**options)
    monkeypatch.setattr(lightgcn, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"tastemate\[train\]"):
        LightGcn().fit(CATALOG, EVENTS)
