"""Requests are made, and answers found, as the templates of the config say."""

import json
from datetime import date
from typing import Any

import numpy as np
import pytest

from attacks.errors import AssayError
from robustness.black_box.answers import BadAnswerError
from robustness.black_box.presets import SERVERS, preset
from robustness.black_box.responses import ResponseTemplate
from robustness.black_box.templates import RequestTemplate

PAIR = ("a", "b")


@pytest.mark.parametrize(
    ("body", "item", "texts", "expected"),
    [
        ("{texts}", None, ["x", "y"], ["x", "y"]),
        (
            {"in": "{texts}", "n": 1, "deep": [{"k": None}]},
            None,
            ["x"],
            {"in": ["x"], "n": 1, "deep": [{"k": None}]},
        ),
        ({"in": ["{text}"], "again": "{text}"}, None, ["x"], {"in": ["x"], "again": "x"}),
        ({"in": "{items}"}, ["{text}"], ["x", "y"], {"in": [["x"], ["y"]]}),
        ({"in": "{items}"}, "{text}", ["{items}"], {"in": ["{items}"]}),
        ({"p": "{text_a}", "h": "{text_b}"}, None, [PAIR], {"p": "a", "h": "b"}),
        ({"p": "{texts_a}", "h": "{texts_b}"}, None, [PAIR, ("c", "d")], {"p": ["a", "c"], "h": ["b", "d"]}),
        ({"in": "{items}"}, {"t": "{text_a}", "p": "{text_b}"}, [PAIR], {"in": [{"t": "a", "p": "b"}]}),
    ],
)
def test_texts_are_put_into_their_places(body: Any, item: Any, texts: Any, expected: Any) -> None:
    assert json.loads(RequestTemplate(body, item).render(texts)) == expected


def test_a_request_tells_whether_it_takes_one_text_and_pairs() -> None:
    for body, item, one_text, pairs in [
        ("{text}", None, True, False),
        ("{texts}", None, False, False),
        ("{items}", "{text}", False, False),
        (["{text_a}", "{text_b}"], None, True, True),
        ("{items}", ["{text_a}", "{text_b}"], False, True),
    ]:
        template = RequestTemplate(body, item)
        assert (template.one_text, template.pairs) == (one_text, pairs)


@pytest.mark.parametrize(
    ("body", "item", "message"),
    [
        ({"in": "text"}, None, "got none of them"),
        ({}, None, "got none of them"),
        ({"in": "Classify: {text}"}, None, "stand alone"),
        ({"in": ["{text}", "{texts}"]}, None, "for one text or for many"),
        ({"in": "{text_a}"}, None, r"got \{text_a\}"),
        ({"in": ["{text_a}", "{text}"]}, None, "both texts of a pair"),
        ({"in": "{items}"}, None, "item"),
        ({"in": "{texts}"}, "{text}", "item"),
        ({"in": "{items}"}, "{texts}", "item"),
        ({"in": "{items}"}, {}, "got none of them"),
        ({"in": "{texts}", "day": date(2026, 1, 1)}, None, "JSON"),
        ({"in": "{texts}", "share": float("nan")}, None, "JSON"),
    ],
)
def test_a_request_without_proper_places_is_refused(body: Any, item: Any, message: str) -> None:
    with pytest.raises(AssayError, match=message):
        RequestTemplate(body, item)


def response(**settings: Any) -> ResponseTemplate:
    return ResponseTemplate(**{"label_names": ("neg", "pos"), "scores_path": "@"} | settings)


