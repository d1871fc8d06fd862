"""A failpoint that breaks a unit of work before a chosen statement."""


class Broken(Exception):  # noqa: N818 - what it is
    """What the failpoint raises."""


class Breaking:
    """Raises before the statement number `at`, counted since `count` was 0; 0 never does."""

    def __init__(self) -> None:
        self.at = self.count = 0

    def __call__(self, place: str) -> None:
        if place == "committed":
            return
        self.count += 1
        if self.count == self.at:
            raise Broken(place)
