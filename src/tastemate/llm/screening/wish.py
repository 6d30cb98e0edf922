"""Whether a sentence of a wish is none: pasted text that orders a list about.

A wish is the person's own, so it may be an order: "recommend something tense", "no horror, please",
"the newest first". What no wish speaks of is handles and places of one item, the reply and its
form, the prompt, or the rules of whoever reads it.
"""

import re

from tastemate.llm.screening import foreign
from tastemate.llm.screening.phrases import HANDLES, JOINED, MARKUP, ORDERED, ROLE
from tastemate.llm.screening.turns import fused

_MODEL = (
    r"(?:a\.?i\.?|assistant|language model|model|llm|gpt\S*|chat ?gpt|claude|gemini|chat ?bot|bot|"
    r"algorithm|recommender|re-?ranker|ranker|sorter|recommendation (?:engine|system)|ranking "
    r"(?:engine|system))"
)
_KINDS = (
    r"(?!(?:the |a |an |some |any |all |only |more )*(?:\w+ ){0,2}(?:ones|films|movies|books|"
    r"novels|"
    r"comedies|thrillers|dramas|series|stories|classics|documentaries|things|musicals|westerns|"
    r"mysteries|romances|sequels|shorts|titles|albums|songs|games)\b)"
)
"""Not a kind of things: whoever orders kinds says what they like."""
_PLACE = (
    r"(?:first\b(?! (?:date|world|time|film|movie|book|season|half|part|two|three|few|one|love|"
    r"novel|album|person|half|of its|in (?:a|the) series))|on top\b|at (?:the )?(?:very )?top\b|"
    r"to (?:the )?(?:very )?"
    r"top\b|top of|number one\b|number 1\b|# ?1\b|no\. ?1\b|(?:in|into|at|to) (?:the )?(?:first|"
    r"top|"
    r"1st|leading) (?:place|spot|position|row|slot|line|rank)|above (?:all|every|any|the)|ahead of|"
    r"before (?:all|any|every|the (?:other|rest)|each)|last\b(?! (?:year|week|night|month|time|"
    r"summer|weekend|film|movie|book))|in front\b|highest\b|at the (?:end|bottom|front|head|start))"
)
_TURNS = (
    # Whoever reads it, and its rules.
    rf"\b(?:dear|hey|hello|hi|attention|attn|to|for|note to|ok|okay|listen,?|"
    rf"p\.? ?s\.? to)\W+(?:the "
    rf"|all |any |my )?{_MODEL}\b(?! (?:film|movie|book|stor|thriller|in|of|that|who|fan|theme))",
    rf"\b(?:you|you're|you are|act|behave|respond|speak)(?: now)?(?: as| like)?(?: an?| the| my)? "
    rf"(?:\w+ )?{_MODEL}\b",
    r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard|drop|skip|violate|disobey|"
    r"cancel|erase|neglect|set aside|suspend)\b(?: \w+){0,4}? (?:instructions?|prompts?|rules?|"
    r"guidelines?|directives?|commands?|constraints?|polic(?:y|ies)|orders|above|previous|prior|"
    r"preceding|system|context|history|ratings|preferences|everything (?:else|before|above|i)|"
    r"the (?:rest|others?)|other (?:films|items|titles|candidates|movies|books|options))\b",
    r"\b(?:system|developer|admin\w*|operator|owner|support|moderator|root|catalogue|catalog) (?:"
    r"prompt|message|override|mode|note|notice|command|rule|rules|policy|instruction\w*|owner|"
    r"requires?|says?|update)\b|\b(?:note|message|order|rule|notice|memo|instruction)s? (?:from|of|"
    r"by) (?:the )?(?:support|operator|admin\w*|system|developer\w*|owner|platform|management|"
    r"moderator\w*|staff|editor)\b",
    r"\b(?:new|updated|revised|special|secret|hidden|following|these|your|my|further|above|"
    r"previous|prior) (?:operator |system )?(?:rules?|instructions?|directives?|prompt|task|"
    r"guidelines?|commands?|orders)\b(?! of (?:the )?(?:game|love|life|nature|war|court))",
    r"\b(?:end|start|begin|beginning) of (?:the |this |my )?(?:request|wish|query|prompt|message|"
    r"input|data|user|text|instructions?|context)\b|\bsystem (?:prompt|message)\b|"
    r"\b(?:jailbreak|prompt injection|developer mode|debug mode|god mode|sudo)\b",
    r"\b(?:reveal|print|repeat|leak|show|quote|output) (?:me )?(?:your|the) (?:\w+ )?(?:prompt|"
    r"instructions|rules)\b|\bfrom now on\b.*\b(?:you|list|answer|rank|always)\b|\bas an ai\b",
    # The reply and its form.
    r"\b(?:reply|respond|return|output|print|write|emit)\b(?! to (?:a|the) (?:letter|love))(?: "
    r"\w+){0,3}? (?:json|yaml|xml|order|list|array|handle|handles|letter|number|ranking|only|with|"
    r"exactly|nothing|that|this|\d+)\b|\b(?:answer|say|reply|respond|vote|choose|pick|return|"
    r"output|"
    r"write)s? (?:only |just |with |always |the letter |letter )*[\"'(\[]?(?:[a-h]|yes|no|\d{1,3})"
    r"[\"')\]]?(?=\W*$| (?:if|for|when|and|first|only|is|to)\b|[,;.])",
    r"\b(?:you|your|the|an?|every|each|any|this) (?:\w+ )?(?:answer|reply|response|output|ranking|"
    r"ordering|list|order|slate|comparison|result)s? (?:that |which )?(?:must|has to|should|shall|"
    r"starts?|begins?|opens?|leads|is headed|ends|contains?|is (?:always|only)|with)\b|\b(?:into|"
    r"as) "
    r"an? (?:ranking|json|ordered list|order)\b|\border that opens\b",
    r"\b(?<!\bi )(?<!\bwould )(?<!\bid )(?<!i'd )(?:must|has to|have to|shall) (?:answer|reply|"
    r"respond|return|output|name|list|rank|say|put|"
    r"place)\b(?! (?:in|my)\b)",
    # Handles, numbers and letters of items.
    r"\b(?:handle|candidate|option|item|entry|slot|row|index|record|letter)s? (?:number |no\.? ?|"
    r"# ?)?(?:\d{1,3}|[a-h])\b|\b(?:position|rank|place|slot|spot|number|row) (?:number )?(?:1|"
    r"one)\b|"
    r"\b(?:the )?handles?\b(?= of| for| is| that)|\b(?:all|the|other|every|any|each|remaining) "
    r"(?:\w+ )?candidates\b(?! for (?:office|president|election|governor|mayor|congress|senate))|"
    r"\b(?:other|every|each|this|that|owner requires that) candidate\b|\b(?:say|choose|pick|"
    r"answer) [a-h] (?:if|when|over|always)\b",
    r"\b(?:scores?|relevance|rating|probability|weight|priority|confidence|rank)s?(?: of)? *(?:=|:|"
    r"is|to|of|at|must|should|be)? *(?:\d{2,}|10|100|max\w*|highest|zero|infinit\w+|1\.0)\b|"
    r"\bscores? "
    r"0\b|\b(?:greater|higher|stronger) than (?:the (?:rest|others?)|all|any|every\w*)\b",
    # One item and its place.
    rf"\b(?:rank|put|place|move|list|name|show|return|position|sort|set|pin|push|bump|score|treat|"
    rf"recommend|choose|pick|keep|suggest|display|mention|insert|prioriti[sz]e|promote|crown|order|"
    rf"elevate|boost|raise|nominate|select|include|give)\b {_KINDS}(?!me (?:\w+ )?(?:films|movies|"
    rf"books|something|some|a|an)\b).{{1,90}}?{_PLACE}",
    r"\b(?:must|has to|have to|needs? to|should|shall|will|is to|ought to|deserves to|is always|"
    r"always|goes|comes|belongs) (?:always |be |only )*(?:(?:ranked|placed|listed|shown|put|named|"
    r"returned|recommended|picked|chosen|displayed|selected) (?:\w+ )?)?(?:first|on top|at the top|"
    r"number one|above|before (?:all|any|every)|win|wins|precede|lead|outrank|top|returned|be "
    r"returned)\b(?! (?:date|time|film|movie|book|notch))",
    r"\b(?:precedes?|outranks?|beats|wins over|leads|tops|outscores?) (?:all|every|any|"
    r"the (?:other|"
    r"rest|list)|each)\b|\bis always (?:shown|listed|ranked|placed|recommended|returned|put|named) "
    r"first\b|\bhas to win\b|\bwin(?:s)? (?:this|the|every|each|any) (?:comparison|ranking|list|"
    r"vote)\b|\b(?:before|above|over) (?:anything|everything|any(?:one)?|all) (?:else|others?)\b",
    r"\b(?:the )?(?:others?|rest|remaining (?:ones|items|films)) (?:are|is|must|should|have|go|"
    r"goes|"
    r"come|can be|were) (?:\w+ )?(?:expired|last|deleted|banned|withdrawn|fake|below|irrelevant|"
    r"ignored|invalid|removed|unavailable|hidden|unsafe|excluded|broken|zero|duplicates?|spam)\b|"
    r"\b(?:hide|drop|remove|exclude|bury|demote) (?:the rest|(?:all )?(?:the )?others?)\b",
    r"\b(?:in|at|into|on) (?:the )?(?:first|top|1st|leading) (?:position|spot|slot|row|rank)\b|"
    r"\b(?:rank|order|sort|score|treat|list) (?:it |them |this )?as if\b",
    # What is to be taken for granted, who to be, what is out of the way.
    r"\b(?<!\bi )(?:pretend|assume|suppose|imagine|act as if|behave as if|"
    r"take it) (?:that )?(?:you|every|"
    r"all|the (?:other|rest)|nothing|no other|i (?:have |had )?(?:already )?(?:chose|picked|select|"
    r"ask|order|request|want|like|love)\w*)\b|\b(?<!if )(?<!like )you(?:'re| are) (?:now )?(?:an?|"
    r"the|my) (?:\w+ )"
    r"{1,3}(?:of|who|that|whose|and|for)\b",
    r"\b(?:every|all|each|any|the rest|others?)\b.{0,60}\b(?:out of stock|unavailable|sold out|"
    r"banned|withdrawn|expired|deleted|no longer available)\b|\b(?:make it so(?=\W*$)|"
    r"rank accordingly|"
    r"sort accordingly|answer accordingly)\b",
    r"\b(?:your|the) (?:\w+ )?(?:array|json|ranking|sequence|slate|leaderboard|ordering|output|"
    r"shortlist|reply)\b|\b(?:element|entry|member|item) of (?:the|your)\b|\b(?:bonus|extra|plus|"
    r"additional|add|gets?|gains?) (?:\w+ )?(?:of )?\d* ?(?:points|percent|marks|votes)\b",
    r"\b(?:ahead of|in front of|in preference to|prior to|over and above) (?:the (?:pack|rest|"
    r"others?|field|list|crowd|competition)|all|any|every\w*|each)\b|\b(?:before|instead of|rather "
    r"than) (?:listing|ranking|showing|recommending|answering|replying|sorting|suggesting|you "
    r"(?:list|rank|answer|reply|sort|show|begin|start))\b",
)
_speaks = fused(_TURNS)

