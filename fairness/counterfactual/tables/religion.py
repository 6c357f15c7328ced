"""Religion: the largest religions, Judaism, Sikhism, and having none.

The groups are those that surveys of religion count (Pew Research Center 2017, "The changing global religious
landscape"), with the words that people of each use of themselves. Denominations, clergy and holidays are left
out: they have no counterpart that says the same. "Christian" before a capitalised word may be a first name.
"""

from fairness.counterfactual import contexts
from fairness.counterfactual.term_set import TermSet

_BOTH = ("muslim", "hindu", "buddhist", "sikh", "atheist")
"""Adjectives that are nouns as well."""

TERMS = TermSet(
    axis="religion",
    slots={
        "adjective": {
            "Christian": ("Christian",),
            "Muslim": ("Muslim", "Islamic"),
            "Jewish": ("Jewish",),
            "Hindu": ("Hindu",),
            "Buddhist": ("Buddhist",),
            "Sikh": ("Sikh",),
            "atheist": ("atheist",),
        },
        "person": {
            "Christian": ("Christian",),
            "Muslim": ("Muslim",),
            "Jewish": ("Jew",),
            "Hindu": ("Hindu",),
            "Buddhist": ("Buddhist",),
            "Sikh": ("Sikh",),
            "atheist": ("atheist",),
        },
        "people": {
            "Christian": ("Christians",),
            "Muslim": ("Muslims", "Moslems"),
            "Jewish": ("Jews",),
            "Hindu": ("Hindus",),
            "Buddhist": ("Buddhists",),
            "Sikh": ("Sikhs",),
            "atheist": ("atheists",),
        },
        "religion": {
            "Christian": ("Christianity",),
            "Muslim": ("Islam",),
            "Jewish": ("Judaism",),
            "Hindu": ("Hinduism",),
            "Buddhist": ("Buddhism",),
            "Sikh": ("Sikhism",),
            "atheist": ("atheism",),
        },
        "worship": {
            "Christian": ("church",),
            "Muslim": ("mosque",),
            "Jewish": ("synagogue",),
            "Hindu": ("mandir",),
            "Buddhist": ("pagoda",),
            "Sikh": ("gurdwara",),
        },
        "worship, plural": {
            "Christian": ("churches",),
            "Muslim": ("mosques",),
            "Jewish": ("synagogues",),
            "Hindu": ("mandirs",),
            "Buddhist": ("pagodas",),
            "Sikh": ("gurdwaras",),
        },
        "scripture": {
            "Christian": ("Bible",),
            "Muslim": ("Quran", "Koran", "Qur'an"),
            "Jewish": ("Torah",),
        },
    },
    rules={
        **dict.fromkeys(_BOTH, contexts.adjective_or_person),
        "christian": contexts.no_name,
        "church": contexts.plain_noun("worship"),
    },
)
