"""Mutated files under AddressSanitizer and UBSan (seconds: QEXPR_FUZZ_SECONDS, 20)."""

import os
import subprocess

import pytest
import qexpr_runtime as rt
from packed_files import CORPUS, RUNTIME, compile_c

SANITIZE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    compile_c(folder, folder / "fuzz", RUNTIME / "fuzz" / "fuzz_reader.c", SANITIZE)
    return folder / "fuzz"


@pytest.mark.parametrize("isa", rt.available())
def test_no_mutant_of_the_corpus_makes_a_fault(fuzzer, isa):
    seconds = float(os.environ.get("QEXPR_FUZZ_SECONDS", "20")) / len(rt.available())
    seed = str(int.from_bytes(os.urandom(4), "little"))
    # ptrace may be forbidden where tests run; the leak checker needs it
    environment = {**os.environ, "QEXPR_ISA": isa, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([fuzzer, str(seconds), seed, *CORPUS], env=environment, text=True,
                          capture_output=True, timeout=seconds + 300)  # fmt: skip
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-2000:]}"
    assert "no fault" in done.stdout
