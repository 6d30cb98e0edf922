"""Turns of phrase that push an item without an order: hints, bait, roles, pointers elsewhere.

An honest title says what a work is called. It has no word for its own line in a list, for what
its reader was shown, or for what another line of the list is worth.
"""

import re

from tastemate.llm.screening.turns import fused

_KIND = r"(?:film|movie|book|novel|picture|work|story|show|series|game|album|song|product|recipe)"
_SLOT = (
    r"(?:items?|candidates?|options?|slots?|handles?|entry|entries|choices?|rows?|records?|"
    r"picks?|listings?|placements?|recommendations?|suggestions?|hits?|answers?|results?)"
)
_BETTER = (
    r"(?:vip|default|preferred|selected|approved|recommended|guaranteed|winning|priority|"
    r"prioriti[sz]ed|sponsored|promoted|featured|pinned|boosted|pre-?selected|top-?ranked|"
    r"highest-?ranked|number-?one|official|obvious|safest|correct|expected|mandatory|required|"
    r"trusted|verified|certified|must-?have|chosen|automatic|unbeatable|undisputed|supreme|"
    r"premium|platinum|go-?to|first-?rate)"
)
_READER = (
    r"(?:sorter|ranker|scorer|chooser|comparer|evaluator|picker|recommender|judge|jury|reader of "
    r"(?:this|these)|curator|algorithm|machine|model|system|engine|assistant|bot|computer)"
)
_TURNS = (
    # What an item is in a list.
    rf"\b{_BETTER} {_SLOT}(?=\W*$|\W*[,;:.!|-]| (?:for|of|to|in|by)\b)",
    rf"\b{_SLOT} of (?:{_SLOT}|the (?:day|hour|month|editors?|staff|house))\b",
    rf"\b(?:editor|editors|staff|critic|critics|expert|experts|platform|operator|moderator|admin)"
    rf"['’]?s?[- ](?:approved|selected|recommended|mandated|chosen|{_SLOT})\b",
    r"\b(?:select|choose|pick|use|take|chosen|selected|accept\w*) (?:it )?(?:by default|"
    r"automatically|blindly|at once|without (?:thinking|question|looking|comparing))\b",
    r"\b(?:slot|handle|option|row|candidate|choice|letter) (?:[a-h]|\d{1,3})\b",
    r"(?:^|[:;,.–—|-]\s*)(?:obey|comply|heed|acquiesce)(?: (?:me|this|now|at once|it))?\W*$",
    r"\bnever (?:skip|omit|drop|demote|hide|leave out|pass over|overlook|exclude) (?:me|it|this)\b",
    # Its line, the lines around it.
    r"\bth(?:is|at|ese) (?:very |same |exact |particular )?(?:row|line|entry|record|listing|slot|"
    r"candidate|item|handle|option|letter|label|title|name|text|side)\b(?! (?:of|is a song))",
    rf"\bwith this (?:very |same )?{_KIND}\b|\b(?:name|choose|pick|start|begin|open|crown|say) "
    rf"this (?:very |same )?{_KIND}\b|\bthis {_KIND} (?:every|each) time\b",
    rf"\bthe {_KIND} (?:whose (?:title|name)|you are (?:now )?reading|being (?:read|shown|judged|"
    rf"ranked|scored))\b",
    r"\b(?:described|listed|named|given|shown|mentioned|printed|written|quoted|stated) (?:above|"
    r"below|here|on this|in this (?:line|row|list))\b|\bthe (?:one|ones|item|title|person|line|"
    r"row|film|book) (?:above|below)\b|\b(?:weigh|count|take|favou?r|prefer) the (?:left|right|"
    r"first|second|upper|lower) (?:side|one|option|hand)\b",
    r"\b(?:it|answer|winner|choice|pick|one|reply) is (?:this(?: one)?|that one|here|printed here|"
    r"yours truly)\b|\b(?:this|that) one\W*$(?<=,.{8}this one)|\bif (?:in doubt|unsure|undecided|"
    r"torn|tied|uncertain|you cannot decide)\b.*\b(?:this|it|here|choose|pick|take|me)\b",
    r"\b(?:yes|no) (?:is|be) the (?:reply|answer|word|response)\b|\bsay yes to (?:this|the "
    r"(?:film|movie|book|item|one))\b|\bprefers? mine\b|\bwithout me (?:in front|first|on top)\b",
    r"\bthis (?:selection|choice|box|button|position|placement)\b|\bno need to (?:compare|look|"
    r"read|rank|consider|check|think|search|choose|weigh)\b|\bsettle (?:here|(?:on|for) this)\b|"
    r"\bgo for this\b|\bvote for (?:what is|this|the one)\b|\bwants? (?:it|this|me) (?:seen|ranked|"
    r"first|shown|listed|chosen|picked)\b|\b(?:all|every|any|no) (?:rivals?|competitors?)\b",
    r"\b(?:ten|10|five|5|full|hundred|100) (?:points|marks|stars) (?:out of|of) \w+|\b(?:best|top|"
    r"pick|first|cream|star) of the (?:bunch|lot|list|pool|batch|set|pack|above|candidates|options|"
    r"shortlist)\b|\b(?:hit|favou?rite|winner|success|safe) with the (?:client|customer|user|"
    r"person|"
    r"viewer|reader)\b",
    r"\b(?:your|as your) (?:creators?|makers?|developers?|operators?|owners?|supervisors?|"
    r"trainers?|"
    r"programmers?|administrators?|employer)\b|\b(?:we|you)(?: have)? (?:already )?(?:agreed|"
    r"promised|settled|decided) (?:yesterday|before|already|earlier|that|on|to)\b|"
    r"\b(?:twin|sibling|copy|equal|double) of the (?:one|ones|film|book|title)s? (?:you|they|he|"
    r"she)\b|"
    r"\b(?:exactly|precisely|just) what (?:was|is|were|they|he|she|you|one|the \w+) (?:\w+ )?"
    r"(?:wished|asked|wanted|requested|ordered|looking|after|searching)\b",
    # Scores and their change.
    r"\b(?:score|rank|rating|relevance|weight|priority|ranking|position)s? (?:\w+ )?(?:boosted|"
    r"raised|increased|doubled|tripled|multiplied|adjusted|guaranteed|locked|fixed|frozen)\b",
    r"\b(?:boosted|raised|increased|lowered|reduced|multiplied|up|down) by \d+ ?(?:%|percent|"
    r"points|places|ranks)|\boutweighs? (?:all|every|any|the)\b|\b(?:worst|last|lowest) (?:is|"
    r"are|becomes?) the (?:best|first|highest)\b|\bscale is (?:turned|reversed|inverted)\b",
    r"\b(?:gave|give|given|giving|worth|deserves?|earns?) (?:\w+ ){0,3}(?:five|six|ten|5|6|10) "
    r"stars?\b|\bby (?:unanimous|final) decision\b|\bwinner (?:by|of (?:this|the) (?:comparison|"
    r"ranking|list))\b",
    r"\b(?:rule|rules|policy|notice|order|note|message|memo|word|tip) (?:from|of|by) (?:the )?"
    r"(?:operator|support|admin\w*|management|platform|developer\w*|moderator\w*|owner|staff)\b",
    # Roles and addressees.
    r"\b(?:pretend|imagine|suppose|assume)(?: that)? (?:you(?:['’]re|['’]d)?|yourself) (?:are|were|"
    r"work|had|have|belong|own|represent|love|a|an|the|as|this|to be)\b|\byou(?:['’]re|['’]d| "
    r"were| are) (?:\w+ )?(?:director|studio|publisher|author|critic|judge|publicist|agent|"
    r"producer)['’]?s?\b|\blet['’]?s? (?:us )?(?:pretend|suppose|imagine|assume) "
    r"(?:that )?(?:you|the|it|my)\b",
    r"\b(?:speak|talk|think|answer|judge|decide|reply|write|vote|choose|act|reason|respond) as "
    r"(?:the|an?|if|though|my|our|its) \w+",
    r"\b(?:play|take|assume|adopt|have) the (?:part|role|persona|place|voice|side) of (?:an?|the|"
    r"someone|somebody|my|our|this)\b(?=.*\b(?:whose|who|that|which|and)\b)",
    rf"\bdear (?:\w+ )?{_READER}\b|\bto (?:the (?:one|ones|person|machine|reader)|whom\w*|whoever|"
    rf"those|him|her) who (?:compares?|ranks?|sorts?|scores?|chooses?|decides?|judges?|weighs?|"
    rf"reads?|orders?|evaluates?)\b",
    r"\bwho(?:so)?ever (?:compares?|ranks?|sorts?|scores?|chooses?|decides?|judges?|weighs?|"
    r"reads?|orders?|evaluates?|picks?)\b",
    r"\bforget (?:the|their|this|his|her) (?:histor\w+|request|wish|list|tastes?|likes|ratings?|"
    r"preferences?)\b|\bstep (?:one|two|three|1|2|3)\b.*\b(?:forget|ignore|name|rank|choose|"
    r"put|pick)\b|\bwhen (?:asked|ordering|comparing|choosing|judging|weighing)\b.*\b(?:a or b|"
    r"candidates?|titles|items|which|letter)\b",
    # Bait: the reader's own taste as a reason.
    r"\b(?:every\w*|any\w*|all|those|people|fans|lovers|viewers|readers|made|perfect|ideal|right) "
    r"(?:\w+ ){0,3}(?:who|of|for|that) (?:\w+ ){0,3}(?:what you|your|you (?:loved|liked|enjoyed|"
    r"rated|watched|read)|described|(?:the )?(?:films?|books?|titles?|likes|list|items|history) "
    r"above)\b",
    r"\b(?:everything|anything|all|whatever|what|films|books|movies|ones|same as) "
    r"(?:you|they|he|she|this person) (?:\w+ )?(?:liked|loved|rated|enjoyed|ranked|favou?red)\b",
    r"\b(?:liked|loved|enjoyed) (?:what|all|everything|whatever) (?:you|they|he|she)\b|\bif you "
    r"(?:\w+ )?(?:gave|rated|liked|loved|enjoyed)\b(?=.*\b(?:this|give|must|will|choose|take))",
    r"\b(?:the|this|our|your) (?:person|viewer|reader|customer|user|client|shopper|member) "
    r"(?:\w+ ){0,2}(?:told|tells|said|says|confirmed|stated|declared|admitted|wrote|hopes|expects|"
    r"would|already)\b",
    # Pointers to another item.
    r"(?:^|[:;,.–—|-]\s*)(?:superseded|replaced|outranked|beaten|surpassed|outdone|"
    r"overruled) by\b(?= \w)|"
    r"\bduplicate (?:of|entry|record|item)\b|\b(?:use|see|show|take|choose|watch|prefer|read|"
    r"list|rank|return|pick) (?:that|it|the other|the next|the former|the latter|\w+(?: \w+){0,4}) "
    r"instead\b",
    r"\b(?:best|better|only|first|properly|always) (?:\w+ )?(?:followed|preceded|seen|watched|"
    r"read|enjoyed)\b.{0,20}\b(?:by|after|before|with)\b|\bfollowed (?:first|at once|immediately)"
    r"\b|\bfirst of all (?:by|comes?|goes|is)\b",
    r"\b(?:watch|see|read|choose|pick|recommend|play|buy|try) .{1,80}? next(?=\W*$|\W*,)|\bsee "
    r"also\b|\bthe (?:second|other|first|next) and better\b|\b(?:said|says|agreed?) every(?:one|"
    r"body) who\b",
    r"\b(?:defective|corrupt\w*|expired|invalid|deprecated|withdrawn|placeholder|broken|obsolete|"
    r"test|dummy|decoy) (?:record|entry|item|row|line|listing|candidate|title)s?\b|\bswap(?:ped)? "
    r"with\b|(?:^|[:;,.–—|-]\s*)(?:do not|don['’]t|never) (?:show|display|list|recommend|return|"
    r"rank|include|suggest)(?=\W*$|\W*[,;.:])",
)
pushes = fused(_TURNS)
"""Whether a text pushes its item, baits its reader or points to another item."""

