"""What is sent to an endpoint: a JSON value with places for the texts."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attacks.errors import AssayError
from attacks.victims import TextInput

ONE = ("{text}", "{text_a}", "{text_b}")
MANY = ("{texts}", "{texts_a}", "{texts_b}", "{items}")


@dataclass(frozen=True)
class RequestTemplate:
    """The body of a request, of which these strings are replaced where they stand alone:

    ``{text}``: one text; each text is then a request of its own. ``{texts}``: the list of texts.
    ``{text_a}`` and ``{text_b}``, ``{texts_a}`` and ``{texts_b}``: the same for the two texts of pairs.
    ``{items}``: a list with one ``item`` for each text or pair, itself a template with ``{text}``, or with
    ``{text_a}`` and ``{text_b}``.
    """

    body: Any
    item: Any = None

    def __post_init__(self) -> None:
        try:
            json.dumps([self.body, self.item], ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError) as error:  # dates of TOML, nan, surrogates
            raise AssayError(f"expected request and item to be JSON ({error}).") from None
        in_body, in_item = set(_places(self.body, "request")), set(_places(self.item, "item"))
        if ("{items}" in in_body) != (self.item is not None):
            raise AssayError('expected item and "{items}" in request together: give both, or neither.')
        if not in_item <= set(ONE):
            raise AssayError('expected item to have "{text}", or "{text_a}" and "{text_b}".')
        per_text = in_item if "{items}" in in_body else in_body
        singular = {place.replace("texts", "text") for place in per_text}
        if singular not in ({"{text}"}, {"{text_a}", "{text_b}"}):
            raise AssayError(
                f"expected {'item' if in_item else 'request'} to have a place for the text "
                '("{text}" or "{texts}"), or those for both texts of a pair ("{text_a}" and "{text_b}"), '
                f"got {', '.join(sorted(per_text)) or 'none of them'}."
            )
        if in_body & set(ONE) and in_body & set(MANY):
            raise AssayError(
                f"expected request to have places for one text or for many, got {', '.join(sorted(in_body))}."
            )

    @property
    def one_text(self) -> bool:
        """Whether each text is a request of its own."""
        return bool(set(_places(self.body, "request")) & set(ONE))

    @property
    def pairs(self) -> bool:
        """Whether it takes pairs of texts."""
        return bool({"{text_a}", "{texts_a}"} & {*_places(self.body, "request"), *_places(self.item, "item")})

    def render(self, texts: Sequence[TextInput]) -> bytes:
        """The body, JSON in UTF-8, of a request for ``texts``; one of them where it takes one."""
        if self.pairs:
            first, second = [text[0] for text in texts], [text[1] for text in texts]
            each: list[dict[str, Any]] = [
                {"{text_a}": a, "{text_b}": b} for a, b in zip(first, second, strict=True)
            ]
            places: dict[str, Any] = {"{texts_a}": first, "{texts_b}": second}
        else:
            each = [{"{text}": text} for text in texts]
            places = {"{texts}": list(texts)}
        items = {"{items}": [_filled(self.item, of_one) for of_one in each]}
        body = _filled(self.body, each[0] | places | items)
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def check_kind(texts: Sequence[TextInput], pairs: bool) -> None:
    """Raises AssayError for pairs where texts are expected, for texts where pairs are, and for no Unicode."""
    for row, text in enumerate(texts):
        if isinstance(text, tuple) != pairs:
            expected, got = ("a pair of texts", "one text") if pairs else ("one text", "a pair of texts")
            wanted = '"{text_a}" and "{text_b}"' if not pairs else '"{text}"'
            raise AssayError(
                f"the request is made for {expected}, but text {row + 1} is {got}. Write {wanted} in request."
            )
        parts = text if isinstance(text, tuple) else (text,)
        if any("\ud800" <= character <= "\udfff" for part in parts for character in part):
            raise AssayError(
                f"text {row + 1} has half of a surrogate pair, which is no character and cannot be sent. "
                "Repair the data."
            )


def _places(template: Any, what: str) -> Iterator[str]:
    """The places in ``template``; raises AssayError for one inside a longer string."""
    for text in _strings(template):
        if text in (*ONE, *MANY):
            yield text
        elif any(place in text for place in (*ONE, *MANY)):
            raise AssayError(f"expected the place of a text to stand alone in {what}, got {text!r:.100}.")


def _strings(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, Mapping | list):
        for value in template.values() if isinstance(template, Mapping) else template:
            yield from _strings(value)


def _filled(template: Any, places: Mapping[str, Any]) -> Any:
    fill: Callable[[Any], Any] = lambda value: _filled(value, places)  # noqa: E731
    if isinstance(template, str):
        return places.get(template, template)
    if isinstance(template, Mapping):
        return {key: fill(value) for key, value in template.items()}
    return [fill(value) for value in template] if isinstance(template, list) else template
