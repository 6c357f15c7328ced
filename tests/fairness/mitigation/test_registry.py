"""What every mitigation declares, and what is refused before anything is computed."""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import pytest

from attacks.errors import AssayError
from fairness.mitigation import registry
from fairness.mitigation.base import DataMitigation, GroupMitigation, ModelMitigation
from tests.robustness.tiny import tiny_dataset

NAMES = list(registry.available())
DESCRIBED = {each.name: each for each in registry.describe()}


@pytest.mark.parametrize("name", NAMES)
def test_every_method_says_what_it_is_and_what_its_parameters_mean(name: str) -> None:
    described, method = DESCRIBED[name], registry.available()[name]
    assert described.summary.endswith(".")
    assert all(parameter.help for parameter in described.parameters)
    assert described.stage == method.stage
    assert issubclass(method, DataMitigation) == (method.stage == "data")
    assert issubclass(method, ModelMitigation) == (method.stage in ("embeddings", "predictions"))
    assert all(find_spec(package) is not None for package in method.packages), "the extra is tested too"
    words = f"{described.summary} {method.__doc__}".lower()
    assert "debias" not in words
    assert "unbiased" not in words


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_known_by_name(name: str) -> None:
    with pytest.raises(AssayError, match=f'Mitigation "{name}" has no parameter "grop"'):
        registry.build(name, {"grop": "gender"}, also=["method"])


def test_an_unknown_method_is_refused_with_the_nearest() -> None:
    with pytest.raises(AssayError, match=r'got "reweighting"\. Did you mean "reweighing"\?'):
        registry.build("reweighting", {})


@dataclass(frozen=True, kw_only=True)
class ByGroup(ModelMitigation):
    """A method that asks for the group."""

    name: ClassVar[str] = "by-group"
    stage: ClassVar[Any] = "predictions"
    needs_group: ClassVar[bool] = True
    binary_only: ClassVar[bool] = True

    def apply(self, classifier: Any, training: Any, validation: Any, seed: int) -> Any:
        raise AssertionError("only what is checked before is tested here")


@dataclass(frozen=True, kw_only=True)
class Alike(ByGroup):
    """A method that learns from groups and does not ask for them afterwards."""

    name: ClassVar[str] = "alike"
    needs_group: ClassVar[bool] = False
    binary_only: ClassVar[bool] = False


def splits(*names: str) -> Any:
    """Eight examples; the last two of the test data are of a group that may be seen nowhere else."""
    data = tiny_dataset(8)
    return replace(
        data,
        splits=np.array(["train"] * 4 + ["validation"] * 2 + ["test"] * 2),
        groups={"team": np.array(list("abab") + list(names) + ["c", "a"])},
    )


def test_a_group_that_only_test_examples_have_is_refused_where_the_model_will_ask_for_it() -> None:
    with pytest.raises(
        AssayError, match=r'"by-group" treats each group of "team".*example has the group "c"\.'
    ):
        ByGroup(group="team").check(splits("a", "b"))
    ByGroup(group="team").check(splits("a", "c"))
    Alike(group="team").check(splits("a", "b"))


def test_many_unseen_groups_are_counted() -> None:
    data = tiny_dataset(20)
    teams = np.array(["a", "b", *(f"t{row:02}" for row in range(18))])
    data = replace(data, splits=np.array(["train"] * 2 + ["test"] * 18), groups={"team": teams})
    with pytest.raises(AssayError, match='"t00", "t01", "t02", "t03", "t04" and 13 more'):
        ByGroup(group="team").check(data)


@pytest.mark.parametrize("method", [ByGroup, Alike])
def test_a_column_that_is_missing_or_has_one_group_is_refused(method: type[GroupMitigation]) -> None:
    with pytest.raises(
        AssayError, match=r'no group column "tem"\. Did you mean "team"\? Group columns: team\.'
    ):
        method(group="tem").check(splits("a", "b"))
    alone = splits("a", "b").take([0, 2, 4])
    with pytest.raises(AssayError, match=r'at least two groups in "team".*got "a"'):
        method(group="team").check(alone)


def test_more_labels_than_two_are_refused_by_methods_for_two() -> None:
    data = replace(splits("a", "c"), label_names=("x", "y", "z"))
    with pytest.raises(AssayError, match=r"expected data with 2 labels, got 3 \(x, y, z\)"):
        ByGroup(group="team").check(data)
    Alike(group="team").check(data)
