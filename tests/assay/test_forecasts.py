"""What is still to come, in words."""

import pytest

from assay.forecasts import in_words
from robustness.asking import Forecast


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        (
            Forecast(8, 492, 98.0, 60, 170, seconds=180.0),
            "8 examples took 98 queries each (60 to 170); 492 more: about 48,216 queries, 3 min 0 s",
        ),
        (
            Forecast(1, 1, 4.0, 4, 4, seconds=2.0),
            "1 example took 4 queries each; 1 more: about 4 queries, 2.0 s",
        ),
        (
            Forecast(8, 2_000, 1234.5, 1, 2_000, seconds=7200.0),
            "8 examples took 1,234 queries each (1 to 2,000); 2,000 more: about 2,469,000 queries, 2 h 0 min",
        ),
        (
            Forecast(3, 2, 0.0, 0, 0, seconds=0.0),
            "3 examples took 0 queries each; 2 more: about 0 queries, 0.0 s",
        ),
    ],
)
def test_a_forecast_says_what_was_seen_and_what_is_to_come(forecast: Forecast, words: str) -> None:
    assert in_words(forecast) == words
