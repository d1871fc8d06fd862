"""The rule language: parse, check, evaluate, correlate, publish."""
