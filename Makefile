# SPDX-License-Identifier: GPL-2.0-or-later
# demo   all set-up, then the main job on a kernel that really crashed
# test   all set-up, then all tests
# check  lint, types, quick tests (boots no guest)
# docs   the pages in docs/ that the code writes
# clean  the virtual environment and the lab's cache

PYTHON ?= python3
VENV := .venv/bin

.PHONY: demo test check docs clean

demo:
	@$(PYTHON) -m vmcores.bootstrap lab
	@$(VENV)/python -m vmcores demo

# The captures first, with their progress shown; the tests then find them in the cache.
test:
	@$(PYTHON) -m vmcores.bootstrap test
	@$(VENV)/python -m vmcores capture
	@$(VENV)/python -m pytest -n 2 --dist loadfile

check:
	@$(PYTHON) -m vmcores.bootstrap venv
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/lint-imports
	@$(VENV)/mypy
	@$(VENV)/python -m pytest -m "not lab"

docs:
	@$(PYTHON) -m vmcores.bootstrap venv
	@$(VENV)/python -m docs.findings

clean:
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m vmcores clean; fi
	rm -rf .venv build *.egg-info
