"""Requests and responses of common model servers."""

from typing import Any

from attacks.errors import AssayError, nearest

SERVERS = ("huggingface", "kserve", "mlflow")


def preset(server: str, k: int) -> tuple[Any, str]:
    """The request and the ``scores_path`` of a server, for ``k`` labels.

    huggingface: the text-classification task of its inference toolkit, told to answer all labels. kserve:
    version 1 of its protocol, which TensorFlow Serving speaks too. mlflow: ``/invocations``.
    Raises AssayError for another name.
    """
    if server == "huggingface":
        return {"inputs": "{texts}", "parameters": {"top_k": k}}, "@"
    if server == "kserve":
        return {"instances": "{texts}"}, "predictions"
    if server == "mlflow":
        return {"inputs": "{texts}"}, "predictions"
    raise AssayError(
        f'expected server to be one of {", ".join(SERVERS)}, got "{server}".{nearest(server, SERVERS)} '
        "For another one, leave it out and give request, and scores_path or label_path."
    )
