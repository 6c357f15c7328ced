"""Every recipe of TextAttack 0.3.11: what it does, what it needs, and whether it can attack a classifier.

A plain table, which is read without importing TextAttack.
"""

from dataclasses import dataclass

from attacks.threat_model import Space

PREFIX = "textattack:"

STOPWORDS = ("nltk:stopwords",)
"""Read when TextAttack is imported: no recipe runs without them."""

PART_OF_SPEECH = ("nltk:averaged_perceptron_tagger_eng", "nltk:universal_tagset")
WORDNET = ("nltk:wordnet",)
EMBEDDINGS = ("textattack:counter-fitted-embeddings",)
UNIVERSAL_SENTENCE_ENCODER = (
    "python:tensorflow",
    "python:tensorflow_hub",
    "tfhub:google/universal-sentence-encoder/3",
)


@dataclass(frozen=True)
class Recipe:
    """One of TextAttack's published attacks.

    name: as TextAttack's own command line has it, where it has one. builder: the class in
    ``textattack.attack_recipes``. does: one sentence. needs: resources by name, see ``resources``.
    maximizes: whether it searches for the most of something instead of a wrong label.
    why_not: why it cannot attack a classifier that only answers; None where it can.
    """

    name: str
    builder: str
    does: str
    paper: str
    space: Space = "word"
    needs: tuple[str, ...] = STOPWORDS
    maximizes: bool = False
    why_not: str | None = None

    @property
    def attack(self) -> str:
        """The name of the attack that runs it."""
        return PREFIX + self.name


