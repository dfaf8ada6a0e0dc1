"""A progress bar on stderr; plain lines where nobody watches a terminal."""

from __future__ import annotations

import sys
import threading

WIDTH = 30


class Progress:
    """Counts the steps of one phase, from any thread.

    @param label  what is being done
    @param total  how many steps there are
    """

    def __init__(self, label: str, total: int) -> None:
        self.label = label
        self.total = max(total, 1)
        self.done = 0
        self.shown = -1
        self.lock = threading.Lock()
        self.tty = sys.stderr.isatty()
        self._show(0)

    def step(self) -> None:
        """Counts one step."""
        with self.lock:
            self.done += 1
            self._show(100 * self.done // self.total)

    def _show(self, percent: int) -> None:
        """Draws again when there is something new to see."""
        if not self.tty:
            percent -= percent % 25
        if percent == self.shown:
            return
        self.shown = percent
        if not self.tty:
            print(f"{self.label}: {percent} %", file=sys.stderr, flush=True)
            return
        bar = "#" * (WIDTH * percent // 100)
        end = "\n" if self.done >= self.total else ""
        line = f"\r{self.label:<34} [{bar:<{WIDTH}}] {percent:3} % {self.done}/{self.total}{end}"
        print(line, end="", file=sys.stderr, flush=True)
