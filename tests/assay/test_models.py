"""A candidate's model is opened by its kind, with the data's labels, and refused early where it cannot be."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.config import load_config
from assay.ledger import Ledger
from assay.models import check_source, open_endpoint, open_model
from assay.plan import Plan, make_plan
from attacks.errors import AssayError
from robustness.black_box.endpoint import Endpoint
from robustness.classifier import Classifier
from robustness.models import computed_here
from tests.assay.answering import MODULE, Answers, behind, fitted_pipeline, lead
from tests.assay.audits import loaded, write_config, write_csv
from tests.robustness.black_box.server import Server, serving
from tests.robustness.tiny import tiny_dataset

TEXTS = ["a good film", "a bad plot", "the film was great and lovely"]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_TEST_TOKEN", "sk-1234567890")


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def server(answers: Answers) -> Iterator[Server]:
    with serving(Server(usual=answers.step())) as state:
        yield state


def planned(folder: Path, candidate: str, labels: str = '["negative", "positive"]') -> Plan:
    write_csv(folder / "data.csv", tiny_dataset(12, seed=5))
    (folder / "my_model.py").write_text(MODULE, encoding="utf-8")
    return make_plan(load_config(write_config(folder, candidate, data=f"labels = {labels}\n")))


def own(name: str, more: str = "") -> str:
    return f'[[candidates]]\nname = "own"\nmodel = "{name}"\n{more}'


def test_a_folder_in_Hugging_Face_format_is_computed_here(tmp_path: Path, random_model: Path) -> None:
    plan = planned(tmp_path, loaded(random_model))
    model = open_model(plan.config.candidates[0], plan)
    assert isinstance(model, Classifier)
    assert computed_here(model)


def test_a_pipeline_answers_as_it_does_by_itself(tmp_path: Path) -> None:
    pipeline = fitted_pipeline(tmp_path / "model.joblib")
    plan = planned(tmp_path, own("./model.joblib", "allow_pickle = true\n"))
    model = open_model(plan.config.candidates[0], plan)
    assert not computed_here(model)
    np.testing.assert_array_equal(model.predict_proba(TEXTS), pipeline.predict_proba(TEXTS))
    assert model.label_names == ("negative", "positive")


def test_a_pickle_that_is_not_trusted_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"this would do harm")
    with pytest.raises(AssayError, match=r"this is a pickle.*allow_pickle = true"):
        planned(tmp_path, own("./model.pkl"))


def test_an_object_beside_the_configuration_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tmp_path, own("my_model:words"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    model = open_model(plan.config.candidates[0], plan)
    expected = [0.5 + lead(text) / 20 for text in TEXTS]
    np.testing.assert_allclose(model.predict_proba(TEXTS)[:, 1], expected)


def test_columns_are_taken_in_the_order_of_the_datas_labels(tmp_path: Path) -> None:
    plan = planned(tmp_path, own("my_model:words"), labels='["positive", "negative"]')
    model = open_model(plan.config.candidates[0], plan)
    assert model.label_names == ("positive", "negative")
    np.testing.assert_allclose(model.predict_proba(TEXTS)[:, 0], [0.5 + lead(text) / 20 for text in TEXTS])


@pytest.mark.parametrize("size", [1, 2])
def test_a_model_is_asked_as_many_texts_at_once_as_the_candidate_says(
    size: int, tmp_path: Path, server: Server
) -> None:
    served = behind(server).replace("[candidates.endpoint]", f"batch_size = {size}\n[candidates.endpoint]")
    plan = planned(tmp_path, served)
    server.seen.clear()
    open_model(plan.config.candidates[0], plan).predict_proba(TEXTS)
    assert max(len(texts) for texts in server.seen) == size


def test_labels_that_are_not_the_datas_are_refused_with_both(tmp_path: Path) -> None:
    labels = 'labels = ["bad", "good"]\n'
    with pytest.raises(AssayError, match=r"the data has the label \"negative\".*\['bad', 'good'\]"):
        planned(tmp_path, own("my_model:labels_of", labels))


def test_the_answers_of_an_endpoint_are_kept_under_its_fingerprint(
    tmp_path: Path, server: Server, answers: Answers
) -> None:
    plan = planned(tmp_path, behind(server))
    candidate = plan.config.candidates[0]
    answers.answered.clear()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = open_model(candidate, plan, ledger.answer_store)
        expected = first.predict_proba(TEXTS)
        again = open_model(candidate, plan, ledger.answer_store)
        np.testing.assert_array_equal(again.predict_proba(TEXTS), expected)
        assert set(answers.answered.values()) == {1}
        # Another revision is another model.
        assert candidate.endpoint is not None
        newer = candidate.endpoint.model_copy(update={"revision": "2"})
        newest = candidate.model_copy(update={"endpoint": newer})
        open_model(newest, plan, ledger.answer_store).predict_proba(TEXTS)
    assert set(answers.answered.values()) == {2}


def test_an_endpoint_is_given_every_key_of_its_section(tmp_path: Path, server: Server) -> None:
    more = 'revision = "7"\nconcurrency = 2\nprice_per_1000 = 0.5\ncurrency = "EUR"\nmax_texts = 5\n'
    plan = planned(tmp_path, behind(server, more=more))
    endpoint = open_endpoint(plan.config.candidates[0], plan, None)
    assert isinstance(endpoint, Endpoint)
    assert endpoint.revision == "7"
    assert "EUR" in (endpoint.cost(1000) or "")
    with pytest.raises(AssayError, match="max_texts"):
        endpoint.predict_proba([f"text {i}" for i in range(6)])


def test_offline_an_endpoint_elsewhere_is_refused(tmp_path: Path, server: Server) -> None:
    plan = planned(tmp_path, behind(server))
    away = plan.config.candidates[0].model_copy(update={"model": "https://models.example.com/predict"})
    offline = plan.config.model_copy(update={"offline": True})
    with pytest.raises(AssayError, match=r"offline"):
        open_model(away, Plan(**{**vars(plan), "config": offline}))


def test_only_endpoints_are_opened_as_such(tmp_path: Path) -> None:
    plan = planned(tmp_path, own("my_model:words"))
    with pytest.raises(ValueError, match='expected a candidate with an endpoint and labels, got "own"'):
        open_endpoint(plan.config.candidates[0], plan, None)


def test_a_source_that_is_not_there_is_refused_without_loading(tmp_path: Path) -> None:
    plan = planned(tmp_path, own("my_model:words"))
    for name, message in {"gone.joblib": "no such file", "./gone": "gone"}.items():
        candidate = plan.config.candidates[0].model_copy(update={"model": name})
        with pytest.raises(AssayError, match=message):
            check_source(candidate, offline=True)
