"""Wrong calls into the book. Faults in somebody's data are `store.problems.Problem` values."""


class BookError(Exception):
    """A wrong call; `code` is its catalogue key."""

    code = "BOOK_ERROR"


class UnknownSpecError(BookError):
    """No contract specification is known for the product on that day."""

    code = "SPEC_UNKNOWN"


class UnknownConversionError(BookError):
    """No dated conversion leads from the one unit to the other."""

    code = "CONVERSION_UNKNOWN"


class CurrencyMixError(BookError):
    """Two currencies were to be added."""

    code = "CURRENCY_MIX"


class ProductMixError(BookError):
    """Quantities of two products were to be added."""

    code = "PRODUCT_MIX"


class ScaleOverflowError(BookError):
    """A quantity does not fit into scaled 64-bit integers."""

    code = "SCALE_OVERFLOW"


class QuantityRangeError(BookError):
    """A decimal to be stored is not finite, or 10^15 or more; or lots are 10^9 or more."""

    code = "QUANTITY_RANGE"


class NegativeQuantityError(BookError):
    """A quantity or a limit to be stored is negative; a side or status tells the direction."""

    code = "IMPORT_NEGATIVE"


class TimelessError(BookError):
    """A fact to be stored carries no time, or a time without an offset."""

    code = "TIME_MISSING"
