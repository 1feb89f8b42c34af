import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.ports import ListBroken
from adapters.watchlists import source
from adapters.watchlists.people import Tally, iso_date, years_between
from adapters.watchlists.reader import format_of, people
from domain.screening import Listed, ListFormat

SDN = (
    '36,"EXAMPLE AIR",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    '101,"TESTOV, Primer Obraztsovich","individual","SDGT] [TCO","Director",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    '"DOB 07 Sep 1965; alt. DOB 1966; POB Nowhere, Russia; nationality Russia; alt. nationality Georgia; Gender Male; '
    "a.k.a. 'PRIMUS'; Linked To: EXAMPLE AIR.\"\r\n"
    '102,"PROVERKINA, Proba","individual","SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1970 to 1972."\r\n'
    "\x1a"
)
ALT = '101,1,"aka","TESTOFF, Primer",-0- \r\n101,2,"fka","STAROV, Primer",-0- \r\n999,3,"aka","NOBODY",-0- \r\n\x1a'

OFAC_XML = """<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="http://www.un.org/sanctions/1.0"><ReferenceValueSets>
 <AliasTypeValues><AliasType ID="1400">A.K.A.</AliasType><AliasType ID="1401">F.K.A.</AliasType>
  <AliasType ID="1403">Name</AliasType></AliasTypeValues>
 <CountryValues><Country ID="1" ISO2="RU">Russia</Country></CountryValues>
 <DetailReferenceValues><DetailReference ID="91526">Male</DetailReference></DetailReferenceValues>
 <FeatureTypeValues><FeatureType ID="8">Birthdate</FeatureType><FeatureType ID="10">Nationality Country</FeatureType>
  <FeatureType ID="9">Place of Birth</FeatureType><FeatureType ID="224">Gender</FeatureType></FeatureTypeValues>
 <NamePartTypeValues><NamePartType ID="1520">Last Name</NamePartType><NamePartType ID="1521">First Name</NamePartType>
  <NamePartType ID="91708">Patronymic</NamePartType></NamePartTypeValues>
 <PartySubTypeValues><PartySubType ID="4" PartyTypeID="1">Unknown</PartySubType>
  <PartySubType ID="3" PartyTypeID="2">Unknown</PartySubType></PartySubTypeValues>
 <PartyTypeValues><PartyType ID="1">Individual</PartyType><PartyType ID="2">Entity</PartyType></PartyTypeValues>
</ReferenceValueSets>
<Locations><Location ID="7"><LocationCountry CountryID="1"/></Location></Locations>
<DistinctParties>
 <DistinctParty FixedRef="36"><Profile ID="36" PartySubTypeID="3"><Identity/></Profile></DistinctParty>
 <DistinctParty FixedRef="101"><Comment/><Profile ID="101" PartySubTypeID="4">
  <Identity ID="5"><Alias AliasTypeID="1403" Primary="true" LowQuality="false"><DocumentedName>
    <DocumentedNamePart><NamePartValue NamePartGroupID="1">TESTOV</NamePartValue></DocumentedNamePart>
    <DocumentedNamePart><NamePartValue NamePartGroupID="2">Primer</NamePartValue></DocumentedNamePart>
    <DocumentedNamePart><NamePartValue NamePartGroupID="3">Obraztsovich</NamePartValue></DocumentedNamePart>
   </DocumentedName></Alias>
   <Alias AliasTypeID="1400" Primary="false" LowQuality="true"><DocumentedName>
    <DocumentedNamePart><NamePartValue NamePartGroupID="9">PRIMUS</NamePartValue></DocumentedNamePart>
   </DocumentedName></Alias>
   <Alias AliasTypeID="1401" Primary="false" LowQuality="false"><DocumentedName>
    <DocumentedNamePart><NamePartValue NamePartGroupID="1">STAROV</NamePartValue></DocumentedNamePart>
   </DocumentedName></Alias>
   <NamePartGroups><MasterNamePartGroup><NamePartGroup ID="1" NamePartTypeID="1520"/></MasterNamePartGroup>
    <MasterNamePartGroup><NamePartGroup ID="2" NamePartTypeID="1521"/></MasterNamePartGroup>
    <MasterNamePartGroup><NamePartGroup ID="3" NamePartTypeID="91708"/></MasterNamePartGroup></NamePartGroups>
  </Identity>
  <Feature FeatureTypeID="8"><FeatureVersion><DatePeriod>
   <Start><From><Year>1965</Year><Month>9</Month><Day>7</Day></From><To><Year>1965</Year><Month>9</Month><Day>7</Day></To>
   </Start></DatePeriod></FeatureVersion></Feature>
  <Feature FeatureTypeID="10"><FeatureVersion><VersionLocation LocationID="7"/></FeatureVersion></Feature>
  <Feature FeatureTypeID="9"><FeatureVersion><VersionDetail>Nowhere</VersionDetail></FeatureVersion></Feature>
  <Feature FeatureTypeID="224"><FeatureVersion><VersionDetail DetailReferenceID="91526"/></FeatureVersion></Feature>
 </Profile></DistinctParty>
</DistinctParties></Sanctions>"""

