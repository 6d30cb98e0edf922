"""The plain words in which a reason may be put: those that claim nothing by themselves.

A model writes freely, and nearly every word of praise, every quantity and every adjective is a
claim. So the test is turned round: words that only join, point and compare pass; words that say
something pass with the evidence for it (`NEEDS`, `ABOUT`); everything else is a claim without
evidence. Negations, contrasts, superlatives and quantities are left out on purpose.
"""

PLAIN = frozenset(
    """
    a about across add added adding addition additional adds after again again's along along's
    alongside also amid among amongst an anchor anchored anchors and another appeal appealed
    appeals appear appearing appears applies apply approach are around as aspect at attention
    back backed be because been being belong belongs beside besides bond bonds book books both
    bridge bridges bring brings build builds by call calls came can carries carry case centered
    centers central centred centres chain chance chime chimes choice choose chooses chose chosen
    cites clear clearly close closely come comes common comparable compare compares comparison
    complement complements connect connected connection connects consider considering contain
    contains continue continues continuing correspond corresponds could counterpart cover covers
    cross crosses crossing detail did direct directly discover do does draw drawn draws due each
    earlier easily echo echoed echoes echoing either element elements else engage enough enter
    enters entry equally essence even evoke evokes evoking expect explain explains explore
    explores exploring extend extends eye fact fall falls familiar fan fans feature features
    featuring fellow film film's films find finds fit fits fitting focus focuses fold follow
    follow-up following follows for form forms found from further gave gets give given gives
    giving go goes going got had happen happens has have having hear heard here hint hints hold
    holding holds how i if in include includes including indeed interest interested interests
    into invite invites involve involves is it it'd it's item items its itself join joined
    joining joins just keep keeping keeps kind kindred kinds know knowing known land lands lead
    leading leads lean leans leave let lie lies like liked likely likes likewise liking line
    lines link linked links list lists look looks make makes making mark marks match matched
    matches matching matter may mean means meanwhile meet meets mention mentions might mind
    mirrors movie movie's movies much name named names naming natural naturally nature near
    nearby next nod note notes of offer offering offers on one option or order our ours out
    overlap overlapping overlaps owing own pair paired pairing pairs parallel parallels part
    particular path pattern people's perhaps pick picked picks piece place play playing plays
    plus point pointed points possible post preference preferences presence present presented
    presents previous previously profile prove proves put quite reach reaches read reading
    reappear reappears recall recalling recalls recognise recognised recognize recommend
    recommendation recommended recommends recur recurring recurs reflect reflecting reflects
    relate related relates relative remain remains remind reminding reminds reminiscent repeat
    repeats resemble resembles resembling respect rest rests return returning returns reveal
    reveals revisit revisits revolve revolves right run running runs same say says score scored
    see seeing seem seems seen selection sense sequence serve serves shape shapes share shared
    shares sharing should show shown shows side sign signal signals similar similarities
    similarity similarly simply since sit sits so someone's something sort sound sounds source
    speak speaks spirit spot stand stay stays step steps still strand such suggest suggested
    suggestion suggests suit suitable suited suits supported supports take takes taste tastes
    tell tells tend tends territory than thanks that that's the their theirs them then there
    there's these they they're thing things this thread threads through throughout tie tied ties
    title titles to together too touch touches toward towards trace traces trait traits treat
    treats try turn turns two type types underline underlines up upon us use uses using value
    values vein very view viewing was watch watched watching way we weave weaves welcome well
    were what when where which while who whom whose why will will'd with within work working
    works worth would you you'd you'll you're you've your yours yourself
    """.split()
)
"""Words that claim nothing."""

LIKING = frozenset(
    """liked like likes enjoy enjoyed enjoys appreciated appreciate favour favoured favored
    favourably favorably fond worked
    enjoyment enjoying appreciation fondness""".split()
)
STRONG = frozenset("loved love adored high highly top strongly hit warmly".split())
"""Words for a value near the top of the scale."""
RATING = frozenset(
    "gave give given rated rate rating ratings marked score scored stars star".split()
)
MET = frozenset("watched seen saw read met chose chosen picked".split())
PEOPLE = frozenset(
    "people person others those viewers readers users watchers someone folks likers".split()
)
CROWD = frozenset(("popular", "popularity"))
ASKED = frozenset(
    """asked ask request requested requests query search searched searching wanted want wish
    wished looking mentioned word words wrote typed described""".split()
)
CAUSE = frozenset("because due thanks owing why reason".split())
NEW = frozenset("new fresh first novel".split())
DIFFERENT = frozenset("unlike whereas only alone different differs".split())
DESCRIPTION = frozenset("description text title".split())

ABOUT: dict[str, frozenset[str]] = {
    "directed directs director directors directing direction filmmaker helmed helms": frozenset(
        ("director", "filmmaker")
    ),
    "behind": frozenset(("director", "filmmaker", "author", "writer", "creator", "artist")),
    "starring starred stars star actor actors actress cast acting": frozenset(
        ("cast", "actor", "star")
    ),
    "written writer writers author authors wrote": frozenset(("author", "writer", "screenwriter")),
    "genre genres": frozenset(("genre", "categorie", "category")),
    "theme themes topic topics subject subjects deals deal story stories": frozenset(
        ("theme", "topic", "subject", "keyword", "tag", "genre")
    ),
    "mood moods feel feels feeling atmosphere tone": frozenset(("mood", "tone")),
    "country countries set": frozenset(("country", "countrie", "place", "setting")),
    "language languages": frozenset(("language",)),
    "decade decades era eras period dates dated": frozenset(("year",)),
    "series franchise collection": frozenset(("series", "franchise", "collection")),
    "brand maker": frozenset(("brand", "maker")),
    "tag tags tagged keyword keywords labelled labeled": frozenset(("tag", "keyword")),
}
"""Words that name a kind of attribute → the attributes (singular) that bear them out."""
KINDS: dict[str, frozenset[str]] = {
    word: attributes for words, attributes in ABOUT.items() for word in words.split()
}

WHOLE = frozenset("actors cast genres keywords moods stars subjects tags themes topics".split())
"""Words for all values of an attribute: what is shared must be named beside them."""

PRAISE = frozenset("good strong great fine solid".split())
"""Words that praise what follows: let through before one of `MATCH` only."""
MATCH = frozenset(
    "match fit choice pick link connection overlap candidate parallel echo suggestion".split()
)

KNOWN = PLAIN | LIKING | STRONG | RATING | MET | PEOPLE | CROWD | ASKED | CAUSE | NEW | DIFFERENT
KNOWN = KNOWN | DESCRIPTION | PRAISE | MATCH | frozenset(KINDS)
"""Every word that may pass, with evidence where it needs some."""
