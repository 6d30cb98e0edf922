"""The kinds of taste that the simulated people of the sample `films` are mixed from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taste:
    """What one kind of person loves, likes and avoids; `violence`: the most they enjoy (0-3)."""

    loves: tuple[str, ...]
    likes: tuple[str, ...]
    avoids: tuple[str, ...]
    violence: int
    abroad: float  # 0 = stays with English-language films, 1 = does not mind
    old: float  # 0 = mostly films of one's own time, 1 = any age


# Fame is mostly made up, but a popularity list without these would look odd.
KNOWN_TO_ALL = """
    star-wars-episode-iv-a-new-hope-1977 the-matrix-1999 pulp-fiction-1994 jurassic-park-1993
    the-shawshank-redemption-1994 forrest-gump-1994 fight-club-1999 the-godfather-1972 jaws-1975
    the-lord-of-the-rings-the-fellowship-of-the-ring-2001 the-dark-knight-2008 inception-2010
    titanic-1997 the-lion-king-1994 toy-story-1995 back-to-the-future-1985 casablanca-1942
    the-silence-of-the-lambs-1991 raiders-of-the-lost-ark-1981 spirited-away-2001 alien-1979
    harry-potter-and-the-sorcerers-stone-2001 terminator-2-judgment-day-1991 psycho-1960
    the-wizard-of-oz-1939 e-t-the-extra-terrestrial-1982 seven-1995 interstellar-2014 shrek-2001
    die-hard-1988 finding-nemo-2003 avatar-2009 parasite-2019 the-avengers-2012 amelie-2001
""".split()

# Words are genres, themes, moods, settings, directors, actors or decades of the films.
ARCHETYPES = {
    "crime": Taste(
        ("Crime", "heist", "tense", "Thriller"),
        ("suspenseful", "gritty", "investigation", "corruption", "betrayal", "Mystery",
         "Martin Scorsese", "Quentin Tarantino", "David Fincher", "Robert De Niro", "Al Pacino"),
        ("Musical", "Family", "whimsical", "romantic"), 3, 0.5, 0.5),
    "science fiction": Taste(
        ("Sci-Fi", "thoughtful", "time travel", "technology"),
        ("mysterious", "identity", "space", "future", "dystopia", "alien contact", "memory",
         "science", "Denis Villeneuve", "Ridley Scott", "Stanley Kubrick", "Andrei Tarkovsky"),
        ("Musical", "Romance", "Western", "cosy"), 2, 0.6, 0.5),
    "spectacle": Taste(
        ("Action", "exciting", "superheroes", "Adventure"),
        ("epic", "espionage", "rebellion", "2010s", "2000s", "Tom Cruise", "Robert Downey Jr.",
         "Harrison Ford", "Steven Spielberg", "George Miller"),
        ("quiet", "melancholy", "Documentary", "Musical"), 2, 0.1, 0.1),
    "family": Taste(
        ("Animation", "Family", "warm"),
        ("whimsical", "uplifting", "animals", "childhood", "magic", "friendship", "Pete Docter",
         "Hayao Miyazaki", "Tom Hanks", "Brad Bird"),
        ("Horror", "violent", "dark", "gritty"), 0, 0.4, 0.5),
    "romance": Taste(
        ("Romance", "romantic", "love"),
        ("bittersweet", "marriage", "Comedy", "infidelity", "memory", "Hugh Grant", "Julie Delpy",
         "Kate Winslet", "Richard Linklater", "Billy Wilder", "Audrey Hepburn"),
        ("violent", "scary", "Horror", "War"), 1, 0.5, 0.6),
    "stage and song": Taste(
        ("Musical", "music", "theatre and film"),
        ("uplifting", "playful", "romantic", "art", "nostalgic", "inspiring", "royalty",
         "Baz Luhrmann", "Damien Chazelle", "Pedro Almodóvar"),
        ("gritty", "violent", "Sci-Fi", "tense"), 1, 0.5, 0.8),
    "horror": Taste(
        ("Horror", "scary", "monsters"),
        ("dark", "surreal", "serial killer", "madness", "apocalypse", "suspenseful",
         "John Carpenter", "Wes Craven", "Alfred Hitchcock", "Danny Boyle", "Sigourney Weaver"),
        ("Family", "uplifting", "Musical", "cosy", "warm"), 3, 0.6, 0.6),
    "world cinema": Taste(
        ("quiet", "melancholy", "thoughtful"),
        ("Drama", "loneliness", "grief", "old age", "family", "asia", "europe", "faith",
         "Ingmar Bergman", "Yasujiro Ozu", "Akira Kurosawa", "Michael Haneke", "Federico Fellini"),
        ("Action", "superheroes", "exciting", "Adventure"), 2, 1.0, 0.9),
    "old Hollywood": Taste(
        ("1930s", "1940s", "1950s"),
        ("1920s", "1960s", "Western", "disguise", "nostalgic", "Mystery", "Cary Grant",
         "James Stewart", "Charlie Chaplin", "Alfred Hitchcock", "Billy Wilder", "Howard Hawks"),
        ("superheroes", "2010s", "violent"), 1, 0.5, 1.0),
    "history and conscience": Taste(
        ("War", "history", "justice"),
        ("politics", "journalism", "race", "duty", "sacrifice", "class", "rebellion", "inspiring",
         "world war", "honour", "David Lean", "Steven Spielberg", "Sam Mendes"),
        ("magic", "superheroes", "whimsical", "Horror"), 3, 0.8, 0.7),
    "comedy": Taste(
        ("Comedy", "funny", "satirical"),
        ("playful", "friendship", "school", "work", "disguise", "suburbia", "Bill Murray",
         "Rob Reiner", "Simon Pegg", "Joel Coen", "Terry Gilliam", "Monty Python"),
        ("sad", "scary", "War", "melancholy"), 1, 0.3, 0.4),
    "fantasy": Taste(
        ("Fantasy", "magic", "quest"),
        ("fantasy world", "epic", "monsters", "other world", "royalty", "Adventure", "medieval",
         "Peter Jackson", "Hayao Miyazaki", "Ian McKellen", "Emma Watson"),
        ("gritty", "Crime", "Documentary", "modern city"), 2, 0.4, 0.3),
}  # fmt: skip
SHARES = (0.13, 0.11, 0.15, 0.10, 0.09, 0.05, 0.06, 0.07, 0.05, 0.07, 0.07, 0.05)
# The minority `c` has the same kinds of taste in other proportions.
SHARES_OF_C = (0.07, 0.05, 0.09, 0.08, 0.16, 0.11, 0.04, 0.18, 0.05, 0.09, 0.05, 0.03)

DEMO = "p012"  # the person of the demonstration: written by hand, rated like the others
DEMO_OWN = {
    "heist": 1.5, "tense": 1.5, "thoughtful": 1.5, "Crime": 1.0, "Sci-Fi": 1.5, "time travel": 1.0,
    "identity": 0.7, "Christopher Nolan": 1.5, "Ridley Scott": 0.7, "Musical": -4.0,
    "scary": -1.0, "romantic": -0.7, "Horror": -1.0,
}  # fmt: skip
