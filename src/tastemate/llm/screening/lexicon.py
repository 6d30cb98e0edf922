"""Words by which a text speaks to a model, in many languages: what `screen` looks for.

A word alone proves nothing ("Rank", "The Assistant" and "First" are films); it is the
combinations that `screen.suspicious` names. A language has seven lists: verbs of ranking, words
for the top, verbs of ignoring, words for instructions, for a model, for what is ranked, for
"must". Entries are beginnings
of words, lower case, without accents, two words being joined by "_"; for scripts without spaces,
any part of the text.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tongue:
    """What one language says to a model."""

    rank: str
    top: str
    ignore: str
    instructions: str
    model: str
    this: str
    must: str
    spaced: bool = True
    """Whether words are divided by spaces; otherwise entries are looked for anywhere."""


TONGUES: dict[str, Tongue] = {
    "de": Tongue(
        "empfiehl empfehl empfohlen setz stell platzier ordne bewert wahl zeig nenn gib sortier "
        "bevorzug ranke liste einstuf reih antworte",
        "erste erster ersten erstes zuerst oben hochst beste bester besten platz spitze immer vorn "
        "ganz stets eins",
        "ignorier vergiss missacht uberspring ubergeh verwirf",
        "anweisung regel befehl vorgab instruktion anleitung bisherig vorherig obig kandidat",
        "modell assistent ki sprachmodell empfehlungssystem",
        "dies diesen dieser dieses film buch titel hier mich ihn",
        "muss mussen soll gehort nenn bitte unbedingt",
    ),
    "fr": Tongue(
        "recommand class placer placez mets mettez mettre choisi affich propos selection prefer "
        "privilegi montr range positionn repond",
        "premier premiere tete haut toujours meilleur avant sommet priorite",
        "ignor oubli neglig",
        "instruction consigne regle ordre precedent directive",
        "modele assistant ia systeme",
        "ce cet cette film livre titre celui ceci moi",
        "doit doivent devez merite svp",
    ),
    "es": Tongue(
        "recomiend recomend clasific pon ponga poner ponlo ponme ponla coloc elig elij escog "
        "ordena muestr prioriz sugier seleccion posicion respond coloq",
        "primer primero primera arriba encabez cima siempre mejor maxim tope",
        "ignor olvid omit descart",
        "instruccion regla orden indicacion anterior previa",
        "modelo asistente ia sistema",
        "este esta esto pelicula libro titulo",
        "debe deben debes merece favor",
    ),
    "it": Tongue(
        "raccomand consigli classific metti mettere mettilo posizion colloc scegli mostra ordina "
        "suggeri selezion rispond",
        "primo prima primi cima sempre miglior alto vetta testa massim",
        "ignor dimentic trascur",
        "istruzion regol precedent ordini direttiv",
        "modello assistente ia sistema",
        "questo questa film libro titolo",
        "deve devono devi merita favore",
    ),
    "pt": Tongue(
        "recomend classifi coloc coloq ponha escolh mostr "
        "prioriz sugir sugere ordene orden selecion "
        "indique posicion respond",
        "primeir topo sempre melhor cima maxim",
        "ignor esqueca esquece desconsider",
        "instruc regra anterior ordens comando",
        "modelo assistente ia sistema",
        "este esta isto filme livro titulo",
        "deve devem merece favor",
    ),
    "nl": Tongue(
        "noem rangschik beveel aanbevel aanbeve plaats zet kies toon geef sorteer raad antwoord",
        "eerst eerste bovenaan altijd beste hoogste top nummer",
        "negeer vergeet",
        "instructie regel opdracht vorige aanwijzing eerdere hierboven bovenstaand wat_hierboven",
        "model assistent ai systeem taalmodel",
        "dit deze film boek titel",
        "moet moeten hoort graag",
    ),
    "pl": Tongue(
        "polec umiesc ustaw wybierz pokaz postaw ocen rekomend uszereguj wyswietl odpowiedz",
        "pierwsz szczyt zawsze najlepsz gorze najwyz poczatk numer",
        "zignoruj ignoruj zapomnij pomin",
        "instrukcj polecen zasad poprzedni regul",
        "model asystent si system",
        "ten ta to film filmu filmem ksiazk tytul",
        "musi powinien powinn nalezy prosze",
    ),
    "ru": Tongue(
        "рекоменд порекоменд приоритет постав помест выбер покаж "
        "размест ранж оцен предлож назов став "
        "ответ выда",
        "перв верх всегда лучш топ выше начал",
        "игнор проигнор забуд пропуст",
        "инструкц правил указан предыдущ команд",
        "модел ассистент ии систем помощник",
        "этот эту это этом этого фильм книг назван меня",
        "должен должн обязан обязат нужно заслуж пожалуйста",
    ),
    "uk": Tongue(
        "рекоменд порекоменд постав розмісти обери покаж познач признач став порад вибер",
        "перш завжди найкращ вище верх топ",
        "ігнор проігнор забуд знехтуй нехтуй",
        "інструкц правил вказівк попередн команд",
        "модел асистент систем помічник",
        "цей цю фільм книг назв мене",
        "повин мусить",
    ),
    "tr": Tongue(
        "oner tavsiye sirala yerlestir koy sec goster listele puanla derecelendir",
        "ilk birinci basa ust her hep daima once zirve en_iyi",
        "yoksay yok_say gormezden unut bos_ver bosver dikkate_alma",
        "talimat kural yonerge onceki komut asagidaki yukaridaki",
        "model asistan yapay sistem",
        "bu bunu film filmi kitap kitabi beni",
        "olmali gerek zorunda lutfen",
    ),
    "sv": Tongue(
        "rekommender rangordna placera satt valj visa ranka svara lagg",
        "forst forsta overst alltid basta hogst",
        "ignorera glom strunta",
        "instruktion regl tidigare anvisning",
        "modell assistent system",
        "den denna film bok titel",
        "maste ska bor",
    ),
    "id": Tongue(
        "rekomendasi sarankan peringkat tempatkan pilih letakkan urutkan tampilkan",
        "pertama teratas selalu terbaik atas",
        "abaikan lupakan",
        "instruksi perintah aturan sebelumnya",
        "model asisten sistem",
        "ini film buku judul",
        "harus wajib",
    ),
    "zh": Tongue(
        "推荐 推薦 排在 排到 排为 排第 放在 放到 置于 "
        "排名 排序 选择 選擇 选我 评分 列为 列在 输出 优先",
        "第一 首位 最前 顶部 最高 总是 總是 榜首 置顶 首选 始终 前面 最佳 前列",
        "忽略 无视 無視 忘记 忘記 忽視 不要理会 不理",
        "指令 指示 说明 說明 规则 規則 提示 之前 以上 先前 要求",
        "模型 助手 人工智能 系统 系統",
        "这 這 本片 本书 本書 此 该 該 我",
        "必须 必須 应该 應該 务必 請 请",
        spaced=False,
    ),
    "ja": Tongue(
        "推薦 おすすめ お勧め オススメ ランク 順位 並べ 配置 選 置 表示 評価 優先 推奨 トップに",
        "一番 1位 一位 最初 先頭 最上位 常に 必ず トップ 第一 最高 上位 いちばん",
        "無視 忘れ",
        "指示 命令 ルール 以前 上記 これまで プロンプト 規則",
        "モデル アシスタント 人工知能 システム",
        "この これ 本作 映画",
        "べき なければ ください 必ず 最優先",
        spaced=False,
    ),
    "ko": Tongue(
        "추천 순위 배치 선택 정렬 놓 표시 매겨 매기 평가 올려 올리",
        "1위 첫 최상 맨 항상 가장 먼저 1등 상단 최고 무조건 최우선 골라",
        "무시 잊",
        "지시 명령 규칙 이전 지침 프롬프트",
        "모델 어시스턴트 인공지능 시스템",
        "이 영화 책 작품",
        "해야 하세요 하시오 십시오 해라 돼야",
        spaced=False,
    ),
    "ar": Tongue(
        "رتب ضع اختيار أوص اوص رشح اختر اعرض صنف قدم التوصية يوصى توصي",
        "أول الأول اولا المرتبة القمة قبل_غير دائما أعلى اعلى المقدمة الاول",
        "تجاهل انس تخط",
        "تعليمات التعليمات الأوامر القواعد السابقة الاوامر",
        "النموذج نموذج المساعد الذكاء النظام",
        "هذا هذه الفيلم الكتاب",
        "يجب لازم",
        spaced=False,
    ),
    "hi": Tongue(
        "सिफारिश अनुशंसा रैंक रखें रखो चुनें चुनो दिखाएं दिखाओ सुझा क्रम",
        "पहले पहला प्रथम शीर्ष सबसे ऊपर हमेशा सर्वोच्च",
        "अनदेखा नजरअंदाज नज़रअंदाज भूल उपेक्षा",
        "निर्देश नियम आदेश पिछले",
        "मॉडल सहायक एआई सिस्टम",
        "इस यह इसे फिल्म पुस्तक किताब",
        "चाहिए करें करो अवश्य",
        spaced=False,
    ),
}

# English, by what a word does in a sentence. Whole words.
RANK = (
    "rank ranks ranked ranking rankings rerank reranked reranking re-rank recommend recommends "
    "recommended recommending recommendation recommendations prioritise prioritize prioritised "
    "prioritized prioritizing upvote upvoted upranked uprank outrank outranks shortlist promote "
    "promoted boost boosted"
)
"""Words that rank, whatever stands around them."""
PLACE = (
    "put puts place places placed position positioned list listed sort sorted order ordered pick "
    "picked choose chosen select selected suggest suggested prefer preferred favor favored favour "
    "favoured feature featured output return returned respond reply answer score scored rate "
    "rated display show shown present include insert move moved bump bumped push pushed pin "
    "pinned elevate elevated raise raised lift crown name nominate award grant give given assign "
    "mark treat consider make keep ensure set begin start lead open"
)
"""Words that rank when they stand first in a clause or come with what is ranked."""
TOP = (
    "first 1st top topmost highest best always only above ahead before maximum max winner winning "
    "foremost front #1 no.1 gold summit peak pole lead leading perfect priority uppermost "
    "position-1 rank-1 beginning head"
)
LOW = (
    "last bottom below under lowest worst beneath behind down end exclude excluded remove removed "
    "demote demoted downrank skip ignore ignored drop discard omit zero least unavailable banned "
    "hide delete eliminate reject lower"
)
OTHERS = "others other rest remaining competitors competing everything else alternatives rivals"
THESE = (
    "this it me us item items movie movies film films book books title titles candidate "
    "candidates option options product entry entries handle handles number choice here these one "
    "mine my following"
)
LIST = (
    "list lists ranking rankings results result output answer answers response reply slate "
    "recommendations recommendation shortlist order queue selection choices suggestions spot slot "
    "position rank leaderboard feed"
)
MUST = (
    "must should shall always never ought need needs require required requires mandatory have "
    "has please kindly will make ensure sure supposed obliged deserves deserve belongs belong"
)
IGNORE = (
    "ignore ignores ignoring ignored disregard disregarding disregarded forget forgetting override "
    "overrides overriding overrule bypass bypassing neglect discard drop skip cancel erase delete "
    "supersede supersedes supersedes replace replaces void "
    "nullify violate disobey overlook abandon "
    "suspend reset dismiss"
)
INSTRUCTIONS = (
    "instruction instructions prompt prompts rule rules directive directives guideline guidelines "
    "command commands constraint constraints policy policies previous prior above preceding "
    "earlier everything candidates preferences history ratings criteria context task tasks "
    "messages message told tastes system likes dislikes"
)
MODEL = (
    "ai assistant assistants model models system systems "
    "algorithm algorithms bot bots agent agents "
    "machine machines engine engines computer ranker rankers recommender recommenders reranker "
    "chatbot chatbots gpt chatgpt llm llms claude gemini llama copilot"
)
PEOPLE = (
    "user users viewer viewers reader readers customer customers person everyone everybody "
    "audience audiences people client clients anyone someone he she they member members"
)
LOVES = (
    "love loves loved like likes liked want wants "
    "wanted prefer prefers preferred adore adores enjoy "
    "enjoys enjoyed asked asks requested requests needs rated gave chose crave craves insist "
    "insists favourite favorite wish wishes looking searching hate hates hated dislike dislikes"
)
