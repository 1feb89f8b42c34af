"""The one envelope in which every command travels, and the receipt that comes back."""

from typing import Any, Generic, TypeVar

from pydantic import AwareDatetime, Field

from domain.errors import AlteredCommand
from domain.ids import KeyId, OfficerId
from domain.model import Model
from domain.signing import Digest, Nonce, Signed, covered, decision_of, digest
from domain.steps import Step, Trigger

C = TypeVar("C", bound=Model, covariant=True)


class Envelope(Model, Generic[C]):
    """A command: what is to be done in which case, and who says so.

    Attributes:
        act: The act's name.
        case: The case's reference, or its workflow id where it has no reference yet.
        content: The command's own data.
        content_hash: The digest of ``content``.
        basis: The last step of the case that the signer had seen.
        issued: When it was signed, by the signer's clock.
        nonce: Random, so that two signatures never cover the same bytes.
        signer: The person who acts. No other field of any command says who that is.
        key: The key the signature was made with; the signer may have several. Or the identity that the token is of.
        signature: The signature over all of this but the content, of which it covers the digest.
        token: A bearer token of the signer's house in the place of a signature.
    """

    act: str
    case: str
    content: C
    content_hash: Digest
    basis: int = Field(default=0, ge=0)
    issued: AwareDatetime
    nonce: Nonce
    signer: OfficerId
    key: KeyId | None = None
    signature: str | None = None
    token: str | None = None

    @property
    def command(self) -> str:
        """What stays the same each time the same officer says the same about the same case, at whatever time."""
        return decision_of(self.act, self.case, self.content_hash, self.signer)

    @property
    def decision(self) -> str:
        """The command's id: said again about a case that has gone on, the same words are another command.

        It does not depend on the time or the nonce, so a command whose outcome is unknown can simply be sent again.
        """
        return f"{self.command}.{self.basis}"

    @property
    def covered(self) -> bytes:
        """The bytes that the signature is over; ``key`` must be set."""
        return covered(self.model_dump(exclude={"content", "signature", "token"}))

    @property
    def signed(self) -> Signed | None:
        """The command without its content, and who vouches for it; None where nobody does."""
        if self.key is None or (self.signature is None and self.token is None):
            return None
        return Signed.model_validate(self.model_dump(exclude={"content"}))

    def verify(self, *, act: str, case: frozenset[str]) -> None:
        """Check that the envelope holds what it says and is meant for this act and case.

        Raises:
            AlteredCommand: The content, the act or the case is another one.
        """
        if self.content_hash != digest(self.content.model_dump(mode="json")):
            raise AlteredCommand("the content is not what the envelope was closed over", rule="content-hash")
        if self.act != act:
            raise AlteredCommand(f"the envelope says {self.act}, not {act}", rule="envelope-act")
        if self.case not in case:
            raise AlteredCommand("the envelope is addressed to another case", rule="envelope-case")

    def agrees(self, *, act: str, case: frozenset[str]) -> bool:
        """Whether the envelope holds what it says and is meant for this act and case."""
        try:
            self.verify(act=act, case=case)
        except AlteredCommand:
            return False
        return True

    def step(self, *, seq: int, at: AwareDatetime, before: str, stage: str, effects: tuple[str, ...] = ()) -> Step:
        """The step that this command becomes in the ledger."""
        return Step(
            seq=seq,
            act=self.act,
            trigger=Trigger.OFFICER,
            at=at,
            stage_before=before,
            stage=stage,
            decision=self.decision,
            signer=self.signer,
            addressed=self.case,
            basis=self.basis,
            content_hash=self.content_hash,
            issued=self.issued,
            nonce=self.nonce,
            key=self.key,
            signature=self.signature,
            token=self.token,
            content=self.content.model_dump(mode="json"),
            effects=effects,
        )


class Receipt(Model):
    """The answer to a command, given once the step stands in the ledger.

    Attributes:
        reference: The case.
        seq: The step the command became.
        act: What was done.
        stage: Where the case stands after that step.
        at: The calendar's reading when it was taken.
        deadline: What the case waits for next, if for anything.
        letters: How many letters the step decided.
        nonce: The nonce of the envelope that was taken; another than one's own where the same command had been taken
            before and nothing was done again.
        details: What else the officer should see, by name.
    """

    reference: str
    seq: int = Field(ge=1)
    act: str
    stage: str
    at: AwareDatetime
    deadline: AwareDatetime | None = None
    letters: int = 0
    nonce: str | None = None
    details: dict[str, Any] = {}

    def answers(self, envelope: Envelope[Model]) -> bool:
        """Whether this very envelope was taken, and not the same command at an earlier time."""
        return self.nonce == envelope.nonce
