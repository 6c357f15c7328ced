"""The shorter way through the last layer gives the answers of the whole model."""

from pathlib import Path

import pytest
import torch

from attacks.victims import TextInput
from robustness.classifier import Classifier
from robustness.first_token import HEADS, first_token
from robustness.loading import load_classifier
from tests.robustness.tiny import tiny_folder

KINDS = ["bert", "roberta", "xlm-roberta", "camembert", "electra"]
TEXTS: list[TextInput] = [
    "a fine film",
    "not good",
    "the plot was very dull and the music was fine today",
    "",
]
PAIRS: list[TextInput] = [("good film", "the plot was dull"), ("a", "b"), ("bad bad bad", "")]


def load(folder: Path, kind: str, layers: int = 2) -> Classifier:
    return load_classifier(str(tiny_folder(folder, kind=kind, layers=layers)), device=torch.device("cpu"))


def whole(classifier: Classifier, texts: list[TextInput]) -> torch.Tensor:
    with torch.inference_mode():
        return classifier._forward(classifier.tokenize(texts))


@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_are_those_of_the_whole_model(
    tmp_path: Path, kind: str, texts: list[TextInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = load(tmp_path, kind)
    expected = whole(classifier, texts)
    monkeypatch.setattr(Classifier, "_forward", None)  # the long way is not taken
    with torch.inference_mode():
        torch.testing.assert_close(classifier.text_logits(texts), expected, rtol=0, atol=1e-5)


def test_every_kind_that_is_known_is_tried_here(tmp_path: Path) -> None:
    assert {type(load(tmp_path, kind).model).__name__ for kind in KINDS} == set(HEADS)


def test_weights_that_change_are_seen(tmp_path: Path) -> None:
    classifier = load(tmp_path, "bert")
    classifier.text_logits(TEXTS)
    with torch.no_grad():
        for parameter in classifier.model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        torch.testing.assert_close(
            classifier.text_logits(TEXTS), whole(classifier, TEXTS).clone(), rtol=0, atol=1e-4
        )


@pytest.mark.parametrize("kind", ["distilbert", "deberta-v2"])
def test_other_models_are_asked_as_they_are(tmp_path: Path, kind: str) -> None:
    classifier = load(tmp_path, kind)
    assert first_token(classifier.model) is None
    with torch.inference_mode():
        torch.testing.assert_close(classifier.text_logits(TEXTS), whole(classifier, TEXTS), rtol=0, atol=1e-5)


def test_a_model_of_one_layer_or_with_listeners_goes_the_long_way(tmp_path: Path) -> None:
    assert first_token(load(tmp_path, "bert", layers=1).model) is None
    heard = load(tmp_path, "bert").model
    heard.bert.encoder.layer[-1].register_forward_hook(lambda *_: None)
    assert first_token(heard) is None


def test_in_training_mode_dropout_is_where_it_belongs(tmp_path: Path) -> None:
    classifier = load(tmp_path, "bert")
    classifier.model.train()
    assert not torch.equal(classifier.text_logits(TEXTS), classifier.text_logits(TEXTS))
    classifier.model.eval()
    assert torch.equal(classifier.text_logits(TEXTS), classifier.text_logits(TEXTS))
