"""The words by which people name their columns. A column is recognised by the words of its name."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


TEXT = _words(
    "text texts review sentence comment tweet content body message document utterance post title"
    " headline description question query premise passage snippet transcript article"
    " email sms abstract summary"
)
PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("text1", "text2"),
    ("question1", "question2"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
    ("question", "sentence"),
    ("question", "answer"),
    ("question", "passage"),
    ("query", "passage"),
    ("query", "document"),
    ("claim", "evidence"),
    ("text", "text_pair"),
)
"""Two columns that are the two texts of a pair."""

LABEL = {
    **dict.fromkeys(("label", "labels"), 5),
    **dict.fromkeys(("target", "gold", "class", "truth", "y"), 4),
    **dict.fromkeys(("sentiment", "category", "polarity", "intent", "emotion", "stance", "toxicity"), 3),
    **dict.fromkeys(("toxic", "hate", "hateful", "offensive", "spam", "sarcasm", "annotation"), 3),
    **dict.fromkeys(("topic", "rating", "ratings", "stars", "outcome", "score", "grade", "verdict"), 2),
}
"""{word: how sure it is that such a column holds the label}."""

PREDICTION = _words("pred preds predicted prediction predictions yhat hat")
SCORE = _words("prob probs proba probability score scores confidence logit logits p")
ID = _words("id ids uid uuid guid idx index key rowid")
SPLIT = _words("split fold partition subset set")

PEOPLE = _words(
    "gender sex age race ethnicity ethnic religion faith nationality dialect disability orientation sexuality"
    " education income accent identity demographic demographics group groups caste pronoun pronouns mentions"
    " marital immigration"
)
"""Columns that say who people are."""

SOURCES = _words(
    "country language lang region locale domain source channel platform genre market state city department"
    " site product"
)
"""Columns that say where texts come from."""

IDENTITIES = _words(
    "male female man men woman women nonbinary black white asian latino latina hispanic african indian arab"
    " native indigenous muslim islam islamic jewish jew jews christian hindu buddhist sikh atheist gay"
    " lesbian homosexual bisexual heterosexual lgbt queer trans transgender disabled"
    " disability illness psychiatric immigrant"
    " immigrants refugee refugees migrant elderly old young older younger"
)
"""Columns of yes and no, each of them a group of people."""
