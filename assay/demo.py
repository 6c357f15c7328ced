"""The embedded example: real, human-rated text and a real encoder, from package registries alone."""

from pathlib import Path

from assay import demo_data
from assay.config import load_config
from assay.config_models import AuditConfig
from assay.progress import Reporter
from assay.run_folder import RunFolder

TEMPLATE = Path(__file__).with_name("demo.toml")


def prepare_demo(runs: Path, reporter: Reporter, *, offline: bool) -> AuditConfig:
    """Write ``runs/demo/data.csv`` and ``runs/demo/assay.toml`` and load that configuration.

    The configuration is an ordinary one: copy it to start your own. Raises AssayError when the data can
    neither be found in the cache nor fetched, or the encoder's package is missing.
    """
    run = RunFolder.create(runs / "demo")
    archive = demo_data.fetch(demo_data.cache_folder(), offline=offline)
    count = demo_data.write_csv(demo_data.sentences(archive), run.path / "data.csv")
    reporter.say(f"demo: {count:,} human-rated sentences from {demo_data.PACKAGE}")
    config = run.path / "assay.toml"
    config.write_text(
        TEMPLATE.read_text(encoding="utf-8").replace("WORD_LIST_NOTE", demo_data.WORD_LIST_NOTE),
        encoding="utf-8",
    )
    return load_config(config, {"runs": str(runs.resolve()), "name": "demo"})
