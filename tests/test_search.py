"""The search that shows that no name leaks finds one in every form in which it could have leaked."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.search import search

WORD = "Вымышленная"


@pytest.mark.parametrize("word", [WORD, "Nebyvalaya", "zinaida@example.org"])
@pytest.mark.parametrize(
    "written",
    [
        lambda word: word.encode(),
        lambda word: word.encode("utf-16-le"),
        lambda word: word.encode("utf-16-be"),
        lambda word: json.dumps({"name": word}).encode(),
        lambda word: json.dumps(json.dumps([word])).encode(),
        lambda word: quote(word, safe="@").encode(),
        *(lambda word, n=n: base64.b64encode(b"x" * n + word.encode() + b"y" * 5) for n in range(4)),
        *(lambda word, n=n: base64.b64encode(b"x" * n + json.dumps(word).encode() + b"y" * 5) for n in range(4)),
        *(lambda word, n=n: base64.b64encode(b"x" * n + word.encode("utf-16-le") + b"y" * 5) for n in range(4)),
    ],
)
def test_a_word_is_found_in_whatever_form_it_was_written(word: str, written: object, tmp_path: Path) -> None:
    assert callable(written)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0\1" + written(word) + b"\2")

    assert {found.word for found in search([word, "Somebody Else"], tmp_path)} == {word}


def test_a_word_is_found_in_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / f"{WORD}.yaml").touch()

    assert [found.form for found in search([WORD], tmp_path)] == ["UTF-8"]


def test_nothing_is_found_where_nothing_stands(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(WORD[1:].encode() + base64.b64encode(WORD[:-1].encode()))

    assert search([WORD], tmp_path) == []
