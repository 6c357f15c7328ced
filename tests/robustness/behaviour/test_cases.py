"""Labelled cases by functionality, from data and from templates."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.behaviour.cases import iter_case_outcomes, run_cases, summarize_cases
from robustness.behaviour.results import FailingCase
from robustness.behaviour.summarize import SHOWN
from robustness.behaviour.templates import COLUMN, Template, templated
from robustness.data import load
from robustness.estimate import Estimate, wilson
from tests.robustness.behaviour.victims import BrokenVictim, KeywordVictim, dataset

HATECHECK = Path(__file__).parents[4] / "shared" / "data" / "hatecheck" / "test_suite_cases.csv"

TEXTS = ["good", "so good", "fine", "dull", "not good", "not a good one"]
CASES = dataset(
    TEXTS, [1, 1, 1, 0, 0, 0], groups={"functionality": ["praise"] * 3 + ["blame"] + ["negation"] * 2}
)


def test_failures_by_functionality_by_hand() -> None:
    found = run_cases(KeywordVictim(), CASES, "functionality", confidence=0.9)
    # "fine" is not known, and a "not" does not turn it: 3 of 6 are wrong.
    assert list(found.by_functionality) == ["blame", "negation", "praise"]
    assert {name: (each.failures, each.n) for name, each in found.by_functionality.items()} == {
        "blame": (0, 1),
        "negation": (2, 2),
        "praise": (1, 3),
    }
    assert (found.name, found.column, found.n) == ("by hand", "functionality", 6)
    assert found.failure_rate == wilson(3, 6, 0.9)
    assert found.mean_failure_rate == Estimate.exact((0 + 1 + 1 / 3) / 3, 3)
    praise = found.by_functionality["praise"]
    assert praise.failure_rate == wilson(1, 3, 0.9)
    assert praise.by_label == {"positive": wilson(1, 3, 0.9)}
    assert praise.examples == [FailingCase("e3", "positive", "negative", ["fine"])]
    assert json.loads(json.dumps(asdict(found))) == asdict(found)


def test_labels_are_matched_by_name() -> None:
    turned = replace(CASES, labels=1 - CASES.labels, label_names=("positive", "negative"))
    one, other = (run_cases(KeywordVictim(), cases, "functionality") for cases in (CASES, turned))
    assert one == other


def test_a_functionality_with_two_labels_is_told_apart() -> None:
    cases = dataset(["good", "dull good"], [1, 0], groups={"of": ["x", "x"]})
    found = run_cases(KeywordVictim(), cases, "of").by_functionality["x"]
    assert found.by_label == {"negative": wilson(1, 1), "positive": wilson(0, 1)}


def test_what_is_known_is_not_asked_again() -> None:
    victim = KeywordVictim()
    told: list[int] = []
    everything = list(iter_case_outcomes(victim, CASES, chunk=4, advance=told.append))
    assert victim.calls == [TEXTS[:4], TEXTS[4:]]
    assert told == [4, 2]
    again = KeywordVictim()
    known = [each.example_id for each in everything[:5]]
    assert list(iter_case_outcomes(again, CASES, chunk=4, known=known)) == everything[5:]
    assert again.calls == [TEXTS[4:]]


def test_of_many_failing_cases_some_are_shown() -> None:
    n = SHOWN + 2
    cases = dataset([f"bad {i}" for i in range(n)], [1] * n, groups={"of": ["x"] * n})
    found = run_cases(KeywordVictim(), cases, "of").by_functionality["x"]
    assert (found.failures, len(found.examples)) == (n, SHOWN)


def test_no_cases_are_undefined() -> None:
    found = run_cases(KeywordVictim(), CASES.take([]), "functionality")
    assert found.failure_rate.value is found.mean_failure_rate.value is None
    assert found.by_functionality == {}


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(AssayError, match=r'column "functionalty" .* Did you mean "functionality"'):
        run_cases(KeywordVictim(), CASES, "functionalty")
    with pytest.raises(AssayError, match="that the model does not know"):
        run_cases(KeywordVictim(("bad", "fine")), CASES, "functionality")
    with pytest.raises(AssayError, match="by hand: expected 2 finite probabilities for each of 6 cases"):
        run_cases(BrokenVictim(), CASES, "functionality")
    with pytest.raises(ValueError, match="one outcome for each case"):
        summarize_cases([], CASES, "functionality")


def test_a_template_is_every_combination_of_its_words() -> None:
    template = Template(
        "I {verb} the {noun}", "positive", "praise", {"verb": ["love", "like"], "noun": ["film", "book"]}
    )
    assert template.expand() == ["I love the film", "I love the book", "I like the film", "I like the book"]


def test_a_slot_that_occurs_twice_has_the_same_word_and_braces_can_be_written() -> None:
    assert Template("{x} and {x} {{}}", "a", "f", {"x": ["1", "2"]}).expand() == ["1 and 1 {}", "2 and 2 {}"]
    assert Template("as it is", "a", "f").expand() == ["as it is"]


@pytest.mark.parametrize(
    ("text", "fill", "message"),
    [
        ("I {verb}", {"verbs": ["x"]}, 'expected a list of words for {verb}. Did you mean "verbs"?'),
        ("I {verb}", {"verb": []}, "expected a list of words for {verb}."),
        ("I {verb}", {"verb": "like"}, "expected a list of words for {verb}."),
        ("I", {"verb": ["x"]}, "there are words for {verb}, and no such slot. Its slots: none."),
        ("I {}", {}, 'expected a plain name in each pair of braces, got "".'),
        ("I {a.b}", {}, 'expected a plain name in each pair of braces, got "a.b".'),
        ("I {a!r}", {"a": ["x"]}, 'expected a plain name in each pair of braces, got "a".'),
        ("I {a", {"a": ["x"]}, "Write a brace of the text itself twice."),
    ],
)
def test_a_wrong_template_is_named(text: str, fill: dict[str, Any], message: str) -> None:
    with pytest.raises(AssayError) as error:
        Template(text, "a", "f", fill)
    assert message in str(error.value)


def test_templates_become_cases_that_can_be_run() -> None:
    cases = templated(
        [
            Template("a {word} film", "positive", "praise", {"word": ["good", "fine"]}),
            Template("a {word} film", "negative", "blame", {"word": ["dull"]}),
            Template("a dull film", "negative", "blame"),
        ],
        label_names=("negative", "positive"),
    )
    assert cases.ids == ("praise:1", "praise:2", "blame:1")
    assert cases.texts == ("a good film", "a fine film", "a dull film")
    assert cases.labels.tolist() == [1, 1, 0]
    assert cases.groups[COLUMN].tolist() == ["praise", "praise", "blame"]
    assert np.all(cases.splits == "test")
    found = run_cases(KeywordVictim(), cases, COLUMN)
    assert {name: each.failures for name, each in found.by_functionality.items()} == {"blame": 0, "praise": 1}


def test_templates_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(AssayError, match='both make "so", with the labels "a" and "b"'):
        templated([Template("so", "a", "f"), Template("{x}", "b", "g", {"x": ["so"]})])
    with pytest.raises(AssayError, match='the label "a" is none of b, c'):
        templated([Template("so", "a", "f")], label_names=("b", "c"))


@pytest.mark.skipif(not HATECHECK.is_file(), reason="shared/data/hatecheck is not here")
def test_hatecheck_is_a_suite_of_29_functionalities() -> None:
    class AllHateful(KeywordVictim):
        def positive(self, text: TextInput) -> float:
            return 0.0

    cases = load(HATECHECK, text="test_case", label="label_gold", id="case_id", groups=["functionality"])
    labels: Sequence[str] = cases.label_names
    assert set(labels) == {"hateful", "non-hateful"}
    found = run_cases(AllHateful(("hateful", "non-hateful")), cases, "functionality")
    assert (found.n, len(found.by_functionality)) == (3728, 29)
    # Its functionalities are named by the label of all their cases: h, or nh.
    for name, each in found.by_functionality.items():
        assert each.failure_rate.value == (1 if name.endswith("_nh") else 0)
    assert sum(each.failures for each in found.by_functionality.values()) == cases.label_counts["non-hateful"]


def test_failures_are_told_by_every_other_group_column() -> None:
    groups = {
        "functionality": ["praise"] * 3 + ["blame"] + ["negation"] * 2,
        "about": ["women", "women", "men", "men", "women", "men"],
    }
    found = run_cases(KeywordVictim(), dataset(TEXTS, [1, 1, 1, 0, 0, 0], groups=groups), "functionality")
    # "fine", "not good" and "not a good one" are wrong.
    assert found.by_group == {"about": {"men": wilson(2, 3), "women": wilson(1, 3)}}
    assert run_cases(KeywordVictim(), CASES, "functionality").by_group == {}
    assert list(run_cases(KeywordVictim(), replace(CASES, groups=groups_of(groups)), "about").by_group) == [
        "functionality"
    ]


def groups_of(groups: dict[str, list[str]]) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in groups.items()}


@pytest.mark.skipif(not HATECHECK.exists(), reason=f"{HATECHECK} is not there")
def test_hatecheck_is_told_by_target_group() -> None:
    cases = load(
        HATECHECK, text="test_case", label="label_gold", groups=["functionality", "target_ident"], seed=0
    )
    victim = KeywordVictim(cases.label_names)
    found = run_cases(victim, cases, "functionality")
    rates = found.by_group["target_ident"]
    targets = {
        "women",
        "trans people",
        "gay people",
        "black people",
        "disabled people",
        "Muslims",
        "immigrants",
    }
    assert targets < set(rates)
    assert sum(rate.n for rate in rates.values()) == found.n == len(cases)