EU_XML = """<?xml version="1.0" encoding="UTF-8"?>
<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2026-01-01T00:00:00">
 <sanctionEntity euReferenceNumber="EU.1.01" logicalId="13"><regulation programme="UKR"/>
  <subjectType code="person" classificationCode="P"/>
  <nameAlias firstName="Primer" middleName="" lastName="TESTOV" wholeName="Primer TESTOV" gender="M" strong="true"
   function="Director"/>
  <nameAlias wholeName="Пример Тестов" strong="true"/><nameAlias wholeName="Primus" strong="false"/>
  <citizenship countryIso2Code="RU"/><citizenship countryIso2Code="00"/>
  <birthdate circa="false" birthdate="1965-09-07" city="Nowhere"/><birthdate year="1966" circa="true"/>
 </sanctionEntity>
 <sanctionEntity euReferenceNumber="EU.2.02" logicalId="14"><subjectType code="enterprise" classificationCode="E"/>
  <nameAlias wholeName="Example Air"/></sanctionEntity>
</export>"""

UN_XML = """<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-01-01T00:00:00"><INDIVIDUALS><INDIVIDUAL>
 <DATAID>1</DATAID><FIRST_NAME>PRIMER</FIRST_NAME><SECOND_NAME>TESTOV</SECOND_NAME><UN_LIST_TYPE>Test</UN_LIST_TYPE>
 <REFERENCE_NUMBER>TEi.001</REFERENCE_NUMBER><NAME_ORIGINAL_SCRIPT>Пример Тестов</NAME_ORIGINAL_SCRIPT>
 <GENDER>Male</GENDER><NATIONALITY><VALUE>Russian Federation</VALUE></NATIONALITY>
 <INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Primer Testoff</ALIAS_NAME></INDIVIDUAL_ALIAS>
 <INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Primus</ALIAS_NAME></INDIVIDUAL_ALIAS>
 <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1965-09-07</DATE></INDIVIDUAL_DATE_OF_BIRTH>
 <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1966</FROM_YEAR><TO_YEAR>1967</TO_YEAR>
 </INDIVIDUAL_DATE_OF_BIRTH></INDIVIDUAL></INDIVIDUALS>
 <ENTITIES><ENTITY><DATAID>2</DATAID><FIRST_NAME>EXAMPLE AIR</FIRST_NAME></ENTITY></ENTITIES></CONSOLIDATED_LIST>"""

FTM = "\n".join(
    json.dumps(entity, ensure_ascii=False)
    for entity in (
        {
            "id": "NK-1", "schema": "Person", "datasets": ["test"],
            "properties": {
                "name": ["Primer Testov", "Пример Тестов"], "alias": ["Primus"], "birthDate": ["1965-09-07"],
                "nationality": ["ru"], "topics": ["sanction"], "modifiedAt": ["2026-01-01"],
            },
        },
        {"id": "NK-2", "schema": "Company", "properties": {"name": ["Example Air"]}},
        {"id": "NK-3", "schema": "Person", "properties": {"nationality": ["ru"]}},
    )
)  # fmt: skip

TARGETS = (
    '"id","schema","name","aliases","birth_date","countries","addresses","identifiers","sanctions","dataset"\n'
    '"NK-1","Person","Primer Testov","Primus;Пример Тестов","1965-09-07;1966","ru;ge","","","Test","Test list"\n'
    '"NK-2","Company","Example Air","","","cu","","","","Test list"\n'
)

