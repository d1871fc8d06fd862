"""Wrong calls of the words room."""

# ruff: noqa: N818 - each name is the condition itself; they share the base CatalogueError


class CatalogueError(Exception):
    """Something is wrong with a catalogue or with the way it is asked."""


class MissingWords(CatalogueError):
    """No catalogue of the language knows the key."""


class DoubleKey(CatalogueError):
    """Two domains define the same key with different words."""


class BrokenCatalogue(CatalogueError):
    """A catalogue cannot be parsed."""
