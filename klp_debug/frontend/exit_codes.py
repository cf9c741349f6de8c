# SPDX-License-Identifier: GPL-2.0-or-later
"""What an exit code says."""

FINE = 0
FINDINGS = 1
"""Something was found or could not be read; or a change was refused."""
UNUSABLE = 2
"""Bad usage, or input that cannot be used."""
EPILOG = """\
exit codes:
  0  fine
  1  findings: something could not be read or does not fit together; or a change was refused
  2  bad usage, or input that cannot be used
"""
