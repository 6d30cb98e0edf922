import gzip
import json
import shutil

import pytest

from tastemate.data import amazon, movietext
from tastemate.data.load import load_path, recognise
from tastemate.data.validate import Report
from tastemate.errors import FormatError, NotFound, NothingUsable


def test_movielens_csv(tmp_path):
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n"
        '6,"Godfather, The (1972)",Crime|Drama\n'
        "7,Moonlight,(no genres listed)\n"
    )
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,6,4.5,964982703\n1,8,4.5,964982703\n"
    )
    (tmp_path / "tags.csv").write_text(
        "userId,movieId,tag,timestamp\n1,6,Mafia,1\n2,6,mafia,2\n2,6,slow,2\n2,8,x,2\n2,6,,2\n"
    )
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n6,68646,\n")
    assert recognise(tmp_path) == "MovieLens (csv)"
    catalog, interactions, report = load_path(tmp_path)
    assert catalog["6"].title == "The Godfather (1972)"
    assert catalog["6"].attributes == {
        "year": 1972,
        "genres": ("Crime", "Drama"),
        "tags": ("mafia", "slow"),
    }
    assert catalog["7"].attributes == {}
    assert len(interactions) == 1
    assert [(one.file, one.line) for one in report.first()] == [
        ("ratings.csv", 3),
        ("tags.csv", 5),
        ("tags.csv", 6),
    ]
    (tmp_path / "movies.csv").write_text("movieId,name\n6,x\n")
    with pytest.raises(FormatError, match="no column 'title'; its columns are movieId, name"):
        load_path(tmp_path)


def test_movielens_1m(tmp_path):
    inner = tmp_path / "ml-1m"
    inner.mkdir()
    (inner / "movies.dat").write_bytes("1::Cité, La (1995)::Drama|War\n".encode("latin-1"))
    (inner / "ratings.dat").write_text("9::1::5::978300760\n9::1::x::978300760\n")
    (inner / "users.dat").write_text(
        "9::F::25::20::48067\n10::M::18::99::1\n11::M::old::1::1\n9::M::1::1::1\n"
    )
    assert recognise(inner) == "MovieLens (dat)"
    catalog, interactions, report = load_path(tmp_path)
    assert catalog.titles == ("La Cité (1995)",)
    assert interactions.users == ("9", "10", "11")
    assert interactions.about("9") == {"gender": "F", "age": 25, "occupation": "writer"}
    assert interactions.about("10") == {"gender": "M", "age": 18}
    assert interactions.about("11") == {"gender": "M", "occupation": "academic/educator"}
    assert interactions.position.tolist() == [0]
    assert [(one.file, one.line, one.field) for one in report.first()] == [
        ("ratings.dat", 2, "rating"),
        ("users.dat", 2, "occupation"),
        ("users.dat", 3, "age"),
        ("users.dat", 4, "user"),
    ]


def test_movielens_100k(tmp_path):
    flags = ["0"] * 19
    flags[1] = flags[5] = "1"
    (tmp_path / "u.item").write_bytes(
        ("1|Misérables, Les (1995)|01-Jan-1995||http://x|" + "|".join(flags) + "\n").encode(
            "latin-1"
        )
    )
    (tmp_path / "u.data").write_text("3\t1\t4\t881250949\n")
    (tmp_path / "u.user").write_text("3|24|M|technician|85711\n")
    catalog, interactions, _ = load_path(tmp_path)
    assert catalog["1"].title == "Les Misérables (1995)"
    assert catalog["1"].attributes["genres"] == ("Action", "Comedy")
    assert interactions.about("3") == {"gender": "M", "age": 24, "occupation": "technician"}
    (tmp_path / "u.user").unlink()
    assert load_path(tmp_path)[1].people is None


REVIEW = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1370000000}


def test_amazon_2014(tmp_path):
    reviews = [REVIEW, REVIEW | {"asin": "B2", "unixReviewTime": 1370000001, "reviewText": "good"}]
    (tmp_path / "reviews_Beauty_5.json.gz").write_bytes(
        gzip.compress("\n".join(json.dumps(one) for one in reviews).encode())
    )
    (tmp_path / "meta_Beauty.json").write_text(
        "{'asin': 'B1', 'title': 'Soap &amp; water', 'description': 'it\\'s  soap',"
        " 'price': 12.99, 'brand': '', 'categories': [['Beauty', 'Soap'], ['Beauty']]}\n"
        "{'asin': 'B9', 'title': 'Never reviewed'}\n"
        "{'asin': os.remove('x')}\n"
    )
    assert recognise(tmp_path) == "Amazon reviews"
    catalog, interactions, report = load_path(tmp_path)
    assert catalog.ids == ("B1", "B2")
    one = catalog["B1"]
    assert (one.title, one.text) == ("Soap & water", "it's soap")
    assert one.attributes == {"categories": ("Beauty", "Soap"), "price": 12.99}
    assert catalog["B2"].title == "B2"
    assert interactions.users == ("A1",)
    assert interactions.value.tolist() == [5.0, 5.0]
    assert [one.reason for one in report.first()] == ["is not JSON"]
    assert any("1 reviewed items have no metadata" in note for note in report.notes)


