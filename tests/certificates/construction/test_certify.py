"""Built circuits are certified by their construction, at their guarantee, without the builder."""

import json
import subprocess
import sys
from fractions import Fraction

import circuit_mutations as mutations
import numpy as np
import pytest

from qexpr import certificates, circuits, targets
from qexpr.certificates import construction, templates
from qexpr.certificates.document import subject
from qexpr.certificates.error_bounds import error_at
from qexpr.certificates.plans import read_plan
from qexpr.circuits import Circuit, registry
from qexpr.core.query import Query
from qexpr.errors import CertificateError
from qexpr.targets import Target, Telegraph

WAVES = "sin(3*x0)*cos(2*x1)/27"
CASES = [
    ("cones", "sin(x0)", 1, "1e-2", {"lam": 2}),
    ("cones", "sin(x0)", 2, "1e-4", {"lam": 16}),
    ("cones", "ripple", 2, "1e-4", {"alphabet": "linear:3"}),
    ("cones", WAVES, 2, "1e-3", {"lam": 2}),
    ("cones", WAVES, 2, "2e-3", {"lam": 5, "graph": "any"}),
    ("cones", WAVES, 1, "1e-1", {"alphabet": "linear:8"}),
    ("cones", "pyramid", 1, "2e-1", {"alphabet": "linear:1"}),
    ("cones", "anisotropic3", 2, "1e-1", {"lam": 2}),
    ("cones", "distance", 1, "6e-1", {"alphabet": "linear:3"}),
    ("cones", "wave4", 2, "4e-1", {"lam": 3, "graph": "any"}),
    ("bubbles", "sin(x0)", 3, "1e-5", {"lam": 2}),
    ("bubbles", "ripple", 3, "1e-3", {"alphabet": "linear:3"}),
    ("bubbles", WAVES, 3, "1e-3", {"lam": 2}),
    ("bubbles", "ridge", 3, "1e-2", {"alphabet": "linear:8"}),
    ("sigma_delta", "folds", 1, "1e-3", {"lam": 2}),
    ("sigma_delta", "zigzag", 1, "1e-2", {"lam": 7}),
    ("sigma_delta", "sin(x0)", 1, "1/64", {"alphabet": "linear:4"}),
    ("shared_bitplane", "sin(x0)", 1, "2e-2", {"lam": 2}),
    ("shared_bitplane", "sin(x0)", 5, "1e-4", {"lam": 2}),
    ("shared_bitplane", "x0*(1-x0)/2", 2, "1e-3", {"alphabet": "linear:3"}),
    ("shared_bitplane", WAVES, 3, "1e-3", {"lam": 2}),
    ("shared_bitplane", WAVES, 2, "1e-2", {"alphabet": "linear:2"}),
    ("shared_bitplane", "sin(2*x0)*cos(2*x1)/64", 4, "1e-3", {"lam": 4}),
    ("shared_bitplane", "cos(x0+x1+x2)", 3, "1e-1", {"lam": 2}),
    ("shared_bitplane", "wave4", 2, "6e-1", {"lam": 2}),
    ("ding2018", "sin(x0)", 1, "3e-1", {"lam": 2}),
    ("ding2018", "sin(x0)", 3, "1e-2", {"lam": 5}),
    ("ding2018", "ripple", 2, "1e-1", {"alphabet": "linear:3"}),
    ("ding2018", WAVES, 2, "9e-1", {"lam": 2}),
    ("yarotsky2017", "sin(x0)", 1, "2e-1", {"lam": 2}),
    ("yarotsky2017", "sin(x0)", 4, "1e-3", {"lam": 2}),
    ("yarotsky2017", WAVES, 3, "9e-1", {"lam": 2}),
]


@pytest.mark.parametrize(("name", "target", "n", "eps", "options"), CASES)
def test_certified_by_the_construction(name, target, n, eps, options):
    f = targets.find(target)
    w = getattr(circuits, name)(f, n=n, eps=eps, **options)
    found = certificates.certify(w, f, eps)
    assert (found.method, found.verdict) == ("construction", "certified")
    assert 0 < found.lower <= found.upper <= Fraction(w.plan["error"]) <= Fraction(eps)
    terms = found.evidence["terms"]
    assert sum(map(Fraction, terms.values())) == found.upper
    # a file's round trip on both sides
    value = json.loads(json.dumps(found.to_dict()))
    again = Circuit.from_dict(json.loads(json.dumps(w.to_dict())))
    assert certificates.check(value, again) == found
    rng = np.random.default_rng(0)
    for _ in range(20):
        point = [Fraction(int(k), 97) for k in rng.integers(0, 98, w.d)]
        assert error_at(w, f, point)[1] <= found.upper


