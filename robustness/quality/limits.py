"""Which successes of an attack count: those whose text stays within limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attacks.errors import AssayError
from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome
from robustness.quality.measured import Quality


@dataclass(frozen=True)
class Limits:
    """How far a text may be from the original; None for no limit. Raises AssayError for one out of range.

    min_similarity: the least cosine of the sentence embeddings. 0.84 is the figure that the attack
        ``wordnet-similar`` is held to, by the MiniLM encoder. It is not TextFooler's: that is an angular
        similarity of 0.84 (a cosine of 0.88) by the Universal Sentence Encoder over 15 words (Jin et al.
        2020, as TextAttack corrects it). Cosines of different encoders do not compare. It is a lenient
        figure: asked people agreed that the meaning was kept at 0.98 by a BERT encoder, and attacks held to
        that and to likewise stricter word embeddings and grammar lost over 70 points of their success
        (Morris et al. 2020). Nor does an encoder notice every word that turns the meaning: near is not same.
    max_changed: the largest share of the original's words, 0.2 as in Alzantot et al. 2018 (sentiment) and
        ``wordnet-similar``. As there, the number of words is rounded up: one word of a short text may change.
    max_perplexity_ratio: how many times as perplexing a text may become. No figure of it is established, so
        there is none unless it is given.

    A measure that a quality lacks is not applied to it; ``not_applied`` says so.
    """

    min_similarity: float | None = 0.84
    max_changed: float | None = 0.2
    max_perplexity_ratio: float | None = None

    def __post_init__(self) -> None:
        _check("min_similarity", self.min_similarity, -1, 1)
        _check("max_changed", self.max_changed, 0, math.inf)
        _check("max_perplexity_ratio", self.max_perplexity_ratio, 0, math.inf)

    def keeps(self, quality: Quality) -> bool:
        """Whether no limit that can be applied is passed; a value on a limit is within it."""
        return self.why_not(quality) is None

    def why_not(self, quality: Quality) -> str | None:
        """Every limit that is passed, for people; None where there is none."""
        reasons = []
        similarity, ratio = quality.similarity, quality.perplexity_ratio
        if self.min_similarity is not None and similarity is not None and similarity < self.min_similarity:
            reasons.append(f"similarity {_below(similarity)} is below {self.min_similarity:g}")
        if self.max_changed is not None:
            # The product is rounded first: 0.07 of 100 words are 7, not 7.000000000000001.
            allowed = math.ceil(round(self.max_changed * quality.words, 9))
            if quality.words_changed > allowed:
                reasons.append(
                    f"{quality.words_changed} of {quality.words} words changed, where {allowed} may"
                )
        if self.max_perplexity_ratio is not None and ratio is not None and ratio > self.max_perplexity_ratio:
            reasons.append(
                f"perplexity rose from {quality.perplexity_before:.4g} to {quality.perplexity:.4g}, "
                f"more than {self.max_perplexity_ratio:g} times"
            )
        return "; ".join(reasons) or None


def filtered_success(
    outcomes: Sequence[Outcome], qualities: Sequence[Quality | None], limits: Limits, confidence: float
) -> Estimate:
    """Share of the attacked examples with a success whose text stays within ``limits``, Wilson interval.

    outcomes, qualities: n of an attack, as ``judge_successes`` gives them; the denominator is that of
    ``summarize.attack_success_rate``. Undefined where nothing was attacked, and where embeddings were.
    Raises ValueError where a success that changed a text has no quality.
    """
    attacked = [pair for pair in zip(outcomes, qualities, strict=True) if not pair[0].skipped]
    if not attacked:
        reason = "no example was attacked: all were misclassified already"
        return Estimate.undefined(reason if outcomes else "no example was reached")
    kept = 0
    for outcome, quality in attacked:
        if not outcome.success:
            continue
        if outcome.text is None:
            return Estimate.undefined("the attack changes embeddings, which are no text to be judged")
        if quality is None:
            raise ValueError(f"the success on {outcome.example_id} has no quality: judge it first")
        kept += limits.keeps(quality)
    return wilson(kept, len(attacked), confidence)


def not_applied(qualities: Sequence[Quality | None], limits: Limits) -> list[str]:
    """What could not be held to ``limits``, a sentence each; empty where everything was."""
    known = [quality for quality in qualities if quality is not None]
    lacking = {
        "similarity": limits.min_similarity is not None and sum(q.similarity is None for q in known),
        "perplexity": limits.max_perplexity_ratio is not None
        and sum(q.perplexity_ratio is None for q in known),
    }
    notes = [
        f"The limit on {measure} was not applied to {count} of {len(known)} texts, for which it is not known."
        for measure, count in lacking.items()
        if count
    ]
    truncated = sum(quality.truncated for quality in known)
    if truncated:
        notes.append(
            f"Of {truncated} of {len(known)} texts only the beginning was compared: they are longer than "
            "what the sentence encoder or the language model reads."
        )
    return notes


def _check(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not (low <= value <= high and math.isfinite(value)):
        to = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of at least {low:g}"
        raise AssayError(f"Limits on texts: expected {name} to be a number {to}, or none, got {value!r}.")


def _below(similarity: float) -> str:
    """Rounded down, so that a figure just below a limit does not show as the limit."""
    return f"{math.floor(similarity * 1000) / 1000:.3f}"
