"""``assay attack``: the attacks of a configuration without the rest of the audit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from assay.audit import measure_candidates
from assay.changed_texts import json_lines
from assay.config_models import AttackConfig, AuditConfig, CandidateConfig
from assay.ledger import Ledger
from assay.measure import Measured
from assay.plan import make_plan
from assay.progress import Reporter
from assay.run_folder import RunFolder, write_whole
from assay.tables import aligned
from attacks.errors import AssayError, nearest
from reports.formatting import counted, duration, full, shorten, visible
from robustness.estimate import Estimate

Named = TypeVar("Named", CandidateConfig, AttackConfig)

HEADINGS = ("candidate", "attack", "accuracy", "attack success", "queries", "time")
SHOWN = 3
"""Changed texts of each attack that are shown; ``--output`` gets all of them."""
WIDTH = 300


def run_attacks(
    config: AuditConfig,
    candidates: Sequence[str],
    attacks: Sequence[str],
    output: Path | None,
    reporter: Reporter,
) -> list[str]:
    """Attack the candidates of ``config``, or those named, with its attacks, or those named.

    What is computed goes to the ledger of the run folder, where an audit of the same configuration finds it.
    output: a new JSON Lines file for every changed text that fooled a model. Returns the lines to show.
    Raises AssayError for a user's mistake, before anything is attacked wherever it can be known then.
    """
    chosen = restricted(config, candidates, attacks)
    if not chosen.attacks:
        raise AssayError(
            "no attack is named. Add [[attacks]] to the configuration, or give --attack NAME; "
            "`assay list attacks` shows them all."
        )
    if output is not None:
        _require_free(output)
    run = RunFolder.create(config.runs / config.name)
    with run.lock(), Ledger(run.ledger) as ledger:
        # Planned for all candidates: which examples are audited depends on whether any of them is trained.
        plan = make_plan(config.reduced_to(attacks=chosen.attacks), ledger.answer_store)
        measured = measure_candidates(replace(plan, config=chosen), run, ledger, reporter)
    if output is not None:
        write_whole(output, "".join(json_lines(plan, measured)))
    kept = f"Kept in {run.path}: run again, nothing that was answered is asked twice."
    return [*_table(measured), *_texts(measured), *_doubts(measured), kept]


def _require_free(output: Path) -> None:
    if output.exists():
        raise AssayError(f"--output: {output} exists, and nothing is overwritten. Name another file.")
    if not output.resolve().parent.is_dir():
        raise AssayError(f"--output: there is no folder {output.parent}. Make it, or name another file.")


def restricted(config: AuditConfig, candidates: Sequence[str], attacks: Sequence[str]) -> AuditConfig:
    """The configuration with what was named only, and without a gate: nothing is required here."""
    return config.reduced_to(
        candidates=_chosen("--candidate", config.candidates, candidates),
        attacks=_chosen("--attack", config.attacks, attacks),
    )


def _chosen(flag: str, of: Sequence[Named], wanted: Sequence[str]) -> list[Named]:
    names = [each.name for each in of]
    for name in wanted:
        if name not in names:
            raise AssayError(
                f'{flag}: the configuration has no "{name}".{nearest(name, names)} '
                f"It has: {', '.join(dict.fromkeys(names)) or 'none'}."
            )
    return [each for each, name in zip(of, names, strict=True) if not wanted or name in wanted]


def _table(measured: Sequence[Measured]) -> list[str]:
    rows = [HEADINGS]
    for each in measured:
        robustness = each.result.robustness
        rows.append((each.result.name, "none (clean text)", _rate(robustness.clean.accuracy), "", "", ""))
        for attack in robustness.attacks:
            rows.append(
                (
                    each.result.name,
                    attack.label,
                    _rate(attack.accuracy_under_attack),
                    _rate(attack.attack_success_rate),
                    "-" if attack.mean_queries.value is None else f"{attack.mean_queries.value:,.1f}",
                    duration(attack.seconds),
                )
            )
        if len(robustness.attacks) > 1:
            worst = _rate(robustness.worst_case_accuracy)
            rows.append((each.result.name, "all with a budget (worst case)", worst, "", "", ""))
    lines = aligned(rows)
    for each in measured:
        for attack in each.result.robustness.attacks:
            if attack.minimal_norm is not None:
                what = full(attack.minimal_norm, "number")
                if attack.minimal_norm.value is None:
                    what = f"undefined: {attack.minimal_norm.reason}"
                lines.append(f"{each.result.name}: median minimal norm under {attack.label}: {what}")
    return lines


def _texts(measured: Sequence[Measured]) -> Iterator[str]:
    for each in measured:
        for attack in each.result.robustness.attacks:
            if not attack.examples:
                continue
            shown = min(SHOWN, len(attack.examples))
            yield ""
            yield (
                f"{each.result.name} under {attack.label}: "
                f"{counted(attack.successes, 'changed text')} fooled it; here {shown}:"
            )
            for example in attack.examples[:SHOWN]:
                id_, before, after = (visible(v) for v in (example.example_id, example.before, example.after))
                yield f"  {id_}: {before} -> {after}"
                yield f"    - {_line(example.original)}"
                yield f"    + {_line(example.perturbed)}"


def _doubts(measured: Sequence[Measured]) -> Iterator[str]:
    """What the validity checks found; silence would read as trust."""
    yield ""
    for each in measured:
        validity = each.result.robustness.validity
        if validity is None:
            yield f"{each.result.name}: the validity of these figures was not checked."
            continue
        passed = sum(check.passed is True for check in validity.checks)
        yield f"{each.result.name}: {passed} of {len(validity.checks)} validity checks passed."
        for check in validity.checks:
            if check.passed is None:
                yield f"  {check.message}"
            elif not check.passed:
                yield f"  Warning: these figures may be too good. {check.message}"


def _rate(estimate: Estimate) -> str:
    return "-" if estimate.value is None else full(estimate)


def _line(parts: Sequence[str]) -> str:
    return shorten(visible(" / ".join(" ".join(part.split()) for part in parts)), WIDTH)
