"""The parts of a Markdown text that is to fit into one comment of a pull request."""

from collections.abc import Sequence

from reports.formatting import counted

MAX_CHARACTERS = 60_000
"""A comment on GitHub holds 65,536 characters."""


def fitting(parts: Sequence[str], page: str) -> str:
    """The parts that still fit behind those before them, and how many do not. page: the file with all."""
    kept, length = list[str](), 200
    for part in parts:
        if length + len(part) + 2 <= MAX_CHARACTERS:
            kept.append(part)
            length += len(part) + 2
    if len(kept) < len(parts):
        left_out = counted(len(parts) - len(kept), "part")
        kept.append(f"{left_out} too long for this summary: see {page}.")
    return "\n\n".join(kept)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells that are escaped already as a table of GitHub-flavoured Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