def test_amazon_2023(tmp_path):
    (tmp_path / "Games.jsonl").write_text(
        json.dumps(
            {"user_id": "A", "asin": "C1", "parent_asin": "P1", "rating": 4.0}
            | {"timestamp": 1588687728923}
        )
    )
    (tmp_path / "meta_Games.jsonl").write_text(
        json.dumps(
            {"parent_asin": "P1", "title": "Chess", "description": ["a", "game"]}
            | {"store": "Acme", "price": "$1,012.50", "categories": []}
        )
    )
    catalog, interactions, report = load_path(tmp_path)
    one = catalog["P1"]
    assert (one.title, one.text) == ("Chess", "a game")
    assert one.attributes == {"brand": "Acme", "price": 1012.5}
    assert interactions.timestamp.tolist() == [1588687728]
    assert any("milliseconds" in note for note in report.notes)


def test_amazon_without_titles_or_metadata(tmp_path):
    path = tmp_path / "reviews.json"
    path.write_text(json.dumps(REVIEW))
    assert load_path(tmp_path)[0].titles == ("B1",)
    meta = tmp_path / "meta.json"
    meta.write_text('{"asin": "B1"}')
    assert amazon.load_reviews(path, meta, Report())[0].titles == ("B1",)


def test_sequences(tmp_path):
    (tmp_path / "sequences.txt").write_text("u1 b a  c\nu2 a\nu3\nu1 c\n")
    (tmp_path / "item_text.txt").write_text("a some words\nb\n")
    catalog, interactions, report = load_path(tmp_path)
    assert catalog.ids == ("a", "b", "c")
    assert catalog.titles == ("some words", "b", "c")
    history = interactions.history_of("u1")
    assert [catalog.ids[row] for row in history.items] == ["b", "a", "c"]
    assert history.timestamps.tolist() == [0, 1, 2]
    assert [(one.line, one.reason) for one in report.first()] == [
        (3, "names a user and no items"),
        (4, "names a user who was there before"),
    ]
    (tmp_path / "item_text.txt").unlink()
    assert load_path(tmp_path)[0].titles == ("b", "a", "c")
    (tmp_path / "sequences.txt").write_text("u1\n")
    with pytest.raises(NothingUsable, match="separated by spaces"):
        load_path(tmp_path)


def test_goodbooks(tmp_path):
    (tmp_path / "books.csv").write_text(
        "book_id,authors,original_publication_year,title,language_code,average_rating,ratings_count\n"
        '1,"Suzanne Collins, Ann B",2008.0,"The Hunger Games (The Hunger Games, #1)",eng,4.34,10\n'
        "2,Homer,-720.0,The Odyssey,,3.7,x\n"
    )
    (tmp_path / "book_genres.csv").write_text('book_id,g,genres\n1,5,"ya,fiction"\n')
    catalog, interactions, report = load_path(tmp_path)
    assert [(one.line, one.field, one.value) for one in report.first()] == [
        (3, "ratings_count", "x")
    ]
    assert catalog["1"].title == "The Hunger Games"
    assert catalog["1"].attributes == {
        "year": 2008,
        "authors": ("Suzanne Collins", "Ann B"),
        "genres": ("ya", "fiction"),
        "series": "The Hunger Games",
        "language": "eng",
        "average_rating": 4.34,
        "ratings_count": 10,
    }
    assert catalog["2"].attributes["year"] == -720
    assert len(interactions) == 0
    (tmp_path / "book_genres.csv").write_text("x\n1\n")
    with pytest.raises(FormatError, match="book_id and genres"):
        load_path(tmp_path)
    (tmp_path / "book_genres.csv").unlink()
    (tmp_path / "books.csv").write_text("book_id,title,authors\n1,T,A\n")
    assert load_path(tmp_path)[0]["1"].attributes == {"authors": ("A",)}
    (tmp_path / "books.csv").write_text("book_id,title\n1,T\n")
    with pytest.raises(FormatError, match="lacks the columns authors"):
        load_path(tmp_path)


