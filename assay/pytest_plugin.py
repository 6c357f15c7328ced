"""The pytest plugin: each check of a gate as a test, and fixtures for tests written by hand.

pytest imports this module at every start, also of projects that do not use it. So it imports pytest and the
standard library alone, and does nothing until a configuration is named: with ``--assay FILE``, as ``assay``
in the ini file, or as an argument.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reports.model import AuditReport, CandidateResult

CANDIDATES = re.compile(r"^\s*\[\[\s*candidates\s*\]\]", re.MULTILINE)
"""By what a configuration of another name than assay.toml is told from any other TOML file."""

MARKERS = (
    "assay: a check of the gate of an audit; every such test has it",
    "assay_candidate(name, ...): give the fixture assay_candidate these candidates alone",
)
REQUESTED = pytest.StashKey[frozenset[Path]]()
"""The configurations whose checks are to be collected."""
COLLECTED = pytest.StashKey[set[Path]]()
AUDITS = pytest.StashKey[Any]()
"""The ``SessionAudits`` of this process, once one is needed."""
SUMMARY = pytest.StashKey[dict[str, str]]()
"""{configuration: the line about its audit}, of this process and of the workers of xdist."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("assay", "assay: audits of text classifiers")
    group.addoption(
        "--assay",
        metavar="FILE",
        default=None,
        help="Test each check of the gate of this assay.toml; what is not audited yet is audited.",
    )
    group.addoption(
        "--assay-no-run",
        action="store_true",
        default=False,
        help="Never audit: checks whose audit is missing or out of date are errors.",
    )
    parser.addini(
        "assay",
        "An assay.toml whose gate is tested with the whole suite, or with the folder that it is in; "
        "not where other files or folders are named.",
        default="",
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    arguments = [_file_of(argument, config) for argument in config.args]
    requested = {file for file in arguments if _is_configuration(file)}
    chosen = configuration(config)
    # What the ini file names is part of the whole suite and of its folder, not of a run of some other tests.
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    if chosen is not None:
        within = any(chosen == file or (file.is_dir() and chosen.is_relative_to(file)) for file in arguments)
        if config.getoption("assay") is not None or whole or within:
            if not chosen.is_file():
                raise pytest.UsageError(f"--assay, or assay in the ini file: there is no file {chosen}")
            requested.add(chosen)
            # A folder that is collected anyway brings the file along.
            if not within:
                config.args.append(str(chosen))
    config.stash[REQUESTED] = frozenset(requested)
    config.stash[COLLECTED] = set()
    config.stash[SUMMARY] = {}


def configuration(config: pytest.Config) -> Path | None:
    """The file that ``--assay`` names, relative to where pytest was started, or else ``assay`` of the ini
    file, relative to that file; None where neither is there."""
    given: str | None = config.getoption("assay")
    if given is not None:
        return (config.invocation_params.dir / given).resolve()
    named = str(config.getini("assay"))
    return ((config.inipath or config.rootpath / "-").parent / named).resolve() if named else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".toml" or file_path.resolve() not in parent.config.stash[REQUESTED]:
        return None
    from assay.plugin.collecting import AssayFile

    parent.config.stash[COLLECTED].add(file_path.resolve())
    return AssayFile.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """A gate that was asked for and is not there must not look like one that holds."""
    collected = config.stash[COLLECTED]
    missing = sorted(file for file in config.stash[REQUESTED] if file not in collected)
    if missing:
        raise pytest.UsageError(
            f"{missing[0]} was not collected: an option such as --ignore, or norecursedirs, leaves its "
            "folder out. Move the file, or change that option."
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "assay_candidate" in metafunc.fixturenames:
        from assay.plugin.fixtures import parametrize

        parametrize(metafunc)


@pytest.fixture(scope="session")
def assay_audit(request: pytest.FixtureRequest) -> "AuditReport":
    """The audit of the configuration that --assay, or assay in the ini file, names."""
    from assay.plugin.fixtures import audit_of

    return audit_of(request.config)


@pytest.fixture(scope="session")
def assay_candidate(request: pytest.FixtureRequest, assay_audit: "AuditReport") -> "CandidateResult":
    """Each candidate of the audit in turn, or each that the marker assay_candidate names."""
    found = {candidate.name: candidate for candidate in assay_audit.candidates}
    return found[request.param]


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["assay"] = session.config.stash[SUMMARY]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of xdist has ended."""
    told: dict[str, str] = (getattr(node, "workeroutput", None) or {}).get("assay", {})
    node.config.stash[SUMMARY].update(told)


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    for line in config.stash[SUMMARY].values():
        terminalreporter.write_line(line)


def _file_of(argument: str, config: pytest.Config) -> Path:
    """``tests/assay.toml::accuracy[plain]`` as the path of its file."""
    file = argument.partition("[")[0].partition("::")[0]
    return (config.invocation_params.dir / file).resolve()


def _is_configuration(file: Path) -> bool:
    if file.suffix != ".toml" or not file.is_file():
        return False
    try:
        return file.name == "assay.toml" or bool(CANDIDATES.search(file.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError):
        return False
