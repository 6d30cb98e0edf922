"""Simulate the people of the bundled sample `films`, who they are and what they rated.

The sample must work offline and may be passed on by anybody, so no real person's ratings are in
it. Everything follows from the film attributes and `SEED`. Only uniform draws are taken from
numpy's generator, whose stream is fixed, so that other versions of numpy give the same bytes.

    python scripts/simulate_films.py [--out FOLDER]
"""

import argparse
import gzip
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from film_tastes import (
    ARCHETYPES,
    DEMO,
    DEMO_OWN,
    KNOWN_TO_ALL,
    SHARES,
    SHARES_OF_C,
    Taste,
)

Floats = NDArray[np.float64]

SEED = 20240229
PEOPLE = 600
FOLDER = Path(__file__).resolve().parents[1] / "src" / "tastemate" / "data" / "films"
FIRST_DAY = datetime(2015, 1, 1, tzinfo=UTC)
DAYS = (datetime(2023, 12, 31, tzinfo=UTC) - FIRST_DAY).days

MEAN_RATING = 3.57  # before ratings are cut off at 5
SHORTEST, MEDIAN, LONGEST = 20, 58, 220  # ratings per person
HIDDEN = 4  # dimensions of taste that no attribute shows
RUN = 0.65  # how often the next film is chosen because of the one before
ENGLISH = {"USA", "UK", "Australia", "New Zealand", "Canada"}
FAME_OF_DECADE = {1920: -1.6, 1930: -1.2, 1940: -1.0, 1950: -0.8, 1960: -0.4, 1970: 0.0}
AGE_BANDS = {
    "18-29": (0.30, 1995),
    "30-44": (0.34, 1982),
    "45-59": (0.22, 1967),
    "60+": (0.14, 1952),
}
GROUPS = {"a": 0.56, "b": 0.30, "c": 0.14}


