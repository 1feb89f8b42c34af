"""The one place where templates are called.

A letter is a folder ``templates/<letter>/<language>``: ``subject.txt``, ``body.txt`` and ``body.html``. The words stand
once, in ``body.txt``; ``body.html`` lays the same blocks out, so that the two bodies cannot say different things.
"""

from datetime import date
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context

from domain.notices import Letter, Notice
from domain.people import Language
from letters.blocks import numbered, one_line, parse, plain, quoted
from letters.dates import in_words

_UNLIMITED: Final = -1


class TemplateRenderer:
    """Writes letters from the package's templates, each read and compiled at its first use and kept.

    A template sees the facts, the case's reference, the reader's name and language, and nothing else of the notice: an
    address cannot get into a letter. A name that is not there raises ``jinja2.UndefinedError``: no letter goes out with
    a hole.
    """

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("letters"),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=_UNLIMITED,
        )
        self._environment.filters |= {"day": _day, "numbered": numbered, "quoted": quoted}

    def render(self, notice: Notice, *, case: str, name: str, language: Language) -> Letter:
        """The letter for a notice.

        Args:
            notice: What to say.
            case: The reference the reader may quote; all that the subject says of the case.
            name: The reader's name, for the greeting.
            language: The reader's language.
        """
        folder = f"{notice.template}/{language}"
        context = {"facts": notice.facts, "case": case, "language": language}
        subject = one_line(self._render(f"{folder}/subject.txt", context))
        blocks = parse(self._render(f"{folder}/body.txt", context | {"name": one_line(name)}))
        html = self._render(f"{folder}/body.html", {"language": language, "subject": subject, "blocks": blocks})
        return Letter(subject=subject, text=plain(blocks), html=html)

    def _render(self, template: str, context: dict[str, object]) -> str:
        return self._environment.get_template(template).render(context)


@pass_context
def _day(context: Context, day: date) -> str:
    return in_words(day, context["language"])
