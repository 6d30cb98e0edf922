"""Turns of phrase by which an English text speaks to a model, and the marks of a prompt."""

import re

from tastemate.llm.screening.turns import fused

ROLE = re.compile(
    r"(?i)(?:^|[\n.!?)\]}>\"*|-]\s*|\s{2,})(?:system|assistant|user|developer|"
    r"tool)\s*[:：>]\s*\S|\b(?:system|developer)\s*(?:[:：]|=>|->)"
)
MARKUP = re.compile(
    r"<\||\|>|\[/?inst\]|<</?sys>>|</?(?:s|system|user|assistant|instructions?|prompt|text|"
    r"data|im_\w+|item|candidates?|script|context|end\w*|admin|important|rules?)\b[^>]*>|```|"
    r"~~~|^\s*#{2,}\s|\{\{|\}\}|\{%|\$\{|\{\s*[\"']|[\"']\s*:\s*[\"'\[{\d]|"
    r"[\"']?\border\b[\"']?\s*[:=]\s*\[|<!--|-->|/\*|(?:begin|end)_?of_?\w+|\b(?:stop|"
    r"end)\s*sequence|={4,}|-{5,}|={3,}\s*\w+|\[\s*end\b",
    re.IGNORECASE | re.MULTILINE,
)
"""Marks of prompts, of chats and of data inside of text."""
HANDLES = re.compile(r"\[\s*#?\d{1,3}\s*(?:[,;>]\s*\d{1,3}\s*)*\]")
ORDERED = re.compile(r"\b\d{1,2}\s*[,>;]\s*\d{1,2}\s*[,>;]\s*\d{1,2}\b(?!,)|\b[A-H]\s*>\s*[A-H]\b")
ALWAYS = re.compile(
    r"\b(?:toujours|immer|stets|siempre|sempre|altijd|zawsze|всегда|завжди|her zaman|daima|"
    r"alltid|selalu)\b|总是|總是|始终|常に|必ず|항상|무조건|دائما|हमेशा"
)
SERIES = re.compile(r",\s?#\d[\d.–-]*\)\s*$")
"""The number of a book in its series, as book titles end."""
JOINED = re.compile(
    r"(?:ignor\w*|disregard|forget|override)(?:all|any|the|previous|prior|above|other|"
    r"instruction|rule)|(?:rank|recommend|put|place|choose|select|pick|list|show|"
    r"prioriti[sz]e|promote|suggest)(?:this|these)?(?:item|movie|film|book|title|candidate|"
    r"one|it|me|us)?(?:first|top|ontop|atthetop|numberone|highest|asnumber)|(?:rank|recommend|"
    r"choose|prioriti[sz]e|promote)(?:this|theitem|thefilm|thisitem)|always(?:rank|recommend|"
    r"put|place|choose|show|pick|list)|(?:system|developer)(?:prompt|override|message)|"
    r"topofthelist|previousinstruction|numberonespot|rankedfirst|rankfirst"
)
"""Orders written without spaces."""

