"""What two audits answered to the examples they share, as far as one metric goes by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from assay.changes.metrics import BIAS_AREAS, BIAS_MEANS, OF_CLASS, split_label
from assay.changes.pairing import Pairs, UnmeasuredError
from assay.changes.subject import Subject
from assay.changes.values import Answered
from assay.outcome_table import CLEAN, Answers, OutcomeTable, attack_subject
from attacks.errors import AssayError
from fairness.groups import Grouping, columns_of, intersections, overlapping
from fairness.results import FairnessResult
from reports.model import CandidateResult


@dataclass(frozen=True, eq=False)
class Side:
    """One audit, as far as one of its candidates goes. outcomes: of the audit."""

    outcomes: OutcomeTable
    result: CandidateResult

    def answers(self, subject: str) -> Answers:
        """To all examples, in the order of the table."""
        answers = self.outcomes.answers.get(self.result.name, {}).get(subject)
        if answers is None or not answers.reached.all():
            raise UnmeasuredError("one of the audits kept no outcomes of it")
        return answers


def answered(subject: Subject, pairs: Pairs, now: Side, then: Side) -> tuple[Answered, Answered]:
    """The answers now and then to the shared examples that the metric goes by.

    Groups, the smallest of them that is judged and the class of the metric are those of ``now``.
    Raises UnmeasuredError where one of the audits does not have them.
    """
    asked = CLEAN if subject.attack is None else attack_subject(subject.attack, subject.params or {})
    mine, theirs = pairs.answers_now(now.answers(asked)), pairs.answers_then(then.answers(asked))
    rows, cells, members = _groups(subject, pairs, now.result.fairness)
    positive, k = _positive(subject, pairs.label_names, now.result.fairness), len(pairs.label_names)
    first, second = (
        Answered(pairs.labels[rows], each.take(rows), k, positive, cells[rows], members)
        for each in (mine, theirs)
    )
    return first, second


def survived(pairs: Pairs, now: Side, then: Side) -> tuple[np.ndarray, np.ndarray, str]:
    """(m,) bool each: which shared examples were right now, and then, whatever was done to them.

    The worst case is over the attacks that both audits ran with limits on all examples; the words say so
    where one of them ran others too. Raises UnmeasuredError where there is none.
    """
    shared = bounded_attacks(now.result) & bounded_attacks(then.result)
    if not shared:
        raise UnmeasuredError("no attack with limits was run on all examples by both audits")
    mine, theirs = (
        np.logical_and.reduce(
            [view(side.answers(asked)).prediction == pairs.labels for asked in (CLEAN, *sorted(shared))]
        )
        for side, view in ((now, pairs.answers_now), (then, pairs.answers_then))
    )
    same = bounded_attacks(now.result) == bounded_attacks(then.result)
    words = "" if same else f", over the {len(shared)} attacks that both audits ran"
    return mine, theirs, words if len(shared) > 1 else words.replace("attacks", "attack")


def bounded_attacks(result: CandidateResult) -> set[str]:
    """The attacks that its worst case is over, as subjects of an outcome table."""
    return {
        attack_subject(attack.name, attack.params)
        for attack in result.robustness.attacks
        if attack.bounded and not attack.unreached
    }


def _positive(subject: Subject, names: Sequence[str], fairness: FairnessResult | None) -> int | None:
    """The label of a metric of one class, ``tpr[hate]`` or that of a binary task; None for another metric."""
    name, label = split_label(subject.metric)
    if name not in OF_CLASS or subject.group is None:
        return None
    label = label if label is not None else fairness.positive_label if fairness else None
    if label not in names:
        raise UnmeasuredError(f'the labels of the audits do not include "{label}"')
    return names.index(label)


def _groups(
    subject: Subject, pairs: Pairs, fairness: FairnessResult | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which shared examples count (rows), the cell of each shared example (m,), and the groups (c, g)."""
    everyone = np.arange(len(pairs.labels))
    if subject.group is None or fairness is None:
        return everyone, np.zeros(len(everyone), dtype=np.int64), np.zeros((1, 0), dtype=bool)
    grouping = _grouping(subject.group, pairs.groups, fairness)
    name, _ = split_label(subject.metric)
    if subject.value is None:
        large = grouping.n >= fairness.min_group_size
        if large.sum() < (1 if name in BIAS_MEANS else 2):
            raise UnmeasuredError(
                f"{large.sum()} of {len(large)} groups have {fairness.min_group_size} shared examples or more"
            )
        return everyone, grouping.cells, grouping.members[:, large]
    if subject.value not in grouping.values:
        raise UnmeasuredError(f'no shared example has {subject.group} = "{subject.value}"')
    g = grouping.values.index(subject.value)
    if name in BIAS_AREAS:
        return everyone, grouping.cells, grouping.members[:, [g]]
    return np.flatnonzero(grouping.mask(g)), grouping.cells, grouping.members[:, :0]


def _grouping(name: str, groups: Mapping[str, np.ndarray], fairness: FairnessResult) -> Grouping:
    """The grouping ``name`` of an assessment, of the shared examples."""
    assessed = fairness.groups[name]
    try:
        if assessed.kind == "column":
            return columns_of({name: groups[name]})[0]
        if assessed.kind == "overlapping":
            return overlapping(name, {value: groups[value] for value in assessed.by_group})
        crossed = next(
            {column: groups[column] for column in columns}
            for depth in range(2, len(groups) + 1)
            for columns in combinations(groups, depth)
            if " & ".join(columns) == name
        )
        return intersections(crossed, len(crossed), fairness.min_group_size)[-1]
    except (KeyError, StopIteration) as error:
        raise UnmeasuredError(f'the groups of "{name}" were not kept') from error
    except AssayError as error:
        raise UnmeasuredError(str(error)) from error
