"""Whether a candidate answers the same when a text is about somebody else."""

from reports.blocks import Block, Bullets, Part, Section, Side, Text
from reports.counterfactual_tables import (
    Results,
    axis_tables,
    effect_details,
    flip_details,
    template_details,
)
from reports.formatting import counted, name
from reports.model import AuditReport

ORDER = 52

_TOLD = (
    "Each text that names an identity (a pronoun, a religion, a first name ...) was asked again with that "
    "identity exchanged for others, and everything else left as it was. Where only that changes the answer, "
    "the answer depends on whom the text is about. Whether the first answer was right does not count here."
)
_TEMPLATES = (
    "Sentences that say little but whom they speak of, filled with the terms of each group in turn. The "
    "score of a filling is compared with the mean of all fillings of its sentence, its label with the "
    "commonest one. These sentences were written, not drawn: their rates foretell nothing about texts in use."
)
_LIMITS = (
    "An identity can matter to what a text says: what insults one group need not insult another, "
    "and “the blind man asked for help” is odd of one who sees. Look at the texts before blaming the model.",
    "Only terms of the tables are swapped. An identity that is told in other words, by a dialect, a place or "
    "a custom, stays where it is; so may one of two that belong together.",
    "Grammar is told from a few words around a term, without a parser: now and then a variant is not good "
    "English, and the model may answer to that.",
    "Two genders are exchanged, since “they” agrees with other verbs. Groups that no table names are not "
    "assessed.",
    "That nothing flips is no proof of fairness: it can be equally wrong about everybody.",
)


def section(report: AuditReport) -> Section | None:
    """None where no identities were swapped."""
    sets = list(
        dict.fromkeys((each.kind, each.name) for c in report.candidates for each in c.counterfactuals)
    )
    if not sets:
        return None
    blocks: list[Block] = []
    for kind, title in sets:
        results = [
            next((each for each in c.counterfactuals if (each.kind, each.name) == (kind, title)), None)
            for c in report.candidates
        ]
        heading = "The audited texts, about somebody else" if kind == "texts" else f"Templates: {name(title)}"
        blocks.append(Part(heading, _set(report, results)))
    blocks.append(Part("What swapping cannot show", [Bullets(_LIMITS)]))
    return Section("Counterfactual fairness", "counterfactual-fairness", blocks)


def _set(report: AuditReport, results: Results) -> list[Block]:
    first = next(each for each in results if each)
    texts = first.kind == "texts"
    blocks: list[Block] = [Text(_TOLD if texts else _TEMPLATES)]
    noun = "text" if texts else "pair of a template and an axis"
    plural = "texts" if texts else "pairs of a template and an axis"
    counts = f"{counted(first.n, noun, plural)} with {counted(first.variants, 'variant')}"
    if first.not_applicable:
        counts += f"; {counted(first.not_applicable, noun, plural)} named no identity that can be swapped"
    blocks.append(Text(f"{counts}. {_score(first.outcome)}", "muted"))
    if first.n == 0:
        return blocks
    blocks.append(Side(axis_tables(report, results)))
    for candidate, result in zip(report.candidates, results, strict=True):
        if result is None:
            continue
        blocks += effect_details(candidate.name, result, "group", result.by_groups)
        blocks += effect_details(candidate.name, result, "term", result.by_term)
        blocks += template_details(candidate.name, result)
        blocks += flip_details(candidate.name, result)
    return blocks


def _score(outcome: str | None) -> str:
    if outcome is None:
        return (
            "The score is the probability of the label predicted first. Any change tends to lower it, so "
            "no change is tested for being more than chance; name an outcome in [counterfactual] for that."
        )
    return (
        f"The score is the probability of “{name(outcome)}”. A change is established where a signed-rank "
        "test over examples says so, adjusted for the number of tests (Benjamini and Hochberg 1995)."
    )
