"""The pipeline: plan, prepare and measure every candidate, find, decide, write."""

import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from assay.candidates import Prepared, prepare
from assay.changed_texts import json_lines
from assay.changes.audited import Audited
from assay.config_models import AuditConfig, ValidityConfig
from assay.engines import check_engine, engines
from assay.findings import find
from assay.gate.baseline import check_apart, gated, read_baseline
from assay.ledger import Ledger
from assay.measure import Measured, measure
from assay.mlflow_log import told_of
from assay.outcome_parquet import write_table
from assay.outcome_rows import outcome_table
from assay.plan import Plan, make_plan
from assay.preview import preview
from assay.progress import Reporter
from assay.recorded_inputs import record
from assay.report_files import write_report
from assay.run_folder import RunFolder, write_whole
from assay.trust import with_validity
from attacks.textattack.attack import DrivenAttack
from reports.model import AuditReport, CandidateResult, DataSummary, Finding, GateResult, Provenance
from reports.verdict import verdict_of
from robustness.asking import Budget
from robustness.device import describe_device

WORDS = ("textattack", "nltk", "flair")
"""What recipes are made of, beside their resources."""
PARTIAL = Finding(
    "audit.partial",
    "critical",
    None,
    "",
    "",
    None,
    None,
    "This report is partial: black-box attacks are shown as far as an interrupted audit came, and "
    "behavioural tests, suites and validity checks are left out. The command without --partial completes it.",
)
LIBRARIES = ("assay", "torch", "transformers", "fairlearn", "scikit-learn", "numpy")


def run_audit(config: AuditConfig, reporter: Reporter, *, partial: bool = False) -> AuditReport:
    """Audit every candidate of ``config`` and write the run folder; returns what audit.json holds.

    partial: see ``as_far_as_it_came``.

    What a killed run finished before is taken from the ledger and the saved models.
    Raises AssayError for a user's mistake, before anything expensive wherever it can be known then.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    check_apart(config.gating.baseline, config.runs / config.name)
    baseline = read_baseline(config.gating.baseline)
    run = RunFolder.create(config.runs / config.name)
    with run.lock(), Ledger(run.ledger) as ledger:
        inputs = record(config)  # before anything of them is read
        plan = make_plan(config, ledger.answer_store)
        if partial:
            plan = as_far_as_it_came(plan)
        run.remove_reports()  # what an earlier audit said must not be taken for what this one says
        measured = measure_candidates(plan, run, ledger, reporter)
        results, outcomes = [each.result for each in measured], outcome_table(plan, measured)
        found = find(plan, measured)
        now = Audited(
            results,
            outcomes,
            config.fairness.confidence,
            config.seed,
            by_row=config.data.id is None,
            data_sha256=plan.dataset.fingerprint,
        )
        report = assemble(
            plan,
            results,
            [PARTIAL, *found] if partial else found,
            gated(config.gate, now, config.gating, baseline),
            started=started.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - clock,
        )
        write_table(outcomes, run.outcomes, report.provenance, inputs)
        write_report(report, run)
        if config.log_to:
            reporter.say(told_of(report, run))  # a log that fails is told; the audit has not failed
        if lines := "".join(json_lines(plan, measured)):
            write_whole(run.changed_texts, lines)
    return report


def as_far_as_it_came(plan: Plan) -> Plan:
    """The plan with black-box attacks as far as an earlier run came, and without what would ask the models
    anew: behavioural tests and validity checks."""
    config = plan.config.model_copy(update={"validity": ValidityConfig(examples=0)})
    nothing = tuple(Budget(queries=0) for _ in plan.budgets)
    return replace(plan, config=config, budgets=nothing, behaviours=(), suites=())


def measure_candidates(plan: Plan, run: RunFolder, ledger: Ledger, reporter: Reporter) -> list[Measured]:
    """Every candidate trained where it must be and measured; when all are, their measurements are checked."""
    check_engine(plan)
    for line in preview(plan, only_endpoints=True):
        reporter.say(line)
    prepared: list[Prepared] = []
    measured: list[Measured] = []
    with engines(plan) as engine_of:
        for candidate in plan.config.candidates:
            prepared.append(prepare(candidate, plan, run, reporter, ledger.answer_store, prepared))
            with engine_of(prepared[-1]) as engine:
                measured.append(measure(prepared[-1], plan, ledger, reporter, engine))
    return [
        with_validity(each, mine, prepared, plan, ledger, reporter)
        for each, mine in zip(measured, prepared, strict=True)
    ]


def assemble(
    plan: Plan,
    results: Sequence[CandidateResult],
    findings: Sequence[Finding],
    gate: GateResult,
    *,
    started: str,
    seconds: float,
) -> AuditReport:
    """The whole report; times are given, so that everything else depends on the plan alone."""
    test = plan.test
    return AuditReport(
        schema_version=2,
        provenance=Provenance(
            started=started,
            seconds=seconds,
            seed=plan.config.seed,
            confidence=plan.config.fairness.confidence,
            device=describe_device(plan.device),
            versions={"python": platform.python_version(), **_versions(plan)},
            data_sha256=plan.dataset.fingerprint,
            config=plan.config.model_dump(mode="json"),
        ),
        data=DataSummary(
            name=plan.dataset.name,
            n=len(test),
            label_counts=test.label_counts,
            groups=test.group_counts,
            notes=[*plan.config.data.notes, *_sampling(plan)],
        ),
        candidates=list(results),
        findings=list(findings),
        gate=gate,
        verdict=verdict_of([result.name for result in results], findings, gate),
    )


def _versions(plan: Plan) -> dict[str, str]:
    """Of the libraries that decide a figure."""
    driven = any(isinstance(attack, DrivenAttack) for attack in plan.attacks)
    return {name: version(name) for name in (*LIBRARIES, *(WORDS if driven else ()))}


def _sampling(plan: Plan) -> list[str]:
    """What a reader must know about samples that were drawn."""
    notes = []
    if plan.config.data.max_examples == len(plan.test):
        notes.append(f"Audited is a stratified random sample of {len(plan.test):,} test examples.")
    train, validation = (len(plan.dataset.split(name)) for name in ("train", "validation"))
    if plan.trains and plan.config.data.max_train_examples in (train, train + validation):
        notes.append(
            f"Training uses a stratified random sample: {train:,} examples, and {validation:,} to validate."
        )
    return notes
