"""Where black-box attacks run: in this process, or in those of a Ray cluster."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from assay.candidates import Prepared
from assay.config_models import AuditConfig
from assay.plan import Plan
from attacks.black_box import QueryAttack
from attacks.errors import AssayError
from attacks.textattack import resources
from robustness.asking import Engine
from robustness.models import Model
from robustness.ray_engine import cluster

LOCAL = "local"
RAY = "ray"

EngineOf = Callable[[Prepared], AbstractContextManager[Engine | None]]
"""The engine for a candidate, for as long as the context lasts; None for this process."""


@contextmanager
def engines(plan: Plan) -> Iterator[EngineOf]:
    """What the configuration's ``engine`` says: ``local``, ``ray`` on this machine, or a cluster's address.

    Ray is started only where there is a black-box attack to be run. Raises AssayError where it cannot be.
    """
    name = plan.config.engine
    black_box = any(isinstance(attack, QueryAttack) for attack in plan.attacks)
    if name == LOCAL or not black_box:
        yield lambda candidate: nullcontext()
        return
    with cluster(None if name == RAY else name, plan.config.workers) as found:

        def engine_of(candidate: Prepared) -> AbstractContextManager[Engine | None]:
            load = partial(_loaded, candidate.load, plan.config)
            return found.engine(load, plan.test, plan.config.seed)

        yield engine_of


def _loaded(load: Callable[[], Model], config: AuditConfig) -> Model:
    """The model in another process, which does not know yet where the audit has its resources and recipes."""
    resources.use(config.resources)
    sys.path.insert(0, str(config.base))
    return load()


def check_engine(plan: Plan) -> None:
    """Raises AssayError for a candidate that several processes cannot share."""
    if plan.config.engine == LOCAL:
        return
    for candidate in plan.config.candidates:
        if candidate.kind == "endpoint":
            raise AssayError(
                f'candidate "{candidate.name}": an endpoint is asked by one process, which keeps to its rate '
                'limit and its budget. Use engine = "local"; more requests at once are set by concurrency in '
                "[candidates.endpoint]."
            )
