"""Each family of injections: where, what comes of it, and what is told apart from it. Written out by hand."""

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.character import deletions, homoglyphs, invisible, reorderings
from attacks.character.base import CharacterAttack
from attacks.character.deletions import Deletions
from attacks.character.homoglyphs import CLASSES, Homoglyphs
from attacks.character.invisible import Invisible
from attacks.character.rendering import rendered
from attacks.character.reorderings import Reorderings
from attacks.character.sites import Family, Field, Injection, boundaries, insert
from attacks.victims import TextInput

FAMILIES: dict[str, Family] = {
    attack.name: attack.family for attack in (Invisible, Homoglyphs, Reorderings, Deletions)
}
ATTACKS: tuple[CharacterAttack, ...] = (Invisible(), Homoglyphs(), Reorderings(), Deletions())

WOMAN_TECHNICIAN = "\U0001f469\u200d\U0001f527"
SWAPPED_AB = "\u202d\u2066\u202e\u2066b\u2069\u2066a\u2069\u202c\u2069\u202c"
"""``ab`` stored as ``b``, ``a``: an override to the left, in it one to the right with both as isolates."""

texts = st.text(
    alphabet=st.one_of(
        st.sampled_from("abceopxyHBÆéß ё щ,.!?()12\n\té\u0301\u200b\u200d\b中🙂👩🔧אב٣"),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=20,
)


def test_zero_width_characters_are_put_between_others() -> None:
    made = [Injection(2, "\u200b"), Injection(0, "\u200d"), Injection(2, "\u200c")]
    assert insert("abc", made) == "\u200dab\u200b\u200cc"
    assert [site.position for site in invisible.sites("abc")] == [0, 1, 2, 3]
    assert all(site.choices == ("\u200b", "\u200c", "\u200d") for site in invisible.sites("abc"))
    assert invisible.injections("abc", "\u200dab\u200b\u200cc") == 3


@pytest.mark.parametrize("text", ["سلام", "नमस्ते", "🙂🙂"])
def test_joiners_are_not_put_where_they_would_be_seen(text: str) -> None:
    assert {site.choices for site in invisible.sites(text)} == {("\u200b",)}


def test_joiners_stand_off_from_an_emoji_but_not_from_the_letters_beside_it() -> None:
    choices = {site.position: len(site.choices) for site in invisible.sites("ab🙂")}
    assert choices == {0: 3, 1: 3, 2: 1, 3: 1}
    choices = {site.position: len(site.choices) for site in invisible.sites("🙂ab")}
    assert choices == {0: 1, 1: 1, 2: 3, 3: 3}


@pytest.mark.parametrize(
    ("perturbed", "expected"),
    [
        ("abc", 0),
        ("a\u200bbc", 1),
        ("ab\u200b", None),
        ("a\u2060bc", None),
        ("a bc", None),
        ("acb\u200b", None),
        ("", None),
    ],
)
def test_only_zero_width_characters_count_as_invisible(perturbed: str, expected: int | None) -> None:
    assert invisible.injections("abc", perturbed) == expected


def test_a_text_with_zero_width_characters_of_its_own_keeps_them() -> None:
    own = "a\u200bb"
    assert invisible.injections(own, own) == 0
    assert invisible.injections(own, "\u200ba\u200bb\u200b") == 2
    assert invisible.injections(own, "ab") is None
    assert invisible.injections(own, "a\u200cb") is None


def test_lookalikes_take_the_place_of_letters() -> None:
    (a, c) = homoglyphs.sites("af c")
    assert (a.position, a.choices) == (0, ("\u0430",))
    assert (c.position, c.choices) == (3, ("\u03f2", "\u0441"))
    assert homoglyphs.exchange("af c", [Injection(3, "\u0441"), Injection(0, "\u0430")]) == "\u0430f \u0441"
    assert homoglyphs.injections("af c", "\u0430f \u0441") == 2


def test_letters_of_other_scripts_have_lookalikes_too() -> None:
    assert homoglyphs.injections("\u0441\u043e\u043a", "co\u043a") == 2
    assert [site.position for site in homoglyphs.sites("\u0441\u043e\u043a")] == [0, 1]


@pytest.mark.parametrize("perturbed", ["\u0435", "aa", "", "A", "\u03b1"])
def test_a_letter_that_looks_otherwise_is_no_homoglyph(perturbed: str) -> None:
    assert homoglyphs.injections("a", perturbed) is None


def test_the_lookalikes_of_a_letter_are_of_its_case_and_of_other_scripts() -> None:
    everything = "".join(CLASSES)
    assert len(everything) == len(set(everything)), "in one class each"
    for members in CLASSES:
        scripts = [unicodedata.name(member).split()[0] for member in members]
        assert scripts[0] in ("LATIN", "GREEK", "EXCLAMATION")
        assert scripts[0] not in scripts[1:], members
        if members[0].isalpha():
            assert len({unicodedata.category(member) for member in members}) == 1, members
            assert len({member.isupper() for member in members}) == 1, members


def test_a_swap_is_written_as_in_the_paper() -> None:
    assert reorderings.swap("ab", [Injection(0, reorderings.SWAP)]) == SWAPPED_AB
    assert reorderings.swap("xaby", [Injection(1, reorderings.SWAP)]) == f"x{SWAPPED_AB}y"
    assert reorderings.injections("ab", SWAPPED_AB) == 1
    assert reorderings.injections("abab", SWAPPED_AB * 2) == 2
    assert rendered(SWAPPED_AB) == "ab"


def test_swaps_within_swaps_are_counted_and_undone() -> None:
    carried = SWAPPED_AB.replace("b", "c").replace("a", SWAPPED_AB)
    both = [Injection(1, reorderings.SWAP), Injection(0, reorderings.SWAP)]
    assert reorderings.swap("abc", both) == carried
    assert reorderings.injections("abc", carried) == 2
    assert rendered(carried) == "abc"
    stored = [character for character in carried if character in "abc"]
    assert stored == ["c", "b", "a"]


def test_every_set_of_swaps_gives_another_order() -> None:
    """2^(n-1) orders of n characters."""
    positions = range(3)
    orders = set()
    for mask in range(2**3):
        made = [Injection(i, reorderings.SWAP) for i in positions if mask >> i & 1]
        orders.add("".join(filter("abcd".__contains__, reorderings.swap("abcd", made))))
    assert len(orders) == 2**3


def test_no_more_swaps_are_nested_than_can_be_shown() -> None:
    text = "abcdefghijklmnopqrstuvwxyz"
    made = [Injection(site.position, reorderings.SWAP) for site in reorderings.sites(text)]
    perturbed = reorderings.swap(text, made)
    # Of 25 boundaries the 21st begins anew.
    assert reorderings.injections(text, perturbed) == 24
    assert rendered(perturbed) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "שלום",
        "abc אב",
        "abc ٣",
        "a b c",
        "a\nb",
        "a\tb",
        "é" + "\u0301",
        "ab\u0301",
        "\u202eab\u202c",
        WOMAN_TECHNICIAN,
    ],
)
def test_what_a_swap_would_make_visible_is_left_alone(text: str) -> None:
    assert reorderings.sites(text) == []


