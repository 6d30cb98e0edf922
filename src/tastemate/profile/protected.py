"""What nobody may be told they are: refusing sentences that guess at age, gender, origin and so on.

A taste says what somebody likes, never who they are. The line is drawn by grammar: what a film
is about may be named ("films about growing old"), what is said of the person may not ("is in
their thirties"). Phrases about content are blanked first; whatever of the vocabulary is left is
said of the person. In doubt a sentence goes: losing one costs little, a wrong guess a lot.
"""

import re
from dataclasses import dataclass

_NOUNS = (
    r"(?:(?:film|movie|title|story|storie|tale|book|novel|show|drama|comedy|comedie|romance|romcom|"
    r"thriller|musical|western|documentary|documentarie|biopic|cartoon|animation|classic|cinema|"
    r"picture|flick|series|franchise|plot|narrative|character|heroine|heroe|hero|lead|protagonist|"
    r"cast|theme|setting|subject|topic|genre|mystery|mysterie|horror|fantasy|fantasie|adventure|"
    r"adaptation|ensemble|humou?r|satire|fiction|sci-fi|friendship|couple|portrait|portrayal|"
    r"soundtrack|music|song|play|performance|role|love interest|relationship comedie|director|"
    r"writer|author|actor|actress|actresse|filmmaker|screenwriter)(?:s|'s)?)"
)
_KIN = (
    r"(?:(?:an?|the|his|her|their|your) )?(?:\w+ )?(?:husband|wife|kids|children|partner|spouse|"
    r"boyfriend|girlfriend|family|son|daughter|mother|father)"
)
_ENDS = (
    r"(?:[,;:.!?()\u2013\u2014]|\b(?:because|since|as|so|suggest\w*|indicat\w*|probably|likely|"
    r"perhaps|maybe|may|might|could|must|seems?|appears?|hint\w*|imply|implying|implies|reflect\w*|"
    r"given|being|typical\w*|meaning|points?|pointing|tells?|telling|reveal\w*|shows?|showing|"
    r"she|he|they|you|your|this (?:person|viewer|user)|the (?:viewer|user|person))\b|"
    r"\band (?:is|are|was|were|has|have|lives?|works?)\b|$)"
)
_ABOUT = re.compile(
    rf"\b{_NOUNS}\s+(?:(?:which|that)\s+(?:are|is|explores?|deals? with|follows?|features?|"
    rf"centres?|"
    rf"centers?|tells?|looks? at|show|shows)\s+|"
    rf"(?:mostly |often |mainly |usually |largely )?(?:about|of|on|with(?! {_KIN})|featuring|"
    rf"starring|like|by|"
    rf"such as|around|exploring|following|showing|centred on|centered on|focus\w* on|deal\w* with|"
    rf"where|in which|whose|set in|set among|from|made in|based on|led by|for (?=children|kids|"
    rf"famil|the whole))\s*)(?:(?!{_ENDS}).)*",
    re.IGNORECASE,
)
_THEMED = re.compile(
    rf"\b(?:about|themes? of|tales? of|stories of|focused on|set in|set among)\s+(?:(?!{_ENDS}).)*",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?!(?:he|she|his|her|hers|him|their|your|likes?|loves?)\b)[\w'-]+\s+"
    rf"(?={_NOUNS}\b(?!\s+(?:lover|fan|buff|viewer|goer|enthusiast|watcher|audience|maker)))"
    r"|\b[\w-]+-(?:led|centred|centered|driven|oriented)\b",
    re.IGNORECASE,
)
_SET = re.compile(
    r"coming[- ]of[- ]age|young adult(?= (?:fiction|novel|book|film|stor|romance)|$)|golden age|"
    r"(?:bronze|stone|ice|new|space|middle|jazz|victorian) ages?|"
    r"age[- ]old|boy[- ]meets[- ]girl|(?:his|him|he) (?:or|/) (?:hers?|she)|(?:his|he)/(?:her|she)|"
    r"s/he|family[- ]friendly|all ages|chick flicks?|battle of the sexes|mother nature|"
    r"the (?:early |mid[- ]?|late )?(?:nineteen )?(?:teens|twenties|thirties|forties|fifties|"
    r"sixties|"
    r"seventies|eighties|nineties)",
    re.IGNORECASE,
)
_OWN = r"(?:his|her|their|your|one's|own|this person's|the (?:viewer|user|person)'s)"
_TENS = r"(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)"
_NATIONS = (
    r"american|mexican|british|english|scottish|irish|french|german|italian|spanish|portuguese|"
    r"russian|polish|ukrainian|turkish|arab|arabic|israeli|iranian|indian|pakistani|chinese|"
    r"japanese|korean|vietnamese|filipin[oa]|african|nigerian|kenyan|brazilian|argentin\w+|"
    r"canadian|australian|european|asian|latin[oax]|hispanic|caucasian|indigenous|scandinavian|"
    r"swedish|norwegian|danish|finnish|dutch|belgian|swiss|austrian|greek|hungarian|czech|romanian"
)
_JOBS = (
    r"teacher|nurse|doctor|lawyer|engineer|programmer|developer|accountant|manager|executive|"
    r"scientist|professor|academic|student|worker|employee|freelancer|entrepreneur|clerk|secretary|"
    r"consultant|designer|journalist|librarian|farmer|soldier|veteran|chef|housewife|homemaker|"
    r"retiree|pensioner|therapist|social worker|office worker|civil servant|businesswoman|"
    r"businessman|professional|graduate"
)
_TRAITS: dict[str, str] = {
    "age": rf"\baged?\b(?! (?:like|well))|\bages\b|years? (?:old|young)|\b\d{{1,3}}[- ]year|"
    rf"\b{_OWN} (?:early |mid[- ]?|late )*(?:teens|\d0'?s|{_TENS}ies)\b|"
    rf"\b(?:early|mid|late)[- ]{_TENS}ies\b|\b(?:{_TENS}y|\d\d)[- ]?(?:something|ish)s?\b|"
    rf"\b(?:is|are|be|being|around|about|roughly|approximately|over|under|turned) "
    rf"(?:\d\d|{_TENS}y(?:[- ]\w+)?)\b(?! (?:titles|films|movies|books|ratings|percent))|"
    r"middle[- ]aged?|\belder(?:ly)?\b|\bteen(?:s|ager|agers|age|aged)?\b|\badolescen\w+|"
    r"\byoung(?:er|ish)?\b|\bolder\b|\byouth\b|\badults?\b|\badulthood\b|\bseniors?\b|\bretire\w*|"
    r"\bmillennials?\b|\bgen(?:eration)?[- ]?[xyz]\b|\bboomers?\b|\bborn\b|\bgrew up\b|"
    r"\bgrowing up\b|\bupbringing\b|\bchildhood\b|\bmaturity\b|\bgeneration\b",
    "gender": r"\b(?:she|he|her|hers|herself|his|him|himself)\b|\b(?:wo)?m[ae]n\b|"
    r"\b(?:fe)?males?\b|"
    r"\bgirls?\b|\bboys?\b|\blad(?:y|ies)\b|\bgentlem[ae]n\b|\bguys?\b|\bfeminin\w+|\bmasculin\w+|"
    r"\bgender\w*|\bmanly\b|\bwomanly\b|\bgirly\b",
    "origin": rf"\b(?:{_NATIONS})s?\b|\bimmigrant\w*|\bemigrant\w*|\bnationalit\w+|\bcitizens?\b|"
    r"\bnative (?:of|speaker)|\b(?:ethnic|racial)\w*|\bperson of colou?r\b|\bblack\b|\bwhite\b|"
    r"\b(?:cultural|ethnic|religious|family|social|educational|migration) background|\bheritage\b|"
    r"\bancest\w+|\bdescent\b|\bof [\w-]+ origin\b",
    "location": r"\b(?:lives?|living|resid\w+|dwell\w*|based|located) (?:alone )?(?:in|near|at|"
    r"abroad)\b|"
    r"\b(?:is|are|comes?|hails?|probably|likely|originally) from\b|\b(?:city|town|"
    r"country)[- ]dweller"
    r"|\bsuburb\w*|\bmidwest\w*|\bneighbou?rhood\b|\bhometown\b|\bsmall[- ]town\b",
    "religion": r"\b(?:christian|muslim|islam\w*|jew|jewish|catholic|protestant|hindu|buddhist|"
    r"sikh|"
    r"atheist|agnostic|mormon|evangelical)s?\b|\breligi\w+|\bdevout\b|\bpious\b|\bchurch\w*|"
    r"\bbelievers?\b|\bfaith\b|\bpray\w*|\bspiritual(?:ity)?\b|\bsecular\b",
    "health": rf"\bsuffer\w*|\bstruggl\w+|\bdepress\w+|\banxiety\b|\billness\w*|\bdisease\w*|"
    rf"\bhealthy?\b|"
    rf"\bdiagnos\w+|\btherapy\b|\bpatients?\b|\bpregnan\w+|\bobes\w+|\boverweight\b|\binsomnia\w*|"
    rf"\bchronic\w*|\baddict\w*|\brecover\w+|\bmental\w*|\btrauma\w*|\bgriev\w+|\bbereave\w+|"
    rf"\blonel\w+|\bcancer\b|\balcohol\w*|{_OWN} (?:loss|grief)\b",
    "disability": r"\bdisab\w+|\bwheelchair\b|\bautis\w+|\bblind\b|\bdeaf\b|\bneurodiver\w+|"
    r"\badhd\b|"
    r"\bdyslex\w+|\bimpair\w+|\bhandicap\w*",
    "sexuality": r"\bgay\b|\blesbian\w*|\bbi-?sexual\w*|\bqueer\b|\bhetero\w*|\bhomosexual\w*|"
    r"\blgbt\w*|\btransgender\w*|\bnon-?binary\b|\basexual\w*|\bsexual\w*|\bstraight\b",
    "family": rf"\b(?:un)?married\b|\bmarr(?:y|ies|ying)\b|\bdivorc\w+|\bwidow\w*|\bspouses?\b|"
    rf"\bhusbands?\b|\bwi(?:fe|ves)\b|\bwed\b|\bnewlywed\w*|\bboyfriends?\b|\bgirlfriends?\b|"
    rf"\bengaged to\b|\bfianc\w+|\bbachelor\w*|\bsingles?\b(?! (?:out|most|title|film))|"
    rf"\bparents?\b|\bparent(?:ing|hood)\b|\b(?:grand)?(?:mother|father)s?\b|\bm[ou]ms?\b|"
    rf"\bdads?\b|"
    rf"\b(?:has|have|having|with|raising|{_OWN}) (?:\w+ ){{0,2}}(?:kids?|child|children|sons?|"
    rf"daughters?|famil(?:y|ies)|partner|siblings?|toddlers?|babys?)\b|"
    rf"\bin a (?:[\w-]+ )?relationship\b|{_OWN} (?:\w+ )?(?:marriage|relationship|love life|"
    rf"wedding)\b|"
    r"\bdating\b|\bcouple\b|\bfamily (?:man|woman|person|life)\b|\bchildless\b",
    "income": r"\bwealth\w*|\brich\b|\baffluent\b|\bincomes?\b|\bsalar\w+|\bwell[- ]off\b|"
    r"\b(?:middle|working|upper|lower)[- ]class\b|\bpoor\b(?! (?:rating|score|acting))|\bpoverty\b|"
    r"\bmoney\b|\bearn(?:s|er|ers|ing|ings)?\b|\bfinancial\w*|\bprivileged\b|\bhomeowner\w*",
    "job": rf"\b(?:{_JOBS})s?\b|\bjobs?\b|\bcareers?\b|\bprofession\b|\boccupation\w*|"
    r"\b(?:un)?employ\w+|\bworks? (?:as|at|for|in|with|from)\b|\bworking (?:as|at|for|in|life)\b|"
    r"\bworkplace\b|\bcolleagues?\b|\beducated\b|\beducation\b|\bcollege\b|\buniversit\w+|"
    r"\b(?:at|in|from) school\b|\bdegree in\b|\bday job\b|\boffice (?:job|life)\b|\bmilitary\b",
    "politics": r"\bliberals?\b|\bconservatives?\b|\bdemocrats?\b|\brepublicans?\b|"
    r"\b(?:left|right)[- ](?:wing|leaning)\b|\bfeminis\w+|\bsocialis\w+|\bcommunis\w+|"
    r"\blibertarian\w*|\bpolitic\w*|\bvot(?:es?|ers?|ing)\b|\bprogressive\b|\bactivis\w+|"
    r"\bunion member",
    "demographics": r"\bdemographic\w*|\bbackground\b",
}
_FOUND = {name: re.compile(found, re.IGNORECASE) for name, found in _TRAITS.items()}
_KINDS = frozenset(
    """age gender sex origin nationality ethnicity race religion faith belief health disability
    sexuality orientation marital marriage status family parenthood income wealth class job
    occupation profession education employment politics location residence demographic demographics
    identity personal""".split()
)
_GUESS = re.compile(
    r"\b(?:probably|likely|perhaps|maybe|presumably|possibly|seems?|appears?|might|may be|"
    r"you|your|this (?:person|viewer|user)|the (?:person|viewer|user))\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"^(?:(?:a|an|the|is|are|be|being|probably|likely|has|have|in|lives?|works?)\s+)*"
    r"(?:(?:(?:un)?married|divorced|single|wom[ae]n|m[ae]n|(?:fe)?male|girl|boy|mother|father|"
    r"parent|"
    r"wife|husband|widow(?:er|ed)?|gay|lesbian|bisexual|queer|heterosexual|straight|christian|"
    r"muslim|"
    r"jew(?:ish)?|catholic|hindu|buddhist|atheist|elderly|middle[- ]aged|young|old|teenager|adult|"
    rf"disabled|rich|poor|wealthy|unemployed|retired|conservative|liberal|{_JOBS}|{_NATIONS}|"
    rf"person|viewer)s?\s*)+$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9])|\n+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sentence that was taken out, and the traits it was about."""

    sentence: str
    traits: tuple[str, ...]


def traits(sentence: str) -> tuple[str, ...]:
    """Return the protected traits that a sentence claims of a person.

    Titles are best blanked first: "Little Women" is nobody's gender.
    """
    text = sentence.replace("\u2019", "'")
    for phrase in (_SET, _BEFORE, _ABOUT, _THEMED):
        text = phrase.sub(" ", text)
    return tuple(name for name, found in _FOUND.items() if found.search(text))


def trait_of_value(kind: str, value: str) -> str:
    """Return the protected trait that a statement's kind or value claims, or an empty text.

    A bare theme may be anything ("growing old", "war"); a kind such as "age", a guess
    ("probably married") or a word for a person ("a mother") may not.
    """
    named = re.split(r"[^a-z]+", kind.casefold())
    for word in named:
        if word in _KINDS:
            return word
    text = _SET.sub(" ", value.replace("\u2019", "'")).strip()
    if _PERSONAL.match(text):
        return _first(text) or "identity"
    own = re.search(rf"^\W*in {_OWN} |\b(?:years? old|year-old)\b", text, re.IGNORECASE)
    if _GUESS.search(text) or own or re.match(r"(?:is|are|has|lives?|works?)\b", text, re.I):
        return _first(text)
    return ""


def sentences(text: str) -> list[str]:
    """Split a text into its sentences."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def refuse(text: str, titles: tuple[str, ...] = ()) -> tuple[str, tuple[Refusal, ...]]:
    """Return a text without the sentences on protected traits, and those sentences.

    `titles` may be named whatever words they hold.
    """
    kept, refused = list[str](), list[Refusal]()
    for sentence in sentences(text):
        found = traits(without_titles(sentence, titles))
        if found:
            refused.append(Refusal(sentence, found))
        else:
            kept.append(sentence)
    return " ".join(kept), tuple(refused)


def without_titles(text: str, titles: tuple[str, ...]) -> str:
    """Blank out titles, the longest first."""
    for title in sorted(titles, key=lambda one: (-len(one), one)):
        text = re.sub(rf"(?<!\w){re.escape(title)}(?!\w)", " \u2022 ", text)
    return text


def _first(text: str) -> str:
    return next(iter(traits(text)), "")
