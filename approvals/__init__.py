"""Approval chains: plans, the one transition function, approval events."""
