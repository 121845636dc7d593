# Two commands on a bare machine: `make demo` and `make test`. Everything else is for those who change Tocsin.
VENV := .venv
BIN := $(VENV)/bin
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.PHONY: demo test check setup lock law words clean

demo: setup
	@$(BIN)/tocsin demo

test: setup
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --ignore tests/journeys/test_prefect.py
	@$(BIN)/python -m pytest tests/journeys/test_prefect.py # alone: its server needs a core of its own

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_layers.py

law: setup
	@$(BIN)/tocsin law check
	@$(BIN)/python -m pytest tests/law

words: setup
	@$(BIN)/python -m pytest tests/words

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml .ci/python
	@echo "Tocsin: installing into $(VENV) (a minute or two, once)"
	@python="$$(sh .ci/python)" && "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

lock: setup # needs uv; kept out of the lock because only this target uses it
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) tocsin-demo
