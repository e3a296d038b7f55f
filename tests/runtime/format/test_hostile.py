"""Malformed, truncated and hostile files: one clear error, never a crash or a large allocation."""

import os
import resource
import shutil

import numpy as np
import pytest
import qexpr_runtime as rt
from packed_files import CORPUS, repaired
from qexpr_runtime import format
from qexpr_runtime.container import VERSION


def refused(path, data):
    """The message of the error, or "" if the file is read."""
    path.write_bytes(data)
    try:
        net = format.open_file(path)
        net.data()
    except rt.FormatError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("file", CORPUS, ids=lambda p: p.stem)
def test_every_byte_counts(tmp_path, file):
    whole = file.read_bytes()
    assert refused(tmp_path / "w.qxr", whole) == ""
    for at in range(0, len(whole), 1 if len(whole) < 1000 else 3):
        broken = bytearray(whole)
        broken[at] ^= 1 << (at % 8)
        message = refused(tmp_path / "b.qxr", bytes(broken))
        assert "section" in message
        assert "byte" in message, f"byte {at} may be changed unseen"


@pytest.mark.parametrize("file", CORPUS, ids=lambda p: p.stem)
def test_truncated_and_extended_files_are_refused(tmp_path, file):
    whole = file.read_bytes()
    for length in [*range(0, len(whole), 17), len(whole) - 1]:
        assert refused(tmp_path / "t.qxr", whole[:length])
        assert refused(tmp_path / "t.qxr", repaired(whole[:length]))
    assert "truncated or extended" in refused(tmp_path / "t.qxr", whole + b"\0")


@pytest.mark.parametrize("file", CORPUS, ids=lambda p: p.stem)
def test_every_field_is_checked_behind_right_checksums(tmp_path, file):
    """Fields of the header, table and graph with odd values: refused, or a network that runs."""
    whole = file.read_bytes()
    graph = int.from_bytes(whole[64 + 32 + 8 : 64 + 32 + 16], "little")
    length = int.from_bytes(whole[64 + 32 + 16 : 64 + 32 + 24], "little")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusals = unclear = 0
    for at in [*range(0, 64 + 32 * 4, 4), *range(graph, graph + length, 4)]:
        for value in (0xFFFFFFFF, 0x7FFFFFFF, 0x10000, 0):
            broken = bytearray(whole)
            broken[at : at + 4] = value.to_bytes(4, "little")
            data = repaired(bytes(broken)) if at >= 64 else bytes(broken)
            path = tmp_path / "f.qxr"
            path.write_bytes(data)
            try:
                net = rt.load(path)
            except rt.FormatError as error:
                refusals += 1
                unclear += "section" not in str(error)
                continue
            if net.inputs <= 1000:
                net(np.zeros((2, net.inputs)))
    assert refusals > 100
    assert not unclear
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 200_000  # KiB


def test_another_version_is_named(tmp_path):
    data = bytearray(CORPUS[0].read_bytes())
    data[8] = 1
    said = refused(tmp_path / "v.qxr", bytes(data))
    assert f"another version, 1; this reader knows version {VERSION}" in said


def test_missing_and_other_files_are_format_errors(tmp_path):
    with pytest.raises(rt.FormatError, match=r"cannot read .*No such file"):
        rt.load(tmp_path / "missing.qxr")
    with pytest.raises(ValueError, match="cannot read"):
        rt.load(tmp_path)
    with pytest.raises(rt.FormatError, match="cannot read"):
        rt.load("a\0b")
    os.mkfifo(tmp_path / "pipe.qxr")  # into which nobody writes
    with pytest.raises(rt.FormatError, match=r"cannot read .*not a regular file"):
        rt.load(tmp_path / "pipe.qxr")
    empty = tmp_path / "empty.qxr"
    empty.write_bytes(b"")
    with pytest.raises(rt.FormatError, match="ends within its header"):
        rt.load(empty)
    empty.write_bytes(b"x" * 100)
    with pytest.raises(rt.FormatError, match=r"not a \.qxr file"):
        rt.load(empty)


def test_the_file_may_be_replaced_while_it_is_used(tmp_path):
    path = tmp_path / "n.qxr"
    shutil.copy(CORPUS[0], path)
    net = rt.load(path)
    x = np.ones((4, net.inputs))
    before = net(x)
    shutil.copy(CORPUS[1], tmp_path / "other")
    (tmp_path / "other").replace(path)  # as save() does it
    np.testing.assert_array_equal(net(x), before)


def backward():
    one = np.array([1])
    return rt.CircuitData(1, 1, one, one, one - 1, (1,))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: rt.LayerData("pool"), "op must be"),
    (lambda: rt.LayerData("dense"), "codes go with"),
    (lambda: rt.LayerData("dense", codes=np.ones((2, 2))), "integers"),
    (lambda: rt.LayerData("dense", codes=np.ones((2, 2), int), bias=[1]), "each channel"),
    (lambda: rt.LayerData("dense", codes=np.ones((2, 2), int), scale=float("nan")), "finite"),
    (lambda: rt.ActivationData("tanh"), "relu, clip or steps"),
    (lambda: rt.ActivationData("steps", thresholds=(1, 0), values=(0, 1, 2)), "increasing"),
    (lambda: rt.NetworkData((2,), ()), "at least one layer"),
    (lambda: rt.NetworkData((0,), (rt.LayerData("flatten"),)), "input_shape"),
    (lambda: rt.save("x.qxr", 3), "can be packed"),
    (lambda: rt.save("x.qxr", backward()), "forward"),
])  # fmt: skip
def test_bad_data_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_layers_that_do_not_fit_are_refused_when_read(tmp_path):
    layers = (rt.LayerData("dense", codes=np.ones((2, 3), int)),
              rt.LayerData("dense", codes=np.ones((2, 3), int)))  # fmt: skip
    with pytest.raises(ValueError, match="do not fit"):
        rt.save(tmp_path / "n.qxr", rt.NetworkData((3,), layers))
    assert not list(tmp_path.iterdir())


def test_wide_codes_are_whole_numbers_and_as_many_as_weights(tmp_path):
    path = tmp_path / "n.qxr"
    rt.save(path, rt.NetworkData((1,), (rt.LayerData("dense", codes=np.array([[1000], [3000]])),)))
    whole = path.read_bytes()
    assert format.read(path).layers[0].codes.tolist() == [[1000], [3000]]
    codes = np.array([1000, 3000], "<f4").tobytes()
    assert whole.count(codes) == 1
    for value, message in ((0.5, "must be integers"), (np.nan, "not finite"), (np.inf, "not fin")):
        broken = whole.replace(codes, np.array([1000, value], "<f4").tobytes())
        assert message in refused(path, repaired(broken))
    exact = whole.index(bytes([2, 2]), whole.index(b"EXCT"))  # form 2, two codes
    for form, count, message in ((2, 1, "not so many"), (2, 3, "not so many"), (3, 2, "no such")):
        broken = whole[:exact] + bytes([form, count]) + whole[exact + 2 :]
        assert message in refused(path, repaired(broken))
