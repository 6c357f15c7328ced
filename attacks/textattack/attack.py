"""TextAttack's recipes as attacks, one class each, made from the table of recipes."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal

from attacks.black_box import Proposal, QueryAttack
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.parameters import require_positive
from attacks.textattack import answers, building, resources
from attacks.textattack.cooperative import Scheduler, wanted
from attacks.textattack.loading import require, textattack
from attacks.textattack.recipes import RECIPES, Recipe
from attacks.textattack.slots import Questions, own_copy
from attacks.textattack.words import exchange
from attacks.threat_model import Access, Space, ThreatModel
from attacks.victims import TextInput, TextVictim


@dataclass(frozen=True, kw_only=True)
class DrivenAttack(QueryAttack):
    """An attack that is a ``textattack.Attack``, run over many examples at once.

    ``max_queries`` bounds TextAttack's own count, in which a candidate counts again when it comes again.
    """

    access: ClassVar[Access] = "score"
    space: ClassVar[Space] = "word"
    needs: ClassVar[tuple[str, ...]] = ()
    any_goal: ClassVar[bool] = False

    live: int = field(default=64, metadata={"help": "how many examples are under attack at the same time"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "live", self.live)

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(access=self.access, space=self.space, norm=None, epsilon=None, target=self.target)

    def check(self) -> None:
        """Raises AssayError, in one line, where something that this attack needs is not on this machine."""
        require(f'Attack "{self.name}"', self.needs)

    @abstractmethod
    def build(self, wrapper: Questions) -> Any:
        """The ``textattack.Attack`` itself, which asks ``wrapper``."""

    def perturb(
        self, victim: TextVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> Iterator[Proposal]:
        """See ``QueryAttack.perturb``. Raises AssayError as ``check`` does."""
        self.check()
        return self._scheduled(victim, goal.target is not None).run(texts, goal, seeds)

    def _scheduled(self, victim: TextVictim, targeted: bool, hash_order: bool = False) -> Scheduler:
        """hash_order: see ``words``."""
        textattack()
        wrapper = Questions(wanted)
        attack = self.build(wrapper)
        building.aim(attack, self.name, wrapper, targeted, self.any_goal)
        return Scheduler(
            name=self.name,
            new_attack=partial(own_copy, attack),
            ask=partial(answers.ask, victim),
            during=exchange(hash_order).faster,
            live=self.live,
            max_queries=self.max_queries,
            max_seconds=self.max_seconds,
        )


@dataclass(frozen=True, kw_only=True)
class RecipeAttack(DrivenAttack):
    """One of TextAttack's recipes, with its own search, transformation and constraints."""

    recipe: ClassVar[Recipe]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target is not None and self.recipe.maximizes:
            raise AssayError(
                f'Attack "{self.name}": expected no target, got {self.target!r}: it keeps the label that the '
                "model gives. Remove target."
            )

    def build(self, wrapper: Questions) -> Any:
        return building.from_recipe(self.recipe, wrapper, self.arguments())

    def arguments(self) -> dict[str, Any]:
        """What the recipe's ``build`` is given beside the model wrapper."""
        return {}


@dataclass(frozen=True, kw_only=True)
class BadCharacters(RecipeAttack):
    """Evolves perturbations that a reader cannot see (TextAttack's recipe of Boucher et al. 2022)."""

    recipe: ClassVar[Recipe] = RECIPES["bad-characters"]
    name: ClassVar[str] = recipe.attack
    space: ClassVar[Space] = recipe.space
    needs: ClassVar[tuple[str, ...]] = recipe.needs

    perturbation: Literal["homoglyphs", "invisible", "deletions", "reorderings"] = field(
        default="invisible", metadata={"help": "what is put into the text"}
    )
    perturbs: int = field(default=1, metadata={"help": "the most perturbations of one text"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self.name, "perturbs", self.perturbs)

    def check(self) -> None:
        """Raises AssayError also for homoglyphs where the list of them is missing."""
        super().check()
        if self.perturbation == "homoglyphs" and building.homoglyphs() is None:
            raise AssayError(
                f'Attack "{self.name}" needs Unicode\'s list of lookalikes for homoglyphs, which TextAttack '
                f"was published without. Save {building.HOMOGLYPHS_ADDRESS} as "
                f"{resources.textattack_path() / building.HOMOGLYPHS}, or choose another perturbation."
            )

    def perturb(
        self, victim: TextVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> Iterator[Proposal]:
        """Raises AssayError for pairs: the recipe makes one text of them."""
        if any(not isinstance(text, str) for text in texts):
            raise AssayError(
                f'Attack "{self.name}": expected single texts, got pairs. Leave this attack out.'
            )
        return super().perturb(victim, texts, goal, seeds)

    def arguments(self) -> dict[str, Any]:
        # The recipe knows goals with a target only; the one for our aim takes its place afterwards.
        return {
            "goal_function_type": "targeted_classification",
            "perturbation_type": self.perturbation,
            "perturbs": self.perturbs,
        }


def _attack_class(recipe: Recipe) -> type[RecipeAttack]:
    """The attack without parameters of its own that runs ``recipe``."""
    source = "TextAttack's recipe" + ("" if recipe.paper == "TextAttack" else f" of {recipe.paper}")
    members = {
        "__doc__": f"{recipe.does.removesuffix('.')} ({source}).",
        "__module__": __name__,
        "name": recipe.attack,
        "space": recipe.space,
        "needs": recipe.needs,
        "any_goal": recipe.maximizes,
        "keeps_prediction": recipe.maximizes,
        "recipe": recipe,
    }
    made: type[RecipeAttack] = type(recipe.builder, (RecipeAttack,), members)
    return dataclass(frozen=True, kw_only=True)(made)


# Under the names of TextAttack's classes, so that an attack can be pickled for another process.
globals().update(
    {
        recipe.builder: _attack_class(recipe)
        for recipe in RECIPES.values()
        if recipe.why_not is None and recipe is not BadCharacters.recipe
    }
)
