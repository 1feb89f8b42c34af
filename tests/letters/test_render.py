"""Letters: every one of them, in every language."""

import re
from datetime import date
from html import escape, unescape
from pathlib import Path
from types import CodeType

import pytest
from jinja2 import Environment, UndefinedError

from domain.notices import Facts, Letter, Notice, Role, Template
from domain.people import Contact, Language
from letters import render
from letters.dates import in_words
from letters.render import TemplateRenderer

TEMPLATES = Path(render.__file__).parent / "templates"
CASE = "C-2026-0007"
NAME = "Ada Example"
FULL = Facts(
    act_by=date(2026, 3, 30),
    begins=date(2026, 4, 7),
    closes=date(2026, 12, 31),
    statements=("I affirm the first & foremost.", "I affirm the second."),
    text="Where were you in 2015?\n\nPlease name the places.",
    rank=3,
    ratification=True,
    overdue="vetting",
    letter="C-2026-0007.3.1",
    trouble="unknown",
    measure="partial",
    scope="No entry to the building.",
    ground="criterion:opposes-war",
    presumed=date(2026, 3, 20),
    outcome="restored",
    reference="AS/Bur 7",
    person="Bela Invented",
    candidacies=("C-2026-0008", "C-2026-0009"),
    hits=("H-0a1b2c3d4e5f", "H-1a1b2c3d4e5f"),
)
MINIMAL = Facts()
DESK = frozenset(template for template in Template if template.startswith("desk_"))
READERS = [template for template in Template if template not in DESK]

# What an onlooker must not learn from a subject; stems, so that every form of a word is caught.
TELLING = {
    Language.ENGLISH: (
        "platform dialog assembl parliament council europe bureau strasbourg candida nomin russia ukrain session "
        "suspen vetting assess criteri particip ratif plenar approv reserve declar invit eligib withdr expir lapse "
        "retain exile opposition consent"
    ),
    Language.FRENCH: (
        "plateforme dialogue assembl parlement conseil europe bureau strasbourg candidat propos russ ukrain session "
        "suspen examen évaluat critèr particip ratif plénièr approuv approb réserve déclar invit éligib retir retrait "
        "expir caduc retenu exil opposition consent"
    ),
    Language.RUSSIAN: (
        "платформ диалог ассамбле парламент совет европ бюро страсбург кандидат выдвиж росси украин сесси приостан "
        "проверк оценк критери участ утвержд пленар одобр резерв заявлен приглаш снят отказ прекращ отобран эмиграц "
        "оппозиц соглас"
    ),
}
FORBIDDEN = tuple(stem for stems in TELLING.values() for stem in stems.split())

every_letter = pytest.mark.parametrize("template", Template)
every_language = pytest.mark.parametrize("language", Language)
every_reader_letter = pytest.mark.parametrize("template", READERS)


@pytest.fixture(name="renderer", scope="module")
def _renderer() -> TemplateRenderer:
    return TemplateRenderer()


def written(
    renderer: TemplateRenderer,
    template: Template,
    language: Language = Language.ENGLISH,
    facts: Facts = FULL,
    name: str = NAME,
) -> Letter:
    role = Role.DESK if template in DESK else Role.CANDIDATE
    to = Contact(name="Ada Example", email="ada.secret@example.org", language=language)
    return renderer.render(
        Notice(template=template, role=role, to=to, facts=facts), case=CASE, name=name, language=language
    )


def words_of_text(text: str) -> list[str]:
    """The words of plain text, without the markers of its lists."""
    return re.sub(r"^ *(?:- |\d+\. )", "", text, flags=re.MULTILINE).split()


def words_of_html(html: str) -> list[str]:
    """The words of an HTML body, without its tags."""
    return unescape(re.sub(r"<[^>]+>", " ", html.partition("<body")[2].partition(">")[2])).split()


def flat(text: str) -> str:
    return " ".join(text.split())


@every_language
@every_letter
def test_letter_is_a_folder_of_subject_text_and_html(template: Template, language: Language) -> None:
    folder = TEMPLATES / template / language
    assert sorted(path.name for path in folder.iterdir()) == ["body.html", "body.txt", "subject.txt"]


