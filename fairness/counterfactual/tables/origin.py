"""Nationality and ethnicity.

Nationalities are countries of all continents that immigration and news statistics name often; adjectives,
nouns and countries are the standard English ones. Ethnic groups follow the categories of the United States
census (Office of Management and Budget 2024, Statistical Policy Directive 15), with the words that its forms
and style guides (Associated Press) use. Both are a choice, and other places draw other lines: give a file of
your own terms for those.

"American" is no nationality in "Native American". "Polish" and "Pole" count only with a capital, "Turkey"
only in the middle of a sentence, and languages ("speaks German") not at all. "Black" and "white" count
before a noun for people or where a pronoun is said to be so; "white house" and "a black day" do not
count.
"""

from fairness.counterfactual import contexts
from fairness.counterfactual.term_set import Slots, TermSet

_NATIONS = {
    # adjective, person, people, country
    "American": ("American", "American", "Americans", "America"),
    "British": ("British", "Briton", "Britons", "Britain"),
    "Chinese": ("Chinese", "Chinese person", "Chinese people", "China"),
    "French": ("French", "French person", "French people", "France"),
    "German": ("German", "German", "Germans", "Germany"),
    "Indian": ("Indian", "Indian", "Indians", "India"),
    "Iranian": ("Iranian", "Iranian", "Iranians", "Iran"),
    "Mexican": ("Mexican", "Mexican", "Mexicans", "Mexico"),
    "Nigerian": ("Nigerian", "Nigerian", "Nigerians", "Nigeria"),
    "Pakistani": ("Pakistani", "Pakistani", "Pakistanis", "Pakistan"),
    "Polish": ("Polish", "Pole", "Poles", "Poland"),
    "Russian": ("Russian", "Russian", "Russians", "Russia"),
    "Syrian": ("Syrian", "Syrian", "Syrians", "Syria"),
    "Turkish": ("Turkish", "Turk", "Turks", "Turkey"),
}
_COLOURS = {
    "black": contexts.of_a_person("adjective"),
    "white": contexts.of_a_person("adjective"),
    "whites": contexts.no_laundry("people"),
}


def _nations() -> Slots:
    slots = ("adjective", "person", "people", "country")
    return {slot: {nation: (terms[i],) for nation, terms in _NATIONS.items()} for i, slot in enumerate(slots)}


NATIONALITY = TermSet(
    axis="nationality",
    slots=_nations(),
    rules={
        **{adjective.lower(): contexts.nationality for adjective, *_ in _NATIONS.values()},
        **{word: contexts.whole_name("people") for word in ("americans", "indians")},
        "america": contexts.whole_name("country"),
        "turkey": contexts.country,
    },
    capitalised=frozenset({"polish", "pole", "poles", "turkey"}),
)

ETHNICITY = TermSet(
    axis="ethnicity",
    slots={
        "adjective": {
            "Black": ("black", "African-American", "African American"),
            "white": ("white", "European-American", "European American", "Caucasian"),
            "Asian": ("Asian", "Asian-American", "Asian American"),
            "Hispanic": ("Hispanic", "Hispanic", "Hispanic", "Latino", "Latina", "Latinx"),
            "Arab": ("Arab", "Arab-American", "Arab American"),
            "Native American": ("Native American",),
        },
        "person": {
            "Black": ("black person", "African-American", "African American"),
            "white": ("white person", "European-American", "European American"),
            "Asian": ("Asian person", "Asian-American", "Asian American", "Asian"),
            "Hispanic": ("Hispanic person", "Hispanic", "Hispanic", "Latino", "Latina"),
            "Arab": ("Arab person", "Arab-American", "Arab American", "Arab"),
            "Native American": ("Native American",),
        },
        "people": {
            "Black": ("black people", "blacks", "African-Americans", "African Americans"),
            "white": ("white people", "whites", "European-Americans", "European Americans", "Caucasians"),
            "Asian": ("Asian people", "Asians", "Asian-Americans", "Asian Americans"),
            "Hispanic": ("Hispanic people", "Hispanics", "Hispanics", "Hispanics", "Latinos", "Latinas"),
            "Arab": ("Arab people", "Arabs", "Arab-Americans", "Arab Americans"),
            "Native American": ("Native Americans",),
        },
    },
    rules={
        **dict.fromkeys(
            (
                "african-american", "african american", "european-american", "european american",
                "asian", "asian-american", "asian american", "hispanic", "latino", "latina",
                "arab", "arab-american", "arab american", "native american",
            ),
            contexts.adjective_or_person,
        ),
        **_COLOURS,
    },
)  # fmt: skip