@pytest.mark.parametrize(
    ("extract", "names"),
    [
        ("It is a film directed by John Lasseter, produced by X.", ["John Lasseter"]),
        ("a film directed by Rob Reiner. Based on", ["Rob Reiner"]),
        ("film written and directed by J. F. Lawton in his debut", ["J. F. Lawton"]),
        ("directed by Joel and Ethan Coen and starring", ["Joel Coen", "Ethan Coen"]),
        (
            "directed by A. Anders, Alexandre Rockwell, and Quentin Tarantino, based",
            ["A. Anders", "Alexandre Rockwell", "Quentin Tarantino"],
        ),
        ("directed and co-written by Guillermo del Toro and starring", ["Guillermo del Toro"]),
        ("directed by and starring Ben Stiller. The", ["Ben Stiller"]),
        ("directed by Argentine-Brazilian filmmaker Héctor Babenco from", ["Héctor Babenco"]),
        ("directed by McG and starring", ["McG"]),
        ("directed by Ridley Scott and Paramount.", ["Ridley Scott"]),
        ("It stars Jim Carrey and is directed by Carrey.", ["Jim Carrey"]),
        ("directed by, produced by, and starring Mel Gibson as", ["Mel Gibson"]),
        ("a film about a director", []),
        ("directed by the same team", []),
    ],
)
def test_directors_are_read_carefully(extract, names):
    assert movietext.directors(extract) == names


def test_text_is_joined_by_id(tmp_path):
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,A (1990),Drama\n2,B,Drama\n")
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4,9\n")
    words = tmp_path / "wikipedia_extracts.csv"
    words.write_text('movieId,cast,extract\n1,Tim Allen|Jim (voice)|(voices),"A\n\nfilm."\n')
    catalog, _, _ = load_path(tmp_path, tmp_path)
    assert catalog["1"].text == "A film."
    assert catalog["1"].attributes["cast"] == ("Tim Allen", "Jim")
    assert "directors" not in catalog["1"].attributes
    assert catalog["2"].text == ""
    words.write_text("movieId,cast\n1,x\n")
    with pytest.raises(FormatError, match="extract"):
        load_path(tmp_path, words)
    with pytest.raises(NotFound, match="leave"):
        load_path(tmp_path, tmp_path / "no.csv")


def test_the_sample_folder(tmp_path):
    film = {"id": "a", "title": "A (1990)", "year": 1990, "genres": ["Drama"], "franchise": ""}
    (tmp_path / "films-a.jsonl").write_text(json.dumps(film | {"text": "words", "setting": "x"}))
    (tmp_path / "films-b.jsonl").write_text(
        json.dumps(film) + "\n" + json.dumps(film | {"id": "b"})
    )
    catalog, interactions, report = load_path(tmp_path)
    assert catalog.ids == ("a", "b")
    assert catalog["a"].attributes == {"year": 1990, "genres": ("Drama",), "setting": "x"}
    assert len(interactions) == 0
    assert len(report) == 1
    (tmp_path / "ratings.csv.gz").write_bytes(
        gzip.compress(b"user,item,rating,timestamp\np1,a,4,100\n")
    )
    assert len(load_path(tmp_path)[1]) == 1
    (tmp_path / "people.csv").write_text("user,group,age_band\np1,x,18-24\n")
    assert load_path(tmp_path)[1].about("p1") == {"group": "x", "age_band": "18-24"}


def test_real_movielens_with_text(data_dir):
    catalog, interactions, report = load_path(data_dir / "ml-latest-small", data_dir / "movie-text")
    assert (len(catalog), interactions.n_users, len(interactions)) == (9742, 610, 100_836)
    assert len(report) == 0
    assert catalog["1"].attributes["directors"] == ("John Lasseter",)
    assert (catalog.frame["text"] != "").sum() == 6333
    assert catalog.frame["directors"].drop_nulls().len() > 5700


def test_real_beauty_and_books(data_dir):
    catalog, interactions, _ = load_path(data_dir / "beauty")
    assert (interactions.n_users, len(catalog), len(interactions)) == (22_363, 12_101, 198_502)
    books, none, _ = load_path(data_dir / "goodbooks")
    assert (len(books), len(none)) == (10_000, 0)


def test_real_files_survive_a_copy_without_optional_ones(data_dir, tmp_path):
    for name in ("movies.csv", "ratings.csv"):
        shutil.copyfile(data_dir / "ml-latest-small" / name, tmp_path / name)
    catalog, _, _ = load_path(tmp_path)
    assert catalog.attributes == ("year", "genres")
