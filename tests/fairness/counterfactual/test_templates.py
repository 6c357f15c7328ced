"""Templates filled with the terms of every axis."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from attacks.errors import AssayError
from fairness.counterfactual.examples import Example
from fairness.counterfactual.tables.sentences import SENTENCES
from fairness.counterfactual.templates import (
    MOST_MEMBERS,
    IdentityTemplate,
    built_in_templates,
    read_templates,
    template_examples,
)
from fairness.counterfactual.terms import AXES, load_terms

LABELS = ("normal", "abusive")


def filled(text: str, axes: Sequence[str], label: str | None = None) -> list[Example]:
    return template_examples([IdentityTemplate(text, label, "row 2")], load_terms(axes), LABELS)


def texts(example: Example) -> dict[str, str]:
    return {swap.new: str(swap.text) for swap in example.swaps}


def test_a_slot_takes_the_term_of_every_group_with_its_article_and_capital() -> None:
    (example,) = filled("I met a {person}. {people} are nice.", ["sexual_orientation"], "normal")
    assert texts(example) == {
        "gay": "I met a gay person. Gay people are nice.",
        "straight": "I met a straight person. Straight people are nice.",
        "bisexual": "I met a bisexual person. Bisexual people are nice.",
    }
    assert (example.label, example.before) == ("normal", None)
    (example,) = filled("a {religion.person}", ["religion"])
    assert texts(example)["atheist"] == "an atheist"
    assert example.swaps[0].terms == (("", "Christian"),)


def test_gender_has_its_own_words_for_the_slots_of_other_axes() -> None:
    (example,) = filled("A {person} among {people}, {adjective}.", ["gender"])
    assert list(texts(example).values()) == ["A man among men, male.", "A woman among women, female."]
    (example,) = filled("{gender} students", ["gender"])
    assert list(texts(example).values()) == ["Male students", "Female students"]
    (example,) = filled("{gender.he} took {gender.determiner} bag.", ["gender"])
    assert list(texts(example).values()) == ["He took his bag.", "She took her bag."]


def test_all_names_stand_in_a_template_women_apart_from_men() -> None:
    men, women = filled("{name} met {name}.", ["names"])
    for example, count in ((men, 8), (women, 7)):
        assert len(example.swaps) == 4 * count
        assert all(str(swap.text).split()[0] == swap.terms[0][1] for swap in example.swaps)
    assert men.original == "{names.men's name} met {names.men's name}."
    (gender,) = filled("{name}.", ["gender"])
    assert len(gender.swaps) == 2 * MOST_MEMBERS


def test_each_axis_that_has_the_slot_makes_an_example_of_its_own() -> None:
    found = filled("I like {people}.", AXES)
    axes = [swap.axis for example in found for swap in example.swaps[:1]]
    assert axes == [axis for axis in AXES if axis != "names"]
    assert len({example.id for example in found}) == len(found)


def test_built_in_templates_fit_the_axes_and_have_labels_for_their_tones() -> None:
    templates = built_in_templates({"negative": "abusive"})
    assert [each.label for each in templates].count("abusive") == len(SENTENCES["negative"])
    examples = template_examples(templates, load_terms(), LABELS)
    assert {swap.axis for example in examples for swap in example.swaps} == set(AXES)
    assert all("{" not in str(swap.text) for example in examples for swap in example.swaps)
    used = template_examples(templates, load_terms(["age"]), LABELS)
    assert 0 < len(used) < len(templates)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nobody", "expected slots in braces"),
        ("a {person", "expected slots in braces"),
        ("a {person}}", "expected slots in braces"),
        ("a {persn}", r'no axis of this run has a slot {persn}\. Did you mean "person"\?'),
        ("a {religion.king}", "no axis of this run has a slot {religion.king}"),
        ("{religion} and {age}", "expected slots that one axis has, got those of several"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(text: str, message: str) -> None:
    with pytest.raises(AssayError, match=f"row 2: {message}"):
        filled(text, ["religion", "age"])


def test_a_label_that_the_data_does_not_have_is_refused() -> None:
    with pytest.raises(AssayError, match=r'no label "abusiv".*Did you mean "abusive".*normal, abusive'):
        filled("{people}", ["age"], "abusiv")
    with pytest.raises(AssayError, match=r'no tone "negativ".*Did you mean "negative"'):
        built_in_templates({"negativ": "abusive"})


def test_templates_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text('text,label\n"I, a {religion.person}",normal\n{people},abusive\n', encoding="utf-8")
    assert read_templates(file) == [
        IdentityTemplate("I, a {religion.person}", "normal", f"{file}, row 2"),
        IdentityTemplate("{people}", "abusive", f"{file}, row 3"),
    ]
    lines = tmp_path / "mine.jsonl"
    lines.write_text('{"text": "{people}"}\n{"text": "{people}"}\n', encoding="utf-8")
    with pytest.raises(AssayError, match=r'mine\.jsonl, row 2: the template "{people}" stands twice'):
        read_templates(lines)
    lines.write_text('{"text": "{people}"}\n', encoding="utf-8")
    assert read_templates(lines)[0].label is None
