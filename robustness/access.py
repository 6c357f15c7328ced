"""Whether a model offers what an attack needs."""

from collections.abc import Sequence
from typing import cast

from attacks import registry
from attacks.base import Attack
from attacks.black_box import QueryAttack
from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError
from attacks.token.base import TokenBudgetAttack
from attacks.victims import TokenVictim


def check_victim(victim: object, attack: Attack) -> None:
    """Raises AssayError when ``attack`` needs more of the model than ``victim`` offers.

    White-box attacks, and all on embeddings, need a model that is computed from word embeddings here; those
    on tokens also a tokenizer that knows where its tokens stand; attacks that go by scores need scores.
    """
    access = attack.threat_model.access
    if access == "score" and not getattr(victim, "scores", True):
        raise AssayError(
            f'Attack "{attack.name}" goes by class scores, and this model gives labels only. Use one that '
            f"needs no scores.{_others(('label', 'none'))}"
        )
    if not isinstance(attack, EmbeddingAttack) and access != "white-box":
        return
    if not all(hasattr(victim, method) for method in ("tokenize", "embed", "logits")):
        raise AssayError(
            f'Attack "{attack.name}" needs the gradients or the word embeddings of a model that runs here, '
            f"and this one only answers ({type(victim).__name__}). Give the model as a Hugging Face folder, "
            f"or use a black-box attack, which needs predictions only.{_others(('score', 'label', 'none'))}"
        )
    if isinstance(attack, TokenBudgetAttack):
        cast(TokenVictim, victim).vocabulary  # noqa: B018 - building it is the check


def _others(access: Sequence[str]) -> str:
    """Attacks on texts with one of these kinds of access, in a sentence."""
    names = []
    for name, other in registry.available().items():
        if other.space != "embedding" and other.access in access:
            names.append(name)
        elif "label" in access and issubclass(other, QueryAttack) and other.blind:
            names.append(f"{name} with {other.blind}")
    return f" Those there are: {', '.join(names)}." if names else ""