def test_the_document_is_linear_in_the_runs_not_in_the_edges():
    f = Target(WAVES)
    sizes = {}
    for eps in ("1e-2", "1e-4"):
        w = circuits.cones(f, n=2, eps=eps, lam=2)
        sizes[w.weights] = len(json.dumps(certificates.certify(w, f, eps).to_dict()))
    (few, small), (many, large) = sorted(sizes.items())
    assert many > 50 * few
    assert large < 1.5 * small


@pytest.mark.parametrize("shift", [0, Fraction(1, 2), Fraction(1, 3)])
@pytest.mark.parametrize(("name", "n", "reach"), [("cones", 2, 0.6), ("sigma_delta", 1, 0.99)])
def test_telegraphs_come_up_to_the_guarantee_and_never_exceed_it(name, n, reach, shift):
    """Zigzags of the mesh's own cells, aligned and shifted: the worst of the class."""
    eps = Fraction(1, 100)
    made = circuits.plan(name, 1, n, eps, lam=2, norm=Fraction(1))
    N = made.parameters["N"]
    breaks = sorted({Fraction(0), Fraction(1), *((k + shift) / N for k in range(1, N))})
    breaks = [b for b in breaks if b <= 1]
    signs = [(-1) ** k for k in range(len(breaks) - 1)]
    f = Telegraph(signs, n, 1, breaks=breaks)
    w = getattr(circuits, name)(f, n=n, eps=eps, lam=2)
    found = certificates.certify(w, f, eps)
    assert (found.method, found.verdict) == ("construction", "certified")
    exact = certificates.enclose(w, f, "1e-2")
    assert reach * found.upper <= exact.upper
    assert exact.lower <= found.upper


def test_a_norm_a_little_above_one_is_carried():
    f = Target("sin(x0)", norm="2097151/2097152")
    w = circuits.cones(f, n=2, eps="1e-3", lam=2)
    found = certificates.certify(w, f, "1e-3")
    assert found.method == "construction"
    norm = Fraction(found.evidence["membership"]["norm"])
    assert 1 < norm <= 1 + Fraction(1, 2**20)
    kappa, N = Fraction(1, 8), w.plan["N"]
    assert Fraction(found.evidence["terms"]["interpolation"]) == norm * kappa / N**2
    certificates.check(found, w)


def test_a_small_norm_gives_a_smaller_error():
    f = Target("x0*(1-x0)/64")
    w = circuits.cones(f, n=2, eps="1e-3", lam=2)
    found = certificates.certify(w, f, "1e-3")
    norm = Fraction(found.evidence["membership"]["norm"])
    assert norm <= Fraction(1, 32) + Fraction(1, 2**40)
    assert found.upper < Fraction(w.plan["error"])


def test_another_target_gets_the_general_methods():
    """The plan proves nothing for f + 1/8, and the verdict says which method spoke."""
    w = circuits.cones(Target("x0*(1-x0)/2"), n=2, eps="1e-2", lam=2)
    f = Target("x0*(1-x0)/2+1/8")
    with pytest.raises(CertificateError, match="away from f"):
        construction.certify(w, f, Fraction(1, 100))
    found = certificates.certify(w, f, "1e-2")
    assert (found.method, found.verdict) == ("piecewise", "refuted")
    certificates.check(found, w)


def test_a_target_outside_the_class_is_named():
    w = circuits.cones(Target("x0*(1-x0)/2"), n=2, eps="1e-2", lam=2)
    with pytest.raises(CertificateError, match="not in F"):
        construction.certify(w, Target("x0^3"), Fraction(1, 100))


