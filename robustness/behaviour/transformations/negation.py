"""Negations added and taken away."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from robustness.behaviour.base import DirectionalTest, Nature
from robustness.behaviour.transformations.contractions import HAS_S, IRREGULAR, NEGATED
from robustness.behaviour.words import Edit, apply, cased_like, free_matches

BE = ("am", "is", "are", "was", "were")
MODALS = ("can", "could", "will", "would", "should")
"""Modal verbs that are nothing else once a noun's company is ruled out; "may", "must" and "might" are."""

_ANNOUNCE_NOUNS = (
    "the|a|an|his|her|its|my|your|our|their|own|free|good|ill|last|strong|of|at|against|tin|trash|beer|no|some|"
    "any"
)
"""After these "will" and "can" are nouns ("free will")."""

_OPEN_CLAUSES = "that|which|who|whom|whose|what|if|because|when|while|as|than|how|where|why"
"""After these a verb is that of a clause inside another, whose negation does not negate the sentence."""

_SPOILERS = (
    "not|never|no|none|nothing|nobody|nowhere|neither|nor|hardly|barely|scarcely|seldom|rarely|only|just|"
    "merely|simply|but|at|"
    "i|you|he|she|it|we|they|there|and|or"
)
"""After a verb these mean that it is negated already, that "not" would not negate it, or that it asks."""

_WORD_BEFORE = re.compile(r"([^\W\d_]+)\s+\Z")
_ADDED = re.compile(
    rf"(?<![\w'’-])(?:(?P<verb>{'|'.join((*BE, *MODALS))})"
    rf"|(?P<have>has|have|had)(?=[^\S\n]+been\b)"
    rf"|(?P<stem>{'|'.join(HAS_S)}|i|you|we|they)[^\S\n]?['’](?P<clitic>s|m|re)"
    r")(?![\w'’-])"
    rf"(?=[^\S\n]+[^\W\d_])(?![^\S\n]+(?:{_SPOILERS})\b)(?![^\S\n]?n['’]t)",
    re.IGNORECASE,
)
_NOT = r"(?![\w'’-])(?![^\S\n]+(?:only|just|merely|simply|so|that)\b)"
_OTHERS = ("do", "does", "did", "has", "have", "had", "must", "may", "might")
_REMOVED = re.compile(
    rf"(?<![\w'’-])(?:(?P<stem>{'|'.join((*NEGATED, *IRREGULAR))})[^\S\n]?n['’]t{_NOT}"
    rf"|(?P<can>can)not{_NOT}"
    rf"|(?P<verb>{'|'.join((*BE, *MODALS, *_OTHERS))})"
    rf"(?P<gap>[^\S\n]+)not{_NOT}"
    rf"|(?P<clitic>(?:{'|'.join(HAS_S)}|i|you|we|they)[^\S\n]?['’](?:s|m|re|ll|ve))[^\S\n]+not{_NOT})",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Negation(DirectionalTest):
    """A "not" added to one verb or taken from one; the predicted label should lose probability.

    The verbs are forms of "be" and auxiliaries. A variant changes one of them: the first in the text that is
    not negated, in question order, or right after a word that opens a clause inside another. That does not
    keep the label, and does not always turn it ("is not a bad film"), so what is expected is less than
    another label: that the probability of the predicted one goes down. Meant for two opposite labels, such as
    those of sentiment; a neutral label may well gain by it.
    """

    name: ClassVar[str] = "negation"
    nature: ClassVar[Nature] = "meaning changed"
    direction: ClassVar[Literal["down", "up"]] = "down"

    change: Literal["each", "add", "remove"] = field(
        default="each",
        metadata={"help": "what is done; each: remove where there is a negation, otherwise add one"},
    )

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        removed = None if self.change == "add" else remove(text)
        if removed is not None:
            yield removed
        elif self.change != "remove" and (added := add(text)) is not None:
            yield added


def add(text: str) -> str | None:
    """The text with "not" after one verb; None where there is no verb for it."""
    for match in free_matches(_ADDED, text):
        if match["stem"] is None and not _states(text, match):
            continue
        negation = "NOT" if match.group().isupper() and len(match.group()) > 1 else "not"
        return apply(text, [Edit(match.end(), match.end(), f" {negation}")])
    return None


def _states(text: str, match: re.Match[str]) -> bool:
    """Whether the matched verb says something of what stands before it, as far as its neighbours tell."""
    verb = match.group()
    before = text[max(0, match.start() - 80) : match.start()]
    # The first word of a sentence that is a verb asks ("Is it good?"); a capital may be a name ("Will").
    if not before.strip() or before.rstrip()[-1] in '.!?…:;(“"' or (verb[0].isupper() and not verb.isupper()):
        return False
    word = _WORD_BEFORE.search(before)
    if word is None:
        return True
    opens = re.fullmatch(_OPEN_CLAUSES, word[1], re.IGNORECASE) is not None
    # "That is good" is the sentence itself.
    if opens and not (word[1].lower() == "that" and _begins(before[: word.start()])):
        return False
    return verb.lower() in BE or re.fullmatch(_ANNOUNCE_NOUNS, word[1], re.IGNORECASE) is None


def _begins(before: str) -> bool:
    return not before.strip() or before.rstrip()[-1] in ".!?…"


def remove(text: str) -> str | None:
    """The text without its first negation of a verb; None where there is none."""
    for match in free_matches(_REMOVED, text):
        stem = match["stem"]
        if stem is not None:
            kept = cased_like(stem, IRREGULAR[stem.lower()]) if stem.lower() in IRREGULAR else stem
        else:
            kept = match["can"] or match["verb"] or match["clitic"]
        return apply(text, [Edit(*match.span(), kept)])
    return None
