"""SMART and R3F: divergences between answers."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence
from torch.nn.functional import cross_entropy

from attacks.victims import EmbeddingScale, Encoding
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives.base import Step
from robustness.objectives.divergence import symmetric_kl
from robustness.objectives.r3f import R3F
from robustness.objectives.smart import SMART, Momentum
from tests.robustness.objective_cases import Batch, Recorder, assert_same, plain, taught, tiny_batch
from tests.robustness.small_training import weights
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


def divergence(first: Tensor, second: Tensor) -> float:
    """The same through torch's distributions, in float64."""
    p, q = Categorical(logits=first.double()), Categorical(logits=second.double())
    return float((kl_divergence(p, q) + kl_divergence(q, p)).mean())


def test_the_divergence_is_both_ways_and_the_mean_over_the_batch() -> None:
    first, second = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    assert float(symmetric_kl(first, second)) == pytest.approx(divergence(first, second), rel=1e-5)
    assert float(symmetric_kl(first, second)) == pytest.approx(float(symmetric_kl(second, first)), rel=1e-6)
    assert float(symmetric_kl(first, first)) == 0
    # By hand: p = (3/4, 1/4) and q = (1/2, 1/2) give (1/4) log 3 + (-1/4) log (1/2) ... = (1/4) log 3.
    p, q = torch.tensor([[3.0, 1.0]]).log(), torch.zeros(1, 2)
    assert float(symmetric_kl(p, q)) == pytest.approx(math.log(3) / 4)


def test_the_divergence_of_nearly_equal_answers_keeps_its_digits() -> None:
    """Of a confident and of an undecided answer moved by a millionth; a plain difference would be noise."""
    first = torch.tensor([[0.3, -0.1], [4.0, -4.0]])
    second = first + torch.tensor([[1e-3, 0.0], [0.0, 1e-3]])
    assert float(symmetric_kl(first, second)) == pytest.approx(divergence(first, second), rel=1e-2)


def test_the_divergence_of_extreme_answers_is_finite() -> None:
    first = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = symmetric_kl(first, torch.tensor([[-1e4, 1e4]]))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(4e4)
    assert torch.isfinite(first.grad).all()


class Linear:
    """Two classes whose logits are 0 and the sum of all components, weighted; embeddings of 0."""

    embedding_scale = EmbeddingScale(l2=1.0, linf=1.0)

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight.requires_grad_()
        self.seen: list[Tensor] = []

    def embed(self, encoding: Encoding) -> Tensor:
        return torch.zeros(*encoding.real.shape, len(self.weight))

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        self.seen.append(embeddings.detach().clone())
        total = ((embeddings * self.weight).sum(dim=2) * encoding.real).sum(dim=1)
        return torch.stack([torch.zeros_like(total), total], dim=1)


def four_tokens() -> Encoding:
    real = torch.tensor([[True, True, True, True], [True, True, True, False]])
    special = torch.tensor([[True, False, False, True], [True, False, True, False]])
    return Encoding(inputs={}, real=real, special=special, truncated=torch.zeros(2, dtype=torch.bool))


