"""TextAttack as a library: imported once, when it is needed, without a download and without a trace.

TextAttack 0.3.11 reads NLTK's stop words when it is imported, runs NLTK's downloader where it finds no mark
of an earlier one in its cache folder, and sets the environment variables of other libraries. Here the mark
lies in a temporary folder that lives as long as the import, and the environment is put back.
"""

import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from attacks.errors import AssayError
from attacks.textattack import fetching, resources

READ_FIRST = ("huggingface_hub", "transformers", "datasets", "flair")
"""What reads the environment when it is imported, and so must be there before TextAttack changes it."""

MARK = "post_install_check_3"
"""The file by which TextAttack 0.3.11 knows that its downloads were made."""

_lock = threading.Lock()


def textattack() -> ModuleType:
    """The module ``textattack``.

    Raises AssayError where the package or NLTK's stop words are missing, or where importing it fails.
    """
    for package in ("textattack", "greenlet"):
        if find_spec(package) is None:
            raise AssayError(
                f"TextAttack's recipes need the package {package}, which is not installed. "
                "Run `pip install 'assay[textattack]'`."
            )
    with _lock:
        data = import_module("nltk").data
        if str(resources.nltk_path()) not in data.path:
            data.path.insert(0, str(resources.nltk_path()))
        # A custom recipe may have imported it before, in its own way; what counts is that it is whole.
        if hasattr(_imported(), "attack_recipes"):
            return cast(ModuleType, _imported())
        require("TextAttack", ("nltk:stopwords",))
        return _first_import()


def require(who: str, names: Sequence[str]) -> None:
    """Raises AssayError in one line where one of the resources ``names`` is not here.

    who: what needs them, such as ``Attack "textattack:pwws"``.
    """
    fetching.make_ready(names)
    missing = resources.missing(names)
    if missing:
        needed = ", ".join(_in_words(resource) for resource in missing)
        raise AssayError(
            f"{who} needs {needed}, which {'is' if len(missing) == 1 else 'are'} not here. "
            f'Get {"it" if len(missing) == 1 else "them"} with "assay resources fetch '
            f'{" ".join(resource.name for resource in missing)}", or by hand: '
            f"{'; '.join(dict.fromkeys(resource.how for resource in missing))}"
        )


def _in_words(resource: resources.Resource) -> str:
    size = "" if resource.size is None else f" ({resource.size:g} MB)"
    return f"{resource.what}{size}"


def _imported() -> Any:
    return sys.modules.get("textattack")


def _first_import() -> ModuleType:
    for name in READ_FIRST:
        import_module(name)
    with (
        tempfile.TemporaryDirectory() as cache,
        environment_kept(),
        loggers_kept(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        (Path(cache) / MARK).touch()
        os.environ["TA_CACHE_DIR"] = cache
        try:
            module = import_module("textattack")
            logging.getLogger("jieba").setLevel(logging.WARNING)
        except Exception as error:
            raise AssayError(
                f"TextAttack is installed but cannot be imported: {error!r}. "
                "Run `pip install --force-reinstall 'assay[textattack]'`."
            ) from error
    # What recipes look for later is looked for among our resources.
    install: Any = import_module("textattack.shared.utils.install")
    install.TEXTATTACK_CACHE_DIR = str(resources.textattack_path())
    # Both name everything that they load, TextAttack on stderr and flair on stdout.
    module.shared.utils.logger.setLevel(logging.WARNING)
    logging.getLogger("flair").setLevel(logging.WARNING)
    return module


@contextmanager
def loggers_kept() -> Iterator[None]:
    """Lets loggers speak that could before: TextAttack's set-up of its own one silences all others."""
    speaking = [
        logger
        for logger in logging.root.manager.loggerDict.values()
        if isinstance(logger, logging.Logger) and not logger.disabled
    ]
    try:
        yield
    finally:
        for logger in speaking:
            logger.disabled = False


@contextmanager
def environment_kept() -> Iterator[None]:
    """Puts the environment variables back that were changed meanwhile."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