def test_no_folder_belongs_to_no_letter() -> None:
    folders = {path.name for path in TEMPLATES.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == {template.value for template in Template}


@every_language
@every_letter
@pytest.mark.parametrize("facts", [MINIMAL, FULL], ids=["minimal", "full"])
def test_letter_is_complete_with_few_facts_and_with_all(
    renderer: TemplateRenderer, template: Template, language: Language, facts: Facts
) -> None:
    letter = written(renderer, template, language, facts)
    bodies = letter.text + letter.html
    assert [trace for trace in ("{{", "{%", "None", "Undefined") if trace in bodies] == []
    assert "\n\n\n" not in letter.text
    assert f'<html lang="{language.value}">' in letter.html
    assert "<p></p>" not in letter.html


@every_language
@every_letter
@pytest.mark.parametrize("facts", [MINIMAL, FULL], ids=["minimal", "full"])
def test_text_and_html_say_the_same(
    renderer: TemplateRenderer, template: Template, language: Language, facts: Facts
) -> None:
    letter = written(renderer, template, language, facts)
    assert words_of_html(letter.html) == words_of_text(letter.text)


@every_language
@every_letter
def test_subject_is_one_line_with_the_reference(
    renderer: TemplateRenderer, template: Template, language: Language
) -> None:
    subject = written(renderer, template, language).subject
    assert subject.splitlines() == [subject]
    assert subject.count(CASE) == 1
    assert len(subject) <= 60


@every_language
@every_letter
def test_subject_tells_an_onlooker_nothing(renderer: TemplateRenderer, template: Template, language: Language) -> None:
    subject = written(renderer, template, language).subject.casefold()
    assert [stem for stem in FORBIDDEN if stem in subject] == []


@every_language
@every_letter
def test_subject_and_html_title_never_hold_what_the_facts_or_the_name_say(
    renderer: TemplateRenderer, template: Template, language: Language
) -> None:
    hostile = "Zyx\r\nBcc: zyx@example.org"
    facts = FULL.model_copy(update={"statements": (hostile,), "text": hostile, "overdue": hostile, "trouble": hostile})
    subject = written(renderer, template, language).subject
    attacked = written(renderer, template, language, facts, name=hostile)
    assert attacked.subject == subject
    assert f"<title>{escape(subject)}</title>".replace("&#x27;", "&#39;") in attacked.html


def test_subject_stays_one_line_even_if_the_reference_is_not(renderer: TemplateRenderer) -> None:
    notice = Notice(template=Template.RECEIPT, role=Role.NOMINATOR)
    letter = renderer.render(notice, case="C-2026-0007\r\nBcc: x", name=NAME, language=Language.ENGLISH)
    assert letter.subject == "Received: file C-2026-0007 Bcc: x"


@every_language
@every_letter
def test_address_of_the_reader_is_in_no_letter(
    renderer: TemplateRenderer, template: Template, language: Language
) -> None:
    letter = written(renderer, template, language)
    assert "ada.secret" not in letter.subject + letter.text + letter.html


@every_language
@every_letter
def test_html_reaches_for_nothing_outside_itself(
    renderer: TemplateRenderer, template: Template, language: Language
) -> None:
    html = written(renderer, template, language).html
    assert re.findall(r"<(?:img|a|link|script|iframe|form)\b|(?:src|href|url)\s*[=(]|https?:", html) == []


@every_language
@every_letter
def test_markup_in_name_and_facts_is_escaped_in_html_and_verbatim_in_text(
    renderer: TemplateRenderer, template: Template, language: Language
) -> None:
    script = "<script>alert('x')</script>"
    facts = FULL.model_copy(update={"statements": (script,), "text": script, "letter": script})
    letter = written(renderer, template, language, facts, name=script)
    assert "<script" not in letter.html
    assert words_of_html(letter.html) == words_of_text(letter.text)
    assert (script in letter.text) == (template in READERS or template is Template.DESK_LETTER)


def test_template_syntax_in_a_name_is_only_text(renderer: TemplateRenderer) -> None:
    letter = written(renderer, Template.LAPSED, name="{{ case }} {% raw %}")
    assert letter.text.startswith("Dear {{ case }} {% raw %},\n\n")


@every_language
@every_reader_letter
def test_reader_is_greeted_by_name_and_left_with_the_reference(
    renderer: TemplateRenderer, template: Template, language: Language
) -> None:
    greeting = {
        Language.ENGLISH: "Dear Ada Example,",
        Language.FRENCH: "Destinataire\u00a0: Ada Example",
        Language.RUSSIAN: "Здравствуйте, Ada Example!",
    }
    secretariat = {Language.ENGLISH: "Secretariat", Language.FRENCH: "Le Secrétariat", Language.RUSSIAN: "Секретариат"}
    paragraphs = written(renderer, template, language).text.rstrip().split("\n\n")
    assert (paragraphs[0], paragraphs[-2], paragraphs[-1].split()[-1]) == (
        greeting[language],
        secretariat[language],
        CASE,
    )


@every_language
@pytest.mark.parametrize("template", sorted(DESK))
def test_letter_to_the_desk_names_nobody(renderer: TemplateRenderer, template: Template, language: Language) -> None:
    letter = written(renderer, template, language)
    assert NAME not in letter.subject + letter.text + letter.html
    assert CASE in letter.text.splitlines()[0]


@every_language
@every_letter
def test_text_keeps_to_its_width(renderer: TemplateRenderer, template: Template, language: Language) -> None:
    facts = FULL.model_copy(update={"statements": ("Я подтверждаю " * 40,), "text": "Что было тогда? " * 40})
    text = written(renderer, template, language, facts).text
    assert [line for line in text.splitlines() if len(line) > 78 or line != line.rstrip()] == []


@every_language
@pytest.mark.parametrize("template", [Template.INFORMATION_REQUEST])
def test_question_of_the_desk_stands_word_for_word(
    renderer: TemplateRenderer, template: Template, language: Language
) -> None:
    question = "Where were you?\n\n- in 2014\n1. in 2015\nSee https://example.org/" + "a-b/" * 30
    letter = written(renderer, template, language, FULL.model_copy(update={"text": question}))
    expected = "\n    ".join(question.replace("See ", "See\n").splitlines()).replace("\n    \n", "\n\n")
    assert f"\n\n    {expected}\n\n" in letter.text
    assert "<br>\n- in 2014<br>\n1. in 2015<br>\nSee " in letter.html


@every_language
def test_invitation_lists_every_statement_under_its_number(renderer: TemplateRenderer, language: Language) -> None:
    letter = written(renderer, Template.INVITATION, language)
    assert "\n\n 1. I affirm the first & foremost.\n 2. I affirm the second.\n\n" in letter.text
    items = "<li>I affirm the first &amp; foremost.</li>\n<li>I affirm the second.</li>"
    assert f"<ol>\n{items}\n</ol>" in letter.html


@every_language
@pytest.mark.parametrize(
    ("template", "days"),
    [
        (Template.INVITATION, ("act_by",)),
        (Template.REMINDER, ("act_by",)),
        (Template.INFORMATION_REQUEST, ("act_by",)),
        (Template.INFORMATION_REMINDER, ("act_by",)),
        (Template.APPROVED, ("begins", "closes")),
        (Template.PARTICIPATION, ("begins", "closes")),
        (Template.DATES_CHANGED, ("begins", "closes")),
        (Template.EXPIRY_NOTICE, ("closes",)),
        (Template.EXPIRED, ("closes",)),
        (Template.DESK_VETTING_REMINDER, ("act_by",)),
        (Template.SUSPENSION_OPENED, ("presumed",)),
        (Template.FURTHER_GROUND, ("presumed",)),
        (Template.HEARING, ("act_by",)),
        (Template.HEARING_EXTENDED, ("act_by",)),
        (Template.HEARING_REMINDER, ("act_by",)),
        (Template.SUSPENSION_UPHELD, ("closes",)),
        (Template.SUSPENSION_REVERSED, ("presumed",)),
        (Template.SUSPENSION_CLOSED, ("closes",)),
        (Template.BUREAU_REFERRAL, ("begins",)),
        (Template.DESK_MEASURE_REMINDER, ("act_by",)),
    ],
)
def test_letter_names_its_days_in_text_and_html_alike(
    renderer: TemplateRenderer, template: Template, days: tuple[str, ...], language: Language
) -> None:
    letter = written(renderer, template, language)
    named = {name: in_words(getattr(FULL, name), language) for name in ("act_by", "begins", "closes", "presumed")}
    assert tuple(name for name, day in named.items() if day in flat(letter.text)) == days
    assert tuple(name for name, day in named.items() if day in letter.html) == days


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (Language.ENGLISH, "by the end of Monday 30 March 2026 (Strasbourg time)"),
        (Language.FRENCH, "avant la fin du lundi 30 mars 2026 (heure de Strasbourg)"),
        (Language.RUSSIAN, "понедельник, 30 марта 2026 года, до полуночи по страсбургскому времени"),
    ],
)
@pytest.mark.parametrize("template", [Template.INVITATION, Template.REMINDER, Template.INFORMATION_REQUEST])
def test_last_day_is_a_day_included_at_the_seat(
    renderer: TemplateRenderer, template: Template, language: Language, sentence: str
) -> None:
    assert sentence in flat(written(renderer, template, language).text)


