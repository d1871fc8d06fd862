"""Composition, and the command `hedgewarden`."""


def run() -> None:
    """The console script's entry."""
    print("hedgewarden")


if __name__ == "__main__":
    run()
