"""Where the numbers beside the marks of a crowded chart go: near their own mark, and on nothing else."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GLYPH, GAP, LINE = 7.0, 5.0, 12.0
"""Pixels: the width of a digit, the room beside a text, and the height of a line."""
MARK = 4.5
"""Pixels from the middle of a mark to the sides of the square that it fills."""
NEAR, STEP, RINGS, DIRECTIONS = 15.0, 7.0, 7, 16
"""Places are tried on rings around the mark: pixels to the first, between them, how many, places on each."""
SHORT = 8.0
"""Pixels from the end of a line that joins a mark and its label to the middle of the label."""
ON_LABEL, ON_MARK, ON_RULE = 100.0, 40.0, 4.0
"""What it costs to lie on something, against 1 for each step away from the mark."""


@dataclass(frozen=True)
class Box:
    """Pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: "Box") -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True)
class Spot:
    """Pixels: the middle of a label; apart: so far from its mark that a line must join them.

    end_x, end_y: where that line ends, beside the label.
    """

    x: float
    y: float
    apart: bool
    end_x: float
    end_y: float


def place_labels(
    marks: Sequence[tuple[float, float]], texts: Sequence[str], rules: Sequence[Box], plot: Box
) -> list[Spot]:
    """A spot for the text of each mark, within ``plot``, one after the other where it costs least.

    marks: (x, y) of their middles. rules: lines that a text should not lie on, as thin boxes.
    Greedy: it finds no best placement of all, but where there is room no two labels meet.
    """
    boxes = [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in marks]
    taken: list[Box] = []
    spots = []
    for (x, y), text in zip(marks, texts, strict=True):

        def cost(ring: int, box: Box) -> float:
            crowded = ON_LABEL * (sum(box.meets(other) for other in taken) + (not box.within(plot)))
            crowded += ON_MARK * sum(box.meets(other) for other in boxes)
            return crowded + ON_RULE * sum(box.meets(other) for other in rules) + ring

        tried = [
            (ring, box)
            for ring, box in _around(x, y, len(text) * GLYPH + GAP, LINE)
            if box.within(plot) or ring == RINGS  # so that there always is one
        ]
        ring, box = min(tried, key=lambda each: cost(*each))
        taken.append(box)
        at_x, at_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        share = 1 - SHORT / math.hypot(at_x - x, at_y - y)
        spots.append(Spot(at_x, at_y, ring > 1, x + share * (at_x - x), y + share * (at_y - y)))
    return spots


def _around(x: float, y: float, width: float, height: float) -> Iterator[tuple[int, Box]]:
    """(ring, box) of all places that are tried, the nearest first, on each ring from up and to the right."""
    for ring in range(RINGS + 1):
        far = NEAR + STEP * ring
        for i in range(DIRECTIONS):
            turn = math.pi / 4 + i * 2 * math.pi / DIRECTIONS
            middle_x, middle_y = x + far * math.cos(turn), y - far * math.sin(turn)
            yield (
                ring,
                Box(middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2),
            )
