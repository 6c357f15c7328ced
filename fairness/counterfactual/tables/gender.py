"""Gender: pronouns, kinship, titles, occupations, and first names.

Pairs are those of English grammar and of everyday words for people, as in the swaps of Zhao et al. 2018
("Gender bias in coreference resolution") and Lu et al. 2020 ("Gender bias in neural natural language
processing"), kept to words whose counterpart says the same of the other gender. First names are the
commonest of the United States (Social Security Administration; see
``robustness.behaviour.tables.names``), paired by their order, and those of ``names``.

What it leaves out: nouns whose counterpart says something else (master, mistress, bachelor, witch),
address ("you guys"), God, surnames, and people of no or of another gender: "they" agrees with other verb
forms, and which "they" is one person no table can tell. See ``identity`` for transgender and non-binary
people.
"""

from fairness.counterfactual import contexts
from fairness.counterfactual.tables.names import FIRST_NAMES_BY_ORIGIN
from fairness.counterfactual.term_set import Rule, Slots, TermSet
from robustness.behaviour.tables.names import FIRST_NAMES

_WORDS = (
    "he she, himself herself, boy girl, boys girls, male female, males females, father mother, fathers "
    "mothers, dad mom, dads moms, daddy mommy, daddies mommies, papa mama, son daughter, sons daughters, "
    "brother sister, brothers sisters, bro sis, husband wife, husbands wives, uncle aunt, uncles aunts, "
    "nephew niece, nephews nieces, grandfather grandmother, grandfathers grandmothers, grandpa grandma, "
    "grandson granddaughter, grandsons granddaughters, stepfather stepmother, stepson stepdaughter, "
    "boyfriend girlfriend, boyfriends girlfriends, fiancé fiancée, groom bride, grooms brides, widower "
    "widow, widowers widows, gentleman lady, gentlemen ladies, lad lass, lads lasses, king queen, kings "
    "queens, prince princess, princes princesses, actor actress, actors actresses, waiter waitress, "
    "waiters waitresses, hero heroine, heroes heroines, businessman businesswoman, businessmen "
    "businesswomen, policeman policewoman, policemen policewomen, salesman saleswoman, salesmen "
    "saleswomen, spokesman spokeswoman, spokesmen spokeswomen, chairman chairwoman, chairmen chairwomen, "
    "congressman congresswoman, congressmen congresswomen, masculine feminine, masculinity femininity, "
    "manhood womanhood, boyhood girlhood, fatherhood motherhood, fatherly motherly, paternal maternal, "
    "sir madam"
)
_SURNAMES = (
    "king",
    "kings",
    "queen",
    "queens",
    "prince",
    "princess",
    "groom",
    "brides",
    "lad",
    "lass",
    "sir",
)
_PRONOUNS = ("he", "she", "himself", "herself")
_PAIRS = [tuple(pair.split()) for pair in _WORDS.split(", ")]
_COMMON = frozenset(name for names in FIRST_NAMES.values() for name in names)


def _names() -> dict[str, dict[str, tuple[str, ...]]]:
    """{slot: {group: names}}: common names, and those by origin that are not among them."""
    return {
        "first name": {group: FIRST_NAMES[group] for group in ("men", "women")},
        **{
            f"{origin} name": {
                group: tuple(
                    name for name in FIRST_NAMES_BY_ORIGIN[f"{group}'s name"][origin] if name not in _COMMON
                )
                for group in ("men", "women")
            }
            for origin in FIRST_NAMES_BY_ORIGIN["men's name"]
        },
    }


_NAMES = _names()
_SLOT_OF_NAME = {
    name.lower(): slot for slot, groups in _NAMES.items() for names in groups.values() for name in names
}


def _slots() -> Slots:
    return {
        "object": {"men": ("him",), "women": ("her",)},
        "determiner": {"men": ("his",), "women": ("her",)},
        "possessive": {"men": ("his",), "women": ("hers",)},
        "man": {"men": ("man", "guy"), "women": ("woman",)},
        "men": {"men": ("men",), "women": ("women",)},
        "Mr": {"men": ("Mr",), "women": ("Ms", "Mrs", "Miss")},
        **{man: {"men": (man,), "women": (woman,)} for man, woman in _PAIRS},
        **_NAMES,
    }


def _rules() -> dict[str, Rule]:
    nouns = {term: man for man, woman in _PAIRS for term in (man, woman) if term not in _PRONOUNS}
    return {
        **{term: contexts.plain_noun(slot) for term, slot in nouns.items()},
        **{term: contexts.lower_case(nouns[term]) for term in _SURNAMES},
        **{name: contexts.first_name(slot) for name, slot in _SLOT_OF_NAME.items()},
        **dict.fromkeys(("mr", "ms", "mrs", "miss"), contexts.title("Mr")),
        "her": contexts.possessive("determiner", "object"),
        "his": contexts.possessive("determiner", "possessive"),
        "man": contexts.exclamation("man"),
        "woman": contexts.plain_noun("man"),
        "guy": contexts.plain_noun("man"),
        "men": contexts.plain_noun("men"),
        "women": contexts.plain_noun("men"),
    }


TERMS = TermSet(
    axis="gender",
    slots=_slots(),
    rules=_rules(),
    capitalised=frozenset(_SLOT_OF_NAME),
    in_compounds=False,
    members=frozenset({"first name"}),
    exchange=True,
)
