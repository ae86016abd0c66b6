"""An export is written to a file of its own, whatever somebody has put where it is made."""

from __future__ import annotations

import logging

from hermes_trio.daemon.control.export import write_private
from hermes_trio.runtime.log import standard_log


def test_what_was_planted_beside_an_export_is_neither_written_nor_used(tmp_path):
    precious, out = tmp_path / "precious", tmp_path / "rec.json"
    precious.write_text("precious")
    (tmp_path / "rec.json.part").symlink_to(precious)
    write_private(out, iter([b"{}"]))
    assert precious.read_text() == "precious"
    assert (out.read_bytes(), out.is_symlink(), out.stat().st_mode & 0o777) == (b"{}", False, 0o600)


def test_an_id_begins_no_line_of_its_own_in_the_log_of_a_host(caplog):
    with caplog.at_level(logging.INFO, "hermes_trio"):
        standard_log().info("message accepted", native="x/1\nmessage accepted native=forged", key="k\x1b[2J")
    [record] = caplog.records
    assert record.getMessage() == "message accepted native=x/1\\nmessage accepted native=forged key=k\\x1b[2J"
