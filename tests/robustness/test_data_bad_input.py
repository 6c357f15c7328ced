"""Bad data: each row of the table is one mistake and the words that its message must hold."""

from pathlib import Path
from typing import Any

import pytest

from attacks.errors import AssayError
from robustness.data import load

GOOD = "text,label,gender\nfine,0,f\nbad,1,m\n"

CASES: list[Any] = [
    pytest.param({"d.csv": GOOD}, {"path": "dd.csv"}, ["dd.csv", 'Did you mean "d.csv"?'], id="missing file"),
    pytest.param({}, {"path": "no/d.csv"}, ["folder", "no", "does not exist"], id="missing folder"),
    pytest.param({"d.xlsx": "x"}, {}, ["d.xlsx", ".parquet", 'got ".xlsx"'], id="unknown suffix"),
    pytest.param({"d.csv": ""}, {}, ["d.csv", "empty"], id="empty file"),
    pytest.param({"d.csv": "text,label\n"}, {}, ["d.csv", "at least one row"], id="only a header"),
    pytest.param({"d.jsonl": "\n\n"}, {}, ["d.jsonl", "empty"], id="empty JSON Lines"),
    pytest.param(
        {"d.csv": GOOD},
        {"text": "txet"},
        ['no column "txet"', 'Did you mean "text"?', "text, label, gender", "`columns`"],
        id="missing column",
    ),
    pytest.param({"d.csv": GOOD}, {"groups": ["gendre"]}, ['"gendre"', 'mean "gender"?'], id="unknown group"),
    pytest.param(
        {"d.csv": "text,,label\na,0,1\n"}, {}, ["column 2 has no name", "leave it out"], id="nameless"
    ),
    pytest.param({"d.csv": "text,label,label\na,1,1\n"}, {}, ["two columns", '"label"'], id="double column"),
    pytest.param({"d.csv": "text;label\na;1\n"}, {}, ["';'", "`delimiter`"], id="semicolons"),
    pytest.param({"d.csv": GOOD}, {"delimiter": ";;"}, ["`delimiter`", "one character"], id="long delimiter"),
    pytest.param({"d.csv": GOOD}, {"label": "text"}, ['"text"', "`text`", "`label`"], id="two roles"),
    pytest.param(
        {"d.csv": GOOD}, {"groups": ["gender", "gender"]}, ['"gender"', "`groups`"], id="a group given twice"
    ),
    pytest.param(
        {"d.csv": "text,label\na,0\nb,1\nc,1,2\n"},
        {},
        ["row 3 (line 4)", "expected 2 fields", "got 3"],
        id="ragged row",
    ),
    pytest.param({"d.tsv": "a\t0\nb\n"}, {"columns": ["text", "label"]}, ["row 2 (line 2)"], id="ragged TSV"),
    pytest.param(
        {"d.csv": 'text,label\na,0\n"b,1\nc,1\n'}, {}, ["starts at line 3", "cannot be read"], id="open quote"
    ),
    pytest.param(
        {"d.csv": 'text,label\n"two\nlines",0\n,1\n,0\n'},
        {},
        ["row 2 (line 4)", '"text"', "empty", "1 more row"],
        id="empty text, counted in rows and lines",
    ),
    pytest.param({"d.csv": "text,label\n \t,0\nb,1\n"}, {}, ["row 1", "empty"], id="blank text"),
    pytest.param({"d.csv": "text,label\na,0\nb,\n"}, {}, ["row 2", "label is missing"], id="missing label"),
    pytest.param({"d.csv": "text,label\na,0\nb,0\n"}, {}, ['label "0"', "two classes"], id="one class"),
    pytest.param(
        {"d.csv": "text,label\n" + "".join(f"a,{i}\n" for i in range(1001))},
        {},
        ["1,001 different values", "probably not a label"],
        id="too many labels",
    ),
    pytest.param(
        {"d.jsonl": '{"text": "a", "label": 1}\n{"text"\n'}, {}, ["line 2", "broken JSON"], id="JSON"
    ),
    pytest.param({"d.jsonl": '[{"text": "a"}]\n'}, {}, ["line 1", "got list"], id="a JSON list"),
    pytest.param({"d.jsonl": '{"text": "a", "text": "b"}\n'}, {}, ['"text" is given twice'], id="double key"),
    pytest.param(
        {"d.jsonl": '{"text": "a", "label": 1}\n{"text": 5, "label": 0}\n'},
        {},
        ["row 2 (line 2)", "expected text", "int 5"],
        id="a number for a text",
    ),
    pytest.param({"d.jsonl": '{"text": NaN, "label": 1}\n'}, {}, ["row 1", "missing"], id="NaN for a text"),
    pytest.param({"d.jsonl": '{"text": null, "label": 1}\n'}, {}, ["row 1", "missing"], id="null for a text"),
    pytest.param(
        {"d.jsonl": '{"text": "\\ud800", "label": 1}\n'}, {}, ["row 1", "surrogate"], id="surrogate"
    ),
    pytest.param(
        {"d.jsonl": '{"text": "a", "label": [1]}\n'}, {}, ["row 1", "list"], id="a list for a label"
    ),
    pytest.param(
        {"d.jsonl": '{"text": "a", "label": 1}\n'}, {"columns": ["a", "b"]}, ["`columns`"], id="columns"
    ),
    pytest.param({"d.parquet": "PAR?"}, {}, ["d.parquet", "not a readable Parquet"], id="broken Parquet"),
    pytest.param({"d/x.txt": "x"}, {"path": "d"}, ["save_to_disk"], id="a folder that is no dataset"),
    pytest.param(
        {"d.csv": "id,text,label\n7,a,0\n7,b,1\n"},
        {"id": "id"},
        ["row 2 (line 3)", '"7"', "row 1 (line 2)"],
        id="double id",
    ),
    pytest.param(
        {"d.csv": "id,text,label\n,a,0\n"}, {"id": "id"}, ["row 1", "id is missing"], id="missing id"
    ),
    pytest.param(
        {"d.csv": GOOD, "t.csv": "text,label,id\na,0,1\nb,1,2\n"},
        {"train_path": "t.csv", "groups": ["gender"]},
        ["t.csv", 'no column "gender"'],
        id="a column missing from the train file",
    ),
    pytest.param(
        {"d.csv": "text,label,part\na,0,test\nb,1,tset\n"},
        {"split_column": "part"},
        ["row 2", 'got "tset"', 'Did you mean "test"?'],
        id="unknown split",
    ),
    pytest.param(
        {"d.csv": "text,label,part\na,0,train\nb,1,dev\n"},
        {"split_column": "part"},
        ["no row says test"],
        id="untested",
    ),
    pytest.param(
        {"d.csv": GOOD}, {"split": "test"}, ["without splits", "`split_column`"], id="split of a file"
    ),
    pytest.param(
        {"d.csv": GOOD},
        {"label_map": {"0": "ok"}},
        ["row 2", '"1" is not in `label_map`'],
        id="unmapped label",
    ),
    pytest.param(
        {"d.csv": "text,label\na,good\nb,bda\n"},
        {"labels": ["good", "bad"]},
        ['"bda" (1 rows)', 'Did you mean "bad"?', "`label_map`"],
        id="label not in labels",
    ),
    pytest.param(
        {"d.csv": GOOD}, {"labels": ["0", "1", "1"]}, ["`labels`", "twice"], id="labels given twice"
    ),
    pytest.param({"d.csv": GOOD}, {"test_fraction": 1.0}, ["`test_fraction`", "1.0"], id="fraction"),
    pytest.param({"d.csv": GOOD}, {"hub": "org/d"}, ["exactly one", "`path`", "`hub`"], id="path and hub"),
    pytest.param({"d.csv": GOOD}, {"max_examples": 0}, ["at least 1"], id="an empty sample"),
]


@pytest.mark.parametrize(("files", "arguments", "words"), CASES)
def test_bad_input_is_refused_with_its_place_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], arguments: Any, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")
    with pytest.raises(AssayError) as caught:
        load(**{"path": next(iter(files), None), **arguments})
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_bytes_that_are_not_utf8_are_refused_with_position_and_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes("text,label\nfine,0\ncafé,1\n".encode("latin-1"))
    with pytest.raises(
        AssayError, match=r"latin\.csv: expected UTF-8, got byte 0xe9 at position 21 \(line 3\)"
    ):
        load(file)


def test_texts_in_parquet_must_be_strings(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": [1, 2], "label": [0, 1]}), tmp_path / "d.parquet")
    with pytest.raises(
        AssayError, match=r"row 1, column \"text\": expected text, got int 1 \(and 1 more row"
    ):
        load(tmp_path / "d.parquet")
