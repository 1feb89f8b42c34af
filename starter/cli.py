"""The root of the command line. It knows every noun by name and loads only the one that is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem

from starter.calling import HELP, common_options

PROGRAM: Final = "starter"
COMPLETION_VARIABLE: Final = "_STARTER_COMPLETE"
"""In the environment of a call that completes a command line; its value says for which shell."""

NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "officer": ("starter.commands.officer:officer", "Who may act, and with which key."),
    "session": ("starter.commands.session:session", "Open a session, look at it, move its dates."),
    "candidacy": ("starter.commands.candidacy:candidacy", "Nominate, and lead a candidacy to its end."),
    "list": ("starter.commands.list_:list_", "The session list: draft, propose, decide, ratify."),
    "watchlist": ("starter.commands.watchlist:watchlist", "The lists that people are screened against."),
    "suspension": ("starter.commands.suspension:suspension", "From a trigger through a hearing to the outcome."),
    "letter": ("starter.commands.letter:letter", "What was written to whom, and what became of it."),
    "ledger": ("starter.commands.ledger:ledger", "Compare the register with the workflows, mend either, see who read."),
    "stack": ("starter.commands.stack:stack", "Start and stop the embedded parts on this machine."),
    "demo": ("starter.demo:command", "Walk through a whole session on real parts, in a minute."),
    "completion": ("starter.commands.completion:completion", "Print a shell's completion script."),
}
"""Every noun: where its command is, and what it is for."""


class Root(click.Group):
    """The nouns, each loaded when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The nouns, in the order of the work."""
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a noun."""
        if cmd_name not in NOUNS:
            return None
        module, _, name = NOUNS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the noun that is meant."""
        if args[0] not in NOUNS and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=NOUNS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the nouns without loading any."""
        with formatter.section("Nouns"):
            formatter.write_dl([(name, summary) for name, (_, summary) in NOUNS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a noun without loading any."""
        nouns = [
            CompletionItem(name, help=summary) for name, (_, summary) in NOUNS.items() if name.startswith(incomplete)
        ]
        return nouns + click.Command.shell_complete(self, ctx, incomplete)


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(version("dialogue-desk"))
        context.exit()


root = Root(
    name=PROGRAM,
    help=(
        "The desk of the Dialogue Platform: starter NOUN VERB.\n\n"
        "Exit codes: 0 done; 1 a defect of the program; 2 usage or bad input; 3 refused by a rule; 4 no such case; "
        "5 a part cannot be reached, or the outcome is unknown; 130 interrupted."
    ),
    epilog="\b\nExample: starter candidacy list --session 2026 --stage vetting",
    context_settings=HELP,
    params=[
        *common_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Say which version this is.",
        ),
    ],
)
