import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives.ascent import rewinder, uniform_start
from robustness.objectives.fgsm_cyclic import CyclicFGSMTraining
from robustness.objectives.freelb import FreeLB
from robustness.objectives.freelb_plus_plus import FreeLBPlusPlus
from tests.robustness.objective_cases import (
    Batch,
    Recorder,
    assert_same,
    gradients,
    taught,
    tiny_batch,
)
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


def by_hand(
    classifier: Classifier, batch: Batch, start: Tensor, *, steps: int, length: float, bound: float | None
) -> tuple[float, dict[str, Tensor]]:
    """Algorithm 1 through inputs_embeds: gradients at every step apart, averaged afterwards."""
    encoding, y = batch
    model = classifier.model
    others = {name: value for name, value in encoding.inputs.items() if name != "input_ids"}
    free = (encoding.real & ~encoding.special)[..., None]
    delta, losses, collected = start, [], []
    for _ in range(steps):
        model.zero_grad()
        leaf = delta.clone().requires_grad_()
        embeddings = model.get_input_embeddings()(encoding.inputs["input_ids"]) + leaf
        loss = cross_entropy(model(inputs_embeds=embeddings, **others).logits, y)
        loss.backward()
        losses.append(float(loss.detach()))
        collected.append(gradients(classifier))
        gradient = leaf.grad * free
        delta = delta + length * gradient / gradient.flatten(1).norm(dim=1)[:, None, None]
        if bound is not None:
            sizes = delta.flatten(1).norm(dim=1)[:, None, None]
            delta = torch.where(sizes > bound, delta * bound / sizes, delta)
    mean = {name: sum(each[name] for each in collected) / steps for name in collected[0]}
    return sum(losses) / steps, mean


@pytest.mark.parametrize("epsilon", [None, 0.2])
def test_freelb_is_the_mean_over_the_points_of_its_ascent(
    epsilon: float | None, classifier: Classifier, batch: Batch
) -> None:
    scale = classifier.embedding_scale.l2
    objective = FreeLB(steps=3, step_size=0.25, start=0.1, epsilon=epsilon)
    victim = Recorder(classifier)
    loss, found = taught(objective, classifier, batch, objective.radius(classifier), victim=victim)

    start = victim.moved(batch[0])[0]
    bound = None if epsilon is None else epsilon * scale
    expected_loss, expected = by_hand(classifier, batch, start, steps=3, length=0.25 * scale, bound=bound)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_same(found, expected)


def test_freelb_raises_the_loss_from_pass_to_pass(classifier: Classifier, batch: Batch) -> None:
    objective, victim = FreeLBPlusPlus(steps=5, step_size=0.1), Recorder(classifier)
    taught(objective, classifier, batch, objective.radius(classifier), victim=victim)
    losses = [float(cross_entropy(answer, batch[1])) for answer in victim.answers]
    assert losses == sorted(losses)
    assert losses[-1] > 1.01 * losses[0]


def sizes(delta: Tensor) -> Tensor:
    return delta.flatten(1).norm(dim=1)


def test_without_a_bound_the_perturbation_goes_as_far_as_its_steps(
    classifier: Classifier, batch: Batch
) -> None:
    """From the clean text in small steps, along which the gradient hardly turns."""
    objective, victim = FreeLB(steps=4, step_size=0.001, start=0), Recorder(classifier)
    radius = objective.radius(classifier)
    assert radius == pytest.approx(4 * 0.001 * classifier.embedding_scale.l2)
    taught(objective, classifier, batch, radius, victim=victim)
    for number, delta in enumerate(victim.moved(batch[0])):
        torch.testing.assert_close(sizes(delta), torch.full((6,), number * radius / 4), rtol=0.01, atol=1e-6)


def test_with_a_bound_no_perturbation_is_longer(classifier: Classifier, batch: Batch) -> None:
    objective, victim = FreeLB(steps=3, step_size=0.5, start=2, epsilon=0.3), Recorder(classifier)
    radius = objective.radius(classifier)
    assert radius == pytest.approx(0.3 * classifier.embedding_scale.l2)
    taught(objective, classifier, batch, radius, victim=victim)
    for delta in victim.moved(batch[0]):
        torch.testing.assert_close(sizes(delta), torch.full((6,), radius), rtol=1e-4, atol=0)


def test_freelb_plus_plus_is_freelb_with_more_steps_and_no_bound(
    classifier: Classifier, batch: Batch
) -> None:
    further = FreeLBPlusPlus()
    same = FreeLB(**further.params())
    assert same.epsilon is None
    assert further.steps > FreeLB().steps
    radius = further.radius(classifier)
    assert radius == same.radius(classifier)
    loss, found = taught(further, classifier, batch, radius)
    expected_loss, expected = taught(same, classifier, batch, radius)
    assert loss == expected_loss
    assert_same(found, expected)


