# SPDX-License-Identifier: GPL-2.0-or-later
"""How Sphinx builds the pages: ``make docs``."""

from importlib.metadata import version as version_of

project = "klp-debug"
copyright = "the klp-debug authors, GPL-2.0-or-later"  # noqa: A001 - Sphinx's name
version = release = version_of("klp-debug")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxarg.ext"]
# Findings link to each other by their ids, as code hosts make them.
myst_heading_anchors = 2

# What is quoted is what the program prints.
smartquotes = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
# These name the types of answers as the modules that scripts import them from do.
add_module_names = False

html_theme = "furo"
html_title = f"klp-debug {version}"
# Everything a page needs is in the build: it is read where there is no network.
html_show_sourcelink = False
html_copy_source = False

man_pages = [
    (
        "commands",
        "klp-debug",
        "what does this ppc64le kernel really run when a live-patched function is called?",
        "",
        1,
    )
]
