"""The exceptions of qexpr, each a message to a person.

A message says what was given, what is allowed and, where it helps, what to do. The command line
turns every `QexprError` into one line and exit code 2.
"""

__all__ = [
    "CertificateError",
    "InvalidInput",
    "OutOfRegime",
    "QexprError",
    "Unsupported",
    "shorten",
]


class QexprError(Exception):
    """Base class of every error that qexpr raises on purpose."""


class InvalidInput(QexprError, ValueError):
    """The input is malformed or outside the allowed set."""


class OutOfRegime(QexprError, ValueError):
    """The input is well formed, but the statement asked for says nothing about it."""


class Unsupported(QexprError, NotImplementedError):
    """The request makes sense, but this object has no answer of that form."""


class CertificateError(QexprError):
    """A certificate does not establish what it states."""


def shorten(value: object, limit: int = 60) -> str:
    """Quote a value for an error message, in at most about `limit` characters."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        # Printing a huge integer in decimal is quadratic and may be refused by the interpreter.
        return f"an integer of {value.bit_length()} bits"
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:  # an integer inside it is too long to print
        return f"a {type(value).__name__} too long to print"
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]}...{text[-half:]} ({len(text)} characters)"