def test_swaps_nested_too_deep_to_be_shown_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "abcdefghijklmnopqrstuvwxyz"
    made = [Injection(i, reorderings.SWAP) for i in range(21)]
    with monkeypatch.context() as deeper:
        deeper.setattr(reorderings, "MAX_DEPTH", 21)
        perturbed = reorderings.swap(text, made)
        assert reorderings.injections(text, perturbed) == 21
    assert reorderings.injections(text, perturbed) is None


@pytest.mark.parametrize(
    ("original", "perturbed"),
    [
        ("ba", SWAPPED_AB),
        ("ab", SWAPPED_AB[:-1]),
        ("ab", SWAPPED_AB[1:]),
        ("ab", "ba"),
        ("ab", "a"),
        ("abc", SWAPPED_AB),
        ("ab", SWAPPED_AB + "c"),
        ("a b", SWAPPED_AB.replace("b", " ") + "b"),
        ("שab", "ש" + SWAPPED_AB),
    ],
)
def test_what_shows_something_else_is_no_reordering(original: str, perturbed: str) -> None:
    assert reorderings.injections(original, perturbed) is None


def test_deleted_characters_are_put_between_others() -> None:
    made = [Injection(2, "x\b"), Injection(0, "!\b")]
    assert insert("abc", made) == "!\babx\bc"
    assert deletions.injections("abc", "!\babx\bc") == 2
    assert rendered("!\babx\bc") == "abc"
    (site,) = {site.choices for site in deletions.sites("abc")}
    assert len(site) == 94
    assert (site[0], site[-1]) == ("!\b", "~\b")


@pytest.mark.parametrize(
    ("perturbed", "expected"),
    [
        ("abc", 0),
        ("abcx\b", 1),
        ("aa\bbc", 1),
        ("ab\b", None),
        ("abcx", None),
        ("abc\bx", None),
        ("abc \b", None),
        ("abxc\b", None),
        ("", None),
    ],
)
def test_only_characters_with_their_backspace_count_as_deletions(
    perturbed: str, expected: int | None
) -> None:
    assert deletions.injections("abc", perturbed) == expected


