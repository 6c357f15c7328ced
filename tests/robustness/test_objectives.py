import math
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks import plugins
from attacks.errors import AssayError
from attacks.norms import delta_norm
from attacks.victims import EmbeddingScale, Encoding
from robustness.classifier import Classifier
from robustness.evaluate import CountingVictim
from robustness.loading import load_classifier
from robustness.objectives import registry
from robustness.objectives.base import AdversarialObjective, Objective
from robustness.objectives.fgsm import FGSMTraining
from robustness.objectives.pgd import PGDTraining
from tests.robustness.tiny import tiny_dataset, tiny_folder

EPSILON = 0.3
OBJECTIVES = [
    registry.build(name, {"epsilon": EPSILON} if issubclass(objective, AdversarialObjective) else {})
    for name, objective in registry.available().items()
]
ADVERSARIAL = [objective for objective in OBJECTIVES if isinstance(objective, AdversarialObjective)]
PASSES = {"standard": 1, "fgm": 2, "fgsm": 2, "pgd": 4}


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    """In eval mode: no dropout, so that passes can be compared."""
    return load_classifier(str(tiny_folder(tmp_path)), device=torch.device("cpu"))


@pytest.fixture
def batch(classifier: Classifier) -> tuple[Encoding, Tensor]:
    dataset = tiny_dataset(6)
    encoding = classifier.tokenize(dataset.inputs)
    assert not encoding.real.all()  # padding must be in play
    return encoding, torch.tensor(dataset.labels)


def names(objectives: list[Any]) -> list[str]:
    return [objective.name for objective in objectives]


def gradients(classifier: Classifier) -> dict[str, Tensor]:
    return {
        name: parameter.grad.clone()
        for name, parameter in classifier.model.named_parameters()
        if parameter.grad is not None
    }


def taught(
    objective: Objective, classifier: Classifier, batch: tuple[Encoding, Tensor], radius: float
) -> tuple[float, dict[str, Tensor]]:
    classifier.model.zero_grad()
    loss = objective.backward(classifier, *batch, radius, lambda loss: loss.backward())
    assert not loss.requires_grad
    return float(loss), gradients(classifier)


def plain(classifier: Classifier, batch: tuple[Encoding, Tensor]) -> tuple[float, dict[str, Tensor]]:
    """Cross-entropy through transformers alone, without our embedding hook."""
    encoding, y = batch
    classifier.model.zero_grad()
    loss = cross_entropy(classifier.model(**encoding.inputs).logits, y)
    loss.backward()
    return float(loss.detach()), gradients(classifier)


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_without_a_budget_every_objective_is_standard_training(
    objective: Objective, classifier: Classifier, batch: tuple[Encoding, Tensor]
) -> None:
    loss, found = taught(objective, classifier, batch, radius=0.0)
    expected_loss, expected = plain(classifier, batch)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_same(found, expected)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_an_objective_costs_the_passes_that_it_promises(
    objective: Objective, classifier: Classifier, batch: tuple[Encoding, Tensor]
) -> None:
    victim = CountingVictim(classifier)
    objective.backward(victim, *batch, objective.radius(victim), lambda loss: loss.backward())
    attack = objective.attack()
    assert victim.passes == (1 if attack is None else attack.steps + 1)
    assert victim.passes == PASSES.get(objective.name, victim.passes)


def test_fgsm_leaves_the_gradients_of_two_explicit_passes(
    classifier: Classifier, batch: tuple[Encoding, Tensor]
) -> None:
    encoding, y = batch
    loss, found = taught(FGSMTraining(epsilon=EPSILON), classifier, batch, radius=0.05)

    # The same, through inputs_embeds and one weighted sum.
    model = classifier.model
    model.zero_grad()
    inputs = {name: value for name, value in encoding.inputs.items() if name != "input_ids"}
    words = model.get_input_embeddings()
    leaf = words(encoding.inputs["input_ids"]).detach().requires_grad_()
    clean_loss = cross_entropy(model(inputs_embeds=leaf, **inputs).logits, y)
    (gradient,) = torch.autograd.grad(clean_loss, leaf)
    free = (encoding.real & ~encoding.special)[..., None]
    delta = torch.where(free, 0.05 * gradient.sign(), 0.0)
    embeddings = words(encoding.inputs["input_ids"])
    both = [model(inputs_embeds=moved, **inputs).logits for moved in (embeddings, embeddings + delta)]
    total = 0.5 * cross_entropy(both[0], y) + 0.5 * cross_entropy(both[1], y)
    total.backward()

    assert loss == pytest.approx(float(total.detach()), rel=1e-5)
    assert loss > 1.01 * float(clean_loss.detach())
    assert_same(found, gradients(classifier))


