"""The words of scripted people: wishes as phrases, in as many ways as there are people.

Written without a look at what reads them, from the tables beside `people`; what is drawn differs
by the generator, so that one person says the same in other words another time.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tastemate.catalog import Catalog
from tastemate.data.titles import natural
from tastemate.evaluate.people import Person
from tastemate.evaluate.wants import Want, phrases
from tastemate.traits import split_year

_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_NEAR = dict(zip("abcdefghiklmnoprstuwy", "svxsrdghokkmbiptardeit", strict=False))
LONG = 5
"""Letters a word has at least to be mistyped."""


class Voice:
    """How one person talks this time."""

    def __init__(self, person: Person, catalog: Catalog, rng: np.random.Generator) -> None:
        self._person = person
        self._catalog = catalog
        self._rng = rng
        self._tables = phrases()
        known = [name for name in self._tables["things"] if name in catalog.attributes]
        self._things: list[str] = self._tables["things"][known[0] if known else "*"]
        self.reads = "book" in self._things

    def pick(self, options: Sequence[str]) -> str:
        """Draw one of some phrases."""
        return str(options[int(self._rng.integers(len(options)))])

    def chance(self, share: float) -> bool:
        """Return True for that share of the draws."""
        return bool(self._rng.random() < share)

    def say(self, name: str, **fill: str) -> str:
        """Fill a phrase of the table of talk."""
        return self._fill(self.pick(self._tables["talk"][name]), **fill)

    def seen(self, what: str, every: bool) -> str:
        """Say that items are known already."""
        verb = "read" if self.reads and self.chance(0.6) else "seen"
        return self.say(f"{verb}_all") if every else self.say(verb, p=what)

    def short(self, wants: Sequence[Want]) -> str:
        """Say wishes in as few words as will do."""
        # without commas nobody could tell what a "no" in the middle is about
        plain = all(want.shape == "value" and not want.away for want in wants)
        joint = self.pick([", ", " "]) if plain else ", "
        return joint.join(self.bare(want) for want in wants)

    def bare(self, want: Want) -> str:
        """Say one wish and nothing else."""
        return self._form(want, "no_bare" if want.away else "bare")

    def sentence(self, want: Want) -> str:
        """Say one wish as a sentence."""
        return self._form(want, "no_alone" if want.away else "alone")

    def wishes(self, wants: Sequence[Want]) -> str:
        """Say wishes as one sentence: "can you recommend a French film from the 90s?"."""
        if len(wants) == 1 and self.chance(0.5):
            return self.sentence(wants[0])
        return self.say("open", x=self.phrase(wants))

    def phrase(self, wants: Sequence[Want]) -> str:
        """Return wishes as a noun phrase: "a French crime film from the 90s"."""
        front: list[str] = []
        tail: list[str] = []
        plain = any(want.attribute == "genres" and not want.away for want in wants)
        thing = self.pick([*self._things, *(() if plain else ("something",))])
        for want in wants:
            say = self._tables["say"][self._table(want)]
            if want.away:
                tail.append(self._form(want, "no_tail"))
            elif "front" in say and ("tail" not in say or self._before(want, thing)):
                front.append(self._form(want, "front"))
            else:
                tail.append(self._form(want, "tail"))
        tail.sort(key=lambda text: text.startswith("but "))
        nouns = [want for want in wants if want.value in self._tables["nouns"] and not want.away]
        if nouns and front and self.chance(0.6):
            noun = self._tables["nouns"][nouns[0].value]
            front = [one for one in front if one != self._lowered(nouns[0].value)]
            thing = noun if len(front) < len([w for w in wants if not w.away]) else thing
        if thing == "something":
            words = ["something", *front, *tail]
        else:
            words = [self._article([*front, thing][0]), *front, thing, *tail]
        return " ".join(words)

    def dropped(self, want: Want) -> str:
        """Take a wish back."""
        return self._form(want, "drop")

    def replaced(self, old: Want, new: Want, how: str) -> str:
        """Put a wish in another's place; `how` is "swap" or "mend"."""
        return self._form(new, how, old=self._written(old))

    def answer(self, want: Want) -> str:
        """Answer a question with a wish."""
        if not want.away and want.shape == "value" and self.chance(0.5):
            return self._written(want)
        return self.bare(want) if self.chance(0.7) else self.sentence(want)

    def place(self, shown: Sequence[int], *rows: int) -> str:
        """Point to items shown: by position or by title."""
        named: list[str] = []
        for row in rows[:2]:
            at = shown.index(row)
            if at >= len(_PLACES) or self.chance(0.4):
                named.append(self.title(row))
            else:
                word = _PLACES[at]
                named.append(f"the {word}" if self.chance(0.6) else f"the {word} one")
        return " and ".join(named)

    def title(self, row: int) -> str:
        """Write a title as people do: without its year, the article in front."""
        return split_year(natural(self._catalog.titles[row]))[0]

    def mistyped(self, text: str) -> str:
        """Return a text with a typing error or two in longer words."""
        parts = re.split(r"(\W+)", text)
        long = [at for at, part in enumerate(parts) if len(part) >= LONG and part.isalpha()]
        if not long:
            return text
        for at in self._rng.permutation(long)[: 1 + self.chance(0.3)].tolist():
            parts[at] = self._slip(parts[at])
        return "".join(parts)

    def lowered(self, text: str) -> str:
        """Return a text as somebody in a hurry types it."""
        return text.lower().rstrip(".") if self.chance(0.7) else text

    def _slip(self, word: str) -> str:
        at = int(self._rng.integers(1, len(word) - 1))
        match int(self._rng.integers(4)):
            case 0:
                return word[:at] + word[at + 1 :]
            case 1:
                return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            case 2:
                return word[:at] + word[at] + word[at:]
            case _:
                return word[:at] + _NEAR.get(word[at], word[at]) + word[at + 1 :]

    def _form(self, want: Want, form: str, **fill: str) -> str:
        say: dict[str, Any] = self._tables["say"][self._table(want)]
        options = say.get(form) or say.get(form.removeprefix("no_")) or say["bare"]
        plural = str(self._tables["plurals"].get(want.value, "")) if want.away else ""
        phrase = self.pick(options)
        several = plural and re.search(r"(no|any|but) \{v\}$|no \{v\} ", phrase)
        return self._fill(phrase, v=plural if several else self._written(want), **fill)

    def _fill(self, phrase: str, **fill: str) -> str:
        thing = self.pick(self._things)
        use = "read" if self.reads else "watch"
        if "{a}" in phrase:
            following = phrase.split("{a} ", 1)[1].format(thing=thing, use=use, a="", **fill)
            return phrase.format(thing=thing, use=use, a=self._article(following), **fill)
        return phrase.format(thing=thing, use=use, **fill)

    def _table(self, want: Want) -> str:
        return want.attribute if want.shape == "value" else want.shape

    def _written(self, want: Want) -> str:
        match want.shape:
            case "value":
                listed = self._tables["written"].get(want.attribute, {}).get(want.value)
                if listed:
                    return self.pick(listed)
                if self._tables["say"][want.attribute].get("name", False):
                    return want.value.removeprefix("The ")
                return self._lowered(want.value)
            case "decade":
                year = int(want.low)
                return f"{year % 100}s" if year < 2000 and self.chance(0.6) else f"{year}s"
            case "before":
                return str(int(want.high) + 1)
            case "since":
                return str(int(want.low))
            case "under" | "over":
                return self._lasting(int(want.high if want.shape == "under" else want.low))
            case "rated":
                return f"{want.low:g}"
            case _:
                return ""

    def _lasting(self, minutes: int) -> str:
        if minutes % 60 == 0 and self.chance(0.6):
            hours = minutes // 60
            return f"{hours} hours" if self.chance(0.5) else {2: "two hours"}.get(hours, "an hour")
        return f"{minutes} {self.pick(['minutes', 'min', 'minutes'])}"

    def _lowered(self, value: str) -> str:
        plain = value.replace("-", " ") if "-" in value and len(value) > 6 else value
        return plain.lower() if value not in self._tables["written"]["country"] else plain

    def _article(self, following: str) -> str:
        vowel = following[:1].lower() in "aeiou" or following[:2] in ("80", "18", "11")
        return "an" if vowel and not following.startswith("uni") else "a"

    def _before(self, want: Want, thing: str) -> bool:
        """Whether a wish stands before its thing: "a 90s film", but "something from the 90s"."""
        return (want.shape == "value" or thing != "something") and self.chance(0.6)