def test_a_smaller_eps_is_left_to_the_general_methods():
    f = Target("x0*(1-x0)/2")
    w = circuits.cones(f, n=2, eps="1e-2", lam=2)
    found = certificates.certify(w, f, "1e-4")
    assert found.verdict == "refuted"
    assert found.lower > Fraction(1, 10**4)


class _Always(Fraction):
    """A number that every bound is content with."""

    def __ge__(self, other):
        return True


def test_a_sum_that_relu_would_cut_off_is_refused(monkeypatch):
    """Built with an offset of 1/4, the sum of all terms is clipped where f < -1/4."""
    from qexpr.circuits.constructions import shared_bitplane

    f = Target("x0*(1-x0)-1/2")
    good = circuits.shared_bitplane(f, n=1, eps="1e-1", lam=2)
    assert construction.certify(good, f, Fraction(1, 10)).verdict == "certified"
    monkeypatch.setattr(shared_bitplane, "_OFFSETS", (_Always(1, 4),))
    w = circuits.shared_bitplane(f, n=1, eps="1e-1", lam=2)
    assert error_at(w, f, [Fraction(0)])[0] > Fraction(1, 5)
    with pytest.raises(CertificateError, match="lifted enough"):
        construction.certify(w, f, Fraction(1, 10))


def test_a_circuit_of_the_class_has_no_error():
    w = circuits.cones(None, d=1, n=2, eps="1e-2", lam=2)
    with pytest.raises(CertificateError, match="no target"):
        construction.certify(w, Target("x0/2"), Fraction(1, 100))


def test_a_construction_without_templates_is_said_so():
    f = Target("x0*(1-x0)/2")
    w = circuits.cones(f, n=2, eps="1e-2", lam=2)
    w = mutations.rebuilt(w, plan={**w.plan, "construction": "mine"})
    with pytest.raises(CertificateError, match=r"templates exist for .*names 'mine'"):
        construction.certify(w, f, Fraction(1, 100))
    found = certificates.certify(w, f, "1e-2")
    assert (found.method, found.verdict) == ("piecewise", "certified")


@pytest.mark.parametrize("name", templates.CONSTRUCTIONS)
def test_plans_are_read_whole(name):
    """The keys of a construction's plan are those that its template reads."""
    made = [registry.plans(Query(1, n, 2, "9e-1"), Fraction(1))[name] for n in (1, 3)]
    plan = next(p for p in made if isinstance(p, registry.Plan)).to_dict()
    read = read_plan(plan)
    assert set(read) == set(plan)
    assert read["error"] == Fraction(plan["error"])


def test_the_certificate_names_what_it_is_about():
    f = Target("x0*(1-x0)/2")
    w = circuits.cones(f, n=2, eps="1e-2", lam=2)
    found = certificates.certify(w, f, "1e-2")
    assert found.subject == subject(w)
    assert found.evidence["plan"] == dict(w.plan)
    free = found.evidence["free"]
    listed = [i for a, k in zip(free[::2], free[1::2], strict=True) for i in range(a, a + k)]
    assert listed == w.free.tolist()
    units = sum(size * copies for _, size, copies, _ in found.evidence["units"])
    assert units == w.units


def test_checking_loads_no_builder():
    code = """
import json, sys
from qexpr import certificates
from qexpr.circuits.graph import Circuit
w = Circuit.from_dict(json.load(open(sys.argv[1])))
certificates.check(json.load(open(sys.argv[2])), w)
names = [name for name in sys.modules if name.startswith("qexpr.circuits.")]
print(sorted(name.removeprefix("qexpr.circuits.") for name in names))
print("qexpr.bounds" in sys.modules)
"""
    import tempfile
    from pathlib import Path

    f = Target("x0*(1-x0)/2")
    w = circuits.cones(f, n=2, eps="1e-2", lam=2)
    with tempfile.TemporaryDirectory() as folder:
        net, proof = Path(folder, "net.json"), Path(folder, "cert.json")
        net.write_text(json.dumps(w.to_dict()))
        certificates.write(proof, certificates.certify(w, f, "1e-2"))
        done = subprocess.run(
            [sys.executable, "-c", code, net, proof],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    lines = done.stdout.split("\n")
    loaded = set(eval(lines[0]))
    assert loaded <= {"alphabet", "document", "evaluation", "graph"}
    assert lines[1] == "False"
