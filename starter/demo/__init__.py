"""``starter demo``: a whole session in a minute, on real parts and by the same calls as every other command.

stories   who is taken through the session, and what must come of each
parts     the embedded parts in a folder of their own
script    what the officers do, and when
board     what the register shows meanwhile
screen    how a person sees it
outcome   what came of it, held against what must
verb      the command itself
"""

from starter.demo.verb import command

__all__ = ["command"]
