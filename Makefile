# Every command that a person needs; CI calls these and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 9696
N ?= 5
# More options for `bentoml containerize`, e.g. IMAGE_OPTIONS="--opt network=host" where builds need the host's network;
# DOCKER_BUILDKIT=0 in the environment chooses the classic builder.
IMAGE_OPTIONS ?=
# Which services of compose.yaml `make up` starts; empty: all.
SERVICES ?=
# Seconds until all of them must be healthy.
WAIT ?= 180
SOURCE ?=
NAME ?=
# More options for the import: --trust NAME, --code DIR, --sha256 DIGEST, --own-environment, --reference FILE …
IMPORT_OPTIONS ?=
# Not empty: serve in an environment that is made for the model, from its lock.
OWN_ENVIRONMENT ?=
MODEL_TAG ?=
export MODEL_TAG SOURCE NAME SERVICES IMAGE_OPTIONS
export BENTOML_DO_NOT_TRACK := True
.DEFAULT_GOAL := help
.PHONY: help demo serve requests key import build image up down load bench check monitoring test test-fast screenshot plots torch format lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# The lock is complete and hashed, so pip need not resolve it; the mark is made only when all of it is in place.
$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.10 to 3.13 is needed; name one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "making the environment in $(VENV): some 200 packages, 1.6 GB, one to four minutes" >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.txt
	@touch $@

demo: $(VENV)/.installed  ## a model's way from S3 to five answers, on PORT (9696)
	@PORT=$(PORT) $(BIN)/python -m sample.demo

serve: $(VENV)/.installed  ## serve MODEL_TAG, or the newest import, on PORT (9696); OWN_ENVIRONMENT=1: in its own environment
	@exec $(BIN)/$(if $(OWN_ENVIRONMENT),python -m agbento.own_environment "$$MODEL_TAG" --,bentoml serve) --port $(PORT)

requests: $(VENV)/.installed  ## N answers of the running service, one a line
	@$(BIN)/python -m sample.ask --url http://127.0.0.1:$(PORT) -n $(N)

key: $(VENV)/.installed  ## a new API key for the caller NAME, and its line for the file that API_KEYS_FILE names
	@$(BIN)/python -m agbento.keys -- "$$NAME"

import: $(VENV)/.installed  ## import SOURCE (s3://bucket/prefix or a folder), or what the environment names
	@$(BIN)/python import_model.py $${SOURCE:+"$$SOURCE"} $${NAME:+--name "$$NAME"} $(IMPORT_OPTIONS)

build: $(VENV)/.installed  ## the Bento of MODEL_TAG, or of the newest import
	@$(BIN)/python -m agbento.bundle build --model "$$MODEL_TAG"

image: $(VENV)/.installed  ## its container image; prints name and size
	@$(BIN)/python -m agbento.bundle image --model "$$MODEL_TAG" --options="$$IMAGE_OPTIONS"

up: $(VENV)/.installed  ## service, Prometheus and Grafana by docker compose, then five requests
	@SERVICE_PORT=$(PORT) $(BIN)/python -m agbento.stack up --model "$$MODEL_TAG" --services "$$SERVICES" \
	  --wait $(WAIT) --options="$$IMAGE_OPTIONS"
	@$(BIN)/python -m sample.ask --url http://127.0.0.1:$(PORT) -n $(N)

down: $(VENV)/.installed  ## the end of what `make up` started: containers, network, volumes, password
	@$(BIN)/python -m agbento.stack down

test: $(VENV)/.installed  ## all tests, in two processes; what the machine lacks is skipped (REQUIRE_ALL=1: fails)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 15

test-fast: $(VENV)/.installed  ## the tests that take seconds
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not engine and not prometheus and not chromium"

screenshot: $(VENV)/.installed  ## the API page in Chromium, answered, as docs/api-page.png
	KEEP_SCREENSHOT=docs/api-page.png REQUIRE_ALL=1 $(BIN)/python -m pytest \
	  tests/test_page.py::test_the_sample_model_answers_its_example

plots: $(VENV)/.installed  ## the dashboards' graphs over the scripted hour of the tests, as docs/dashboards/*.svg
	KEEP_PLOTS=docs/dashboards REQUIRE_ALL=1 $(BIN)/python -m pytest tests/test_hour.py

# Predictors with neural networks need torch to be trained and opened; compiled ones do not need it to be served. It is in
# no lock: the CPU build has another source on each platform (TORCH_INDEX: an index that has it, where the usual has not).
TORCH ?= torch==2.13.0
torch: $(VENV)/.installed  ## torch and fastai, to import predictors that hold neural networks (and to test that)
	@mkdir -p build && $(BIN)/python -m pip freeze --disable-pip-version-check > build/installed.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $${TORCH_INDEX:+--extra-index-url "$$TORCH_INDEX"} \
	  --constraint build/installed.txt "$(TORCH)" "fastai>=2.3.1,<2.9"

allowed: $(VENV)/.installed  ## what a predictor's pickles may import, added to by trainings of every family: agbento/allowed.json
	@$(BIN)/python -m sample.allowed

load: $(VENV)/.installed  ## locust against the running service, headless, with reports/load.html
	@mkdir -p reports
	$(BIN)/locust --headless -u 32 -r 32 -t 30s --html reports/load.html --only-summary --host http://127.0.0.1:$(PORT)

bench: $(VENV)/.installed  ## compiler and service against what they replace, in one run: docs/benchmark.md
	@$(BIN)/python -m benchmarks

check: $(VENV)/.installed  ## lint, types, promtool, rules' tests, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m monitoring.program --check
	@if command -v promtool >/dev/null; then promtool check config --syntax-only --lint-fatal monitoring/prometheus.yml && \
	  promtool check rules --lint=all --lint-fatal monitoring/rules/*.yml monitoring/alerts/*.yml && \
	  promtool test rules monitoring/tests/*.yml; \
	  else echo "promtool is not on this machine: monitoring/prometheus.yml and the rules are not checked"; fi

monitoring: $(VENV)/.installed  ## write what is generated: rules, alerts, dashboards, docs/metrics.md
	@$(BIN)/python -m monitoring.program

format: $(VENV)/.installed  ## mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.installed  ## resolve pyproject.toml anew into requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.10 --generate-hashes \
	  --custom-compile-command "make lock" --quiet --output-file requirements.txt

clean:  ## remove what the other commands left in this folder
	rm -rf $(VENV) .cache build reports .pytest_cache .mypy_cache .ruff_cache .hypothesis
