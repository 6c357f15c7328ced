"""The local files that an audit's results depend on, found without loading any of them."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from assay.config_models import AuditConfig
from robustness.black_box.kinds import OBJECT


def input_files(config: AuditConfig) -> Iterator[Path]:
    """Every file of data, of models and of the user's own code that is there.

    Not followed: what is on a hub or behind an address, the files that the user's code opens, and modules
    that it imports from elsewhere than the configuration's folder.
    """
    own = config.runs / config.name
    for path in _paths(config):
        # In a folder around it the run is no input; what is named in it is one.
        around = own.is_relative_to(path)
        files = path.rglob("*") if path.is_dir() else [path]
        yield from (file for file in files if file.is_file() and not (around and file.is_relative_to(own)))
    for source in _objects(config):
        yield from _code(source.partition(":")[0].partition(".")[0], config.base)


def input_folders(config: AuditConfig) -> Iterator[Path]:
    """The folders of which every file counts."""
    yield from (path for path in _paths(config) if path.is_dir())


def _paths(config: AuditConfig) -> Iterator[Path]:
    for data in (config.data, *config.suites):
        yield from (path for path in (data.path, data.train_path, data.validation_path) if path)
    if config.counterfactual is not None:
        yield from config.counterfactual.terms
        if isinstance(config.counterfactual.templates, Path):
            yield config.counterfactual.templates
    for candidate in config.candidates:
        if candidate.kind in ("transformers", "pipeline"):
            yield from (Path(name) for name in (candidate.model, candidate.encoder) if name)
    similarity = config.similarity
    yield from (Path(name) for name in (similarity.encoder, similarity.language_model) if name)


def _objects(config: AuditConfig) -> Iterator[str]:
    """What is named ``module:object``: models and recipes."""
    for candidate in config.candidates:
        if candidate.kind == "callable":
            yield str(candidate.model)
    for attack in config.attacks:
        if OBJECT.fullmatch(attack.name) and not attack.name.startswith("textattack:"):
            yield attack.name


def _code(top: str, base: Path) -> Iterator[Path]:
    """The files of the module or package ``top``, and of those of ``base`` that they import."""
    names, seen = [top], {top}
    while names:
        name = names.pop()
        for file in _module_files(name, base, anywhere=name == top):
            yield file
            for imported in sorted(_imports(file) - seen):
                seen.add(imported)
                names.append(imported)


def _module_files(top: str, base: Path, *, anywhere: bool) -> Iterator[Path]:
    if (base / f"{top}.py").is_file():
        yield base / f"{top}.py"
    elif (base / top).is_dir():
        yield from sorted((base / top).rglob("*.py"))
    elif anywhere:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            return
        if spec is not None and spec.submodule_search_locations:
            for folder in spec.submodule_search_locations:
                yield from sorted(Path(folder).rglob("*.py"))
        elif spec is not None and spec.has_location and spec.origin:
            yield Path(spec.origin)


def _imports(file: Path) -> set[str]:
    """The top-level names that a file imports; none of one that cannot be parsed."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
