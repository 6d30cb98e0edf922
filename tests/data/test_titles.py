import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemate.data import titles


@pytest.mark.parametrize(
    ("sorted_title", "natural"),
    [
        ("Godfather, The (1972)", "The Godfather (1972)"),
        ("Single Girl, A (Fille seule, La) (1995)", "A Single Girl (La Fille seule) (1995)"),
        ("Bear, The (Ours, L') (1988)", "The Bear (L'Ours) (1988)"),
        ("Boot, Das (Boat, The) (1981)", "Das Boot (The Boat) (1981)"),
        (
            "Dream of Light (a.k.a. Quince Tree Sun, The) (Sol del membrillo, El) (1992)",
            "Dream of Light (a.k.a. The Quince Tree Sun) (El Sol del membrillo) (1992)",
        ),
        (
            "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
            "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo) (1966)",
        ),
        ("I Love You, Man (2009)", "I Love You, Man (2009)"),
        ("Lust, Caution (Se, jie) (2007)", "Lust, Caution (Se, jie) (2007)"),
        ("Others, The", "The Others"),
        (" 3 dev adam (Three Giant Men) (1973) ", "3 dev adam (Three Giant Men) (1973)"),
    ],
)
def test_articles_move_to_the_front(sorted_title, natural):
    assert titles.natural(sorted_title) == natural
    assert titles.natural(natural) == natural


@given(st.text(max_size=60))
def test_any_text_keeps_its_letters(text):
    moved = titles.natural(text)
    assert sorted(moved.replace(" ", "").replace(",", "")) == sorted(
        text.strip().replace(" ", "").replace(",", "")
    )


def test_years_are_read_from_the_end():
    column = pl.Series(["Heat (1995)", "2001 (1968) ", "Show (2006–2007)", "Moonlight", "1984"])
    assert titles.years(column).to_list() == [1995, 1968, 2006, None, None]
