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
from attacks.goals import Goal
from attacks.norms import delta_norm
from attacks.victims import EmbeddingScale, Encoding
from robustness.classifier import Classifier
from robustness.loading import load_classifier
from robustness.objectives import registry
from robustness.objectives.base import AdversarialObjective, Objective, Step
from robustness.objectives.fgsm import FGSMTraining
from robustness.objectives.pgd import PGDTraining
from tests.robustness.objective_cases import (
    EPSILON,
    GROUPED,
    OBJECTIVES,
    Batch,
    Recorder,
    assert_same,
    example,
    gradients,
    names,
    plain,
    taught,
    tiny_batch,
)
from tests.robustness.tiny import tiny_folder

UNGROUPED = [objective for objective in OBJECTIVES if objective not in GROUPED]
ADVERSARIAL = [objective for objective in OBJECTIVES if isinstance(objective, AdversarialObjective)]
ATTACKED = [objective for objective in OBJECTIVES if objective.attack() is not None]
PERTURBING = [objective for objective in OBJECTIVES if objective.epsilon_relative is not None]

PASSES = {
    "standard": (1, 1),
    "adversarial-head": (1, 1),
    "fgm": (2, 2),
    "fgsm": (2, 2),
    "fgsm-cyclic": (2, 2),
    "freelb": (2, 2),
    "freelb++": (10, 10),
    "group-dro": (1, 1),
    "pgd": (4, 4),
    "r3f": (2, 2),
    "smart": (3, 3),
    "token-vat": (2, 2),
}
"""The forward and backward passes through the model that one batch costs, with default parameters."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def classifier(folder: Path) -> Classifier:
    """In eval mode: no dropout, so that passes can be compared."""
    return load_classifier(str(folder), device=torch.device("cpu"))


@pytest.fixture
def batch(classifier: Classifier) -> Batch:
    return tiny_batch(classifier)


@pytest.mark.parametrize("objective", UNGROUPED, ids=names(UNGROUPED))
def test_without_a_budget_every_objective_is_standard_training(
    objective: Objective, classifier: Classifier, batch: Batch
) -> None:
    loss, found = taught(objective, classifier, batch, radius=0.0)
    expected_loss, expected = plain(classifier, batch)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert_same(found, expected)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_an_objective_costs_the_passes_that_it_promises(
    objective: Objective, classifier: Classifier, batch: Batch
) -> None:
    assert objective.name in PASSES, "write down here what a batch of this objective costs"
    victim = Recorder(classifier)
    taught(objective, classifier, batch, objective.radius(classifier), victim=victim)
    assert (victim.rows / len(batch[1]), victim.backwards) == PASSES[objective.name]


@pytest.mark.parametrize("objective", UNGROUPED, ids=names(UNGROUPED))
def test_every_weight_learns_and_from_the_perturbation_too(
    objective: Objective, classifier: Classifier, batch: Batch
) -> None:
    loss, found = taught(objective, classifier, batch, objective.radius(classifier))
    expected_loss, expected = plain(classifier, batch)
    assert found.keys() == expected.keys()
    assert all(torch.isfinite(gradient).all() and gradient.any() for gradient in found.values())
    words = "bert.embeddings.word_embeddings.weight"
    changed = loss != expected_loss and not torch.equal(found[words], expected[words])
    assert changed == (objective in PERTURBING)


@pytest.mark.parametrize("objective", PERTURBING, ids=names(PERTURBING))
def test_padding_is_never_perturbed(objective: Objective, classifier: Classifier, batch: Batch) -> None:
    encoding, victim = batch[0], Recorder(classifier)
    taught(objective, classifier, batch, objective.radius(classifier), victim=victim)
    moved = victim.moved(encoding)
    assert not any(delta[~encoding.real].any() for delta in moved)
    assert (moved[-1][encoding.real & ~encoding.special] != 0).any(dim=1).all()


MARKED = [objective for objective in OBJECTIVES if hasattr(objective, "special_tokens")]


@pytest.mark.parametrize("objective", MARKED, ids=names(MARKED))
def test_special_tokens_are_perturbed_where_that_is_asked_for(
    objective: Objective, classifier: Classifier, batch: Batch
) -> None:
    encoding = batch[0]
    for asked in (False, True):
        asking = example(objective.name, special_tokens=asked)
        victim = Recorder(classifier)
        taught(asking, classifier, batch, asking.radius(classifier), victim=victim)
        assert bool(victim.moved(encoding)[-1][encoding.special].any()) == asked
        assert asking.attack().special_tokens == asked


@pytest.mark.parametrize("objective", PERTURBING, ids=names(PERTURBING))
def test_the_ramp_shrinks_every_perturbation_alike(
    objective: Objective, classifier: Classifier, batch: Batch
) -> None:
    """To the first pass that is perturbed, whose direction does not depend on what came before."""
    encoding, full = batch[0], objective.radius(classifier)
    first = []
    for radius in (full, full / 4):
        victim = Recorder(classifier)
        taught(objective, classifier, batch, radius, victim=victim)
        first.append(next(delta for delta in victim.moved(encoding) if delta.any()))
    torch.testing.assert_close(first[0], 4 * first[1], rtol=1e-3, atol=1e-6)


def test_fgsm_leaves_the_gradients_of_two_explicit_passes(classifier: Classifier, batch: Batch) -> None:
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


@pytest.mark.parametrize("special_tokens", [False, True])
@pytest.mark.parametrize("objective", ADVERSARIAL, ids=names(ADVERSARIAL))
def test_the_adversary_fills_its_budget_and_leaves_padding_alone(
    objective: AdversarialObjective,
    special_tokens: bool,
    classifier: Classifier,
    batch: Batch,
) -> None:
    objective = type(objective)(epsilon=EPSILON, special_tokens=special_tokens)
    victim, encoding = Recorder(classifier), batch[0]
    radius = objective.radius(victim)
    objective.backward(victim, *batch, Step(radius, lambda loss: loss.backward()))
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
    norm: Any, classifier: Classifier, batch: Batch
) -> None:
    encoding, y = batch
    objective = PGDTraining(epsilon=EPSILON, norm=norm)
    victim = Recorder(classifier)
    objective.backward(victim, encoding, y, Step(objective.radius(victim), lambda loss: loss.backward()))
    proposal = objective.attack().perturb(classifier, encoding, victim.seen[0], Goal(y), seeds=[0] * len(y))
    torch.testing.assert_close(victim.seen[-1], proposal, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_frozen_embeddings_change_no_other_gradient(
    objective: Objective, classifier: Classifier, batch: Batch
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
    objective: Objective, classifier: Classifier, batch: Batch
) -> None:
    radius = objective.radius(classifier)
    loss, expected = taught(objective, classifier, batch, radius)
    scaled, found = taught(objective, classifier, batch, radius, scale=1024)
    assert scaled == pytest.approx(loss, rel=1e-6)
    assert_same({name: value / 1024 for name, value in found.items()}, expected)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
def test_an_overflowing_loss_scale_does_not_make_the_loss_look_diverged(
    objective: Objective, classifier: Classifier, batch: Batch
) -> None:
    loss, found = taught(objective, classifier, batch, objective.radius(classifier), scale=math.inf)
    assert math.isfinite(loss)
    assert not all(torch.isfinite(gradient).all() for gradient in found.values())


class Deaf:
    """Its logits do not depend on the embeddings."""

    embedding_scale = EmbeddingScale(l2=1.0, linf=1.0)

    def __init__(self) -> None:
        self.bias = torch.zeros(2, requires_grad=True)

    def embed(self, encoding: Encoding) -> Tensor:
        return torch.ones(*encoding.real.shape, 4)

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        return self.bias.expand(len(encoding), 2)


@pytest.mark.parametrize(
    ("name", "params"), [("fgsm", {"epsilon": 0.1}), ("freelb", {}), ("smart", {"proximal_weight": 0})]
)
def test_a_model_that_ignores_its_embeddings_is_refused(
    name: str, params: dict[str, Any], batch: Batch
) -> None:
    objective = registry.build(name, params)
    message = f'Objective "{name}": the loss does not depend on the word embeddings'
    with pytest.raises(AssayError, match=message):
        objective.backward(Deaf(), *batch, Step(0.1, lambda loss: loss.backward()))


@pytest.mark.parametrize("name", ["smart", "token-vat"])
def test_a_memory_of_the_model_itself_needs_a_classifier(name: str) -> None:
    with pytest.raises(AssayError, match=f'Objective "{name}": expected a Hugging Face classifier, got Deaf'):
        registry.build(name, {}).memory(Deaf())


def test_the_objectives_are_known_by_name_with_their_parameters() -> None:
    assert set(PASSES) <= set(registry.available())
    descriptions = {description.name: description for description in registry.describe()}
    assert list(descriptions) == sorted(registry.available())
    assert descriptions["standard"].parameters == ()
    assert [(p.name, p.type, p.required, p.default) for p in descriptions["pgd"].parameters] == [
        ("epsilon", "float", True, None),
        ("special_tokens", "bool", False, False),
        ("norm", "linf | l2 | l2_per_token", False, "linf"),
        ("steps", "int", False, 3),
        ("step_size", "float", False, 0.5),
    ]
    for description in descriptions.values():
        assert description.summary
        assert all(parameter.help for parameter in description.parameters)


@pytest.mark.parametrize("objective", ATTACKED, ids=names(ATTACKED))
def test_validation_faces_the_budget_of_the_training(objective: Objective, classifier: Classifier) -> None:
    attack = objective.attack()
    assert attack.budget == objective.epsilon_relative
    assert attack.radius(classifier.embedding_scale) == objective.radius(classifier) > 0


@pytest.mark.parametrize("objective", ADVERSARIAL, ids=names(ADVERSARIAL))
def test_an_adversarial_objective_shares_its_parameters_with_its_attack(
    objective: AdversarialObjective,
) -> None:
    attack = objective.attack()
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
            "freelb",
            {"steps": 0},
            'Objective "freelb": expected steps to be a number above zero, got 0. '
            'Change steps of the objective "freelb".',
        ),
        (
            "freelb",
            {"start": -0.1},
            'Objective "freelb": expected start to be a number that is zero or above, got -0.1. '
            'Change start of the objective "freelb".',
        ),
        (
            "freelb",
            {"epsilon": 0},
            'Objective "freelb": expected epsilon to be a number above zero, got 0.0. '
            'Change epsilon of the objective "freelb".',
        ),
        (
            "freelb++",
            {"steps": 1, "start": 0},
            'Objective "freelb++": with steps = 1 the model is trained at the start only, which start = 0 '
            "puts at the clean text. Give more steps or a start above 0, or train with the objective "
            '"standard".',
        ),
        (
            "freelb++",
            {"epsilon": 1.0},
            'Objective "freelb++" has no parameter "epsilon". Did you mean "steps"? '
            "Its parameters: steps, step_size, start, special_tokens. Other keys here: epochs, patience.",
        ),
        (
            "token-vat",
            {"step_size": 0},
            'Objective "token-vat": expected step_size to be a number above zero, got 0.0. '
            'Change step_size of the objective "token-vat".',
        ),
        (
            "token-vat",
            {"epsilon": -1},
            'Objective "token-vat": expected epsilon to be a number above zero, got -1.0. '
            'Change epsilon of the objective "token-vat".',
        ),
        (
            "smart",
            {"sigma": -1e-5},
            'Objective "smart": expected sigma to be a number above zero, got -1e-05. '
            'Change sigma of the objective "smart".',
        ),
        (
            "smart",
            {"proximal_weight": -1},
            'Objective "smart": expected proximal_weight to be a number that is zero or above, got -1.0. '
            'Change proximal_weight of the objective "smart".',
        ),
        (
            "r3f",
            {"sigma": 0},
            'Objective "r3f": expected sigma to be a number above zero, got 0.0. '
            'Change sigma of the objective "r3f".',
        ),
        (
            "r3f",
            {"noise": "gaussian"},
            'Objective "r3f": expected noise to be "uniform" or "normal", got \'gaussian\'. '
            'Change noise of the objective "r3f".',
        ),
        (
            "fgsm-cyclic",
            {"epsilon": 0.1, "cycles": 0},
            'Objective "fgsm-cyclic": expected cycles to be a number above zero, got 0. '
            'Change cycles of the objective "fgsm-cyclic".',
        ),
        (
            "pgd",
            {"epsilon": 0.1, "norm": "inf"},
            'Objective "pgd": expected norm to be "linf" or "l2" or "l2_per_token", got \'inf\'. '
            'Did you mean "linf"? Change norm of the objective "pgd".',
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
