import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from attacks.errors import AssayError
from attacks.goals import LOSSES, Goal, ce, dlr, margin, require_classes

LOGITS = torch.tensor([[4.0, 1.0, 3.0, 0.0], [1.0, 5.0, 2.0, 3.0]])
Y = torch.tensor([0, 3])
ANY_WRONG = Goal(Y)
CHOSEN = Goal(Y, torch.tensor([2, 0]))


def test_a_goal_is_reached_by_any_wrong_class_or_by_the_target_only() -> None:
    assert ANY_WRONG.reached(LOGITS).tolist() == [False, True]
    assert CHOSEN.reached(LOGITS).tolist() == [False, False]
    assert Goal(Y, torch.tensor([1, 1])).reached(LOGITS).tolist() == [False, True]


@pytest.mark.parametrize("rows", [torch.tensor([1, 0]), torch.tensor([False, True])])
def test_taking_rows_takes_those_of_the_target_too(rows: Tensor) -> None:
    assert torch.equal(CHOSEN.take(rows).y, Y[rows])
    assert CHOSEN.target is not None
    assert torch.equal(CHOSEN.take(rows).target, CHOSEN.target[rows])  # type: ignore[arg-type]
    assert ANY_WRONG.take(rows).target is None
    assert (len(ANY_WRONG), len(ANY_WRONG.take(torch.tensor([1])))) == (2, 1)


def test_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[math.log(3.0), 0.0]])
    # The probabilities are 3/4 and 1/4.
    assert ce(logits, Goal(torch.tensor([0]))).tolist() == [pytest.approx(-math.log(0.75))]
    targeted = Goal(torch.tensor([0]), torch.tensor([1]))
    assert ce(logits, targeted).tolist() == [pytest.approx(math.log(0.25))]


def test_margin_by_hand() -> None:
    # The best wrong class against the true one: 3 - 4 and 5 - 3.
    assert margin(LOGITS, ANY_WRONG).tolist() == [-1.0, 2.0]
    # The target against the best other class: 3 - 4 and 1 - 5.
    assert margin(LOGITS, CHOSEN).tolist() == [-1.0, -4.0]


def test_dlr_by_hand() -> None:
    # The same leads over the gap from the first logit to the third: 4 - 1 and 5 - 2.
    torch.testing.assert_close(dlr(LOGITS, ANY_WRONG), torch.tensor([-1 / 3, 2 / 3]))
    # The target against the true class, over the gap from the first to the mean of the third and fourth:
    # (3 - 4) / (4 - 0.5) and (1 - 3) / (5 - 1.5).
    torch.testing.assert_close(dlr(LOGITS, CHOSEN), torch.tensor([-1 / 3.5, -2 / 3.5]))


@pytest.mark.parametrize("goal", [ANY_WRONG, CHOSEN], ids=["untargeted", "targeted"])
@given(shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
def test_dlr_depends_on_neither_the_shift_nor_the_scale_of_the_logits(
    goal: Goal, shift: float, scale: float
) -> None:
    moved = dlr(scale * LOGITS.double() + shift, goal)
    torch.testing.assert_close(moved, dlr(LOGITS.double(), goal), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("goal", [ANY_WRONG, CHOSEN], ids=["untargeted", "targeted"])
@pytest.mark.parametrize(
    "logits",
    [LOGITS, torch.zeros(2, 4), 1e4 * LOGITS, 1e-30 * LOGITS, torch.tensor([[3.0, 3, 3, 0], [0, 3, 3, 3]])],
    ids=["usual", "all-equal", "huge", "tiny", "ties"],
)
def test_losses_and_their_gradients_are_finite(loss: str, goal: Goal, logits: Tensor) -> None:
    leaf = logits.clone().requires_grad_()
    value = LOSSES[loss](leaf, goal)
    (gradient,) = torch.autograd.grad(value.sum(), leaf)
    assert value.shape == (2,)
    assert torch.isfinite(value).all()
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("goal", [ANY_WRONG, CHOSEN], ids=["untargeted", "targeted"])
def test_a_step_along_the_gradient_leads_towards_the_goal(loss: str, goal: Goal) -> None:
    leaf = LOGITS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(LOSSES[loss](leaf, goal).sum(), leaf)
    assert (margin(LOGITS + 0.1 * gradient, goal) > margin(LOGITS, goal)).all()


def test_margin_is_positive_exactly_where_the_goal_is_reached() -> None:
    logits = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    y = torch.arange(200) % 4
    for goal in (Goal(y), Goal(y, (y + 1) % 4)):
        assert torch.equal(margin(logits, goal) > 0, goal.reached(logits))


def test_cross_entropy_fades_on_a_confident_model_where_margin_does_not() -> None:
    leaf = torch.tensor([[200.0, 0.0]], requires_grad=True)
    goal = Goal(torch.tensor([0]))
    (faded,) = torch.autograd.grad(ce(leaf, goal).sum(), leaf)
    (kept,) = torch.autograd.grad(margin(leaf, goal).sum(), leaf)
    assert faded.tolist() == [[0.0, 0.0]]
    assert kept.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize(("goal", "needed"), [(ANY_WRONG, 3), (CHOSEN, 4)], ids=["untargeted", "targeted"])
def test_dlr_with_too_few_classes_names_the_loss_that_works(goal: Goal, needed: int) -> None:
    with pytest.raises(AssayError, match=rf"needs {needed} classes, and there are {needed - 1}.*\"margin\""):
        dlr(torch.zeros(2, needed - 1), goal)
    require_classes("dlr", needed, goal.target is not None)
    require_classes("margin", 2, goal.target is not None)
