"""The files by which the desk is put into operation say what the code says, and give nothing away."""

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
import yaml
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.service import ConnectConfig, ServiceClient

from adapters.embedded import temporal
from config.settings import PREFIX, Settings, WrongSetting, default_home
from worker.compose import parts
from workflows.attributes import ATTRIBUTES

ROOT = Path(__file__).parents[1]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
LASTING = SERVICES.keys() - ONCE
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
ENV_EXAMPLE = ROOT / ".env.example"

FOR_THE_STARTER = {
    "home",
    "profile",
    "passphrase",
    "passphrase_file",
    "token",
    "token_file",
    "answer_timeout",
    "fingerprint_key",
}
OF_ONE_MACHINE = {"master_key_file", "previous_master_key_file", "keys_folder"}
SAID_BY_THE_IMAGE = {"metrics_address"}
FOR_THE_MIGRATION = {"database_owner_url"}
EXACT = re.compile(r"[a-z/-]+:v?\d+(\.\d+)+(-[a-z]+)*")
PASSWORDS = dict.fromkeys(
    (
        "POSTGRES_REGISTER_PASSWORD",
        "POSTGRES_WORKER_PASSWORD",
        "POSTGRES_TEMPORAL_PASSWORD",
        "POSTGRES_KEYS_PASSWORD",
        "DESK_MASTER_KEY",
        "DESK_SEAL_KEY",
    ),
    "0" * 64,
)
REQUIRED = r"\$\{[A-Z_]+:\?[^}]+\}"


def instructions(name: str) -> list[str]:
    """What the Dockerfile says with one instruction, in order."""
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def described() -> dict[str, tuple[str, str]]:
    """The comment above every variable in .env.example, and its value."""
    found = re.findall(r"((?:^# .+\n)*?)^(?:# )?([A-Z_]+)=(.*)$", ENV_EXAMPLE.read_text(), re.MULTILINE)
    return {name: (" ".join(re.findall(r"^# (.+)$", comment, re.MULTILINE)), value) for comment, name, value in found}


def settings_described() -> dict[str, tuple[str, str]]:
    """The same for the settings of the desk, by the name of their field."""
    return {name.removeprefix(PREFIX).lower(): said for name, said in described().items() if name.startswith(PREFIX)}


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX) or name == "XDG_DATA_HOME":
            monkeypatch.delenv(name)


def test_env_example_names_exactly_the_settings_there_are() -> None:
    named = re.findall(rf"^(?:# )?{PREFIX}([A-Z_]+)=", ENV_EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(name.lower() for name in named) == sorted(Settings.model_fields)


@pytest.mark.usefixtures("bare_environment")
@pytest.mark.parametrize("field", Settings.model_fields)
def test_env_example_gives_the_default_of_a_setting(field: str) -> None:
    _, value = settings_described()[field]
    unset = Settings(_env_file=None)
    if field == "home":
        assert Path(value).expanduser() == default_home()
    elif value == "":
        assert getattr(unset, field) is None
    else:
        given = Settings(_env_file=None, **{field: value})  # type: ignore[arg-type]
        assert getattr(given, field) == getattr(unset, field)


@pytest.mark.parametrize("field", Settings.model_fields)
def test_env_example_says_what_a_setting_means(field: str) -> None:
    comment, _ = settings_described()[field]
    meaning = Settings.model_fields[field].description
    assert meaning is not None
    assert comment.casefold().startswith(meaning.casefold())


@pytest.mark.usefixtures("bare_environment")
def test_env_example_as_it_stands_sets_nothing() -> None:
    assert Settings(_env_file=ENV_EXAMPLE) == Settings(_env_file=None)
    assert re.findall(r"^[A-Z_]+=.+$", ENV_EXAMPLE.read_text(), re.MULTILINE) == []


def test_env_example_names_every_variable_the_compose_file_takes() -> None:
    filled_in = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT))
    passed_on = {
        name for service in SERVICES.values() for name, value in service.get("environment", {}).items() if value is None
    }
    assert (filled_in | passed_on) - described().keys() == set()


@pytest.mark.parametrize("service", SERVICES)
def test_compose_image_is_pinned_to_an_exact_version(service: str) -> None:
    assert EXACT.fullmatch(SERVICES[service]["image"])