def test_the_adversary_of_smart_goes_up_the_divergence_over_the_largest_component() -> None:
    """On a linear model the gradient is the weight, towards the side that the noise has begun with."""
    weight = torch.tensor([4.0, -2.0, 1.0])
    victim, encoding = Linear(weight), four_tokens()
    objective = SMART(epsilon=0.1, step_size=0.2, sigma=1e-4, steps=1, proximal_weight=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        objective.backward(victim, encoding, torch.tensor([0, 1]), Step(0.1, lambda loss: loss.backward()))
    clean, noised, adversarial = victim.seen
    assert not clean.any()
    free = encoding.real & ~encoding.special
    assert noised[free].std() == pytest.approx(1e-4, rel=0.5)
    assert not noised[~free].any()
    sides = ((noised * weight).sum(dim=(1, 2))).sign().detach()
    # 0.2 * (1, -1/2, 1/4), cut at 0.1: the first component leaves the ball, the second touches its edge.
    step = torch.tensor([0.2, -0.1, 0.05])
    expected = (noised + sides[:, None, None] * step * free[..., None]).clamp(-0.1, 0.1)
    torch.testing.assert_close(adversarial, expected, rtol=1e-3, atol=1e-6)


def test_smart_trains_on_the_three_terms_of_its_loss(classifier: Classifier, batch: Batch) -> None:
    objective = SMART(epsilon=0.3, step_size=0.3, smoothness_weight=3, proximal_weight=2)
    victim, memory = Recorder(classifier), objective.memory(classifier)
    with torch.no_grad():
        before = classifier.logits(batch[0], classifier.embed(batch[0]))
        classifier.model.classifier.weight.mul_(1.5)
    losses: list[Tensor] = []
    step = Step(objective.radius(victim), losses.append, memory=memory)
    loss = objective.backward(victim, *batch, step)
    clean, _, adversarial = victim.answers
    terms = [float(cross_entropy(clean, batch[1])), divergence(clean, adversarial), divergence(clean, before)]
    assert min(terms) > 1e-4
    assert float(loss) == pytest.approx(terms[0] + 3 * terms[1] + 2 * terms[2], rel=1e-4)
    assert [float(each.detach()) for each in losses] == [float(loss)]


def test_the_adversary_of_smart_moves_the_answer_more_than_noise_of_its_size(
    classifier: Classifier, batch: Batch
) -> None:
    objective, victim = SMART(steps=3, proximal_weight=0), Recorder(classifier)
    radius = objective.radius(classifier)
    taught(objective, classifier, batch, radius, victim=victim)
    clean, *_, adversarial = victim.answers
    delta = victim.moved(batch[0])[-1]
    assert delta.abs().max() <= radius * 1.0001
    generator = torch.Generator().manual_seed(0)
    noise = delta.abs() * (2 * torch.randint(2, delta.shape, generator=generator) - 1)
    with torch.no_grad():
        noised = classifier.logits(batch[0], classifier.embed(batch[0]) + noise)
    assert divergence(clean, adversarial) > 5 * divergence(clean, noised)


def test_all_passes_of_smart_have_the_same_dropout(classifier: Classifier, batch: Batch) -> None:
    """So at the start of the training the slow copy answers as the model, and nothing is left to even out."""
    objective, victim = SMART(epsilon=1e-9, step_size=1e-9, sigma=1e-9), Recorder(classifier)
    classifier.model.train()
    torch.manual_seed(0)  # which units are dropped must not depend on the tests before
    loss, _ = taught(objective, classifier, batch, objective.radius(classifier), victim=victim)
    first, *others = victim.answers
    assert all(torch.allclose(first, other, atol=1e-5) for other in others)
    assert loss == pytest.approx(float(cross_entropy(first, batch[1])), rel=1e-6)
    expected, _ = plain(classifier, batch)
    assert loss != pytest.approx(expected, rel=1e-5)


def test_smart_runs_in_fp32_whatever_the_precision_of_the_training(
    classifier: Classifier, batch: Batch
) -> None:
    objective = SMART()
    radius = objective.radius(classifier)
    expected_loss, expected = taught(objective, classifier, batch, radius)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, found = taught(objective, classifier, batch, radius)
    assert loss == expected_loss
    assert_same(found, expected)


@pytest.mark.parametrize(("progress", "beta"), [(0.0, 0.99), (0.1, 0.99), (0.11, 0.999), (0.9, 0.999)])
def test_the_slow_copy_follows_the_model(progress: float, beta: float, classifier: Classifier) -> None:
    objective = SMART()
    memory = objective.memory(classifier)
    assert isinstance(memory, Momentum)
    start = weights(classifier)
    with torch.no_grad():
        for parameter in classifier.model.parameters():
            parameter.add_(torch.randn_like(parameter))
    moved = weights(classifier)
    memory.progress = progress
    objective.after_update(classifier, memory)
    objective.after_update(classifier, memory)
    for name, value in memory.state_dict().items():
        expected = beta**2 * start[name] + (1 - beta**2) * moved[name]
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    assert all(torch.equal(value, moved[name]) for name, value in weights(classifier).items())


def test_the_slow_copy_learns_nothing_by_itself_and_is_told_where_the_training_stands(
    classifier: Classifier, batch: Batch
) -> None:
    objective = SMART()
    memory = objective.memory(classifier)
    before = {name: value.clone() for name, value in memory.state_dict().items()}
    step = Step(objective.radius(classifier), lambda loss: loss.backward(), 0.6, memory)
    objective.backward(classifier, *batch, step)
    assert memory.progress == 0.6
    assert all(torch.equal(value, before[name]) for name, value in memory.state_dict().items())
    torch.optim.SGD(classifier.model.parameters(), lr=1.0).step()
    assert all(torch.equal(value, before[name]) for name, value in memory.state_dict().items())


def test_the_slow_copy_is_restored_from_its_state(classifier: Classifier, tmp_path: Path) -> None:
    memory = SMART().memory(classifier)
    with torch.no_grad():
        classifier.model.classifier.weight.add_(1)
    memory.follow()
    torch.save(memory.state_dict(), tmp_path / "memory")
    fresh = SMART().memory(classifier)
    fresh.load_state_dict(torch.load(tmp_path / "memory", weights_only=True))
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, memory.state_dict()[name])


def test_without_the_proximal_term_no_copy_is_made(classifier: Classifier, batch: Batch) -> None:
    objective = SMART(proximal_weight=0)
    assert objective.memory(classifier) is None
    objective.after_update(classifier, None)
    loss, _ = taught(objective, classifier, batch, objective.radius(classifier))
    assert math.isfinite(loss)


@pytest.mark.parametrize(("noise", "deviation"), [("uniform", 1 / math.sqrt(3)), ("normal", 1.0)])
def test_r3f_adds_the_divergence_under_noise(
    noise: Any, deviation: float, classifier: Classifier, batch: Batch
) -> None:
    objective, victim = R3F(sigma=0.5, noise=noise, smoothness_weight=2), Recorder(classifier)
    size = 0.5 * classifier.embedding_scale.linf
    assert objective.radius(classifier) == pytest.approx(size)
    loss, _ = taught(objective, classifier, batch, objective.radius(classifier), victim=victim)
    clean, noised = victim.answers
    added = divergence(clean, noised)
    assert added > 1e-4
    assert loss == pytest.approx(float(cross_entropy(clean, batch[1])) + 2 * added, rel=1e-4)
    unmoved, moved = victim.moved(batch[0])
    assert not unmoved.any()
    values = moved[batch[0].real]
    assert float(values.std()) == pytest.approx(deviation * size, rel=0.05)
    assert (float(values.abs().max()) <= size * 1.0001) == (noise == "uniform")


def test_r3f_has_no_adversary_to_validate_under() -> None:
    assert R3F().attack() is None
