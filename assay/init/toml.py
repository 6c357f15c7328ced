"""Strings and lists as TOML."""

import json
import re
from collections.abc import Iterable

from attacks.errors import AssayError

# Control characters that JSON leaves as they are, line breaks of other kinds, and marks that turn the
# direction of what follows: harmless to TOML or forbidden by it, and bad to read in any case.
_HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def quoted(text: str) -> str:
    """A basic string, on one line; also good for a comment and for a terminal.

    Raises AssayError for what no UTF-8 file can hold: a byte of a file name that is not UTF-8, and half a
    surrogate pair in JSON.
    """
    if not writable(text):
        raise AssayError(
            f"{text!a}: expected a name that can be written as UTF-8, as assay.toml is; it holds half a "
            "character. Rename it (the file or folder, the column, the label), and run `assay init` again."
        )
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def shown(path: object) -> str:
    """As it is, where a terminal can show it on one line and obeys nothing in it; else quoted."""
    return str(path) if str(path).isprintable() else quoted(str(path))


def writable(text: str) -> bool:
    """Whether UTF-8 has ``text``: not so half a character, which file names and JSON can hold."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def key(name: str) -> str:
    """A bare key where ``name`` can be one, else a quoted one."""
    return name if _BARE.fullmatch(name) else quoted(name)


def listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


def table(pairs: Iterable[tuple[str, str]]) -> str:
    """An inline table of strings."""
    return f"{{ {', '.join(f'{key(name)} = {quoted(value)}' for name, value in pairs)} }}"
