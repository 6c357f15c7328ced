"""[[candidates]]: the models that are audited, and how they are trained."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from assay.config_base import Count, Section, folder_name
from assay.config_endpoint import EndpointConfig
from robustness.black_box.kinds import Kind, kind_of


class LoraConfig(Section):
    """[candidates.train.lora]: train adapters beside frozen weights, as ``robustness.lora.Lora`` explains."""

    r: Count = 8
    alpha: float = Field(16.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: Annotated[list[str], Field(min_length=1)] | None = None


class TrainConfig(Section):
    """How a candidate is trained; keys that are not here are parameters of the objective, which checks them.

    ramp: share of the training steps over which epsilon rises from 0; warmup: the same for the rate.
    patience: epochs without improvement before training stops; None trains all epochs.
    accumulate: parts in which a batch is computed, to save memory. log_to: who is told of the training.
    """

    model_config = ConfigDict(extra="allow")

    objective: str = "standard"
    epochs: Count = 3
    batch_size: Count = 32
    accumulate: Count = 1
    learning_rate: float = Field(5e-5, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, le=1)
    max_grad_norm: float = Field(1.0, gt=0)
    ramp: float = Field(0.5, ge=0, le=1)
    patience: Count | None = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    freeze_embeddings: bool = False
    lora: LoraConfig | None = None
    log_to: list[Literal["tensorboard", "mlflow", "wandb"]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> "TrainConfig":
        if self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate ({self.accumulate}) is above batch_size ({self.batch_size}): a batch cannot be"
                " computed in more parts than it has examples"
            )
        if len(set(self.log_to)) != len(self.log_to):
            raise ValueError(f"log_to: expected each tracker once, got {', '.join(self.log_to)}")
        if self.lora is not None and self.freeze_embeddings:
            raise ValueError("lora leaves the embeddings frozen anyway: leave freeze_embeddings out")
        return self

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the objective."""
        return dict(self.model_extra or {})

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the training loop, whatever the objective; ``lora`` as a dictionary or None."""
        others = {"objective", "log_to", *(self.model_extra or {})}
        return self.model_dump(exclude=others)


class MitigateConfig(Section):
    """What is done to treat groups more alike; keys that are not here are parameters of the method, which
    checks them."""

    model_config = ConfigDict(extra="allow")

    method: str

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the method."""
        return dict(self.model_extra or {})


class CandidateConfig(Section):
    """One [[candidates]]: a classifier (``model``), an encoder to fine-tune (``encoder`` and ``train``), or
    what a mitigation makes of another candidate (``base`` and ``mitigate``).

    model: a folder or a hub name, ``module:object`` (a function or a scikit-learn pipeline), the file of a
        pipeline, or the address of an endpoint.
    layers: keep only the first so many transformer layers of an encoder.
    labels: the labels of a model that does not tell them itself, in the order of its scores.
    batch_size: texts that a model which only answers is asked at once; None for what suits its kind.
    base: the name of a candidate above this one. mitigate: with ``train``, a method that changes the training
        data; with ``base``, one that starts from that candidate's model.
    """

    name: str
    model: str | None = Field(None, min_length=1)
    encoder: str | None = Field(None, min_length=1)
    layers: Count | None = None
    max_length: int | None = Field(None, ge=3)
    allow_pickle: bool = False
    trust_remote_code: bool = False
    revision: str | None = None
    train: TrainConfig | None = None
    labels: Annotated[list[str], Field(min_length=2)] | None = None
    batch_size: Count | None = None
    endpoint: EndpointConfig | None = None
    base: str | None = Field(None, min_length=1)
    mitigate: MitigateConfig | None = None

    @field_validator("name")
    @classmethod
    def _safe(cls, name: str) -> str:
        return folder_name(name)

    @model_validator(mode="after")
    def _one_model(self) -> "CandidateConfig":
        if self.base is not None:
            return self._on_base()
        if (self.model is None) == (self.encoder is None):
            raise ValueError(
                "expected exactly one of model (a classifier), encoder (to be fine-tuned) and base (another "
                "candidate, to be mitigated)"
            )
        if self.encoder is not None and self.train is None:
            raise ValueError("an encoder must be fine-tuned: add train, for example train = { epochs = 3 }")
        if self.layers is not None and self.encoder is None:
            raise ValueError("layers shortens an encoder that is fine-tuned; a model is audited as it is")
        if self.kind != "transformers" and self.train is not None:
            raise ValueError("only a Hugging Face model or encoder can be trained here; leave train out")
        if (self.kind == "endpoint") != (self.endpoint is not None):
            raise ValueError(
                "an address as model and [candidates.endpoint] go together: give both or neither"
            )
        if self.kind == "endpoint" and self.labels is None:
            raise ValueError("an endpoint needs labels, in the order of its scores")
        if self.kind == "transformers" and self.labels is not None:
            raise ValueError(
                "a Hugging Face model knows its labels; map those of the data with data.label_map"
            )
        if self.mitigate is not None and self.train is None:
            raise ValueError(
                "mitigate needs train (for a method that changes the training data) or, in place of model, "
                "base (the name of a candidate above, for a method that starts from its model)"
            )
        return self

    def _on_base(self) -> "CandidateConfig":
        if self.mitigate is None:
            raise ValueError(
                "base names what a mitigation starts from: add mitigate, for example mitigate = { method = "
                '"threshold_optimizer", group = "gender" }'
            )
        if self.base == self.name:
            raise ValueError(f'base: "{self.base}" is this candidate itself; name one above it')
        given = sorted(self.model_fields_set - {"name", "base", "mitigate"})
        if given:
            raise ValueError(
                f"with base, the model is that of the other candidate: leave out {', '.join(given)}"
            )
        return self

    @property
    def kind(self) -> Kind:
        """What ``model`` names; an encoder is a Hugging Face model, and so is the model of a base."""
        return "transformers" if self.model is None else kind_of(self.model)
