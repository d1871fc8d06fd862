"""Anomaly detectors that score audit-log events."""
