from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.norms import (
    ascent_direction,
    delta_norm,
    dual_norm,
    project,
    shift,
    uniform_in_ball,
    uniform_on_sphere,
)
from attacks.threat_model import Norm

GRADIENT = torch.tensor([[[3.0, 0.0], [-4.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
NORMS = get_args(Norm)
ALL = torch.ones(2, 2, dtype=torch.bool)


def test_norms_run_over_all_tokens_of_an_example() -> None:
    assert delta_norm(GRADIENT, "l2").tolist() == [5.0, 0.0]
    assert delta_norm(GRADIENT, "linf").tolist() == [4.0, 0.0]


def test_the_norm_per_token_is_that_of_the_largest_token() -> None:
    delta = torch.tensor([[[3.0, 4.0], [0.0, 6.0]]])
    assert delta_norm(delta, "l2_per_token").tolist() == [6.0]


def test_the_direction_per_token_has_length_1_at_every_token_with_a_gradient() -> None:
    gradient = torch.tensor([[[3.0, 4.0], [0.0, 1e-30], [0.0, 0.0]]])
    direction = ascent_direction(gradient, torch.ones(1, 3, dtype=torch.bool), "l2_per_token")
    torch.testing.assert_close(direction, torch.tensor([[[0.6, 0.8], [0.0, 1.0], [0.0, 0.0]]]))


def test_projection_per_token_leaves_the_tokens_inside_alone() -> None:
    delta = torch.tensor([[[3.0, 4.0], [0.0, 1.0]]])
    projected = project(delta, "l2_per_token", 2.0)
    torch.testing.assert_close(projected, torch.tensor([[[1.2, 1.6], [0.0, 1.0]]]))


@pytest.mark.parametrize("norm", NORMS)
def test_each_example_may_have_a_radius_of_its_own(norm: Norm) -> None:
    delta = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    radii = torch.tensor([0.1, 0.5, 100.0])
    together = project(delta, norm, radii)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], project(delta[i : i + 1], norm, float(radii[i])))


def test_the_dual_norm_by_hand() -> None:
    gradient = torch.tensor([[[3.0, -4.0], [5.0, 12.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    assert dual_norm(gradient, mask, "linf").tolist() == [24.0]
    assert dual_norm(gradient, mask, "l2").tolist() == [pytest.approx(194**0.5)]
    assert dual_norm(gradient, mask, "l2_per_token").tolist() == [18.0]


@pytest.mark.parametrize("norm", NORMS)
def test_the_dual_norm_is_the_rise_along_the_ascent_direction(norm: Norm) -> None:
    gradient = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.rand(5, 3, generator=torch.Generator().manual_seed(1)) < 0.7
    rise = (gradient * ascent_direction(gradient, mask, norm)).sum(dim=(1, 2))
    torch.testing.assert_close(dual_norm(gradient, mask, norm), rise)


@pytest.mark.parametrize("norm", NORMS)
def test_points_on_the_sphere_have_the_full_norm_and_depend_on_their_seed_only(norm: Norm) -> None:
    mask = torch.tensor([[True, True, True], [True, True, False]])
    points = uniform_on_sphere(torch.zeros(2, 3, 4), mask, norm, 2.0, [7, 8])
    assert delta_norm(points, norm).tolist() == pytest.approx([2.0, 2.0])
    assert not points[1, 2].any()
    alone = uniform_on_sphere(torch.zeros(1, 2, 4), mask[1:, :2], norm, 2.0, [8])
    assert torch.equal(points[1, :2], alone[0])


@pytest.mark.parametrize("norm", NORMS)
def test_an_example_without_a_token_to_move_is_left_alone(norm: Norm) -> None:
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    for draw in (uniform_in_ball, uniform_on_sphere):
        assert torch.equal(draw(torch.zeros(1, 3, 4), nothing, norm, 2.0, [7]), torch.zeros(1, 3, 4))


def test_per_token_every_token_is_drawn_to_its_own_budget() -> None:
    mask = torch.ones(1, 50, dtype=torch.bool)
    sphere = uniform_on_sphere(torch.zeros(1, 50, 4), mask, "l2_per_token", 2.0, [7])
    torch.testing.assert_close(sphere.norm(dim=2), torch.full((1, 50), 2.0))
    inside = uniform_in_ball(torch.zeros(1, 50, 4), mask, "l2_per_token", 2.0, [7]).norm(dim=2)
    assert inside.max() <= 2.0
    assert inside.std() > 0.1


def test_ascent_direction_is_the_sign_or_the_normalised_gradient_and_zero_for_no_gradient() -> None:
    assert ascent_direction(GRADIENT, ALL, "linf").tolist() == [[[1, 0], [-1, 0]], [[0, 0], [0, 0]]]
    expected = torch.tensor([[[0.6, 0.0], [-0.8, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(ascent_direction(GRADIENT, ALL, "l2"), expected)


def test_masked_tokens_do_not_count_in_the_norm_of_the_direction() -> None:
    mask = torch.tensor([[True, False], [True, True]])
    for norm in NORMS:
        assert ascent_direction(GRADIENT, mask, norm).tolist() == [[[1, 0], [0, 0]], [[0, 0], [0, 0]]]


def test_nan_and_infinite_gradients_stay_visible() -> None:
    for broken in (float("nan"), float("inf")):
        for norm in NORMS:
            direction = ascent_direction(torch.tensor([[[broken, 1.0]]]), ALL[:1, :1], norm)
            assert direction.isnan().any()


@pytest.mark.parametrize("tiny", [1e-25, 1e-44])
def test_a_gradient_whose_squares_vanish_keeps_its_direction(tiny: float) -> None:
    direction = ascent_direction(torch.tensor([[[tiny, -tiny]]]), ALL[:1, :1], "l2")
    torch.testing.assert_close(direction, torch.tensor([[[0.5**0.5, -(0.5**0.5)]]]))


def test_projection_clamps_or_rescales_only_what_is_outside() -> None:
    assert project(GRADIENT, "linf", 3.5).tolist() == [[[3, 0], [-3.5, 0]], [[0, 0], [0, 0]]]
    expected = torch.tensor([[[1.5, 0.0], [-2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(project(GRADIENT, "l2", 2.5), expected)
    assert torch.equal(project(GRADIENT, "l2", 6.0), GRADIENT)
    for norm in NORMS:
        assert torch.equal(project(GRADIENT, norm, 0.0), torch.zeros_like(GRADIENT))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@given(seed=st.integers(0, 2**32), size=st.floats(1e-4, 1.0))
@settings(max_examples=25, deadline=None)
def test_rounding_never_carries_a_shift_beyond_its_delta(dtype: torch.dtype, seed: int, size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(3, 4, 5, generator=generator).to(dtype)
    delta = size * (2 * torch.rand(3, 4, 5, generator=generator) - 1)
    moved = shift(embeddings, delta, torch.ones(3, 4, dtype=torch.bool))
    assert moved.dtype == dtype
    slack = 1e-6 if dtype == torch.float32 else 0.0
    assert ((moved.float() - embeddings.float()).abs() <= delta.abs() + slack).all()


def test_masked_embeddings_are_kept_bit_for_bit() -> None:
    embeddings = torch.tensor([[[-0.0, 1.0]]])
    kept = shift(embeddings, torch.ones(1, 1, 2), torch.tensor([[False]]))
    assert torch.equal(kept.view(torch.int32), embeddings.view(torch.int32))
