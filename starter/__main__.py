"""The entry point of the command line."""

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import format_tb
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from starter.calling import Call, write_json
from starter.cli import COMPLETION_VARIABLE, PROGRAM, root
from starter.failures import Failure, Kind, failure_of


def run(argv: Sequence[str]) -> int:
    """Run one command line, print its answer or why there is none; the exit code."""
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        return shell_complete(root, {}, PROGRAM, COMPLETION_VARIABLE, instruction)
    call = Call()
    try:
        with root.make_context(PROGRAM, list(argv), obj=call) as context:
            code = root.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except KeyboardInterrupt:
        return _told(Failure(Kind.INTERRUPTED, "stopped by the keyboard"), call)
    except click.exceptions.NoArgsIsHelpError as unsaid:
        # What it would show is the help; a program gets it as the error that it is.
        if not call.as_json:
            unsaid.show()
            return unsaid.exit_code
        return _told(Failure(Kind.USAGE, f"{unsaid.ctx.command_path} needs a verb or an argument"), call)
    except click.UsageError as wrong:
        # The options after the mistake were not read any more.
        call.as_json = call.as_json or "--json" in argv
        return _told(Failure(Kind.USAGE, _advice(wrong)), call)
    except click.ClickException as wrong:
        return _told(Failure(Kind.BAD_INPUT, wrong.format_message()), call)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BrokenPipeError:
        # Whoever read has read enough. What was asked is done, and the rest has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        failure = failure_of(error)
        if call.debug and failure.kind is Kind.DEFECT:
            sys.stderr.writelines(format_tb(error.__traceback__))
        return _told(failure, call)
    return code if isinstance(code, int) else 0


def _told(failure: Failure, call: Call) -> int:
    try:
        if call.as_json:
            write_json({"error": failure.document()})
            return failure.code
    except OSError:
        # Nobody reads the answer; perhaps somebody reads this.
        pass
    sys.stderr.write(f"{failure.line}\n")
    return failure.code


def _advice(wrong: click.UsageError) -> str:
    message = wrong.format_message().rstrip(" .")
    if wrong.ctx is None:
        return message
    return f"{message}{'' if message.endswith('?') else ';'} `{wrong.ctx.command_path} --help` says what there is"


def main() -> NoReturn:
    """Run the command line of this process, and end it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            # An argument need not be UTF-8, and a message that quotes one can then not be encoded.
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    # The threads of Temporal's client may outlive the interpreter and take it down with them, after the work is done.
    os._exit(code)


if __name__ == "__main__":
    main()
