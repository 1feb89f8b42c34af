"""``starter officer``: the profiles that say who acts."""

import os

import click

from starter import profiles, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.references import OFFICER


@click.group("officer", cls=Noun)
def officer() -> None:
    """The profiles that say who acts.

    A profile is a name for an officer on this machine. It is the only place where it is said who acts: --profile
    chooses one, else DESK_PROFILE, else the default one, else the only one.
    """


@officer.command("show", example="starter officer show")
@pass_call
def show_profile(call: Call) -> Reply:
    """Show which profile is in use.

    Says who acts if a command is given now, and where that is written.
    """
    settings = call.settings()
    known = profiles.read(settings.home)
    name = profiles.chosen(known, call.profile or settings.profile)
    document = {"profile": name, "officer": known[name].officer, "file": settings.home / profiles.FILE}
    return Reply(document, [f"{name}: {known[name].officer} ({settings.home / profiles.FILE})"])


@officer.command("list", example="starter officer list")
@pass_call
def list_profiles(call: Call) -> Reply:
    """List every profile.

    The one that acts where none is named is marked.
    """
    known = profiles.read(call.settings().home)
    rows = [{"profile": name, "officer": each.officer, "default": each.default} for name, each in known.items()]
    shown = [(row["profile"], row["officer"], "default" if row["default"] else "") for row in rows]
    return Reply({"profiles": rows}, [show.table("Officer profiles", ("profile", "officer", ""), shown)])


@officer.command("add", example="starter officer add vetting --officer O-17")
@click.argument("name")
@click.option("--officer", "number", required=True, type=OFFICER, help="The officer's number.")
@click.option("--default", is_flag=True, help="Act as this officer where no profile is named.")
@pass_call
def add(call: Call, name: str, number: str, *, default: bool) -> Reply:
    """Add a profile NAME for an officer.

    An officer is a number; who bears it is no business of this file.
    """
    profile = profiles.add(call.settings().home, name, number, default=default)
    return _one(name, profile, f"{name} acts as {profile.officer}")


@officer.command("use", example="starter officer use vetting")
@click.argument("name")
@pass_call
def use(call: Call, name: str) -> Reply:
    """Make the profile NAME the default one.

    From now on it acts wherever neither --profile nor DESK_PROFILE names another.
    """
    profile = profiles.use(call.settings().home, name)
    told = f"{name} ({profile.officer}) acts where no profile is named"
    if (chosen := os.environ.get("DESK_PROFILE")) and chosen != name:
        told += f"; here DESK_PROFILE names {chosen}"
    return _one(name, profile, told)


def _one(name: str, profile: profiles.Profile, told: str) -> Reply:
    document = {"profile": name, "officer": profile.officer, "default": profile.default}
    return Reply(document, [told])
