"""The one place where ports meet adapters."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.care import Care
from activities.enquire import Enquiries
from activities.erase import Erasing
from activities.officers import Officers
from activities.ports import (
    Cases,
    Erasures,
    Estate,
    Judging,
    Keys,
    Ledger,
    Mailer,
    Memories,
    Proofs,
    Renderer,
    Retentions,
    Screener,
    Sealer,
    Watchlists,
)
from activities.post import HEARTBEAT, Patience, Post
from activities.rebuild import Rebuild
from activities.record import Offices, Recording
from activities.retain import Retaining
from activities.screen import Lists, Screenings
from activities.seal import Sealing
from adapters.aside import Aside
from adapters.cases import TemporalCases
from adapters.keys.keyring import Keyring
from adapters.memory import TemporalMemories
from adapters.screening.local import BEGIN_WITH, LocalScreener, entry_keys
from adapters.screening.several import Several
from adapters.screening.yente import Remote, YenteScreener
from adapters.seal import Ed25519Sealer
from adapters.signatures import JsonWebSignatures, SignaturesAside
from adapters.smtp import SmtpMailer
from adapters.sql import engine as sql_engine
from adapters.sql import migrate, rights
from adapters.sql.ledger import SqlLedger
from adapters.sql.watchlists import SqlWatchlists
from adapters.tokens import OidcTokens
from adapters.watchlists.store import HandedIn
from config import keys
from config.settings import PREFIX, Settings, WrongSetting, length_of
from domain.authority import Freshness, Judge
from domain.candidacy import ENDINGS, Stage
from domain.ids import lists_queue, screening_queue
from domain.notices import Role
from domain.people import Contact, Language
from domain.retention import Keeping, Retention, RetentionRule
from domain.screening import ListKind, Trust, Watchlist
from domain.timelimits import Limit
from letters.render import TemplateRenderer
from worker.shifts import AFTER_GRACE, working
from workflows.registry import SANDBOX, WORKFLOWS

_NOT_ALLOWED: Final = "42501"
"""PostgreSQL's insufficient_privilege."""


@dataclass(frozen=True)
class Parts:
    """What a worker is made of."""

    engine: AsyncEngine
    mailer: SmtpMailer
    keyring: Keyring
    sealer: Ed25519Sealer


@asynccontextmanager
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    """Open the keys, the database and the mailer, and close them at the end.

    Raises:
        WrongSetting: The database, the master key or the seal's key is not set, or the mail server's authorities cannot
            be read.
    """
    if settings.database_url is None:
        raise WrongSetting("DESK_DATABASE_URL: is needed by the worker")
    if settings.seal_key is None:
        raise WrongSetting("DESK_SEAL_KEY: is needed by the worker")
    sealer = Ed25519Sealer(
        bytes.fromhex(settings.seal_key.get_secret_value()), map(bytes.fromhex, (settings.seal_former or "").split())
    )
    mailer = _mailer(settings)
    keyring = keys.keyring(settings)
    engine = sql_engine.create(settings.database_url.get_secret_value(), pool=settings.database_pool)
    try:
        yield Parts(engine=engine, mailer=mailer, keyring=keyring, sealer=sealer)
    finally:
        await mailer.aclose()
        await engine.dispose()
        await keyring.aclose()


async def prepare(parts: Parts, settings: Settings) -> None:
    """Bring the database up to date, and make sure that the keys are its own.

    Where the login is set whose the tables are, it does this, and gives the worker's own its rights.

    Raises:
        WrongSetting: They are not, or the worker's own login may not change the tables that must be.
    """
    if settings.database_owner_url is None:
        try:
            await _up_to_date(parts.engine, parts, settings)
        except DBAPIError as failed:
            if getattr(failed.orig, "sqlstate", None) != _NOT_ALLOWED:
                raise
            raise WrongSetting("DESK_DATABASE_OWNER_URL: is needed by --migrate, which must come first") from None
        return
    owner = sql_engine.create(settings.database_owner_url.get_secret_value(), pool=1)
    try:
        await _up_to_date(owner, parts, settings)
        if settings.database_url is not None:
            await rights.grant(owner, settings.database_url.get_secret_value())
    finally:
        await owner.dispose()


async def _up_to_date(engine: AsyncEngine, parts: Parts, settings: Settings) -> None:
    if await migrate.holds_sealed(engine):
        # Making a key now would hide that the others are elsewhere.
        await keys.check(parts.keyring, settings)
    else:
        await keys.begin(parts.keyring, settings)
    await migrate.upgrade(engine, parts.keyring)


