"""Text to words: one folding of case, accents, marks and plurals, and BM25 over the words.

BM25 is written here as a sparse matrix: every weight is known when the words are counted, so a
search is one row of a product, and nothing is compiled, printed or kept between calls.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tastemate.types import Floats

LONGEST = 20_000
"""Characters of a text that are read; the rest of a longer one is ignored."""

STOP_WORDS = frozenset(
    "a about all also an and any are as at be been but by can could d did do does for from had has "
    "have he her his how i if in into is it its just ll m me my no not of on or our re s she so "
    "some t than that the their them there these they this those to too up us ve very was we were "
    "what when where which who why will with would you your".split()
)
ASKING_WORDS = frozenset(
    "anything book books film films find give good great like liked likes looking love more most "
    "movie movies one ones please read really recommend recommendation recommendations "
    "recommended see should show shows similar something suggest then title titles want "
    "watch".split()
)
"""Words people use to ask, which say nothing about the item they want."""

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile(r"(?<=\w)['\u2018\u2019\u02bc`\u00b4](?=\w)")


def fold(text: str) -> str:
    """Return lower case without accents, with "and" for "&"; long texts are cut."""
    text = text[:LONGEST]
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        text = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return _APOSTROPHES.sub("", text.casefold().replace("&", " and "))


def words(text: str) -> list[str]:
    """Return the folded words of a text, in order; everything but letters and digits divides."""
    return _WORD.findall(fold(text))


def stem(word: str) -> str:
    """Return a word without its plural ending (after the S-stemmer of Harman, 1991).

    "ie" becomes "y", so that movie and movies, story and stories stay together.
    """
    if len(word) < 4:
        return word
    if word.endswith("s") and not word.endswith(("us", "ss", "is")):
        word = word[:-1]
    return word[:-2] + "y" if len(word) > 4 and word.endswith("ie") else word


def terms(text: str) -> list[str]:
    """Return the stemmed words of a text."""
    return [stem(word) for word in words(text)]


def asked(text: str) -> list[str]:
    """Return the terms of a query without stop words and asking words, unless none would stay."""
    found = words(text)
    for dropped in (STOP_WORDS | ASKING_WORDS, STOP_WORDS):
        kept = [stem(word) for word in found if word not in dropped]
        if kept:
            return kept
    return [stem(word) for word in found]


@dataclass(frozen=True, slots=True)
class Bm25:
    """BM25 weights of every term in every text (Robertson and Zaragoza, 2009).

    `matrix` is (terms, texts), float32; `vocabulary` names its rows; `idf` is (terms,).
    """

    vocabulary: Mapping[str, int]
    matrix: sparse.csr_matrix
    idf: Floats
    k1: float

    def scores(self, queries: Sequence[Sequence[str]]) -> Floats:
        """Return each text's score for each query's terms, (queries, texts), between 0 and 1.

        Scores are shares of the most that the query could reach; unknown terms count in that.
        """
        shape = (len(queries), len(self.vocabulary))
        counts = [Counter(self.vocabulary[t] for t in q if t in self.vocabulary) for q in queries]
        rows = np.repeat(np.arange(len(queries)), [len(count) for count in counts])
        columns = np.array([code for count in counts for code in count], dtype=np.int64)
        times = np.array([n for count in counts for n in count.values()], dtype=np.float32)
        asked = sparse.csr_matrix((times, (rows, columns)), shape=shape)
        found: Floats = np.asarray((asked @ self.matrix).toarray(), dtype=np.float32)
        most = np.maximum(self.mass(queries) * (self.k1 + 1), 1e-9)
        return np.asarray(found / most[:, None], dtype=np.float32)

    def mass(self, queries: Sequence[Sequence[str]]) -> Floats:
        """Return the sum of each query's inverse document frequencies, (queries,).

        A term that no text has counts as the rarest there could be.
        """
        rarest = float(np.log1p((self.matrix.shape[1] + 0.5) / 0.5))
        return np.array(
            [
                sum(
                    float(self.idf[self.vocabulary[term]]) if term in self.vocabulary else rarest
                    for term in query
                )
                for query in queries
            ],
            dtype=np.float32,
        )


def bm25(texts: Iterable[Mapping[str, float]], k1: float = 1.2, b: float = 0.75) -> Bm25:
    """Weigh texts given as term -> count; counts may be fractions, as BM25F's weighted fields."""
    vocabulary: dict[str, int] = {}
    columns: list[int] = []
    values: list[float] = []
    starts = [0]
    for counts in texts:
        for term, times in counts.items():
            columns.append(vocabulary.setdefault(term, len(vocabulary)))
            values.append(times)
        starts.append(len(columns))
    n = len(starts) - 1
    index = np.array(columns, dtype=np.int32)
    count = np.array(values, dtype=np.float32)
    lengths = np.add.reduceat(np.append(count, 0), starts[:-1])[:n] if n else np.empty(0)
    lengths = np.where(np.diff(starts) > 0, lengths, 0.0)
    spread = k1 * (1 - b + b * lengths / max(float(lengths.mean()) if n else 0.0, 1e-9))
    weight = count * (k1 + 1) / (count + np.repeat(spread, np.diff(starts)))
    having = np.bincount(index, minlength=len(vocabulary))
    idf = np.log1p((n - having + 0.5) / (having + 0.5)).astype(np.float32)
    shape = (n, len(vocabulary))
    by_text = sparse.csr_matrix(((weight * idf[index]).astype(np.float32), index, starts), shape)
    return Bm25(vocabulary, sparse.csr_matrix(by_text.T), idf, k1)
