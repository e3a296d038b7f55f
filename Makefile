# The same words for people and CI. `make run` and `make test` do everything, from nothing.
PYTHON ?= python3
VENV ?= .venv
OUT ?= out
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINNED := -c constraints.txt
WHEELS := build/wheels
SOURCES := $(shell git ls-files qexpr runtime meson.build pyproject.toml 2>/dev/null)
EXAMPLE := --d 2 --n 3 --lambda 3
WITNESS := --d 2 --lambda 2

NOT_QUESTIONS := record.py runtime_peers.py figure.py table.py

.PHONY: run test lint type layers suite search sanitize fuzz docs bench dev dist clean

run: $(VENV)/.trained
	@mkdir -p $(OUT)
	$(BIN)/qexpr bound $(EXAMPLE) --eps 1e-3
	$(BIN)/qexpr bound $(EXAMPLE) --eps 1e-3 --format latex --cite --output $(OUT)/bounds.tex
	$(BIN)/qexpr bound $(EXAMPLE) --eps 1e-1:1e-6:26 --format csv --output $(OUT)/bounds.csv \
	  --plot $(OUT)/bounds.svg
	$(BIN)/qexpr witness --target "sin(3*x)*cos(2*y)/27" $(WITNESS) --n 3 --eps 1e-3 -o $(OUT)/n3.json \
	  --certificate $(OUT)/n3.certificate.json --plot $(OUT)/n3.svg
	$(BIN)/qexpr check $(OUT)/n3.certificate.json $(OUT)/n3.json
	$(BIN)/qexpr witness --target "sin(x)*cos(y)" $(WITNESS) --n 2 --eps 1e-3 -o $(OUT)/n2.json \
	  --certificate $(OUT)/n2.certificate.json --plot $(OUT)/n2.svg
	$(BIN)/qexpr check $(OUT)/n2.certificate.json $(OUT)/n2.json
	$(BIN)/qexpr study run quick --output $(OUT)/quick
	$(BIN)/qexpr study check $(OUT)/quick
	@echo "Written into $(OUT)/: bounds.tex and .bib, bounds.csv, bounds.svg; two witnesses (n3.json,"
	@echo "n2.json) with their certificates and figures (n3.svg, n2.svg); the study quick/, of which"
	@echo "report.html tells what was found and results.csv holds all numbers."

test: lint type layers suite

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "qexpr needs Python 3.11 or later; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q $(PINNED) --upgrade pip

# A wheel, installed plainly: what is tested is what a user gets.
$(WHEELS)/.built: $(BIN)/python $(SOURCES) constraints.txt
	@rm -rf $(WHEELS) && mkdir -p $(WHEELS)
	$(PIP) wheel -q $(PINNED) --no-deps -w $(WHEELS) .
	@touch $@

$(VENV)/.installed: $(WHEELS)/.built
	@echo "Installing qexpr into $(VENV); the first time this downloads about 100 MB of packages."
	$(PIP) install -q $(PINNED) "$$(ls $(WHEELS)/qexpr-*.whl)[tables,figures]"
	$(PIP) install -q --force-reinstall --no-deps $(WHEELS)/qexpr-*.whl
	@touch $@

$(VENV)/.trained: $(VENV)/.installed
	@echo "Installing what the study trains with: PyTorch, SciPy, scikit-learn, pandas. PyTorch is the"
	@echo "large part: about 200 MB as CPU build, gigabytes with CUDA (README: its CPU build)."
	$(PIP) install -q $(PINNED) "$$(ls $(WHEELS)/qexpr-*.whl)[study,train]"
	@touch $@

$(VENV)/.test: $(VENV)/.trained
	@echo "Installing what the tests need."
	$(PIP) install -q $(PINNED) "$$(ls $(WHEELS)/qexpr-*.whl)[test]"
	@touch $@

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	$(BIN)/lint-imports

# The command pytest, not `python -m pytest`: that would put the source tree before the
# installed package; a test sees to it where QEXPR_INSTALLED says that there is one.
suite: $(VENV)/.test
	QEXPR_INSTALLED=1 $(BIN)/pytest -q -n auto --dist worksteal

# The property tests with new random draws; `make test` repeats its own.
search: $(VENV)/.test
	QEXPR_INSTALLED=1 QEXPR_SEARCH=1 $(BIN)/pytest -q -n auto --dist worksteal -m hypothesis

# The runtime under AddressSanitizer and UBSan: SANITIZE=<pytest arguments> chooses tests.
# Leaks are not reported: the interpreter's own would drown them. Freed memory is kept back by
# 16 MiB, not 256: tests bound what the reader takes. The wheel test copies the package.
SANITIZE ?= tests/runtime
sanitize: $(VENV)/.test
	PATH="$(abspath $(BIN)):$$PATH" meson setup $$(test -d build/sanitize && echo --reconfigure) \
	  build/sanitize -Dbuildtype=debugoptimized \
	  -Db_sanitize=address,undefined -Db_lundef=false --prefix=$(abspath build/sanitized) \
	  -Dpython.platlibdir=$(abspath build/sanitized) -Dpython.purelibdir=$(abspath build/sanitized)
	PATH="$(abspath $(BIN)):$$PATH" meson compile -C build/sanitize
	PATH="$(abspath $(BIN)):$$PATH" meson install -q -C build/sanitize
	PYTHONPATH=$(abspath build/sanitized) ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 \
	  LD_PRELOAD="$$(cc -print-file-name=libasan.so) $$(cc -print-file-name=libubsan.so)" \
	  $(BIN)/pytest -q -p no:cacheprovider $(SANITIZE) \
	  -k "not numpy_alone and not fuzz and not c_interface"

# Mutated packed files under the sanitizers, for FUZZ seconds.
FUZZ ?= 600
fuzz: $(VENV)/.test
	QEXPR_FUZZ_SECONDS=$(FUZZ) $(BIN)/pytest -q tests/runtime/format/test_fuzz.py

docs: $(VENV)/.installed
	$(PIP) install -q $(PINNED) "$$(ls $(WHEELS)/qexpr-*.whl)[docs]"
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.test
	$(PIP) install -q $(PINNED) "$$(ls $(WHEELS)/qexpr-*.whl)[bench]"
	cd benchmarks && for file in $(filter-out $(NOT_QUESTIONS),$(notdir $(wildcard benchmarks/*.py))); do \
	  ../$(BIN)/python $$file || exit 1; done
	$(BIN)/python benchmarks/figure.py
	$(BIN)/python benchmarks/table.py

# An editable install: isolated editable builds break at the first import, hence the flags.
dev: $(VENV)/.test
	CYTHON=$(abspath $(BIN))/cython NINJA=$(abspath $(BIN))/ninja \
	  $(PIP) install -q $(PINNED) --no-build-isolation --no-deps --editable .

dist: $(VENV)/.test
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist $(OUT) docs/_build
