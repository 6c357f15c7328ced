"""Classes of English words, by which ``contexts`` tells what a word is where it stands. All lower case."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = _words("a an the some any every each no my your his her its our their")

FUNCTION_WORDS = ARTICLES | _words(
    "about above across after against along among around as at away because before behind below beside "
    "between beyond but by despite down during except for from if in into like near of off on once onto or "
    "out over since so than that then though through to toward towards under unless until up upon via when "
    "whenever where whereas whether while who whom which why how with within without and nor yet "
    "i you he she it we they me him us them this these those there what everything something nothing "
    "is are was were am be been being has have had having do does did can could will would shall should may "
    "might must isn't aren't wasn't weren't hasn't haven't hadn't don't doesn't didn't can't couldn't won't "
    "wouldn't shouldn't isnt arent wasnt dont doesnt didnt cant wont "
    "again ago all alone already also always anymore anyway both either else enough even ever everywhere "
    "forever here instead just later maybe more much never not now often perhaps please really "
    "sometimes soon still today together tomorrow tonight too twice very well yesterday"
)
"""Words that begin no noun phrase after a possessive."""

DETERMINERS = ARTICLES | _words("this that another one first last only fellow")

BE = _words("am is are was were be been being become became")
SUBJECTS = _words("i he she we you they who")
SUBJECTS_THAT_ARE = _words("i'm he's she's we're they're you're im i’m he’s she’s we’re they’re you’re")

BEFORE_BARE_VERBS = _words(
    "let lets let's make makes made making help helps helped see sees saw hear hears heard watch watched "
    "feel felt have had"
)
BARE_VERBS = _words(
    "ask be become believe call come cry die do dress eat explain fall feel find get give go grow hear keep "
    "know laugh learn leave live look lose make move pass pay play read run say scream see sing sit sleep "
    "smile speak stand stay stop suffer take talk tell think try understand wait walk want win work write"
)
"""Verbs after "let her"."""

BEFORE_PLACES = _words(
    "bring brings brought bringing call called calling drive drove follow followed get gets getting got hold "
    "held pull pulled push pushed send sends sending sent take takes taking took taken walk "
    "walked want wanted"
)
PLACES = _words("back home inside outside past right")
"""What can be a place to take somebody to ("took her home") and what somebody has ("her home")."""

ADJECTIVES_IN_LY = _words("daily early elderly family friendly likely lonely lovely only silly ugly")

BEFORE_HALVES = _words(
    "native african asian arab european latin latino latina south north central american east west"
)
"""Before "American" or "Indian": they make it the name of another group or place."""

TIMES = _words("year years yr yrs month months week weeks day days")

BEFORE_LANGUAGES = _words("in speak speaks speaking spoke spoken learn learning into fluent")

PERSON_NOUNS = _words(
    "people person persons folk folks man men woman women guy guys girl girls boy boys kid kids child "
    "children baby babies lady ladies gentleman gentlemen male males female females adult adults teen "
    "teens teenager teenagers youth youths student students pupil pupils teacher teachers professor "
    "worker workers employee employees colleague colleagues boss doctor doctors nurse nurses lawyer "
    "driver drivers cop cops officer officers soldier soldiers citizen citizens voter voters candidate "
    "candidates politician politicians leader leaders president senator pastor priest immigrant "
    "immigrants refugee refugees neighbor neighbors neighbour neighbours family families couple couples "
    "parent parents mother mothers father fathers mom moms dad dads son sons daughter daughters brother "
    "brothers sister sisters husband husbands wife wives actor actors actress actresses writer writers "
    "author authors artist artists player players athlete athletes american americans community "
    "communities population customer customers patient patients lives"
)
"""Nouns before which "black", "straight" or "blind" speaks of somebody."""