def test_dockerfile_base_image_is_pinned_to_an_exact_version_and_one_for_all_stages() -> None:
    bases = {words.split()[0] for words in instructions("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", bases.pop())


def test_own_image_carries_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    own = {service["image"] for service in SERVICES.values() if "build" in service}
    assert own == {f"dialogue-desk:{version}"}


def test_compose_starts_the_temporal_that_the_embedded_stack_has() -> None:
    said = subprocess.run([temporal.executable(), "--version"], capture_output=True, text=True, check=True).stdout
    server, ui = re.findall(r"(?:Server|UI) ([\d.]+)", said)
    assert {service["image"] for service in SERVICES.values() if service["image"].startswith("temporalio/")} == {
        f"temporalio/server:{server}",
        f"temporalio/admin-tools:{server}",
        f"temporalio/ui:{ui}",
    }


@pytest.mark.parametrize("service", SERVICES)
def test_compose_service_has_no_password_of_its_own(service: str) -> None:
    for name, value in SERVICES[service].get("environment", {}).items():
        if re.search("PASSWORD|PWD|SECRET|TOKEN|API_KEY", name):
            assert value is None or re.fullmatch(REQUIRED, value), name
        if value is not None and "://" in value:
            assert "@" not in value or re.search(rf"://[a-z_]+:{REQUIRED}@", value), name


@pytest.mark.parametrize("service", sorted(LASTING))
def test_compose_service_that_lasts_is_seen_to_be_healthy_and_started_again(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    if "build" in SERVICES[service]:
        assert len(instructions("HEALTHCHECK")) == 1
        assert "healthcheck" not in SERVICES[service]
    else:
        assert SERVICES[service]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_compose_waits_for_health_where_a_service_lasts_and_for_success_where_it_ends() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in ONCE else "service_healthy"
            assert how == {"condition": expected}, f"{name} on {needed}"
    awaited = {needed for service in SERVICES.values() for needed in service.get("depends_on", {})}
    assert awaited >= ONCE


def test_compose_publishes_ports_on_loopback_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "keys": ["127.0.0.1:5434:5432"],
        "temporal": ["127.0.0.1:7233:7233"],
        "temporal-ui": ["127.0.0.1:8080:8080"],
        "mailpit": ["127.0.0.1:8025:8025"],
    }


def test_compose_keeps_databases_on_networks_without_a_way_out() -> None:
    databases = {name: service for name, service in SERVICES.items() if service["image"].startswith("postgres:")}
    assert set(databases) == {"register", "keys", "temporal-database"}
    # The command line on the host reads and writes under the same keys as the workers.
    del databases["keys"]
    for service in databases.values():
        assert [COMPOSE["networks"][network] for network in service["networks"]] == [{"internal": True}]


def test_compose_worker_is_given_every_setting_that_a_worker_reads() -> None:
    given = {name.removeprefix(PREFIX).lower() for name in SERVICES["worker"]["environment"] if name.startswith(PREFIX)}
    elsewhere = FOR_THE_STARTER | OF_ONE_MACHINE | SAID_BY_THE_IMAGE | FOR_THE_MIGRATION
    assert given == Settings.model_fields.keys() - elsewhere


def test_compose_gives_a_stopping_worker_more_time_than_it_may_be_set_to_take() -> None:
    longest = next(rule.le for rule in Settings.model_fields["graceful_stop"].metadata if hasattr(rule, "le"))
    assert int(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > longest


def test_compose_server_has_the_settings_of_the_embedded_one() -> None:
    words = temporal.TemporalServer(folder=None, port=7233).command
    embedded = dict(value.split("=") for word, value in pairwise(words) if word == "--dynamic-config-value")
    written = yaml.safe_load((ROOT / "deploy/temporal-dynamic.yaml").read_text())
    assert {name: json.dumps(rules[0]["value"]) for name, rules in written.items()} == embedded
    assert {len(rules) for rules in written.values()} == {1}


def compose_command() -> list[str]:
    """Docker's compose, as a program of its own or as part of ``docker``."""
    if found := shutil.which("docker-compose"):
        return [found]
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    pytest.skip("neither docker-compose nor docker compose is installed")


def composed(passwords: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What compose says of its file, with .env.example as it stands and these passwords."""
    return subprocess.run(
        [*compose_command(), "--env-file", ENV_EXAMPLE, "--file", ROOT / "docker-compose.yml", "config", "--quiet"],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **passwords},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_compose_file_is_accepted_once_the_passwords_are_given() -> None:
    done = composed(PASSWORDS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("missing", PASSWORDS)
def test_compose_file_is_refused_without_a_password_and_names_it(missing: str) -> None:
    done = composed({name: value for name, value in PASSWORDS.items() if name != missing})
    assert done.returncode != 0
    assert missing in done.stdout


def test_image_runs_as_a_user_who_is_not_root_and_owns_the_mail_catcher_too() -> None:
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    users = re.findall(r"^USER (.+)$", final, re.MULTILINE)
    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[0])
    assert SERVICES["mailpit"]["user"] == users[0]


def test_image_stops_by_the_signal_that_the_worker_heeds() -> None:
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("ENTRYPOINT") == ['["python", "-m", "worker"]']


def test_image_holds_every_package_but_the_starter_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = {words.split()[0] for words in instructions("COPY") if not words.startswith("--from=")}
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == (packages - {"starter"}) | {"requirements-worker.lock"}
    assert let_in == copied


def locked(path: Path) -> dict[str, str]:
    """The versions that a lock file pins."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", path.read_text(), re.MULTILINE))


def test_image_gets_the_locked_versions_without_test_tools_and_embedded_servers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    worker = locked(ROOT / "requirements-worker.lock")

    def names(requirements: list[str]) -> set[str]:
        return {cast(re.Match[str], re.match(r"[a-z0-9-]+", requirement)).group() for requirement in requirements}

    groups = project["optional-dependencies"]
    extras = names([one for name in groups if name != "screening" for one in groups[name]])
    assert worker.items() <= locked(ROOT / "requirements.lock").items()
    assert names([*project["dependencies"], *groups["screening"]]) <= worker.keys()
    # nomenklatura asks for SQLAlchemy with its plugin for the type checker.
    assert worker.keys() & extras == {"mypy"}


@contextmanager
def metrics_page(text: str) -> Iterator[int]:
    """Something on a free port that shows this page as its metrics."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("page", "code"),
    [('temporal_num_pollers{task_queue="desk"} 5\n', 0), ("temporal_request 1\n", 1)],
    ids=["a worker that polls", "a worker that does not poll yet"],
)
def test_image_health_is_that_of_the_worker(page: str, code: int) -> None:
    _, program, option, script = json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2].replace("[", '["",', 1))
    assert (program, option) == ("python", "-c")
    with metrics_page(page) as port:
        here = script.replace(":9464/", f":{port}/")
        assert subprocess.run([sys.executable, option, here], check=False).returncode == code
    assert re.findall(r"DESK_METRICS_ADDRESS=0\.0\.0\.0:(\d+)", DOCKERFILE) == re.findall(r":(\d+)/metrics", script)


async def test_namespace_script_prepares_a_namespace_and_changes_nothing_the_second_time() -> None:
    async with temporal.serving() as server:
        environment = {
            "PATH": f"{temporal.executable().parent}{os.pathsep}{os.environ['PATH']}",
            "TEMPORAL_ADDRESS": server.address,
            "TEMPORAL_NAMESPACE": "desk",
        }
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                "sh",
                str(ROOT / "deploy/temporal-namespace.sh"),
                env=environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await process.communicate()
            assert (process.returncode, output.decode()) == (0, "")
            service = await ServiceClient.connect(ConnectConfig(target_host=server.address))
            listed = await service.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace="desk")
            )
            described = await service.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="desk"))
            expected = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in ATTRIBUTES}
            assert dict(listed.custom_attributes) == expected
            kept = described.config.workflow_execution_retention_ttl.ToTimedelta()
            assert kept == temporal.RETENTION == timedelta(hours=9600)


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "authority").mkdir()
    (tmp_path / "server").mkdir()
    certify(tmp_path, "mailpit")
    return tmp_path


def certify(folder: Path, host: str) -> None:
    script = ROOT / "deploy/mail-certificate.sh"
    subprocess.run(["sh", script, host, folder / "authority", folder / "server"], check=True, capture_output=True)


def shake_hands(folder: Path, host: str) -> None:
    """The mailer's side and the mail server's, over memory."""
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(folder / "server/server.crt", folder / "server/server.key")
    here = ssl.create_default_context(cafile=folder / "authority/ca.crt")
    here.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = here.wrap_bio(down, up, server_hostname=host)
    server = there.wrap_bio(up, down, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() == "TLSv1.3"


def test_mail_certificate_is_trusted_by_its_authority_for_its_host_only(certified: Path) -> None:
    shake_hands(certified, "mailpit")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(certified, "mail.example.org")


def test_mail_certificate_shows_the_worker_nothing_but_the_authority(certified: Path) -> None:
    assert [path.name for path in (certified / "authority").iterdir()] == ["ca.crt"]
    assert "PRIVATE" not in (certified / "authority/ca.crt").read_text()
    assert (certified / "server/server.key").stat().st_mode & 0o077 == 0


def test_mail_certificate_is_kept_while_it_is_valid_and_made_anew_when_it_is_not(certified: Path) -> None:
    first = (certified / "server/server.crt").read_bytes()
    certify(certified, "mailpit")
    assert (certified / "server/server.crt").read_bytes() == first
    (certified / "authority/ca.crt").unlink()
    certify(certified, "mailpit")
    assert (certified / "server/server.crt").read_bytes() != first
    shake_hands(certified, "mailpit")


async def test_worker_refuses_authorities_it_cannot_read_and_names_the_setting(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None,
        database_url="postgresql+asyncpg://desk@localhost/desk",
        seal_key="2" * 64,
        mail_ca_file=tmp_path / "ca.crt",
    )
    with pytest.raises(WrongSetting, match=r"^DESK_MAIL_CA_FILE: "):
        async with parts(settings):
            pass
