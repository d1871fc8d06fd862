"""Organisations, people, roles, grants, rosters, trading calendars."""
