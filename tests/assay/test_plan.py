"""What is checked before the first expensive call, and what it costs."""

from pathlib import Path
from typing import Any

import pytest

from assay import plan as planning
from assay.config import load_config
from assay.models import load_candidate
from assay.plan import make_plan
from attacks.errors import AssayError
from robustness.classifier import Classifier
from tests.assay.audits import ATTACKS, FGSM, loaded, trained, write_config


def test_a_plan_holds_everything_that_the_audit_needs(tmp_path: Path, learnt_model: Path) -> None:
    candidates = loaded(learnt_model) + trained(learnt_model, FGSM)
    plan = make_plan(load_config(write_config(tmp_path, candidates, rest=ATTACKS)))
    assert [(attack.name, attack.epsilon) for attack in plan.attacks] == [
        ("fgsm", 0.1),
        ("fgsm", 0.5),
        ("fgm", 1.0),
        ("pgd", 0.5),
    ]
    assert {name: objective.params() for name, objective in plan.objectives.items()} == {
        "hardened": {"epsilon": 0.2, "special_tokens": False}
    }
    assert len(plan.test) == 40
    assert len(plan.dataset.split("train")) == 108
    assert plan.device.type == "cpu"


def test_without_training_all_examples_are_audited(tmp_path: Path, learnt_model: Path) -> None:
    assert len(make_plan(load_config(write_config(tmp_path, loaded(learnt_model)))).test) == 160


def test_each_candidate_is_loaded_once_and_asked_about_two_examples(
    tmp_path: Path, learnt_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    answer = Classifier.predict_proba

    def counted(self: Classifier, texts: Any, *arguments: Any) -> Any:
        asked.append(len(texts))
        return answer(self, texts, *arguments)

    monkeypatch.setattr(Classifier, "predict_proba", counted)
    candidates = loaded(learnt_model) + trained(learnt_model, FGSM)
    make_plan(load_config(write_config(tmp_path, candidates)))
    assert asked == [2, 2]


def test_names_are_checked_before_any_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the data were read")

    monkeypatch.setattr(planning, "load", read)
    config = write_config(tmp_path, loaded(tmp_path / "gone"), rest='[[attacks]]\nname = "fgsmm"\n')
    with pytest.raises(AssayError, match='Did you mean "fgsm"'):
        make_plan(load_config(config))
    config = write_config(tmp_path, loaded(tmp_path / "gone"))
    with pytest.raises(AssayError, match="no such folder"):
        make_plan(load_config(config))


def test_a_model_speaks_the_labels_of_the_data(tmp_path: Path, learnt_model: Path) -> None:
    data = 'labels = ["positive", "negative"]\n'
    config = load_config(write_config(tmp_path, loaded(learnt_model), data=data))
    classifier = load_candidate(config.candidates[0], make_plan(config))
    assert classifier.label_names == ("positive", "negative")
    good, bad = classifier.predict_proba(["superb lovely", "horrid awful"])[:, 0]
    assert good > 0.5 > bad


@pytest.mark.parametrize(
    ("fairness", "labels", "words"),
    [
        ('positive_label = "postive"', "", ["fairness.positive_label", 'mean "positive"?']),
        (
            'positive_label = "positive"',
            'labels = ["negative", "neutral", "positive"]\n',
            ["the data has 3 labels", "leave positive_label out"],
        ),
    ],
)
def test_a_positive_label_that_cannot_be_is_refused(
    tmp_path: Path, learnt_model: Path, fairness: str, labels: str, words: list[str]
) -> None:
    rest = f"[fairness]\n{fairness}\n"
    config = write_config(tmp_path, loaded(learnt_model), data=labels, rest=rest)
    with pytest.raises(AssayError) as caught:
        make_plan(load_config(config))
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [("./gone", "no such folder"), ("some/language-model", "offline mode forbids fetching it")],
)
def test_an_attack_s_language_model_is_looked_for_before_any_data_are_read(
    tmp_path: Path, learnt_model: Path, source: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "load", lambda *arguments, **options: 1 / 0)
    attack = f'[[attacks]]\nname = "gbda"\nlanguage_model = "{source}"\n'
    config = load_config(write_config(tmp_path, loaded(learnt_model), rest=attack), {"offline": "true"})
    with pytest.raises(AssayError, match=message):
        make_plan(config)
