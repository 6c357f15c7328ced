"""One example of every embedding attack that there is, so that a new one is tested at once."""

from dataclasses import MISSING, fields
from typing import Any

from attacks.embedding.base import EmbeddingAttack
from attacks.registry import available

REQUIRED: dict[str, Any] = {"epsilon": 0.5}
"""Values of the parameters that have no default."""
CHEAP: dict[str, Any] = {"steps": 4}
"""Values that make an attack fast; an attack may have the parameter or not."""


def embedding_attacks() -> dict[str, type[EmbeddingAttack]]:
    """The classes of all available attacks on embeddings, by name."""
    return {name: attack for name, attack in available().items() if issubclass(attack, EmbeddingAttack)}


def gradient_attacks() -> dict[str, type[EmbeddingAttack]]:
    """Those of ``embedding_attacks`` that use gradients."""
    return {name: attack for name, attack in embedding_attacks().items() if attack.access == "white-box"}


def example(attack: type[EmbeddingAttack], **given: Any) -> EmbeddingAttack:
    """An attack with few steps and its required parameters; of ``given``, those that it has."""
    parameters = {parameter.name: parameter for parameter in fields(attack)}
    required = {key for key, parameter in parameters.items() if parameter.default is MISSING}
    values = {key: REQUIRED[key] for key in required} | CHEAP | given
    return attack(**{key: value for key, value in values.items() if key in parameters})
