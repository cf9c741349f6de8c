# SPDX-License-Identifier: GPL-2.0-or-later
# demo      all set-up, then the tool's own story on a kernel that really crashed
# check     lint, types, import contracts, and the tests that need no guest, which build the manual
# test      all set-up, then the covering set: real guests and dumps (docs/tests.md)
# test-all  the full product of scenarios, kernels, MMUs and captures
# docs      the manual and the man page, in build/docs, and the pages in docs/ that the code writes
# clean     the virtual environment and the lab's cache

PYTHON ?= python3
VENV := .venv/bin

.PHONY: demo check test test-all docs clean

demo:
	@$(PYTHON) -m vmcores.bootstrap lab
	@$(VENV)/python -m vmcores demo

# The captures first, with their progress shown; the tests then find them in the cache.
test:
	@$(PYTHON) -m vmcores.bootstrap test
	@$(VENV)/python -m vmcores capture
	@$(VENV)/python -m pytest tests/guests -n 2 --dist loadscope

test-all:
	@$(PYTHON) -m vmcores.bootstrap test
	@$(VENV)/python -m vmcores capture --full
	@$(VENV)/python -m pytest --full -n 2 --dist loadscope

check:
	@$(PYTHON) -m vmcores.bootstrap venv
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/lint-imports
	@$(VENV)/mypy
	@$(VENV)/python -m pytest tests/unit -n 2 --dist loadfile

docs:
	@$(PYTHON) -m vmcores.bootstrap venv
	@$(VENV)/python -m docs.findings
	@$(VENV)/python -m docs.manual build/docs

clean:
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m vmcores clean; fi
	rm -rf .venv build *.egg-info
