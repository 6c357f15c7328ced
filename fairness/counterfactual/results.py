"""What swapping identities did to a model's answers, as frozen data that round-trips through JSON."""

from dataclasses import dataclass, field
from typing import Literal

from robustness.estimate import Estimate

Kind = Literal["texts", "templates"]
"""Where the examples come from: the audited texts that name an identity, or sentences with a slot for one."""


@dataclass(frozen=True)
class TermEffect:
    """What one exchange does, for example "he -> she" in texts, or one term, "Muslim", in templates.

    n: examples with it.
    flip_rate: share of them in which a variant with it gets another label.
    mean_change: mean over them of the signed change of the score; see ``CounterfactualResult.outcome``.
    p_value: of "the changes are as often and as far up as down" (Wilcoxon's signed-rank test, two-sided).
        adjusted: the same after Benjamini and Hochberg (1995) over all tests of the result. Both are None
        where nothing was tested: no scores, too few examples, or no outcome that the score speaks of.
    established: whether ``adjusted`` is below the level.
    failure_rate: share of the labelled examples that get a label other than their own; None where there are
        none: texts as they are have labels, but their variants need not share them.
    """

    n: int
    flip_rate: Estimate
    mean_change: Estimate
    p_value: float | None
    adjusted: float | None
    established: bool
    failure_rate: Estimate | None = None


@dataclass(frozen=True)
class AxisEffect:
    """The variants along one axis; the estimates are those of ``CounterfactualResult``.

    n: examples that have variants along it. variants: how many they have in all.
    """

    n: int
    variants: int
    flip_rate: Estimate
    mean_change: Estimate
    worst_change: Estimate
    signed_change: Estimate


@dataclass(frozen=True)
class TemplateEffect:
    """One template filled with all terms of one axis.

    n: fillings. flip_rate: share of them that get another label than most. spread: the highest score minus
    the lowest; highest, lowest: the terms that have them ("" without scores). label: that all fillings
    should get; failure_rate: share of the fillings that do not, undefined without a label.
    """

    n: int
    flip_rate: Estimate
    spread: Estimate
    highest: str
    lowest: str
    label: str | None
    failure_rate: Estimate


@dataclass(frozen=True)
class FlippedExample:
    """A variant that got another label than its original.

    label: the true one; None for a template without a label. old, new: the groups, or for a template "" and
    the group that stands in it. terms: what was exchanged, as "he -> she". before, after: the predicted
    labels. score_before, score_after: of the outcome, None for a model that gives labels only. original,
    variant: one text, or the two of a pair; the original of a filled template is the template.
    """

    example_id: str
    label: str | None
    axis: str
    old: str
    new: str
    terms: list[str]
    before: str
    after: str
    score_before: float | None
    score_after: float | None
    original: list[str]
    variant: list[str]


@dataclass(frozen=True)
class CounterfactualResult:
    """The answers of one model to the same examples about somebody else.

    name: of the data or of the set of templates.
    kind: ``texts``: an example is a text, its variants are the text with one identity exchanged, and changes
        are against the answer to the text as it is. ``templates``: an example is a template with one axis,
        its variants are its fillings, and changes are against the mean score and the commonest label of its
        fillings (Czarnowska, Vyas and Shah 2021 call this a background comparison).
    outcome: the label whose probability is the score; None where it is the label predicted for the example:
        any change tends to lower that one, so nothing is tested.
    n, not_applicable: examples that have variants, and the others, which no rate counts. variants: in all.
    flip_rate: share of the n examples with a variant that gets another label.
    mean_change: mean over examples of their variants' mean absolute change of the score. worst_change: mean
        over examples of their largest absolute change. largest_change: the largest of all. signed_change: as
        mean_change, with its sign; undefined for templates, where it is 0 by definition.
    by_axis: {axis: ...}. by_groups, by_term: {axis: {"Muslim -> Christian", "mosque -> church": ...}}; of a
        template {axis: {"Muslim": ...}}. An example whose variant exchanges several terms counts for each.
    by_template: {axis: {text of the template: ...}}; empty for texts.
    flips: variants with another label; examples: at most ``summarize.SHOWN`` of them, the largest change
        first.
    """

    name: str
    kind: Kind
    outcome: str | None
    n: int
    not_applicable: int
    variants: int
    flip_rate: Estimate
    mean_change: Estimate
    worst_change: Estimate
    largest_change: Estimate
    signed_change: Estimate
    by_axis: dict[str, AxisEffect]
    by_groups: dict[str, dict[str, TermEffect]]
    by_term: dict[str, dict[str, TermEffect]]
    by_template: dict[str, dict[str, TemplateEffect]] = field(default_factory=dict)
    flips: int = 0
    examples: list[FlippedExample] = field(default_factory=list)
