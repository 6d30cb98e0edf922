"""The front door: opening, asking, telling, growing, and nothing lost in between."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tastemate import Tastemate
from tastemate.config import EncoderChoice, Recommend, Settings
from tastemate.data.datasets import Dataset
from tastemate.data.saved import save
from tastemate.data.synthetic import checkerboard
from tastemate.errors import (
    ConfigError,
    DataError,
    NotFound,
    StageError,
    Unavailable,
    UnknownDataset,
    UnknownItem,
    UnknownUser,
)
from tastemate.types import Leaning

HASHED = Settings(encoder=EncoderChoice("words"))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Tastemate:
    """The bundled sample, for tests that only ask."""
    return Tastemate.open("films", home=tmp_path_factory.mktemp("films"))


@pytest.fixture
def board(tmp_path: Path) -> Tastemate:
    """A small project to change."""
    catalog, interactions, _ = checkerboard()
    return Tastemate(Dataset("board", catalog, interactions), tmp_path / "state", HASHED)


def test_five_lines_from_nothing_to_a_list(films: Tastemate) -> None:
    slate = films.recommend(user="p012", k=10)
    assert len(slate.ids) == 10
    assert slate.degraded == ()
    seen = {films.catalog.ids[row] for row in films.history("p012").items}
    assert not seen & set(slate.ids)
    for line in slate.items:
        assert line.reason.clauses
        cited = {clause_id for clause in line.reason.clauses for clause_id in clause.evidence}
        assert cited <= {fact.id for fact in line.reason.evidence}
        liked = [fact.item for fact in line.reason.evidence if fact.kind == "liked item"]
        assert liked
        assert set(liked) <= seen


def test_the_same_question_gets_the_same_answer(films: Tastemate) -> None:
    first = films.recommend(user="p012", k=10)
    again = Tastemate.open("films", home=films.work.folder).recommend(user="p012", k=10)
    assert [(line.item.id, line.reason) for line in again.items] == [
        (line.item.id, line.reason) for line in first.items
    ]


def test_wishes_hold(films: Tastemate) -> None:
    slate = films.recommend(
        "p012", 50, filters=["genre=Crime", "year>=1990", "violence<=1"], exclude=["Heat (1995)"]
    )
    assert slate.items
    for line in slate.items:
        attributes = line.item.attributes
        assert "Crime" in attributes["genres"]
        assert attributes["year"] >= 1990
        assert attributes["violence"] <= 1
    assert "heat-1995" not in slate.ids


def test_what_is_served_is_what_is_measured(tmp_path: Path) -> None:
    def ndcg(**settings: Any) -> float:
        films = Tastemate.open("films")
        data = Dataset("films", films.catalog, films.interactions)
        chosen = Settings(recommend=Recommend("ease"), **settings)
        project = Tastemate(data, tmp_path, chosen)
        return project.evaluate(cuts=(1,), limit_users=100).metrics["ndcg@10"].value

    assert ndcg() != ndcg(retrievers={"ease": {"regularisation": 1e6}})


def test_diversity_spreads_the_list(films: Tastemate) -> None:
    def sameness(diversity: float) -> float:
        slate = films.recommend("p012", 10, model="balanced", diversity=diversity)
        genres = [set(line.item.attributes["genres"]) for line in slate.items]
        pairs = [(a, b) for at, a in enumerate(genres) for b in genres[:at]]
        return sum(len(a & b) / len(a | b) for a, b in pairs) / len(pairs)

    assert sameness(0.8) < sameness(0.0)
    rare = films.recommend("p012", 10, novelty=0.9)
    usual = films.recommend("p012", 10)
    counts = films.interactions.counts
    assert sum(counts[films.find(i)] for i in rare.ids) < sum(
        counts[films.find(i)] for i in usual.ids
    )


def test_somebody_new_is_served_from_what_they_like_now(films: Tastemate) -> None:
    cold = films.recommend(k=5)
    warm = films.recommend(likes=["Toy Story", "Shrek"], k=5)
    assert cold.ids != warm.ids
    assert not {"toy-story-1995", "shrek-2001"} & set(warm.ids)
    assert all(line.reason.text for line in cold.items)
    with pytest.raises(UnknownUser, match="p012"):
        films.recommend("p0012")


def test_items_are_found_by_id_or_title_and_strangers_are_named(films: Tastemate) -> None:
    assert films.find("heat-1995") == films.find("heat")
    with pytest.raises(UnknownItem, match="tastemate search"):
        films.find("zzzz qqqq")
    assert films.similar("Heat", 5)[0].row != films.find("Heat")


def test_other_models_by_name(films: Tastemate) -> None:
    assert films.recommend("p012", 3, model="popular").ids != films.recommend("p012", 3).ids
    with pytest.raises(NotFound, match="'popular'"):
        films.recommend("p012", 3, model="populr")
    with pytest.raises(ConfigError, match="als"):
        films.predict("p012", ["Heat"], model="popular")
    with pytest.raises(ConfigError, match="ease"):
        films.similar("Heat", model="popular")


def test_ratings_are_predicted_on_the_scale(films: Tastemate) -> None:
    predicted = films.predict("p012", ["Heat", "Moulin Rouge!"])
    assert all(0.5 <= rating <= 5.0 for rating in predicted)
    assert predicted[0] > predicted[1]


def test_taste_explain_and_compare_rest_on_the_history(films: Tastemate) -> None:
    taste = films.taste("p012")
    seen = {films.catalog.ids[row] for row in films.history("p012").items}
    assert taste.statements
    assert all(set(statement.items) <= seen for statement in taste.statements)
    line = films.explain("p012", "Heat")
    assert line.item.id == "heat-1995"
    assert line.rank >= 1
    compared = films.compare("p012", ["The Third Man", "Singin' in the Rain"])
    assert "The Third Man (1949)" in compared.text
    with pytest.raises(ConfigError, match="two or three"):
        films.compare("p012", ["Heat"])


def test_a_like_changes_the_next_answer_and_survives(board: Tastemate) -> None:
    before = board.recommend(board.interactions.users[0], 3)
    added = before.ids[0]
    board.like(board.interactions.users[0], added)
    assert added not in board.recommend(board.interactions.users[0], 3).ids
    board.dislike("newcomer", added)
    assert len(board.history("newcomer")) == 1
    again = Tastemate(Dataset("board", *board.work._read), board.work.folder, HASHED)
    assert added not in again.recommend(board.interactions.users[0], 3).ids
    assert again.history("newcomer").items.tolist() == [board.catalog.row(added)]
    with pytest.raises(UnknownUser, match="empty"):
        board.like(" ", added)


def test_the_latest_word_on_an_item_holds(board: Tastemate) -> None:
    item = board.catalog.ids[0]
    board.like("eve", item)
    board.dislike("eve", item)
    history = board.history("eve")
    assert len(history) == 1
    assert board.interactions.scale.dislikes(history.values).all()


def test_new_items_are_served_at_once_and_after_a_fit(board: Tastemate) -> None:
    size = len(board.catalog)
    before = board.recommend(board.interactions.users[0], size).ids
    added = board.add_items([{"id": "fresh", "title": "Fresh even thing", "parity": "even"}])
    assert added == ["fresh"]
    assert board.find("Fresh even thing") == size
    assert "fresh" in board.recommend(k=size + 1).ids
    assert [i for i in board.recommend(board.interactions.users[0], size + 1).ids if i != "fresh"][
        : len(before)
    ] == before
    board.like("eve", "fresh")
    took = board.fit()
    assert set(took) >= {"popular"}
    assert "fresh" in board.recommend(k=3, exclude_seen=False).ids or len(board.catalog) > size
    again = Tastemate(Dataset("board", *board.work._read), board.work.folder, HASHED)
    assert again.catalog.ids[-1] == "fresh"
    assert again.recommend("eve", 3).ids == board.recommend("eve", 3).ids


def test_common_answers_are_made_at_fit_and_a_new_item_retires_them(board: Tastemate) -> None:
    before = board.recommend(k=10)
    assert "precomputed" not in [step.name for step in before.trace]
    board.fit()
    held = board.recommend(k=10)
    assert held.ids == before.ids
    assert [step.name for step in held.trace] == ["precomputed"]
    board.add_items([{"id": "fresh", "title": "Fresh"}])
    assert "precomputed" not in [step.name for step in board.recommend(k=10).trace]


def reopened(board: Tastemate) -> Tastemate:
    base = Dataset("board", *board.work._read)
    return Tastemate(base, board.work.folder, HASHED)


def test_an_added_item_can_be_replaced_and_opened_again(board: Tastemate) -> None:
    board.add_items([{"id": "n1", "title": "N1"}])
    board.add_items([{"id": "n1", "title": "N1 corrected", "score": 7.8}])
    again = reopened(board)
    assert again.catalog["n1"].title == "N1 corrected"
    assert again.catalog["n1"] == board.catalog["n1"]


def test_items_of_two_processes_that_clash_do_not_lock_anybody_out(board: Tastemate) -> None:
    other = reopened(board)
    board.add_items([{"id": "n1", "title": "N1", "mood": "dark"}])
    other.add_items([{"id": "n2", "title": "N2", "mood": ["light"]}])
    assert "n1" in reopened(board).catalog
    assert "n2" not in reopened(board).catalog


def test_a_fit_absorbs_what_another_process_recorded(board: Tastemate) -> None:
    other = reopened(board)
    for item in board.catalog.ids[:3]:
        other.like("z", item)
    other.fit(["popular"])
    board.fit(["popular"])
    assert (board.work.generation.events, board.work.generation.items) == (3, 0)
    assert len(board.history("z")) == 3


def test_newcomers_see_the_popular_first_whatever_was_added(board: Tastemate) -> None:
    before = board.recommend(k=4).ids
    board.add_items([{"id": "n1", "title": "Brand new"}])
    assert board.recommend(k=4).ids == before


def test_a_state_folder_that_cannot_be_written_still_answers(
    board: Tastemate, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    stuck = Tastemate(
        Dataset("board", board.catalog, board.interactions), tmp_path / "file" / "state", HASHED
    )
    user = board.interactions.users[0]
    assert stuck.recommend(user, 3).ids == board.recommend(user, 3).ids
    with pytest.raises(Unavailable, match="TASTEMATE_HOME"):
        stuck.fit(["popular"])


@pytest.mark.parametrize("bad", ['{"events": 1e400, "items": 0}', "[]", "x"])
def test_a_damaged_note_of_the_last_fit_is_no_fit(board: Tastemate, bad: str) -> None:
    wanted = board.recommend(k=3).ids
    (board.work.folder / "fitted.json").write_text(bad)
    assert reopened(board).recommend(k=3).ids == wanted


def test_other_options_never_meet_an_old_answer(board: Tastemate) -> None:
    board.fit()
    data = Dataset("board", board.catalog, board.interactions)
    options = {"popular": {"by": "recent"}}
    other = Tastemate(data, board.work.folder, replace(HASHED, retrievers=options))
    assert "precomputed" not in [step.name for step in other.recommend(k=10).trace]


def test_fitting_one_part_fits_one_part(board: Tastemate) -> None:
    assert list(board.fit(["popular"])) == ["popular"]
    assert not board.work.is_fitted("transition")


def test_two_paths_of_one_name_share_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        Path("r.csv").write_text("user,item,rating,time\nu,i,5,1\nu,j,4,2\nv,j,4,2\n")
        project = Tastemate.open("r.csv", profile="popular")
        assert len(project.history("v")) == 1
        project.like("v", "i")


def test_a_project_opens_its_own_data_and_bears_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, interactions, _ = checkerboard()
    mine = tmp_path / "mine"
    save(mine / "data", catalog, interactions)
    (mine / "tastemate.toml").write_text("")
    (tmp_path / "sets" / "data").mkdir(parents=True)
    monkeypatch.setenv("TASTEMATE_DATA", str(tmp_path / "sets"))
    monkeypatch.chdir(mine)
    project = Tastemate.open(".")
    assert project.name == "mine"
    assert project.catalog.ids == catalog.ids


@pytest.mark.parametrize(
    "record",
    [
        {"title": "no id"},
        {"id": "x"},
        {"id": " ", "title": "blank"},
        {"id": "x", "title": "X", "parity": {"a": 1}},
    ],
)
def test_items_that_make_no_sense_are_refused_and_nothing_is_kept(
    board: Tastemate, record: dict[str, object]
) -> None:
    size = len(board.catalog)
    with pytest.raises(DataError):
        board.add_items([{"id": "good", "title": "Good"}, record])
    assert len(board.catalog) == size


def test_a_number_that_is_none_is_refused(films: Tastemate) -> None:
    with pytest.raises(DataError, match="must be a number"):
        films.add_items([{"id": "x", "title": "X", "year": "long ago"}])
    with pytest.raises(DataError, match="year"):
        films.add_items([{"id": "x", "title": "X", "year": float("nan")}])


def test_a_damaged_model_is_fitted_again(board: Tastemate) -> None:
    wanted = board.recommend(board.interactions.users[0], 3).ids
    for file in board.work.folder.rglob("*.npy"):
        file.write_bytes(b"rubbish")
    again = Tastemate(Dataset("board", *board.work._read), board.work.folder, HASHED)
    assert again.recommend(board.interactions.users[0], 3).ids == wanted


def test_without_ratings_there_is_nothing_to_predict(tmp_path: Path) -> None:
    catalog, interactions, _ = checkerboard()
    flat = type(interactions)(
        interactions.users,
        len(catalog),
        interactions.user,
        interactions.item,
        np.ones(len(interactions), np.float32),
        interactions.timestamp,
    )
    project = Tastemate(Dataset("clicks", catalog, flat), tmp_path, HASHED)
    with pytest.raises(StageError, match="no ratings"):
        project.predict(flat.users[0], [catalog.ids[0]])


def test_a_project_folder_is_opened_by_its_settings(tmp_path: Path) -> None:
    (tmp_path / "tastemate.toml").write_text(
        '[data]\ndataset = "films"\n[recommend]\nprofile = "popular"\n'
        '[retrievers.popular]\n[encoder]\nname = "words"\n'
    )
    project = Tastemate.open(tmp_path)
    assert len(project.recommend("p012", 3).ids) == 3
    assert project.work.folder == tmp_path / ".tastemate"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[recomend]\n", "'recommend'"),
        ("[recommend]\nprofil = 1\n", "'profile'"),
        ('[data]\ndataset = "films"\n[retrievers.eese]\n', "'ease'"),
        ('[data]\ndataset = "films"\n[blend]\neese = 1.0\n', "'ease'"),
        ("", "tastemate import"),
        ("[recommend\n", "not valid TOML"),
    ],
)
def test_settings_that_make_no_sense_are_named(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "tastemate.toml").write_text(toml)
    with pytest.raises((ConfigError, NotFound), match=said):
        Tastemate.open(tmp_path)


def test_a_data_set_that_is_not_there_is_said() -> None:
    with pytest.raises(UnknownDataset, match="films"):
        Tastemate.open("filmz")


@pytest.mark.parametrize(
    "ask",
    [
        lambda tm: tm.recommend("p012", query=None),
        lambda tm: tm.recommend("p012", query=b"tense"),
        lambda tm: tm.recommend(1),
        lambda tm: tm.recommend(likes="heat"),
        lambda tm: tm.recommend(exclude="heat"),
        lambda tm: tm.recommend(filters="year>=1990"),
        lambda tm: tm.recommend(likes=[1]),
        lambda tm: tm.recommend(likes=None),
        lambda tm: tm.taste(1),
        lambda tm: tm.ask(None),
        lambda tm: tm.ask(b"tense"),
        lambda tm: tm.ask("tense", 1),
        lambda tm: tm.search(None),
        lambda tm: tm.similar(3),
        lambda tm: tm.explain("p012", 1),
        lambda tm: tm.like(1, "Heat"),
    ],
)
def test_what_is_of_the_wrong_type_is_said(films: Tastemate, ask: Any) -> None:
    with pytest.raises(ConfigError, match=r"must be (text|a list)"):
        ask(films)


def test_a_mixed_batch_answers_as_each_query_alone(films: Tastemate) -> None:
    """What one query brings (words, a vector, soft wishes, few likes) is nothing to another."""
    vector = films.retriever("search").vectors[3]
    asked = [
        films.query(k=5),
        films.query(k=5, likes=["Heat"]),
        films.query("p012", 5, text="a heist"),
        replace(films.query("p012", 5), vector=vector),
        replace(films.query(k=5), leanings=(Leaning("genres", "is", "Comedy"),)),
    ]
    together = [slate.ids for slate in films.recommend_all(asked)]
    assert together == [films.recommend_all([one])[0].ids for one in asked]