ROWS = [[0.25, 0.75], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        ({}, ROWS),
        ({"scores_path": "a.b[*].p"}, {"a": {"b": [{"p": row} for row in ROWS]}}),
        ({}, [{"pos": 0.75, "neg": 0.25}, {"neg": 0.5, "pos": 0.5}]),
        ({}, [[{"label": "pos", "score": 0.75}, {"label": "neg", "score": 0.25}], {"neg": 0.5, "pos": 0.5}]),
        (
            {"label_key": "c", "score_key": "p", "label_map": {"1": "pos", "LABEL_0": "neg"}},
            [
                [{"c": 1, "p": 0.75}, {"c": "LABEL_0", "p": 0.25}],
                [{"c": "neg", "p": 0.5}, {"c": "pos", "p": 0.5}],
            ],
        ),
        ({"label_map": {"A": "neg", "B": "pos"}}, [{"B": 0.75, "A": 0.25}, {"B": 0.5, "A": 0.5}]),
    ],
)
def test_scores_are_found_and_put_in_the_order_of_the_labels(settings: dict[str, Any], body: Any) -> None:
    np.testing.assert_array_equal(response(**settings).read(json.dumps(body), 2), ROWS)


@pytest.mark.parametrize(
    "body",
    [
        [0.25, 0.75],
        [[0.25, 0.75]],
        {"pos": 0.75, "neg": 0.25},
        [{"pos": 0.75, "neg": 0.25}],
        [{"label": "pos", "score": 0.75}, {"label": "neg", "score": 0.25}],
        [[{"label": "pos", "score": 0.75}, {"label": "neg", "score": 0.25}]],
    ],
)
def test_the_answer_for_one_text_need_not_be_in_a_list(body: Any) -> None:
    assert response(one_text=True).read(json.dumps(body), 1).tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize("body", ["pos", ["pos"]])
def test_the_label_for_one_text_need_not_be_in_a_list(body: Any) -> None:
    template = response(one_text=True, scores_path=None, label_path="@")
    assert template.read(json.dumps(body), 1).tolist() == [[0, 1]]


def test_numbers_are_positions_unless_labels_are_numbers() -> None:
    by_position = response(scores_path=None, label_path="@")
    assert by_position.read("[1, 0]", 2).tolist() == [[0, 1], [1, 0]]
    by_name = response(scores_path=None, label_path="@", label_names=("1", "0"))
    assert by_name.read("[1, 0]", 2).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("label", ["Pos", "", 2, -1, 0.0, None, True, ["pos"]])
def test_a_label_that_is_not_exactly_one_of_ours_is_refused(label: Any) -> None:
    with pytest.raises(BadAnswerError, match="none of") as refused:
        response(scores_path=None, label_path="@").read(json.dumps([label]), 1)
    assert refused.value.kind == "unknown label"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ([[{"label": "pos", "score": 1.0}]], "missing label"),
        ([{"label": "pos", "score": 1.0}], "missing label"),
        ([[{"label": "pos", "score": 0.5}, {"label": "pos", "score": 0.5}]], "label twice"),
        ([[{"label": "pos", "score": 0.5}, {"name": "neg", "score": 0.5}]], "no label and score"),
        ([[{"label": "pos", "score": "1"}, {"label": "neg", "score": 0}]], "score is no number"),
        ([None], "wrong number of scores"),
        (["pos"], "wrong number of scores"),
        ([[[0.5], [0.5]]], "score is no number"),
        ([[]], "wrong number of scores"),
        ([], "wrong number of answers"),
        ({}, "no list of answers"),
    ],
)
def test_answers_without_proper_scores_are_refused(body: Any, kind: str) -> None:
    with pytest.raises(BadAnswerError) as refused:
        response().read(json.dumps(body), 1)
    assert refused.value.kind == kind


def test_a_path_that_cannot_be_applied_is_told() -> None:
    with pytest.raises(BadAnswerError, match="cannot be applied"):
        response(scores_path="max(@)").read('{"a": 1}', 1)


@pytest.mark.parametrize("server", SERVERS)
def test_presets_are_proper_templates(server: str) -> None:
    request, path = preset(server, 3)
    assert json.loads(RequestTemplate(request).render(["x", "y"]))
    assert response(scores_path=path).scores_path == path
