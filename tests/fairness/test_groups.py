"""Groupings: columns, intersections, indicator columns and cells that name several groups."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attacks.errors import AssayError
from fairness.group_columns import MAX_GROUPS
from fairness.groups import (
    Grouping,
    all_groupings,
    check_names,
    columns_of,
    intersections,
    multi_valued,
    overlapping,
)


def members_by_name(grouping: Grouping) -> dict[str, list[int]]:
    """{group: indices of its examples}, checked against every other way to ask."""
    masks = {value: np.flatnonzero(grouping.mask(g)).tolist() for g, value in enumerate(grouping.values)}
    assert [rows.tolist() for rows in grouping.rows()] == list(masks.values())
    assert grouping.n.tolist() == [len(rows) for rows in masks.values()]
    assert list(grouping.values) == sorted(grouping.values)
    assert grouping.members.shape == (grouping.cells.max() + 1, len(grouping.values))
    return masks


def text(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def test_a_column_sorts_every_example_into_one_group():
    (gender,) = columns_of({"gender": text("m", "f", "m", "(missing)")})
    assert (gender.name, gender.kind, gender.disjoint) == ("gender", "column", True)
    assert members_by_name(gender) == {"(missing)": [3], "f": [1], "m": [0, 2]}


def test_fixed_width_text_and_pandas_columns_are_columns_too():
    values = ["x", "yy", "x"]
    forms = (np.array(values), pd.Series(values), pd.Series(values).astype("category"))
    for form in forms:
        assert members_by_name(columns_of({"a": form})[0]) == {"x": [0, 2], "yy": [1]}


COLUMNS = {
    "a": text("x", "x", "y", "y", "y"),
    "b": text("1", "2", "1", "1", "1"),
    "c": text("p", "p", "p", "q", "q"),
}


def test_intersections_are_the_combinations_that_occur():
    pairs = intersections(COLUMNS, 2, 30)
    assert [grouping.name for grouping in pairs] == ["a & b", "a & c", "b & c"]
    assert {grouping.kind for grouping in pairs} == {"intersection"}
    assert members_by_name(pairs[0]) == {"x & 1": [0], "x & 2": [1], "y & 1": [2, 3, 4]}
    assert all(grouping.disjoint for grouping in pairs)


def test_depth_is_the_largest_number_of_columns():
    assert intersections(COLUMNS, 1, 30) == []
    assert intersections({}, 3, 30) == []
    deep = intersections(COLUMNS, 9, 30)
    assert [grouping.name for grouping in deep] == ["a & b", "a & c", "b & c", "a & b & c"]
    assert members_by_name(deep[-1])["y & 1 & q"] == [3, 4]


@given(st.lists(st.tuples(*[st.sampled_from(["u", "v", "w w", "v!"])] * 3), min_size=1, max_size=40))
def test_intersections_agree_with_a_dictionary_of_rows(rows):
    columns = {name: text(*(row[i] for row in rows)) for i, name in enumerate("abc")}
    found = {grouping.name: members_by_name(grouping) for grouping in intersections(columns, 3, 1)}
    for size in (2, 3):
        for chosen in itertools.combinations(range(3), size):
            expected: dict[str, list[int]] = {}
            for i, row in enumerate(rows):
                expected.setdefault(" & ".join(row[c] for c in chosen), []).append(i)
            assert found[" & ".join("abc"[c] for c in chosen)] == expected


def test_with_very_many_combinations_the_small_ones_belong_to_no_group():
    # 1,600 combinations of one example each, of which one gets two more.
    a, b = np.divmod(np.arange(1600), 40)
    columns = {
        name: np.array([f"{code:02d}" for code in [*codes, 7, 7]], dtype=object)
        for name, codes in (("a", a), ("b", b))
    }
    (both,) = intersections(columns, 2, 3)
    assert members_by_name(both) == {"07 & 07": [7 * 40 + 7, 1600, 1601]}
    assert not both.disjoint
    with pytest.raises(AssayError, match=r"1,600 combinations have at least 1 examples; at most 1,000"):
        intersections(columns, 2, 1)


def test_two_combinations_of_one_name_are_refused():
    columns = {"a": text("x", "x & y"), "b": text("y & z", "z")}
    with pytest.raises(AssayError, match='two different combinations would be named "x & y & z"'):
        intersections(columns, 2, 1)


def test_an_intersection_may_not_be_named_as_a_column():
    with pytest.raises(AssayError, match='two groupings are named "a & b"'):
        intersections({**COLUMNS, "a & b": COLUMNS["a"]}, 2, 1)
    with pytest.raises(AssayError, match='two groupings are named "a"'):
        check_names([*columns_of(COLUMNS), overlapping("a", {"x": np.ones(5, dtype=int)})])


def test_indicator_columns_are_groups_that_overlap():
    columns = {"religion": text("1", "0", "1", "0"), "gender": text("TRUE", "False", "false", "true")}
    identity = overlapping("identity", columns)
    assert (identity.kind, identity.disjoint) == ("overlapping", False)
    assert members_by_name(identity) == {"gender": [0, 3], "religion": [0, 2]}
    # (0, 0), (0, 1), (1, 0) and (1, 1) of gender and religion: four patterns, four cells.
    assert identity.members.tolist() == [[False, False], [False, True], [True, False], [True, True]]


def test_indicators_may_be_words_numbers_or_truth_values():
    forms = [text("yes", "No"), np.array([1, 0]), np.array([1.0, 0.0]), np.array([True, False])]
    for form in forms:
        assert members_by_name(overlapping("x", {"g": form})) == {"g": [0]}


def test_a_group_of_nobody_is_kept_and_empty():
    grouping = overlapping("x", {"g": text("1", "0"), "nobody": text("0", "0")})
    assert members_by_name(grouping) == {"g": [0], "nobody": []}


def test_many_overlapping_groups_are_told_apart():
    rng = np.random.default_rng(0)
    columns = {f"g{i:03d}": rng.integers(0, 2, 50) for i in range(100)}
    found = members_by_name(overlapping("x", columns))
    assert found == {name: np.flatnonzero(column).tolist() for name, column in columns.items()}


def test_a_cell_can_name_several_groups():
    column = text("black;female", "female", "(missing)", "", " black ; ", "female;black")
    grouping = multi_valued("identity", column, ";")
    assert grouping.kind == "overlapping"
    assert members_by_name(grouping) == {"black": [0, 4, 5], "female": [0, 1, 5]}


def test_only_the_columns_that_stand_alone_are_assessed_by_themselves_and_crossed():
    columns = {"gender": text("f", "m", "f"), "age": text("x", "y", "y"), "black": text("1", "0", "1")}
    several = {"identity": ["black"]}

    def names(alone):
        return [each.name for each in all_groupings(columns, alone=alone, depth=2, several=several)]

    assert names(["gender", "age"]) == ["gender", "age", "gender & age", "identity"]
    assert names(["gender"]) == ["gender", "identity"]
    assert names([]) == ["identity"]
    everything = ["gender", "age", "black", "gender & age", "gender & black", "age & black", "identity"]
    assert names(None) == names(["gender", "age", "black"]) == everything


MISTAKES = {
    "an unknown column alone": (
        lambda: all_groupings({"gender": text("f", "m")}, alone=["gendre"]),
        'group columns: there is no group column "gendre".* "gender"',
    ),
    "an unknown overlapping column": (
        lambda: all_groupings({"black": text("0", "1")}, several={"identity": ["blak"]}),
        'overlapping groups "identity": there is no group column "blak".* "black"',
    ),
    "nothing at all": (lambda: all_groupings({}, alone=[]), "expected at least one group column"),
    "no column": (lambda: columns_of({}), "expected at least one group column, got none"),
    "short column": (
        lambda: columns_of({"a": text("x"), "b": text("x", "y")}),
        r'group column "b": expected one value for each of 1 examples, got an array of shape \(2,\)',
    ),
    "length given": (lambda: columns_of({"a": text("x")}, 3), "one value for each of 3 examples"),
    "no rows": (lambda: columns_of({"a": text()}), 'group column "a": expected at least one example'),
    "a number": (
        lambda: columns_of({"a": np.array(["x", 3], dtype=object)}),
        r'group column "a", example 1 \(counted from 0\): expected text, got 3; write numbers as text',
    ),
    "nan": (lambda: columns_of({"a": np.array(["x", np.nan], dtype=object)}), "example 1 .* got nan"),
    "numbers": (lambda: columns_of({"a": np.arange(3)}), 'group column "a", example 0 .* got 0'),
    "only missing": (
        lambda: columns_of({"a": text("(missing)", "(missing)", " ")}),
        'group column "a": all 3 values are missing, so there is nothing to compare',
    ),
    "only missing in an intersection": (
        lambda: intersections({"a": text("(missing)"), "b": text("x")}, 2, 1),
        'group column "a": the one value is missing',
    ),
    "an id": (
        lambda: columns_of({"user": np.arange(MAX_GROUPS + 1).astype(str)}),
        'group column "user": 1,001 different values in 1,001 examples: probably an id',
    ),
    "an id among names": (
        lambda: multi_valued("tags", np.arange(MAX_GROUPS + 1).astype(str), ";"),
        'group column "tags": 1,001 different values .* probably an id',
    ),
    "only missing names": (lambda: multi_valued("t", text("", "(missing)"), ";"), "all 2 values are missing"),
    "only separators": (lambda: multi_valued("t", text(";", " ; "), ";"), "names no group"),
    "empty separator": (lambda: multi_valued("t", text("x"), ""), "expected a separator"),
    "depth of zero": (lambda: intersections(COLUMNS, 0, 1), "expected a depth of at least 1"),
    "no indicator": (lambda: overlapping("x", {}), "expected at least one column of 0 and 1"),
    "no 0 or 1": (
        lambda: overlapping("x", {"g": text("1", "0", "maybe")}),
        r'overlapping groups "x", column "g", example 2 \(counted from 0\): expected 0 or 1 .* got \'maybe\'',
    ),
    "a share": (lambda: overlapping("x", {"g": np.array([0.0, 0.4])}), 'column "g", example 1 .* got 0.4'),
    "missing indicator": (
        lambda: overlapping("x", {"g": text("1", "(missing)")}),
        r"example 1 .* got '\(missing\)'; .* give a missing value one of the two",
    ),
    "indicator nan": (lambda: overlapping("x", {"g": np.array([1.0, np.nan])}), "example 1 .* got nan"),
    "short indicator": (
        lambda: overlapping("x", {"g": text("1", "0"), "h": text("1")}),
        'column "h": expected one value for each of 2 examples',
    ),
    "too many indicators": (
        lambda: overlapping("x", {str(i): text("1") for i in range(MAX_GROUPS + 1)}),
        "expected at most 1,000 columns, got 1,001",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_place(mistake):
    call, message = MISTAKES[mistake]
    with pytest.raises(AssayError, match=message):
        call()


def test_as_many_groups_as_allowed_are_accepted():
    assert len(columns_of({"a": np.arange(MAX_GROUPS).astype(str)})[0].values) == MAX_GROUPS
