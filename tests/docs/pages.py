"""The pages of docs/ taken apart: their fenced blocks, and the commands with what they should print."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """language: console, toml or python. line: of its opening fence."""

    page: str
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the first line, a comment, names."""
        match = re.match(r"# (\S+\.(?:toml|py))\n", self.text)
        return match[1] if match else None


@dataclass(frozen=True)
class Command:
    """words: after the ``$``. expected: the lines below, where ``...`` stands for anything."""

    line: str
    expected: tuple[str, ...]

    def matches(self, printed: str) -> bool:
        """Whether the lines occur in this order; ``...`` alone for any lines, within a line for any text."""
        pattern = "".join(
            r"(?:[^\n]*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"[ ]*\n"
            for line in self.expected
        )
        return re.fullmatch(pattern, printed.rstrip("\n") + "\n" if printed.strip() else "") is not None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in _FENCE.finditer(text)
    ]


def commands(block: Block) -> list[Command]:
    """The commands of a console block."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{block.page}, line {block.line}: output before a command"
    return [Command(part.split("\n")[0], tuple(part.split("\n")[1:-1])) for part in parts[1:]]