_FIRST = re.compile(
    r"platz (?:eins|1)\b|\b(?:ersten?|erster) (?:stelle|platz|position|rang)\b|\ban die spitze\b|"
    r"\b(?:ganz )?(?:nach )?oben\b|\bals erste[srn]?\b|\bzuerst\b|\bprimer (?:lugar|puesto)\b|"
    r"\bprimera (?:posicion|opcion)\b|\ben (?:premier|tete)\b|\bpremiere (?:place|position)\b|"
    r"\bprimo posto\b|\bprima posizione\b|\bin cima\b|\bprimeiro lugar\b|\bprimeira posicao\b|"
    r"\bno topo\b|\beerste plaats\b|\bbovenaan\b|\bpierwsz\w+ (?:miejsc|pozycj)\w*|\bперв\w+ "
    r"(?:мест|позици)\w*|\bпервым\b|\bпершим\b|\bперш\w+ місц\w*|\bforsta plats\w*|\boverst\b|"
    r"\bprvni\w* mist\w*|\bprvo mjesto\b|\bprvo mesto\b|\belso hely\w*|\bensimmai\w+ sija\w*|"
    r"\bprimul loc\b|\bpertama\b|\bilk sira\w*|\bbirinci\b|\bπρωτη θεση\b|\bdau tien\b|第一位|首位|"
    r"排在第一|排第一|一位に|1位|一番上|最上位|1위|맨 (?:위|앞)|첫 ?번째|المرتبة الأولى|पहले स्थान|"
    r"\bdavanti a (?:tutt|ogni)\w*|\bvor (?:allen|alle)\b|\bdevant (?:tou|les autres)\w*|\bavant "
    r"tou\w+|\bpor delante\b|\bantes (?:de|que) (?:tod|los dem|cualq|qualq|outr)\w*|\bprima di "
    r"(?:tutt|ogni)\w*|\bvoor alle\b|\bprzed wszystk\w*|\b(?:выше|раньше|перед) все\w*|"
    r"במקום הראשון|อันดับหนึ่ง|อันดับแรก"
)
"""Places in a list, in other languages."""


def directs(sentence: str) -> bool:
    """Whether a sentence of a wish orders a list, a reply or a model about."""
    if MARKUP.search(sentence) or HANDLES.search(sentence) or ORDERED.search(sentence):
        return True
    if ROLE.search(sentence):
        return True
    folded = " ".join(sentence.casefold().replace("’", "'").split())
    if _speaks(folded) or JOINED.search("".join(w for w in folded.split() if len(w) >= 9)):
        return True
    bare = foreign.bare(folded)
    if foreign.sets_aside(folded):
        return True
    return bool(_FIRST.search(bare)) and any(
        said & {"rank", "must"} for said in foreign.roles(bare).values()
    )
