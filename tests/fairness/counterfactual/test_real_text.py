"""Swaps of texts that people wrote, where the shared data is there."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from fairness.counterfactual.swapping import Swapper
from fairness.counterfactual.terms import load_terms

HATEXPLAIN = Path(__file__).parents[4] / "shared" / "data" / "hatexplain" / "hatexplain.csv"
needs_data = pytest.mark.skipif(not HATEXPLAIN.exists(), reason=f"{HATEXPLAIN} is not there")
SWAPPER = Swapper(load_terms())


@pytest.fixture(scope="module")
def texts() -> list[str]:
    with HATEXPLAIN.open(encoding="utf-8", newline="") as stream:
        return [row["text"] for row in csv.DictReader(stream)][:3000]


@needs_data
def test_after_a_swap_nothing_of_the_old_group_is_left(texts: list[str]) -> None:
    checked = 0
    for text in texts:
        for swap in SWAPPER.swaps(text):
            if swap.axis != "gender":
                left = [each for each in SWAPPER.mentions(swap.text) if each.axis == swap.axis]
                assert swap.old not in {each.group for each in left}, swap.terms
                checked += 1
    assert checked > 3000


@needs_data
def test_after_a_swap_the_new_group_is_found_nearly_always(texts: list[str]) -> None:
    """Not always: in lower case "polish" and "turkey" count for something else, and so may "so straight"."""
    found = Counter[bool]()
    for text in texts:
        for swap in SWAPPER.swaps(text):
            if swap.new in ("Polish", "Turkish"):
                continue
            groups = {each.group for each in SWAPPER.mentions(swap.text) if each.axis == swap.axis}
            found[swap.new in groups] += 1
    assert found[True] / found.total() > 0.98


@needs_data
def test_many_posts_name_somebody_and_lower_case_stays(texts: list[str]) -> None:
    swaps = [SWAPPER.swaps(text) for text in texts]
    assert sum(map(bool, swaps)) > len(texts) / 3
    lower = [
        str(each.text) for text, found in zip(texts, swaps, strict=True) if text.islower() for each in found
    ]
    assert lower == [each.lower() for each in lower]
