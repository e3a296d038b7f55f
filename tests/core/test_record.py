"""Records against what they stand in for: a frozen dataclass of the same fields."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from fractions import Fraction

import pytest

from qexpr.core.query import Query
from qexpr.core.record import Record
from qexpr.errors import InvalidInput


class Point(Record):
    x: int
    y: int = 2
    name: str = ""

    def __post_init__(self) -> None:
        if self.x < 0:
            raise InvalidInput("x must not be negative")

    @property
    def total(self) -> int:
        return self.x + self.y


class Other(Record):
    x: int
    y: int = 2
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Model:
    x: int
    y: int = 2
    name: str = ""


CALLS = [((1,), {}), ((1, 5), {}), ((1,), {"name": "a"}), ((), {"y": 3, "x": 1}), ((1, 2, "b"), {})]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_records_are_made_and_shown_like_a_dataclass(values, named):
    made, model = Point(*values, **named), Model(*values, **named)
    assert (made.x, made.y, made.name) == dataclasses.astuple(model)
    assert repr(made) == repr(model).replace("Model", "Point")
    assert dataclasses.asdict(made) == dataclasses.asdict(model)
    assert [field.name for field in dataclasses.fields(Point)] == ["x", "y", "name"]
    assert made.total == model.x + model.y


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, "a", 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((), {"y": 1})],
)
def test_wrong_arguments_are_refused_like_a_dataclass_does(values, named):
    for kind in (Point, Model):
        with pytest.raises(TypeError):
            kind(*values, **named)


def test_fields_are_checked_where_the_class_says_so():
    with pytest.raises(InvalidInput, match="negative"):
        Point(-1)
    with pytest.raises(InvalidInput, match="negative"):
        Point(1).replace(x=-1)


def test_equality_and_hash_are_those_of_the_fields_of_one_class():
    assert Point(1) == Point(1, 2)
    assert Point(1) != Point(1, 3)
    assert Point(1) != Other(1)
    assert len({Point(1), Point(1, 2), Point(1, 3)}) == 2


def test_a_record_never_changes():
    point = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: setattr(point, "z", 2)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    assert point == Point(1)


def test_a_changed_copy():
    assert Point(1).replace(y=5) == dataclasses.replace(Point(1), y=5) == Point(1, 5)
    with pytest.raises(TypeError):
        Point(1).replace(z=1)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_copies_are_equal(again):
    query = Query(2, 3, 4, "1e-3")
    assert again(query) == query
    assert hash(again(query)) == hash(query)
    assert again(Point(1, name="a")) == Point(1, name="a")


def test_fields_can_be_matched_by_place():
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)


def test_queries_of_one_question_hash_alike():
    assert hash(Query(1, 2, 4, "1e-3")) == hash(Query(1, 2, eps=Fraction(1, 1000), lam="4"))
