"""The ISO tables of Debian's iso-codes package as records for a cache."""

from __future__ import annotations

import json
import pathlib
from typing import Any

FOLDER = pathlib.Path("/usr/share/iso-codes/json")

# Table: the field whose value names a record in it.
TABLES = {
    "639-3": "alpha_3",  # languages
    "3166-1": "alpha_3",  # countries
    "3166-2": "code",  # their subdivisions
    "3166-3": "alpha_4",  # countries that were
    "4217": "alpha_3",  # currencies
    "15924": "alpha_4",  # scripts
}

Records = dict[str, Any]


def load() -> Records:
    """Returns every record of the tables, by a key such as `iso/639-3/eus`."""
    records: Records = {}
    for table, name in TABLES.items():
        text = (FOLDER / f"iso_{table}.json").read_text(encoding="utf-8")
        for record in json.loads(text)[table]:
            records[f"iso/{table}/{record[name]}"] = record
    return records
