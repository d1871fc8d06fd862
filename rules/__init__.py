"""The rule language: parse, check, evaluate, correlate, publish."""

from rules.loader import load_rulebook, read_rule
from rules.model import CorrelationRule, Rule, Verdict
from rules.rulebook import Assessment, Rulebook
from rules.schema import Schema, load_schema
from rules.testing import TestReport, run_tests

__all__ = [
    "Assessment",
    "CorrelationRule",
    "Rule",
    "Rulebook",
    "Schema",
    "TestReport",
    "Verdict",
    "load_rulebook",
    "load_schema",
    "read_rule",
    "run_tests",
]
