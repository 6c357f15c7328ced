"""Tokenising and padding, with the tokenizer's own answers as the oracle."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.tokens import collate, pieces, tokenize, vocabulary
from tests.attacks.token_victims import sentence_piece, word_piece
from tests.robustness.tiny import BAD, FILLER, GOOD, tiny_folder

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["bert", "roberta"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tiny_folder(tmp_path_factory.mktemp("tokens"), kind=request.param)
    return transformers.AutoTokenizer.from_pretrained(folder)


TEXTS: list[TextInput] = ["good", "the film was a very dull film", "", "bad plot"]
PAIRS: list[TextInput] = [("good film", "bad plot"), ("a", ""), ("the very dull film was dull", "awful")]


@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
def test_a_batch_is_what_the_tokenizer_pads_itself(tokenizer: Any, texts: list[TextInput]) -> None:
    ours = collate(tokenizer, tokenize(tokenizer, texts, 64), CPU)
    columns = [texts] if isinstance(texts[0], str) else [list(column) for column in zip(*texts, strict=True)]
    theirs = tokenizer(*columns, padding=True, return_tensors="pt")
    assert ours.inputs.keys() == theirs.keys()
    for name in theirs:
        assert torch.equal(ours.inputs[name], theirs[name]), name
    assert torch.equal(ours.real, theirs["attention_mask"].bool())
    special = torch.isin(theirs["input_ids"], torch.tensor(tokenizer.all_special_ids))
    assert torch.equal(ours.special, special & ours.real)
    assert len(ours) == len(texts)


@pytest.mark.parametrize("max_length", [5, 6, 9, 64])
@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
def test_truncation_is_marked_where_the_whole_is_longer(
    tokenizer: Any, texts: list[TextInput], max_length: int
) -> None:
    for ours, text in zip(tokenize(tokenizer, texts, max_length), texts, strict=True):
        # Lists: called with bare strings, the tokenizer drops an empty second text and its separator.
        columns = [[text]] if isinstance(text, str) else [[part] for part in text]
        whole = len(tokenizer(*columns)["input_ids"][0])
        assert ours.truncated == (whole > max_length)
        assert len(ours) == min(whole, max_length)


def test_no_texts_are_no_tokens(tokenizer: Any) -> None:
    assert tokenize(tokenizer, [], 64) == []


def test_the_tokenizer_is_asked_once_where_nothing_is_long(tokenizer: Any) -> None:
    calls = []

    def counting(*texts: Any, **options: Any) -> Any:
        calls.append(len(texts[0]))
        return tokenizer(*texts, **options)

    tokenize(counting, TEXTS, 64)
    assert calls == [4]
    tokenize(counting, [*TEXTS, "film " * 100], 64)
    assert calls == [4, 5, 1]


# Tokens as characters of a text.


def spelt(tokenizer: Any, **rows: int) -> dict[str, tuple[str | None, bool]]:
    """{token: (spelling, whether it goes on with a word)}"""
    known = vocabulary(tokenizer, rows.get("rows", len(tokenizer)), "here")
    return {
        token: (spelling, goes_on)
        for token, spelling, goes_on in zip(
            known.tokens, known.spellings, known.continues.tolist(), strict=True
        )
        if token is not None
    }


def test_word_pieces_are_spelt_without_their_mark(tmp_path: Path) -> None:
    tokens = [
        "film",
        "##ing",
        "##",
        "[unused7]",
        "caf\u00e9",
        "!",
        "\u4e2d",
        "a\u00a0b",
        "\u200b",
        "<x>",
        "[",
    ]
    assert spelt(word_piece(tmp_path, tokens)) == {
        **dict.fromkeys(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), (None, False)),
        "film": ("film", False),
        "##ing": ("ing", True),
        "##": (None, True),
        "[unused7]": (None, False),
        "caf\u00e9": ("caf\u00e9", False),
        "!": ("!", False),
        "\u4e2d": ("\u4e2d", False),
        "a\u00a0b": (None, False),
        "\u200b": (None, False),
        "<x>": (None, False),
        "[": ("[", False),
    }


def test_bytes_are_spelt_as_the_characters_they_make(tmp_path: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_folder(tmp_path, kind="roberta"))
    answer = spelt(tokenizer)
    for word in ("the", "film", "plot"):
        assert answer[f"\u0120{word}"] == (word, False)
    assert answer["g"] == ("g", True)
    assert answer["\u0120"] == (None, False), "a space alone"
    assert answer["\u00c3"] == (None, True), "half of a character"
    assert answer["<s>"] == (None, False)


def test_sentence_pieces_are_spelt_without_the_space_before_them() -> None:
    answer = spelt(sentence_piece(["\u2581good", "ly", "\u2581of\u2581the", "<0x0A>", "<unused3>"]))
    assert answer["\u2581good"] == ("good", False)
    assert answer["ly"] == ("ly", True)
    assert answer["a"] == ("a", True)
    assert answer["\u2581"][0] is None
    assert answer["<0x0A>"][0] is None
    assert answer["<unused3>"][0] is None


def test_added_tokens_are_never_put_into_a_text(tmp_path: Path) -> None:
    tokenizer = word_piece(tmp_path, ["film"])
    tokenizer.add_tokens(["covid"])
    assert spelt(tokenizer)["covid"] == (None, False)


def test_embeddings_without_a_token_have_no_name(tmp_path: Path) -> None:
    known = vocabulary(word_piece(tmp_path, ["film"]), 9, "here")
    assert known.tokens == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "film", None, None, None)
    assert known.spellings == (*[None] * 5, "film", *[None] * 3)
    assert known.words.tolist() == [False] * 5 + [True] + [False] * 3


def test_whether_case_is_lost_is_known(tokenizer: Any, tmp_path: Path) -> None:
    expected = tokenizer("GOOD")["input_ids"] == tokenizer("good")["input_ids"]
    assert vocabulary(tokenizer, len(tokenizer), "here").lowercases == expected
    assert vocabulary(word_piece(tmp_path, ["film"]), 6, "here").lowercases


def test_every_spelling_put_into_a_text_is_that_token_again(tokenizer: Any) -> None:
    words = [*GOOD, *BAD, *FILLER]
    known = vocabulary(tokenizer, len(tokenizer), "here")
    starts = [i for i, s in enumerate(known.spellings) if s in words and not known.continues[i]]
    assert len(starts) > 15
    for token in starts:
        assert tokenizer(f"a {known.spellings[token]} film")["input_ids"][2] == token


def test_a_slow_tokenizer_is_an_error(tmp_path: Path) -> None:
    slow = transformers.BertTokenizer(str(tiny_folder(tmp_path) / "vocab.txt"))
    if slow.is_fast:
        pytest.skip("this version of transformers has no slow BERT tokenizer")
    with pytest.raises(AssayError, match=r"model x: .* need a fast tokenizer.* got the slow BertTokenizer"):
        vocabulary(slow, 100, "model x")


def test_a_vocabulary_of_an_unknown_kind_is_an_error() -> None:
    backend = Tokenizer(models.BPE({"a</w>": 0, "a": 1}, [], end_of_word_suffix="</w>"))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend)
    with pytest.raises(AssayError, match=r"model x: .* know WordPiece, byte-level BPE.* got BPE"):
        vocabulary(tokenizer, 2, "model x")


def test_whole_word_vocabularies_are_spelt_as_they_are() -> None:
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "film": 1, "good": 2}, unk_token="[UNK]"))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
    assert spelt(tokenizer) == {"[UNK]": (None, False), "film": ("film", False), "good": ("good", False)}


def found(tokenizer: Any, text: TextInput, max_length: int = 64) -> list[str]:
    (own,) = pieces(tokenizer, [text], max_length)
    ids = tokenize(tokenizer, [text], max_length)[0].inputs["input_ids"]
    parts = (text,) if isinstance(text, str) else text
    assert [ids[piece.position] for piece in own] == [piece.token for piece in own]
    return [parts[piece.part][piece.start : piece.end] for piece in own]


def test_pieces_are_the_characters_of_each_token(tokenizer: Any) -> None:
    assert found(tokenizer, "a  film plot") == ["a", "film", "plot"]
    assert found(tokenizer, ("a film", "a the")) == ["a", "film", "a", "the"]
    assert found(tokenizer, ("", "a")) == ["a"]
    # Byte pairs make several tokens of a word that stands after no space.
    assert "".join(found(tokenizer, "  the  good\tfilm\n")) == "thegoodfilm"
    assert found(tokenizer, "") == found(tokenizer, " \n ") == []
    assert pieces(tokenizer, [], 64) == []


def test_pieces_of_a_truncated_text_are_those_that_are_left(tokenizer: Any) -> None:
    special = tokenizer.num_special_tokens_to_add()
    assert found(tokenizer, "a the film " * 30, special + 3) == ["a", "the", "film"]
    special = tokenizer.num_special_tokens_to_add(pair=True)
    assert found(tokenizer, ("a film film", "a the the"), special + 3) in (
        ["a", "film", "a"],
        ["a", "a", "the"],
    )


def test_special_tokens_in_a_text_and_shared_characters_are_no_pieces(tokenizer: Any) -> None:
    text = f"a film {tokenizer.sep_token} {tokenizer.mask_token}"
    assert found(tokenizer, text) == ["a", "film"]
    # One unknown word for WordPiece, four tokens of the same character for bytes.
    assert found(tokenizer, "a \U0001f642 film") in (["a", "\U0001f642", "film"], ["a", "film"])
    assert ("\U0001f642" in found(tokenizer, "\U0001f642")) == (tokenizer.unk_token == "[UNK]")


def test_the_space_of_a_sentence_piece_is_no_part_of_it() -> None:
    tokenizer = sentence_piece(["\u2581good", "ly"])
    assert found(tokenizer, "good  goodly") == ["good", "good", "ly"]
