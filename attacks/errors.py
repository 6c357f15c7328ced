"""The one family of errors that assay raises for a user's mistake.

It lives in the lowest room so that every room can raise it and the command line can catch one type.
"""


class AssayError(Exception):
    """A mistake in the input: the message says what was expected, what came, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """A hint ``Did you mean "x"?`` (with a leading space) for a misspelt word, or ``""``."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f' Did you mean "{close[0]}"?' if close else ""
