"""What came of the walk, held against what must."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from domain.ledger import Affected, LetterRow, LetterState, StepRow, Verification
from domain.notices import Template
from starter import show
from starter.commands.common import each
from starter.demo.board import SETTLED, letters_of
from starter.demo.script import Refusal, Walk
from starter.demo.stories import LIST_WAY, PACED, SESSION_WAY, STORIES, SUSPENSIONS, Story
from starter.watching import steps_after

_LIST: Story = Story(told="the session list", way=LIST_WAY, letters={Template.DESK_VACANCY: 2})
_SESSION: Story = Story(told="the session", way=SESSION_WAY, letters={})


@dataclass(frozen=True)
class Case:
    """One case as the register keeps it in the end, and what had to come of it.

    Attributes:
        reference: The case.
        who: The candidate; empty where it is not about a person.
        story: What had to come of it.
        steps: Its timeline.
    """

    reference: str
    who: str
    story: Story
    steps: Sequence[StepRow]

    @property
    def way(self) -> tuple[str, ...]:
        """The stages it passed through."""
        return tuple(stage for stage, _ in groupby(step.stage for step in self.steps))


@dataclass(frozen=True)
class Outcome:
    """What came of the walk.

    Attributes:
        cases: The candidacies, the suspensions, the list and the session.
        letters: Every letter of the register.
        caught: The Message-ID of every letter that the mail catcher holds.
        verification: What the comparison of the ledger with the workflows found.
        refusals: What a rule forbade, as it had to.
        affected: Whom the amendment of the session affected.
    """

    cases: Sequence[Case]
    letters: Sequence[LetterRow]
    caught: Sequence[str]
    verification: Verification
    refusals: Sequence[Refusal]
    affected: Sequence[Affected]

    def problems(self) -> list[str]:
        """What is not as it must be, a line each; in a walk that was broken off, what is only unfinished as well."""
        return [*self._wrong_ways(), *self._wrong_letters(), *self._wrong_post(), *self._differences()]

    def _wrong_ways(self) -> Iterator[str]:
        if missing := len(STORIES) + len(SUSPENSIONS) + 2 - len(self.cases):
            yield f"cases that were never opened: {missing}"
        for case in self.cases:
            if case.way != case.story.way:
                yield f"{case.reference} went {_arrows(case.way)}, and must go {_arrows(case.story.way)}"

    def _wrong_letters(self) -> Iterator[str]:
        for case in self.cases:
            written = Counter(
                letter.template
                for letter in self.letters
                if letter.case == case.reference and letter.template not in PACED
            )
            for template in sorted(written.keys() | case.story.letters.keys()):
                number, must = written[template], case.story.letters.get(template, 0)
                if number != must:
                    yield f"{case.reference}: {show.counted(number, 'letter')} {template}, and must be {must}"

    def _wrong_post(self) -> Iterator[str]:
        caught = Counter(self.caught)
        for letter in self.letters:
            if letter.state not in SETTLED:
                yield f"letter {letter.reference} is {letter.state}"
            times, must = caught.pop(letter.message_id, 0), int(letter.state is LetterState.SENT)
            if times != must:
                yield f"letter {letter.reference} is {letter.state}, and lies in the mail folder {times} times"
        if caught:
            yield f"letters in the mail folder that the register does not know: {caught.total()}"

    def _differences(self) -> Iterator[str]:
        for found in self.verification.differences:
            yield f"{found.reference}: {found.what}: the ledger says {found.ledger}, the workflow {found.workflow}"

    @property
    def by_state(self) -> Mapping[str, Counter[str]]:
        """How many letters of each kind are in each state."""
        counts: dict[str, Counter[str]] = {}
        for letter in self.letters:
            counts.setdefault(letter.template, Counter())[letter.state] += 1
        return dict(sorted(counts.items()))

    def document(self) -> dict[str, Any]:
        """For a program."""
        return {
            "cases": [
                {
                    "reference": case.reference,
                    "who": case.who or None,
                    "told": case.story.told,
                    "way": case.way,
                    "ending": case.way[-1],
                    "steps": len(case.steps),
                    "letters": sum(letter.case == case.reference for letter in self.letters),
                }
                for case in self.cases
            ],
            "refusals": [
                {"what": refusal.what, "rule": refusal.rule, "message": refusal.message} for refusal in self.refusals
            ],
            "affected": self.affected,
            "letters": {
                "written": len(self.letters),
                "sent": sum(letter.state is LetterState.SENT for letter in self.letters),
                "caught": len(self.caught),
                "kinds": self.by_state,
            },
            "verification": self.verification,
        }

    def shown(self) -> list[RenderableType]:
        """For a person."""
        written = Counter(letter.case for letter in self.letters)
        cases = [
            (case.reference, case.who, case.story.told, _arrows(case.way), len(case.steps), written[case.reference])
            for case in self.cases
        ]
        states = sorted({state for counts in self.by_state.values() for state in counts})
        letters = [
            (kind.replace("_", " "), *(counts[state] or None for state in states))
            for kind, counts in self.by_state.items()
        ]
        found = self.verification
        compared = f"{found.cases} cases, {found.steps} steps, {found.letters} letters"
        differing = show.counted(len(found.differences), "difference") if found.differences else "no difference"
        return [
            show.table("Cases", ("case", "who", "what happens", "how it went", "steps", "letters"), cases),
            show.table(f"Letters ({len(self.letters)})", ("says", *states), letters),
            show.table(
                "Refused, as it must be",
                ("rule", "what", "answer"),
                [(refusal.rule, refusal.what, refusal.message) for refusal in self.refusals],
            ),
            f"Ledger and workflows compared: {compared}; {differing}.",
        ]


async def take_stock(walk: Walk, mail: Path) -> Outcome:
    """Read what came of a walk, whether it is over or was broken off.

    Args:
        walk: The walk.
        mail: The mail catcher's Maildir.
    """
    desk = walk.offices.desk
    stories = {reference: STORIES[name] for name, reference in walk.references.items()}
    stories |= {reference: SUSPENSIONS[name] for name, reference in walk.suspensions.items()}
    rows = await desk.cases()
    others = {walk.plan.reference: _SESSION, walk.list_reference: _LIST}
    known = [row.reference for row in rows if row.reference in stories | others]

    async def case(reference: str) -> Case:
        person = walk.board.people.get(reference)
        return Case(
            reference=reference,
            who=person.contact.name if person else "",
            story=(stories | others)[reference],
            steps=await steps_after(desk, reference, 0),
        )

    return Outcome(
        cases=sorted(await each(known, case), key=lambda case: (case.story in (_LIST, _SESSION), case.reference)),
        letters=await letters_of(desk),
        caught=message_ids(mail),
        verification=await desk.verify_ledger(),
        refusals=walk.refusals,
        affected=walk.affected,
    )


def message_ids(maildir: Path) -> list[str]:
    """The Message-ID of every letter in a Maildir."""
    parser = BytesHeaderParser()
    files = [file for part in ("new", "cur") for file in (maildir / part).glob("*")]
    return [str(parser.parsebytes(file.read_bytes())["Message-ID"]) for file in files]


def _arrows(way: Sequence[str]) -> str:
    return " → ".join(stage.replace("_", " ") for stage in way)
