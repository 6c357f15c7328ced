"""What an audit will ask of its models, told before anything is asked."""

from collections.abc import Iterator

from assay.config_candidates import CandidateConfig
from assay.config_models import AuditConfig
from assay.models import open_endpoint
from assay.plan import Plan, make_plan
from attacks.base import Attack
from attacks.black_box import QueryAttack
from fairness.counterfactual.setup import Counterfactuals
from reports.formatting import counted
from robustness.asking import Budget


def run_preview(config: AuditConfig) -> list[str]:
    """The lines of ``--preview``: the audit is checked, and no model is asked anything."""
    return preview(make_plan(config, ask=False))


def preview(plan: Plan, *, only_endpoints: bool = False) -> list[str]:
    """For each candidate its clean texts, its attacks and its tests: how many answers each takes at most.

    only_endpoints: leave out what is computed here, which costs nothing but time.
    """
    lines: list[str] = []
    for candidate in plan.config.candidates:
        if candidate.kind == "endpoint" or not only_endpoints:
            lines += _of(candidate, plan)
    return lines


def _of(candidate: CandidateConfig, plan: Plan) -> Iterator[str]:
    endpoint = open_endpoint(candidate, plan, None) if candidate.kind == "endpoint" else None

    def cost(texts: int) -> str:
        told = None if endpoint is None else endpoint.cost(texts)
        return f"{texts:,} answers" if told is None else told

    n = len(plan.test)
    yield f"{candidate.name}, clean text: {cost(n)}"
    for attack, budget in zip(plan.attacks, plan.budgets, strict=True):
        most = _most(attack, budget, n)
        units = attack.threat_model.epsilon
        named = attack.name if units is None else f"{attack.name} {units:g}"
        what = f"{candidate.name}, {named} on up to {counted(n, 'example')}"
        if most is not None:
            yield f"{what}: at most {cost(most)}"
        elif isinstance(attack, QueryAttack):
            yield f"{what}: as many answers as it takes; limit them with max_queries or total_queries"
        else:
            yield f"{what}: computed here, with gradients"
    for behaviour in plan.behaviours:
        yield f"{candidate.name}, {behaviour.name}: a few variants of {counted(n, 'text')}"
    for suite in plan.suites:
        yield f"{candidate.name}, {suite.cases.name}: {cost(len(suite.cases))}"
    if plan.counterfactual is not None:
        swapped, templates = _swaps(plan.counterfactual, plan)
        yield f"{candidate.name}, identities swapped: at most {cost(swapped)}"
        if templates:
            yield f"{candidate.name}, {plan.counterfactual.templates_name}: at most {cost(templates)}"


def _swaps(run: Counterfactuals, plan: Plan) -> tuple[int, int]:
    """The most answers to swapped texts and to filled templates; equal ones are asked once."""
    texts = plan.test if run.max_examples is None else plan.test.sample(run.max_examples, plan.config.seed)
    swaps = [len(run.swapper.swaps(text)) for text in texts.inputs]
    most = swaps if run.max_variants is None else [min(n, run.max_variants) for n in swaps]
    return sum(most), sum(len(example.swaps) for example in run.templates)


def _most(attack: Attack, budget: Budget, n: int) -> int | None:
    """The most answers for all examples; one more each is asked to judge what was proposed."""
    if not isinstance(attack, QueryAttack):
        return None
    each = None if attack.most_queries is None else n * (attack.most_queries + 1)
    limits = [limit for limit in (each, budget.queries) if limit is not None]
    return min(limits, default=None)
