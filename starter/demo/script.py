"""What the officers do, and when. They follow the calendar and what the register shows, never the clock's pace."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from domain.candidacy import Act, Answer, Declaration, Information, InformationRequest, Measure, Reason, Stage
from domain.ledger import Affected
from domain.lists import (
    BureauDecision,
    DecisionOutcome,
    Drafting,
    ListAct,
    ListPlan,
    ListStage,
    ListState,
    Place,
    Proposal,
    Ratification,
    RatificationOutcome,
    Votes,
)
from domain.model import Model
from domain.people import Nomination, SeatKind
from domain.session import SessionAmendment, SessionPlan, SessionStage, SessionState
from domain.suspension import (
    Assignment,
    Charge,
    Evidence,
    Observations,
    Recommendation,
    ReviewReport,
    Service,
    SuspensionAct,
    SuspensionDecision,
    SuspensionStage,
)
from domain.timelimits import day_of, start_of
from domain.vetting import Assessment, Finding, Judgement
from starter.demo.board import SETTLED, Board
from starter.demo.parts import Offices
from starter.demo.stories import AMENDED_CLOSING, NOMINATED_TWICE
from starter.desk import Desk, Refused, Taken
from starter.watching import steps_after

_AT_ONCE: Final = 4
"""Commands under way at one time."""
_WITHDRAWAL: Final = date(2026, 4, 27)
_COMPLAINT: Final = date(2026, 5, 6)
_AMENDMENT: Final = date(2026, 6, 29)
_SYMBOL: Final = date(2026, 7, 2)
_COMPARISON: Final = date(2026, 9, 1)
_DOUBTED: Final = "opposed-regime"
_DENIED: Final = "no-state-service"


class Surprise(Exception):
    """The desk did something else than it must."""


@dataclass(frozen=True)
class Refusal:
    """A command that a rule forbade, as it had to."""

    what: str
    rule: str
    message: str


@dataclass
class Walk:
    """The walk through the session.

    Attributes:
        offices: The officers.
        plan: The session's plan, with its compressed calendar.
        cast: The nominations, by the names of the stories.
        board: What the register shows.
        references: The candidacies, by the names of the stories.
        suspensions: The suspensions, by the names of the stories.
        list_reference: The session list, once there is one.
        refusals: What was refused.
        affected: Whom the amendment of the session affected.
    """

    offices: Offices
    plan: SessionPlan
    cast: Mapping[str, Nomination]
    board: Board
    references: dict[str, str] = field(default_factory=dict)
    suspensions: dict[str, str] = field(default_factory=dict)
    list_reference: str = ""
    refusals: list[Refusal] = field(default_factory=list)
    affected: tuple[Affected, ...] = ()
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def run(self) -> None:
        """Walk to the session's end.

        Raises:
            Surprise: The desk did something else than it must.
            DeskError: It refused what it must take, or a part of it does not answer.
        """
        opened = await self.offices.desk.open_session(self.plan)
        self.board.taken(opened.receipt, "O-1 opens the session")
        session = await self.offices.desk.session(self.plan.reference)
        async with asyncio.TaskGroup() as stories:
            # One nomination after the other, so that the references are the same in every walk.
            for name, story in (
                ("takes-part", self._assessed),
                ("third-assessor", self._third_assessor),
                ("withdraws", self._assessed),
                ("stays-on-reserve", self._assessed),
                ("not-retained", self._information),
                ("stays-silent", self._silent),
                ("declines", self._declines),
                ("answers-no", self._answers_no),
            ):
                stories.create_task(story(await self._nominated(session, name)))
            await self._nominated_again(session)
        await self._until(self.plan.nominations_close + timedelta(days=1))
        await self._list(session)
        await self._until(_WITHDRAWAL)
        await self._withdrawal()
        await self._until(_COMPLAINT)
        await self._complaint()
        await self._until(_AMENDMENT)
        await self._amendment()
        await self._until(_SYMBOL)
        await self._symbol()
        await self._until(_COMPARISON)
        await self._comparison()
        await self.board.until_at({self.plan.reference: SessionStage.CLOSED})
        await self.board.until(self._all_is_over)

    async def _nominated(self, session: SessionState, story: str) -> str:
        """The reference of a story's candidacy, once it is nominated."""
        nomination = self.cast[story]
        async with self._free:
            taken = await self.offices.desk.nominate(session, nomination)
        reference = taken.receipt.reference
        self._must(taken.fresh, f"{reference} was there before {story} was nominated")
        self.references[story] = reference
        self.board.people[reference] = nomination.candidate
        self.board.taken(taken.receipt, "O-1 takes the nomination")
        return reference

    async def _nominated_again(self, session: SessionState) -> None:
        """A person who is nominated already, under a name in another script."""
        nomination = self.cast[NOMINATED_TWICE]
        async with self._free:
            taken = await self.offices.desk.nominate(session, nomination)
        reference = self.references["third-assessor"]
        same = not taken.fresh and taken.receipt.reference == reference
        self._must(same, f"{taken.receipt.reference} was opened for the person of {reference}")
        self.board.say(f"{nomination.candidate.contact.name} is nominated: that is {reference}, and nothing is started")

    async def _declared(self, reference: str) -> None:
        declaration, told = self._declaration(), "records the declaration"
        await self._act(self.offices.desk, reference, Act.DECLARE, declaration, told, Stage.VETTING)

    async def _assessed(self, reference: str) -> None:
        await self._declared(reference)
        await self._cleared_by_two(reference)

    async def _cleared_by_two(self, reference: str) -> None:
        first, second = self.offices.vetting_one, self.offices.vetting_two
        clear = self._assessment(Judgement.CLEAR)
        await self._act(first, reference, Act.ASSESS, clear, "finds all clear", Stage.VETTING)
        await self._act(second, reference, Act.ASSESS, clear, "finds all clear", Stage.CLEARED)

    async def _third_assessor(self, reference: str) -> None:
        """Two officers do not agree, and neither may be the third as well."""
        first, second = self.offices.vetting_one, self.offices.vetting_two
        third = self.offices.vetting_three
        await self._declared(reference)
        clear, unsure = self._assessment(Judgement.CLEAR), self._assessment(Judgement.UNSURE)
        await self._act(first, reference, Act.ASSESS, clear, "finds all clear", Stage.VETTING)
        await self._act(second, reference, Act.ASSESS, unsure, f"is unsure about {_DOUBTED}", Stage.VETTING)
        await self._refused(
            f"{second.officer} assesses {reference} a second time",
            second.act(reference, Act.ASSESS, clear),
            rule="two-officers",
        )
        await self._act(third, reference, Act.ASSESS, clear, "finds all clear, as the third", Stage.CLEARED)

    async def _information(self, reference: str) -> None:
        """Asked for information before anybody assesses."""
        desk = self.offices.desk
        await self._declared(reference)
        question = InformationRequest(question="Which organisations have you worked for since 2014?")
        answer = Information(answer="The Imaginary Society, and nobody else.", documents=("Exhibit 1",))
        asked, given = Act.REQUEST_INFORMATION, Act.SUPPLY_INFORMATION
        await self._act(desk, reference, asked, question, "asks for information", Stage.INFORMATION_REQUESTED)
        await self._act(desk, reference, given, answer, "records the answer", Stage.VETTING)
        await self._cleared_by_two(reference)

    async def _silent(self, reference: str) -> None:
        """Nobody answers, and the time-limit does the rest."""
        await self.board.until_at({reference: Stage.LAPSED})

    async def _declines(self, reference: str) -> None:
        reason = Reason(reason="No time this year.")
        await self._act(self.offices.desk, reference, Act.DECLINE, reason, "records a no", Stage.DECLINED)

    async def _answers_no(self, reference: str) -> None:
        declaration = self._declaration(denied=_DENIED)
        told = f"records a no to {_DENIED}"
        await self._act(self.offices.desk, reference, Act.DECLARE, declaration, told, Stage.INELIGIBLE)

    async def _list(self, session: SessionState) -> None:
        """One draft too generous, one good, one better; proposed, adopted, ratified."""
        desk, president, bureau = self.offices.desk, self.offices.president, self.offices.bureau
        seated = {
            self.references["takes-part"]: SeatKind.GENERAL,
            self.references["withdraws"]: SeatKind.GENERAL,
            self.references["third-assessor"]: SeatKind.RESERVED,
        }
        reserve, left = self.references["stays-on-reserve"], self.references["not-retained"]
        generous = _plan(seated | {reserve: SeatKind.GENERAL}, reserve=(left,))
        await self._refused(
            "O-1 drafts a list with three general seats", desk.draft_list(session, generous), rule="general-seats"
        )
        first = await desk.draft_list(session, _plan(seated, reserve=(reserve, left)))
        self.list_reference = first.receipt.reference
        self.board.taken(first.receipt, "O-1 drafts the list")
        second = await desk.draft_list(session, _plan(seated, reserve=(reserve,), not_retained=(left,)))
        self.board.taken(second.receipt, "O-1 drafts it anew")
        await self._refused(
            "O-4 proposes the list under the hash of the first draft",
            president.act_on_list(self.list_reference, ListAct.PROPOSE, Proposal(hash=first.receipt.details["hash"])),
            rule="list-hash",
        )
        frozen = str(second.receipt.details["hash"])
        proposal = Proposal(hash=frozen)
        await self._act_on_list(president, ListAct.PROPOSE, proposal, "proposes the list", ListStage.PROPOSED)
        await self.board.until_at(dict.fromkeys(seated, Stage.PROPOSED) | {reserve: Stage.RESERVE})
        await self._until(self.plan.opens)
        decision = BureauDecision(
            hash=frozen,
            outcome=DecisionOutcome.ADOPTED,
            votes=Votes(in_favour=14, against=3, abstentions=2, recusals=("One member",)),
            reference="Bureau, January 2026",
        )
        told = "records the Bureau's vote, 14 to 3"
        await self._act_on_list(bureau, ListAct.DECIDE, decision, told, ListStage.ADOPTED)
        ratification = Ratification(
            hash=frozen, outcome=RatificationOutcome.RATIFIED, reference="Assembly, January 2026"
        )
        told = "records the plenary's ratification"
        await self._act_on_list(bureau, ListAct.RATIFY, ratification, told, ListStage.RATIFIED)
        await self.board.until_at(dict.fromkeys(seated, Stage.PARTICIPANT) | {left: Stage.NOT_RETAINED})

    async def _withdrawal(self) -> None:
        """A participant withdraws, and the list learns of it."""
        desk, reference = self.offices.desk, self.references["withdraws"]
        reason = Reason(reason="Moves to another country.")
        seen = self.board.cases[self.list_reference].seq
        await self._act(desk, reference, Act.WITHDRAW, reason, "records the withdrawal", Stage.WITHDRAWN)
        await self.board.until(lambda: self.board.cases[self.list_reference].seq > seen)
        state = ListState.model_validate((await desk.case(self.list_reference)).state)
        self._must(
            state.vacated == (reference,), f"{self.list_reference} does not know that {reference} has left its seat"
        )
        self.board.say(f"{self.list_reference}: the seat of {reference} is vacant")

    async def _complaint(self) -> None:
        """A complaint, answered, reviewed, and not borne out: everything is as before."""
        charge = Charge(
            ground="complaint",
            measure=Measure.PARTIAL,
            scope="No word in the committees.",
            evidence=(Evidence(source="Letter of two members"),),
            reason="Two members say that they were shouted at.",
        )
        suspension = await self._suspended("takes-part", charge)
        answer = Observations(answer="I spoke up because the microphone was off.")
        told = "records the participant's answer"
        await self._rule(self.offices.desk, suspension, SuspensionAct.OBSERVE, answer, told, SuspensionStage.REVIEW)
        await self._reviewed(suspension, Recommendation.LIFTED)
        await self._refused(
            f"{self.offices.desk.officer}, who opened {suspension}, decides it",
            self.offices.desk.act_on_suspension(suspension, SuspensionAct.DECIDE, _decision(Recommendation.LIFTED)),
            rule="three-persons",
        )
        await self._decided("takes-part", Recommendation.LIFTED, SuspensionStage.LIFTED, Stage.PARTICIPANT)

    async def _symbol(self) -> None:
        """A banned symbol, no answer in time, and the Bureau excludes; the reserved seat stays reserved."""
        charge = Charge(
            ground="banned-symbol",
            measure=Measure.FULL,
            evidence=(Evidence(source="https://example.org/photograph"),),
            reason="The symbol was worn in the chamber.",
        )
        suspension = await self._suspended("third-assessor", charge)
        await self.board.until_at({suspension: SuspensionStage.REVIEW})
        await self._reviewed(suspension, Recommendation.EXCLUDED)
        seen = self.board.cases[self.list_reference].seq
        await self._decided("third-assessor", Recommendation.EXCLUDED, SuspensionStage.EXCLUDED, Stage.EXCLUDED)
        await self.board.until(lambda: self.board.cases[self.list_reference].seq > seen)
        vacated = (await steps_after(self.offices.desk, self.list_reference, seen))[0]
        follows = f"may-follow:{self.references['stays-on-reserve']}"
        self._must(vacated.effects == (follows,), f"{self.list_reference} does not say who may follow")
        self.board.say(f"{self.list_reference}: a seat is vacant; {follows.replace(':', ' ')}")

    async def _suspended(self, story: str, charge: Charge) -> str:
        """The reference of a suspension that was opened and served."""
        desk, reference = self.offices.desk, self.references[story]
        async with self._free:
            taken = await desk.open_suspension(reference, charge)
        suspension = taken.receipt.reference
        self.suspensions[story] = suspension
        self.board.people[suspension] = self.cast[story].candidate
        self._landed(desk, taken, f"opens a suspension of {reference}: {charge.ground}", SuspensionStage.OPENED)
        await self.board.until_at({reference: Stage.SUSPENDED})
        service = Service(how="Registered letter, signed for", on=day_of(self.board.now))
        told = "records that the notice was delivered"
        await self._rule(desk, suspension, SuspensionAct.SERVE, service, told, SuspensionStage.HEARING)
        return suspension

    async def _reviewed(self, suspension: str, recommendation: Recommendation) -> None:
        """A reviewer who had no part in the opening reports."""
        desk, reviewer = self.offices.desk, self.offices.reviewer
        assignment = Assignment(reviewer=reviewer.officer)
        told = f"has {reviewer.officer} review it"
        await self._rule(desk, suspension, SuspensionAct.ASSIGN, assignment, told, SuspensionStage.REVIEW)
        report = ReviewReport(text="The file was read, and everybody was heard.", recommendation=recommendation)
        told = f"reports: {recommendation}"
        await self._rule(reviewer, suspension, SuspensionAct.REPORT, report, told, SuspensionStage.REVIEW)

    async def _decided(self, story: str, outcome: Recommendation, ending: SuspensionStage, stage: Stage) -> None:
        """The Bureau decides, and both cases come to say so."""
        suspension, told = self.suspensions[story], f"records the Bureau's vote: {outcome}"
        decision = _decision(outcome)
        await self._rule(self.offices.bureau, suspension, SuspensionAct.DECIDE, decision, told, SuspensionStage.DECIDED)
        await self.board.until_at({suspension: ending, self.references[story]: stage})

    async def _rule(
        self, desk: Desk, reference: str, act: SuspensionAct, content: Model, told: str, stage: SuspensionStage
    ) -> None:
        async with self._free:
            taken = await desk.act_on_suspension(reference, act, content)
        self._landed(desk, taken, told, stage)

    async def _amendment(self) -> None:
        """The session ends a week later, and the desk sees first whose dates move."""
        desk, reference = self.offices.desk, self.plan.reference
        amendment = SessionAmendment(closes=AMENDED_CLOSING, reason="The first part-session of 2027 begins later.")
        foreseen = await desk.preview_amendment(reference, amendment)
        taken = await desk.amend_session(reference, amendment)
        self.affected = tuple(Affected.model_validate(each) for each in taken.receipt.details["affected"])
        self._must(self.affected == foreseen, f"the amendment of {reference} affected others than it was said to")
        staying = {self.references[story] for story in ("takes-part", "third-assessor", "stays-on-reserve")}
        self._must(
            {each.reference for each in foreseen} == staying, f"the amendment of {reference} affects the wrong cases"
        )
        self.board.taken(taken.receipt, f"O-1 moves the closing date to {AMENDED_CLOSING}")
        for each in foreseen:
            self.board.say(f"{self.board.named(each.reference)}: {', '.join(each.moved)} move with it")

    async def _comparison(self) -> None:
        """The ledger is compared with the workflows while cases are open."""
        found = await self.offices.desk.verify_ledger()
        differing = ", ".join(sorted({each.reference for each in found.differences}))
        self._must(not differing, f"the ledger and the workflows differ: {differing}")
        self.board.say(f"the ledger and the workflows agree: {found.cases} cases, {found.steps} steps")

    async def _act(self, desk: Desk, reference: str, act: Act, content: Model, told: str, stage: Stage) -> None:
        async with self._free:
            taken = await desk.act(reference, act, content)
        self._landed(desk, taken, told, stage)

    async def _act_on_list(self, desk: Desk, act: ListAct, content: Model, told: str, stage: ListStage) -> None:
        self._landed(desk, await desk.act_on_list(self.list_reference, act, content), told, stage)

    def _landed(self, desk: Desk, taken: Taken, told: str, stage: str) -> None:
        receipt = taken.receipt
        self.board.taken(receipt, f"{desk.officer} {told}")
        self._must(
            receipt.stage == stage, f"{receipt.reference} is {receipt.stage} and not {stage} after {receipt.act}"
        )

    async def _refused(self, what: str, command: Awaitable[Taken], *, rule: str) -> None:
        """Give a command that a rule forbids."""
        try:
            async with self._free:
                await command
        except Refused as refused:
            if refused.rule != rule:
                raise
            self.refusals.append(Refusal(what=what, rule=rule, message=str(refused)))
            self.board.say(f"{what}: refused ({rule}): {refused}")
        else:
            raise Surprise(f"{what}: was taken, which rule {rule} forbids")

    def _must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise Surprise(otherwise)

    async def _until(self, day: date) -> None:
        """Wait until a day begins at the seat."""
        await asyncio.sleep(self.plan.clock.wait(start_of(day), datetime.now(UTC)).total_seconds())

    def _all_is_over(self) -> bool:
        ended = all(row.ended for row in self.board.cases.values())
        return ended and all(letter.state in SETTLED for letter in self.board.letters.values())

    def _declaration(self, *, denied: str | None = None) -> Declaration:
        keys = self.plan.criteria.keys
        return Declaration(consent=True, answers=tuple(Answer(criterion=key, affirmed=key != denied) for key in keys))

    def _assessment(self, of_the_doubted: Judgement) -> Assessment:
        """Clear in everything but what is doubted."""
        return Assessment(
            findings=tuple(
                Finding(
                    criterion=key,
                    judgement=of_the_doubted if key == _DOUBTED else Judgement.CLEAR,
                    reason="The file was read, and what it says was looked up.",
                    evidence=("Exhibit 1",),
                )
                for key in self.plan.criteria.keys
            )
        )


def _decision(outcome: Recommendation) -> SuspensionDecision:
    votes = Votes(in_favour=13, against=4)
    return SuspensionDecision(outcome=outcome, reference="Bureau, 2026", votes=votes, reason="As the report says.")


def _plan(seats: Mapping[str, SeatKind], *, reserve: tuple[str, ...], not_retained: tuple[str, ...] = ()) -> Drafting:
    places = tuple(Place(candidacy=reference, seat=seat) for reference, seat in seats.items())
    return Drafting(plan=ListPlan(seats=places, reserve=reserve, not_retained=not_retained))
