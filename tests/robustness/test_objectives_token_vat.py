from pathlib import Path

import pytest
import torch

from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives.base import Step
from robustness.objectives.token_vat import PerturbationVocabulary, TokenVAT, bounded, shares
from tests.robustness.objective_cases import Batch, Recorder, tiny_batch
from tests.robustness.tiny import tiny_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def classifier(folder: Path) -> Classifier:
    return load_classifier(str(folder), device=torch.device("cpu"))


@pytest.fixture
def batch(classifier: Classifier) -> Batch:
    return tiny_batch(classifier)


def trained(
    objective: TokenVAT,
    classifier: Classifier,
    batch: Batch,
    memory: PerturbationVocabulary,
    share: float = 1,
) -> Recorder:
    victim = Recorder(classifier)
    radius = share * objective.radius(classifier)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        objective.backward(victim, *batch, Step(radius, lambda loss: loss.backward(), memory=memory))
    return victim


def test_the_vocabulary_keeps_the_mean_of_each_token_and_leaves_the_others() -> None:
    vocabulary = PerturbationVocabulary(torch.full((5, 2), 9.0))
    vocabulary.keep(torch.tensor([3, 1, 3]), torch.tensor([[1.0, 2.0], [5.0, 6.0], [3.0, 0.0]]))
    expected = torch.tensor([[9.0, 9.0], [5.0, 6.0], [9.0, 9.0], [2.0, 1.0], [9.0, 9.0]])
    assert torch.equal(vocabulary.perturbations, expected)
    vocabulary.keep(torch.tensor([], dtype=torch.long), torch.zeros(0, 2))
    assert torch.equal(vocabulary.perturbations, expected)


def test_the_vocabulary_begins_uniform_and_the_same_in_every_training(classifier: Classifier) -> None:
    objective = TokenVAT(start=0.2, epsilon=0.4)
    before = torch.get_rng_state()
    first = objective.memory(classifier).perturbations
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(objective.memory(classifier).perturbations, first)
    matrix = classifier.model.get_input_embeddings().weight
    assert first.shape == matrix.shape
    # In multiples of the budget: 0.2 / 0.4 over the root of the width.
    largest = 0.5 / matrix.shape[1] ** 0.5
    assert 0.99 * largest < first.abs().max() <= largest
    assert abs(float(first.mean())) < 0.05 * largest


def test_a_tokens_share_is_its_norm_over_the_largest_of_the_text() -> None:
    tokens = torch.tensor([[[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]])
    assert shares(tokens).squeeze(2).tolist() == [[1.0, pytest.approx(0.2), 0.0], [0.0, 0.0, 0.0]]


def test_both_parts_are_scaled_alike_where_their_sum_is_too_long() -> None:
    long, short = torch.tensor([[[3.0, 0.0]], [[0.3, 0.0]]]), torch.tensor([[[0.0, 4.0]], [[0.0, 0.4]]])
    first, second = bounded((long, short), radius=1.0)
    torch.testing.assert_close(first, torch.tensor([[[0.6, 0.0]], [[0.3, 0.0]]]))
    torch.testing.assert_close(second, torch.tensor([[[0.0, 0.8]], [[0.0, 0.4]]]))


def test_no_perturbation_is_longer_than_epsilon(classifier: Classifier, batch: Batch) -> None:
    objective = TokenVAT(steps=4, step_size=0.3, start=2, epsilon=0.3)
    victim = trained(objective, classifier, batch, objective.memory(classifier))
    radius = objective.radius(classifier)
    for delta in victim.moved(batch[0]):
        sizes = delta.flatten(1).norm(dim=1)
        torch.testing.assert_close(sizes, torch.full_like(sizes, radius), rtol=1e-3, atol=0)


def test_one_update_moves_sentence_and_tokens_along_the_gradient(
    classifier: Classifier, batch: Batch
) -> None:
    """From the clean text: a step of the sentence, and one of each token, which has a share of 1 then."""
    encoding, y = batch
    objective = TokenVAT(steps=2, step_size=0.05, start=0, epsilon=5)
    memory = objective.memory(classifier)
    assert not memory.perturbations.any()
    victim = trained(objective, classifier, batch, memory)
    clean, moved = victim.moved(encoding)
    assert not clean.any()
    length = 0.05 * classifier.embedding_scale.l2
    leaf = victim.seen[0].clone().requires_grad_()
    torch.nn.functional.cross_entropy(classifier.logits(encoding, leaf), y).backward()
    gradient = leaf.grad * (encoding.real & ~encoding.special)[..., None]
    sentence = gradient / gradient.flatten(1).norm(dim=1)[:, None, None]
    tokens = gradient / gradient.norm(dim=2, keepdim=True).clamp_min(1e-20)
    torch.testing.assert_close(moved, length * (sentence + tokens), rtol=1e-3, atol=1e-6)


def test_a_batch_goes_on_where_the_last_one_left_its_tokens(classifier: Classifier, batch: Batch) -> None:
    encoding, _ = batch
    objective = TokenVAT(steps=2, start=1e-9, epsilon=5)
    memory = objective.memory(classifier)
    trained(objective, classifier, batch, memory)
    left = memory.perturbations.clone()
    victim = trained(objective, classifier, batch, memory)
    free = encoding.real & ~encoding.special
    expected = left[encoding.inputs["input_ids"]] * objective.radius(classifier) * free[..., None]
    assert expected[free].abs().amax(dim=1).min() > 1e-4
    torch.testing.assert_close(victim.moved(encoding)[0], expected, rtol=1e-3, atol=1e-6)


def test_only_tokens_that_may_move_change_the_vocabulary(classifier: Classifier, batch: Batch) -> None:
    encoding, _ = batch
    for special_tokens in (False, True):
        objective = TokenVAT(special_tokens=special_tokens)
        memory = objective.memory(classifier)
        before = memory.perturbations.clone()
        trained(objective, classifier, batch, memory)
        changed = (memory.perturbations != before).any(dim=1).nonzero().flatten().tolist()
        free = encoding.real if special_tokens else encoding.real & ~encoding.special
        assert changed == encoding.inputs["input_ids"][free].unique().tolist()


def test_the_vocabulary_rises_with_the_ramp(classifier: Classifier, batch: Batch) -> None:
    objective = TokenVAT(steps=1, start=0.2)
    whole, half = objective.memory(classifier), objective.memory(classifier)
    full = trained(objective, classifier, batch, whole).moved(batch[0])[0]
    ramped = trained(objective, classifier, batch, half, share=0.5).moved(batch[0])[0]
    torch.testing.assert_close(2 * ramped, full, rtol=1e-3, atol=1e-6)


def test_without_a_budget_the_vocabulary_stays(classifier: Classifier, batch: Batch) -> None:
    objective = TokenVAT()
    memory = objective.memory(classifier)
    before = memory.perturbations.clone()
    trained(objective, classifier, batch, memory, share=0)
    assert torch.equal(memory.perturbations, before)


def test_the_vocabulary_is_restored_from_its_state(
    classifier: Classifier, batch: Batch, tmp_path: Path
) -> None:
    objective = TokenVAT()
    memory, fresh = objective.memory(classifier), objective.memory(classifier)
    trained(objective, classifier, batch, memory)
    torch.save(memory.state_dict(), tmp_path / "memory")
    assert not torch.equal(fresh.perturbations, memory.perturbations)
    fresh.load_state_dict(torch.load(tmp_path / "memory", weights_only=True))
    assert torch.equal(fresh.perturbations, memory.perturbations)
