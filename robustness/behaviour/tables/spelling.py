"""Words that are spelt differently in American and in British English, and mean the same in both."""

from collections.abc import Mapping


def _both(american: str, british: str, endings: str) -> dict[str, str]:
    """The pair with each of the endings; ``-`` is none."""
    suffixes = ["" if ending == "-" else ending for ending in endings.split()]
    return {american + suffix: british + suffix for suffix in suffixes}


AMERICAN_TO_BRITISH: Mapping[str, str] = {
    **_both("color", "colour", "- s ed ful ing less fully"),
    **_both("favor", "favour", "- s ed ing able ably"),
    **_both("favorite", "favourite", "- s"),
    **_both("flavor", "flavour", "- s ed ing ful less"),
    **_both("harbor", "harbour", "- s ed ing"),
    **_both("honor", "honour", "- s ed ing able ably"),
    **_both("humor", "humour", "- s ed ing less"),
    **_both("labor", "labour", "- s ed ing"),
    **_both("neighbor", "neighbour", "- s ing hood hoods ly"),
    **_both("rumor", "rumour", "- s ed"),
    **_both("savor", "savour", "- s ed ing y"),
    **_both("behavior", "behaviour", "- s al"),
    **_both("endeavor", "endeavour", "- s ed ing"),
    **_both("center", "centre", "- s"),
    **_both("centered", "centred", "-"),
    **_both("theater", "theatre", "- s"),
    **_both("fiber", "fibre", "- s"),
    **_both("somber", "sombre", "- ly"),
    **_both("luster", "lustre", "-"),
    **_both("organiz", "organis", "e es ed ing ation ations"),
    **_both("realiz", "realis", "e es ed ing ation"),
    **_both("recogniz", "recognis", "e es ed ing able"),
    **_both("apologiz", "apologis", "e es ed ing"),
    **_both("criticiz", "criticis", "e es ed ing"),
    **_both("memoriz", "memoris", "e es ed ing"),
    **_both("dramatiz", "dramatis", "e es ed ing ation"),
    **_both("glamoriz", "glamoris", "e es ed ing"),
    **_both("romanticiz", "romanticis", "e es ed ing"),
    **_both("mesmeriz", "mesmeris", "e es ed ing"),
    **_both("analyz", "analys", "e ed ing"),
    **_both("defense", "defence", "- s less"),
    **_both("offense", "offence", "- s"),
    **_both("pretense", "pretence", "- s"),
    **_both("skillful", "skilful", "- ly"),
    **_both("fulfill", "fulfil", "- s ment"),
    **_both("enroll", "enrol", "- s ment"),
    **_both("travel", "travell", "ed ing er ers"),
    **_both("cancel", "cancell", "ed ing"),
    **_both("marvel", "marvell", "ed ing ous ously"),
    **_both("counsel", "counsell", "ed ing or ors"),
    **_both("label", "labell", "ed ing"),
    **_both("model", "modell", "ed ing"),
    **_both("gray", "grey", "- s ed ing ish er est"),
    **_both("mold", "mould", "- s ed ing y"),
    **_both("mustache", "moustache", "- s"),
    **_both("pajamas", "pyjamas", "-"),
    **_both("plow", "plough", "- s ed ing"),
    **_both("skeptic", "sceptic", "- s al ally ism"),
    **_both("aluminum", "aluminium", "-"),
    **_both("catalog", "catalogue", "- s"),
    **_both("cozy", "cosy", "-"),
    **_both("artifact", "artefact", "- s"),
    **_both("jewelry", "jewellery", "-"),
    **_both("maneuver", "manoeuvre", "- s"),
}
