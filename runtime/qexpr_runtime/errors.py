"""The exceptions of the runtime; all of them are ValueErrors with one clear sentence."""

__all__ = ["FormatError", "KernelError"]

_REASONS = {
    1: "the sizes of the arrays do not fit together",
    2: "the sums may leave the 32-bit range: fewer columns or smaller codes are needed",
    3: "there is not enough memory for the scratch of this product",
    4: "a NaN stands where a code is expected",
    5: "a code lies outside its alphabet",
}


class FormatError(ValueError):
    """A packed file is malformed, truncated or of another version."""


class KernelError(ValueError):
    """A kernel refused its input."""

    def __init__(self, reason: int | str) -> None:
        super().__init__(_REASONS.get(reason, str(reason)) if isinstance(reason, int) else reason)
