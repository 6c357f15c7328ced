"""A classifier of a few thousand weights and data that it can learn in seconds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertTokenizerFast,
    RobertaTokenizerFast,
)

from robustness.data import TextDataset

GOOD = ("good", "great", "fine", "lovely", "superb")
BAD = ("bad", "awful", "poor", "dull", "horrid")
BYTE_LEVEL = ("roberta", "xlm-roberta", "camembert")
FILLER = ("the", "film", "was", "a", "very", "plot", "and", "actor", "music", "today")


def tiny_folder(
    tmp_path: Path,
    *,
    labels: Sequence[str] = ("negative", "positive"),
    layers: int = 2,
    hidden: int = 32,
    seed: int = 0,
    kind: str = "bert",
) -> Path:
    """A folder in Hugging Face format: a random classifier of the architecture ``kind`` and its tokenizer.

    kind: any BERT-like ``model_type``. ``roberta`` and its kin get a byte-level BPE, the others WordPiece.
    The folder is new at each call; the weights depend on ``seed`` only.
    """
    folder = tmp_path / f"{kind}-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    tokenizer = _byte_level(folder) if kind in BYTE_LEVEL else _word_piece(folder)
    offset = tokenizer.pad_token_id + 1 if kind in BYTE_LEVEL else 0
    shape = (
        {"dim": hidden, "n_layers": layers, "n_heads": 4, "hidden_dim": 2 * hidden}
        if kind == "distilbert"
        else {
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "intermediate_size": 2 * hidden,
        }
    )
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        max_position_embeddings=64 + offset,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(labels)),
        label2id={name: column for column, name in enumerate(labels)},
        initializer_range=0.1,
        **shape,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_config(config)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_dataset(n: int = 64, seed: int = 0) -> TextDataset:
    """``n`` sentences of 4 to 10 words with one or two that tell the label: good ones or bad ones.

    Groups: ``gender`` (woman, man) and ``domain`` (film, book), drawn independently of the label.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 2
    rng.shuffle(labels)
    texts = []
    for label in labels:
        words = rng.choice(FILLER, size=rng.integers(3, 9)).tolist()
        for _ in range(rng.integers(1, 3)):
            words.insert(int(rng.integers(len(words) + 1)), str(rng.choice(GOOD if label else BAD)))
        texts.append(" ".join(words))
    return TextDataset(
        name="tiny",
        ids=tuple(f"tiny:{row}" for row in range(1, n + 1)),
        texts=tuple(texts),
        text_pairs=None,
        labels=labels,
        label_names=("negative", "positive"),
        groups={
            "gender": rng.choice(["woman", "man"], size=n),
            "domain": rng.choice(["film", "book"], size=n),
        },
        splits=np.full(n, "test"),
    )


def _word_piece(folder: Path) -> BertTokenizerFast:
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, *FILLER, *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    file = folder / "vocab.txt"
    # "a" is a word and a letter; a vocabulary names each piece once.
    file.write_text("\n".join(dict.fromkeys(vocabulary)) + "\n", encoding="utf-8")
    return BertTokenizerFast(str(file), do_lower_case=True, model_max_length=64)


def _byte_level(folder: Path) -> RobertaTokenizerFast:
    learner = ByteLevelBPETokenizer()
    learner.train_from_iterator(
        [" ".join(GOOD + BAD + FILLER)] * 5,
        vocab_size=400,
        min_frequency=2,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    learner.save_model(str(folder))
    files = str(folder / "vocab.json"), str(folder / "merges.txt")
    return RobertaTokenizerFast(*files, model_max_length=64)
