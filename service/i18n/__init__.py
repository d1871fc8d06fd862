"""Words and figures in a person's language: catalogues, formats, choice of language."""

from service.i18n.catalogue import Words, load_words, problem_text
from service.i18n.choice import choose_language
from service.i18n.formats import Format

__all__ = ["Format", "Words", "choose_language", "load_words", "problem_text"]