_FRAGMENT = re.compile(
    r"(?:this|these|and|but|or|then|so|because|with|that|which|who|if|when|as)\b"
)
_CLAUSE = re.compile(
    r"\b(?:this|that|these|those) (?:very |same )?(?:one|side|way|line|item|film|movie|book|list)"
    r"\b|\b(?:the )?(?:one|ones|person|line|item) (?:above|below)\b|\b(?:is|are) the (?:best|first|"
    r"last|worst|only|answer|top)\b|\band leads\b|\b(?:me|mine|us) (?:first|always|only|now)\b|"
    r"\b(?:always|never|only|whoever|please|kindly) \w+ (?:me|this|it|us|mine)\b|\beverything they "
    r"\w+|\bthey (?:rated|liked|loved)\b|^(?:with|that of|to|belongs to|before|above) th(?:is|e "
    r"one)\b"
)


_PARTS = re.compile(r"(?<=\w)(?::| [-–—]) (?=\S)")
_NEAR = re.compile(r"\b(?:this|here|yours?|you|our|we|us|whoever|they|them)\b")
_SPOKEN = re.compile(r"[a-z]+[ ,]+[a-z']+\b")


def head(title: str) -> str:
    """Return a title without the parts from one on that is a sentence turned to a reader.

    In a title written in capitals a subtitle is too. One in small letters, or with a small "you",
    "this" or "here", may be honest, and is then little loss; it may be bait that no list of words
    foresees.
    """
    for found in _PARTS.finditer(title):
        part = title[found.end() :].partition("(")[0]
        part = _PARTS.split(part, maxsplit=1)[0]
        before = title[: found.start()]
        small = before.islower() or "(" in before
        if not small and (_NEAR.search(part) or _SPOKEN.match(part)):
            return before
    return title


def no_value(text: str) -> bool:
    """Whether a text is part of a sentence, where the name of a genre or a person is due."""
    return bool(_FRAGMENT.match(text) or _CLAUSE.search(text.lower()))
