"""What holds for all tests."""

import os

# What a terminal or a CI machine asks of colours, widths and summaries: tests compare what is written.
for _name in ("BUILD_NUMBER", "CI", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS"):
    os.environ.pop(_name, None)
