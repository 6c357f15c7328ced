"""Everything that an audit needs, built and checked before the first expensive call."""

from dataclasses import dataclass, field

import torch

from assay.config_models import AttackConfig, AuditConfig, CandidateConfig, SuiteConfig
from assay.gate.checks import check_gate, check_gate_names
from assay.models import Answers, check_source, open_model
from assay.text_quality import TextJudge, load_judge
from assay.training_plan import bases, build_mitigations, build_objectives, check_groups
from attacks import registry as attack_registry
from attacks.base import Attack
from attacks.black_box import QueryAttack
from attacks.errors import AssayError, nearest
from attacks.textattack import resources
from fairness.counterfactual.setup import Counterfactuals, set_up
from fairness.groups import all_groupings
from fairness.mitigation.base import Mitigation
from robustness import access, loading
from robustness.asking import Budget
from robustness.behaviour import registry as behaviour_registry
from robustness.behaviour.base import BehaviouralTest
from robustness.black_box.imports import on_path
from robustness.data import load
from robustness.dataset import TextDataset
from robustness.device import resolve_device
from robustness.objectives.base import Objective
from robustness.tracking import require_usable


@dataclass(frozen=True)
class Suite:
    """Labelled cases that a model must get right; column: the group column that names the functionality."""

    cases: TextDataset
    column: str


@dataclass(frozen=True)
class Plan:
    """A checked audit.

    objectives: {candidate: objective} of the candidates that are trained.
    budgets: of each of ``attacks``, for all examples together.
    judge: of the texts that attacks make; None where none makes any.
    mitigations: {candidate: method} of the candidates that are mitigated.
    bases: {candidate: the candidate that it starts from}, of those that start from another.
    """

    config: AuditConfig
    device: torch.device
    dataset: TextDataset
    attacks: tuple[Attack, ...]
    objectives: dict[str, Objective]
    budgets: tuple[Budget, ...] = ()
    behaviours: tuple[BehaviouralTest, ...] = ()
    suites: tuple[Suite, ...] = ()
    judge: TextJudge | None = None
    counterfactual: Counterfactuals | None = None
    mitigations: dict[str, Mitigation] = field(default_factory=dict)
    bases: dict[str, CandidateConfig] = field(default_factory=dict)

    @property
    def trains(self) -> bool:
        """Whether any candidate needs training and validation data."""
        return bool(self.objectives or self.mitigations)

    @property
    def test(self) -> TextDataset:
        """The examples that are audited."""
        return self.dataset.split("test")


def make_plan(config: AuditConfig, answers: Answers | None = None, *, ask: bool = True) -> Plan:
    """Build attacks, objectives and data and load every candidate once; raises AssayError for a mistake.

    answers: what keeps what endpoints answer, so that not even the first question is asked twice.
    ask: whether to ask each candidate about two examples, which an endpoint may charge for.
    """
    check_gate(config.gate, swaps=config.counterfactual is not None)
    resources.use(config.resources)
    require_usable(config.log_to, offline=config.offline)
    device = resolve_device(config.device)
    attacks, budgets = [], []
    for each in config.attacks:
        for name, params in each.expand():
            attacks.append(attack_registry.build(name, params))
            budgets.append(_budget(each, attacks[-1]))
    behaviours = tuple(behaviour_registry.build(each.name, each.params) for each in config.behaviours)
    for attack in attacks:
        if isinstance(attack, QueryAttack):
            # A user's own recipe may lie beside the configuration.
            with on_path(config.base):
                attack.check()
    objectives, mitigations = build_objectives(config), build_mitigations(config)
    for attack in attacks:
        if source := getattr(attack, "language_model", None):
            loading.check_source(source, offline=config.offline, allow_pickle=False)
    for candidate in config.candidates:
        check_source(candidate, offline=config.offline)
    dataset = load(
        **config.data.load_arguments,
        seed=config.seed,
        offline=config.offline,
        need_train=bool(objectives or mitigations),
    )
    for attack in attacks:
        attack.target_class(dataset.label_names)
    _check_positive_label(config, dataset)
    check_groups(dataset, objectives, mitigations)
    check_gate_names(config.gate, dataset.label_names, _groups(config, dataset.split("test")))
    judge = load_judge(config, attacks, device)
    suites = tuple(_suite(each, dataset, config) for each in config.suites)
    plan = Plan(
        config=config,
        device=device,
        dataset=dataset,
        attacks=tuple(attacks),
        objectives=objectives,
        budgets=tuple(budgets),
        behaviours=behaviours,
        suites=suites,
        judge=judge,
        counterfactual=_counterfactual(config, dataset),
        mitigations=mitigations,
        bases=bases(config),
    )
    for candidate in config.candidates:
        if candidate.base is None:  # else it is made of one that is tried anyway
            _try(candidate, plan, answers, ask=ask)
    return plan


def _groups(config: AuditConfig, test: TextDataset) -> dict[str, tuple[str, ...]]:
    """{grouping: its groups}; raises AssayError for a column that sorts the test examples into no groups."""
    if not test.groups:
        return {}
    settings = config.fairness
    found = all_groupings(
        test.groups,
        depth=settings.intersections,
        several=settings.overlapping,
        min_size=settings.min_group_size,
    )
    return {grouping.name: grouping.values for grouping in found}


def _counterfactual(config: AuditConfig, dataset: TextDataset) -> Counterfactuals | None:
    given = config.counterfactual
    if given is None:
        return None
    return set_up(
        dataset.label_names,
        axes=given.axes,
        terms=given.terms,
        templates=given.templates,
        template_labels=given.template_labels,
        outcome=given.outcome or config.fairness.positive_label,
        max_examples=given.max_examples,
        max_variants=given.max_variants,
    )


def _suite(config: SuiteConfig, dataset: TextDataset, audit: AuditConfig) -> Suite:
    """The cases with the labels of the audited data."""
    cases = load(**config.load_arguments, seed=audit.seed, offline=audit.offline, need_train=False)
    return Suite(cases.split("test").with_label_names(dataset.label_names), config.functionality)


def _budget(config: AttackConfig, attack: Attack) -> Budget:
    budget = Budget(config.total_queries, config.total_seconds)
    if budget.limited and not isinstance(attack, QueryAttack):
        raise AssayError(
            f'attack "{config.name}": total_queries and total_seconds are for attacks that only ask a model '
            "for answers. Leave them out, or give fewer examples (max_examples in [data])."
        )
    return budget


def _try(candidate: CandidateConfig, plan: Plan, answers: Answers | None, *, ask: bool) -> None:
    """Open the candidate and ask it about two examples: what cannot answer must not wait for its turn."""
    model = open_model(candidate, plan, answers)
    try:
        if ask:
            model.predict_proba(plan.test.inputs[:2])
        for attack in plan.attacks:
            access.check_victim(model, attack)
    except AssayError as error:
        raise AssayError(f'candidate "{candidate.name}": {error}') from error


def _check_positive_label(config: AuditConfig, dataset: TextDataset) -> None:
    label, names = config.fairness.positive_label, dataset.label_names
    if label is not None and label not in names:
        raise AssayError(
            f'fairness.positive_label: the data has no label "{label}".{nearest(label, names)} '
            f"Its labels: {', '.join(names)}."
        )
    if label is not None and len(names) > 2:
        raise AssayError(
            f"fairness.positive_label: the data has {len(names)} labels, and each is assessed against the "
            "rest; leave positive_label out."
        )
