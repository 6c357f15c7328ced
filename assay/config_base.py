"""What every section of assay.toml shares."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    # strict: TOML has types, so "3" where a number belongs is a mistake and not a spelling of 3.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def folder_name(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise ValueError(
            "expected a name that can be a folder: letters, digits, dot, dash and underscore,"
            " starting with a letter or digit, at most 100"
        )
    return name
