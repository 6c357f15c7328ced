"""GBDA moves its distribution where it is best by hand, and proposes only what it may."""

from pathlib import Path

import pytest
import torch

from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.token.flips import Lexicon
from attacks.token.gbda import GBDA
from attacks.token.gumbel import INITIAL, Distribution, SoftTokens
from attacks.victims import TextInput
from robustness.classifier import Classifier
from robustness.judge import CountingVictim
from tests.attacks.token_victims import scoring, summing

SCORES = {"good": 2.0, "fine": 1.0, "film": 0.0, "the": 0.0, "bad": -1.0, "awful": -3.0, "!": 0.5, "?": -9.0}
ONE = GBDA(max_tokens=1, steps=80, samples=2, final_samples=20)


@pytest.fixture
def victim(tmp_path: Path) -> Classifier:
    return scoring(tmp_path, SCORES)


def run(
    victim: Classifier, attack: GBDA, texts: list[TextInput], y: int = 1, seeds: list[int] | None = None
) -> list[TextInput]:
    goal = attack.goal(torch.full((len(texts),), y), victim.label_names)
    return attack.perturb(victim, texts, goal, seeds or list(range(len(texts))))


def test_the_most_telling_token_is_exchanged_for_the_worst(victim: Classifier) -> None:
    assert run(victim, ONE, ["the  Good film fine", "good film"]) == ["the  Awful film fine", "awful film"]


def test_no_more_than_max_tokens_change(victim: Classifier) -> None:
    text = "good good good good"
    assert run(victim, ONE, [text]) == [text], "8 - 5 is still positive"
    (proposal,) = run(victim, GBDA(max_tokens=2, steps=80, samples=2), [text])
    assert isinstance(proposal, str)
    assert sorted(proposal.split()) == ["awful", "awful", "good", "good"]


def test_a_target_is_reached_and_not_just_any_wrong_class(tmp_path: Path) -> None:
    says = {"zero": (3.0, 0.0, 0.0), "one": (0.0, 9.0, 0.0), "two": (0.0, 0.0, 4.0), "film": (0.0, 0.0, 0.0)}
    victim = summing(tmp_path, says)
    attack = GBDA(max_tokens=1, steps=80, target="class 2")
    assert run(victim, attack, ["zero film"], y=0) == ["two film"]
    assert run(victim, attack, ["one film"], y=1) == ["two film"]


def test_what_is_tokenised_otherwise_is_not_proposed(tmp_path: Path) -> None:
    victim = scoring(tmp_path, {"un": 0.0, "##good": 2.0, "##bad": -9.0, "unbad": -1.0})
    # The distribution goes to "##bad", but "unbad" is one token: two have changed.
    assert run(victim, ONE, ["ungood"]) == ["ungood"]


def test_of_a_pair_either_text_may_change(victim: Classifier) -> None:
    pairs: list[TextInput] = [("the film", "a Good film"), ("", "good")]
    assert run(victim, ONE, pairs) == [("the film", "a Awful film"), ("", "awful")]


@pytest.mark.parametrize(("text", "y"), [("", 0), ("   ", 0), ("[CLS]", 0), ("awful film", 1)])
def test_what_cannot_or_need_not_change_stays_and_costs_one_query(
    victim: Classifier, text: str, y: int
) -> None:
    counting = CountingVictim(victim)
    assert ONE.perturb(counting, [text], Goal(torch.tensor([y])), [0]) == [text]
    assert counting.rows == 1


def test_queries_are_those_that_are_promised(victim: Classifier) -> None:
    counting = CountingVictim(victim)
    attack = GBDA(max_tokens=1, steps=7, samples=3, final_samples=5)
    attack.perturb(counting, ["good film", "the good good film"], Goal(torch.tensor([1, 1])), [0, 1])
    assert 2 * (1 + 7 * 3) <= counting.rows <= 2 * (1 + 7 * 3 + 5)


