"""What a set of identity terms is: one axis, its groups, and their terms by grammatical slot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Slots = Mapping[str, Mapping[str, tuple[str, ...]]]
"""{slot: {group: terms}}: a slot holds what can stand in the same place of a sentence, for example
{"worship": {"Muslim": ("mosque",), "Christian": ("church",)}}."""

Rule = Callable[[str, int, int], str | None]
"""(text, start, end) of a word -> the slot that it has there; None where it is no identity term."""


@dataclass(frozen=True)
class TermSet:
    """The terms of one axis, for example religion.

    slots: a term is replaced by the one at its position among those of the other group in the same slot, and
        where there are fewer by the first. So terms that mean the same can stand in one slot ("gay",
        "homosexual"; "straight", "heterosexual"), and of several spellings the first is the one written.
        Terms are written as in the middle of a sentence.
    rules: {term in lower case: rule} for words that stand in several slots or are often something else.
    capitalised: terms, in lower case, that count only with a capital ("Polish").
    in_compounds: whether a term counts before a hyphen ("Muslim-majority"; but "man-made").
    members: slots whose terms are members of a group, such as names, and not words for it: all of them stand
        in templates, of the other slots the first of each group.
    exchange: whether the mentions of both groups change places at once, as "he" and "his wife" must.

    Raises ValueError for an axis without two groups, for an exchange of more than two, and for a term that
    stands twice in one slot, or in several without a rule.
    """

    axis: str
    slots: Slots
    rules: Mapping[str, Rule] = field(default_factory=dict)
    capitalised: frozenset[str] = frozenset()
    in_compounds: bool = True
    members: frozenset[str] = frozenset()
    exchange: bool = False

    def __post_init__(self) -> None:
        if len(self.groups) < 2:
            raise ValueError(f"axis {self.axis}: expected two groups or more, got {', '.join(self.groups)}")
        if self.exchange and len(self.groups) != 2:
            raise ValueError(f"axis {self.axis}: expected two groups to exchange, got {len(self.groups)}")
        for term, places in self.places().items():
            slots = [slot for slot, _, _ in places]
            if len(set(slots)) < len(slots):
                raise ValueError(f'axis {self.axis}: the term "{term}" stands in a slot for two groups')
            if len(slots) > 1 and term not in self.rules:
                raise ValueError(
                    f'axis {self.axis}: the term "{term}" stands in the slots {", ".join(slots)}; '
                    "a rule must tell them apart"
                )

    @property
    def groups(self) -> tuple[str, ...]:
        """In the order in which the slots name them."""
        return tuple(dict.fromkeys(group for terms in self.slots.values() for group in terms))

    def places(self) -> dict[str, list[tuple[str, str, int]]]:
        """{term in lower case: its places (slot, group, position)}, the first of each in a slot."""
        found: dict[str, list[tuple[str, str, int]]] = {}
        for slot, by_group in self.slots.items():
            for group, terms in by_group.items():
                for position, term in enumerate(terms):
                    places = found.setdefault(term.lower(), [])
                    if (slot, group) not in [place[:2] for place in places]:
                        places.append((slot, group, position))
        return found

    def counterpart(self, slot: str, position: int, group: str) -> str | None:
        """The term of ``group`` for the one at ``position`` of another group; None where it has none."""
        terms = self.slots[slot].get(group, ())
        if not terms:
            return None
        return terms[position] if position < len(terms) else terms[0]
