"""What a gate goes by and what an audit advises: words that configurations and results share."""

from typing import Literal

Decide = Literal["estimate", "certain-pass", "certain-fail"]
"""The estimate; or its interval: passing only where the whole of it is within the limits, or failing only
where the whole of it is outside."""

Recommendation = Literal["ship", "ship with care", "do not ship"]