@pytest.mark.parametrize(
    ("objective", "epsilon"),
    [(FreeLB(steps=3, step_size=0.1), 0.3), (FreeLB(step_size=0.5, epsilon=0.2), 0.2)],
)
def test_validation_takes_the_steps_of_the_training(objective: FreeLB, epsilon: float) -> None:
    attack = objective.attack()
    assert (attack.norm, attack.steps) == ("l2", objective.steps)
    assert attack.epsilon == pytest.approx(epsilon)
    assert attack.step_size * attack.epsilon == pytest.approx(objective.step_size)


def test_the_start_is_uniform_over_the_tokens_that_may_move() -> None:
    mask = torch.zeros(3, 40, dtype=torch.bool)
    mask[0, 1:31] = True
    mask[1, 5:9] = True
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start = uniform_start(mask, 256, size=0.6)
        torch.manual_seed(0)
        again = uniform_start(mask, 256, size=0.6)
    assert torch.equal(again, start)
    assert start.shape == (3, 40, 256)
    assert not start[~mask].any()
    assert start[0].abs().max() <= 0.6 / math.sqrt(30 * 256)
    assert start[0].abs().max() > 0.99 * 0.6 / math.sqrt(30 * 256)
    assert abs(float(start[0, 1:31].mean())) < 0.05 * 0.6 / math.sqrt(30 * 256)
    # A uniform component has a third of its greatest square on average; without tokens there is nothing.
    torch.testing.assert_close(sizes(start), torch.tensor([0.6, 0.6, 0.0]) / math.sqrt(3), rtol=0.05, atol=0)


def test_a_text_without_words_is_trained_as_it_is(classifier: Classifier) -> None:
    encoding = classifier.tokenize(["", "a good film"])
    for objective in (FreeLB(), CyclicFGSMTraining(epsilon=0.1)):
        victim = Recorder(classifier)
        loss, found = taught(
            objective,
            classifier,
            (encoding, torch.tensor([0, 1])),
            objective.radius(classifier),
            victim=victim,
        )
        assert math.isfinite(loss)
        assert all(torch.isfinite(gradient).all() for gradient in found.values())
        assert not any(delta[0].any() for delta in victim.moved(encoding))


STILL: list[Any] = [
    FreeLB(steps=3, step_size=1e-12, start=0),
    FreeLBPlusPlus(steps=3, step_size=1e-12, start=0),
]


@pytest.mark.parametrize("objective", STILL, ids=["freelb", "freelb++"])
def test_all_passes_of_a_batch_have_the_same_dropout_and_other_batches_another(
    objective: FreeLB, classifier: Classifier, batch: Batch
) -> None:
    classifier.model.train()
    answers = []
    for seed in (0, 1):
        victim = Recorder(classifier)
        taught(objective, classifier, batch, objective.radius(classifier), victim=victim, seed=seed)
        first, *others = victim.answers
        assert all(torch.allclose(first, other, atol=1e-5) for other in others)
        answers.append(first)
    assert (answers[0] - answers[1]).abs().max() > 0.01


def test_rewinding_leaves_the_generator_where_one_pass_leaves_it() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rewind = rewinder(torch.device("cpu"))
        once = torch.rand(5)
        after = torch.rand(5)
        for _ in range(3):
            rewind()
            assert torch.equal(torch.rand(5), once)
        assert torch.equal(torch.rand(5), after)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_rewinding_covers_the_accelerator() -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    rewind = rewinder(device)
    first = torch.rand(5, device=device)
    rewind()
    assert torch.equal(torch.rand(5, device=device), first)


# FGSM with a cyclic step.


@pytest.mark.parametrize(
    ("cycles", "progress", "share"),
    [(1, 0, 0), (1, 0.25, 0.5), (1, 0.5, 1), (1, 0.75, 0.5), (2, 0.25, 1), (2, 0.5, 0), (2, 0.875, 0.5)],
)
def test_the_step_rises_and_falls_in_every_cycle(cycles: int, progress: float, share: float) -> None:
    assert CyclicFGSMTraining(epsilon=0.1, cycles=cycles).share(progress) == pytest.approx(share)


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.5])
def test_the_cyclic_step_leads_from_a_uniform_start_along_the_sign(
    progress: float, classifier: Classifier, batch: Batch
) -> None:
    encoding, y = batch
    objective, victim = CyclicFGSMTraining(epsilon=0.3), Recorder(classifier)
    radius = objective.radius(classifier)
    loss, _ = taught(objective, classifier, batch, radius, victim=victim, progress=progress)
    start, moved = victim.moved(encoding)
    free = encoding.real & ~encoding.special
    assert 0.95 * radius < start[free].abs().max() <= radius * 1.0001
    assert start[free].std() == pytest.approx(radius / math.sqrt(3), rel=0.05)

    leaf = victim.seen[0].clone().requires_grad_()
    cross_entropy(classifier.logits(encoding, leaf), y).backward()
    signs = leaf.grad.sign() * free[..., None]
    expected = (start + 1.25 * 2 * progress * radius * signs).clamp(-radius, radius)
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-6)
    losses = [float(cross_entropy(answer, y)) for answer in victim.answers]
    assert loss == pytest.approx(sum(losses) / 2, rel=1e-5)
