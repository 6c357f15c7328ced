"""What a user sees while an audit works: plain lines in a file, a bar on a terminal."""

import io

import pytest
from rich.console import Console

from assay import progress
from assay.progress import Reporter


def lines_of(*, total: int, advances: list[int]) -> list[str]:
    told = io.StringIO()
    with Reporter(Console(file=told)).task("plain: clean text", total) as advance:
        for count in advances:
            advance(count)
    return told.getvalue().splitlines()


def test_a_quick_task_is_one_plain_line() -> None:
    (line,) = lines_of(total=40, advances=[0, 30, 10])
    assert line.startswith("plain: clean text: 40 in ")
    assert line.endswith(" s")


def test_a_long_task_says_how_far_it_is_and_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 25.0, 30.0, 50.0, 60.0, 60.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    assert lines_of(total=100, advances=[20, 30, 10, 20, 20]) == [
        "plain: clean text: 50/100, 2/s, 25 s left",
        "plain: clean text: 80/100, 2/s, 12 s left",
        "plain: clean text: 100 in 60.0 s",
    ]


def test_a_slow_start_without_an_example_done_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 100.0, 101.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    assert lines_of(total=10, advances=[0]) == ["plain: clean text: 0 in 101.0 s"]


def test_a_training_that_stops_early_does_not_claim_the_rest() -> None:
    (line,) = lines_of(total=300, advances=[100])
    assert ": 100 in " in line


def test_a_task_that_fails_is_not_said_to_be_done() -> None:
    told = io.StringIO()
    with pytest.raises(ValueError, match="no"), Reporter(Console(file=told)).task("x", 3):
        raise ValueError("no")
    assert told.getvalue() == ""


def test_a_terminal_shows_a_bar() -> None:
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, width=100, color_system=None)
    with Reporter(console).task("plain: [red]x[/red]", 40) as advance:
        advance(40)
    assert "40/40" in told.getvalue()
    assert "━" in told.getvalue()
    assert "[red]x[/red]" in told.getvalue()


@pytest.mark.parametrize("text", ["[red]model[/red]", "[/]", ":warning: [link=x]y", "x" * 300, "/a/b [c] d"])
def test_markup_is_shown_and_lines_are_not_broken(text: str) -> None:
    told = io.StringIO()
    Reporter(Console(file=told, width=40)).say(text)
    assert told.getvalue() == text + "\n"


def test_colours_asked_for_by_ci_do_not_bring_bars_into_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Reporter().task("plain: clean text", 2) as advance:
        advance(2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("plain: clean text: 2 in ")
    assert "━" not in captured.err
