"""wordnet-similar: WordNet swaps that keep words, parts of speech and meaning."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
import torch

from attacks.errors import AssayError
from attacks.textattack import compositions, resources
from attacks.textattack.compositions import ENCODER, WordNetSimilar
from tests.attacks.textattack.victims import StubbornVictim, attacked

TEXTS = (
    "a wonderful film with a brave and clever hero who leaves a small town to find his lost brother",
    "the boring movie ends with a long speech about the war and nobody in the room seems to care",
)


class ConstantEncoder:
    """Every text means the same, or, where ``differ``, none is like another."""

    def __init__(self, differ: bool) -> None:
        self.differ = differ

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.eye(len(texts)) if self.differ else torch.ones((len(texts), 1))


@pytest.fixture
def constant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compositions, "encoder", lambda source: ConstantEncoder(source == "differ"))


@pytest.fixture
def tagged(ta: ModuleType, wordnet: None) -> None:
    missing = resources.missing(WordNetSimilar.needs)
    if missing:
        pytest.skip(f"{missing[0].what} is not on this machine")


class Word(StubbornVictim):
    """The fewer letters a text has, the less sure it is: every swap helps a little, none is enough."""

    def logits(self, texts: Any) -> torch.Tensor:
        return torch.tensor([[0.0, 1 + len(text) / 100] for text in texts])


@pytest.mark.parametrize("share", [0.2, 0.1, 0.06])
def test_no_more_words_change_than_allowed_and_stop_words_stay(
    tagged: None, constant: None, share: float
) -> None:
    stop = {"a", "with", "and", "who", "to", "his", "the", "about", "in"}
    for proposal in attacked(WordNetSimilar(encoder="same", max_change=share), Word(), TEXTS, [1, 1]):
        before, after = TEXTS[proposal.row].split(), str(proposal.text).split()
        changed = [old for old, new in zip(before, after, strict=True) if old != new]
        assert 0 < len(changed) <= share * len(before)
        assert not stop & set(changed)


def test_texts_of_another_meaning_are_not_proposed(tagged: None, constant: None) -> None:
    found = attacked(WordNetSimilar(encoder="differ"), Word(), TEXTS, [1, 1])
    assert [proposal.text for proposal in found] == list(TEXTS)


@pytest.mark.minilm
def test_with_the_packaged_encoder_proposals_are_as_similar_as_asked(tagged: None) -> None:
    if resources.missing([ENCODER]):
        pytest.skip("the encoder of the extra `demo` is not installed")
    meanings = compositions.encoder(ENCODER)
    for threshold in (0.84, 0.97):
        found = attacked(WordNetSimilar(min_similarity=threshold), Word(), TEXTS, [1, 1])
        for proposal in found:
            original, proposed = meanings.encode([TEXTS[proposal.row], str(proposal.text)])
            assert float(original @ proposed) >= threshold - 1e-5
    assert any(proposal.text not in TEXTS for proposal in found)


@pytest.mark.minilm
def test_encodings_are_of_length_one_and_do_not_depend_on_the_batch(ta: ModuleType) -> None:
    if resources.missing([ENCODER]):
        pytest.skip("the encoder of the extra `demo` is not installed")
    meanings = compositions.encoder(ENCODER)
    together = meanings.encode([*TEXTS, "short", TEXTS[0]])
    meanings._known.clear()
    alone = torch.cat([meanings.encode([text]) for text in (*TEXTS, "short", TEXTS[0])])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together.norm(dim=1), torch.ones(4), atol=1e-5)
    similar = meanings.encode(["a great film", "a wonderful movie", "the tax form is due in March"])
    assert similar[0] @ similar[1] > similar[0] @ similar[2]


def test_an_encoder_that_is_not_there_is_named(ta: ModuleType) -> None:
    with pytest.raises(AssayError, match='got "no/such-encoder-here", which cannot be loaded'):
        compositions.encoder("no/such-encoder-here")


@pytest.mark.parametrize(
    ("key", "value"), [("min_similarity", 1.5), ("max_change", 0.0), ("max_change", 2.0)]
)
def test_parameters_out_of_range_are_refused(key: str, value: float) -> None:
    with pytest.raises(AssayError, match=f"expected {key} to be"):
        WordNetSimilar(**{key: value})