@pytest.mark.parametrize(
    ("language", "word"),
    [(Language.ENGLISH, "ratification"), (Language.FRENCH, "ratification"), (Language.RUSSIAN, "пленарном")],
)
def test_approval_speaks_of_ratification_only_where_it_is_pending(
    renderer: TemplateRenderer, language: Language, word: str
) -> None:
    settled = FULL.model_copy(update={"ratification": False})
    texts = [written(renderer, Template.APPROVED, language, facts).text for facts in (FULL, settled)]
    assert [word in text for text in texts] == [True, False]


@every_language
def test_reserve_names_the_rank(renderer: TemplateRenderer, language: Language) -> None:
    texts = [
        written(renderer, Template.RESERVE, language, FULL.model_copy(update={"rank": rank})).text for rank in (41, 42)
    ]
    assert texts[0].replace("41", "42") == texts[1] != texts[0]


@every_language
def test_overdue_letter_says_what_is_overdue(renderer: TemplateRenderer, language: Language) -> None:
    kinds = ("vetting", "decision", "ratification", "delivery", None)
    texts = {
        written(renderer, Template.DESK_OVERDUE, language, FULL.model_copy(update={"overdue": kind})).text
        for kind in kinds
    }
    assert len(texts) == len(kinds)


@every_language
@pytest.mark.parametrize("trouble", ["refused", "unknown"])
def test_letter_in_trouble_comes_with_the_commands_that_settle_it(
    renderer: TemplateRenderer, language: Language, trouble: str
) -> None:
    facts = Facts(letter="C-2026-0007.3.1", trouble=trouble)
    letter = written(renderer, Template.DESK_LETTER, language, facts)
    assert [line.strip() for line in letter.text.splitlines() if "starter" in line] == [
        f'starter letter settle C-2026-0007.3.1 --as {settlement} --reason "…"'
        for settlement in ("sent", "resend", "give-up")
    ]


