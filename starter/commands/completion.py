"""``starter completion``: a shell's completion script."""

import click
from click.shell_completion import get_completion_class

from starter.calling import Call, Reply, Verb, pass_call
from starter.cli import COMPLETION_VARIABLE, PROGRAM


@click.command("completion", cls=Verb, example="starter completion bash")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@pass_call
def completion(call: Call, shell: str) -> Reply:
    """Print the completion script of a shell.

    Load it where the shell starts, and Tab completes nouns, verbs, options and their values: eval "$(starter completion
    bash)" in ~/.bashrc, the same with zsh in ~/.zshrc, and starter completion fish | source in config.fish.
    """
    program = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    if kind is None:
        raise LookupError(shell)
    script = kind(program.command, {}, PROGRAM, COMPLETION_VARIABLE).source()
    return Reply({"shell": shell, "script": script}, [script])
