"""What a benchmark found, as a value and as text: figures first, then the table they come from."""

from collections.abc import Iterable, Iterator

from attrs import field, frozen

Cell = str | float | None
Row = tuple[Cell, ...]


def _freeze(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(rows)


@frozen
class Figure:
    """One figure; `unit` is `x` for a ratio, and `aim` what it ought to be."""

    name: str
    value: float
    unit: str = "x"
    aim: str = ""


@frozen
class Table:
    """Rows below the names of their columns; None stands for what is not known."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...] = field(converter=_freeze)


@frozen(kw_only=True)
class Report:
    """What one benchmark found."""

    title: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


def render(report: Report) -> str:
    """Return a report as text."""
    figures = _align([_render_figure(figure) for figure in report.figures])
    tables = [_align([table.columns, *map(_render_row, table.rows)]) for table in report.tables]
    parts = [[report.title], figures, *tables, list(report.notes)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def show_number(value: float) -> str:
    """Return a number with three figures that count."""
    digits = next((digits for limit, digits in ((1, 3), (10, 2), (100, 1)) if abs(value) < limit), 0)
    return f"{value:,.{digits}f}"


def _render_figure(figure: Figure) -> tuple[str, ...]:
    unit = "x" if figure.unit == "x" else f" {figure.unit}"
    return (figure.name, show_number(figure.value) + unit, f"(aim: {figure.aim})" if figure.aim else "")


def _render_row(row: Row) -> tuple[str, ...]:
    return tuple(
        "-" if cell is None else cell if isinstance(cell, str) else show_number(cell) for cell in row
    )


def _align(rows: list[tuple[str, ...]]) -> list[str]:
    """Return lines in which the columns stand below each other, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [line for row in rows if (line := "  ".join(_pad(row, widths)).rstrip())]


def _pad(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.rjust(width) if number else cell.ljust(width)
