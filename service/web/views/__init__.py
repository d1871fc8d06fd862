"""View models: what each page shows, as plain values. Routes fill them, templates show them.

A `str` that is not said to be a code is shown as it is: a name, an id, or a sentence that the route
made with `Words.text`. Figures are `Decimal`, times aware UTC; the template formats them.
"""
