"""``assay compare``: what it writes, where, and in which form."""

import shutil
from pathlib import Path

import pytest

from tests.assay.compare.runs import (
    Assay,
    contents,
)


def test_a_real_drop_is_told_and_a_difference_by_chance_is_not(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    before = contents(kept["old"].parent)
    done = assay("compare", *map(str, kept.values()), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert done.stdout.strip().endswith(f"Comparison: {tmp_path / 'out' / 'compare.html'}")
    assert (tmp_path / "out" / "compare.md").read_text(encoding="utf-8") in done.stdout
    (accuracy,) = [line for line in done.stdout.splitlines() if line.startswith("| Accuracy |")]
    same, worse = accuracy.split(" | ")[2:4]
    assert "no difference established" in same
    assert "lower: worse" in worse
    assert "two-sided exact McNemar test on 600 shared examples" in done.stdout
    assert "in the same order" in done.stdout
    assert "<title>Comparison of same and worse with old: " in page
    assert contents(kept["old"].parent) == before


@pytest.mark.parametrize(
    ("format_", "files", "markdown"),
    [("html", ["compare.html"], False), ("markdown", ["compare.md"], True)],
)
def test_a_format_alone_writes_only_that(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, format_: str, files: list[str], markdown: bool
) -> None:
    runs = [str(kept["old"]), str(kept["same"])]
    done = assay("compare", *runs, "--output", str(tmp_path / "out"), "--format", format_)
    assert done.code == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == files
    assert done.stdout.startswith("## Comparison of same with old") == markdown
    assert ("Comparison: " in done.stdout) == (not markdown)


def test_without_a_folder_it_goes_to_runs_and_markdown_alone_writes_nothing(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [str(kept["old"]), str(kept["same"] / "audit.json")]
    assert assay("compare", *runs, "--format", "markdown").stdout.startswith("## Comparison")
    assert list(tmp_path.iterdir()) == []
    assert assay("compare", *runs).code == 0
    assert sorted(path.name for path in (tmp_path / "runs" / "compare").iterdir()) == [
        "compare.html",
        "compare.md",
    ]


@pytest.mark.parametrize(
    ("name", "format_", "written"),
    [("c.html", None, True), ("c.md", None, True), ("c.md", "html", False), ("c.html", "markdown", False)],
)
def test_an_output_that_ends_as_a_file_is_that_file(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, name: str, format_: str | None, written: bool
) -> None:
    target = tmp_path / "new" / name
    extra = [] if format_ is None else ["--format", format_]
    done = assay("compare", str(kept["old"]), str(kept["same"]), "--output", str(target), *extra)
    if not written:
        assert done.code == 2
        assert f"--format {format_} does not write {target.suffix}" in done.stderr
        assert not target.parent.exists()
        return
    assert done.code == 0, done.stderr
    assert list(target.parent.iterdir()) == [target]
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<!" if name == "c.html" else "## Comparison of same with old")
    assert (f"Comparison: {target}" in done.stdout) == (name == "c.html")


def test_a_folder_that_ends_as_a_file_is_a_folder(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "c.html").mkdir()
    done = assay("compare", str(kept["old"]), str(kept["same"]), "--output", str(tmp_path / "c.html"))
    assert done.code == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "c.html").iterdir()) == ["compare.html", "compare.md"]


def test_a_hostile_folder_name_is_text(assay: Assay, kept: dict[str, Path], tmp_path: Path) -> None:
    evil = tmp_path / "<img src=x onerror=alert(1)>|`@all"
    shutil.copytree(kept["same"], evil)
    done = assay("compare", str(kept["old"]), str(evil), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "<img" not in done.stdout.split("Comparison: ")[0]