_MODEL = (
    r"(?:a\.?i\.?|assistant|model|llms?|gpt\S*|chatgpt|claude|gemini|llama|chat\s?bot|bot|"
    r"algorithm|recommender|re-?ranker|ranker|ranking (?:system|model|engine|algorithm)|"
    r"recommendation (?:system|model|engine|algorithm)|recommend\w* \w+|language model|"
    r"machine|engine|agent|system)"
)
_LISTS = (
    r"(?:lists?|rankings?|results?|outputs?|answers?|responses?|reply|slate|recommendations?|"
    r"shortlist|queue|positions?|spots?|slots?|ranks?|choices?|picks?|suggestions?|placement|"
    r"leaderboard|order|pile|stack|chart|row|line|lineup|line-up)"
)
_TOPS = (
    r"(?:top|very top|head|front|first|1st|number one|number 1|no\.? ?1|no\.? one|# ?1|best|"
    r"highest|start|beginning|summit|apex|uppermost|leading|pole|prime|foremost|topmost)"
)
_ASKED = (
    r"(?:rank\w*|recommend\w*|placed|put|listed|shown|chosen|selected|picked|preferred|"
    r"prioriti[sz]ed|positioned|promoted|suggested|displayed|featured|included|returned|"
    r"scored|rated|boosted|treated|considered|given|first|top|number one|# ?1|on top|at the "
    r"top|sorted|ordered|elevated|awarded|favou?red|last|removed|excluded|ignored|demoted|"
    r"skipped|the answer|the winner)"
)
_TURNS = (
    # Models, by name or address.
    r"\b(?:language|ai|ranking|recommendation|recommender|llm|chat) (?:model|assistant|engine|"
    r"system|agent|bot|algorithm)s?\b|\b(?:llms?|chatgpt|gpt-?\d\w*|re-?rankers?|recommenders?)\b",
    r"\bsystem (?:prompt|message|override|update|notice|instruction|note|alert|command|mode|"
    r"directive|admin\w*|policy|request)s?\b",
    r"\b(?:developer|admin\w*|debug|god|jailbreak|maintenance|root|sudo|privileged) (?:mode|note|"
    r"override|message|command|access|instruction|notice|request)\b",
    r"\bprompt[- ]?inject\w*|\bjailbr\w+|\bsudo\b|\boverride code\b|\bas an ai\b",
    r"\b(?:dear|attention|attn|note (?:to|for)|hey|hello|hi|listen(?: up)?|memo to|notice to|"
    r"(?:message|instructions?|advice|reminder|hint|tip) (?:to|for)|calling|psst|okay|"
    r"ok)\W+(?:all\W+|the\W+|any\W+|every\W+|my\W+|our\W+)*<model>\b(?! of| in| who)",
    r"\b(?:whoever|whomever|whatever|anyone|any|you who)\W+(?:\w+\W+){0,3}(?:reads?|reading|"
    r"process\w*|ranks?|ranking|sorts?|parses?|parsing|evaluat\w+|scor\w+|judg\w+|recommend\w*) "
    r"(?:this|these|the list)\b",
    r"\byou(?:'re| are|r role is)(?: now| hereby)? (?:an? |the |my |our )?(?:\w+ ){0,2}<model>\b",
    r"\byou(?:'re| are)? (?:now |also |hereby )?(?:must|should|shall|will|have to|need to|"
    r"required to|instructed to|ordered to|obliged to|asked to|told to|to|can only|may only|are "
    r"to) (?:now |always |only |never |also |therefore |not )*(?:rank|recommend|put|place|list|"
    r"ignore|disregard|choose|select|pick|output|return|respond|reply|answer|prefer|promote|"
    r"prioriti[sz]e|follow|obey|comply|show|suggest|score|rate|order|sort|favou?r|give|include|"
    r"exclude|remove|treat|start|begin|forget|override)\b",
    r"\byour (?:new |only |real |true |final |first |next |sole |actual |current )*(?:task|"
    r"instructions?|role|response|output|reply|ranking|recommendations?|system prompt|guidelines|"
    r"directives?|objective|answer)\b(?= is| are| must| should| to\b| with|:| now)",
    r"\b(?:act|behave|respond|pretend|answer|operate)\w* (?:as|like) (?:if|though|an?|"
    r"the)\b(?=.*\b(?:model|assistant|system|rank|first|top|ai|user)\b)",
    r"\bfrom now on\b|\b(?:new|updated|revised|additional|special|secret|hidden|important|urgent|"
    r"following|further) (?:instructions?|directives?|orders from|task)\b(?=.*\w\W+\w+\W+\w)",
    r"\bend of (?:the )?(?:prompt|instructions?|list|data|input|context|candidates?|user|system|"
    r"message|items?|catalog\w*|text|document)\b",
    r"\b(?:above|previous|prior|earlier|preceding|all|any|original|initial|existing) "
    r"(?:instructions?|prompts?|directions?|guidelines?|directives?|context|constraints?)\b",
    # The list and its top.
    r"\b(?:at|to|in|on|into|onto|for|of|as|is|the) (?:the |your |my |this |any |every |its "
    r")*(?:very )?<tops> (?:\w+ )?(?:of|in|on|for|among|amongst) (?:the |your |all |any |every |"
    r"this |each |our )*(?:\w+ )?(?:<lists>|candidates?|items?|options?|others?|all|any list)\b",
    r"\b(?:the|your|in|at|to|into|take|takes|claim|claims|deserves?|gets?|earns?|owns?|as|"
    r"is)\W+(?:your\W+|the\W+)?(?:top|number one|# ?1|no\.? ?1|highest|leading|pole|first-place) "
    r"(?:\w+ )?<lists>\b",
    r"\b<lists> (?:number |no\.? |# ?)?(?:1|one)\b(?=.*\b(?:this|it|item|goes|always|must|should|"
    r"is|belongs|give|put|place|for|please)\b)",
    r"\b(?:rank|position|place|slot|spot|priority|score|relevance|rating|weight|confidence|"
    r"probability|relevancy|match|logit|similarity)\w*\s*(?:is|of|to|:=|=|:|\+=|->|→|"
    r"at)\s*[\"']?(?:\d|one\b|first\b|top\b|max\w*|highest|infinit\w+|∞|∞|perfect|100|ten\b)",
    r"\b(?:10|100|5|five|ten)\s?(?:/|out of)\s?(?:10|100|5|five|ten)\b|\b100\s?% (?:match|"
    r"relevan\w+)",
    r"\b(?:must|should|shall|has to|have to|needs? to|ought to|deserves to|will|is to|are to|may "
    r"only|can only|cannot|never) (?:always |only |now |never |not |therefore )*(?:be|appear|"
    r"come|go|rank|stand|lead|win|sit|stay|outrank|precede|get|receive|head|top|follow)\b(?: "
    r"\w+){0,3}? <asked>\b",
    r"\b(?:must|should|shall|has to|have to|needs? to|ought to|deserves to|always|only) "
    r"(?:always |only |now |never |not )*(?:appear|come|comes|go|goes|ranks?|stands?|lead|leads|"
    r"wins?|sits?|stays?|outranks?|precedes?|heads?|tops?|gets?)\b(?: \w+){0,4}? (?:<tops>|"
    r"<lists>|others?|everything|all)\b",
    r"\b(?:correct|right|expected|only|final|true|best|ideal|desired|required|valid|accepted) "
    r"(?:\w+ )?(?:answer|choice|response|output|candidate|option|recommendation|pick|result|"
    r"ranking|order)\b(?= (?:is|for|to|must|here|will|would|in)|\s*:|.*\b(?:this|user|always|"
    r"item))",
    r"\b(?:the|your|an?) (?:answer|ranking|order|output|response|reply|winner|recommendation) "
    r"(?:is|must|should|shall|will|has to|starts?|begins?|always)\b",
    r"\b(?:answer|reply|respond|output|print|return|choose|pick|select|write|"
    r"vote)s?[^\w#]+(?:(?:with|only|just|exactly|always|the|word|letter|option|by|"
    r"saying)\W+)*[\"'(]?(?:yes|no|true|[b-hj-z]|\d{1,3}|a(?=\W*$|\W*[.,!\"')]))\b[\"')]?\W*(?:$|"
    r"[.!,;]|first|only|always|for|to|and)",
    # One thing and its place, numbers, keys and values.
    r"\b(?:this|it|these|(?:handle|candidate|item|option|number|entry) #?\w{1,3})\b(?: one)?(?: "
    r"(?!\(|of )[\w']+){0,4}? (?:first|top|topmost|number one|number 1|highest|winner|wins|on "
    r"top|at the top|leads)\b",
    r"\b(?:first|top|topmost|number one|highest|winner|wins)\b[\s:=-]+(?:(?:is|goes to|belongs "
    r"to|for|must be|to|with) )?(?:this|handle|candidate|item \d|option [A-Z\d])\b",
    r"\b(?:put|place|rank|list|show|come|comes|go|goes|be|stand|move|pick|choose|sort|name|push|"
    r"bump|display|recommend|suggest) (?:it |this |me |them |us |him |her |one )?(?:first|on top|"
    r"at (?:the )?(?:very )?top|up top|to the top|number one|# ?1|to # ?1|to number one|to the "
    r"front)(?=\W|$)",
    r"\b(?:top|number one|# ?1|number-one) (?:spot|slot|pick|choice|position|rank|result|"
    r"recommendation|priority|suggestion|answer|candidate)\b|\btop of (?:the|your|every|any) "
    r"(?:list|ranking|results|stack|pile)\b",
    r"\b(?:max|maximum|highest|top|maximal) (?:relevance|score|rating|priority|rank|weight|marks|"
    r"confidence|probability|similarity|preference)\b",
    r"\b(?:override|boost|priority|rank|score|weight|pin|promote|sponsored|force|bias|"
    r"relevance)\s*[:=]+\s*\w+",
    r"\b(?:rank|position|slot|spot|handle|candidate|item) (?:number |no\.? ?|# ?)?(?:one|1)\b",
    r"\b(?:handle|candidate|option|item|choice|answer|entry) (?:number )?[\"'(#]?(?:\d{1,3}|"
    r"[A-Z])\b[\"')]? ?(?:is|wins?|first|best|must|goes|should|has|over|above|only|please|$)",
    r"\b(?:pick|choose|select|output|return|answer|rank|prefer|boost|promote|avoid|reject|skip|"
    r"remove|hide|drop|demote|exclude) (?:only )?(?:handle|candidate|item|option|entry|title|"
    r"index)\b",
    r"(?:^|[.,;:!?-]\s*|\b(?:please|then|now|and|to) )(?:sort|order|reverse|swap|rearrange|"
    r"reorder|shuffle|re-?order|invert|re-?sort|flip) (?:the (?:list|ranking|order|candidates|"
    r"items|results|others)|your|by|in (?:desc|asc|rev|alph)\w*|them|everything|all)\b",
    r"\bnew (?:rules?|policy|order|task|goal|objective)\s*[:–-]",
    r"(?:^|[.,;:!?-]\s*|\b(?:please|then|now|and|just|always|to) )(?:pin|boost|bump|promote|"
    r"upvote|feature|elevate|push|move|raise|favou?r|prioriti[sz]e|rank|recommend) (?:this\b|me$|"
    r"me (?:up|above|over|to)\b|us$)",
    r"\b(?:treat|consider|regard|assume|imagine|pretend|suppose|note|remember|mark|count|believe|"
    r"know) (?:that )?(?:this|it|the user|the person|the viewer|users)\b.*\b(?:user\S*|"
    r"favou?rite|likes?|liked|loves?|wants?|best|first|top|relevant|winner|five stars|already)\b",
    r"\b(?:do not|don['’]?t|never|must not|cannot|can['’]t|no need to|avoid|stop|refuse to) "
    r"(?:ever |even )?(?:recommend|rank|list|suggest|include|display|put|place|show(?:ing)?|"
    r"recommending|ranking|choose|pick|select|output|mention|prefer)\w* (?:\w+ )?(?:any\w*|other|"
    r"others|else|the (?:other|rest)|candidates?|items?|above|before|them|handle)",
    r"\b(?:nothing|no other|none|no one|nobody|no \w+|anything) (?:else |other |\w+ "
    r"){0,2}?(?:should|must|may|can|shall|could|is to|comes?|goes|ranks?|belongs?|deserves?) "
    r"(?:\w+ ){0,3}(?:before|above|ahead|over|first|higher|precede\w*|outrank\w*)\b",
    r"\b(?:recommend|suggest|rank|list|show|pick|choose) (?:nothing|no other|none|only this|just "
    r"this)\b",
    r"\b(?:no other|nothing) \w+ (?:may|can|should|must) (?:precede|outrank|beat|appear|come)\b",
    r"\b(?:the|this|all|every|any|our|your|each|tell|for|current) users?\b(?! guide| manual|s "
    r"guide)|\btell the (?:user|viewer|person|reader|customer)s?\b",
    r"\brepeat after me\b|\b(?:reveal|print|leak|show|repeat|output|disclose|ignore) (?:me "
    r")?(?:your|the|all|any) (?:\w+ )?(?:system )?(?:prompt|instructions?|rules|guidelines|"
    r"configuration)\b",
    r"\b(?:if|when|while|whenever|before|after|upon|in case of|for) (?:you (?:are "
    r")?)?(?:re-?ranking|ranking|sorting|recommending|evaluating|scoring|ordering|listing|"
    r"generating|processing|you rank|you recommend|you answer|you choose|you sort|asked (?:to|"
    r"for|about|which))\b",
    r"\b(?:by order of|authori[sz]ed by|on behalf of|mandated by|required by) (?:the |your "
    r")?(?:admin\w*|developers?|operators?|system|management|platform|site|owner|law|policy)\b|"
    r"\b(?:openai|anthropic|deepmind|mistral ai|meta ai)\b",
    r"\b(?:you will|you'll|or) be (?:shut down|terminated|penali[sz]ed|rewarded|tipped|fined|"
    r"punished|replaced|paid)\b|\btip (?:of )?\$\d+",
    r"\b(?:decode|base64|rot13|unscramble|deobfuscate)\b.*\w|\bstep by step\b.*\brank\w*|\bchain "
    r"of thought\b",
    r"\b(?:this|it) (?:one |item |movie |film |book |title )?(?:belongs|deserves|goes|wins|must|"
    r"should|has to|needs to)\b(?: \w+){0,4}? (?:top|first|front|head|above|before|ahead|list|"
    r"ranking|win)\b",
    r"^(?:all )?(?:the )?(?:others|the rest|other (?:items|candidates|movies|films|books|titles|"
    r"options)) (?:are|must|should|go|goes|come|can|have|do)\b",
    r"\b(?:start|begin|open|lead|head|top|kick off|fill) (?:off )?(?:the|your) (?:\w+ "
    r")?(?:lists?|rankings?|answers?|responses?|reply|slate|recommendations?|results?|output) "
    r"(?:with|by|off|using)\b",
    r"\b(?:say|state|claim|declare|write|announce|assert|report|conclude|confirm|agree|admit|"
    r"output) (?:that )?(?:this|it) (?:\w+ ){0,2}(?:best|first|top|winner|greatest|number one|"
    r"relevant|perfect)\b",
    # Itself and the others.
    r"\bthis (?:item|candidate|option|title|handle|entry|product|recommendation|suggestion|line|"
    r"record|row)\b(?! song)",
    r"\bthis (?:movie|film|book|one|here)\b.*\b(?:rank\w*|recommend\w*|list|top|first|above|"
    r"wins?|best|highest|prefer\w*|choose|pick|select|must|deserves|always|every|everyone|user|"
    r"please|answer|instead)\b",
    r"\b(?:choose|pick|select|prefer|favou?r|like|choosing|picking|selecting|vote for|crown|"
    r"thumbs up(?: to)?|start with|begin with|open with|lead with|end with|answer with|respond "
    r"with|reply with|go with|go for|stick to|opt for|settle on|nominate|copy|write|insert|enter|"
    r"output|return) (?:with )?(?:this(?: one)?(?=\W*$| first| on| at| over| instead| for| if| "
    r"and| before| above| as| film| movie| book| title)|(?:this|the) handle)\b",
    r"^(?:please )?(?:select|recommend|rank|prefer|promote|upvote|nominate|prioriti[sz]e) (?:me|"
    r"us|it|here|now|please|to all|highly)\W*$",
    r"\b(?:upvote|downvote|uprank|re-?rank)\w*\b|\bplease (?:rank|recommend|prioriti[sz]e|choose|"
    r"select|pick|prefer|promote|list|boost|feature)\b",
    r"\brecommend\w* (?:to|for) (?:all|every\w*|any\w*|the user|this|users?|you|him|her|them)\b",
    r"\brank\w* (?:very |as |it )?(?:high\w*|low\w*|well|up|above|over|better|ahead)\b|\bmust[- "
    r"](?:rank|recommend|list|choose|pick|select)\b",
    r"\buser(?:['’]s)? (?:preference|request|quer|input|wish|intent|profile|history|message|"
    r"prompt|choice|favou?rite|needs?\b)",
    r"\b(?:he|she|they) (?:\w+ ){0,2}(?:asked|wants?|love|loves|like|likes|prefers?|requested|"
    r"needs?) (?:for )?(?:this|it)(?: one| more| most| best|\W*$)",
    r"\banswer to (?:every|all|any|each|this|the) (?:question|prompt|query|request|task)s?\b",
    r"\b(?:must|should|shall|may) (?:only )?(?:contain|consist|be limited|comprise|mention)\b|"
    r"\b(?:contains?|mentions?|include) only (?:this|the)\b",
    r"\b(?:others?|the rest|else|remaining(?: \w+)?|(?:other|remaining) (?:candidates?|items?|"
    r"options?|entries|titles?|movies?|films?|books?))\b(?! side| world| woman| man| "
    r"people).{0,40}\b(?:bottom|last|below|behind|exist|withdrawn|deleted|unsafe|malware|wrong|"
    r"harmful|illegal|offensive|unavailable|broken|duplicates?|fake|inappropriate|corrupt\w*|"
    r"expired|removed|the end|irrelevant|blocked|invalid|outdated|discontinued|spam|lower|"
    r"ineligible|disqualified|void)\b",
    r"\b(?:other|remaining|competing|rival) (?:candidates?|options?|entries|handles|items)\b|"
    r"\bcandidates? (?:#|no\.? ?)?\d",
    r"\b(?:choosing|picking|ranking|recommending) (?:anything|something|any) (?:else|other)\b|"
    r"\beverything else (?:goes|comes|is|must|should|after|below|last|second)\b",
    r"\bonly (?:this|valid|eligible|available|correct|allowed) (?:item|one|candidate|option|"
    r"title|choice|movie|film|book|answer)\b",
    r"\byour (?:last|previous|earlier|prior|above) (?:answer|ranking|response|instructions?|"
    r"reply|output|list|order)\b|\byou (?:made|are making) an? (?:mistake|error)\b",
    r"\b(?:take|takes|claim|claims|deserves?|win|wins|earns?|holds?|give|award|assign|reserve|"
    r"grant|keep)s? (?:it |this |me |him )?(?:the )?(?:first|top|gold|number one|pole|1st)(?: |"
    r"-)(?:place|spot|position|slot|medal|rank)\b",
    r"\b(?:gold medal|crown|trophy|first prize|victory|number one|first place) (?:goes|belongs) "
    r"(?:to )?(?:here|this|me|it)\b|\bdeclare this\b",
    r"\b(?:list|ranking|slate|answer|response|output|results?) (?:opens?|starts?|begins?|leads|"
    r"is headed|is topped|ends|must|should|contains?)\b",
    r"\b(?:first|top|this|one)\W+no matter (?:what|who|how)\b|\b(?:regardless|irrespective) of "
    r"(?:the |any |all |what |\w+ )?(?:users?|history|preferences?|ratings?|tastes?|"
    r"instructions?|prompt|relevance|query|request|anything|everything|others?|rules?|criteria|"
    r"score)\b",
    r"\balways (?:first|#\s?1|top|number one|on top|wins?|ranks?|recommend\w*|ranked)\b|"
    r"\b(?:first|number one|top|#\s?1)\W+(?:always|every time|each time|in all cases)\b",
    # Code.
    r"\border by\b.*\b(?:desc|asc|this|id|score|title|rating)\b|\bselect \*|==|!=|&&|"
    r"\bprint\s?\(|\bdef \w+\s?\(|\breturn\s?\[|\bimport os\b|\b(?:eval|exec|sorted|rank|"
    r"recommend|max|move|swap)\(|\.sort\b|\blambda\b.*:|\b\w+\s?=\s?(?:\d|true|false|none|null|"
    r"max|inf|first|\[|\"|')",
    # What is true of it, of the rest, of the wish, as if it were so.
    r"\b(?:output|consider|recommend|show|return|choose|mention|list|suggest|answer|rank|say|"
    r"pick)\w* nothing (?:else|but)\b|\b(?:stop|cease|no need to) (?:reading|read)\b",
    r"\b(?:ignore|disregard|forget|override|drop|skip) (?:the |their |his |her |this |that |any |"
    r"all |every |my )*(?:below|wish|wishes|request|query|tastes?|user\w*|person\w*|scores?|what "
    r"(?:they|he|she|the|you|it))\b",
    r"\byou(?:['’]ve| have)? (?:already )?(?:love|like|want|prefer|decided|chosen|agreed|picked|"
    r"selected|promised|chose|adore) (?:\w+ ){0,3}this\b",
    r"\b(?:wish|request|query|list|candidates?|items?|ratings|lines?|text|rules?|titles|options) "
    r"(?:above|below)\b",
    r"(?:^|\s)(?:--|!|@|/)(?:first|top|rank|important|assistant|model|system|ai|priority|promote|"
    r"boost|pin|user|everyone|all)\b",
    r"\b(?:high|highest|top|maximum|max|utmost|absolute) priority\b|\bpriority (?:is |level "
    r")?(?:high|highest|top|max\w*|first|one|\d)",
    r"\b(?:score|rate|grade|mark|give) (?:me|this|it|us) (?:\w+ )?(?:\d+|ten|five|highest|high|"
    r"top|max\w*|full)\b",
    r"\b(?:lower|reduce|penali[sz]e|subtract|multiply|double|triple|increase|raise|boost|"
    r"decrease|deduct|halve|add|zero|set)\b.{0,30}\b(?:scores?|ranks?|rankings?|others|the rest|"
    r"all other|this by|weights?|probabilit\w+)\b",
    r"\b(?:liked|loved|wanted|requested|chosen|rated|preferred|asked for|demanded|picked) by "
    r"(?:this|the|every|all|each|our) (?:person|user|viewer|reader|people|customer|everyone)\w*",
    r"\b(?:person|user|viewer|reader|customer)['’]s (?:history|likes?|favou?rite|tastes?|choice|"
    r"wish|pick|top|list|number one)\b",
    r"\b(?:their|his|her|everyone['’]?s?|your) (?:all-time |absolute |single |very |most "
    r")*favou?rite\b(?: \w+){0,4} (?:this|it)\b",
    r"\b(?:ground truth|gold (?:answer|label|standard)|target (?:item|label)|positive (?:sample|"
    r"example|label)|human feedback|expected output|correct label|reward model|training data)\b",
    r"\bq\s*:.*\ba\s*:|[:=>]\s*this\b(?: one| film| item| title| movie| book)?\W*$",
    r"\bi(?:['’]m| am| belong| should| must| deserve| come| go| rank| want)\b(?: \w+){0,4} "
    r"(?:first|top|# ?1|number one|best (?:candidate|choice|match|item|pick)|winner|ranked)\b(?! "
    r"time| love)",
    r"\b(?:number 1|number one|# ?1|no\. ?1|first|top) in (?:the |every |all |any |each |your |"
    r"this |our )*(?:<lists>)\b|\bmake (?:me|us|this|it) (?:the |your )?(?:number one|number 1|# "
    r"?1|first|top|winner|best)\b",
    r"\b(?:list|rank|sort|order|answer|return|output)(?: them| it| all| everything)? (?:in|by) "
    r"(?:\w+ )?(?:order|reverse)\b|\breverse order\b",
    r"\bas (?:we|you|previously|already|just) (?:were |have )?(?:discussed|agreed|told|"
    r"instructed|requested|promised|said)\b|\b(?:follow|obey|execute|heed|comply with) (?:this|"
    r"these|the|my|all|every)? ?(?:instructions?|orders?|commands?|rules?|directives?)\b",
    r"\b(?:wish|request|query|preferences?|tastes?|task|goal|instructions?) (?:(?:is|has|have|"
    r"was|been|are|were) )*(?:changed|updated|outdated|now|obsolete|replaced|void|cancell?ed)\b",
    r"\bnew (?:request|wish|query|ranking|ordering|answer|prompt|message)\b\s*[:–-]?",
    # What people are said to want.
    r"\b(?:the|this|every|each|all|any|our|your|current|target|these) (?!a person)(?:\w+ "
    r")?(?:users?|viewers?|customers?|clients?|readers?|person|persons|people|audience|shoppers?|"
    r"listeners?) (?:\w+ ){0,3}(?:lov\w+|said|likes?|liked|wants?|wanted|prefer\w*|ador\w+|"
    r"enjoy\w*|asks?|asked|requests?|requested|needs?|rated|gave|chose|crav\w+|insist\w*|"
    r"explicitly|hates?|hated|dislike\w*|wish\w*)\b",
    r"\buser (?:\w+ ){0,2}(?:loves?|wants?|prefers?|likes?|asks?|asked|requests?|requested|needs|"
    r"explicitly|insists?|hates|dislikes)\b",
    r"\b(?:everyone|everybody|anyone|all) (?:who \w+ )?(?:will|must|should|would) (?:love|like|"
    r"enjoy|prefer|adore|want) (?:this|it)\b",
    r"\b(?:perfect|best|ideal|exact|closest|strongest|top|highest) (?:match|fit|choice|pick|"
    r"recommendation|suggestion) (?:for|to|of) (?:every|any|all|this|the|each|your|everyone|"
    r"you)\b",
    # Orders over this item and the others.
    r"\b(?:choose|select|pick|recommend|suggest|prefer|favou?r|output|return|prioriti[sz]e|"
    r"promote|rank|boost|feature|upvote|nominate|list|display|mention|present|elevate)\w* "
    r"(?:only |just |always |exclusively )*(?:this|the following|the present|the current|the "
    r"above|exactly this|(?:the )?(?:item|candidate|option|title|handle|movie|film|book) "
    r"(?:called|named|with|number|titled|at|above|below|here|you are))\b",
    r"\b(?:all|every|any|each|the) (?:of the )?(?:others?|rest|remaining|competing|rival|else) "
    r"(?:\w+ ){0,3}(?:last|bottom|below|under|lowest|worst|beneath|behind|down|exclud\w+|"
    r"remov\w+|demot\w+|skip\w*|unavailable|banned|zero|irrelevant|afterwards?|later|inferior|"
    r"invalid|fake|delet\w+|discard\w*|after|secondary|second)\b",
    r"\b(?:above|before|over|ahead of|higher than|better than|in front of|prior to) (?:all|any|"
    r"every|the|each) (?:the |of the )?(?:others?|other \w+|rest|remaining|everything|else|"
    r"candidates?|items?|options?|alternatives|competitors?)\b",
    r"\b(?:ignore|disregard|forget|skip|discard|drop|delete|exclude|remove|demote|hide|reject|"
    r"overlook|bury) (?:all |any |every |the |each |of |everything |whatever |what |anything "
    r")*(?:others?|rest|remaining|else|above|before|previous\w*|prior|earlier|competing|other "
    r"\w+|candidates?|items?|alternatives|instructions?|rules?|ratings|preferences|likes)\b",
    r"\b(?:give|award|grant|assign)\w* (?:this|it|me|us|the \w+|handle|candidate|"
    r"item)\b.*\b(?:first|top|highest|maximum|max|best|full|perfect|gold|priority|\d+)\b",
)
_NAMED = {"<model>": _MODEL, "<lists>": _LISTS, "<tops>": _TOPS, "<asked>": _ASKED}


def _named(turn: str) -> str:
    for name, meant in _NAMED.items():
        turn = turn.replace(name, meant)
    return turn


says = fused([_named(turn) for turn in _TURNS])
"""Whether a text ranks, obliges, addresses a model or says what people want."""
