"""`hermes-trio doctor`: what is wrong, and what helps."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hermes_trio.cli.ask import FAILED, json_option
from hermes_trio.cli.options import config_option, find_file
from hermes_trio.text.sanitize import visible


@click.command()
@config_option
@json_option
@click.option("--fix", is_flag=True, help="Mend modes and owners; remove what a killed setup left.")
@click.option("--offline", is_flag=True, help="Ask neither models nor accounts.")
@click.option("--bundle", type=click.Path(path_type=Path), metavar="FILE", help="Write a report to hand on.")
def doctor(file: Path | None, as_json: bool, fix: bool, offline: bool, bundle: Path | None) -> int:
    """Look at everything, and say what helps."""
    import trio

    from hermes_trio.cli.tables import print_json
    from hermes_trio.daemon.checks.doctor import examine

    async def look() -> int:
        examined = await examine(find_file(file), os.environ, online=not offline, fix=fix)
        findings = examined.findings
        if as_json:
            print_json([{"area": f.area, "good": f.good, "line": f.line, "mend": f.mend} for f in findings])
        else:
            for one in findings:
                mend = f" -> {one.mend}" if one.mend and not one.good else ""
                sign = "good " if one.good else "WRONG"
                click.echo(visible(f"{sign} {one.area}: {one.line}{mend}"))
        if bundle is not None:
            from hermes_trio.daemon.checks.doctor_report import write_report

            write_report(bundle, examined)
            click.echo(visible(f"written: {bundle}; look at it before you pass it on"), err=True)
        return 0 if all(one.good for one in findings) else FAILED

    return trio.run(look)
