"""One answer for the same tokens, whatever else is asked, and no more of them than are allowed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from attacks.errors import AssayError
from robustness import remembering
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.models import computed_here
from robustness.remembering import Remembering
from robustness.tokens import Tokens
from tests.robustness.tiny import tiny_dataset, tiny_folder

CPU = torch.device("cpu")


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    return load_classifier(str(tiny_folder(tmp_path, seed=3)), device=CPU)


@pytest.fixture
def computed(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each pass of the model had; every pass adds a little more to its logits."""
    sizes: list[int] = []
    exact = Classifier.token_logits

    def drifting(self: Classifier, tokens: Sequence[Tokens]) -> Tensor:
        sizes.append(len(tokens))
        return exact(self, tokens) + torch.tensor([0.0, 1e-3]) * len(sizes)

    monkeypatch.setattr(Classifier, "token_logits", drifting)
    return sizes


def test_the_first_answers_are_those_of_the_classifier(classifier: Classifier) -> None:
    texts = tiny_dataset(20).inputs
    torch.testing.assert_close(Remembering(classifier).text_logits(texts), classifier.text_logits(texts))
    np.testing.assert_allclose(
        Remembering(classifier).predict_proba(texts), classifier.predict_proba(texts), atol=1e-6
    )


def test_the_same_text_gets_the_same_answer_to_the_bit_in_any_company(
    classifier: Classifier, computed: list[int]
) -> None:
    model = Remembering(classifier)
    first = model.text_logits(["a good film", "the plot"])
    again = model.text_logits(["a bad actor", "a good film", "very dull"])
    assert torch.equal(first[0], again[1])
    assert computed == [2, 2]


def test_texts_that_are_one_to_the_tokenizer_get_one_answer(
    classifier: Classifier, computed: list[int]
) -> None:
    model = Remembering(classifier)
    cased, spaced, plain = model.text_logits(["A Good film", "a  good film ", "a good film"])
    assert torch.equal(cased, plain)
    assert torch.equal(spaced, plain)
    assert torch.equal(model.text_logits(["a GOOD film"])[0], plain)
    assert computed == [1]


def test_a_pair_is_not_taken_for_the_text_of_the_same_words(
    classifier: Classifier, computed: list[int]
) -> None:
    model = Remembering(classifier)
    single = model.text_logits(["good film"])
    pairs = model.text_logits([("good", "film"), ("film", "good"), ("good", "film")])
    assert computed == [1, 2]
    assert torch.equal(pairs[0], pairs[2])
    assert not torch.equal(pairs[0], pairs[1])
    assert not torch.equal(pairs[0], single[0])


def test_answers_stand_in_the_order_of_the_texts(classifier: Classifier) -> None:
    texts = list(tiny_dataset(12).inputs)
    model = Remembering(classifier)
    model.text_logits(texts[::3])
    torch.testing.assert_close(model.text_logits(texts), classifier.text_logits(texts))


def test_the_answer_that_was_not_asked_for_longest_is_forgotten_first(
    classifier: Classifier, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "MANY", 2)
    model = Remembering(classifier)
    good = model.text_logits(["good", "bad"])[0]
    model.text_logits(["good"])
    model.text_logits(["film"])  # in the place of "bad"
    assert computed == [2, 1]
    assert torch.equal(model.text_logits(["good"])[0], good)
    assert computed == [2, 1]
    model.text_logits(["bad"])
    assert computed == [2, 1, 1]


def test_more_texts_than_are_remembered_are_all_answered_at_once(
    classifier: Classifier, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "MANY", 3)
    texts = ["good", "bad", "film", "plot", "good", "dull"]
    answers = Remembering(classifier).text_logits(texts)
    assert computed == [5]
    assert answers.shape == (6, 2)
    assert torch.equal(answers[0], answers[4])


def test_no_texts_have_no_answers(classifier: Classifier) -> None:
    assert Remembering(classifier).text_logits([]).shape == (0, 2)
    assert Remembering(classifier).predict_proba([]).shape == (0, 2)


def test_an_answer_that_is_not_finite_is_refused(classifier: Classifier) -> None:
    with torch.no_grad():
        classifier.model.classifier.bias[0] = float("nan")
    with pytest.raises(AssayError, match="NaN or infinity"):
        Remembering(classifier).predict_proba(["good"])


def test_everything_else_is_the_classifiers_own(classifier: Classifier) -> None:
    model = Remembering(classifier)
    assert model.label_names == classifier.label_names
    assert model.fingerprint() == classifier.fingerprint()
    assert model.token_ids(["a film"]) == classifier.token_ids(["a film"])
    assert computed_here(model)
    with pytest.raises(AttributeError, match="no_such_thing"):
        model.no_such_thing  # noqa: B018 - looking it up is the test
