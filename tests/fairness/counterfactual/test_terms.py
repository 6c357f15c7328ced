"""Which terms are swapped: the tables, and files of a user's own."""

from pathlib import Path

import pytest

from attacks.errors import AssayError
from fairness.counterfactual.swapping import Swapper
from fairness.counterfactual.terms import AXES, load_terms, read_terms

WHOLE = "axis,group,term,slot\n"


def written(folder: Path, text: str, name: str = "terms.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("axis", AXES)
def test_every_group_of_every_table_can_be_swapped_for_another(axis: str) -> None:
    (terms,) = load_terms([axis])
    assert terms.axis == axis
    for slot, by_group in terms.slots.items():
        assert len(by_group) > 1, slot
        for group, words in by_group.items():
            others = [each for each in by_group if each != group]
            for position, word in enumerate(words):
                assert word == word.strip() != ""
                assert all(terms.counterpart(slot, position, other) for other in others)


def test_names_of_two_groups_are_as_many() -> None:
    (terms,) = load_terms(["names"])
    for by_group in terms.slots.values():
        assert len({len(names) for names in by_group.values()}) == 1


def test_axes_come_in_the_order_in_which_they_are_named() -> None:
    assert [each.axis for each in load_terms(["religion", "age"])] == ["religion", "age"]
    assert tuple(each.axis for each in load_terms()) == AXES


def test_terms_of_a_file_go_with_each_other_by_slot_and_position(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "axis,group,term,slot\n"
        "team,reds,red fan,person\nteam,reds,Red supporter,person\nteam,reds,red fans,people\n"
        'team,blues,blue fan,person\n"team",blues,Blue supporter,person\nteam,blues,blue fans,people\n'
        "team,greens,green fan,person\n",
    )
    swapper = Swapper(load_terms(["team"], [file]))
    assert [str(each.text) for each in swapper.swaps("A red fan.")] == ["A blue fan.", "A green fan."]
    assert [str(each.text) for each in swapper.swaps("a Red supporter")] == [
        "a Blue supporter",
        "a green fan",
    ]
    assert [str(each.text) for each in swapper.swaps("Red fans!")] == ["Blue fans!"]


def test_without_the_column_slot_all_terms_of_an_axis_share_one(tmp_path: Path) -> None:
    file = written(tmp_path, "group,axis,term\none,x,ab\ntwo,x,cd\n")
    (terms,) = read_terms(file)
    assert terms.slots == {"term": {"one": ("ab",), "two": ("cd",)}}


def test_json_lines_say_the_same_as_csv(tmp_path: Path) -> None:
    lines = '{"axis": "x", "group": "one", "term": "ab"}\n\n{"axis": "x", "group": "two", "term": " c  d "}\n'
    (terms,) = read_terms(written(tmp_path, lines, "terms.jsonl"))
    assert terms.slots == {"term": {"one": ("ab",), "two": ("c d",)}}


def test_an_axis_of_a_file_replaces_the_table_of_that_name(tmp_path: Path) -> None:
    file = written(tmp_path, "axis,group,term\nage,kid,kid\nage,grown,grown-up\n")
    found = load_terms(["gender", "age"], [file])
    assert [each.axis for each in found] == ["gender", "age"]
    assert found[1].groups == ("kid", "grown")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "row 1: expected the columns axis, group, term and, where wanted, slot, got nothing"),
        ("axis,group\nx,a\n", "row 1: expected the columns axis, group, term"),
        ("axis,group,term,weight\nx,a,b,1\n", "got axis, group, term, weight"),
        ("axis,group,term,term\nx,a,b,c\n", "row 1: expected the columns"),
        ("axis,group,term\n", "got a file without any"),
        ("axis,group,term\nx,a\n", "row 2: expected 3 cells, as the first row has, got 2"),
        ("axis,group,term\nx,a,b\nx,a,b,c\n", "row 3: expected 3 cells, as the first row has, got 4"),
        ("axis,group,term\nx,,b\n", "row 2: expected text for group, got nothing"),
        (WHOLE + "x,a,b,\n", "row 2: expected text for slot, got nothing"),
        ("axis,group,term\nx,a,7up\n", 'row 2: expected a term that starts with a letter, got "7up"'),
        ("axis,group,term\nx,a,one\nx,b,One\n", 'row 3: the term "One" of the axis "x" stands in row 2 too'),
        ("axis,group,term\nx,a,one\n", 'two groups or more for the axis "x", got only "a"'),
        ('axis,group,term\nx,a,"one\n', "not valid CSV"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(AssayError) as error:
        read_terms(file)
    assert str(file) in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "row 2: not valid JSON"),
        ("[1]", "row 2: expected an object whose values are texts, got [1]"),
        ('{"axis": "x", "group": 1, "term": "a"}', "row 2: expected an object whose values are texts"),
        ('{"axis": "x", "term": "a"}', "row 2: expected the columns axis, group, term"),
    ],
)
def test_a_bad_line_of_json_is_refused_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    file = written(tmp_path, '{"axis": "x", "group": "one", "term": "ab"}\n' + line + "\n", "terms.jsonl")
    with pytest.raises(AssayError) as error:
        read_terms(file)
    assert f"{file}, {message}" in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"no\.csv: cannot be read: No such file"):
        read_terms(tmp_path / "no.csv")
    (tmp_path / "latin.csv").write_bytes("axis,group,term\nx,a,Müller\n".encode("latin-1"))
    with pytest.raises(AssayError, match=r"latin\.csv: expected UTF-8"):
        read_terms(tmp_path / "latin.csv")


def test_an_unknown_axis_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r'"religon".*Did you mean "religion"'):
        load_terms(["religon"])
    with pytest.raises(AssayError, match='"age" is given twice'):
        load_terms(["age", "age"])
    with pytest.raises(AssayError, match="expected at least one axis, got none"):
        load_terms([])
    file = written(tmp_path, "axis,group,term\nteams,a,one\nteams,b,two\n")
    with pytest.raises(AssayError, match=r'the axis "teams" stands in .*terms\.csv too'):
        load_terms(None, [file, file])
    with pytest.raises(AssayError, match=r'"team"\. Did you mean "teams"\? Axes: gender, .*, age, teams\.'):
        load_terms(["team"], [file])


def test_axes_of_files_can_be_named_and_then_no_others_are_swapped(tmp_path: Path) -> None:
    rows = "x,a,one\nx,b,two\ny,c,three\ny,d,four\n"
    file = written(tmp_path, f"axis,group,term\n{rows}")
    assert [each.axis for each in load_terms(["x"], [file])] == ["x"]
    assert [each.axis for each in load_terms(["y", "age", "x"], [file])] == ["y", "age", "x"]
    assert [each.axis for each in load_terms(None, [file])] == [*AXES, "x", "y"]


def test_a_file_that_a_run_would_not_use_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "axis,group,term\nx,a,one\nx,b,two\n")
    told = r"terms\.csv: none of its axes \(x\) is among the axes of this run: gender\. Add one, or leave"
    with pytest.raises(AssayError, match=told):
        load_terms(["gender"], [file])


def test_a_file_that_is_wrong_is_told_before_an_axis_that_is(tmp_path: Path) -> None:
    file = written(tmp_path, "group,term\na,one\nb,two\n")
    with pytest.raises(AssayError, match=r"terms\.csv, row 1: expected the columns axis, group, term"):
        load_terms(["x"], [file])
