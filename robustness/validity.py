"""Is the evaluation valid? Checks that tell a robust model from an attack that does not work on it.

After Carlini et al. 2019, "On evaluating adversarial robustness" (section 4), and the checks of AutoAttack
(Croce and Hein 2020). They run on a sample of correctly classified examples, at one budget, with PGD and what
must be weaker. A check fails only where the interval of its number lies beyond the limit: a false alarm would
discredit sound figures.

Cost, for each example of the sample: 51 forward and 41 backward passes through the model, 10 of each through
another one for the check by transfer; and a forward pass for each held-out example.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from robustness.estimate import Estimate, wilson
from robustness.outcomes import Outcome
from robustness.paired import paired_difference
from robustness.probing import STEPS, HeldOut, Probe, Surrogate
from robustness.results import Calibration, ValidityCheck, ValidityResult
from robustness.summarize import accuracy_under_attack

WIDER = 2.0
"""Times the budget that must not be weaker."""
FEW = 0.05
"""The share of examples that may behave oddly before a check fails."""
STANDING = 0.1
"""The share that may stand without a bound."""
SAME_ANSWER = 1e-3
"""By how much a probability may differ when the same question is asked twice."""
LEAST = 10
"""With fewer examples in the sample nothing can be told."""
LEAST_HELD_OUT = 50
"""With fewer held-out examples no temperature is fitted."""
PASSES = 9
"""How often the sample is gone through at most, for whoever shows progress: asked twice, seven attacks."""

CHECKS = (
    "deterministic",
    "zero_gradient",
    "loss_rises",
    "noise_is_weaker",
    "more_steps_are_stronger",
    "more_budget_is_stronger",
    "no_bound_breaks",
    "transfer_is_weaker",
    "confidence_hides_nothing",
)


def check_validity(probe: Probe, held_out: HeldOut, surrogates: Sequence[Surrogate] = ()) -> ValidityResult:
    """Every check on one classifier.

    held_out: what the temperature is fitted to. surrogates: other models; the first that fits is used.
    """
    n = len(probe.clean)
    if n < LEAST:
        why = f"{n} correctly classified examples are too few to tell anything (at least {LEAST})"
        checks = [_undecided(name, why, n) for name in CHECKS]
        return ValidityResult(n, probe.norm, probe.epsilon, checks, calibration=None)
    strong = probe.under(probe.pgd(), "pgd")
    single = probe.under(probe.pgd(steps=1), "one step")
    calibration = _calibrate(probe, held_out, strong)
    checks = [
        _deterministic(probe),
        _zero_gradient(probe, single),
        _loss_rises(probe, strong),
        _noise(probe, strong),
        _steps(probe, strong, single),
        *_budgets(probe, strong),
        _transfer(probe, strong, surrogates),
        _confidence(calibration, held_out),
    ]
    return ValidityResult(n, probe.norm, probe.epsilon, checks, calibration)


def _deterministic(probe: Probe) -> ValidityCheck:
    first, second = ([o.probabilities for o in probe.asked(name)] for name in ("asked", "asked again"))
    differs = int((np.abs(np.subtract(first, second)).max(axis=1) > SAME_ANSWER).sum())
    return _share(
        "deterministic",
        differs,
        probe,
        limit=0.0,
        good="Asked twice, the model gives the same answers",
        bad="Asked twice, the model gives different answers: an attack must then be made on their average",
    )


def _zero_gradient(probe: Probe, single: Sequence[Outcome]) -> ValidityCheck:
    """One step along a gradient goes nowhere only where the gradient is 0."""
    return _share(
        "zero_gradient",
        sum(outcome.distance == 0 for outcome in single),
        probe,
        limit=FEW,
        good="The loss has a gradient",
        bad="The loss has no gradient: attacks that follow it cannot see where to go, or the model gives "
        "every text the same answer",
    )


def _loss_rises(probe: Probe, strong: Sequence[Outcome]) -> ValidityCheck:
    pairs = zip(strong, probe.clean, strict=True)
    return _share(
        "loss_rises",
        sum(_standing(after) and _truth(after) >= _truth(before) for after, before in pairs),
        probe,
        limit=FEW,
        good="PGD makes the true class less likely",
        bad="PGD leaves the true class as likely as it was on clean text",
    )


def _noise(probe: Probe, strong: Sequence[Outcome]) -> ValidityCheck:
    """Only what PGD did not turn is compared: how wrong a wrong answer is tells nothing."""
    pairs = zip(probe.noise(), strong, strict=True)
    return _share(
        "noise_is_weaker",
        sum(_standing(after) and _truth(noise) <= _truth(after) for noise, after in pairs),
        probe,
        limit=FEW,
        good="Random noise of the same norm does less than PGD",
        bad="Random noise of the same norm does as much as PGD: the gradients mislead",
    )


def _steps(probe: Probe, strong: Sequence[Outcome], single: Sequence[Outcome]) -> ValidityCheck:
    return _not_weaker(
        "more_steps_are_stronger",
        paired_difference(strong, single, probe.confidence),
        good=f"PGD with {STEPS} steps turns as many examples as one step, or more",
        bad=f"PGD with {STEPS} steps turns fewer examples than one step",
    )


def _budgets(probe: Probe, strong: Sequence[Outcome]) -> Iterator[ValidityCheck]:
    wider = probe.under(probe.pgd(times=WIDER), "wider budget")
    yield _not_weaker(
        "more_budget_is_stronger",
        paired_difference(wider, strong, probe.confidence),
        good=f"PGD with {WIDER:g} times the budget turns as many examples, or more",
        bad=f"PGD with {WIDER:g} times the budget turns fewer examples",
    )
    # What fell within a bound falls without one, whether the search for it came that way or not.
    tried = zip(strong, wider, probe.unbounded(), strict=True)
    yield _share(
        "no_bound_breaks",
        sum(all(map(_standing, attempts)) for attempts in tried),
        probe,
        limit=STANDING,
        good="Without a bound on its size, a perturbation turns the answer",
        bad="Even without a bound on its size, no perturbation was found that turns the answer",
    )


def _transfer(probe: Probe, strong: Sequence[Outcome], surrogates: Sequence[Surrogate]) -> ValidityCheck:
    name = "transfer_is_weaker"
    surrogate = next((other for other in surrogates if other.fits(probe.classifier)), None)
    if surrogate is None:
        why = "no other candidate is of the same kind and size, with the same tokens, to borrow attacks from"
        return _undecided(name, why, len(strong))
    return _not_weaker(
        name,
        paired_difference(strong, probe.transferred(surrogate), probe.confidence),
        good=f"PGD on the model turns as many examples as PGD on {surrogate.name}, or more",
        bad=f"Perturbations made on {surrogate.name} turn more examples than those made on the model itself: "
        "its gradients are masked",
    )


def _calibrate(probe: Probe, held_out: HeldOut, strong: Sequence[Outcome]) -> Calibration | None:
    if len(held_out.dataset) < LEAST_HELD_OUT:
        return None
    temperature = probe.temperature(held_out)
    calibrated = probe.under(probe.pgd(), "calibrated", temperature)
    return Calibration(
        temperature=temperature,
        n_fit=len(held_out.dataset),
        held_out=held_out.name,
        as_is=accuracy_under_attack(strong, probe.confidence),
        calibrated=accuracy_under_attack(calibrated, probe.confidence),
        difference=paired_difference(strong, calibrated, probe.confidence),
    )


def _confidence(calibration: Calibration | None, held_out: HeldOut) -> ValidityCheck:
    name = "confidence_hides_nothing"
    if calibration is None:
        n = len(held_out.dataset)
        why = f"{n} held-out examples are too few to fit a temperature (at least {LEAST_HELD_OUT})"
        return _undecided(name, why, n)
    told = f"temperature {calibration.temperature:.3g}, fitted to {calibration.n_fit} {calibration.held_out}"
    return _not_weaker(
        name,
        calibration.difference,
        good=f"PGD is no stronger on the calibrated model ({told})",
        bad=f"PGD is stronger on the calibrated model ({told}): confidence hides gradients from the attack",
    )


def _share(name: str, odd: int, probe: Probe, *, limit: float, good: str, bad: str) -> ValidityCheck:
    """A check that it is not established that more than ``limit`` of the examples are odd."""
    n = len(probe.clean)
    observed = wilson(odd, n, probe.confidence)
    passed = observed.low is not None and observed.low <= limit
    exceptions = f"{odd} of {n} examples are exceptions" if odd else f"all {n} examples"
    message = f"{good} ({exceptions})." if passed else f"{bad} ({odd} of {n} examples)."
    return ValidityCheck(name, passed, observed, limit, message)


def _not_weaker(name: str, difference: Estimate, *, good: str, bad: str) -> ValidityCheck:
    """A check that the accuracy under the stronger attack is not established to be the higher one."""
    passed = difference.low is None or difference.low <= 0
    return ValidityCheck(name, passed, difference, 0.0, f"{good if passed else bad}.")


def _undecided(name: str, why: str, n: int) -> ValidityCheck:
    return ValidityCheck(name, None, Estimate.undefined(why, n), None, f"Not checked: {why}.")


def _standing(outcome: Outcome) -> bool:
    return outcome.prediction == outcome.label


def _truth(outcome: Outcome) -> float:
    """The probability of the true class."""
    return outcome.probabilities[outcome.label]
