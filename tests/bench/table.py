"""One row of the benchmark table."""

from typing import NamedTuple


class BenchRow(NamedTuple):
    """One measured figure beside that of a named peer, measured in the same run.

    Attributes:
        name: what was measured.
        value: our figure.
        unit: its unit.
        peer: the peer's name and version; empty when there is none.
        peer_value: the peer's figure.
        ratio: our figure over the peer's.
        goal: the figure that we aim at, as text.
    """

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float = 0.0
    ratio: float = 0.0
    goal: str = ""
