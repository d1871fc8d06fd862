"""What a rule file may say at a place, where that is told in words and not by example.

Every phrase stands in the catalogues as ``allowed.<code>``; the words here are its English, for
JSON and for whoever reads a `Problem` without a catalogue.
"""

from typing import Final

from store.phrases import Phrase

ENGLISH: Final = {
    "CONDITION": "a condition that is true or false",
    "CONSTANT": "a constant",
    "DIVISOR": "a divisor in {type}",
    "DIGITS": "{most} digits behind the point",
    "DIGITS_TOGETHER": "{most} digits together",
    "DURATION": "a duration (60s)",
    "FIELD": "a field",
    "FINITE": "a finite decimal",
    "LIST": "list of {item}",
    "MONEY": "money (5 CNY)",
    "NO_QUOTES": "no quotes around a number",
    "NUMBER": "a number",
    "OWN_UNIT": "a quantity in the product's own unit",
    "QUANTITY": "a quantity (5 t)",
    "SCALE": "scale {scale}",
    "SIXTY_FOUR_BITS": "64 bits",
    "TEXT": "a text",
    "TIMES_NUMBER": "{type} * number",
    "TIMES_WHOLE": "duration * whole number",
    "TIME_SUM": "timestamp - timestamp, timestamp + duration",
    "TYPE_boolean": "boolean",
    "TYPE_decimal": "decimal",
    "TYPE_duration": "duration",
    "TYPE_enum": "enum",
    "TYPE_integer": "integer",
    "TYPE_list": "list",
    "TYPE_money": "money",
    "TYPE_quantity": "quantity",
    "TYPE_string": "string",
    "TYPE_timestamp": "timestamp",
    "TYPE_IN": "{type} in {unit}",
    "WITH": "{type} with {other}",
    "WITH_UNIT": "{type} with its unit, such as 5 {unit}",
}


def allowance(code: str, **values: str) -> Phrase:
    """The phrase `code`, with what it names."""
    return Phrase.of(code, ENGLISH[code], **values)
