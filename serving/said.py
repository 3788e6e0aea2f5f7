"""A message that can be said in another language: an English text that still knows what it was filled in from.

What cannot be done is told where it is found out, far from the page that knows its reader's language. To everybody
else such a message is a plain string.
"""


class Said(str):
    """An English message; `text` is what it was made from, with places like `%(name)s` for the `values`."""

    text: str
    values: dict[str, object]


def said(text: str, /, **values: object) -> Said:
    """A message filled in; a tuple of messages among the values is listed with commas.

    >>> told = said("There is no list %(name)s.", name="autumn")
    >>> print(told, told.values)
    There is no list autumn. {'name': 'autumn'}
    """
    told = Said(text % {name: ", ".join(one) if isinstance(one, tuple) else one for name, one in values.items()})
    told.text, told.values = text, values
    return told
