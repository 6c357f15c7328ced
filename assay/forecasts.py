"""What is still to come, in words: what an attack is expected to cost."""

from reports.formatting import counted, duration
from robustness.asking import Forecast


def in_words(forecast: Forecast) -> str:
    """``8 examples took 98 queries each (60 to 170); 492 more: about 48,216 queries, 3 min 0 s``."""
    each = f"{forecast.mean_queries:,.0f} queries each"
    if forecast.least_queries < forecast.most_queries:
        each += f" ({forecast.least_queries:,.0f} to {forecast.most_queries:,.0f})"
    return (
        f"{counted(forecast.attacked, 'example')} took {each}; {forecast.left:,} more: about "
        f"{forecast.queries:,.0f} queries, {duration(forecast.seconds)}"
    )
