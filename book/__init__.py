"""The hedge book: products, positions, prices, exposure, basis, limits, snapshots."""

from book.read import latest_snapshot, read_state, snapshots
from book.state import BookState

__all__ = ["BookState", "latest_snapshot", "read_state", "snapshots"]
