"""Files of a conversation are read, written, edited, listed and searched, within limits."""

import os
import stat
from contextlib import suppress

import pytest

from hermes_trio import FileText, FileView, Match


async def test_what_was_written_is_read(files):
    assert await files.write("notes/today.txt", "one\ntwo\nthrée") == 14
    assert await files.read("notes/today.txt") == FileText(text="one\ntwo\nthrée", first=1, last=3, lines=3)


async def test_a_file_is_read_in_pieces(files):
    await files.write("long.txt", "".join(f"line {n}\n" for n in range(1, 80_001)))
    found = await files.read("long.txt", first=79_999)
    assert found == FileText(text="line 79999\nline 80000\n", first=79_999, last=80_000, lines=80_000)
    assert (await files.read("long.txt", first=500, lines=2)).text == "line 500\nline 501\n"
    first = await files.read("long.txt")
    assert len(first.text) <= 64 * 1024
    second = await files.read("long.txt", first=first.last + 1)
    assert (first.text + second.text).endswith(f"line {second.last}\n")
    assert (first.lines, second.lines) == (80_000, 80_000)


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n", 1), ("\n\n", 2), ("a\n" * 70_000, 70_000)],
)
async def test_lines_are_counted_as_people_count(files, text, lines):
    await files.write("a.txt", text)
    assert (await files.read("a.txt")).lines == lines
    behind = await files.read("a.txt", first=lines + 1)
    assert (behind.text, behind.last, behind.lines) == ("", lines, lines)
    far = await files.read("a.txt", first=lines + 1000)
    assert (far.text, far.lines) == ("", lines)


async def test_a_line_that_does_not_fit_is_cut_and_says_so(files):
    await files.write("wide.txt", "x" * 100_000 + "\nshort\n")
    found = await files.read("wide.txt")
    assert (found.text, found.last, found.lines, found.cut) == ("x" * 65536, 1, 2, True)
    assert (await files.read("wide.txt", first=2)).text == "short\n"


async def test_what_is_no_text_is_not_read(files, own):
    (own / "picture.png").write_bytes(b"\x89PNG\0\0")
    with pytest.raises(ValueError, match=r"no text: it has NUL bytes, and 6 bytes in all"):
        await files.read("picture.png")


async def test_a_huge_file_is_not_read(files, own):
    (own / "huge").touch()
    os.truncate(own / "huge", 1 << 40)
    with pytest.raises(ValueError, match="has 1099511627776 bytes"):
        await files.read("huge")


async def test_a_file_is_replaced_whole_and_keeps_what_it_may_be_used_for(files, own):
    await files.write("run.sh", "echo 1")
    (own / "run.sh").chmod(0o755)
    await files.write("run.sh", "echo 2")
    assert (own / "run.sh").read_text() == "echo 2"
    assert stat.S_IMODE((own / "run.sh").stat().st_mode) == 0o755
    assert os.listdir(own) == ["run.sh"]
    assert stat.S_IMODE(own.stat().st_mode) == 0o700


async def test_an_edit_replaces_what_stands_there_exactly_and_once(files):
    await files.write("a.py", "x = 1\ny = 1\nz = 1\n")
    assert await files.edit("a.py", "y = 1", "y = 2") == 1
    assert (await files.read("a.py")).text == "x = 1\ny = 2\nz = 1\n"
    assert await files.edit("a.py", "= 1", "= 3", every=True) == 2
    assert (await files.read("a.py")).text == "x = 3\ny = 2\nz = 3\n"


@pytest.mark.parametrize(
    ("old", "why"),
    [
        ("= 1", r"2 times \(lines 1, 3\)"),
        ("  y = 2\n  w", r"not stand in the file exactly so \(its first line does, in line 2"),
        ("nowhere", "not stand in the file exactly so; read it again"),
        ("", "not empty"),
    ],
)
async def test_an_edit_that_does_not_match_says_why_and_changes_nothing(files, old, why):
    await files.write("a.py", "x = 1\ny = 2\nz = 1\n")
    with pytest.raises(ValueError, match=why):
        await files.edit("a.py", old, "new")
    assert (await files.read("a.py")).text == "x = 1\ny = 2\nz = 1\n"


