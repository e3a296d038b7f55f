"""Immutable records: frozen dataclasses in all but how their methods come about.

``dataclasses`` writes and compiles the methods of every class when its module is imported, half a
millisecond each; a cold ``qexpr bound`` waits for a dozen of them. These share one set of methods.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

__all__ = ["Record"]


class _Fields:
    """What `dataclasses.fields`, `replace` and `asdict` ask for, made when it is asked for."""

    def __get__(self, instance: object, owner: type[Record]) -> dict[str, Any]:
        from dataclasses import make_dataclass

        fields: dict[str, Any] = make_dataclass(owner.__name__, owner.__match_args__).__dict__[
            "__dataclass_fields__"
        ]
        return fields


@dataclass_transform(frozen_default=True)
class Record:
    """A base class: a subclass's annotated names are its fields, their values the defaults.

    Fields are given by place or by name, and never change; records of one class are equal where
    their fields are. ``__post_init__`` may check them. Defaults are shared, so they have to be
    immutable themselves.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ()
    __dataclass_fields__ = _Fields()
    _defaults: ClassVar[dict[str, Any]]
    _state: ClassVar[Any]  # the fields of a record, in their order

    def __init_subclass__(cls) -> None:
        fields = tuple(cls.__annotations__)
        cls.__match_args__ = fields  # type: ignore[misc]
        cls._defaults = {name: cls.__dict__[name] for name in fields if name in cls.__dict__}
        cls._state = attrgetter(*fields)

    def __init__(self, *values: Any, **named: Any) -> None:
        fields, held = self.__match_args__, self.__dict__
        held.update(self._defaults)
        held.update(zip(fields, values, strict=False))
        held.update(named)
        # more than there are, one that is not there or given twice, one that is missing
        if len(values) > len(fields) or not named.keys() <= {*fields[len(values) :]}:
            raise TypeError(self._takes())
        if len(held) < len(fields):
            raise TypeError(self._takes())
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the fields; for subclasses."""

    def replace(self, **changes: Any) -> Self:
        """The same record but for some fields."""
        return type(self)(**{name: getattr(self, name) for name in self.__match_args__} | changes)

    @classmethod
    def _takes(cls) -> str:
        words = (f"{name}=.." if name in cls._defaults else name for name in cls.__match_args__)
        return f"{cls.__name__} takes ({', '.join(words)}), each of them once"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        self._refuse_change("assign to", name)

    def __delattr__(self, name: str) -> NoReturn:
        self._refuse_change("delete", name)

    def _refuse_change(self, verb: str, name: str) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot {verb} field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._state(self) == self._state(other))

    def __hash__(self) -> int:
        return hash(self._state(self))

    def __repr__(self) -> str:
        shown = (f"{name}={self.__dict__[name]!r}" for name in self.__match_args__)
        return f"{type(self).__qualname__}({', '.join(shown)})"
