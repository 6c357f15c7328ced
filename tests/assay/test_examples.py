"""The configurations that users start from name only what there is."""

from pathlib import Path

import pytest

from assay.config import load_config
from assay.gate.checks import check_gate
from assay.training_plan import build_mitigations, build_objectives
from attacks import registry
from fairness.counterfactual.terms import load_terms
from fairness.mitigation import registry as registry_of_mitigations
from robustness.behaviour import registry as behaviour_registry

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "examples").glob("*.toml")), ROOT / "assay" / "demo.toml"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_name_and_parameter_is_known(file: Path) -> None:
    config = load_config(file)
    attacks = [registry.build(name, params) for attack in config.attacks for name, params in attack.expand()]
    assert attacks
    for behaviour in config.behaviours:
        behaviour_registry.build(behaviour.name, behaviour.params)
    trained = {candidate.name for candidate in config.candidates if candidate.train}
    assert build_objectives(config).keys() == trained
    mitigated = {candidate.name for candidate in config.candidates if candidate.mitigate}
    assert build_mitigations(config).keys() == mitigated
    if config.counterfactual is not None:
        assert load_terms(config.counterfactual.axes)
    check_gate(config.gate, swaps=config.counterfactual is not None)


def test_an_example_has_every_mitigation() -> None:
    candidates = load_config(ROOT / "examples" / "mitigation.toml").candidates
    methods = {each.mitigate.method for each in candidates if each.mitigate is not None}
    assert methods == registry_of_mitigations.available().keys()
    objectives = {each.train.objective for each in candidates if each.train is not None}
    assert {"group-dro", "adversarial-head"} <= objectives
