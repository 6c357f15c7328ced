"""What the name of a model says about its kind, without loading anything."""

import re
from pathlib import Path
from typing import Literal

Kind = Literal["transformers", "pipeline", "callable", "endpoint"]

OBJECT = re.compile(r"(?!package:)[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
"""``package.module:name``; ``package:NAME`` names an encoder that comes in a package."""
PICKLES = (".joblib", ".pickle", ".pkl")
PIPELINES = (*PICKLES, ".skops")
"""How the files of fitted scikit-learn pipelines end."""


def kind_of(model: str) -> Kind:
    """By its form: an address, the file of a pipeline, ``module:object``, or else a folder or hub name."""
    if model.startswith(("http://", "https://")):
        return "endpoint"
    if Path(model).suffix.lower() in PIPELINES:
        return "pipeline"
    return "callable" if OBJECT.fullmatch(model) else "transformers"
