"""The sections of the report, one file each.

A module here defines ``ORDER`` (sections are shown in ascending order) and ``section(report)``, which returns
a ``Section`` or None where the report has nothing for it. Adding a section is adding a file.
"""

import importlib
import pkgutil
from types import ModuleType

from reports.blocks import Section
from reports.model import AuditReport


def section_modules() -> list[ModuleType]:
    """The section modules of this folder in the order in which a report shows them."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return sorted(modules, key=lambda module: (module.ORDER, module.__name__))


def all_sections(report: AuditReport) -> list[Section]:
    found = [module.section(report) for module in section_modules()]
    return [section for section in found if section is not None]
