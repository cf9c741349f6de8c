# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of a dump that is not whole, once, when it is opened."""


def lost_memory(here: int, listed: int, what: str, *, marked: bool) -> str | None:
    """
    Return what is said of a file that lacks memory which it lists; None if it lacks none.

    :param here: how many pages, or bytes, of it are in the file
    :param listed: how many it lists
    :param what: what is counted, in words: ``of the pages are here``
    :param marked: whether makedumpfile marked the file as incomplete
    """
    if here < listed:
        state = "marked incomplete by makedumpfile" if marked else "cut short"
        return f"{state}: {_share(here, listed)} {what}"
    if marked:
        return "marked incomplete by makedumpfile, though all that it lists is here"
    return None


def _share(here: int, listed: int) -> str:
    """Return a percentage, rounded down: what lacks a page is never said to be at 100%."""
    percent = 100 * here // listed
    return f"{percent}%" if percent else "less than 1%"