class Draws:
    """A stream of random numbers for one key, made of uniform draws only."""

    def __init__(self, *key: int) -> None:
        self._stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, *key])))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return one number in [low, high)."""
        return low + (high - low) * float(self._stream.random())

    def normals(self, n: int) -> Floats:
        """Return `n` standard normal numbers (Box and Muller, 1958)."""
        u = self._stream.random((2, n))
        return np.asarray(np.sqrt(-2 * np.log1p(-u[0])) * np.cos(2 * np.pi * u[1]))

    def normal(self) -> float:
        """Return one standard normal number."""
        return float(self.normals(1)[0])

    def pick(self, logits: Floats) -> int:
        """Return an index drawn with probability softmax(logits), by the Gumbel maximum."""
        noise = -np.log(-np.log1p(-self._stream.random(len(logits))) + 1e-300)
        return int(np.argmax(logits + noise))

    def choose(self, shares: Sequence[float]) -> int:
        """Return an index drawn with probabilities proportional to `shares`."""
        return self.pick(np.log(np.asarray(shares)))


def standard(scores: Floats) -> Floats:
    """Return the scores with mean 0 and deviation 1."""
    return np.asarray((scores - scores.mean()) / (scores.std() + 1e-9))


class Films:
    """The films' traits and what the simulation assumes of them: fame, quality, hidden factors."""

    def __init__(self, films: list[dict[str, Any]]) -> None:
        self.ids = [film["id"] for film in films]
        self.year = np.array([film["year"] for film in films])
        self.runtime = np.array([film["runtime"] for film in films])
        self.violence = np.array([film["violence"] for film in films])
        self.abroad = np.array([not ENGLISH & set(film["country"]) for film in films])
        self.traits = [
            sorted(
                {*film["genres"], *film["themes"], *film["moods"], film["setting"]}
                | {*film["directors"], *film["cast"], f"{film['year'] // 10 * 10}s"}
                | ({film["franchise"]} - {""})
            )
            for film in films
        ]
        # Keyed by the id, so that a film keeps its numbers when others join.
        own = np.array([Draws(zlib.crc32(i.encode())).normals(HIDDEN + 3) for i in self.ids])
        self.hidden = own[:, :HIDDEN]
        self.quality = own[:, HIDDEN] + np.where(self.year < 1970, 0.4, 0.0)
        self.released = (self.year - FIRST_DAY.year) * 365.25 + 180 + 50 * own[:, HIDDEN + 1]
        famous = 0.5 * own[:, HIDDEN + 2] + 0.4 * self.quality - 1.1 * self.abroad
        famous += [0.9 * bool(f["franchise"]) - 0.8 * ("Documentary" in f["genres"]) for f in films]
        famous += [FAME_OF_DECADE.get(int(year) // 10 * 10, 0.6) for year in self.year]
        famous += 1.5 * np.isin(self.ids, KNOWN_TO_ALL)
        rank = np.argsort(np.argsort(-famous, kind="stable"), kind="stable")
        self.fame = -np.log(rank + 12.0)  # log of a Zipf-Mandelbrot share
        self.earlier = np.array([self._before(i, films) for i in range(len(films))])
        self.link = self._links(films)
        self.kinds = [standard(self.score(weights(taste))) for taste in ARCHETYPES.values()]

    def score(self, weights: dict[str, float]) -> Floats:
        """Return per film the summed weights of its traits, in sorted order."""
        return np.array([sum(weights[t] for t in own if t in weights) for own in self.traits])

    def _before(self, i: int, films: list[dict[str, Any]]) -> int:
        """Return the film before film i in its franchise, i itself where there is none."""
        same = [j for j, film in enumerate(films) if film["franchise"] == films[i]["franchise"]]
        before = [j for j in same if self.year[j] < self.year[i] and films[i]["franchise"]]
        return max(before, key=lambda j: (int(self.year[j]), j), default=i)

    def _links(self, films: list[dict[str, Any]]) -> Floats:
        """Return how strongly having seen film i suggests film j: (films, films)."""
        link = np.zeros((len(films), len(films)))
        for i, a in enumerate(films):
            for j, b in enumerate(films):
                if i == j:
                    continue
                years = b["year"] - a["year"]
                later = 1.0 if years >= 0 else 0.0
                near = later * math.exp(-abs(years) / 8)
                if a["franchise"] and a["franchise"] == b["franchise"]:
                    link[i, j] += 2.0 + later + 2.5 * near
                if set(a["directors"]) & set(b["directors"]):
                    link[i, j] += 1.8 + 1.5 * near
                link[i, j] += 1.5 * len(set(a["cast"]) & set(b["cast"]))
                link[i, j] += 0.35 * len(set(a["themes"]) & set(b["themes"]))
                link[i, j] += 0.25 * len(set(a["moods"]) & set(b["moods"]))
        return link


def weights(taste: Taste) -> dict[str, float]:
    """Return the weight of each trait for an archetype."""
    found = dict.fromkeys(taste.likes, 1.0) | dict.fromkeys(taste.loves, 2.0)
    return found | dict.fromkeys(taste.avoids, -1.5)


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated person; arrays are per film."""

    user: str
    group: str
    age_band: str
    length: int
    main: Floats  # affinities of the two archetypes the person moves between
    side: Floats
    own: Floats  # personal deviations, hidden factors, violence, films from abroad
    reach: Floats  # how likely one comes across films of that age
    company: Floats  # what those one watches with would choose
    yields: float  # how often they do choose
    start: float  # share of `main` at the first film and at the last
    end: float
    bias: float
    spread: float
    whole_stars: bool

    def affinity(self, share: float) -> Floats:
        """Return the taste for each film when `share` of the history has passed."""
        main = self.start + share * (self.end - self.start)
        return standard(main * self.main + (1 - main) * self.side + self.own)


def deviations(films: Films, lean: Floats, draws: Draws) -> Floats:
    """Return the score of a few personal likes and dislikes: traits, directors and actors."""
    found: dict[str, float] = {}
    for _ in range(9):
        # Taken from a film that fits, most of the time: favourites come from what one watches.
        traits = films.traits[draws.pick(1.5 * lean + films.fame)]
        trait = traits[int(draws.uniform(0, len(traits)))]
        found[trait] = 1.5 if draws.uniform() < 0.8 else -1.5
    return films.score(found)


def person(number: int, films: Films) -> Person:
    """Draw the person with this number (from 1)."""
    draws = Draws(0, number)
    demo = f"p{number:03}" == DEMO
    tastes = list(ARCHETYPES.values())
    group = list(GROUPS)[draws.choose(list(GROUPS.values()))]
    band = list(AGE_BANDS)[draws.choose([share for share, _ in AGE_BANDS.values()])]
    shares = SHARES_OF_C if group == "c" else SHARES
    a, b, company = (draws.choose(shares) for _ in range(3))
    start, end = draws.uniform(0.5, 1.0), draws.uniform(0.2, 1.0)
    length = int(np.clip(MEDIAN * np.exp(0.62 * draws.normal()), SHORTEST, LONGEST))
    if demo:
        group, band, a, b, company, start, end, length = "a", "30-44", 0, 1, 5, 0.5, 0.45, 72
    lean = start * films.kinds[a] + (1 - start) * films.kinds[b]
    personal = films.score(DEMO_OWN) if demo else deviations(films, lean, draws)
    taste = draws.normals(HIDDEN) + (np.eye(HIDDEN)[0] if group == "c" else 0.0)
    most = start * tastes[a].violence + (1 - start) * tastes[b].violence + 0.5 * draws.normal()
    abroad = start * tastes[a].abroad + (1 - start) * tastes[b].abroad + 0.2 * draws.normal()
    old = start * tastes[a].old + (1 - start) * tastes[b].old
    own = 0.45 * personal + (0.15 if demo else 0.45) * (films.hidden * taste).sum(axis=1)
    own -= 0.5 * np.maximum(films.violence - most, 0)
    own -= 1.2 * films.abroad * (1 - np.clip(abroad, 0, 1))
    before = np.maximum(AGE_BANDS[band][1] + 5 - films.year, 0) / 10  # decades before one's time
    return Person(
        user=f"p{number:03}", group=group, age_band=band, length=length,
        main=films.kinds[a], side=films.kinds[b], own=own,
        reach=-0.5 * (1 - old) * before, company=films.kinds[company],
        yields=0.11 if demo else draws.uniform(0.02, 0.14),
        start=start, end=end, bias=0.35 * draws.normal(),
        spread=draws.uniform(0.7, 1.3), whole_stars=draws.uniform() < 0.2 and not demo,
    )  # fmt: skip


def sessions(length: int, draws: Draws) -> tuple[list[int], list[int]]:
    """Return the sizes of the evenings (or long days) that make up a history, and their days."""
    sizes: list[int] = []
    while (left := length - sum(sizes)) > 0:
        sizes.append(min(left, 1 + draws.choose((0.42, 0.30, 0.17, 0.08, 0.03))))
    typical = 12.0 * np.exp(0.7 * draws.normal())  # days between evenings
    span = int(np.clip(len(sizes) * typical, len(sizes) + 10, DAYS - 10))
    gaps = np.exp(1.0 * draws.normals(len(sizes)))
    free = np.cumsum(gaps / gaps.sum() * (span - len(sizes)))
    first = int(draws.uniform(0, DAYS - span - 1))
    return sizes, [first + k + int(f) for k, f in enumerate(free)]


def history(who: Person, films: Films) -> list[tuple[int, int, float]]:
    """Return (film, timestamp, raw rating) in the order watched."""
    draws = Draws(1, int(who.user[1:]))
    sizes, days = sessions(who.length, draws)
    unseen = np.zeros(len(films.ids))  # -inf once seen
    everything = np.arange(len(films.ids))
    found: list[tuple[int, int, float]] = []
    for size, day in zip(sizes, days, strict=True):
        minute = day * 1440 + int(draws.uniform(600, 840 if size > 3 else 1260))
        for _ in range(size):
            affinity = who.affinity(len(found) / who.length)
            fresh = 1.0 * (np.abs(day - films.released - 200) < 200)
            out = np.where(films.released > day, -np.inf, unseen)
            if draws.uniform() < who.yields:
                logits = films.fame + 2.4 * who.company
            else:
                logits = films.fame + 2.1 * affinity + who.reach + fresh
                logits = logits - 1.2 * (unseen[films.earlier] == 0) * (films.earlier != everything)
                if found and draws.uniform() < RUN:
                    logits = films.link[found[-1][0]] + 0.7 * logits
            film = draws.pick(logits + out)
            unseen[film] = -np.inf
            minute += int(films.runtime[film]) + int(draws.uniform(3, 50))
            taste = 0.42 * films.quality[film] + 0.75 * affinity[film]
            raw = who.bias + who.spread * (taste + 0.6 * draws.normal())
            found.append((film, int(FIRST_DAY.timestamp()) + minute * 60, float(raw)))
    return found


def rounded(raw: float, whole_stars: bool) -> float:
    """Return a rating in half steps of 0.5 to 5, or in whole ones."""
    steps = 1 if whole_stars else 2
    nearest = float(np.floor(raw * steps + 0.5)) / steps
    return min(5.0, max(1.0 if whole_stars else 0.5, nearest))


def write(folder: Path) -> None:
    """Simulate everybody and write `people.csv` and `ratings.csv.gz` into `folder`."""
    lines = [
        line
        for name in ("films-a.jsonl", "films-b.jsonl")
        for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()
    ]
    films = Films([json.loads(line) for line in lines])
    people = [person(number, films) for number in range(1, PEOPLE + 1)]
    events = [(who, *event) for who in people for event in history(who, films)]
    shift = MEAN_RATING - float(np.mean([raw for *_, raw in events]))
    ratings = ["user,item,rating,timestamp"] + [
        f"{who.user},{films.ids[film]},{rounded(raw + shift, who.whole_stars):.1f},{when}"
        for who, film, when, raw in events
    ]
    declared = ["user,group,age_band"] + [f"{p.user},{p.group},{p.age_band}" for p in people]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.csv").write_bytes(("\n".join(declared) + "\n").encode())
    packed = gzip.compress(("\n".join(ratings) + "\n").encode(), compresslevel=9, mtime=0)
    (folder / "ratings.csv.gz").write_bytes(packed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the two files go")
    write(parser.parse_args().out)