def _mailer(settings: Settings) -> SmtpMailer:
    try:
        return SmtpMailer(
            host=settings.mail_host,
            port=settings.mail_port,
            security=settings.mail_security.value,
            username=settings.mail_username,
            password=settings.mail_password.get_secret_value() if settings.mail_password else None,
            timeout=settings.mail_timeout,
            connections=settings.mail_connections,
            sender=settings.mail_sender,
            sender_name=settings.mail_sender_name,
            cafile=settings.mail_ca_file,
        )
    except OSError:
        # Nothing is connected yet: only the file of authorities was read.
        raise WrongSetting("DESK_MAIL_CA_FILE: is no file of certificates that can be read") from None


@dataclass(frozen=True)
class Ports:
    """Everything the activities need of the world."""

    ledger: Ledger
    mailer: Mailer
    renderer: Renderer
    cases: Cases
    memories: Memories
    judge: Judging
    proofs: Proofs
    sealer: Sealer
    keys: Keys
    erasures: Erasures
    estate: Estate
    retentions: Retentions
    retention: Retention
    screener: Screener
    watchlists: Watchlists
    desk: Contact
    patience: Patience
    offices: Offices = field(default_factory=dict)


def _offices(settings: Settings) -> Offices:
    """Where the letters of other offices than the desk go."""
    bureau = Contact(
        name=settings.bureau_name,
        email=settings.bureau_address or settings.desk_address,
        language=Language(settings.bureau_language),
    )
    secretariats = tuple(
        Contact(name=settings.secretariat_name, email=address, language=Language(language))
        for address, language in settings.secretariat_readers
    )
    return {Role.BUREAU: (bureau,), Role.SECRETARIAT: secretariats}


def activities(ports: Ports) -> tuple[Callable[..., Any], ...]:
    """Every activity on the main task queue, over these ports."""
    recording = Recording(ledger=ports.ledger, renderer=ports.renderer, desk=ports.desk, offices=ports.offices)
    post = Post(
        ledger=ports.ledger, mailer=ports.mailer, renderer=ports.renderer, desk=ports.desk, patience=ports.patience
    )
    enquiries = Enquiries(ledger=ports.ledger, cases=ports.cases, retention=ports.retention)
    care = Care(ledger=ports.ledger, cases=ports.cases, judge=ports.judge, proofs=ports.proofs, sealer=ports.sealer)
    officers = Officers(ledger=ports.ledger)
    sealing = Sealing(ledger=ports.ledger, sealer=ports.sealer)
    erasing = Erasing(
        ledger=ports.ledger,
        erasures=ports.erasures,
        estate=ports.estate,
        keys=ports.keys,
        sealer=ports.sealer,
        retention=ports.retention,
    )
    retaining = Retaining(
        ledger=ports.ledger,
        retentions=ports.retentions,
        renderer=ports.renderer,
        desk=ports.desk,
        retention=ports.retention,
    )
    lists = Lists(watchlists=ports.watchlists, ledger=ports.ledger, cases=ports.cases)
    rebuild = Rebuild(
        ledger=ports.ledger,
        memories=ports.memories,
        erasures=ports.erasures,
        retentions=ports.retentions,
        sealer=ports.sealer,
        renderer=ports.renderer,
        desk=ports.desk,
        offices=ports.offices,
    )
    return (
        recording.record_step,
        post.deliver_letters,
        post.deliver_letter,
        post.report_trouble,
        post.settle_letter,
        enquiries.answer,
        enquiries.standings,
        enquiries.ending,
        enquiries.preview_amendment,
        care.rearm_cases,
        care.reinstate,
        care.verify,
        care.recover,
        sealing.seal_ledger,
        erasing.request_erasure,
        erasing.erase,
        erasing.expire,
        erasing.check_certificate,
        retaining.retain,
        retaining.announce_erasures,
        retaining.due_erasures,
        lists.ask_lists,
        lists.remove_list,
        lists.rescreen_cases,
        rebuild.rebuild,
        officers.admit_officer,
        officers.revoke_officer,
        officers.declare_interests,
        officers.withdraw_interest,
        officers.recognise,
    )


def judge(settings: Settings) -> Judge:
    """What says whether the register takes a command."""
    freshness = Freshness(
        within=timedelta(seconds=settings.command_within), skew=timedelta(seconds=settings.command_skew)
    )
    tokens = None
    if settings.oidc_issuer is not None and settings.oidc_audience is not None:
        tokens = OidcTokens(settings.oidc_issuer, settings.oidc_audience, keys=settings.oidc_keys)
    return Judge(signatures=JsonWebSignatures(), freshness=freshness, tokens=tokens)


def retention(settings: Settings) -> Retention:
    """How long what has ended is kept."""
    return Retention(
        keeping={ending: _keeping(settings, ending) for ending in ENDINGS}, notice=settings.retention_notice
    )


def _keeping(settings: Settings, ending: Stage) -> Keeping:
    name = f"retain_{ending}"
    value: str = getattr(settings, name)
    length = length_of(value)
    return Keeping(
        rule=RetentionRule(setting=f"{PREFIX}{name.upper()}", value=value),
        limit=None if length is None else Limit(**{f"{length[0]}s": length[1]}),
    )


