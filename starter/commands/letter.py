"""``starter letter``: what was written to whom, and what became of it."""

import click

from domain.ledger import Enquiry, EnquiryAbout, LetterRow, LetterState, Settlement, SettlementHow
from starter import files, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import choice, reason
from starter.references import CASE, LETTER


@click.group("letter", cls=Noun)
def letter() -> None:
    """What was written to whom, and what became of it."""


@letter.command("list", example="starter letter list C-2026-0007 --state unknown")
@click.argument("case", required=False, type=CASE)
@click.option("--state", type=choice(LetterState), help="Only letters in this state.")
@pass_call
async def list_letters(call: Call, case: str | None, *, state: str | None) -> Reply:
    """List the letters of a CASE, or of the whole register.

    A letter that is unknown may or may not have arrived, and one that is refused was turned away for good; both wait
    for `starter letter settle`.
    """
    desk = await call.desk()
    rows: list[LetterRow] = []
    while True:
        after = rows[-1].reference if rows else None
        narrowed = LetterState(state) if state else None
        answer = await desk.ask(Enquiry(about=EnquiryAbout.LETTERS, reference=case, state=narrowed, after=after))
        rows.extend(answer.letters)
        if not answer.more:
            break
    return Reply({"letters": rows}, [show.letters(f"Letters of {case}" if case else "Letters", rows)])


@letter.command("show", example="starter letter show C-2026-0007.1.2")
@click.argument("reference", metavar="LETTER", type=LETTER)
@pass_call
async def show_letter(call: Call, reference: str) -> Reply:
    """Show one letter: to whom it goes, its text, and what became of it.

    The answer holds personal data.
    """
    desk = await call.desk()
    answer = await desk.ask(Enquiry(about=EnquiryAbout.LETTER, reference=reference))
    found = answer.letter
    if found is None:
        raise LookupError(reference)
    head = show.facts(
        f"Letter {reference}",
        {
            "state": found.row.state,
            "to": f"{found.to.name} <{found.to.email}> ({found.row.role})",
            "language": found.row.language,
            "says": found.row.template,
            "subject": found.letter.subject,
            "Message-ID": found.row.message_id,
            "written": show.moment(found.row.written),
            "history": "\n".join(found.history),
        },
    )
    return Reply(found, [head, "", found.letter.text])


@letter.command(
    "settle", example='starter letter settle C-2026-0007.1.2 --as resend --reason "She wrote that none came"'
)
@click.argument("reference", metavar="LETTER", type=LETTER)
@click.option(
    "--as",
    "how",
    required=True,
    type=click.Choice(("sent", "resend", "give-up")),
    help="It arrived after all; send it again; give it up.",
)
@click.option("--email", metavar="ADDRESS", help="A better address for this letter.")
@reason
@pass_call
async def settle(call: Call, reference: str, *, how: str, email: str | None, reason: str) -> Reply:
    """Decide about a letter that waits for a person.

    A letter of which nobody knows whether it arrived is never sent again by itself; a person decides, with a reason.
    """
    settlement = files.build(Settlement, how=SettlementHow(how.replace("-", "_")), email=email, reason=reason)
    desk = await call.desk()
    state = await desk.settle_letter(reference, settlement)
    return Reply({"letter": reference, "state": state}, [f"Letter {reference} is {state.value}."])
