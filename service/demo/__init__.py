"""The demo: a trading group, five incidents, a simulated clock."""
