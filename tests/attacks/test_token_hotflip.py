"""HotFlip finds the exchange that is best by hand, keeps its budget, and changes nothing else of the text."""

import itertools
from pathlib import Path

import pytest
import torch

from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.token.edits import Change, rewrite
from attacks.token.flips import Lexicon, best_flips
from attacks.token.hotflip import HotFlip
from attacks.victims import TextInput
from robustness.classifier import Classifier
from robustness.judge import CountingVictim
from tests.attacks.token_victims import scoring, scoring_pieces, summing

SCORES = {"good": 2.0, "fine": 1.0, "film": 0.0, "the": 0.0, "bad": -1.0, "awful": -3.0, "!": 0.5, "?": -9.0}


@pytest.fixture
def victim(tmp_path: Path) -> Classifier:
    return scoring(tmp_path, SCORES)


def flip(victim: Classifier, attack: HotFlip, texts: list[TextInput], y: int = 1) -> list[TextInput]:
    goal = attack.goal(torch.full((len(texts),), y), victim.label_names)
    return attack.perturb(victim, texts, goal, [0] * len(texts))


def test_the_best_single_exchange_is_found(victim: Classifier) -> None:
    # 2 + 1 - 5 = -2 by exchanging "good"; "fine" or "the" leave -1 and 0 at best.
    assert flip(victim, HotFlip(max_tokens=1), ["the good fine film"]) == ["the awful fine film"]


def test_no_more_tokens_are_exchanged_than_are_needed_or_allowed(victim: Classifier) -> None:
    text = "good good good"  # 6, then 1, then -4
    assert flip(victim, HotFlip(max_tokens=1), [text]) == [text]
    (proposal,) = flip(victim, HotFlip(max_tokens=3), [text])
    assert isinstance(proposal, str)
    assert sorted(proposal.split()) == ["awful", "awful", "good"]


def test_a_single_candidate_is_as_good_as_trying_every_exchange(victim: Classifier) -> None:
    """On a linear model the estimate is exact."""
    words = [word for word in SCORES if word.isalpha()]
    for text in map(list, itertools.product(["good", "fine", "the", "bad"], repeat=3)):
        score = sum(SCORES[word] for word in text)
        (proposal,) = flip(victim, HotFlip(max_tokens=1, beam=1, candidates=1), [" ".join(text)])
        assert isinstance(proposal, str)
        options = [score - SCORES[old] + SCORES[new] for old in text for new in words if new != old]
        if score > 0 >= min(options):  # 0 is class 0
            assert sum(SCORES[word] for word in proposal.split()) == min(options)
        else:
            assert proposal.split() == text


def test_the_rest_of_the_text_its_case_and_its_spaces_stay(victim: Classifier) -> None:
    assert flip(victim, HotFlip(max_tokens=1), ["  The  GOOD\tFilm \n"]) == ["  The  AWFUL\tFilm \n"]
    assert flip(victim, HotFlip(max_tokens=1), ["Good, good? Film"]) == ["Good, good? Film"], "wrong already"
    assert flip(victim, HotFlip(max_tokens=1), ["Good film"]) == ["Awful film"]


def test_punctuation_becomes_punctuation_and_words_become_words(victim: Classifier) -> None:
    # "?" says more than any word, but only in the place of "!".
    assert flip(victim, HotFlip(max_tokens=1), ["good film"]) == ["awful film"]
    assert flip(victim, HotFlip(max_tokens=1), ["good film!"]) == ["good film?"]


def test_an_exchange_that_is_tokenised_otherwise_is_not_made(tmp_path: Path) -> None:
    # "un ##bad" would be best and "unbad" fools the model, but that is one token: two have changed.
    victim = scoring(tmp_path, {"un": 0.0, "##good": 2.0, "##bad": -9.0, "unbad": -1.0, "##dull": -0.5})
    assert victim.tokenizer.tokenize("ungood") == ["un", "##good"]
    assert victim.tokenizer.tokenize("unbad") == ["unbad"]
    assert flip(victim, HotFlip(max_tokens=1), ["ungood"]) == ["undull"]


def test_sentence_pieces_are_exchanged_within_their_spaces() -> None:
    says = {"▁the": 0.0, "▁good": 2.0, "▁bad": -3.0, "ly": 0.5, "ness": -9.0, "▁badness": 20.0}
    victim = scoring_pieces(says)
    assert victim.tokenizer.tokenize("the good  goodly") == ["▁the", "▁good", "▁", "▁good", "ly"]
    assert flip(victim, HotFlip(max_tokens=1), ["the  good the"]) == ["the  bad the"]
    assert flip(victim, HotFlip(max_tokens=1), ["good goodly"]) == ["good goodness"]
    # "badness" would be one token of its own, which says the opposite.
    (proposal,) = flip(victim, HotFlip(max_tokens=1), ["badly good good"])
    assert proposal in ("badly bad good", "badly good bad")


