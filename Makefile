# `make local`, `make demo` and `make test` install what they need into .venv, by locked hashes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -q
# Byte code lies in .venv, never beside our modules: Chalice would ship it. Without it a process takes 3 times as long to start.
export PYTHONPYCACHEPREFIX = $(CURDIR)/$(VENV)/pycache
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo local test wheel site chromium java lint prove deploy package aws-check lock clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	@$(BIN)/vedette demo $(ARGS)

# A simulated account on 127.0.0.1 (docs/playground.md), until Ctrl-C.
local: $(VENV)/.installed
	@$(BIN)/vedette local $(ARGS)

# The tests of one file may share a stage, so one process runs them all.
test: $(VENV)/.installed
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore=tests/proof --ignore=tests/clients --ignore=tests/spark --ignore=tests/site --ignore=tests/wheel $(ARGS)

# The wheel, built, and used from empty environments; needs PyPI. `uv build --wheel` writes it to dist/.
wheel: $(VENV)/.installed
	$(BIN)/python -m pytest -q tests/wheel $(ARGS)
	$(BIN)/uv build -q --wheel
	rm -rf build/lib build/bdist.* *.egg-info

# The documents as a site in build/site, a warning is an error; then its links, its requests, and the notebooks of examples/.
SITE := benchmarks/environments/.venv-site
site: $(VENV)/.installed $(SITE)/.installed
	rm -rf build/site
	$(SITE)/bin/sphinx-build -W --keep-going -n -q -b html -c docs/site . build/site
	VEDETTE_SITE=$(CURDIR)/build/site $(BIN)/python -m pytest -q tests/site $(ARGS)
	PYTHONPATH=$(CURDIR):$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
	    $(SITE)/bin/python docs/site/run_notebooks.py

# The pages are tested in a real browser, Debian's Chromium; `make test` skips these tests where there is none.
chromium:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

# Spark runs in Java: Debian's, unless there is one.
java:
	@command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless; }

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The long proofs: faults at every call, interleavings, histories, and the parser under fuzzing. EXTENT=bounded for CI.
EXTENT ?= full
prove: $(VENV)/.installed $(patsubst %,benchmarks/environments/.venv-%/.installed,audit checkov sam)
	VEDETTE_PROVE=$(EXTENT) $(BIN)/python -m pytest -q -n 2 tests/proof
	$(MAKE) fuzz

# `make deploy STAGE=dev`: chalice deploy, and what Chalice cannot set. `make package` is for CloudFormation (docs/install.md).
STAGE ?= dev
deploy: $(VENV)/.installed
	$(BIN)/vedette install --stage $(STAGE) $(ARGS)

package: $(VENV)/.installed
	@test -f .chalice/stages/$(STAGE)/merge-template.json || \
	    { echo "Stage $(STAGE) is not set up: vedette setup --stage $(STAGE) --email ... makes what its template needs."; exit 2; }
	AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-eu-west-1} $(BIN)/chalice --project-dir chalice_app package --stage $(STAGE) \
	    --merge-template "$(CURDIR)/.chalice/stages/$(STAGE)/merge-template.json" "$(CURDIR)/build/package"
	$(BIN)/python -m vedette.installation.byte_code build/package/deployment.zip

# An installation in a real account: one deploy, one capture, one alert, one forced duplicate. Says its cost, and asks.
aws-check: $(VENV)/.installed
	@test -n "$(EMAIL)" || { echo "Say who is told: make aws-check EMAIL=you@example.com"; exit 2; }
	$(BIN)/python -m vedette.installation.smoke_test --stage $(or $(filter-out dev,$(STAGE)),check) --email $(EMAIL)

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	    { echo "Vedette needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) -V). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@echo "Installing into $(VENV) (once, about a minute) ..."
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock:
	$(LOCK) pyproject.toml --extra install --extra pandas --extra local --extra parquet --group dev -o requirements.lock
	$(LOCK) chalice_app/requirements.in -o chalice_app/requirements.txt

include benchmarks/Makefile.inc

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .chalice/deployments
