"""Audit-log events, the log port and its adapters, search and timeline."""
