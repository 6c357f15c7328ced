"""From the SVG that Vega writes to one that lives inside a page: small, named, and coloured by the page."""

import hashlib
import re
from xml.etree import ElementTree

from markupsafe import Markup

_DROPPED = re.compile(r"aria-.*|role|pointer-events|font-family|class|version|stroke-miterlimit")
_LONG_DECIMALS = re.compile(r"(\.\d\d)\d+")
_NUMERIC = ("d", "transform")


def page_svg(svg: str, label: str, colours: dict[str, str]) -> Markup:
    """``svg`` as inline markup with ``role="img"`` and ``label`` for screen readers.

    colours: {colour in the SVG: CSS value}. Ids get a prefix made from the content, so that two charts of a
    page never share one. The text stays text in the font of the page. Its width and height in pixels
    stay, for viewers that forbid styles. Nothing in it refers to anything outside: namespaces are not needed
    in HTML and are left out.
    """
    root = ElementTree.fromstring(svg)
    prefix = "c" + hashlib.sha256(f"{svg}\0{label}".encode()).hexdigest()[:10] + "-"
    _clean(root, prefix, colours)
    root.attrib.update({"role": "img", "aria-label": label, "class": "chart"})
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _clean(element: ElementTree.Element, prefix: str, colours: dict[str, str]) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for child in list(element):
        if child.get("class") in ("background", "foreground"):
            element.remove(child)
        else:
            _clean(child, prefix, colours)
    for key, value in list(element.attrib.items()):
        if _DROPPED.fullmatch(key):
            del element.attrib[key]
        elif key == "id":
            element.set(key, prefix + value)
        elif value.startswith("url(#"):
            element.set(key, value.replace("url(#", f"url(#{prefix}"))
        elif value in colours:
            element.set(key, colours[value])
        elif key in _NUMERIC:
            element.set(key, _LONG_DECIMALS.sub(r"\1", value))
