"""What every verb of the command line has in common: options for all, who acts, one answer, one way to print it."""

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from starter.failures import Failure

if TYPE_CHECKING:
    from rich.console import RenderableType

    from config.settings import Settings
    from starter.desk import Desk
    from starter.profiles import Ask, Token


@dataclass(frozen=True)
class Reply:
    """A verb's answer.

    Attributes:
        document: What a program gets: anything that consists of models, mappings, sequences, dates and numbers.
        text: What a person gets.
        failure: Why not everything was done, where part of it was.
    """

    document: Any
    text: "Sequence[RenderableType]"
    failure: Failure | None = None


@dataclass
class Call:
    """One call of the command line: the options that every verb takes."""

    as_json: bool = False
    home: Path | None = None
    profile: str | None = None
    debug: bool = False

    def settings(self) -> "Settings":
        """The settings.

        Raises:
            WrongSetting: One is wrong.
        """
        from config.settings import load

        return load(self.home)

    async def desk(self) -> "Desk":
        """The desk, as the officer of the profile in use.

        Raises:
            WrongSetting: A setting is wrong.
            TemporalUnreachable: Nothing answers where Temporal should.
            Failure: No profile says who acts.
        """
        from config.temporal import connect
        from starter import profiles
        from starter.desk import Desk

        settings = self.settings()
        name = self.profile or settings.profile
        signer = profiles.signer(settings.home, name, self.ask(settings), self.token(settings))
        return Desk(client=await connect(settings), settings=settings, signer=signer)

    def token(self, settings: "Settings") -> "Token":
        """Where the house's token comes from."""
        from starter.profiles import Token

        return Token(settings.token.get_secret_value() if settings.token else None, settings.token_file)

    def ask(self, settings: "Settings") -> "Ask":
        """Where the passphrase of the officer's key comes from."""
        from starter.profiles import Ask

        given = settings.passphrase.get_secret_value() if settings.passphrase else None
        return Ask(given, settings.passphrase_file)

    def give(self, reply: Reply) -> int:
        """Print an answer; the exit code."""
        if self.as_json:
            error = {"error": reply.failure.document()} if reply.failure else {}
            write_json(plain(reply.document) | error)
        else:
            from starter import show

            show.write(*reply.text)
            if reply.failure is not None:
                sys.stderr.write(f"{reply.failure.line}\n")
        return reply.failure.code if reply.failure else 0


def plain(value: Any) -> Any:
    """A value in JSON's own types; instants in UTC, fractions as they are written."""
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted(plain(item) for item in value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Fraction() | Path():
            return str(value)
        case str():
            return str(value)
        case _:
            return value


def write_json(document: Any) -> None:
    """Print the one document."""
    encoding = (sys.stdout.encoding or "ascii").replace("-", "").lower()
    text = json.dumps(document, ensure_ascii=encoding != "utf8", indent=2)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _note(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def noted(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        # Given before the noun, after it or after the verb: what stands last counts, and an absence undoes nothing.
        if value:
            setattr(context.ensure_object(Call), field, value)

    return noted


def common_options() -> list[click.Parameter]:
    """The options that may stand anywhere, and go into the call."""
    return [
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_note("as_json"),
            help="Print one JSON document and nothing else.",
        ),
        click.Option(
            ["--home"],
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            expose_value=False,
            callback=_note("home"),
            help="The desk's folder, if not the one that DESK_HOME names.",
        ),
        click.Option(
            ["--profile"],
            metavar="NAME",
            expose_value=False,
            callback=_note("profile"),
            help="The officer profile that acts, if not the default one.",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_note("debug"),
            help="Where the program has a defect, say where in its code.",
        ),
    ]


HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _WithCommonOptions(click.Command):
    """Takes the options of every verb, and lists them apart from its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", HELP)
        super().__init__(*args, **kwargs)
        self.common = common_options()
        self.params.extend(self.common)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verb's own options, then those of every verb."""
        own = [
            parameter
            for parameter in self.get_params(ctx)
            if parameter not in self.common and not isinstance(parameter, click.Argument)
        ]
        for title, parameters in (("Options", own), ("Options of every verb", self.common)):
            records = [record for parameter in parameters if (record := parameter.get_help_record(ctx))]
            with formatter.section(title):
                formatter.write_dl(records)


class Verb(_WithCommonOptions):
    """A verb: a function, or a coroutine, that gives a reply; or an exit code, where all is printed already.

    Args:
        example: A command line that a reader can learn from; the tests parse it.
    """

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, epilog=f"\b\nExample: {example}", **kwargs)
        self.example = example

    def invoke(self, ctx: click.Context) -> int:
        """Do it, and print the answer; the exit code."""
        done = super().invoke(ctx)
        reply: Reply | int = asyncio.run(done) if inspect.iscoroutine(done) else done
        return reply if isinstance(reply, int) else ctx.ensure_object(Call).give(reply)


class Noun(_WithCommonOptions, click.Group):
    """A noun and its verbs."""

    command_class: type[click.Command] | None = Verb

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which the work is done."""
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs; the options are theirs."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.get_short_help_str(limit=100)) for name, verb in self.commands.items()])


pass_call = click.make_pass_decorator(Call, ensure=True)
"""Gives a verb its call as the first argument."""