class Recorder(CountingVictim):
    """Keeps the embeddings of every pass."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__(classifier)
        self.seen: list[Tensor] = []

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        self.seen.append(embeddings.detach().clone())
        return super().logits(encoding, embeddings)


@pytest.mark.parametrize("special_tokens", [False, True])
@pytest.mark.parametrize("objective", ADVERSARIAL, ids=names(ADVERSARIAL))
def test_the_adversary_fills_its_budget_and_leaves_padding_alone(
    objective: AdversarialObjective,
    special_tokens: bool,
    classifier: Classifier,
    batch: tuple[Encoding, Tensor],
) -> None:
    objective = type(objective)(epsilon=EPSILON, special_tokens=special_tokens)
    victim, encoding = Recorder(classifier), batch[0]
    radius = objective.radius(victim)
    objective.backward(victim, *batch, radius, lambda loss: loss.backward())
    clean, *moved = victim.seen
    free = encoding.real if special_tokens else encoding.real & ~encoding.special
    for embeddings in moved:
        delta = embeddings - clean
        assert not delta[~free].any()
        assert (delta[free] != 0).any(dim=1).all()
        sizes = delta_norm(delta, objective.attack().norm)
        assert (sizes <= radius * 1.0001).all()
    torch.testing.assert_close(sizes, torch.full_like(sizes, radius), rtol=1e-3, atol=0)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_pgd_training_sees_what_the_pgd_attack_proposes(
    norm: Any, classifier: Classifier, batch: tuple[Encoding, Tensor]
) -> None:
    encoding, y = batch
    objective = PGDTraining(epsilon=EPSILON, norm=norm)
    victim = Recorder(classifier)
    objective.backward(victim, encoding, y, objective.radius(victim), lambda loss: loss.backward())
    proposal = objective.attack().perturb(classifier, encoding, victim.seen[0], y, seeds=[0] * len(y))
    torch.testing.assert_close(victim.seen[-1], proposal, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_frozen_embeddings_change_no_other_gradient(
    objective: Objective, classifier: Classifier, batch: tuple[Encoding, Tensor]
) -> None:
    radius = objective.radius(classifier)
    loss, expected = taught(objective, classifier, batch, radius)
    classifier.model.get_input_embeddings().weight.requires_grad_(False)
    classifier.model.get_input_embeddings().weight.grad = None
    frozen_loss, found = taught(objective, classifier, batch, radius)
    del expected["bert.embeddings.word_embeddings.weight"]
    assert frozen_loss == loss
    assert_same(found, expected)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_a_loss_scale_scales_the_gradients_and_nothing_else(
    objective: Objective, classifier: Classifier, batch: tuple[Encoding, Tensor]
) -> None:
    radius = objective.radius(classifier)
    loss, expected = taught(objective, classifier, batch, radius)
    classifier.model.zero_grad()
    scaled = objective.backward(classifier, *batch, radius, lambda loss: (1024 * loss).backward())
    assert float(scaled) == pytest.approx(loss, rel=1e-6)
    assert_same({name: value / 1024 for name, value in gradients(classifier).items()}, expected)


@pytest.mark.parametrize("objective", ADVERSARIAL, ids=names(ADVERSARIAL))
def test_an_overflowing_loss_scale_does_not_make_the_loss_look_diverged(
    objective: AdversarialObjective, classifier: Classifier, batch: tuple[Encoding, Tensor]
) -> None:
    radius = objective.radius(classifier)
    loss = objective.backward(classifier, *batch, radius, lambda loss: (loss * math.inf).backward())
    assert torch.isfinite(loss)
    assert not all(torch.isfinite(gradient).all() for gradient in gradients(classifier).values())


class Deaf:
    """Its logits do not depend on the embeddings."""

    embedding_scale = EmbeddingScale(l2=1.0, linf=1.0)

    def __init__(self) -> None:
        self.bias = torch.zeros(2, requires_grad=True)

    def embed(self, encoding: Encoding) -> Tensor:
        return torch.ones(*encoding.real.shape, 4)

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        return self.bias.expand(len(encoding), 2)


def test_a_model_that_ignores_its_embeddings_is_refused(batch: tuple[Encoding, Tensor]) -> None:
    with pytest.raises(AssayError, match='Objective "fgsm": the loss does not depend on the word embeddings'):
        FGSMTraining(epsilon=0.1).backward(Deaf(), *batch, 0.1, lambda loss: loss.backward())


def test_the_objectives_are_known_by_name_with_their_parameters() -> None:
    assert set(PASSES) <= set(registry.available())
    descriptions = {description.name: description for description in registry.describe()}
    assert list(descriptions) == sorted(registry.available())
    assert descriptions["standard"].parameters == ()
    assert [(p.name, p.type, p.required, p.default) for p in descriptions["pgd"].parameters] == [
        ("epsilon", "float", True, None),
        ("special_tokens", "bool", False, False),
        ("norm", "linf | l2", False, "linf"),
        ("steps", "int", False, 3),
        ("step_size", "float", False, 0.5),
    ]
    for description in descriptions.values():
        assert description.summary
        assert all(parameter.help for parameter in description.parameters)


def test_an_adversarial_objective_shares_its_budget_with_the_attack_that_validates_it() -> None:
    for objective in ADVERSARIAL:
        attack = objective.attack()
        assert objective.epsilon_relative == attack.epsilon == EPSILON
        shared = attack.params().keys() & objective.params().keys()
        assert {key: attack.params()[key] for key in shared} == objective.params()


def test_build_makes_the_objective_with_its_parameters() -> None:
    built = registry.build("pgd", {"epsilon": 1, "norm": "l2", "steps": 5})
    assert built == PGDTraining(epsilon=1.0, norm="l2", steps=5)
    assert type(built.params()["epsilon"]) is float


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        (
            "fggsm",
            {},
            'Expected the name of an objective, got "fggsm". Did you mean "fgsm"? '
            f"Known objectives: {', '.join(registry.available())}.",
        ),
        (
            "fgsm",
            {},
            'Objective "fgsm" needs epsilon, which is missing. Add epsilon to the objective.',
        ),
        (
            "standard",
            {"epocs": 3},
            'Objective "standard" has no parameter "epocs". Did you mean "epochs"? Its parameters: none. '
            "Other keys here: epochs, patience.",
        ),
        (
            "fgm",
            {"epsilon": 0.1, "epsilom": 0.1},
            'Objective "fgm" has no parameter "epsilom". Did you mean "epsilon"? '
            "Its parameters: epsilon, special_tokens. Other keys here: epochs, patience.",
        ),
        (
            "fgsm",
            {"epsilon": 0},
            'Objective "fgsm": expected epsilon to be a number above zero, got 0.0. '
            'Change epsilon of the objective "fgsm".',
        ),
        (
            "pgd",
            {"epsilon": 0.1, "steps": 0},
            'Objective "pgd": expected steps to be a number above zero, got 0. '
            'Change steps of the objective "pgd".',
        ),
        (
            "pgd",
            {"epsilon": 0.1, "step_size": -1},
            'Objective "pgd": expected step_size to be a number above zero, got -1.0. '
            'Change step_size of the objective "pgd".',
        ),
        (
            "fgsm",
            {"epsilon": [0.1, 0.2]},
            'Objective "fgsm": expected epsilon to be a finite number, got [0.1, 0.2]. '
            'Several values mean several objectives, one each. Change epsilon of the objective "fgsm".',
        ),
        (
            "pgd",
            {"epsilon": 0.1, "norm": "inf"},
            'Objective "pgd": expected norm to be "linf" or "l2", got \'inf\'. Did you mean "linf"? '
            'Change norm of the objective "pgd".',
        ),
    ],
)
def test_a_wrong_name_or_value_is_said(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(AssayError) as error:
        registry.build(name, params, also=("epochs", "patience"))
    assert str(error.value) == message


class Doubled(AdversarialObjective):
    """An objective of another package."""

    name = "doubled"

    def attack(self) -> Any:
        return FGSMTraining(epsilon=2 * self.epsilon).attack()


def test_an_objective_of_another_package_is_found_and_built(monkeypatch: pytest.MonkeyPatch) -> None:
    before = registry.available()
    point = EntryPoint("doubled", f"{__name__}:Doubled", "assay.objectives")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == "assay.objectives" else [])
    assert registry.available() == before | {"doubled": Doubled}
    assert registry.build("doubled", {"epsilon": 0.1}).attack().epsilon == 0.2


def test_an_attack_registered_as_an_objective_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("fgsm", "attacks.embedding.fgsm:FGSM", "assay.objectives")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    with pytest.raises(AssayError, match=r"of robustness\.objectives\.base\.Objective"):
        registry.available()
