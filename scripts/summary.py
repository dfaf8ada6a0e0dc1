#!/usr/bin/env python3
"""Says in one line how many tests passed, from the reports of scripts/test.

Reads ctest's JUnit files (and in them doctest's own count) and newman's JSON
report. It only counts: whether a run failed is the runner's exit status.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

CASES = re.compile(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed")
# What tests/main.cpp says of cases that lacked what they need, and returned.
SKIPPED = re.compile(r"^cases skipped at run time: (\d+)$", re.MULTILINE)


def ctest_counts(report: pathlib.Path) -> tuple[int, ...]:
    """Returns a JUnit file's suites passed, skipped, all; cases passed, skipped, all."""
    suites = xml.parse(report).getroot().findall("testcase")
    passed = sum(suite.get("status") == "run" for suite in suites)
    skipped = sum(suite.find("skipped") is not None for suite in suites)
    said = [suite.findtext("system-out") or "" for suite in suites]
    cases = [(int(good), int(every)) for text in said for every, good in CASES.findall(text)[-1:]]
    lacking = sum(int(count) for text in said for count in SKIPPED.findall(text)[-1:])
    good = sum(c[0] for c in cases) - lacking
    return passed, skipped, len(suites), good, lacking, sum(c[1] for c in cases)


def newman_counts(report: pathlib.Path) -> tuple[int, int]:
    """Returns (passed, all) of newman's assertions."""
    counted = json.loads(report.read_text())["run"]["stats"]["assertions"]
    return counted["total"] - counted["failed"], counted["total"]


def main() -> int:
    """Prints the line for the folder of reports that argv names."""
    folder = pathlib.Path(sys.argv[1])
    parts = []
    counts = [ctest_counts(report) for report in sorted(folder.glob("*.xml"))]
    if counts:
        suites, skipped, all_suites, cases, lacking, all_cases = (
            sum(column) for column in zip(*counts)
        )
        parts.append(f"{suites} of {all_suites} suites ({cases} of {all_cases} cases)")
        if skipped or lacking:
            parts.append(f"skipped: {skipped} suites, {lacking} cases")
    for report in folder.glob("postman.json"):
        passed, every = newman_counts(report)
        parts.append(f"{passed} of {every} API assertions")
    print("passed: " + ", ".join(parts or ["nothing ran"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
