import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.norms import ascent_direction, delta_norm, project, shift

GRADIENT = torch.tensor([[[3.0, 0.0], [-4.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
ALL = torch.ones(2, 2, dtype=torch.bool)


def test_norms_run_over_all_tokens_of_an_example() -> None:
    assert delta_norm(GRADIENT, "l2").tolist() == [5.0, 0.0]
    assert delta_norm(GRADIENT, "linf").tolist() == [4.0, 0.0]


def test_ascent_direction_is_the_sign_or_the_normalised_gradient_and_zero_for_no_gradient() -> None:
    assert ascent_direction(GRADIENT, ALL, "linf").tolist() == [[[1, 0], [-1, 0]], [[0, 0], [0, 0]]]
    expected = torch.tensor([[[0.6, 0.0], [-0.8, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(ascent_direction(GRADIENT, ALL, "l2"), expected)


def test_masked_tokens_do_not_count_in_the_norm_of_the_direction() -> None:
    mask = torch.tensor([[True, False], [True, True]])
    for norm in ("linf", "l2"):
        assert ascent_direction(GRADIENT, mask, norm).tolist() == [[[1, 0], [0, 0]], [[0, 0], [0, 0]]]


def test_nan_and_infinite_gradients_stay_visible() -> None:
    for broken in (float("nan"), float("inf")):
        for norm in ("linf", "l2"):
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
    for norm in ("linf", "l2"):
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
