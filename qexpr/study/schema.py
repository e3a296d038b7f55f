"""The shape of a specification, as pydantic models: which keys there are, and their types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten
from qexpr.study.lines import Place

__all__ = ["shape_mistakes"]

_SAID = {
    "missing": "{key} is missing",
    "string_type": "{key} must be a text, got {given}",
    "int_type": "{key} must be an integer, got {given}",
    "list_type": "{key} must be a list, got {given}",
    "dict_type": "{key} must be a table, got {given}",
    "model_type": "{key} must be a table, got {given}",
}


def shape_mistakes(document: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """Everything whose place or type is wrong, whatever the kind of the cells.

    Raises
    ------
    InvalidInput
        Where pydantic is not installed.
    """
    try:
        import pydantic
    except ModuleNotFoundError:
        raise InvalidInput("studies need pydantic: pip install 'qexpr[study]'") from None
    model = _models(pydantic)
    try:
        model.model_validate(document, strict=True)
    except pydantic.ValidationError as error:
        for mistake in error.errors(include_url=False):
            place: Place = tuple(mistake["loc"])
            yield place, _say(mistake, place, model)


def _models(pydantic: Any) -> Any:
    closed = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    class Exclude(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        model_config = closed
        where: dict[str, Any]
        reason: str

    class Specification(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        model_config = closed
        kind: str
        title: str = pydantic.Field(min_length=1, max_length=200)
        question: str = pydantic.Field(min_length=1)
        method: str = ""
        seeds: list[int] | None = None
        block: list[dict[str, Any]] = pydantic.Field(min_length=1)
        exclude: list[Exclude] = pydantic.Field(default_factory=list)
        budget: dict[str, Any] = pydantic.Field(default_factory=dict)

    return Specification


def _say(mistake: Any, place: Place, model: Any) -> str:
    key = str(place[-1] if isinstance(place[-1], str) else place[-2])
    if mistake["type"] == "extra_forbidden":
        top = len(place) == 1
        known = list(model.model_fields) if top else ["where", "reason"]
        return (
            f"there is no key {shorten(key)}{suggest(key, known)}; the keys are {', '.join(known)}"
        )
    if mistake["type"] == "missing" and key == "block":
        return "block is missing: a study has at least one [[block]]"
    said = _SAID.get(mistake["type"])
    if said is None:
        return f"{key}: {mistake['msg']}"
    return said.format(key=key, given=shorten(mistake["input"]))