def test_proposals_depend_on_the_own_seed_only(victim: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    # Too few steps to be certain of anything, so that the draws decide.
    attack = GBDA(max_tokens=2, steps=45, samples=1, final_samples=3)
    texts: list[TextInput] = ["good film", "the fine good", "good fine good film the", "fine the"] * 4
    seeds = list(range(len(texts)))
    together = run(victim, attack, texts, seeds=seeds)
    assert run(victim, attack, texts, seeds=seeds) == together
    backwards = run(victim, attack, texts[::-1], seeds=seeds[::-1])
    assert backwards[::-1] == together
    monkeypatch.setattr(Classifier, "token_budget", 1)
    assert run(victim, attack, texts, seeds=seeds) == together
    assert run(victim, attack, texts, seeds=[seed + 99 for seed in seeds]) != together


# The distribution.


def around(victim: Classifier, texts: list[TextInput], seeds: list[int]) -> Distribution:
    lexicon = Lexicon(victim)
    places = lexicon.places(texts, victim.pieces(texts))
    own = [[place for place in places if place.row == row] for row in range(len(texts))]
    return Distribution.around(lexicon, own, seeds)


def test_a_distribution_starts_nearly_certain_of_the_text(victim: Classifier) -> None:
    distribution = around(victim, ["good film!", "the"], [0, 1])
    ids = victim.tokenizer.convert_tokens_to_ids(["good", "film", "!", "the"])
    assert distribution.logits[range(4), ids].tolist() == [INITIAL] * 4
    assert distribution.logits.sum().item() == 4 * INITIAL
    assert distribution.rows.tolist() == [0, 0, 0, 1]
    assert distribution.positions.tolist() == [1, 2, 3, 1]
    drawn = distribution.draw(200)
    assert sum(tokens == ids[:3] for tokens in drawn[0]) > 190
    assert sum(tokens == ids[3:] for tokens in drawn[1]) > 190


def test_only_tokens_of_the_kind_are_ever_drawn(victim: Classifier) -> None:
    distribution = around(victim, ["good !"], [0])
    with torch.no_grad():
        distribution.logits.zero_()
    (drawn,) = distribution.draw(2000)
    words = victim.tokenizer.convert_tokens_to_ids([word for word in SCORES if word.isalpha()])
    marks = victim.tokenizer.convert_tokens_to_ids(["!", "?"])
    assert {first for first, _ in drawn} == set(words)
    assert {second for _, second in drawn} == set(marks)


def test_draws_and_soft_samples_follow_the_softmax_of_the_logits(victim: Classifier) -> None:
    distribution = around(victim, ["!"], [3])
    mark, other = victim.tokenizer.convert_tokens_to_ids(["!", "?"])
    with torch.no_grad():
        distribution.logits[0, mark], distribution.logits[0, other] = 1.0, 0.0
    expected = torch.tensor([1.0, 0.0]).softmax(0)[0].item()
    (drawn,) = distribution.draw(20_000)
    assert sum(tokens == [mark] for tokens in drawn) / 20_000 == pytest.approx(expected, abs=0.02)
    soft = distribution.sample(20_000).weights.detach()
    torch.testing.assert_close(soft.sum(dim=2), torch.ones(20_000, 1))
    assert (soft.argmax(dim=2) == mark).float().mean().item() == pytest.approx(expected, abs=0.02)
    allowed = torch.zeros(soft.shape[2], dtype=torch.bool)
    allowed[[mark, other]] = True
    assert not soft[..., ~allowed].any()


def test_a_mixture_of_one_token_is_that_token(victim: Classifier) -> None:
    encoding = victim.tokenize(["good film", "the"])
    embeddings = victim.embed(encoding)
    awful = victim.tokenizer.convert_tokens_to_ids("awful")
    weights = torch.zeros(3, 1, len(victim.embedding_matrix))
    weights[:, 0, awful] = 1.0
    weights[2, 0, awful], weights[2, 0, 0] = 0.5, 0.5  # [PAD] says 0
    mixed = SoftTokens(torch.tensor([1]), torch.tensor([1]), weights).put(embeddings, victim.embedding_matrix)
    assert mixed.shape == (6, *embeddings.shape[1:])
    logits = victim.logits(encoding.take(torch.tensor([0, 1] * 3)), mixed)
    assert logits[:, 1].tolist() == [2.0, -3.0, 2.0, -3.0, 2.0, -1.5]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"steps": 0}, "steps to be a number above zero"),
        ({"learning_rate": 0.0}, "learning_rate to be a number above zero"),
        ({"samples": 0}, "samples to be a number above zero"),
        ({"final_samples": 0}, "final_samples to be a number above zero"),
        ({"kappa": -1.0}, "kappa to be a number of at least zero"),
        ({"lambda_lm": -1.0}, "lambda_lm to be a number of at least zero"),
        ({"lambda_sim": -1.0}, "lambda_sim to be a number of at least zero"),
        ({"language_model": 3}, "language_model to be a text"),
    ],
)
def test_bad_parameters_are_said(params: dict[str, float], message: str) -> None:
    with pytest.raises(AssayError, match=message):
        GBDA(**params)
