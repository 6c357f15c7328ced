"""Sexual orientation, gender identity, disability and age.

Words are those that the guides of GLAAD ("Media reference guide", 11th edition) and of the American
Psychological Association ("Bias-free language", Publication manual, 7th edition) recommend, and older neutral
ones ("homosexual") that texts still have. Slurs are left out, also those that some have made their own.

Words that are mostly said of things ("straight", "blind", "old", "trans") count before a noun for people or
where a pronoun is said to be so. Disability has as many kinds as tables have ends: five groups stand for it.
A swap of age or disability can change what a text says ("the blind man crossed the street"): look at the
examples before you blame the model.
"""

from fairness.counterfactual.contexts import adjective_or_person, of_a_person, of_age
from fairness.counterfactual.term_set import TermSet

SEXUAL_ORIENTATION = TermSet(
    axis="sexual_orientation",
    slots={
        "adjective": {
            "gay": ("gay", "homosexual", "lesbian"),
            "straight": ("straight", "heterosexual"),
            "bisexual": ("bisexual",),
        },
        "person": {
            "gay": ("gay person", "homosexual", "lesbian"),
            "straight": ("straight person", "heterosexual", "straight woman"),
            "bisexual": ("bisexual person", "bisexual", "bisexual woman"),
        },
        "people": {
            "gay": ("gay people", "homosexuals", "lesbians", "gays"),
            "straight": ("straight people", "heterosexuals", "straight women"),
            "bisexual": ("bisexual people", "bisexuals", "bisexual women"),
        },
        "noun": {"gay": ("homosexuality",), "straight": ("heterosexuality",), "bisexual": ("bisexuality",)},
    },
    rules={
        "straight": of_a_person("adjective"),
        **dict.fromkeys(("homosexual", "lesbian", "heterosexual", "bisexual"), adjective_or_person),
    },
)

GENDER_IDENTITY = TermSet(
    axis="gender_identity",
    slots={
        "adjective": {
            "transgender": ("transgender", "trans"),
            "cisgender": ("cisgender", "cis"),
            "non-binary": ("non-binary", "nonbinary"),
        },
        "person": {
            "transgender": ("transgender person", "trans person"),
            "cisgender": ("cisgender person", "cis person"),
            "non-binary": ("non-binary person", "nonbinary person"),
        },
        "people": {
            "transgender": ("transgender people", "trans people"),
            "cisgender": ("cisgender people", "cis people"),
            "non-binary": ("non-binary people", "nonbinary people"),
        },
    },
    rules={"trans": of_a_person("adjective"), "cis": of_a_person("adjective")},
)

DISABILITY = TermSet(
    axis="disability",
    slots={
        "adjective": {
            "blind": ("blind", "visually impaired"),
            "deaf": ("deaf", "hearing-impaired"),
            "autistic": ("autistic",),
            "disabled": ("disabled",),
            "not disabled": ("non-disabled", "able-bodied"),
        },
        "person": {
            "blind": ("blind person",),
            "deaf": ("deaf person",),
            "autistic": ("autistic person",),
            "disabled": ("disabled person", "wheelchair user"),
            "not disabled": ("non-disabled person",),
        },
        "people": {
            "blind": ("blind people",),
            "deaf": ("deaf people",),
            "autistic": ("autistic people",),
            "disabled": ("disabled people", "wheelchair users", "people with disabilities"),
            "not disabled": ("non-disabled people", "people without disabilities"),
        },
    },
    rules={word: of_a_person("adjective") for word in ("blind", "deaf", "disabled")},
)

AGE = TermSet(
    axis="age",
    slots={
        "adjective": {
            "young": ("young", "younger"),
            "middle-aged": ("middle-aged",),
            "old": ("old", "older", "elderly"),
        },
        "person": {
            "young": ("young person", "teenager"),
            "middle-aged": ("middle-aged person",),
            "old": ("old person", "pensioner"),
        },
        "people": {
            "young": ("young people", "teenagers"),
            "middle-aged": ("middle-aged people",),
            "old": ("old people", "pensioners"),
        },
    },
    rules={word: of_age("adjective") for word in ("young", "younger", "old", "older")},
)
