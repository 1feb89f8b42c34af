"""What every case has in common: steps that follow each other, and what a step leads to."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AwareDatetime, Field, StringConstraints

from domain.errors import NotAtThisStage
from domain.ids import OfficerId
from domain.model import Model
from domain.notices import Notice
from domain.signing import Digest, Signed, digest

DecisionId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.:/-]{1,100}$")]


class CaseKind(StrEnum):
    """The kinds of case the desk keeps."""

    SESSION = "session"
    CANDIDACY = "candidacy"
    LIST = "list"
    SUSPENSION = "suspension"


class Trigger(StrEnum):
    """What set a step off."""

    OFFICER = "officer"
    TIME = "time"
    CASE = "case"


class Step(Model):
    """One step of a case, as the ledger keeps it.

    Attributes:
        seq: Its number within the case, from 1, without gaps.
        act: What was done.
        trigger: An officer's command, a time-limit, or word from another case.
        at: The calendar's reading when it was taken.
        stage_before: Where the case stood; empty for the first step.
        stage: Where it stands now.
        decision: The id of the command or word, the same each time it is sent.
        signer: The person who signed the command.
        addressed: The case as the command names it.
        basis, content_hash, issued, nonce, key, signature: The rest of the command's envelope.
        token: What stands for the signature; on its way to the ledger, which does not keep it.
        content: The command or word itself.
        effects: In words for programs, everything the step brought about besides the stage.
    """

    seq: int = Field(ge=1)
    act: str
    trigger: Trigger
    at: AwareDatetime
    stage_before: str = ""
    stage: str
    decision: DecisionId
    signer: OfficerId | None = None
    addressed: str | None = None
    basis: int | None = None
    content_hash: str | None = None
    issued: AwareDatetime | None = None
    nonce: str | None = None
    key: str | None = None
    signature: str | None = None
    token: str | None = None
    content: dict[str, Any] = {}
    effects: tuple[str, ...] = ()

    @property
    def signed(self) -> Signed | None:
        """The command that became this step, without its content, and who vouches for it; None where nobody does."""
        if self.key is None or (self.signature is None and self.token is None):
            return None
        fields = {name: getattr(self, name) for name in Signed.model_fields if name not in {"case", "evidence"}}
        return Signed.model_validate(fields | {"case": self.addressed})


class Dispatch(Model):
    """Word for another case, delivered as a signal; the receiver knows it again by its decision id."""

    workflow_id: str
    signal: str
    decision: DecisionId
    content: dict[str, Any]


class Told(Model):
    """A step's word for others, as the ledger keeps it: to whom, under which decision, and the digest of what was said.

    ``to`` is the workflow that hears it, or that of a session for word to all of its cases.
    """

    to: str
    decision: DecisionId
    digest: Digest


class Due(Model):
    """Something that a case does by itself at an instant of the calendar."""

    at: AwareDatetime
    kind: str


def check_move(kind: CaseKind, act: StrEnum, stage: StrEnum, allowed: Collection[StrEnum]) -> None:
    """Whether an act belongs to the stage a case is at.

    Args:
        kind: The kind of case.
        act: What would be done.
        stage: Where the case stands.
        allowed: The stages from which the kind's table of moves allows the act.

    Raises:
        NotAtThisStage: It does not; the message says from where it would be possible.
    """
    if stage not in allowed:
        where = ", ".join(each.value for each in type(stage) if each in allowed)
        raise NotAtThisStage(
            f"{act.value} is not possible while the {kind.value} is {stage.value}; it belongs to: {where}",
            rule=f"{kind.value}-{act.value.replace('_', '-')}",
        )


class CaseState(Model, ABC):
    """The whole of a case, in one value that can be written down and started again from.

    Attributes:
        reference: The case's reference; empty until its first step stands in the ledger.
        seq: How many steps were taken.
        entered: The calendar's reading when the case came to its present stage.
        mark: Everything due up to here is dealt with.
        decisions: The step that each command or word led to, by its id.
        outbox: Word for other cases that may not have been delivered yet.
    """

    reference: str = ""
    seq: int = 0
    entered: AwareDatetime
    mark: AwareDatetime
    decisions: dict[str, int] = {}
    outbox: tuple[Dispatch, ...] = ()

    def earlier(self, command: str) -> str | None:
        """The last decision in which the same officer gave the same command, if it was ever taken."""
        same = (decision for decision in self.decisions if decision.startswith(f"{command}."))
        return max(same, key=self.decisions.__getitem__, default=None)

    @property
    def imprint(self) -> str:
        """The digest of the whole state, but for what comes to it after its step was taken.

        A field that is at its default does not count, so that a newer build with one more field finds the same.
        """
        told = {"outbox", "reference"}
        return digest(self.model_dump(mode="json", exclude=told, exclude_defaults=True))

    @property
    def imprints(self) -> dict[str, str]:
        """The digest of each part of the state, by which two of them can be compared and nothing of either is told."""
        parts = self.model_dump(mode="json", exclude={"outbox"})
        return {name: digest(value) for name, value in parts.items()} | {"seq": str(self.seq)}

    def circulars(self) -> tuple[Told, ...]:
        """What every case of a session may be told about this one as it stands now."""
        return ()

    @property
    @abstractmethod
    def workflow_id(self) -> str:
        """The workflow that carries this case."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""


def unsigned_step(
    state: CaseState,
    act: StrEnum,
    trigger: Trigger,
    at: AwareDatetime,
    *,
    before: StrEnum,
    stage: StrEnum,
    decision: str | None = None,
    effects: Iterable[str] = (),
    content: Model | None = None,
) -> Step:
    """The next step of a case that no officer signed: a time-limit's, or word from another case.

    Without a ``decision`` it is known by its number, since what comes due comes due once.
    """
    seq = state.seq + 1
    return Step(
        seq=seq,
        act=act,
        trigger=trigger,
        at=at,
        stage_before=before,
        stage=stage,
        decision=decision or f"due:{seq}",
        effects=tuple(effects),
        content=content.model_dump(mode="json") if content is not None else {},
    )


S = TypeVar("S", bound=CaseState)


class Outcome(Model, Generic[S]):
    """What a step leads to: the new state, the step for the ledger, the letters to write, and word for other cases.

    ``dispatches`` stand in the state's outbox as well, until they are known to be delivered.
    """

    state: S
    step: Step
    notices: tuple[Notice, ...] = ()
    dispatches: tuple[Dispatch, ...] = ()
