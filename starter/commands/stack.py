"""``starter stack``: the embedded parts on this machine."""

import subprocess
import sys

import click

from starter.calling import Call, Noun, pass_call


@click.group("stack", cls=Noun)
def stack() -> None:
    """Start and stop the embedded parts on this machine.

    Temporal, PostgreSQL, a mail catcher and a worker, for a small desk on one machine. They keep their data in the home
    folder, so that every case goes on where it was when they start again.
    """


@stack.command("up", example="starter stack up --no-ui")
@click.option("--ui/--no-ui", default=True, help="Run Temporal's web interface as well.")
@click.option("--head-of-desk", metavar="REQUEST", help="Admit the first head of desk, once in the register's life.")
@pass_call
def up(call: Call, *, ui: bool, head_of_desk: str | None) -> int:
    """Start the parts, and wait until they are ready.

    They go on after this command has ended. What they need to know, and what leads to them, they write into the home
    folder, so that no setting need be made by hand. Parts that run already are left alone.

    With --head-of-desk, the first head of desk is admitted, whose REQUEST `starter officer enrol` has made; every other
    officer is admitted by the head of desk (`starter officer admit`).
    """
    head = [] if head_of_desk is None else ["--head-of-desk", head_of_desk]
    return _run(call, "up", "--ui" if ui else "--no-ui", *head)


@stack.command("status", example="starter stack status --json")
@pass_call
def status(call: Call) -> int:
    """Say which parts run, and where they can be reached.

    Exit code 5 where one that should run does not.
    """
    return _run(call, "status")


@stack.command("down", example="starter stack down")
@pass_call
def down(call: Call) -> int:
    """Stop the parts; the worker finishes or hands back what it holds.

    The data stays. What falls due meanwhile is dealt with when they start again.
    """
    return _run(call, "down")


def _run(call: Call, *command: str) -> int:
    home = ["--home", str(call.home)] if call.home else []
    form = ["--json"] if call.as_json else []
    sys.stdout.flush()
    # The parts belong to the worker's side, which the command line imports nothing of.
    return subprocess.run([sys.executable, "-m", "worker.stack", *command, *home, *form], check=False).returncode  # noqa: S603