async def test_what_stands_in_a_folder_is_listed_by_name(files):
    await files.write("b.txt", "12345")
    await files.write("a/inner.txt", "1")
    shown = [
        FileView("a", "folder", 0),
        FileView("b.txt", "file", 5),
        FileView("desk", "folder", 0),
        FileView("shelf", "folder", 0),
    ]
    assert await files.list() == await files.list("") == type(await files.list())(tuple(shown), more=False)
    assert [one.path for one in (await files.list("a")).files] == ["a/inner.txt"]
    assert [one.path for one in (await files.list(deep=True)).files] == [
        "a",
        "a/inner.txt",
        "b.txt",
        "desk",
        "shelf",
    ]


async def test_of_many_files_some_are_listed(files, own):
    for n in range(600):
        (own / f"{n:03}").touch()
    found = await files.list()
    assert (len([one for one in found.files if one.kind == "file"]), found.more) == (500, True)


async def test_a_text_is_found_with_its_line(files):
    await files.write("a.txt", "alpha\nbeta\nAlpha beta\n")
    await files.write("b/c.txt", "beta")
    found = await files.search("beta")
    assert found.matches == (
        Match("a.txt", 2, "beta"),
        Match("a.txt", 3, "Alpha beta"),
        Match("b/c.txt", 1, "beta"),
    )
    assert [one.line for one in (await files.search("alpha", "a.txt", ignore_case=True)).matches] == [1, 3]
    assert (await files.search("beta", "b")).matches == (Match("b/c.txt", 1, "beta"),)


async def test_of_a_long_line_what_is_around_is_shown_and_of_many_matches_some(files):
    await files.write("wide.txt", "x" * 5000 + "needle" + "y" * 5000)
    [match] = (await files.search("needle")).matches
    assert "needle" in match.text
    assert len(match.text) <= 300
    await files.write("many.txt", "needle\n" * 1000)
    found = await files.search("needle", "many.txt")
    assert (len(found.matches), found.more) == (100, True)


async def test_files_that_are_no_text_are_passed_over(files, own):
    await files.write("a.txt", "needle")
    (own / "b.bin").write_bytes(b"needle\0")
    found = await files.search("needle")
    assert ([one.path for one in found.matches], found.passed_over) == (["a.txt"], 1)


async def test_a_workspace_has_an_end(files):
    await files.write("big.txt", "x" * 900_000)
    with pytest.raises(ValueError, match="larger than 1 MiB: make room first"):
        await files.write("more.txt", "x" * 200_000)
    await files.write("big.txt", "")
    await files.write("more.txt", "x" * 200_000)


async def test_a_full_workspace_can_be_emptied(files):
    kept = 0
    with suppress(ValueError):  # each takes a whole block of the disk, so that the last goes beyond the limit
        for kept in range(300):
            await files.write(f"{kept}.txt", "x")
    with pytest.raises(ValueError, match="make room first"):
        await files.write(f"{kept}.txt", "x")
    await files.write("0.txt", "y")
    assert await files.edit("0.txt", "y", "") == 1
    assert await files.write("1.txt", "") == 0
    await files.write("2.txt", "")
    await files.write("more.txt", "x")


async def test_an_edit_that_would_make_a_file_too_large_is_refused_before_it_is_made(files):
    await files.write("a.txt", "x" * 1_000_000)
    with pytest.raises(ValueError, match=r"would have 64000000000 bytes; an edited one has at most 1048576"):
        await files.edit("a.txt", "x", "y" * 64_000, every=True)
    assert (await files.read("a.txt")).text.startswith("xxx")


async def test_a_conversation_without_files_has_an_empty_workspace_and_no_folder(files, workspaces):
    assert [one.path for one in (await files.list()).files] == ["desk", "shelf"]
    assert (await files.search("x")).matches == ()
    with pytest.raises(ValueError, match=r"a\.txt: there is no such file"):
        await files.read("a.txt")
    with pytest.raises(ValueError, match=r"a\.txt: there is no such file"):
        await files.edit("a.txt", "x", "y")
    assert not workspaces.folder.exists()


async def test_a_text_is_found_where_two_pieces_of_a_large_file_meet(files, own):
    (own / "large.txt").write_bytes(b"x" * ((1 << 20) - 3) + b"needle" + b"x" * (2 << 20) + b"\nneedle\n")
    assert [one.line for one in (await files.search("needle")).matches] == [1, 2]


async def test_a_text_that_is_too_long_is_not_written(files):
    with pytest.raises(ValueError, match="at most 1048576 are written"):
        await files.write("a.txt", "x" * (1048576 + 1))
