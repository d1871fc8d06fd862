"""Alerts and work orders: states, noise control, routing, escalation, the channel port."""