@every_language
def test_refused_and_unknown_letters_are_told_apart(renderer: TemplateRenderer, language: Language) -> None:
    texts = {
        written(renderer, Template.DESK_LETTER, language, FULL.model_copy(update={"trouble": trouble})).text
        for trouble in ("refused", "unknown")
    }
    assert len(texts) == 2


@pytest.mark.parametrize(
    "name",
    ["Пётр Вымышленный", "Zoë O’Example-Ünlü", "Ексәмпл Ғалымқызы", "Д" * 200, "Ada " * 49 + "Example"],
)
def test_name_in_any_script_and_of_any_length_stands_in_both_bodies(renderer: TemplateRenderer, name: str) -> None:
    letter = written(renderer, Template.DECLARED, Language.RUSSIAN, name=name)
    assert flat(letter.text).startswith(f"Здравствуйте, {name}! ")
    assert f"<p>Здравствуйте, {name}!</p>" in letter.html


def test_line_break_in_a_name_makes_no_paragraph(renderer: TemplateRenderer) -> None:
    letter = written(renderer, Template.DECLARED, name="Ada\n\n- Example")
    assert letter.text.startswith("Dear Ada - Example,\n\n")


def test_receipt_says_the_same_whoever_was_nominated(renderer: TemplateRenderer) -> None:
    assert written(renderer, Template.RECEIPT, facts=FULL) == written(renderer, Template.RECEIPT, facts=MINIMAL)


def test_fact_that_is_not_there_stops_the_letter(renderer: TemplateRenderer) -> None:
    notice = Notice.model_construct(template=Template.INVITATION, role=Role.CANDIDATE, to=None, facts=object())  # type: ignore[arg-type]
    with pytest.raises(UndefinedError, match="act_by"):
        renderer.render(notice, case=CASE, name=NAME, language=Language.ENGLISH)


def test_templates_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str | None] = []
    compile_ = Environment.compile

    def counting(self: Environment, source: str, name: str | None = None, filename: str | None = None) -> CodeType:
        compiled.append(name)
        return compile_(self, source, name, filename)

    monkeypatch.setattr(Environment, "compile", counting)
    renderer = TemplateRenderer()
    for _ in range(2):
        written(renderer, Template.RECEIPT)
    assert sorted(map(str, compiled)) == [
        "_layout.html",
        "_reader/en.txt",
        "receipt/en/body.html",
        "receipt/en/body.txt",
        "receipt/en/subject.txt",
    ]


@pytest.mark.parametrize(
    ("language", "wrong"),
    [(Language.FRENCH, r" [:;!?»]|« "), (Language.RUSSIAN, r" —|« | »"), (Language.ENGLISH, r" [:;!?]")],
)
def test_punctuation_keeps_to_the_words_it_belongs_to(language: Language, wrong: str) -> None:
    sources = [*TEMPLATES.glob(f"*/{language}/*.txt"), *TEMPLATES.glob(f"_*/{language}.txt")]
    assert len(sources) == 2 * len(Template) + 4
    assert [str(source) for source in sources if re.search(wrong, source.read_text(encoding="utf-8"))] == []
