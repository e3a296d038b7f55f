"""Membership: accepted with a norm that is right, refused with the multi-index and the place."""

import json
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import expressions

from qexpr.core.function import Function
from qexpr.errors import InvalidInput
from qexpr.targets import Target, Telegraph
from qexpr.targets.membership import LIMIT, multi_indices

ACCEPTED = [  # expression, n, norm (a closed form)
    ("sin(x0)", 6, 1.0),
    ("cos(x0+x1)", 4, 1.0),
    ("sin(3*x0)*cos(2*x1)/27", 3, 1.0),
    ("4*x*(1-x)/8", 2, 1.0),
    ("x0*(1-x0)*4/4", 1, 1.0),
    ("exp(x0)/3", 7, np.e / 3),
    ("x0^4/24", 4, 1.0),
    ("1/(1+x0)", 1, 1.0),
    ("sqrt(x0+1)/2", 3, 2**0.5 / 2),
    ("abs(x0-1/2)", 1, 1.0),
    ("relu(x0-1/2)", 1, 1.0),
    ("relu(x0-1/2)^2/2", 2, 1.0),
    ("relu(x0-1/2)^3/6", 3, 1.0),
    ("(x0-1/2)*abs(x0-1/2)/2", 2, 1.0),
    ("abs(x0-1/2)^2", 1, 1.0),
    ("abs(x0-1/3)^3/6", 3, 1.0),
    ("max(x0,1/2)", 1, 1.0),
    ("min(x0,x1,1/2)", 1, 1.0),
    ("max(x0-x1,0)^2/4", 2, 0.5),
    ("x0*abs(x0+1)/6", 2, 0.5),  # the kink lies outside the cube
    ("sin(pi*x0)/pi^2", 2, 1.0),
    ("x0*relu(x1-1/2)", 1, 1.0),
]


@pytest.mark.parametrize(("text", "n", "norm"), ACCEPTED)
def test_members_are_accepted_with_their_norm(text, n, norm):
    proof = Target(text).prove_membership(n)
    assert norm * (1 - 1e-12) <= proof.norm <= max(norm * 1.01, min(norm * 1.0000001, 1.0000001))
    if norm == 1:
        assert proof.norm <= 1 + Fraction(1, 2**23)
    assert [bound.index for bound in proof.bounds] == list(multi_indices(proof.d, n))
    assert proof.norm == max(bound.upper for bound in proof.bounds)


@pytest.mark.parametrize("text", ["sin(x0)", "sin(3*x0)*cos(2*x1)/27", "abs(x0-1/2)", "x0"])
def test_clamped_ends_give_a_norm_of_exactly_one(text):
    assert Target(text).norm(1 if "abs" in text else 3) == 1


REFUTED = [  # expression, n, the derivative that is too large, part of the place
    ("2*x0", 1, "f", "at"),
    ("sin(2*x0)", 2, "D^(1) f", ">= 2 at (0)"),
    ("sin(2*x0)/2", 2, "D^(2) f", "at"),
    ("relu(x0-1/2)^2", 2, "D^(2) f", "at"),
    ("exp(x0+x1)/3", 1, "f", "at (1, 1)"),
    ("x0*x1*1.00001", 1, "f", "at (1, 1)"),
    ("sqrt(x0)", 1, "D^(1) f", "at"),
    ("cos(x0)*(1+1/500000)", 1, "f", "at (0)"),
]


@pytest.mark.parametrize(("text", "n", "which", "place"), REFUTED)
def test_non_members_are_refuted_at_a_point(text, n, which, place):
    with pytest.raises(InvalidInput) as caught:
        Target(text).prove_membership(n)
    assert f"|{which}| >=" in str(caught.value)
    assert place in str(caught.value)


def test_a_norm_a_little_above_one_is_carried():
    inside = Target("sin(x0)*(1+1/2097152)").norm(1)  # 1 + 2^-21, attained by the derivative
    assert 1 + Fraction(1, 2**21) <= inside <= LIMIT
    with pytest.raises(InvalidInput, match=r"\|D\^\(1\) f\| >= 1"):
        Target("sin(x0)*(1+1/524288)").norm(1)  # 1 + 2^-19


KINKED = [  # expression, n, the derivative that jumps, the largest n
    ("abs(x0-1/2)", 2, "D^(1) f", 1),
    ("relu(x0-1/3)/2", 2, "D^(1) f", 1),
    ("relu(x0-1/3)^2/20", 3, "D^(2) f", 2),
    ("max(x0,1-x0)^3/60", 2, "D^(1) f", 1),
    ("max(x0^2,x1)^2/80", 2, "D^(1,0) f", 1),
    ("x0*relu(x1-1/2)/8", 2, "D^(0,1) f", 1),
    ("abs(x0-1/2)-abs(1/2-x0)+abs(x0-1/4)", 2, "D^(1) f", 1),
    ("abs(sin(4*x0))/16", 2, "D^(1) f", 1),
]


