# AIOps Lab. `make` or `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REPORTS ?= reports
STORY ?= story
PICTURE ?= $(STORY)/story.gif
BENCHES := $(patsubst benchmarks/bench_%.py,bench-%,$(wildcard benchmarks/bench_*.py))

# Bytecode is compiled once, at install: imports cost five times more without it.
unexport PYTHONDONTWRITEBYTECODE
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help install system models demo test pictures story lint format lab bench pins clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## make .venv with the pinned stack (2 GB, about a minute)

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
	  f"AIOps Lab needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}. Try: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned stack into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.txt)"
	@$(BIN)/uv pip sync --python $(BIN)/python --compile-bytecode requirements.txt
	@$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q aiopslab
	@touch $@

system:  ## install the browser and the servers that the tests drive (Debian, Ubuntu; needs root)
	@sh tests/system.sh

models: install  ## fetch the embedded models, once: a language model (98 MB), an embedder (91 MB)
	@$(BIN)/aiopslab models fetch

demo: install models  ## run every template on the embedded data and build the report gallery
	@$(BIN)/aiopslab demo -o $(REPORTS)

test: install system models lint  ## lint, type-check and run every test, the browser's included
	@$(BIN)/pytest -n 2 --dist loadgroup
	@$(BIN)/pytest --nbval-lax notebooks -p no:xdist

pictures: install system models  ## take the pictures of the widgets for the documentation anew
	@PICTURES=docs/widgets $(BIN)/pytest tests/browser -n 0 -k "not notebooks and not pages"

story: install system  ## live through a fault across the layers, to the proof that it is gone (10 minutes)
	@rm -rf $(STORY)
	@$(BIN)/aiopslab story --approve -o $(STORY)
	@$(BIN)/python -m tests.browser.story_pictures $(STORY) $(PICTURE)

lint: install  ## style, types, direction of imports, stripped templates
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/nbstripout --verify templates/*.ipynb

format: install  ## rewrite the source in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/nbstripout templates/*.ipynb

lab: install  ## open JupyterLab here: templates, walkthroughs, the gallery, MLflow
	@$(BIN)/aiopslab lab --reports $(REPORTS)

bench: $(BENCHES)  ## run every benchmark; bench-NAME runs one

bench-%: install
	@$(BIN)/python -m benchmarks.bench_$*

pins: install  ## resolve pyproject.toml again into requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --extra dev \
	  --no-header --no-emit-index-url --no-annotate --output-file requirements.txt pyproject.toml

clean:  ## remove the environment and everything that was generated
	@rm -rf $(VENV) $(REPORTS) $(STORY) build dist test-artifacts .pytest_cache .mypy_cache .ruff_cache
