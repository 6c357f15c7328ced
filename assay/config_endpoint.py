"""[candidates.endpoint]: how a model behind an address is asked, and what its answers mean."""

from typing import Any

from pydantic import Field

from assay.config_base import Count, Section


class EndpointConfig(Section):
    """The arguments of ``robustness.black_box.endpoint.Endpoint``, where each is explained.

    server: huggingface, kserve or mlflow, in place of ``request`` and ``scores_path``.
    max_texts, max_requests: the most of one run. price_per_1000: of 1,000 texts, to tell the cost beforehand.
    """

    server: str | None = None
    request: Any = None
    item: Any = None
    scores_path: str | None = None
    label_path: str | None = None
    label_key: str = "label"
    score_key: str = "score"
    label_map: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    revision: str = ""
    concurrency: Count = 4
    rate_limit: float | None = Field(default=None, gt=0)
    timeout: float = Field(default=30.0, gt=0)
    retries: int = Field(default=5, ge=0)
    malformed_retries: int = Field(default=2, ge=0)
    backoff: float = Field(default=0.5, ge=0)
    max_wait: float = Field(default=60.0, ge=0)
    max_texts: Count | None = None
    max_requests: Count | None = None
    price_per_1000: float | None = Field(default=None, ge=0)
    currency: str = ""
