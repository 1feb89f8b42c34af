"""Blocks: what a rendered body is made of, and how it reads as plain text."""

from letters.blocks import WIDTH, Block, Kind, numbered, one_line, parse, plain, quoted


def test_one_line_makes_every_run_of_spaces_and_line_breaks_one_space() -> None:
    assert one_line(" Ada\r\n\tExample \u2028 of\x85Nowhere ") == "Ada Example of Nowhere"


def test_one_line_keeps_no_break_spaces() -> None:
    assert one_line("dossier\u00a0: «\u202f1 000\u202f»") == "dossier\u00a0: «\u202f1 000\u202f»"


def test_body_is_parsed_into_paragraphs_lists_and_quotations() -> None:
    source = """
First line
and second.


- one,
  continued
- two

1. alpha
2. beta

> asked

> {{ literally }}
"""
    assert parse(source) == (
        Block(Kind.PARAGRAPH, ("First line and second.",)),
        Block(Kind.BULLETED, ("one, continued", "two")),
        Block(Kind.NUMBERED, ("alpha", "beta")),
        Block(Kind.QUOTATION, ("asked",)),
        Block(Kind.QUOTATION, ("{{ literally }}",)),
    )


def test_quotation_keeps_the_lines_of_the_text_and_hides_its_markers() -> None:
    text = "What of this?\n\n- not a list\n> not a quotation\n1. not a number\n\tindented"
    assert parse(quoted(text)) == (
        Block(
            Kind.QUOTATION,
            ("What of this?", "", "- not a list", "> not a quotation", "1. not a number", "    indented"),
        ),
    )


def test_numbered_list_holds_one_item_for_each_statement_whatever_its_lines() -> None:
    statements = ("I affirm\n\n> this", "7. and this", "- and that")
    assert parse(numbered(statements)) == (Block(Kind.NUMBERED, ("I affirm > this", "7. and this", "- and that")),)


def test_plain_text_fills_lines_greedily() -> None:
    word = "a" * 25
    assert plain(parse(" ".join([word] * 4))) == f"{word} {word} {word}\n{word}\n"


def test_line_of_exactly_the_width_is_not_broken() -> None:
    exact = "a" * (WIDTH - 2) + " b"
    assert plain(parse(exact)) == f"{exact}\n"
    assert plain(parse(f"a{exact}")) == "a" * (WIDTH - 1) + "\nb\n"


def test_plain_text_hangs_the_lines_of_an_item_under_its_first() -> None:
    words = " ".join(["слово"] * 14)
    assert plain(parse(f"- {words}")) == f"- {' '.join(['слово'] * 12)}\n  слово слово\n"
    assert plain(parse(f"1. {words}")) == f" 1. {' '.join(['слово'] * 12)}\n    слово слово\n"


def test_plain_text_numbers_align_past_nine() -> None:
    lines = plain(parse(numbered(["item"] * 10))).splitlines()
    assert (lines[0], lines[9]) == (" 1. item", "10. item")


def test_plain_text_keeps_paragraphs_apart() -> None:
    assert plain(parse("one\n\ntwo\n \nthree")) == "one\n\ntwo\n\nthree\n"


def test_long_url_is_never_broken() -> None:
    url = f"https://example.org/{'long-path/' * 12}?a=b-c"
    assert plain(parse(f"See {url} please.")) == f"See\n{url}\nplease.\n"


def test_word_longer_than_a_line_at_the_beginning_leaves_no_empty_line() -> None:
    url = "https://example.org/" + "x" * 90
    assert plain(parse(f"> {url} there")) == f"    {url}\n    there\n"


def test_no_break_space_is_no_place_to_break() -> None:
    filler = "a" * (WIDTH - 8)
    assert plain(parse(f"{filler} dossier\u00a0:")) == f"{filler}\ndossier\u00a0:\n"
