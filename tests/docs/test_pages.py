"""What docs/ says is so: commands run and print what is shown, TOML loads, links lead somewhere."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from assay import cli
from assay.config import build_config
from assay.gate.checks import check_gate
from assay.init.config_text import config_text
from reports.sections import all_sections
from robustness.black_box.kinds import kind_of
from tests.assay.answering import MODULE
from tests.assay.audits import write_csv
from tests.docs.pages import DOCS, PAGES, Block, Command, blocks, commands
from tests.robustness.tiny import tiny_dataset

ROOT = DOCS.parent
ALL = [block for page in PAGES for block in blocks(page)]
RUN = ("audit-your-model.md", "gate-in-ci.md", "pytest.md")
"""The pages with commands, in the order in which a reader who follows them all types these."""


def of(language: str, page: str | None = None) -> list[Block]:
    return [each for each in ALL if each.language == language and page in (None, each.page)]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and the model that docs/index.md speaks of."""
    folder = tmp_path_factory.mktemp("workshop")
    write_csv(folder / "reviews.csv", tiny_dataset(160, seed=5))
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    return folder


class Shell:
    """Runs ``assay`` in this process and ``pytest`` in one of its own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capture = folder, capture

    def run(self, line: str) -> tuple[int, str, str]:
        program, *words = shlex.split(line)
        if program == "pytest":
            return self._pytest(words)
        assert program == "assay", f"expected an assay or a pytest command, got {line}"
        argv, sys.argv = sys.argv, [program, *words]
        try:
            with pytest.raises(SystemExit) as stopped:
                cli.main()
        finally:
            sys.argv = argv
        printed = self.capture.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    def _pytest(self, words: list[str]) -> tuple[int, str, str]:
        # By name, and no other plugin: a checkout that was installed before the plugin was there has no entry
        # point for it yet.
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "assay.pytest_plugin", "-p", "no:cacheprovider", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            timeout=120,
        )
        return done.returncode, done.stdout, done.stderr


def test_every_command_runs_and_prints_what_is_shown(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workshop)
    shell = Shell(workshop, capsys)
    for page in RUN:
        # A reader has a page's files before pytest looks for tests.
        for block in (each for each in ALL if each.page == page):
            if block.file is not None:
                (workshop / block.file).write_text(block.text, encoding="utf-8")
            elif block.language == "python":
                (workshop / "tests" / "test_own.py").write_text(block.text, encoding="utf-8")
        for block in of("console", page):
            for command in commands(block):
                code, out, err = shell.run(command.line)
                assert code == 0, f"{page}, line {block.line}: {command.line}\n{out[-3000:]}\n{err[-3000:]}"
                assert command.matches(out), f"{page}, line {block.line}: {command.line}\n{out}"
    _check_the_report_is_explained(workshop)


def _check_the_report_is_explained(workshop: Path) -> None:
    """Every section of a report has a heading in read-the-report.md."""
    from assay.saved_runs import open_run

    headings = set(re.findall(r"^## (.+)$", (DOCS / "read-the-report.md").read_text("utf-8"), re.MULTILINE))
    report = open_run(workshop / "runs" / "assay").report
    assert {section.title for section in all_sections(report)} <= headings
    for file in (ROOT / "reports" / "sections").glob("*.py"):
        titles = re.findall(r'\bSection\(\s*"([^"]+)"', file.read_text(encoding="utf-8"))
        assert set(titles) <= headings, file.name


def test_pages_with_commands_are_all_run() -> None:
    assert {block.page for block in of("console")} <= set(RUN)
    assert {block.language for block in ALL} == {"console", "toml", "python"}


@pytest.mark.parametrize(
    ("expected", "printed", "matches"),
    [
        (("a",), "a\n", True),
        (("a",), "a\nb\n", False),
        (("a", "..."), "a\nb\nc\n", True),
        (("...", "c"), "a\nb\nc\n", True),
        (("a...z",), "a to z\n", True),
        (("a", "..."), "b\n", False),
        ((), "", True),
    ],
)
def test_what_a_page_shows_is_compared_line_by_line(
    expected: tuple[str, ...], printed: str, matches: bool
) -> None:
    assert Command("assay", expected).matches(printed) is matches


def completed(raw: dict[str, Any]) -> dict[str, Any]:
    """A part of an assay.toml with what it lacks taken from the template of ``assay init``."""
    base = tomllib.loads(config_text(None, None, None, DOCS, baseline=False))
    base["data"]["groups"] = ["gender", "domain"]
    base["candidates"] = [{"name": "model", "model": "my_model:words"}]
    return {**base, **raw, "data": {**base["data"], **raw.get("data", {})}}


@pytest.mark.parametrize("block", of("toml"), ids=lambda block: f"{block.page}:{block.line}")
def test_every_toml_block_loads(block: Block, tmp_path: Path) -> None:
    config = build_config(completed(tomllib.loads(block.text)), tmp_path, source=block.page, name="docs")
    check_gate(config.gate)


@pytest.mark.parametrize("block", of("python"), ids=lambda block: f"{block.page}:{block.line}")
def test_every_python_block_compiles(block: Block) -> None:
    compile(block.text, block.page, "exec")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        assert "://" not in link, f"{link}: pages are read without a network, too"
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link
    if page.name == "index.md":
        assert {link for link in links if link.endswith(".md")} == {each.name for each in PAGES} - {
            "index.md"
        }


def known(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """(words of a command, its options) of every command of the command line."""
    yield path, {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    for name, inner in getattr(command, "commands", {}).items():
        yield from known(inner, (*path, name))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_named_is_there(page: Path) -> None:
    there = dict(known(typer.main.get_command(cli.app)))
    everything = {"--assay", "--assay-no-run", "--lf", "--junitxml", "--import-mode"}.union(*there.values())
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`(assay [a-z-][^`\n]+)`", text)
    named += re.findall(r"^\$ (assay .+)$", text, re.MULTILINE)
    for line in named:
        words = line.split()[1:]
        command = max((path for path in there if tuple(words[: len(path)]) == path), key=len)
        assert command or words[0].startswith("-"), f"there is no {line}"
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= there[command], line
    for option in re.findall(r"`(--[a-z-]+)", text):
        assert option in everything, option


def test_the_kinds_of_models_named_are_told_apart_as_the_page_says() -> None:
    text = (DOCS / "audit-your-model.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:a Hugging|a function|a scikit|behind).*?\| .*?`([^`]+)`", text, re.MULTILINE)
    assert [kind_of(model) for model in rows] == ["transformers", "callable", "pipeline", "endpoint"]


def generator() -> Any:
    spec = importlib.util.spec_from_file_location(
        "generate_configuration", DOCS / "generate_configuration.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_list_of_keys_is_up_to_date_and_explains_each() -> None:
    generate = generator()
    again = "write it anew: python docs/generate_configuration.py"
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == generate.page(), again
    for part in generate.PARTS:
        keys = [
            key
            for key, field in part.model.model_fields.items()
            if key not in part.leave_out and not generate._is_section(field)
        ]
        assert [key for key in keys if not generate.meaning(part, key)] == []
        assert set(generate.MEANINGS.get(part.title, {})) <= set(keys), part.title
    assert set(generate.MEANINGS) <= {part.title for part in generate.PARTS}


def test_docstrings_are_read_entry_by_entry() -> None:
    generate = generator()
    docstring = """Heading: not a key.

    a, b: of both; c: is
        said here. d: and this.

    A new paragraph with e: no entry.
    f: last.
    """
    found = generate.entries(__import__("inspect").cleandoc(docstring), dict.fromkeys("abcdf"))
    assert found == {"a": "of both;", "b": "of both;", "c": "is said here.", "d": "and this.", "f": "last."}