@pytest.mark.parametrize(("text", "n", "which", "largest"), KINKED)
def test_a_jump_below_order_n_is_refused(text, n, which, largest):
    target = Target(text)
    with pytest.raises(InvalidInput) as caught:
        target.prove_membership(n)
    assert f"{which} jumps at the kink near" in str(caught.value)
    assert f"use n <= {largest}" in str(caught.value)
    target.prove_membership(largest)


def test_kinks_that_cancel_are_smooth():
    proof = Target("(max(x0,1/2)+min(x0,1/2))^2/8+abs(x0-1/2)-abs(1/2-x0)").prove_membership(2)
    assert proof.norm <= 1


def test_two_kinks_at_one_place_are_seen_together():
    # relu(u) - relu(-u) = u, and relu(u) relu(-u) = 0: smooth although every part has a kink
    smooth = Target("(relu(x0-1/2)-relu(1/2-x0))^2/4")
    assert smooth.norm(1) <= Fraction(51, 100)
    with pytest.raises(InvalidInput, match="jumps"):
        Target("relu(2*x0-1)/4+relu(x0-1/2)/4").prove_membership(2)


def test_what_cannot_be_proven_is_refused_as_such():
    with pytest.raises(InvalidInput, match=r"could not be proven .* \|D\^\(1\) f\| <= inf"):
        Target("sqrt(x0^2)").prove_membership(1)


@given(text=expressions(2, kinks=True), n=st.sampled_from([1, 2]), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_no_sample_exceeds_a_proven_bound(text, n, seed):
    try:
        target = Target(f"({text})/50", d=2)
        proof = target.prove_membership(n)
    except InvalidInput:
        return
    points = np.random.default_rng(seed).integers(0, 2**20, (50, 2))
    for bound in proof.bounds:
        lower, upper = target.enclose(bound.index, points, 2**20, 30)
        for low, high in zip(lower, upper, strict=True):
            if high - low <= 4:
                assert -bound.upper * 2**32 <= high
                assert low <= bound.upper * 2**32


@pytest.mark.parametrize(
    ("text", "n"),
    [("exp(2*x0)", 3), ("sin(5*x0)*x1", 2), ("x0^3-x1", 2), ("abs(x0-1/3)*7", 1), ("3", 2)],
)
def test_normalise_brings_into_the_class_and_keeps_the_units(text, n):
    target = Target(text)
    scaled = target.normalise(n)
    assert Fraction(99, 100) < scaled.norm(n) <= LIMIT
    point = [Fraction(1, 3)] * target.d
    low, high = target.value(point)
    small = scaled.value(point)
    assert low <= small[1] * scaled.units.norm
    assert small[0] * scaled.units.norm <= high
    assert scaled.units.error_to_user(Fraction(1, 1000)) == scaled.units.norm / 1000


@pytest.mark.parametrize(("text", "n", "why"), [("0*x0", 1, "is 0"), ("sqrt(x0)", 1, "bounded")])
def test_normalise_refuses(text, n, why):
    with pytest.raises(InvalidInput, match=why):
        Target(text).normalise(n)


@pytest.mark.parametrize("n", [0, -1, "a", 33, None])
def test_bad_order(n):
    with pytest.raises(InvalidInput):
        Target("x0").prove_membership(n)


def test_certificate_is_plain_json_and_repeatable():
    proof = Target("sin(3*x0)*cos(2*x1)/27").prove_membership(3)
    document = json.loads(json.dumps(proof.to_dict()))
    assert document == Target("sin(3*x0)*cos(2*x1)/27").prove_membership(3).to_dict()
    assert document["norm"] == "1"
    assert len(document["bounds"]) == comb(5, 2)
    assert "F(2,3)" in str(proof)


def test_targets_are_functions_of_the_core():
    assert isinstance(Target("x0"), Function)
    assert isinstance(Telegraph([1, -1]), Function)


@pytest.mark.parametrize(
    "text", ["sin(20*x0^2)/1700", "sin(3*x0)*cos(2*x0)*x0/40", "x0*(1-x0)*exp(x0)/12"]
)
def test_bounds_are_close_to_the_largest_sample(text):
    target = Target(text)
    points = [(k,) for k in range(2049)]
    for bound in target.prove_membership(2).bounds:
        lower, upper = target.enclose(bound.index, points, 2048, 30)
        largest = max(map(abs, [*lower, *upper])) / 2**32
        assert largest * (1 - 1e-6) <= bound.upper <= largest * 1.02