_ALL = (
    Recipe(
        "a2t",
        "A2TYoo2021",
        "Swaps words for neighbours in an embedding space, in the order of gradients.",
        "Yoo and Qi 2021",
        needs=(
            *STOPWORDS,
            *PART_OF_SPEECH,
            *EMBEDDINGS,
            "hub:sentence-transformers/stsb-distilbert-base",
        ),
        why_not="it ranks words by gradients; textattack:textfooler swaps the same words by answers alone.",
    ),
    Recipe(
        "alzantot",
        "GeneticAlgorithmAlzantot2018",
        "Breeds texts whose words are swapped for neighbours in an embedding space.",
        "Alzantot et al. 2018",
        needs=(*STOPWORDS, *EMBEDDINGS, "python:tensorflow", "textattack:google-1-billion"),
    ),
    Recipe(
        "bad-characters",
        "BadCharacters2021",
        "Evolves perturbations that a reader cannot see: homoglyphs, invisible characters, reorderings.",
        "Boucher et al. 2022",
        space="character",
    ),
    Recipe(
        "bae",
        "BAEGarg2019",
        "Swaps words for what BERT would put in their place.",
        "Garg and Ramakrishnan 2020",
        needs=(*STOPWORDS, *PART_OF_SPEECH, "hub:bert-base-uncased", *UNIVERSAL_SENTENCE_ENCODER),
    ),
    Recipe(
        "bert-attack",
        "BERTAttackLi2020",
        "Swaps words and their pieces for what BERT would put in their place.",
        "Li et al. 2020",
        needs=(*STOPWORDS, "hub:bert-base-uncased", *UNIVERSAL_SENTENCE_ENCODER),
    ),
    Recipe(
        "checklist",
        "CheckList2020",
        "Exchanges names, places, numbers and contractions, which should not matter.",
        "Ribeiro et al. 2020",
        needs=(*STOPWORDS, "hub:flair/ner-english"),
    ),
    Recipe(
        "chinese",
        "ChineseRecipe",
        "Swaps Chinese words and characters for likely ones, lookalikes and homophones.",
        "TextAttack",
        needs=(*STOPWORDS, "hub:xlm-roberta-base", "python:OpenHowNet", "openhownet:resources"),
    ),
    Recipe(
        "clare",
        "CLARE2020",
        "Replaces, inserts and merges words with a masked language model.",
        "Li et al. 2021",
        needs=(*STOPWORDS, "hub:distilroberta-base", *UNIVERSAL_SENTENCE_ENCODER),
    ),
    Recipe(
        "deepwordbug",
        "DeepWordBugGao2018",
        "Swaps, substitutes, deletes and inserts single characters in the words that matter most.",
        "Gao et al. 2018",
        space="character",
    ),
    Recipe(
        "faster-alzantot",
        "FasterGeneticAlgorithmJia2019",
        "Breeds texts as alzantot does, with a faster language model as constraint.",
        "Jia et al. 2019",
        needs=(*STOPWORDS, *EMBEDDINGS, "python:torchfile", "textattack:learning-to-write"),
    ),
    Recipe(
        "french",
        "FrenchRecipe",
        "Swaps French words for synonyms, and exchanges names and places.",
        "TextAttack",
        needs=(*STOPWORDS, "nltk:stopwords/french", *WORDNET, "nltk:omw-1.4", "hub:flair/ner-french"),
    ),
    Recipe(
        "hotflip",
        "HotFlipEbrahimi2017",
        "Swaps the words whose gradients promise most.",
        "Ebrahimi et al. 2018",
        needs=(*STOPWORDS, *PART_OF_SPEECH, *EMBEDDINGS),
        why_not='it needs gradients through TextAttack\'s own wrapper; "hotflip" attacks the same way.',
    ),
    Recipe(
        "iga",
        "IGAWang2019",
        "Breeds texts with an improved genetic algorithm, which may change a word again.",
        "Wang et al. 2021",
        needs=(*STOPWORDS, *EMBEDDINGS),
    ),
    Recipe(
        "input-reduction",
        "InputReductionFeng2018",
        "Deletes words for as long as the predicted label stays.",
        "Feng et al. 2018",
        maximizes=True,
    ),
    Recipe(
        "kuleshov",
        "Kuleshov2017",
        "Swaps words for neighbours in an embedding space that a language model finds likely.",
        "Kuleshov et al. 2018",
        needs=(*STOPWORDS, *EMBEDDINGS, "hub:gpt2"),
    ),
    Recipe(
        "leap",
        "LEAP2023",
        "Moves a swarm of texts with WordNet synonyms, in Levy flights.",
        "Xiao et al. 2023",
        needs=(*STOPWORDS, *WORDNET),
    ),
    Recipe(
        "morpheus",
        "MorpheusTan2020",
        "Exchanges inflections of words.",
        "Tan et al. 2020",
        why_not="it lowers the BLEU score of a translation; a classifier gives none.",
    ),
    Recipe(
        "pruthi",
        "Pruthi2019",
        "Makes one typing error: characters swapped, dropped, added or hit beside.",
        "Pruthi et al. 2019",
        space="character",
    ),
    Recipe(
        "pso",
        "PSOZang2020",
        "Moves a swarm of texts with words of the same sememes.",
        "Zang et al. 2020",
        needs=(*STOPWORDS, "textattack:hownet", "hub:flair/upos-english-fast"),
    ),
    Recipe(
        "pwws",
        "PWWSRen2019",
        "Swaps words for WordNet synonyms, in the order of saliency times effect.",
        "Ren et al. 2019",
        needs=(*STOPWORDS, *WORDNET),
    ),
    Recipe(
        "seq2sick",
        "Seq2SickCheng2018BlackBox",
        "Swaps words until an output has no word in common with the first.",
        "Cheng et al. 2020",
        needs=(*STOPWORDS, *EMBEDDINGS),
        why_not="its goal is a translation without any word of the first; a classifier gives none.",
    ),
    Recipe(
        "spanish",
        "SpanishRecipe",
        "Swaps Spanish words for synonyms, and exchanges names and places.",
        "TextAttack",
        needs=(*STOPWORDS, *WORDNET, "nltk:omw-1.4"),
        why_not='TextAttack 0.3.11 asks WordNet for the language "esp", which does not exist ("spa" does).',
    ),
    Recipe(
        "textbugger",
        "TextBuggerLi2018",
        "Inserts, deletes, swaps and imitates characters, and swaps words for neighbours.",
        "Li et al. 2019",
        needs=(*STOPWORDS, *EMBEDDINGS, *UNIVERSAL_SENTENCE_ENCODER),
    ),
    Recipe(
        "textfooler",
        "TextFoolerJin2019",
        "Swaps words for neighbours in an embedding space, of the same part of speech and a like meaning.",
        "Jin et al. 2020",
        needs=(*STOPWORDS, *PART_OF_SPEECH, *EMBEDDINGS, *UNIVERSAL_SENTENCE_ENCODER),
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
"""All of them by name, sorted."""
