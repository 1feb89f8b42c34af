"""Everything that people are compared with, ready: its import takes seconds and half a gigabyte.

It is what a process begins with that others are forked from (see :mod:`adapters.aside`); nothing else imports it.
"""

from adapters.screening import keys, local, matcher

__all__ = ["keys", "local", "matcher"]

# The data of the field is made ready when the first name is asked for, and lasts as long as the process.
matcher.symbols("Ada")