def test_a_text_with_backspaces_of_its_own_keeps_them() -> None:
    own = "ax\bb"
    assert deletions.injections(own, own) == 0
    assert deletions.injections(own, "ax\bx\bb") == 1
    assert deletions.injections("x\b", "x\bx\bx\b") == 2
    assert deletions.injections(own, "ab") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0]),
        ("a", [0, 1]),
        ("e\u0301a", [0, 2, 3]),
        (f"a{WOMAN_TECHNICIAN}b", [0, 1, 4, 5]),
        ("👍🏻👍🏿!", [0, 2, 4, 5]),
        ("\U0001f1eb\U0001f1f7a", [0, 2, 3]),
        ("\u1112\u1161\u11ab", [0, 3]),
        ("a\r\nb", [0, 1, 3, 4]),
        ("ab\bcd", [3, 4, 5]),
        ("ab\b", [3]),
    ],
)
def test_a_sign_of_several_characters_is_not_parted(text: str, expected: list[int]) -> None:
    assert boundaries(text) == expected


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=100, deadline=None)
@given(text=texts, data=st.data())
def test_what_is_injected_is_counted_and_not_seen(name: str, text: str, data: st.DataObject) -> None:
    family = FAMILIES[name]
    options = [Injection(site.position, choice) for site in family.sites(text) for choice in site.choices]
    made = data.draw(st.lists(st.sampled_from(options), max_size=4) if options else st.just([]))
    perturbed = family.inject(text, made)
    count = family.injections(text, perturbed)
    assert count is not None
    assert count <= len(made)
    assert (count == 0) == (perturbed == text)
    if name in ("invisible", "deletions"):
        assert count == len(made), "every one of them is there"
    else:
        assert count == len({injection.position for injection in made}), "one at a place"
    assert rendered(perturbed) == rendered(text)


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=100, deadline=None)
@given(text=texts, other=texts)
def test_a_text_is_told_apart_from_any_that_is_seen_otherwise(name: str, text: str, other: str) -> None:
    family = FAMILIES[name]
    assert family.injections(text, text) == 0
    if rendered(text) != rendered(other):
        assert family.injections(text, other) is None


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_parts_of_a_pair_have_their_injections_each(attack: CharacterAttack) -> None:
    pair: TextInput = ("cop", "hay")
    field = Field(attack.family, pair)
    assert {part for part, _ in field.sites} == {0, 1}
    everywhere = field.text((index, 0) for index in range(len(field.sites)))
    assert isinstance(everywhere, tuple)
    expected = [
        attack.family.inject(text, [Injection(s.position, s.choices[0]) for s in attack.family.sites(text)])
        for text in pair
    ]
    assert list(everywhere) == expected
    assert attack.distance(pair, everywhere) == len(field.sites)
    assert attack.distance(pair, ("cop", everywhere[1])) == len(attack.family.sites("hay"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
@pytest.mark.parametrize(
    ("original", "proposal"),
    [
        ("ab", ("ab", "")),
        (("ab", ""), "ab"),
        (("a", "b"), ("ab", "")),
        (("a", "b"), ("b", "a")),
        ("ab", "abc"),
    ],
)
def test_another_shape_or_text_is_within_no_budget(
    attack: CharacterAttack, original: TextInput, proposal: TextInput
) -> None:
    assert attack.distance(original, proposal) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("a\u200b\u200cb", "ab"),
        ("\bab\bc", "ac"),
        ("\u0441\u043e\u0440", "cop"),
        (SWAPPED_AB.replace("a", "\u0430"), "ab"),
        ("", ""),
    ],
)
def test_what_a_person_sees(text: str, expected: str) -> None:
    assert rendered(text) == expected


def test_the_normaliser_of_bert_undoes_invisible_characters_only() -> None:
    """The claims that the attacks make about tokenizers."""
    normalizers = pytest.importorskip("tokenizers.normalizers")
    bert, sentence_piece = normalizers.BertNormalizer(), normalizers.Nmt()

    def all_of(attack: CharacterAttack, words: Sequence[int]) -> str:
        sites = attack.family.sites("cop")
        return attack.family.inject("cop", [Injection(sites[i].position, sites[i].choices[0]) for i in words])

    hidden, lookalike, swapped, deleted = (all_of(attack, [1]) for attack in ATTACKS)
    assert bert.normalize_str(hidden) == "cop"
    assert sentence_piece.normalize_str(hidden) == "c op"
    assert bert.normalize_str(lookalike) == lookalike
    assert normalizers.NFKC().normalize_str(lookalike) != "cop"
    assert bert.normalize_str(swapped) == "cpo"
    assert sentence_piece.normalize_str(swapped) == swapped
    assert bert.normalize_str(deleted) == sentence_piece.normalize_str(deleted) == "c!op"
