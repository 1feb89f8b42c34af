"""``starter officer``: who may act, and with which key."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from domain.interests import InterestRow, Interests, Withdrawal
from domain.model import Day, Model
from domain.offices import POWERS, Admission, Appointment, Office, Request, Revocation
from domain.timelimits import end_of, start_of
from domain.traces import About
from starter import files, profiles, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import choice, reason
from starter.profiles import Store
from starter.references import CANDIDACY, OFFICER


@click.group("officer", cls=Noun)
def officer() -> None:
    """Who may act, and with which key.

    An officer is a person, by number. A profile on this machine holds one of that person's keys and says who acts:
    --profile chooses one, else DESK_PROFILE, else the default one, else the only one. The head of desk admits a key to
    an office; what each office may do, `starter officer powers` says.
    """


@officer.command("enrol", example="starter officer enrol vetting --officer O-17")
@click.argument("name")
@click.option("--officer", "number", required=True, type=OFFICER, help="The officer's number.")
@click.option("--keyring", is_flag=True, help="Keep the private key in the system's keyring instead of a file.")
@click.option("--token", "by_token", is_flag=True, help="Make no key: the house's provider says who acts, by a token.")
@click.option("--request", "target", metavar="FILE", help="Where the request goes, if not NAME.request.json here.")
@click.option("--default", is_flag=True, help="Act with this profile where none is named.")
@pass_call
def enrol(
    call: Call, name: str, number: str, *, keyring: bool, by_token: bool, target: str | None, default: bool
) -> Reply:
    """Make a key pair and a profile NAME that acts with it, and a request for the head of desk.

    The private key stays on this machine: in a file under a passphrase, which is asked for, or read from
    DESK_PASSPHRASE or the file that DESK_PASSPHRASE_FILE names; or in the system's keyring. The request holds the
    public key only. Tell the head of desk the key's name by another way than you send the request.

    With --token there is no key: a token of the house's OpenID Connect provider goes with each command, from DESK_TOKEN
    or the file that DESK_TOKEN_FILE names, and what is admitted is the identity that it is of.
    """
    settings = call.settings()
    if by_token:
        if keyring:
            raise click.UsageError("give --keyring or --token, not both")
        identity = profiles.enrol_identity(settings.home, name, number, call.token(settings)(), default=default)
        request = Request(person=number, key=identity, made=datetime.now(UTC), proof="")
        return _enrolled(name, request, Store.TOKEN, target)
    passphrase = None if keyring else call.ask(settings)(f"Passphrase for {name} ({number})", confirm=True)
    store = Store.KEYRING if keyring else Store.FILE
    pair = profiles.enrol(settings.home, name, number, store=store, passphrase=passphrase, default=default)
    return _enrolled(name, pair.request(datetime.now(UTC)), store, target)


def _enrolled(name: str, request: Request, store: Store, target: str | None) -> Reply:
    path = Path(target or f"{name}.request.json")
    profiles.write_private(path, request.model_dump_json(indent=2) + "\n")
    key = request.key.id
    document = {"profile": name, "officer": request.person, "key": key, "store": store, "request": path}
    told = [
        f"{name} acts as {request.person} with key {key}",
        f"The request is in {path}; the head of desk admits it: `starter officer admit {path} --office …`",
    ]
    return Reply(document, told)


@officer.command("admit", example="starter officer admit vetting.request.json --office vetting-officer")
@click.argument("file", metavar="REQUEST")
@click.option("--office", required=True, type=choice(Office), help="The office the key may act in.")
@click.option("--from", "since", metavar="DAY", help="The first day, at the seat; from now on, where none is given.")
@click.option("--until", metavar="DAY", help="The last day, at the seat; without an end, where none is given.")
@pass_call
async def admit(call: Call, file: str, *, office: str, since: str | None, until: str | None) -> Reply:
    """Admit the key of a REQUEST to an office, as the head of desk.

    Compare the key's name with what its owner told you. A person may hold several offices and keys, and is one person
    wherever two are asked for. Nobody admits themselves to an office they do not hold.
    """
    request = files.read(file, Request)
    span = files.build(_Span, since=since, until=until, options={"since": "--from"})
    admission = files.build(
        Admission,
        request=request,
        office=Office(office),
        since=None if span.since is None else start_of(span.since),
        until=None if span.until is None else end_of(span.until),
    )
    appointment = await (await call.desk()).admit(admission)
    told = f"{appointment.person} is {appointment.office} with key {appointment.key} {_time(appointment)}"
    return Reply(appointment, [told])


@officer.command("revoke", example='starter officer revoke O-17 --reason "Left the secretariat"')
@click.argument("number", metavar="OFFICER", type=OFFICER)
@click.option("--key", metavar="KEY", help="Only what is held through this key.")
@click.option("--office", type=choice(Office), help="Only this office.")
@reason
@pass_call
async def revoke(call: Call, number: str, *, key: str | None, office: str | None, reason: str) -> Reply:
    """End an officer's offices now, as the head of desk.

    What was signed before stays valid; nothing that is signed afterwards is taken.
    """
    revocation = files.build(
        Revocation, person=number, key=key, office=Office(office) if office else None, reason=reason
    )
    ended = await (await call.desk()).revoke(revocation)
    return Reply({"ended": ended}, [_shown(f"Ended for {number}", ended)])


@officer.command("list", example="starter officer list --now")
@click.option("--now", "in_force", is_flag=True, help="Only offices that are held now.")
@pass_call
async def list_officers(call: Call, *, in_force: bool) -> Reply:
    """List who holds which office, and who did.

    With the key it is held through, who admitted it, from when until when, and whether it was ended before its time.
    """
    found = await (await call.desk()).officers()
    now = datetime.now(UTC)
    rows = [each for each in found if each.holds(now) or not in_force]
    return Reply({"officers": rows}, [_shown("Officers", rows)])


@officer.command("show", example="starter officer show")
@click.argument("number", metavar="[OFFICER]", type=OFFICER, required=False)
@pass_call
async def show_officer(call: Call, number: str | None) -> Reply:
    """Show the offices of an OFFICER, or who acts here.

    Without an OFFICER: which profile is in use on this machine, with which key it acts, and which others there are.
    """
    if number is not None:
        rows = [each for each in await (await call.desk()).officers() if each.person == number]
        if not rows:
            from starter.desk import NoSuchCase

            raise NoSuchCase(f"there is no officer {number}")
        return Reply({"officer": number, "appointments": rows}, [_shown(f"Offices of {number}", rows)])
    settings = call.settings()
    known = profiles.read(settings.home)
    used = profiles.chosen(known, call.profile or settings.profile)
    rows_here = [{"profile": name, **profile.model_dump(), "in_use": name == used} for name, profile in known.items()]
    document = {"profile": used, "officer": known[used].officer, "key": known[used].key, "profiles": rows_here}
    shown = [
        (name, each.officer, each.key, each.store, "in use" if name == used else "") for name, each in known.items()
    ]
    table = show.table("Profiles of this machine", ("profile", "officer", "key", "kept in", ""), shown)
    return Reply(document, [f"{used}: {known[used].officer} ({settings.home / profiles.FILE})", table])


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
    return Reply({"profile": name, "officer": profile.officer, "default": profile.default}, [told])


@officer.command(
    "declare-interest", example='starter officer declare-interest --person "Example, Ada" --organisation "Test Fund"'
)
@click.option("--person", "persons", multiple=True, metavar="NAME", help="Somebody you are close to: FAMILY, GIVEN.")
@click.option("--organisation", "organisations", multiple=True, metavar="NAME", help="Where you belong or are paid.")
@click.option("--address", "addresses", multiple=True, metavar="ADDRESS", help="An address under which you nominate.")
@click.option("--case", "cases", multiple=True, metavar="REF", type=CANDIDACY, help="Somebody you know, by the case.")
@pass_call
async def declare_interest(
    call: Call,
    *,
    persons: tuple[str, ...],
    organisations: tuple[str, ...],
    addresses: tuple[str, ...],
    cases: tuple[str, ...],
) -> Reply:
    """Declare whom you must not judge; each option may be given several times.

    You then neither see nor decide the cases of these persons, and of whomever these persons, organisations or
    addresses nominate, however they are written. `starter suspension declare-interest` says the same of the person of a
    suspension. The names lie under a key of your own; nobody else is shown them.
    """
    declared = files.build(
        Interests,
        options={"persons": "--person", "organisations": "--organisation", "own_addresses": "--address"},
        persons=[_person(each) for each in persons],
        organisations=organisations,
        own_addresses=addresses,
        cases=cases,
    )
    rows = await (await call.desk()).declare_interests(declared)
    return Reply({"interests": rows}, ["Declared.", _interests(rows)])


@officer.command("withdraw-interest", example='starter officer withdraw-interest I-3 --reason "Left the organisation"')
@click.argument("interest", metavar="INTEREST")
@click.option("--from", "since", metavar="DAY", help="The first day without it, at the seat; at once, if not given.")
@reason
@pass_call
async def withdraw_interest(call: Call, interest: str, *, since: str | None, reason: str) -> Reply:
    """Withdraw an INTEREST of yours from a day on.

    That it was declared, and when it was withdrawn, stays in the register.
    """
    span = files.build(_Span, since=since, options={"since": "--from"})
    withdrawal = files.build(
        Withdrawal,
        options={"interest": "INTEREST"},
        interest=interest,
        since=None if span.since is None else start_of(span.since),
        reason=reason,
    )
    rows = await (await call.desk()).withdraw_interest(withdrawal)
    return Reply({"interests": rows}, [f"{interest} withdrawn.", _interests(rows)])


@officer.command("interests", example="starter officer interests")
@pass_call
async def interests(call: Call) -> Reply:
    """List the interests that you have declared, and from when until when each holds.

    Nobody sees another officer's.
    """
    rows = await (await call.desk()).interests()
    return Reply({"interests": rows}, [_interests(rows)])


def _person(written: str) -> dict[str, str]:
    family, comma, given = written.partition(",")
    if not comma:
        raise click.BadParameter("must look like 'Example, Ada' (family name, given name)", param_hint="'--person'")
    return {"family_name": family, "given_name": given}


def _interests(rows: Sequence[InterestRow]) -> Any:
    shown = [
        (each.id, _KINDS[each.about], each.what or each.case, show.moment(each.since), show.moment(each.until))
        for each in rows
    ]
    return show.table("Your interests", ("interest", "kind", "whom or what", "from", "until"), shown)


_KINDS: Final = {About.CANDIDATE: "person", About.ORGANISATION: "organisation", About.ADDRESS: "address"}


@officer.command("powers", example="starter officer powers")
@pass_call
def powers(call: Call) -> Reply:
    """Print which office may do what.

    An act that a command is refused for is named there as it is here: the kind of case or the part of the register, and
    the act.
    """
    table = {power: [office for office in Office if office in offices] for power, offices in POWERS.items()}
    shown = [(power, ", ".join(offices)) for power, offices in table.items()]
    return Reply({"powers": table}, [show.table("Powers", ("act", "offices"), shown)])


class _Span(Model):
    """The days between which an office is held, as they are typed."""

    since: Day | None = None
    until: Day | None = None


def _time(appointment: Appointment) -> str:
    ends = f"until {show.moment(appointment.until)}" if appointment.until else "without an end"
    return f"from {show.moment(appointment.since)}, {ends}"


def _shown(title: str, appointments: Sequence[Appointment]) -> Any:
    rows = [
        (
            each.person,
            each.office,
            show.moment(each.since),
            show.moment(each.until),
            show.moment(each.revoked),
            each.by or "set-up",
            each.key,
        )
        for each in appointments
    ]
    return show.table(title, ("officer", "office", "from", "until", "ended", "admitted by", "key"), rows)
