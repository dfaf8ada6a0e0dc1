"""Tables and verdicts as the measurements print them."""

from __future__ import annotations


def show(header: list[str], rows: list[list[str]]) -> None:
    """Prints a Markdown table, its columns aligned."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"

    print(line(header))
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for row in rows:
        print(line(row))
    print(flush=True)


class Verdict:
    """Collects figures that have a bar, and says which of them reach it."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.missed = 0

    def at_least(self, what: str, figure: float, bar: float, unit: str = "") -> None:
        """Wants `figure` to be no lower than `bar`."""
        self._add(what, figure, bar, unit, ">=", figure >= bar)

    def at_most(self, what: str, figure: float, bar: float, unit: str = "") -> None:
        """Wants `figure` to be no higher than `bar`."""
        self._add(what, figure, bar, unit, "<=", figure <= bar)

    def _add(self, what: str, figure: float, bar: float, unit: str, sign: str, met: bool) -> None:
        """Keeps one figure."""
        self.missed += not met
        unit = unit and f" {unit}"
        self.rows.append(
            [what, f"{figure:.2f}{unit}", f"{sign} {bar:g}{unit}", "met" if met else "MISSED"]
        )

    def show(self) -> None:
        """Prints the table of all figures."""
        show(["figure", "measured", "bar", ""], self.rows)
