"""Files that bring the book: contracts, inventory, receipts, positions, prices, limits."""

from integrations.files.closing import STATEMENTS, Closed, Full
from integrations.files.entry import Entry
from integrations.files.kinds import COLUMNS, Column, Form, Kind, header
from integrations.files.mapping import ColumnMapping, load_mapping
from integrations.files.quarantine import Quarantined, dismiss, quarantined, replay
from integrations.files.reading import BadRow, Batch, read_batch
from integrations.files.template import csv_template, xlsx_template
from integrations.files.terms import Terms
from integrations.files.writing import ImportResult, preview, take_in

__all__ = [
    "COLUMNS",
    "STATEMENTS",
    "BadRow",
    "Batch",
    "Closed",
    "Column",
    "ColumnMapping",
    "Entry",
    "Form",
    "Full",
    "ImportResult",
    "Kind",
    "Quarantined",
    "Terms",
    "csv_template",
    "dismiss",
    "header",
    "load_mapping",
    "preview",
    "quarantined",
    "read_batch",
    "replay",
    "take_in",
    "xlsx_template",
]
