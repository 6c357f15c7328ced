"""The example audit with behavioural tests, a suite, and black-box attacks on its texts: judged, ended early,
and one that shortens texts."""

from dataclasses import replace
from typing import Any

from attacks.threat_model import Access, Space, ThreatModel
from reports.model import AuditReport, CandidateResult
from robustness.estimate import Estimate, wilson
from robustness.quality.measured import Quality
from robustness.results import AdversarialExample, AttackResult
from tests.reports.behaviour_example import behaviours, suites
from tests.reports.example import CLEAN, GROUPS, N, attack, example_report

REACHED = 120
LIMITS = {"encoder": None, "min_similarity": 0.84, "max_changed": 0.2, "max_perplexity_ratio": 4.0}
GREAT_CYRILLIC, PAY_CYRILLIC = "gre\u0430t", "\u0440\u0430ypal"


def black_box_report() -> AuditReport:
    report = example_report()
    source = replace(report.provenance, config={**report.provenance.config, "similarity": LIMITS})
    return replace(
        report, provenance=source, candidates=[_with_black_box(candidate) for candidate in report.candidates]
    )


def _with_black_box(candidate: CandidateResult) -> CandidateResult:
    robust, right = candidate.robustness, round(CLEAN[candidate.name] * N)
    share = 0.2 if candidate.name == "plain" else 0.4
    attacks = [
        *robust.attacks,
        words(candidate.name, right, share),
        characters(candidate.name, right, share, 3),
        ended_early(candidate.name, share),
        shortening(candidate.name, right),
    ]
    tests = behaviours(candidate.name, N, GROUPS)
    found = replace(robust, attacks=attacks, behaviours=tests, suites=suites(candidate.name))
    return replace(candidate, robustness=found)


def black_box(
    candidate: str, right: int, name: str, space: Space, share: float, params: dict[str, Any], **fields: Any
) -> AttackResult:
    """share: of the right ones, how many stay so."""
    made = attack(candidate, right, name, "linf", params, epsilon=0.1, kept=share)
    del made.params["epsilon"], made.params["special_tokens"]
    access: Access = "score"
    survivors = round(share * right)
    return replace(
        made,
        threat_model=ThreatModel(access, space, None, fields.pop("epsilon", None)),
        epsilon_absolute=None,
        mean_queries=Estimate.exact(94.3, right),
        seconds=81.0,
        successes=right - survivors,
        **fields,
    )


def words(candidate: str, right: int, share: float) -> AttackResult:
    return black_box(
        candidate,
        right,
        "textattack:pwws",
        "word",
        share,
        {"max_queries": None, "live": 64},
        filtered_success_rate=wilson(round(0.31 * right), right),
        notes=["Of 12 of 440 texts only the beginning was compared: they are longer than what is read."],
        examples=[
            changed("a warm and funny film", "a tender and odd film", Quality(0.913, 2, 5, 80.2, 35.4)),
            changed("a dull film", "a slow film", Quality(None, 1, 3, None, None, truncated=True)),
        ],
    )


def characters(candidate: str, right: int, share: float, budget: int) -> AttackResult:
    return black_box(
        candidate,
        right,
        "homoglyphs",
        "character",
        share,
        {"max_injections": budget, "search": "evolution"},
        epsilon=float(budget),
        filtered_success_rate=wilson(0, right),
        examples=[
            changed("a great film, paypal", f"a {GREAT_CYRILLIC} film, {PAY_CYRILLIC}"),
            changed("a great film", "a gr\u200beat film"),
            changed(
                "a great film", "a g\u202d\u2066\u202e\u2066e\u2069\u2066r\u2069\u202c\u2069\u202cat film"
            ),
            changed("a great film", "a greax\x08t film"),
        ],
    )


def ended_early(candidate: str, share: float) -> AttackResult:
    """Its budget ended before most examples had their turn."""
    right = round(CLEAN[candidate] * REACHED)
    survivors = round(share / 4 * right)
    made = black_box(
        candidate,
        right,
        "textattack:textbugger",
        "character",
        share,
        {"max_queries": 500},
        filtered_success_rate=wilson(right // 2, right),
        unreached=N - REACHED,
        examples=[changed("a warm film", "a w arm film")],
    )
    return replace(
        made,
        n=REACHED,
        skipped=REACHED - right,
        accuracy_under_attack=wilson(survivors, REACHED),
        attack_success_rate=wilson(right - survivors, right),
        successes=right - survivors,
    )


def shortening(candidate: str, right: int) -> AttackResult:
    """Input reduction: the answer stays, so that its accuracy under attack says nothing."""
    made = black_box(candidate, right, "textattack:input-reduction", "word", 1.0, {}, bounded=False)
    return replace(
        made,
        attack_success_rate=wilson(right - 20, right),
        successes=right - 20,
        filtered_success_rate=wilson(3, right),
        examples=[
            kept("a warm and very funny film", "funny"),
            kept("it moves you and it makes you laugh", "moves and"),
            kept("one of the best", "best one of the"),
        ],
    )


def changed(before: str, after: str, quality: Quality | None = None) -> AdversarialExample:
    return AdversarialExample(
        f"sentences.csv:{len(before)}", "positive", "positive", "negative", [before], [after], quality
    )


def kept(before: str, after: str) -> AdversarialExample:
    return replace(changed(before, after), after="positive")
