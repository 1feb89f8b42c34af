"""The round of retention: the desk is told, an officer may hold back, and what is due is erased."""

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from domain.candidacy import Act, Reason
from domain.notices import Template
from domain.timelimits import day_of
from tests.builders import SESSION
from tests.workflows.office import Office


async def test_the_round_tells_the_desk_waits_and_erases_what_nobody_holds_back(office: Office) -> None:
    await office.open()
    for name in ("Kestrel", "Barnard"):
        await office.act(await office.nominate(family_name=name), Act.DECLINE, Reason(reason="no time"))
    await office.pass_days(300)
    assert await office.go_round() == 0
    assert Template.DESK_RETENTION not in office.letters(SESSION)

    await office.pass_days(40)
    for _ in range(2):
        assert await office.go_round() == 0
    await office.pass_days(0.1)
    assert office.letters(SESSION) == [Template.DESK_RETENTION]

    held = await office.retain("C-2026-0002", (await office.today()) + timedelta(days=365))
    await office.pass_days(60)
    assert await office.go_round() == 1
    assert office.erasures.standing is not None
    certificate = office.erasures.standing.certificate
    assert certificate is not None
    assert (certificate.candidacy, certificate.rule) == ("C-2026-0001", office.erasures.due)
    assert office.retentions.held == {"C-2026-0002": held.until}
    assert await office.go_round() == 1
    with office.still():
        row = (await office.officer().case("C-2026-0002")).row
    assert row.kept_until == day_of(row.changed) + relativedelta(years=1)
