"""Loads what the changed texts of an audit are judged by."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from assay.config_models import AuditConfig
from attacks.base import Attack
from robustness.dataset import TextDataset
from robustness.outcomes import Outcome
from robustness.packaged import is_installed
from robustness.quality.encoders import DEFAULT, load_sentence_encoder
from robustness.quality.judge import judge_successes
from robustness.quality.limits import Limits
from robustness.quality.measured import Quality
from robustness.quality.perplexity import Perplexity, load_perplexity
from robustness.quality.pretrained import LoadOptions
from robustness.quality.similarity import SentenceEncoder


@dataclass(frozen=True)
class TextJudge:
    """encoder, language_model: None where there is none; what they measure is then unknown."""

    encoder: SentenceEncoder | None
    language_model: Perplexity | None
    limits: Limits

    def qualities(self, dataset: TextDataset, outcomes: Sequence[Outcome]) -> list[Quality | None]:
        """Of each outcome of ``dataset``; None where no text was changed with success."""
        return judge_successes(dataset.inputs, outcomes, self.encoder, self.language_model)


def load_judge(config: AuditConfig, attacks: Sequence[Attack], device: torch.device) -> TextJudge | None:
    """None where no attack changes texts.

    Without a configured encoder the packaged one is taken where it is installed.
    Raises AssayError where a configured one cannot be loaded.
    """
    if all(attack.space == "embedding" for attack in attacks):
        return None
    settings, options = config.similarity, LoadOptions(device, offline=config.offline)
    limits = Limits(settings.min_similarity, settings.max_changed, settings.max_perplexity_ratio)
    model = settings.language_model
    return TextJudge(
        encoder=_encoder(settings.encoder, options),
        language_model=None if model is None else load_perplexity(model, options),
        limits=limits,
    )


def _encoder(source: str | None, options: LoadOptions) -> SentenceEncoder | None:
    if source is None and not is_installed(DEFAULT):
        return None
    return load_sentence_encoder(source or DEFAULT, options)
