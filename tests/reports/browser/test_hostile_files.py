"""The same thousand texts in the files for other programs: Markdown, JSON, XML and CSV stay what they are."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from assay.outcome_csv import write_csv
from assay.outcome_table import CLEAN, Answers, OutcomeTable
from attacks.errors import AssayError
from reports.formatting import visible
from reports.html import render_html
from reports.json_io import from_json, to_json
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.model import AuditReport, GateCheck, GateResult
from tests.reports.browser.examples import REPORTS
from tests.reports.browser.hostile_texts import HALF_A_PAIR, hostile_texts
from tests.reports.example import example_report, no_attacks
from tests.reports.hostile import renamed


@pytest.fixture(scope="module")
def names() -> AuditReport:
    return REPORTS["hostile names"]()


def tokens(markdown: str) -> list[Token]:
    """Of GitHub's Markdown: tables, and HTML let through."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)


@pytest.mark.parametrize("name", ["hostile names", "hostile everything", "hostile inputs"])
def test_the_summary_holds_no_html_image_foreign_link_or_mention(name: str) -> None:
    text = render_markdown(REPORTS[name]())
    for token in tokens(text):
        for each in [token, *(token.children or [])]:
            assert not each.type.startswith(("html", "image", "code", "fence", "blockquote")), each.content
            if each.type == "link_open":
                assert not re.match(r"(?i)[a-z][a-z0-9+.-]*:|//|www\.", str(each.attrs["href"]))
            if each.type == "text":
                assert not re.search(r"(?<![\w/])@\w|://|(?i:www\.)", each.content), each.content
    assert len(text) < 65_000


def test_every_text_alone_makes_no_markup_in_the_summary() -> None:
    report = no_attacks(example_report())
    (finding, *_) = example_report().findings
    texts = hostile_texts()
    for i in range(0, 1000, 20):
        findings = [replace(finding, message=text) for text in texts[i : i + 20]]
        text = render_markdown(replace(report, findings=findings))
        kinds = {each.type for token in tokens(text) for each in [token, *(token.children or [])]}
        assert not {kind for kind in kinds if re.match(r"html|image|code|fence|s_|blockquote|hr", kind)}


def test_audit_json_reads_back_as_it_was(names: AuditReport) -> None:
    assert from_json(to_json(names), "audit.json") == names


def test_half_a_pair_is_drawn_written_out_and_refused_by_json() -> None:
    report = renamed(no_attacks(example_report()), {"positive": HALF_A_PAIR})
    html = render_html(report)
    assert "half a pair \\ud83d" in html
    html.encode()
    render_markdown(report).encode()
    with pytest.raises(AssayError, match="half a surrogate pair"):
        to_json(report)


def test_junit_xml_can_be_read_whatever_the_names_are() -> None:
    texts = hostile_texts()
    checks = [
        GateCheck(text, "accuracy", texts[-i - 1], None, 0.5, None, i % 2 == 0, texts[(i + 500) % 1000])
        for i, text in enumerate(texts)
    ]
    report = renamed(replace(no_attacks(example_report()), gate=GateResult(False, checks)), {"cpu": texts[0]})
    written = render_junit(report)
    root = ET.fromstring(written)
    assert len(root.findall(".//testcase")) == 1000
    assert len(root.findall(".//failure")) == 500
    words = "".join(root.itertext()) + "".join(
        value for each in root.iter() for value in each.attrib.values()
    )
    assert visible(words) == words
    assert not re.search("<!DOCTYPE|<!ENTITY", written)


def test_csv_holds_no_formula() -> None:
    texts = list(dict.fromkeys(hostile_texts()))
    n = len(texts)
    answers = Answers(
        prediction=np.arange(n) % 3,
        probabilities=None,
        skipped=np.zeros(n, bool),
        success=np.zeros(n, bool),
        reached=np.ones(n, bool),
        queries=np.zeros(n),
    )
    table = OutcomeTable(
        label_names=("=1+1", "@SUM(1)", "+cmd|' /C calc'!A0"),
        ids=tuple(texts),
        labels=np.arange(n) % 3,
        groups={"=group": np.array(texts, dtype=object)},
        answers={"-candidate": {CLEAN: answers}},
    )
    sink = io.BytesIO()
    write_csv(table, {}, sink)
    csv.field_size_limit(1_000_000)
    header, *rows = csv.reader(io.StringIO(sink.getvalue().decode(), newline=""))
    assert len(rows) == n
    cells = [cell for row in rows for cell in row]
    assert [cell[:40] for cell in cells if re.match(r"[=+@\t\r-]", cell)] == []
    kept = [row[header.index("example_id")] for row in rows]
    assert [a for a, b in zip(kept, texts, strict=True) if a.removeprefix("'") != b.removeprefix("'")] == []