def ledger(settings: Settings, engine: AsyncEngine, keyring: Keyring) -> SqlLedger:
    """The register's record."""
    return SqlLedger(engine, keyring, mail_domain=settings.mail_sender.rsplit("@", 1)[1], judge=judge(settings))


def heavy_activities(ports: Ports) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The comparison with lists, and the import of one: each on a task queue of its own."""
    lists = Lists(watchlists=ports.watchlists, ledger=ports.ledger, cases=ports.cases)
    return Screenings(screener=ports.screener, ledger=ports.ledger).screen_person, lists.import_list


def yente(settings: Settings, url: str) -> YenteScreener:
    """What asks the server of lists that is set.

    Raises:
        WrongSetting: Its lists are described in words that are not known.
    """
    try:
        lists = [
            Remote(
                dataset=dataset,
                watchlist=Watchlist(
                    name=f"yente-{dataset.replace('_', '-')}",
                    publisher=dataset,
                    trust=Trust(trust),
                    kind=ListKind(kind),
                ),
            )
            for dataset, trust, kind in settings.yente_datasets
        ]
    except ValueError:
        words = f"the trusts are {', '.join(Trust)}; the kinds {', '.join(ListKind)}"
        raise WrongSetting(f"DESK_YENTE_LISTS: {words}") from None
    return YenteScreener(
        url,
        lists,
        key=settings.yente_key.get_secret_value() if settings.yente_key else None,
        timeout=settings.yente_timeout,
        per_minute=settings.yente_per_minute,
    )


def _ports(
    client: Client, settings: Settings, parts: Parts, *, comparing: Aside, importing: Aside, checking: Aside
) -> Ports:
    watchlists = SqlWatchlists(parts.engine, partial(importing.run, entry_keys))
    record = ledger(settings, parts.engine, parts.keyring)
    cases = TemporalCases(client, settings.task_queue)
    return Ports(
        ledger=record,
        mailer=parts.mailer,
        renderer=TemplateRenderer(),
        cases=cases,
        memories=TemporalMemories(client),
        judge=judge(settings),
        proofs=SignaturesAside(checking.run),
        sealer=parts.sealer,
        keys=parts.keyring,
        erasures=record,
        estate=cases,
        retentions=record,
        retention=retention(settings),
        screener=LocalScreener(watchlists, comparing.run),
        watchlists=HandedIn(watchlists, settings.lists_handed_in),
        desk=Contact(
            name=settings.mail_sender_name, email=settings.desk_address, language=Language(settings.desk_language)
        ),
        patience=Patience(
            first=timedelta(seconds=settings.retry_first),
            longest=timedelta(seconds=settings.retry_longest),
            whole=timedelta(days=settings.retry_days),
        ),
        offices=_offices(settings),
    )


@asynccontextmanager
async def at_work(client: Client, settings: Settings, parts: Parts) -> AsyncIterator[None]:
    """Carry everything: cases on the main task queue, and beside it what is heavy, a little at a time.

    No case waits behind an import, and no screening either: each of the three has room of its own, and what keeps an
    interpreter busy is done in a process beside this one.
    """
    async with AsyncExitStack() as stack:
        comparing = await stack.enter_async_context(aclosing(Aside(settings.screenings_at_once, begin_with=BEGIN_WITH)))
        importing = await stack.enter_async_context(aclosing(Aside(begin_with=BEGIN_WITH)))
        checking = await stack.enter_async_context(aclosing(Aside(2)))
        ports = _ports(client, settings, parts, comparing=comparing, importing=importing, checking=checking)
        if settings.yente_url is not None:
            remote = await stack.enter_async_context(aclosing(yente(settings, settings.yente_url)))
            ports = replace(ports, screener=Several([ports.screener, remote]))
        screen, take = heavy_activities(ports)
        beside = [
            Worker(
                client,
                task_queue=queue,
                activities=[one],
                max_concurrent_activities=at_once,
                graceful_shutdown_timeout=timedelta(seconds=settings.graceful_stop),
            )
            for queue, one, at_once in (
                (screening_queue(settings.task_queue), screen, settings.screenings_at_once),
                (lists_queue(settings.task_queue), take, 1),
            )
        ]
        workers = [*beside, _worker(client, settings, ports)]
        await stack.enter_async_context(working(workers, stop_within=settings.graceful_stop + AFTER_GRACE))
        yield


def _worker(client: Client, settings: Settings, ports: Ports) -> Worker:
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=activities(ports),
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
        # A worker that died leaves its cases waiting for it this long before another takes them.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        # Each heartbeat is passed on; by default most are held back until a timeout is nearly over.
        max_heartbeat_throttle_interval=HEARTBEAT,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_stop),
    )