def test_the_same_word_in_another_case_is_no_exchange(tmp_path: Path) -> None:
    cased = scoring(tmp_path, {"good": 2.0, "Good": -1.5, "bad": -1.0, "film": 0.0})
    cased.tokenizer.backend_tokenizer.normalizer.lowercase = False
    assert cased.tokenizer.tokenize("Good good") == ["Good", "good"]
    # "Good" in the place of "good" would be best: -1.5.
    assert flip(cased, HotFlip(max_tokens=1), ["good film"]) == ["bad film"]


def test_the_least_similarity_is_kept(tmp_path: Path) -> None:
    # Cosines with "good" (1, 1): "odd" 0, "meh" 0.8, so that with 0.5 only the latter may come.
    victim = summing(
        tmp_path, {"good": (1.0, 1.5), "odd": (3.0, -2.0), "meh": (1.5, 0.5), "film": (0.0, 0.0)}
    )
    assert flip(victim, HotFlip(max_tokens=1), ["good film"]) == ["odd film"]
    assert flip(victim, HotFlip(max_tokens=1, min_similarity=0.5), ["good film"]) == ["meh film"]
    assert flip(victim, HotFlip(max_tokens=1, min_similarity=0.99), ["good film"]) == ["good film"]


def test_a_target_is_reached_and_not_just_any_wrong_class(tmp_path: Path) -> None:
    says = {"zero": (3.0, 0.0, 0.0), "one": (0.0, 9.0, 0.0), "two": (0.0, 0.0, 4.0), "film": (0.0, 0.0, 0.0)}
    victim = summing(tmp_path, says)
    assert flip(victim, HotFlip(max_tokens=1), ["zero film"], y=0) == ["one film"]
    assert flip(victim, HotFlip(max_tokens=1, target="class 2"), ["zero film"], y=0) == ["two film"]
    assert flip(victim, HotFlip(max_tokens=1, target="class 2"), ["one film"], y=1) == ["two film"]


def test_of_a_pair_either_text_may_change(tmp_path: Path) -> None:
    victim = scoring(tmp_path, SCORES)
    pairs: list[TextInput] = [("The film", "a Good film"), ("good", ""), ("", "good film")]
    expected = [("The film", "a Awful film"), ("awful", ""), ("", "awful film")]
    assert flip(victim, HotFlip(max_tokens=1), pairs) == expected


def test_beyond_the_truncation_nothing_is_changed(tmp_path: Path) -> None:
    victim = scoring(tmp_path, SCORES, max_length=5)
    assert flip(victim, HotFlip(max_tokens=1), ["the fine film good good"]) == ["the awful film good good"]
    pair: TextInput = ("fine the the the", "the the the the good")
    assert flip(victim, HotFlip(max_tokens=1), [pair]) == [("awful the the the", pair[1])]


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "[CLS]"])
def test_a_text_without_an_exchangeable_token_stays(victim: Classifier, text: str) -> None:
    # Special tokens say 0, so that the answer is class 0, from which any word would lead away.
    assert flip(victim, HotFlip(max_tokens=1), [text], y=0) == [text]


@pytest.mark.parametrize(("text", "expected"), [("Zürich", "Good"), ("🙂", "!"), ("film 🙂🙂", "good 🙂🙂")])
def test_an_unknown_word_is_exchanged_as_a_whole(victim: Classifier, text: str, expected: str) -> None:
    assert flip(victim, HotFlip(max_tokens=1), [text], y=0) == [expected]


def test_a_text_that_fools_already_is_left_alone(victim: Classifier) -> None:
    assert flip(victim, HotFlip(), ["awful film"]) == ["awful film"]


