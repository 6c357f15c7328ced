"""Attacked together, examples end as TextAttack ends them one by one."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import torch

import attacks.textattack
from attacks import plugins
from attacks.textattack import attack as recipe_attacks
from attacks.textattack import resources
from attacks.textattack.attack import RecipeAttack
from attacks.textattack.compositions import WordNetSimilar
from attacks.textattack.recipes import RECIPES
from attacks.textattack.slots import Questions
from tests.attacks.textattack.victims import (
    ENDINGS,
    TEXTS,
    NoisyVictim,
    StubbornVictim,
    as_found,
    attacked,
    serially,
)
from tests.robustness.tiny import tiny_folder

ROOT = Path(__file__).resolve().parents[3]
SEEDS = (11, 12, 13, 14, 15)
NAMES = ("pwws", "deepwordbug", "pruthi", "input-reduction", "checklist")


class Tagger:
    """In the place of flair's tagger of names, which is not on every machine: it knows two names.

    It stands in for the same tagger on both sides, ours and TextAttack's.
    """

    KNOWN: ClassVar = {"John": "PER", "Smith": "PER", "Paris": "LOC"}

    def predict(self, sentence: Any, force_token_predictions: bool) -> None:
        for token in sentence.tokens:
            token.add_label("ner", self.KNOWN.get(token.text, "O"), 0.99)


@pytest.fixture
def tagger(ta: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ta.shared.utils.strings._flair_taggers, "ner", Tagger())


def recipe_attack(name: str, **params: Any) -> RecipeAttack:
    kind = getattr(recipe_attacks, RECIPES[name].builder, recipe_attacks.BadCharacters)
    made: RecipeAttack = kind(**params)
    return made


def theirs(ta: ModuleType, name: str, victim: NoisyVictim) -> Any:
    return getattr(ta.attack_recipes, RECIPES[name].builder).build(Questions(victim.logits))


@pytest.mark.parametrize("victim", [NoisyVictim(), StubbornVictim()], ids=["noisy", "stubborn"])
@pytest.mark.parametrize("name", NAMES)
def test_text_status_and_count_are_those_of_TextAttack_alone(
    ta: ModuleType, tagger: None, name: str, victim: NoisyVictim
) -> None:
    if name == "pwws" and resources.missing(["nltk:wordnet"]):
        pytest.skip("WordNet is not on this machine")
    labels = victim.labels(TEXTS).tolist()
    ours = attacked(recipe_attack(name, live=3), victim, TEXTS, labels, SEEDS, hash_order=True)
    expected = serially(theirs(ta, name, victim), TEXTS, labels, SEEDS)
    assert as_found(ours) == [(text, ENDINGS[kind], count) for text, kind, count in expected]
    assert any(each.text != text for each, text in zip(ours, TEXTS, strict=True))


def test_sorted_synonyms_change_no_answer_of_pwws(ta: ModuleType, wordnet: None) -> None:
    victim = NoisyVictim()
    labels = victim.labels(TEXTS).tolist()
    attack = recipe_attack("pwws")
    assert as_found(attacked(attack, victim, TEXTS, labels)) == as_found(
        attacked(attack, victim, TEXTS, labels, hash_order=True)
    )


def test_pairs_are_attacked_as_TextAttack_attacks_premise_and_hypothesis(ta: ModuleType) -> None:
    victim = NoisyVictim()
    pairs = [(TEXTS[0], TEXTS[2]), (TEXTS[3], TEXTS[1])]
    labels = victim.labels(pairs).tolist()
    ours = attacked(recipe_attack("deepwordbug"), victim, pairs, labels, SEEDS[:2])
    expected = serially(theirs(ta, "deepwordbug", victim), pairs, labels, SEEDS[:2])
    assert as_found(ours) == [(text, ENDINGS[kind], count) for text, kind, count in expected]
    assert all(isinstance(each.text, tuple) and len(each.text) == 2 for each in ours)


@pytest.mark.parametrize("name", ["deepwordbug", "pruthi", "bad-characters"])
def test_a_proposal_depends_on_the_examples_own_seed_only(ta: ModuleType, name: str) -> None:
    victim = NoisyVictim()
    texts = TEXTS[:3]
    labels = victim.labels(texts).tolist()
    attack = recipe_attack(name, max_queries=60)
    together = as_found(attacked(attack, victim, texts, labels, SEEDS[:3]))
    backwards = attacked(attack, victim, texts[::-1], labels[::-1], SEEDS[:3][::-1])
    alone = [
        attacked(attack, victim, [text], [label], [seed])[0]
        for text, label, seed in zip(texts, labels, SEEDS, strict=False)
    ]
    assert as_found(backwards)[::-1] == together
    assert as_found(alone) == together


def test_a_real_classifier_is_attacked_with_the_answers_TextAttack_would_get(
    ta: ModuleType, tmp_path: Path
) -> None:
    from robustness.loading import load_classifier

    classifier = load_classifier(str(tiny_folder(tmp_path)), device=torch.device("cpu"))

    def one_by_one(texts: list[Any]) -> torch.Tensor:
        with torch.no_grad():
            return torch.cat([classifier.text_logits([text]) for text in texts])

    texts = ("the film was good and the plot very fine", "a dull actor, horrid music")
    labels = one_by_one(list(texts)).argmax(dim=1).tolist()
    ours = attacked(recipe_attack("deepwordbug"), classifier, texts, labels, SEEDS[:2])
    alone = ta.attack_recipes.DeepWordBugGao2018.build(Questions(one_by_one))
    expected = serially(alone, texts, labels, SEEDS[:2])
    assert as_found(ours) == [(text, ENDINGS[kind], count) for text, kind, count in expected]


HASHED = """
import sys
from pathlib import Path
from attacks.textattack import resources
resources.use(Path(sys.argv[1]))
from tests.attacks.textattack.test_same_answers import recipe_attack
from tests.attacks.textattack.victims import TEXTS, NoisyVictim, as_found, attacked
from attacks.textattack.words import exchange
victim = NoisyVictim()
labels = victim.labels(TEXTS).tolist()
for name in sys.argv[2:]:
    print(as_found(attacked(recipe_attack(name), victim, TEXTS, labels)))
if "pwws" in sys.argv:
    import textattack
    with exchange().faster():
        swap = textattack.transformations.WordSwapWordNet.__new__(textattack.transformations.WordSwapWordNet)
        swap.language = "eng"
        print(swap._get_replacement_words("wonderful"), swap._get_replacement_words("film"))
"""


def test_answers_do_not_depend_on_the_hash_seed(ta: ModuleType) -> None:
    names = ["deepwordbug", "input-reduction"]
    if not resources.missing(["nltk:wordnet"]):
        names.append("pwws")
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", HASHED, str(resources.folder()), *names],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    (first, complaint), (second, _) = (run.communicate(timeout=120) for run in runs)
    assert first == second
    assert len(first.splitlines()) >= len(names), complaint


def test_every_runnable_recipe_is_an_attack_with_a_summary() -> None:
    kind = plugins.Kind("attack", RecipeAttack, (attacks.textattack,), "assay.none")
    known = plugins.available(kind)
    assert set(known) == {recipe.attack for recipe in RECIPES.values() if recipe.why_not is None}
    assert all(plugins.summary(each).endswith(").") for each in known.values())
    assert WordNetSimilar.name not in known
