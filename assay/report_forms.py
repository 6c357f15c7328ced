"""What ``assay report`` can make of a run; a module of its own, for help must not load what renders."""

from enum import StrEnum


class Form(StrEnum):
    html = "html"
    markdown = "markdown"
    json = "json"
    junit = "junit"
    model_card = "model-card"
    csv = "csv"
