"""``secondlook check``: whether the data folder is sound; with ``--repair``, what can be mended is."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from secondlook import bootstrap, interrupts, stored_check
from secondlook.console import AsJson, DataDir, err, run_over, say, say_json
from secondlook.domain.wording import plural
from secondlook.screen import make_bars
from secondlook.services.data_check import DataReport, Finding
from secondlook.settings import Settings, load_settings

DAMAGED = 1
"""Exit code when something is wrong and stays so."""


def check(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be; stop the server first.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Check the catalogue, every index and every stored file of a data folder. Exits with 1 if something is damaged."""
    settings = load_settings(data_dir=data_dir)
    interrupts.explain("Nothing was changed. Run the same command again; it starts over.")
    report = interrupts.run(stored_check.check_stored(settings))
    if repair and report.findings:
        report = _repair(settings, report)
    if as_json:
        say_json(as_dict(report))
    else:
        for line in lines_of(report, repair=repair):
            say(line)
    if not report.is_sound:
        raise typer.Exit(DAMAGED)


def _repair(settings: Settings, report: DataReport) -> DataReport:
    """The report as it is after everything that can be repaired is."""
    interrupts.explain("What was repaired stays so. Run the same command again for the rest, or start the server.")
    if any(one.part == "catalogue" for one in report.findings):
        return report

    async def work(runtime: bootstrap.Runtime) -> None:
        await stored_check.repair_stored(settings, runtime, report)
        with make_bars(err) as bars:
            bar = bars.add_task("Repairing", total=None)
            most = 0

            def heard(left: int) -> None:
                nonlocal most
                most = max(most, left)
                bars.update(bar, total=most, completed=most - left)

            await runtime.services.indexing.drain(heard)

    run_over(settings, work, queue="all")
    return report.after(interrupts.run(stored_check.check_stored(settings)))


def as_dict(report: DataReport) -> Mapping[str, Any]:
    """What ``--json`` prints."""
    findings = [
        {name: value for name, value in asdict(one).items() if name not in ("uid", "item_id")}
        for one in report.findings
    ]
    return {
        "sound": report.is_sound, "instances": report.instances, "items": report.items, "files": report.files,
        "findings": findings,
    }  # fmt: skip


def lines_of(report: DataReport, *, repair: bool) -> list[str]:
    """What the command prints."""
    counted = (
        f"{plural(report.instances, 'instance')}, {plural(report.items, 'item')}, {plural(report.files, 'stored file')}"
    )
    lines = [f"Checked {counted}."]
    lines += [_line_of(one) for one in report.findings]
    left = [one for one in report.findings if not one.repaired]
    if not report.findings:
        lines.append("Everything is sound.")
    elif not left:
        lines.append(f"Repaired {plural(len(report.findings), 'problem')}.")
    elif repair:
        lines.append(f"{plural(len(left), 'problem')} of {len(report.findings):,} could not be repaired.")
    else:
        lines.append(f"{plural(len(left), 'problem')}. Run with --repair to mend what can be mended.")
    return lines


def _line_of(finding: Finding) -> str:
    place = " ".join(filter(None, (finding.instance, finding.key))) or "data folder"
    return f"  {place}: {finding.part}: {finding.problem}{' (repaired)' if finding.repaired else ''}"
