"""Contractions written out, and words contracted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from robustness.behaviour.base import InvarianceTest, Nature
from robustness.behaviour.words import Edit, apply, cased_like, free_matches

PRONOUNS = ("i", "you", "he", "she", "it", "we", "they")
HAS_S = ("it", "that", "there", "here", "he", "she", "what", "where", "who", "how")
"""Words whose 's is "is" (or "has"), and no possessive."""

NEGATED = (
    "is",
    "are",
    "was",
    "were",
    "do",
    "does",
    "did",
    "have",
    "has",
    "had",
    "could",
    "would",
    "should",
    "must",
)
"""Words to which n't is added without a change of their own."""

IRREGULAR = {"ca": "can", "wo": "will", "sha": "shall"}
"""What stands before n't, and what it is."""

CLITICS = {"m": "am", "re": "are", "ve": "have", "ll": "will"}
"""What 'm, 're, 've and 'll are; 'd may be "had" or "would" and is left alone."""

_PARTICIPLES = (
    "been|got|had|done|gone|become|come|made|seen|lost|found|won|run|put|set|cut|let|hit|grown|shown|begun|"
    "known|left|kept|held|told|brought|thought|felt|met|read|said|sent|spent|built|taught|caught|led|paid"
)
_ADVERBS = "always|already|also|just|never|not|only|ever|really|long|all|now|since"
_MAYBE_HAS = rf"(?:\s+(?:{_ADVERBS}))*\s+(?:{_PARTICIPLES}|\w+e[dn])\b"
_SUBJECT = r"\s+(?:i|you|he|she|it|we|they|there|this|that|these|those|one|anyone|everyone|everybody)\b"
_APART = r"(?![\w'’-])"


def _any(words: tuple[str, ...] | list[str]) -> str:
    return "|".join(words)


# A space may stand before the clitic: so do treebanks write it ("do n't").
_NOT = re.compile(
    rf"\b(?P<stem>{_any(NEGATED)}|{_any(list(IRREGULAR))})\s?(?P<clitic>n['’]t){_APART}(?!{_SUBJECT})",
    re.IGNORECASE,
)
_IS = re.compile(
    rf"(?<![\w'’-])(?P<stem>{_any(HAS_S)})\s?['’](?P<clitic>s){_APART}(?!{_MAYBE_HAS})", re.IGNORECASE
)
_VERB = re.compile(
    r"(?<![\w'’-])(?:(?P<i>i)\s?['’](?P<m>m)|(?P<they>you|we|they)\s?['’](?P<re>re)"
    r"|(?P<have>i|you|we|they)\s?['’](?P<ve>ve)"
    rf"|(?P<will>{_any(PRONOUNS)}|that|there|this|who|what)\s?['’](?P<ll>ll)){_APART}",
    re.IGNORECASE,
)
_LETS = re.compile(rf"(?<![\w'’-])(?P<stem>let)\s?['’](?P<clitic>s){_APART}", re.IGNORECASE)

_NO_EMPHASIS = r"(?!\s+(?:only|just|merely|simply|so)\b)"
_GOES_ON = r"(?=[^\S\n]+[^\W\d_])(?!\s+n['’]t)"
_CONTRACTED = re.compile(
    r"(?<![\w'’-])(?:"
    rf"(?P<is>{_any(HAS_S)})[^\S\n]+is{_APART}{_GOES_ON}(?!{_MAYBE_HAS})"
    rf"|(?P<am>i)[^\S\n]+am{_APART}{_GOES_ON}"
    rf"|(?P<are>you|we|they)[^\S\n]+are{_APART}{_GOES_ON}"
    rf"|(?P<will>{_any(PRONOUNS)})[^\S\n]+will{_APART}{_GOES_ON}"
    rf"|(?P<have>i|you|we|they)[^\S\n]+have{_APART}(?=[^\S\n]+been\b)"
    rf"|(?P<not>{_any(NEGATED)}|can|will)[^\S\n]+(?P<n>not){_APART}{_NO_EMPHASIS}"
    rf"|(?P<cannot>cannot){_APART}{_NO_EMPHASIS}"
    r")",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Contractions(InvarianceTest):
    """Contractions written out ("don't": "do not"), and words contracted ("it is": "it's").

    Left alone is what has more than one reading: 'd, ain't, 's before what may be a participle ("it's
    changed" may mean "it has changed"), n't before its subject ("don't you think"), "that is" and the like at
    the end of a clause, "can not only". A possessive is never touched: 's is written out after pronouns and
    question words only.
    """

    name: ClassVar[str] = "contractions"
    nature: ClassVar[Nature] = "meaning kept"

    change: Literal["each", "expand", "contract"] = field(
        default="each", metadata={"help": "what is done; each: a variant for every change that can be made"}
    )

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        if self.change in ("each", "expand"):
            yield expand(text)
        if self.change in ("each", "contract"):
            yield contract(text)


def expand(text: str) -> str:
    """The text with all its contractions of one reading written out."""
    edits = [Edit(*match.span(), _without_not(match)) for match in free_matches(_NOT, text)]
    for pattern, word in ((_IS, "is"), (_LETS, "us")):
        edits += [
            Edit(*match.span(), f"{match['stem']} {_as_clitic(match['stem'], match['clitic'], word)}")
            for match in free_matches(pattern, text)
        ]
    for match in free_matches(_VERB, text):
        stem, clitic = (group for group in match.groups() if group is not None)
        edits.append(Edit(*match.span(), f"{stem} {_as_clitic(stem, clitic, CLITICS[clitic.lower()])}"))
    return apply(text, edits)


def contract(text: str) -> str:
    """The text with all words contracted that can be."""
    mark = "’" if "’" in text and "'" not in text else "'"
    edits = []
    for match in free_matches(_CONTRACTED, text):
        form = match.lastgroup if match.lastgroup != "n" else "not"
        stem = match[str(form)]
        edits.append(Edit(*match.span(), _contraction(str(form), stem, match.group(), mark)))
    return apply(text, edits)


def _without_not(match: re.Match[str]) -> str:
    stem, clitic = match["stem"], match["clitic"]
    whole = IRREGULAR.get(stem.lower(), stem.lower())
    negation = "NOT" if clitic[-1].isupper() and stem.isupper() else "not"
    # "can not" may go on with "only"; "cannot" has one reading.
    return cased_like(stem, whole) + ("" if whole == "can" else " ") + negation


def _as_clitic(stem: str, clitic: str, word: str) -> str:
    """``word`` in capitals where its contraction is; "I'm" has a capital, but none in its clitic."""
    return word.upper() if clitic.isupper() and stem.isupper() else word


def _contraction(form: str, stem: str, matched: str, mark: str) -> str:
    capitals = matched.isupper()
    if form in ("not", "cannot"):
        base = "can" if form == "cannot" else stem.lower()
        short = {"can": "ca", "will": "wo"}.get(base, base) + f"n{mark}t"
    else:
        ending = {"is": "s", "am": "m", "are": "re", "will": "ll", "have": "ve"}[form]
        short = f"{stem.lower()}{mark}{ending}"
    return short.upper() if capitals else cased_like(stem[:1], short)
