"""Candidates that are mitigated: what a configuration may say, what is refused, and what an audit does."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay import candidates, mitigating
from assay.audit import run_audit
from assay.config import load_config
from assay.listing import lines
from assay.plan import make_plan
from assay.progress import Reporter
from assay.trained_models import RECORD
from attacks.errors import AssayError
from fairness.mitigation import registry
from robustness.routed import Routed
from tests.assay.audits import loaded, untimed, write_config
from tests.assay.processes import Done

Assay = Callable[..., Done]
QUICK = "epochs = 1, batch_size = 16, learning_rate = 5e-3"
ATTACK = '\n[[attacks]]\nname = "fgsm"\nepsilon = 0.3\n[validity]\nexamples = 0\n'
REWEIGHING = 'method = "reweighing", group = "gender"'
LEACE = 'method = "leace", group = "gender"'
THRESHOLDS = 'method = "threshold_optimizer", group = "gender"'


def candidate(name: str, **keys: Any) -> str:
    """A [[candidates]]; train and mitigate are the inside of a table, the rest strings."""
    made = [f'[[candidates]]\nname = "{name}"']
    for key, value in keys.items():
        made.append(f"{key} = {{ {value} }}" if key in ("train", "mitigate") else f'{key} = "{value}"')
    return "\n".join(made) + "\n"


def made(folder: Path, *parts: str, **options: Any) -> Any:
    return load_config(write_config(folder, "".join(parts), **options))


@pytest.fixture
def plain(learnt_model: Path) -> str:
    return loaded(learnt_model)


# The configuration.


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"model": "m", "mitigate": REWEIGHING}, "mitigate needs train .* or, in place of model, base"),
        ({"base": "plain"}, "base names what a mitigation starts from: add mitigate"),
        ({"base": "fair", "mitigate": LEACE}, 'base: "fair" is this candidate itself; name one above it'),
        (
            {"base": "plain", "mitigate": LEACE, "train": QUICK, "encoder": "e"},
            "with base, the model is that of the other candidate: leave out encoder, train",
        ),
        ({"train": QUICK, "mitigate": REWEIGHING}, "expected exactly one of model .* encoder .* and base"),
        ({"model": "m", "train": QUICK, "mitigate": 'group = "gender"'}, r"mitigate\.method: missing"),
        ({"base": "", "mitigate": LEACE}, r"candidates\.1\.base"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(
    keys: dict[str, str], message: str, plain: str, tmp_path: Path
) -> None:
    with pytest.raises(AssayError, match=message):
        made(tmp_path, plain, candidate("fair", **keys))


@pytest.mark.parametrize(
    ("mitigate", "base", "message"),
    [
        ('method = "leac", group = "gender"', "plain", r'got "leac"\. Did you mean "leace"\?'),
        ('method = "leace"', "plain", 'Mitigation "leace" needs group'),
        ('method = "leace", grup = "gender"', "plain", 'has no parameter "grup".*Other keys here: method'),
        (
            LEACE,
            "plan",
            r'there is no candidate "plan" above this one\. Did you mean "plain"\? Above it: plain',
        ),
        (LEACE, "below", 'there is no candidate "below" above this one'),
        (REWEIGHING, "plain", r'"reweighing" changes the training data.*in place of base = "plain"'),
    ],
)
def test_a_method_or_base_that_is_not_right_is_refused_with_the_candidate(
    mitigate: str, base: str, message: str, plain: str, learnt_model: Path, tmp_path: Path
) -> None:
    config = made(
        tmp_path, plain, candidate("fair", base=base, mitigate=mitigate), loaded(learnt_model, "below")
    )
    with pytest.raises(AssayError, match=rf'candidates\.1\.mitigate \(candidate "fair"\): .*{message}'):
        make_plan(config)


@pytest.mark.parametrize(
    ("train", "mitigate", "told"),
    [
        (
            QUICK,
            'method = "group-dro", group = "gender"',
            r'candidates\.0\.mitigate \(candidate "fair"\): "group-dro" is a training objective, not a '
            r'mitigation: give train = \{ objective = "group-dro", group = \.\.\. \} in place of mitigate\.',
        ),
        (QUICK, 'method = "adversarial_head"', 'train = { objective = "adversarial-head", group = ... }'),
        (QUICK, 'method = "fgsm"', 'train = { objective = "fgsm", epsilon = ... }'),
        (
            f'objective = "reweighing", group = "gender", {QUICK}',
            None,
            r'candidates\.0\.train \(candidate "fair"\): "reweighing" is a mitigation, not a training '
            r'objective: give mitigate = \{ method = "reweighing", group = \.\.\. \} beside train',
        ),
        (
            f'objective = "grid-search", {QUICK}',
            None,
            'mitigate = { method = "grid_search", group = ... } and base = the name of a candidate above',
        ),
        (f'objective = "filtering", {QUICK}', None, 'mitigate = { method = "filtering" } beside train'),
    ],
)
def test_an_objective_given_as_a_mitigation_or_the_other_way_round_is_told_its_place(
    train: str, mitigate: str | None, told: str, learnt_model: Path, tmp_path: Path
) -> None:
    keys = {
        "model": str(learnt_model),
        "train": train,
        **({} if mitigate is None else {"mitigate": mitigate}),
    }
    with pytest.raises(AssayError, match=told if "\\" in told else re.escape(told)):
        make_plan(made(tmp_path, candidate("fair", **keys)))


def test_a_method_that_starts_from_a_model_is_not_for_a_training(plain: str, tmp_path: Path) -> None:
    config = made(tmp_path, plain.strip() + f"\ntrain = {{ {QUICK} }}\nmitigate = {{ {LEACE} }}\n")
    with pytest.raises(AssayError, match='"leace" starts from a model that is trained already: name'):
        make_plan(config)


def test_a_base_that_starts_from_another_one_is_refused(plain: str, tmp_path: Path) -> None:
    chain = candidate("one", base="plain", mitigate=LEACE) + candidate("two", base="one", mitigate=LEACE)
    with pytest.raises(
        AssayError, match=r'"one" starts from another candidate itself\. Name one .*: plain\.'
    ):
        make_plan(made(tmp_path, plain, chain))


def test_a_base_that_only_answers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "answers.py").write_text("def ask(texts):\n    return [[0.5, 0.5] for _ in texts]\n")
    asked = '[[candidates]]\nname = "asked"\nmodel = "answers:ask"\nlabels = ["negative", "positive"]\n'
    with pytest.raises(AssayError, match=r'"asked" is no Hugging Face model.*there is none above'):
        make_plan(made(tmp_path, asked, candidate("fair", base="asked", mitigate=LEACE)))


@pytest.mark.parametrize(
    ("train", "mitigate", "message"),
    [
        (QUICK, 'method = "reweighing", group = "gendr"', r'no group column "gendr"\. Did you mean "gender"'),
        (f'objective = "group-dro", group = "age", {QUICK}', None, 'no group column "age"'),
        (
            f'objective = "adversarial-head", group = "gender", {QUICK}',
            'method = "augmentation"',
            'the mitigation "augmentation" changes whom a text is about',
        ),
        (QUICK, 'method = "augmentation", axes = ["religion"]', "no training text has a term"),
    ],
)
def test_data_that_a_method_or_an_objective_cannot_use_is_refused_before_any_training(
    train: str, mitigate: str | None, message: str, learnt_model: Path, tmp_path: Path
) -> None:
    keys = {"model": str(learnt_model), "train": train}
    config = made(tmp_path, candidate("fair", **keys, **({} if mitigate is None else {"mitigate": mitigate})))
    if "changes whom" in message:
        text = (tmp_path / "data.csv").read_text()
        (tmp_path / "data.csv").write_text(text.replace("the film", "he"))
    with pytest.raises(AssayError, match=f'candidate "fair": .*{message}'):
        make_plan(config)


@pytest.mark.parametrize("method", ["grid_search", "exponentiated_gradient"])
def test_validation_data_on_which_groups_cannot_be_compared_are_refused_before_any_fit(
    method: str, plain: str, tmp_path: Path
) -> None:
    fair = candidate("fair", base="plain", mitigate=f'method = "{method}", group = "gender"')
    config = made(tmp_path, plain, fair)
    make_plan(config)
    header, *rows = (tmp_path / "data.csv").read_text().splitlines()
    one = [row for row in rows if not (",positive," in row and ",woman," in row)]
    (tmp_path / "data.csv").write_text("\n".join([header, *one]) + "\n")
    with pytest.raises(
        AssayError,
        match=rf'candidate "fair": mitigation "{method}" chooses among models .* of "gender" with validation '
        r'examples of the label "positive", got "woman" none, "man" \d+\.',
    ):
        make_plan(config)


def test_a_missing_package_is_told_before_data_are_read(
    plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairness.mitigation import base

    monkeypatch.setattr(base, "find_spec", lambda name: None)
    config = made(tmp_path, plain, candidate("fair", base="plain", mitigate=LEACE))
    (tmp_path / "data.csv").unlink()
    with pytest.raises(AssayError, match=r'needs concept_erasure.*pip install "assay\[mitigation\]"'):
        make_plan(config)


def test_a_base_that_is_loaded_gets_training_data_cut_for_its_mitigation(plain: str, tmp_path: Path) -> None:
    alone = make_plan(made(tmp_path, plain))
    assert not alone.trains
    assert len(alone.dataset.split("train")) == 0
    config = made(tmp_path, plain, candidate("fair", base="plain", mitigate=LEACE))
    plan = make_plan(config)
    assert plan.trains
    assert plan.bases["fair"].name == "plain"
    assert {name: len(plan.dataset.split(name)) for name in ("train", "validation", "test")} == {
        "train": 108,
        "validation": 12,
        "test": 40,
    }


# The audit.


@pytest.fixture
def audited(plain: str, random_model: Path, tmp_path: Path) -> Path:
    """The configuration of an audit with a mitigation of each stage."""
    parts = [
        plain,
        candidate("reweighed", encoder=random_model, train=QUICK, mitigate=REWEIGHING),
        candidate("dro", encoder=random_model, train=f'objective = "group-dro", group = "gender", {QUICK}'),
        candidate("erased", base="plain", mitigate=LEACE),
        candidate("thresholds", base="plain", mitigate=THRESHOLDS),
    ]
    return write_config(tmp_path / "here", "".join(parts), rest=ATTACK)


def test_mitigated_candidates_are_audited_like_any_other_and_recognised_again(
    audited: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run_audit(load_config(audited), Reporter())
    found = {each.name: each for each in report.candidates}
    assert list(found) == ["plain", "reweighed", "dro", "erased", "thresholds"]
    assert {name: each.mitigation and each.mitigation.method for name, each in found.items()} == {
        "plain": None,
        "reweighed": "reweighing",
        "dro": "group-dro",
        "erased": "leace",
        "thresholds": "threshold_optimizer",
    }
    reweighed, erased = found["reweighed"], found["erased"]
    assert reweighed.mitigation is not None
    assert (reweighed.mitigation.stage, reweighed.mitigation.group) == ("data", "gender")
    assert (reweighed.mitigation.base, reweighed.mitigation.params) == (None, {})
    assert reweighed.mitigation.notes[0].startswith("The weights of the 108 training examples lie between")
    assert reweighed.training is not None
    assert reweighed.training.n_train == 108
    dro = found["dro"].mitigation
    assert dro is not None
    assert (dro.stage, dro.group, dro.base) == ("training", "gender", None)
    assert dro.params == {"by_label": True, "step_size": 0.01, "adjustment": 0.0}
    assert dro.notes[0].startswith("The objective group-dro tells 4 groups of ")
    assert erased.mitigation is not None
    assert (erased.mitigation.stage, erased.mitigation.base) == ("embeddings", "plain")
    assert erased.training is None
    assert erased.model.source == f"{found['plain'].model.source}, leace"
    shas = [each.model.sha256 for each in report.candidates]
    assert len(set(shas)) == len(shas)
    assert all(len(each.robustness.attacks) == 1 and each.fairness for each in report.candidates)
    models = audited.parent / "runs" / "assay" / "models"
    assert sorted(path.name for path in models.iterdir()) == ["dro", "erased", "reweighed", "thresholds"]
    before = untimed(models.parent)
    assert before["candidates"][4]["mitigation"]["method"] == "threshold_optimizer"

    monkeypatch.setattr(candidates, "train", lambda *arguments, **options: 1 / 0)
    for method in registry.available().values():
        if method.stage != "data":
            monkeypatch.setattr(method, "apply", lambda *arguments: 1 / 0)
    capsys.readouterr()
    run_audit(load_config(audited), Reporter())
    assert untimed(models.parent) == before
    said = capsys.readouterr().err
    assert f"erased: mitigated before, taken from {models / 'erased'}" in said
    assert f"thresholds: mitigated before, taken from {models / 'thresholds'}" in said
    assert f"reweighed: trained before, taken from {models / 'reweighed'}" in said


def test_another_base_or_parameter_or_damage_makes_the_mitigation_anew(
    plain: str, random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_of: list[str] = []
    kept = mitigating._keep

    def counted(model: Any, folder: Path, record: Any) -> None:
        made_of.append(record["key"])
        kept(model, folder, record)

    monkeypatch.setattr(mitigating, "_keep", counted)
    fair = candidate("fair", base="plain", mitigate=THRESHOLDS)
    config = made(tmp_path, plain, fair)
    first = run_audit(config, Reporter()).candidates[1]
    run_audit(config, Reporter())
    assert len(made_of) == 1
    record = tmp_path / "runs" / "assay" / "models" / "fair" / RECORD
    assert json.loads(record.read_text())["mitigation"]["method"] == "threshold_optimizer"
    record.write_text("{}")
    again = run_audit(config, Reporter()).candidates[1]
    assert again.model.sha256 == first.model.sha256
    assert len(made_of) == 2
    other = run_audit(made(tmp_path, loaded(random_model), fair), Reporter()).candidates[1]
    assert other.model.sha256 != first.model.sha256
    seeded = made(tmp_path, loaded(random_model), fair).model_copy(update={"seed": 1})
    run_audit(seeded, Reporter())
    assert len(set(made_of)) == 3


def test_a_base_alone_is_prepared_for_a_candidate_that_is_named_alone(
    assay: Assay, audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(audited.parent)
    done = assay("attack", "assay.toml", "--candidate", "thresholds")
    assert done.code == 0, done.stderr
    assert "thresholds: mitigation (threshold_optimizer) of plain" in done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:3]] == ["thresholds", "thresholds"]


def test_what_is_measured_is_what_was_saved(plain: str, tmp_path: Path) -> None:
    from assay.ledger import Ledger
    from assay.run_folder import RunFolder

    fair = candidate("fair", base="plain", mitigate=THRESHOLDS)
    config = made(tmp_path, plain, fair)
    run = RunFolder.create(tmp_path / "run")
    with Ledger(run.ledger) as ledger:
        plan = make_plan(config)
        base = candidates.prepare(config.candidates[0], plan, run, Reporter(), ledger.answer_store)
        found = candidates.prepare(config.candidates[1], plan, run, Reporter(), ledger.answer_store, [base])
    assert isinstance(found.model, Routed)
    assert found.classifier is None
    elsewhere = found.load()
    assert isinstance(elsewhere, Routed)
    assert elsewhere.fingerprint() == found.model.fingerprint() == found.info.sha256
    assert elsewhere.probabilities(plan.test).tolist() == found.model.probabilities(plan.test).tolist()


def test_a_method_that_leaves_no_example_of_a_label_is_refused(learnt_model: Path, tmp_path: Path) -> None:
    config = made(
        tmp_path,
        candidate(
            "fair", model=learnt_model, train=QUICK, mitigate='method = "filtering", axes = ["gender"]'
        ),
    )
    header, *rows = (tmp_path / "data.csv").read_text().splitlines()
    spoilt = [",".join([row.split(",")[0], "one and the same", *row.split(",")[2:]]) for row in rows]
    (tmp_path / "data.csv").write_text("\n".join([header, *spoilt]) + "\n")
    with pytest.raises(
        AssayError, match=r'candidate "fair": mitigation "filtering" leaves no training example'
    ):
        run_audit(config, Reporter())


def test_weights_and_an_objective_on_groups_are_both_told(learnt_model: Path, tmp_path: Path) -> None:
    both = candidate(
        "both",
        model=learnt_model,
        train=f'objective = "group-dro", group = "domain", by_label = false, {QUICK}',
        mitigate=REWEIGHING,
    )
    done = run_audit(made(tmp_path, both), Reporter()).candidates[0].mitigation
    assert done is not None
    assert (done.method, done.stage, done.group) == ("reweighing", "data", "gender")
    assert done.notes[1].startswith("The objective group-dro tells 2 groups of ")


# Other commands.


def test_assay_train_trains_on_mitigated_data_and_says_what_was_done(
    assay: Assay, audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(audited.parent)
    done = assay("train", "--candidate", "reweighed")
    assert done.code == 0, done.stderr
    assert "reweighed: The weights of the 108 training examples lie between" in done.stderr
    refused = assay("train", "--candidate", "erased")
    assert refused.code == 2
    assert 'the candidate "erased" has no train' in refused.stderr
    unknown = assay("train", "--set", "candidates.1.mitigate.method=reweigh")
    assert unknown.code == 2
    assert 'candidates.0.mitigate (candidate "reweighed")' in unknown.stderr.replace(".1.", ".0.")


def test_the_preview_counts_mitigated_candidates_and_mitigates_nothing(
    assay: Assay, audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(audited.parent)
    done = assay("audit", "--preview")
    assert done.code == 0, done.stderr
    assert "thresholds, clean text: 40 answers" in done.stdout
    assert not (audited.parent / "runs").exists()


def test_the_mitigations_are_listed_by_what_they_change(assay: Assay) -> None:
    done = assay("list", "mitigations")
    assert done.code == 0, done.stderr
    listed = done.stdout.splitlines()
    headings = [line for line in listed if ": mitigate = " in line or ": train = " in line]
    assert [line.split(":")[0] for line in headings] == [
        "Methods that change the training data",
        "Training objectives",
        "Methods that fit another head on a candidate's embeddings",
        "Methods that change a candidate's predictions",
    ]
    asks_group = "    must know the group of an example when the model answers"
    two_labels = "    for data with two labels only"
    for name, method in registry.available().items():
        if method.stage == "data":
            continue
        own = listed[names_at(listed, name) :]
        own = own[: next((i for i, line in enumerate(own) if i and not line.startswith(" ")), None)]
        assert (asks_group in own) == getattr(method, "needs_group", False), name
        assert (two_labels in own) == getattr(method, "binary_only", False), name
    assert listed.count(two_labels) == 3
    assert listed.count(asks_group) == 3
    assert '    needs concept_erasure: pip install "assay[mitigation]"' in listed
    names = [line.split(":")[0] for line in listed if line not in headings and not line.startswith(" ")]
    assert set(names) == {*registry.available(), "group-dro", "adversarial-head"}
    place = {heading: listed.index(heading) for heading in headings}
    assert place[headings[0]] < names_at(listed, "reweighing") < place[headings[1]]
    assert place[headings[2]] < names_at(listed, "leace") < place[headings[3]]
    assert lines("mitigations") == listed


def names_at(listed: list[str], name: str) -> int:
    return next(number for number, line in enumerate(listed) if line.startswith(f"{name}: "))
