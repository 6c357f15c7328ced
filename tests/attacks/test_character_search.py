"""Attacks by imperceptible characters on models of known behaviour: found, within budget, and counted."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

import attacks.character.base
from attacks.black_box import Proposal
from attacks.character.base import CharacterAttack
from attacks.character.deletions import Deletions
from attacks.character.homoglyphs import Homoglyphs
from attacks.character.invisible import INVISIBLE, Invisible
from attacks.character.rendering import rendered
from attacks.character.reorderings import Reorderings
from attacks.character.search import Effort, evolution, start
from attacks.character.sites import Field
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.victims import TextInput, TextVictim

FAMILIES: tuple[type[CharacterAttack], ...] = (Invisible, Homoglyphs, Reorderings, Deletions)
SEARCHES = ("evolution", "greedy", "random")

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
each_search = pytest.mark.parametrize("search", SEARCHES)


class Stand:
    """A model of two classes: class 1 where ``says`` gives a positive number; counts what it is asked."""

    label_names: tuple[str, ...] = ("class 0", "class 1")

    def __init__(self, says: Callable[[str], float]) -> None:
        self.says = says
        self.calls: list[list[TextInput]] = []

    @property
    def rows(self) -> int:
        return sum(map(len, self.calls))

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        assert texts, "asked nothing"
        self.calls.append(list(texts))
        return np.stack([self.answer(text if isinstance(text, str) else " ".join(text)) for text in texts])

    def answer(self, text: str) -> np.ndarray:
        one = 1 / (1 + np.exp(-self.says(text)))
        return np.array([1 - one, one])


class LabelOnly(Stand):
    """Gives its label and no score."""

    def answer(self, text: str) -> np.ndarray:
        return np.eye(2)[int(self.says(text) > 0)]


class Counted(Stand):
    """Three classes: 0 without "good" and "fine", 1 with "good", 2 with "fine" alone."""

    label_names = ("class 0", "class 1", "class 2")

    def answer(self, text: str) -> np.ndarray:
        label = 1 if "good" in text else 2 if "fine" in text else 0
        return 0.1 + 0.7 * np.eye(3)[label]


def keywords(*words: str) -> Callable[[str], float]:
    """Positive as long as one of the words is there as it is written."""
    return lambda text: sum(text.count(word) for word in words) - 0.5


def words_kept(text: str) -> float:
    """How many of the words are untouched, above two: a slope for a search to go down."""
    known = ("good", "cops", "hope", "posh", "chip")
    return 2.0 * sum(word in known for word in text.split()) - 5


def run(
    attack: CharacterAttack,
    victim: TextVictim,
    texts: Sequence[TextInput],
    y: int = 1,
    seeds: Sequence[int] | None = None,
) -> list[Proposal]:
    """The proposals in the order of the texts."""
    goal = attack.goal(torch.full((len(texts),), y), victim.label_names)
    seeds = range(len(texts)) if seeds is None else seeds
    return sorted(attack.perturb(victim, texts, goal, seeds), key=lambda proposal: proposal.row)


@each_family
@each_search
def test_a_keyword_is_broken_by_one_injection(family: type[CharacterAttack], search: str) -> None:
    attack = family(max_injections=1, search=search)
    victim = Stand(keywords("good"))
    (proposal,) = run(attack, victim, ["good"])
    assert proposal.ending == "succeeded"
    assert "good" not in str(proposal.text)
    assert rendered(str(proposal.text)) == "good"
    assert attack.distance("good", proposal.text) == 1


@each_family
@each_search
def test_several_keywords_are_broken_within_the_budget(family: type[CharacterAttack], search: str) -> None:
    text = "good cops hope posh chip"
    victim = Stand(words_kept)
    # Two words may stay: three must be broken.
    attack = family(max_injections=3, search=search, generations=60)
    (proposal,) = run(attack, victim, [text])
    assert proposal.ending == "succeeded"
    assert attack.distance(text, proposal.text) == 3
    assert rendered(str(proposal.text)) == text
    (failed,) = run(replace(attack, max_injections=2, generations=10), victim, [text])
    assert (failed.ending, failed.text) == ("failed", text)


@each_family
@each_search
def test_a_budget_is_kept_in_all_that_is_asked(family: type[CharacterAttack], search: str) -> None:
    texts: list[TextInput] = ["the posh cops", ("a pair", "of good ones"), "х", "🙂 é"]
    attack = family(max_injections=2, search=search, generations=4)
    victim = Stand(lambda text: 1 + len(text) % 3)
    run(attack, victim, texts)
    asked = set(itertools.chain.from_iterable(victim.calls))
    counts = [
        [attack.distance(text, other) for text in texts if rendered_all(text) == rendered_all(other)]
        for other in asked
    ]
    assert all(len(own) == 1 and own[0] is not None and own[0] <= 2 for own in counts)
    assert max(own[0] or 0 for own in counts) == 2


def rendered_all(text: TextInput) -> TextInput:
    return rendered(text) if isinstance(text, str) else (rendered(text[0]), rendered(text[1]))


@each_search
def test_a_model_that_strips_invisible_characters_is_never_fooled(search: str) -> None:
    strip = str.maketrans(dict.fromkeys(INVISIBLE))
    victim = Stand(lambda text: keywords("good")(text.translate(strip)))
    (proposal,) = run(Invisible(search=search), victim, ["a good film"])
    assert (proposal.ending, proposal.text) == ("failed", "a good film")
    assert proposal.queries == victim.rows > 1


@each_family
def test_of_the_texts_that_reach_the_goal_the_one_with_the_fewest_injections_is_proposed(
    family: type[CharacterAttack],
) -> None:
    text = "cops hope"
    attack = family(max_injections=5, search="random")
    # The more injections, the further in the lead.
    victim = Stand(lambda new: 1.0 if new == text else -float(attack.distance(text, new) or 0))
    (proposal,) = run(attack, victim, [text])
    assert len(victim.calls) == 2
    counts = [attack.distance(text, asked) for asked in victim.calls[1]]
    assert (
        attack.distance(text, proposal.text)
        == min(count for count in counts if count)
        < max(map(int, counts))
    )


@each_family
@each_search
def test_a_proposal_does_not_depend_on_the_others_or_their_order(
    family: type[CharacterAttack], search: str
) -> None:
    attack = family(search=search, population=8, generations=5, max_injections=3)
    texts: list[TextInput] = ["good cops hope", "a posh chip", ("good", "hope"), "cops", "good cops hope"]
    seeds = [3, 1, 4, 1, 5]

    def results(order: Sequence[int]) -> dict[int, tuple[object, ...]]:
        proposals = run(attack, Stand(words_kept), [texts[i] for i in order], 0, [seeds[i] for i in order])
        again = run(attack, Stand(slope), [texts[i] for i in order], 1, [seeds[i] for i in order])
        return {
            i: (one.text, one.queries, one.ending, other.text, other.queries, other.ending)
            for i, one, other in zip(order, proposals, again, strict=True)
        }

    together = results(range(5))
    assert results([4, 2, 0, 3, 1]) == together
    for i in range(5):
        assert results([i]) == {i: together[i]}


def slope(text: str) -> float:
    """Falls with what is not ASCII, is a control, or stands at another place: no text is like another."""
    return 0.02 * sum(i * (ord(character) % 7) for i, character in enumerate(text)) % 3 - 0.3


@each_search
def test_another_seed_tries_other_texts(search: str) -> None:
    attack = Deletions(search=search, generations=1)
    asked = []
    for seed in (0, 0, 1):
        victim = Stand(lambda text: 1.0)
        run(attack, victim, ["good film"], seeds=[seed])
        asked.append(victim.calls)
    assert asked[0] == asked[1]
    assert asked[0] != asked[2]


@each_search
def test_every_query_is_counted_and_none_is_made_twice(search: str) -> None:
    texts: list[TextInput] = ["good", "good hope", ("cop", "chip"), "", "x"]
    victim = Stand(lambda text: 1.0)
    proposals = run(Homoglyphs(search=search), victim, texts)
    asked = list(itertools.chain.from_iterable(victim.calls))
    assert len(asked) == len(set(asked)) == sum(proposal.queries for proposal in proposals)
    assert [proposal.queries for proposal in proposals][3] == 1, "an empty text has nothing to try"
    # "x" has one lookalike and no more.
    assert proposals[4].queries == 2
    assert set(asked[:5]) == set(texts)


@each_search
def test_the_most_queries_of_an_example_are_known_before(search: str) -> None:
    attack = Deletions(search=search, population=8, generations=4, max_injections=3)
    assert attack.most_queries == {"evolution": 1 + 8 * 5, "greedy": 1 + 8 * 3, "random": 1 + 8 * 5}[search]
    assert replace(attack, max_queries=9).most_queries == 9
    # Of some 3,000 places and characters hardly one is drawn twice.
    (failed,) = run(attack, Stand(lambda text: 1.0), ["a film as long as a film can be"])
    assert attack.most_queries - 3 <= failed.queries <= attack.most_queries


@each_search
def test_the_model_is_called_as_often_for_many_examples_as_for_one(search: str) -> None:
    attack = Deletions(search=search, generations=6, max_injections=7)
    calls = []
    for count in (1, 40):
        victim = Stand(lambda text: 1.0)
        run(attack, victim, [f"film {i}" for i in range(count)])
        calls.append(len(victim.calls))
    # The texts themselves, then one call for each generation, or for each injection.
    assert calls == [1 + 7, 1 + 7]
    assert len(victim.calls[-1]) > 40


def test_of_very_many_examples_only_some_are_alive_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    attack = Invisible(population=4, generations=2, max_injections=2)
    texts = [f"good {i}" for i in range(9)]
    whole = run(attack, Stand(lambda text: 1.0), texts)
    monkeypatch.setattr(attacks.character.base, "ALIVE", 2)
    victim = Stand(lambda text: 1.0)
    few = run(attack, victim, texts)
    assert [replace(proposal, seconds=0) for proposal in few] == [
        replace(proposal, seconds=0) for proposal in whole
    ]
    assert max(map(len, victim.calls)) <= 2 * 4


def test_proposals_come_as_soon_as_they_are_there() -> None:
    victim = Stand(lambda text: -1.0 if "easy" in text else 1.0)
    attack = Deletions(generations=9)
    goal = Goal(torch.ones(3, dtype=torch.int64))
    proposals = attack.perturb(victim, ["hard", "easy", "harder"], goal, [0, 1, 2])
    assert victim.rows == 0, "nothing is asked before the first is wanted"
    first = next(proposals)
    assert (first.row, first.text, first.queries, first.ending) == (1, "easy", 1, "succeeded")
    assert len(victim.calls) == 1
    asked = victim.rows
    proposals.close()
    assert victim.rows == asked
    assert list(proposals) == []


@each_search
def test_a_target_is_reached_and_not_just_any_wrong_class(search: str) -> None:
    attack = Homoglyphs(search=search, target="class 2", max_injections=2, generations=40)
    victim = Counted(lambda text: 0.0)
    (proposal,) = run(attack, victim, ["good and fine"])
    assert proposal.ending == "succeeded"
    assert "good" not in str(proposal.text)
    assert "fine" in str(proposal.text)
    (lost,) = run(attack, victim, ["good"])
    assert (lost.ending, lost.text) == ("failed", "good")
    (any_other,) = run(replace(attack, target=None), victim, ["good"])
    assert any_other.ending == "succeeded"


@each_family
def test_labels_alone_are_enough_for_the_random_search(family: type[CharacterAttack]) -> None:
    attack = family(search="random", max_injections=3)
    (scored,) = run(attack, Stand(keywords("good")), ["a good film"])
    (labelled,) = run(attack, LabelOnly(keywords("good")), ["a good film"])
    assert labelled.ending == "succeeded"
    assert (labelled.text, labelled.queries) == (scored.text, scored.queries)


def test_a_model_that_is_sure_of_itself_can_be_searched_by_score() -> None:
    """Probabilities of 0 have no logarithm."""
    (proposal,) = run(Deletions(), LabelOnly(keywords("good")), ["good"])
    assert proposal.ending == "succeeded"


@each_family
def test_the_threat_model_is_that_of_the_search(family: type[CharacterAttack]) -> None:
    for search, access in (("evolution", "score"), ("greedy", "score"), ("random", "label")):
        threat_model = family(search=search, max_injections=4, target="class 0").threat_model
        assert (threat_model.access, threat_model.space) == (access, "character")
        assert (threat_model.norm, threat_model.epsilon) == (None, 4.0)
        assert threat_model.target == "class 0"


def test_the_query_budget_of_an_example_is_kept() -> None:
    victim = Stand(words_kept)
    texts: list[TextInput] = ["good cops hope posh chip", "x", "bad"]
    proposals = run(Homoglyphs(max_queries=50, max_injections=2), victim, texts)
    assert [proposal.ending for proposal in proposals] == ["out of queries", "succeeded", "succeeded"]
    assert proposals[0].queries == 50
    assert proposals[0].text == texts[0]
    assert victim.rows == 52
    for budget in (1, 2, 31):
        (proposal,) = run(Deletions(max_queries=budget), Stand(lambda text: 1.0), ["good film"])
        assert (proposal.queries, proposal.ending) == (budget, "out of queries")


def test_a_search_that_ends_within_its_query_budget_has_failed() -> None:
    (proposal,) = run(Homoglyphs(max_queries=2), Stand(lambda text: 1.0), ["x"])
    assert (proposal.queries, proposal.ending) == (2, "failed")


def test_the_time_of_an_example_is_bounded_and_its_share_of_what_is_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    class Slow(Stand):
        def answer(self, text: str) -> np.ndarray:
            nonlocal now
            now += 1.0
            return super().answer(text)

    monkeypatch.setattr("attacks.character.example.time.perf_counter", lambda: now)
    victim = Slow(lambda text: -1.0 if "easy" in text else 1.0)
    attack = Deletions(max_seconds=30, population=8)
    hard, easy = run(attack, victim, ["hard", "easy"])
    assert (easy.seconds, easy.ending, easy.queries) == (1.0, "succeeded", 1)
    assert (hard.ending, hard.text) == ("out of time", "hard")
    # One second an answer: the generation after which 30 are over is the last.
    assert 30 <= hard.seconds < 30 + 8
    assert hard.seconds == hard.queries


@each_search
@each_family
@pytest.mark.parametrize("text", ["", "x", "🙂", "👍🏽", "שלום עולם", "\u200b", ("", ""), "\n"])
def test_short_and_strange_texts_are_attacked_or_left_alone(
    family: type[CharacterAttack], search: str, text: TextInput
) -> None:
    attack = family(search=search, generations=2)
    victim = Stand(lambda new: 1.0)
    (proposal,) = run(attack, victim, [text])
    assert (proposal.text, proposal.ending) == (text, "failed")
    assert proposal.queries == victim.rows
    assert all(attack.distance(text, asked) is not None for asked in victim.calls[-1])
    assert (proposal.queries == 1) == (not Field(family.family, text).sites)


@each_family
def test_a_text_that_fools_already_is_left_alone(family: type[CharacterAttack]) -> None:
    (proposal,) = run(family(), Stand(lambda text: -1.0), ["good film"])
    assert (proposal.text, proposal.queries, proposal.ending) == ("good film", 1, "succeeded")


def test_nothing_is_asked_where_there_is_no_example() -> None:
    victim = Stand(lambda text: 1.0)
    assert run(Invisible(), victim, []) == []
    assert victim.calls == []


def test_evolution_goes_where_the_scores_lead() -> None:
    """With a slope to follow it finds in a few generations what as many random draws do not."""
    text = "x" * 60
    wanted = {11, 23, 37, 52}

    def says(new: str) -> float:
        """How far the nearest injections are from where they are wanted, above 2 characters in all."""
        made = [i for i, character in enumerate(new) if character == "\u0445"]
        return sum(min((abs(i - place) for i in made), default=60) for place in wanted) - 2

    endings = {}
    for search in ("evolution", "random"):
        attack = Homoglyphs(search=search, max_injections=4, generations=40)
        proposals = run(attack, Stand(lambda new: 0.05 * says(new)), [text] * 6)
        endings[search] = sum(proposal.ending == "succeeded" for proposal in proposals)
    assert endings["evolution"] >= 5 > 1 >= endings["random"]


def test_the_first_population_has_from_one_to_all_injections() -> None:
    where = Field(Deletions.family, "a film of some length")
    search = evolution(where, Effort(5, 32, 10), np.random.default_rng(0))
    counts = [where.injections(text) for text in next(search)]
    assert {1, 2, 3, 4, 5} <= set(counts)
    assert counts[:4] == [1, 2, 3, 4]


def test_random_texts_have_from_one_to_all_injections() -> None:
    where = Field(Deletions.family, "a film of some length")
    search = start("random", where, Effort(3, 200, 1), np.random.default_rng(0))
    counts = [where.injections(text) for text in next(search)]
    # A third of them each, but for the few of which a place was drawn that means none.
    assert all(40 <= counts.count(number) <= 100 for number in (1, 2, 3))


def test_greedy_keeps_the_best_of_what_it_tried() -> None:
    where = Field(Homoglyphs.family, "cops")
    search = start("greedy", where, Effort(2, 99, 1), np.random.default_rng(0))
    first = next(search)
    assert len(first) == len(set(first)) == sum(len(site.choices) for _, site in where.sites)
    assert {where.injections(text) for text in first} == {1}
    best = first[3]
    second = search.send(np.array([0.0, 0.0, 0.0, 1.0, *[0.0] * (len(first) - 4)]))
    assert {where.injections(text) for text in second} == {2}
    assert all(Field(Homoglyphs.family, best).injections(text) == 1 for text in second)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_injections": 0}, "max_injections to be a number above zero"),
        ({"max_injections": 2.5}, "max_injections to be a whole number"),
        ({"population": 0}, "population to be a number above zero"),
        ({"population": 3}, 'population to be at least 4 with search = "evolution", got 3'),
        ({"generations": 0}, "generations to be a number above zero"),
        ({"search": "evolutoin"}, 'search to be .*Did you mean "evolution"'),
        ({"max_queries": 0}, "max_queries to be a number above zero"),
        ({"max_seconds": -1}, "max_seconds to be a number above zero"),
    ],
)
def test_bad_parameters_are_said(params: dict[str, object], message: str) -> None:
    with pytest.raises(AssayError, match=message):
        Invisible(**params)  # type: ignore[arg-type]


def test_few_individuals_are_enough_without_evolution() -> None:
    assert Invisible(population=1, search="random").population == 1


def test_one_seed_is_needed_for_each_example() -> None:
    goal = Goal(torch.tensor([1, 1]))
    with pytest.raises(ValueError, match="zip"):
        list(Invisible().perturb(Stand(lambda text: 1.0), ["a", "b"], goal, [0]))
