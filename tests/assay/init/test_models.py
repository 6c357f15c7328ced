"""The model that ``assay init`` writes: found, given or chosen, with its labels."""

import json
from pathlib import Path

import pytest

from assay.config import load_config
from assay.init.models import label_map
from assay.init.run import run_init
from assay.plan import make_plan
from attacks.errors import AssayError
from tests.assay.answering import fitted_pipeline
from tests.assay.init.projects import Assay, project, uncommented
from tests.robustness.tiny import tiny_folder


def test_without_a_model_one_choice_is_to_be_taken(tmp_path: Path) -> None:
    folder = project(tmp_path)
    lines = run_init(folder / "data.csv", folder=folder)
    assert any("take one of the choices under [[candidates]]" in line for line in lines)
    with pytest.raises(AssayError, match="candidates"):
        load_config(folder / "assay.toml")
    text = (folder / "assay.toml").read_text(encoding="utf-8")
    (folder / "assay.toml").write_text(
        uncommented(text, "[[candidates]]", "name = ", 'model = "models/'), encoding="utf-8"
    )
    assert load_config(folder / "assay.toml").candidates[0].model == "models/sentiment"


def test_a_model_is_found_beside_the_data(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "models").mkdir()
    first, second = (tiny_folder(folder / "models", seed=seed) for seed in (0, 1))
    fitted_pipeline(folder / "words.joblib")
    run_init(folder / "data.csv", folder=folder)
    config = load_config(folder / "assay.toml")
    text = (folder / "assay.toml").read_text(encoding="utf-8")
    # Files of the folder itself come first, and a pickle is not opened unasked.
    assert config.candidates[0].model == str(folder / "words.joblib")
    assert not config.candidates[0].allow_pickle
    assert f'# model = "models/{first.name}"' in text
    assert f'# model = "models/{second.name}"' in text
    allowed = uncommented(text, "allow_pickle")
    (folder / "assay.toml").write_text(allowed, encoding="utf-8")
    assert make_plan(load_config(folder / "assay.toml"), ask=False).attacks


def test_an_encoder_is_fine_tuned_and_a_folder_without_a_model_refused(
    tmp_path: Path, random_model: Path
) -> None:
    folder = project(tmp_path / "p")
    (tmp_path / "encoder").mkdir()
    about = json.loads((random_model / "config.json").read_text(encoding="utf-8"))
    about["architectures"] = ["BertModel"]
    (tmp_path / "encoder" / "config.json").write_text(json.dumps(about), encoding="utf-8")
    run_init(folder / "data.csv", model=str(tmp_path / "encoder"), folder=folder)
    (candidate,) = load_config(folder / "assay.toml").candidates
    assert candidate.encoder == str(tmp_path / "encoder")
    assert candidate.train is not None
    with pytest.raises(AssayError, match=r"holds no readable config\.json"):
        run_init(folder / "data.csv", model=str(tmp_path), folder=folder, force=True)
    with pytest.raises(AssayError, match=r"there is no \./nowhere"):
        run_init(folder / "data.csv", model="./nowhere", folder=folder, force=True)


def test_an_endpoint_and_a_hub_name_load(tmp_path: Path) -> None:
    folder = project(tmp_path)
    run_init(folder / "data.csv", model="https://example.com/m", folder=folder, ci=True)
    (candidate,) = load_config(folder / "assay.toml").candidates
    assert (candidate.kind, candidate.labels) == ("endpoint", ["negative", "positive"])
    assert "assay[endpoint]" in (folder / ".github" / "workflows" / "assay.yml").read_text(encoding="utf-8")
    run_init(folder / "data.csv", model="org/sentiment", folder=folder, force=True)
    assert load_config(folder / "assay.toml").candidates[0].model == "org/sentiment"


@pytest.mark.parametrize(
    ("model", "data", "expected"),
    [
        (["neg", "pos"], ["neg", "pos"], ({}, True)),
        (["LABEL_0", "LABEL_1"], ["0", "1"], ({}, True)),
        (["NEG", "POS"], ["neg", "Pos "], ({"neg": "NEG", "Pos ": "POS"}, True)),
        (["neg", "pos"], ["0", "1"], ({"0": "neg", "1": "pos"}, False)),
        (["LABEL_0", "LABEL_1"], ["bad", "good"], ({"bad": "LABEL_0", "good": "LABEL_1"}, False)),
        (["LABEL_0", "LABEL_1", "LABEL_2"], ["bad", "good"], None),
        (["neg", "pos"], ["no", "yes"], None),
        (["neg", "pos"], ["1", "2"], None),
    ],
)
def test_labels_of_data_and_model_are_matched(
    model: list[str], data: list[str], expected: tuple[dict[str, str], bool] | None
) -> None:
    assert label_map(model, data) == expected


@pytest.mark.parametrize(
    ("labels", "of_model"),
    [
        (("0", "1"), ("negative", "positive")),
        (("0", "1"), ("LABEL_0", "LABEL_1")),
        (("0", "1"), ("LABEL_0", "LABEL_1", "LABEL_2")),
        (("negative", "positive"), ("LABEL_0", "LABEL_1")),
        (("negative", "positive"), ("Positive", "Neutral", "Negative")),
    ],
)
def test_the_plan_accepts_the_labels_that_it_wrote(
    tmp_path: Path, labels: tuple[str, str], of_model: tuple[str, ...]
) -> None:
    folder = project(tmp_path)
    text = (folder / "data.csv").read_text(encoding="utf-8")
    for ours, name in zip(labels, ("negative", "positive"), strict=True):
        text = text.replace(f",{name},", f",{ours},")
    (folder / "data.csv").write_text(text, encoding="utf-8")
    model = tiny_folder(tmp_path, labels=of_model)
    run_init(folder / "data.csv", model=str(model), folder=folder)
    plan = make_plan(load_config(folder / "assay.toml", {"device": "cpu"}), ask=False)
    assert len(plan.dataset.label_names) == len(of_model)


SCORES = """
def words(texts):
    return [[0.25, 0.75] if "good" in text else [0.75, 0.25] for text in texts]
"""


def test_a_function_that_gives_bare_scores_is_previewed_at_once(tmp_path: Path, assay: Assay) -> None:
    folder = project(tmp_path)
    (folder / "scores.py").write_text(SCORES, encoding="utf-8")
    done = assay("init", str(folder / "data.csv"), "--model", "scores:words", "--folder", str(folder))
    doubts = done.stdout.partition("Not sure:\n")[2]
    assert 'taken to be "negative", "positive", which must be the order of its scores.' in doubts
    assert load_config(folder / "assay.toml").candidates[0].labels == ["negative", "positive"]
    previewed = assay("audit", str(folder / "assay.toml"), "--preview")
    assert previewed.code == 0, previewed.stderr
