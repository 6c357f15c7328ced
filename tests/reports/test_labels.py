"""Numbers beside the marks of a chart: on nothing else, in the plot, and near their own."""

import math

from hypothesis import given
from hypothesis import strategies as st

from reports.labels import GAP, GLYPH, LINE, MARK, NEAR, Box, Spot, place_labels

PLOT = Box(0, 0, 285, 245)
places = st.lists(
    st.tuples(st.floats(20, 265, allow_subnormal=False), st.floats(20, 225, allow_subnormal=False)),
    min_size=1,
    max_size=14,
)


def box_of(spot: Spot, text: str) -> Box:
    half = (len(text) * GLYPH + GAP) / 2
    # A hair smaller: what only touches does not meet.
    return Box(spot.x - half + 1e-6, spot.y - LINE / 2 + 1e-6, spot.x + half - 1e-6, spot.y + LINE / 2 - 1e-6)


@given(places)
def test_no_two_labels_meet_and_all_are_inside(marks: list[tuple[float, float]]) -> None:
    texts = [str(i + 1) for i in range(len(marks))]
    boxes = [
        box_of(spot, text) for spot, text in zip(place_labels(marks, texts, [], PLOT), texts, strict=True)
    ]
    assert all(box.within(PLOT) for box in boxes)
    assert not any(box.meets(other) for i, box in enumerate(boxes) for other in boxes[:i])


def test_a_mark_by_itself_has_its_label_up_to_the_right_and_no_line() -> None:
    (spot,) = place_labels([(100.0, 100.0)], ["1"], [], PLOT)
    assert math.isclose(spot.x, 100 + NEAR / math.sqrt(2))
    assert math.isclose(spot.y, 100 - NEAR / math.sqrt(2))
    assert not spot.apart


def test_a_label_keeps_off_rules_and_marks_where_there_is_room() -> None:
    rules = [Box(0, 99, 285, 101), Box(99, 0, 101, 245), Box(0, 85, 285, 95)]
    marks = [(100.0, 100.0), (112.0, 112.0)]
    for spot, text in zip(place_labels(marks, ["1", "2"], rules, PLOT), "12", strict=True):
        box = box_of(spot, text)
        assert not any(box.meets(rule) for rule in rules)
        assert not any(box.meets(Box(x - MARK, y - MARK, x + MARK, y + MARK)) for x, y in marks)


def test_many_marks_in_one_place_are_joined_to_their_labels_by_lines_that_end_beside_them() -> None:
    texts = [str(i + 1) for i in range(14)]
    spots = place_labels([(100.0, 100.0)] * 14, texts, [], PLOT)
    far = [spot for spot in spots if spot.apart]
    assert far
    assert not spots[0].apart
    for spot in far:
        whole = math.hypot(spot.x - 100, spot.y - 100)
        joined = math.hypot(spot.end_x - 100, spot.end_y - 100)
        assert math.isclose(whole - joined, 8.0)
        assert joined > MARK


def test_a_mark_at_the_edge_has_its_label_inside() -> None:
    for mark in ((285.0, 0.0), (0.0, 245.0), (285.0, 245.0), (0.0, 0.0)):
        (spot,) = place_labels([mark], ["12"], [], PLOT)
        assert box_of(spot, "12").within(PLOT)


def test_a_label_stays_in_the_plot_also_where_every_place_there_lies_on_lines() -> None:
    """Outside it would lie on the numbers of the axis."""
    (spot,) = place_labels([(2.0, 100.0)], ["10"], [PLOT] * 3, PLOT)
    assert box_of(spot, "10").within(PLOT)
