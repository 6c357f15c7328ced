"""Builds a recipe from what is on this machine: nothing is fetched while it is built or while it runs.

TextAttack's parts name what they load by addresses and fetch what they do not find. Here those names lead to
our resource folder or to the Hugging Face cache.
"""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import torch

from attacks.errors import AssayError
from attacks.textattack import resources
from attacks.textattack.loading import environment_kept, textattack
from attacks.textattack.recipes import Recipe
from attacks.textattack.slots import Questions

HOMOGLYPHS = "intentional_homoglyphs.txt"
"""Unicode's list of lookalikes, which TextAttack 0.3.11 reads and was published without."""

HOMOGLYPHS_ADDRESS = "https://www.unicode.org/Public/security/latest/intentional.txt"

MODEL_CLASSES = (
    "AutoModelForMaskedLM",
    "AutoModelForCausalLM",
    "AutoTokenizer",
    "GPT2LMHeadModel",
    "GPT2Tokenizer",
)
TAGGERS = {
    "hub:flair/ner-english": "ner",
    "hub:flair/ner-french": "flair/ner-french",
    "hub:flair/upos-english-fast": "upos-fast",
}
"""What TextAttack calls the taggers that it asks flair for."""


def from_recipe(recipe: Recipe, wrapper: Questions, arguments: dict[str, Any]) -> Any:
    """A ``textattack.Attack``. What the recipe needs must be here, see ``loading.require``."""
    module = textattack()
    builder = getattr(module.attack_recipes, recipe.builder)
    with offline():
        for name in recipe.needs:
            if name in TAGGERS:
                _load_tagger(module, name)
        attack = builder.build(wrapper, **arguments)
        _load_sentence_encoders(attack)
    return _on_device(attack)


def from_function(name: str, function: Callable[..., Any], wrapper: Questions) -> Any:
    """A ``textattack.Attack`` from a user's own function of a model wrapper.

    Raises AssayError where the function fails or returns something else.
    """
    module = textattack()
    with offline():
        try:
            attack = function(wrapper)
        except Exception as error:
            raise AssayError(
                f'Attack "{name}": building it failed: {error!r}. Expected a function that takes a model '
                "wrapper (texts in, probabilities out, without a tokenizer or gradients) and returns an "
                "attack."
            ) from error
    if not isinstance(attack, module.Attack):
        raise AssayError(
            f'Attack "{name}": expected a textattack.Attack, got {type(attack).__name__}. '
            "Return textattack.Attack(goal_function, constraints, transformation, search_method)."
        )
    return _on_device(attack)


def aim(attack: Any, name: str, wrapper: Questions, targeted: bool, any_goal: bool) -> None:
    """Gives an attack the goal function for a target, or for none.

    any_goal: without a target, whatever goal function it has stays. The target's class is set for each
    example when its attack starts.
    Raises AssayError where the attack's own aim is no label, so that it can have no target.
    """
    goals = textattack().goal_functions
    own = attack.goal_function
    if not targeted and (any_goal or isinstance(own, goals.UntargetedClassification)):
        return
    if targeted and not isinstance(own, goals.UntargetedClassification | goals.TargetedClassification):
        raise AssayError(
            f'Attack "{name}": a target needs a recipe whose goal is a wrong label, and this one has '
            f"{type(own).__name__}. Remove target."
        )
    kind = goals.TargetedClassification if targeted else goals.UntargetedClassification
    with quiet():
        attack.goal_function = kind(wrapper, allow_skip=own.allow_skip)
    attack.search_method.goal_function = attack.goal_function
    attack.search_method.get_goal_results = attack.goal_function.get_results


@contextmanager
def offline() -> Iterator[None]:
    """While TextAttack's parts are made: files come from this machine, and the environment stays as it is."""
    utils = import_module("textattack.shared.utils")
    transformers = import_module("transformers")
    with ExitStack() as stack:
        stack.enter_context(quiet())
        stack.enter_context(environment_kept())
        stack.enter_context(patch.object(import_module("nltk"), "download", lambda *_, **__: True))
        for name in ("download_from_s3", "download_from_url"):
            stack.enter_context(patch.object(utils, name, _on_this_machine))
        lookalikes = import_module("textattack.transformations.word_swaps.word_swap_homoglyph_swap")
        stack.enter_context(patch.object(lookalikes, "open", _open_homoglyphs, create=True))
        for name in MODEL_CLASSES:
            kind = getattr(transformers, name)
            stack.enter_context(patch.object(kind, "from_pretrained", _local(kind.from_pretrained)))
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Without TextAttack's remarks that it does not know our kind of model."""
    logger = import_module("textattack.shared.utils").logger
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _on_this_machine(name: str, *_: Any, **__: Any) -> str:
    """In the place of TextAttack's downloads: where our folder has what TextAttack calls ``name``."""
    path = resources.textattack_path() / name
    if not path.exists():
        raise AssayError(f"TextAttack needs {path}, which is not there. See `assay resources list`.")
    return str(path)


def homoglyphs() -> Path | None:
    """The list of lookalikes, as TextAttack brings it, or in our folder."""
    shared = Path(textattack().__path__[0]) / "shared" / HOMOGLYPHS
    ours = resources.textattack_path() / HOMOGLYPHS
    return next((path for path in (shared, ours) if path.is_file()), None)


def _open_homoglyphs(*_: Any, **__: Any) -> IO[str]:
    """In the place of ``open`` where TextAttack reads the list of lookalikes.

    Without the list it reads an empty one: only bad-characters uses it, which checks that it is there.
    """
    path = homoglyphs()
    return io.StringIO() if path is None else path.open(encoding="utf-8-sig")


def _local(from_pretrained: Callable[..., Any]) -> Callable[..., Any]:
    def local(name: Any, *args: Any, **kwargs: Any) -> Any:
        below = resources.folder() / "hub" / str(name)
        return from_pretrained(
            str(below) if below.is_dir() else name, *args, **{"local_files_only": True, **kwargs}
        )

    return local


def _load_tagger(module: Any, name: str) -> None:
    """Puts flair's tagger where TextAttack keeps those that it loaded itself."""
    taggers = import_module("textattack.shared.utils.strings")._flair_taggers
    place = resources.find(name)
    if TAGGERS[name] not in taggers and place is not None:
        loader = import_module("flair.models").SequenceTagger
        taggers[TAGGERS[name]] = loader.load(str(place / "pytorch_model.bin"))


def _load_sentence_encoders(attack: Any) -> None:
    """Loads the Universal Sentence Encoder from our folder; TextAttack would fetch it at its first use."""
    for constraint in attack.constraints:
        url = getattr(constraint, "_tfhub_url", None)
        if url is not None and constraint.model is None:
            place = resources.find("tfhub:" + url.removeprefix("https://tfhub.dev/"))
            if place is not None:
                constraint.model = import_module("tensorflow_hub").load(str(Path(place)))


def _on_device(attack: Any) -> Any:
    """Language models of transformations and constraints go where TextAttack's own parts put their inputs."""
    if torch.cuda.is_available():
        attack.cuda_()
    return attack
