"""The database: engine, unit of work, outbox, inbox, timers, leases, migrations."""
