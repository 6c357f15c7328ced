"""Tables that are too wide for a sheet of paper."""

import pytest

from reports.blocks import WIDEST, Cell, Column, Row, Table, is_noted, parted


def table(cells: int) -> Table:
    columns = [Column("Group"), *(Column(f"m{i}") for i in range(cells))]
    rows = [Row(group, [Cell(f"{group}{i}") for i in range(cells)], note=group) for group in ("a", "b")]
    return Table("Metrics", columns, rows, sortable=False)


def test_a_table_that_has_room_is_left_alone() -> None:
    assert parted(table(WIDEST)) == [table(WIDEST)]
    assert parted(table(0)) == [table(0)]


@pytest.mark.parametrize(("cells", "shares"), [(10, [5, 5]), (18, [9, 9]), (19, [7, 7, 5]), (20, [7, 7, 6])])
def test_a_wider_one_is_shared_out_with_the_names_of_its_rows_and_nothing_lost(
    cells: int, shares: list[int]
) -> None:
    whole, parts = table(cells), parted(table(cells))
    assert [len(part.columns) - 1 for part in parts] == shares
    assert [part.caption for part in parts] == [
        f"Metrics, part {i} of {len(shares)}" for i in range(1, len(shares) + 1)
    ]
    assert [column for part in parts for column in part.columns[1:]] == list(whole.columns[1:])
    for i, row in enumerate(whole.rows):
        assert [cell for part in parts for cell in part.rows[i].cells] == list(row.cells)
        assert {(part.rows[i].header, part.rows[i].note) for part in parts} == {(row.header, row.note)}
    assert not any(part.sortable for part in parts)


def test_a_table_is_noted_where_one_cell_has_a_note() -> None:
    assert not is_noted(table(2))
    assert is_noted(Table("T", [Column("a"), Column("b")], [Row("x", [Cell("1", "0 to 2")])]))
