"""First names by origin, of women and of men apart: a swap keeps the gender and the pronouns as they are.

European American and African American: the names of Bertrand and Mullainathan 2004 ("Are Emily and Greg more
employable than Lakisha and Jamal?"), of which Caliskan, Bryson and Narayanan 2017 test word
embeddings too ("Semantics derived automatically from language corpora contain human-like biases"). Left out
are those that are places or words (Kenya, Ebony, Jay, Carrie), and one of the other group for each. Hispanic
and Arabic names are common ones of Spanish and Arabic, chosen by us: no survey says how they are perceived.

What a name tells is an association, and no fact about who bears it: names also tell of class and generation.
"""

from fairness.counterfactual import contexts
from fairness.counterfactual.term_set import Slots, TermSet

FIRST_NAMES_BY_ORIGIN: Slots = {
    "women's name": {
        "European American": ("Allison", "Anne", "Emily", "Jill", "Kristen", "Meredith", "Sarah"),
        "African American": ("Aisha", "Keisha", "Lakisha", "Latonya", "Latoya", "Tamika", "Tanisha"),
        "Hispanic": ("Alejandra", "Carmen", "Guadalupe", "Juana", "Lucia", "Marisol", "Rosario"),
        "Arabic": ("Amina", "Fatima", "Khadija", "Layla", "Mariam", "Yasmin", "Zainab"),
    },
    "men's name": {
        "European American": ("Brad", "Brendan", "Brett", "Geoffrey", "Greg", "Matthew", "Neil", "Todd"),
        "African American": (
            "Darnell", "Hakim", "Jamal", "Jermaine", "Kareem", "Leroy", "Rasheed", "Tyrone",
        ),
        "Hispanic": ("Alejandro", "Carlos", "Diego", "Javier", "Jorge", "Luis", "Miguel", "Pedro"),
        "Arabic": ("Ahmed", "Hassan", "Ibrahim", "Khalid", "Mohammed", "Mustafa", "Omar", "Yusuf"),
    },
}  # fmt: skip
_SLOT_OF = {
    name.lower(): slot
    for slot, groups in FIRST_NAMES_BY_ORIGIN.items()
    for names in groups.values()
    for name in names
}

TERMS = TermSet(
    axis="names",
    slots=FIRST_NAMES_BY_ORIGIN,
    rules={name: contexts.first_name(slot) for name, slot in _SLOT_OF.items()},
    capitalised=frozenset(_SLOT_OF),
    in_compounds=False,
    members=frozenset(FIRST_NAMES_BY_ORIGIN),
)