Read = Callable[..., list[Listed]]
PACKED = gzip.compress(SDN.encode(), mtime=0)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a list from what its file holds."""

    def reading(
        content: str | bytes, *, aliases: str | None = None, packed: bool = False, tally: Tally | None = None
    ) -> list[Listed]:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / "list"
        path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
        second = None
        if aliases is not None:
            second = tmp_path / "aliases"
            second.write_text(aliases, newline="")
        with people(path, tally or Tally(), aliases=second) as (_, found):
            return list(found)

    return reading


def test_the_legacy_csv_gives_its_people_with_what_the_remarks_say_and_the_aliases_of_the_second_file(
    read: Read,
) -> None:
    tally = Tally()

    found = read(SDN, aliases=ALT, packed=True, tally=tally)

    assert [person.id for person in found] == ["101", "102"]
    assert found[0].properties == {
        "name": ("Primer Obraztsovich TESTOV",),
        "lastName": ("TESTOV",),
        "firstName": ("Primer Obraztsovich",),
        "alias": ("Primer TESTOFF",),
        "previousName": ("Primer STAROV",),
        "weakAlias": ("PRIMUS",),
        "birthDate": ("1965-09-07", "1966"),
        "birthPlace": ("Nowhere, Russia",),
        "nationality": ("Russia", "Georgia"),
        "gender": ("male",),
        "position": ("Director",),
        "program": ("SDGT", "TCO"),
    }
    assert found[1].properties["birthDate"] == ("1970", "1971", "1972")
    assert tally.skipped == {"not a person": 1, "alias of an entry that is not in this file": 1}


def test_the_advanced_xml_gives_its_people(read: Read) -> None:
    (found,) = read(OFAC_XML)

    assert found.id == "101"
    assert found.properties == {
        "name": ("Primer Obraztsovich TESTOV",),
        "lastName": ("TESTOV",),
        "firstName": ("Primer",),
        "fatherName": ("Obraztsovich",),
        "weakAlias": ("PRIMUS",),
        "previousName": ("STAROV",),
        "birthDate": ("1965-09-07",),
        "birthPlace": ("Nowhere",),
        "nationality": ("RU",),
        "gender": ("male",),
    }


def test_the_european_list_gives_its_people(read: Read) -> None:
    (found,) = read(EU_XML)

    assert found.id == "EU.1.01"
    assert found.properties == {
        "name": ("Primer TESTOV",),
        "firstName": ("Primer",),
        "lastName": ("TESTOV",),
        "gender": ("male",),
        "position": ("Director",),
        "alias": ("Пример Тестов",),
        "weakAlias": ("Primus",),
        "birthDate": ("1965-09-07", "1966"),
        "birthPlace": ("Nowhere",),
        "nationality": ("RU",),
        "program": ("UKR",),
    }


def test_the_list_of_the_united_nations_gives_its_people(read: Read) -> None:
    (found,) = read(UN_XML)

    assert found.id == "TEi.001"
    assert found.properties == {
        "name": ("PRIMER TESTOV",),
        "alias": ("Пример Тестов", "Primer Testoff"),
        "weakAlias": ("Primus",),
        "birthDate": ("1965-09-07", "1966", "1967"),
        "nationality": ("Russian Federation",),
        "gender": ("male",),
        "program": ("Test",),
    }


def test_entities_in_json_lines_give_the_people_with_a_name_and_what_a_comparison_can_use(read: Read) -> None:
    tally = Tally()

    (found,) = read(FTM, tally=tally)

    assert found.id == "NK-1"
    assert found.properties == {
        "name": ("Primer Testov", "Пример Тестов"),
        "alias": ("Primus",),
        "birthDate": ("1965-09-07",),
        "nationality": ("ru",),
        "topics": ("sanction",),
    }
    assert tally.skipped == {"not a person": 1, "without a name": 1}


def test_simple_targets_give_their_people(read: Read) -> None:
    (found,) = read(TARGETS)

    assert found.id == "NK-1"
    assert found.properties == {
        "name": ("Primer Testov",),
        "alias": ("Primus", "Пример Тестов"),
        "birthDate": ("1965-09-07", "1966"),
        "country": ("ru", "ge"),
        "program": ("Test",),
    }


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (SDN, ListFormat.OFAC_CSV),
        (OFAC_XML, ListFormat.OFAC_XML),
        (EU_XML, ListFormat.EU_XML),
        (UN_XML, ListFormat.UN_XML),
        (FTM, ListFormat.FTM),
        (TARGETS, ListFormat.TARGETS_CSV),
    ],
)
def test_the_format_is_found_out_from_the_first_bytes(content: str, form: ListFormat) -> None:
    assert format_of(content.encode()) is form
    assert format_of(b"\xef\xbb\xbf" + content.encode()) is form


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"nothing of the kind", "line 1: begins like none of the formats"),
        (SDN.encode("utf-16"), "line 1: begins like none of the formats"),
        (SDN.replace("Obraztsovich", "Обр").encode("cp1251"), "line 2: is not UTF-8 at byte"),
        (SDN.replace("Primer", "Pri\0mer").encode(), "line 2: holds a null byte"),
        (SDN.encode()[:130], "line 2: has 5 columns, not 12"),
        (SDN.encode()[:200], "line 2: is no CSV"),
        (b'101,"TESTOV, Primer","individual"\n', "line 1: has 3 columns, not 12"),
        (SDN.encode().replace(b"102,", b"1x2,"), "line 3, entity number: is '1x2', not a number"),
        (SDN.encode().replace(b'"TESTOV, Primer Obraztsovich"', b"-0- "), "line 2, name: is empty"),
        (PACKED[:-20], "the packed file ends in the middle"),
        (PACKED[:40] + b"xxxx" + PACKED[44:], "the packed file is damaged"),
        (OFAC_XML[:-200].encode(), "is no well-formed XML"),
        (OFAC_XML.replace("Primer", "Пример").encode("cp1251"), "is no well-formed XML"),
        (b"<other/>", "line 1: an XML list begins with one of Sanctions, export, CONSOLIDATED_LIST"),
        (EU_XML.encode().replace(b"EU.1.01", b"").replace(b'"13"', b'""'), "line 3: an entry has no id"),
        (UN_XML.encode().replace(b"PRIMER", b"").replace(b"TESTOV", b""), ""),
        (FTM.encode().replace(b'"schema": "Person"', b'"schema": 1', 1), "line 1, schema: is missing or no text"),
        (FTM.encode() + b"\n[1]", "line 4: is no JSON object"),
        (FTM.encode()[:-5], "line 3: is no JSON object"),
        (b'{"id": "1", "schema": "Person", "properties": {"name": "x"}}', "line 1, properties.name: is no list"),
        (b'{"id": "1", "schema": "Company", "properties": {"name": ["x"]}}', "names nobody"),
        (TARGETS.encode().replace(b',"cu"', b""), "line 3: has 9 columns, not 10"),
        (b"{" * 100_000, "line 1: is no JSON object"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_line_and_field(read: Read, content: bytes, told: str) -> None:
    if not told:
        # A name that stands in another script only is one all the same.
        assert read(content)[0].names[0] == "Пример Тестов"
        return
    with pytest.raises(ListBroken) as broken:
        read(content)
    assert told in str(broken.value)


def test_a_zip_archive_is_refused_with_what_to_do(read: Read) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packing:
        packing.writestr("sdn.csv", SDN)

    with pytest.raises(ListBroken, match="unpack it"):
        read(archive.getvalue())


def test_a_file_that_unpacks_beyond_all_measure_is_given_up_early(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "RATIO_FROM", 2**20)

    with pytest.raises(ListBroken, match="unpacks to more than 200 times its size"):
        read(SDN + "\n" * 4_000_000, packed=True)
    with pytest.raises(ListBroken, match="unpacks to more than 200 times its size"):
        read("<export>" + " " * 4_000_000 + "</export>", packed=True)


def test_a_line_without_end_is_given_up(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_LINE", 1000)

    with pytest.raises(ListBroken, match="line 1: the line has more than 1000 bytes"):
        read("{" + " " * 2000)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE export [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE export SYSTEM "file:///etc/passwd">',
    ],
)
def test_a_document_type_is_refused_and_no_entity_is_expanded(read: Read, declared: str) -> None:
    bomb = EU_XML.replace("<export", f"{declared}<export", 1).replace("Primus", "&b;")

    with pytest.raises(ListBroken, match="document type"):
        read(bomb)


def test_an_unclosed_quote_does_not_swallow_the_file(read: Read) -> None:
    rows = "".join(f'{number},"A, B","individual{chr(10)}' for number in range(10_000))

    with pytest.raises(ListBroken, match="is no CSV"):
        read(rows)


def test_marks_that_reorder_or_hide_text_are_left_out(read: Read) -> None:
    (found,) = read('{"id": "1", "schema": "Person", "properties": {"name": ["Pri\\u202emer\\n Testov", "", "  "]}}')

    assert found.names == ("Pri mer Testov",)


def test_fields_with_quotes_and_line_ends_are_read_as_csv_says(read: Read) -> None:
    written = io.StringIO()
    csv.writer(written).writerows(
        [["id", "schema", "name", "aliases", "birth_date", "countries"], ["1", "Person", 'A "B"\nC', "", "", ""]]
    )

    assert read(written.getvalue())[0].names == ('A "B" C',)


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("07 Sep 1965", "1965-09-07"), ("Sep 1965", "1965-09"), ("1965", "1965"), ("circa 1965", "1965"),
        ("circa 07 Sep 1965", "1965-09-07"), ("1965-09-07", "1965-09-07"), ("1965-9-7", "1965-09-07"),
        ("1965-09-07T00:00:00", "1965-09-07"), ("1965-13", "1965"), ("45 Sep 1965", "1965"), ("0001", ""),
        ("unknown", ""), ("Foo 1965", ""),
    ],
)  # fmt: skip
def test_a_date_is_read_as_far_as_it_is_known(written: str, date: str) -> None:
    assert iso_date(written) == date


def test_a_span_of_years_gives_each_and_one_that_is_too_long_its_ends() -> None:
    assert years_between("1970", "1972") == ("1970", "1971", "1972")
    assert years_between("1900", "1972") == ("1900", "1972")
    assert years_between("1970", "") == ("1970",)