def test_the_beam_finds_what_a_greedy_search_misses(tmp_path: Path) -> None:
    victim = scoring(tmp_path, SCORES)

    def logits(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> object:
        score = victim.model.words(input_ids)[..., 1]
        # The first two tokens must both fall, but each alone promises less than the third.
        both = torch.maximum(score[:, 1], score[:, 2]) + 0.6 * score[:, 3]
        return type("Output", (), {"logits": torch.stack([torch.zeros_like(both), both], dim=1)})

    victim.model.forward = logits
    text = "good good good"
    assert flip(victim, HotFlip(max_tokens=2, beam=1, candidates=1), [text]) == [text]
    (found,) = flip(victim, HotFlip(max_tokens=2, beam=12, candidates=12), [text])
    assert found == "awful awful good"


def test_every_row_that_is_asked_is_counted_and_bounded(victim: Classifier) -> None:
    texts: list[TextInput] = ["good good good", "the film", "good film"]
    attack = HotFlip(max_tokens=2, beam=2, candidates=3)
    counting = CountingVictim(victim)
    attack.perturb(counting, texts[:1], Goal(torch.tensor([1])), [0])
    # 1 for the text, 3 candidates, then 2 lines with 3 candidates each, of which one text comes twice.
    assert 1 + 3 + 2 + 3 <= counting.rows <= 1 + 3 + 2 * (1 + 3)
    counting = CountingVictim(victim)
    attack.perturb(counting, texts[1:2], Goal(torch.tensor([0])), [0])
    assert counting.rows > 1
    counting = CountingVictim(victim)
    attack.perturb(counting, ["awful"], Goal(torch.tensor([1])), [0])
    assert counting.rows == 1


def test_a_place_is_flipped_once(tmp_path: Path) -> None:
    victim = scoring(tmp_path, {"good": 2.0, "fine": 1.0, "film": 0.5})
    counting = CountingVictim(victim)
    attack = HotFlip(max_tokens=3, beam=1, candidates=2)
    assert attack.perturb(counting, ["good"], Goal(torch.tensor([1])), [0]) == ["good"]
    # The text, its two other words, and the better of these, of which no place is left.
    assert counting.rows == 1 + 2 + 1


def test_estimates_are_exact_on_a_linear_model_and_fall(victim: Classifier) -> None:
    lexicon = Lexicon(victim)
    text: TextInput = "good film!"
    places = lexicon.places([text], victim.pieces([text]))
    assert [victim.tokenizer.convert_ids_to_tokens(place.piece.token) for place in places] == [
        "good",
        "film",
        "!",
    ]
    # The margin of class 0 over class 1 falls by the score.
    gains, tokens = best_flips(lexicon, places, torch.tensor([[1.0, -1.0]] * 3), top=8)
    for place, falling, found in zip(places, gains.tolist(), tokens.tolist(), strict=True):
        old = victim.tokenizer.convert_ids_to_tokens(place.piece.token)
        same_kind = [word for word in SCORES if word.isalpha() == old.isalpha()]
        expected = sorted((SCORES[old] - SCORES[word] for word in same_kind), reverse=True)
        assert falling[: len(expected)] == pytest.approx(expected)
        assert falling[len(expected) :] == [-torch.inf] * (8 - len(expected))
        names = victim.tokenizer.convert_ids_to_tokens(found[: len(expected)])
        assert [SCORES[old] - SCORES[name] for name in names] == pytest.approx(expected)


def test_estimates_do_not_depend_on_how_many_are_held_at_once(
    victim: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    lexicon = Lexicon(victim)
    texts: list[TextInput] = ["good film!", "the bad film"]
    places = lexicon.places(texts, victim.pieces(texts))
    gradients = torch.randn(len(places), 2, generator=torch.Generator().manual_seed(0))
    whole = best_flips(lexicon, places, gradients, top=3)
    monkeypatch.setattr("attacks.token.flips.SCORES", 1)
    part = best_flips(lexicon, places, gradients, top=3)
    assert all(torch.equal(one, other) for one, other in zip(whole, part, strict=True))


def test_several_exchanges_in_one_text_keep_their_places(victim: Classifier) -> None:
    text: TextInput = ("Good film", "the GOOD, film")
    (pieces,) = victim.pieces([text])
    ids = victim.tokenizer.get_vocab()
    changes = [Change(pieces[0], ids["awful"]), Change(pieces[3], ids["bad"]), Change(pieces[-1], ids["the"])]
    for order in itertools.permutations(changes):
        assert rewrite(text, order, victim.vocabulary) == ("Awful film", "the BAD, the")


def test_a_token_without_a_spelling_is_never_put_into_a_text(victim: Classifier) -> None:
    (pieces,) = victim.pieces(["good"])
    with pytest.raises(ValueError, match="must not be put into a text"):
        rewrite("good", [Change(pieces[0], victim.tokenizer.sep_token_id)], victim.vocabulary)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_tokens": 0}, "max_tokens to be a number above zero"),
        ({"beam": 0}, "beam to be a number above zero"),
        ({"candidates": -1}, "candidates to be a number above zero"),
        ({"min_similarity": 1.5}, "min_similarity to be a cosine from -1 to 1, got 1.5"),
        ({"beam": 1.5}, "beam to be a whole number"),
    ],
)
def test_bad_parameters_are_said(params: dict[str, float], message: str) -> None:
    with pytest.raises(AssayError, match=message):
        HotFlip(**params)


def test_a_model_with_nan_weights_is_an_error(victim: Classifier) -> None:
    with torch.no_grad():
        victim.model.words.weight[5] = torch.nan

    def logits(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> object:
        embeddings = victim.model.words(input_ids)
        return type("Output", (), {"logits": (embeddings * embeddings).sum(dim=1)})

    victim.model.forward = logits
    with pytest.raises(AssayError, match='"hotflip": expected finite gradients'):
        flip(victim, HotFlip(), ["good film"])
