"""Commands that only look. `explain` and `letter` show what Prefect may never see."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tasks.errors import PermanentError
from tasks.explain import explain as explain_case
from tasks.letters.render import LetterRenderer, sample_content
from tasks.municipality import check_municipality, municipalities, open_municipality
from tasks.services import all_services
from tasks.settings import TEMPLATES, settings
from tasks.state.database import open_database, reading
from tasks.state.story import list_cases

Municipality = Annotated[str, typer.Option("--municipality", "-m", help="Only this one.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def cases(
    municipality: Municipality = "",
    status: Annotated[str, typer.Option(help="For example needs_review.")] = "",
    service: Annotated[str, typer.Option(help="For example resident_parking.")] = "",
    as_json: AsJson = False,
) -> None:
    """List cases: opaque ids, status and code, no personal data."""
    with reading(open_database(settings().state_url)) as session:
        found = list_cases(session, municipality, status, service)
    if as_json:
        typer.echo(json.dumps([asdict(line) for line in found], indent=2))
        return
    table = Table(
        "case", "municipality", "service", "event", "status", "code", "question", "settles on"
    )
    for line in found:
        table.add_row(
            line.case,
            line.municipality,
            line.service,
            line.event,
            line.status,
            line.code,
            line.question,
            line.settles_on,
        )
    console().print(table)
    typer.echo(f"{len(found)} cases")


def explain(
    case: Annotated[str, typer.Argument(help="The case's id, such as c-4k7m2x9qtbnr.")],
    as_json: AsJson = False,
) -> None:
    """Tell the whole life of a case: delta, grounds with sections and facts, effects, letter."""
    story = explain_case(case, settings())
    if as_json:
        typer.echo(json.dumps(story, indent=2, ensure_ascii=False))
        return
    for line in _story(story):
        typer.echo(line)


def _story(story: dict[str, Any]) -> list[str]:
    lines = [f"{story['case']}  {story['service']}  {story['municipality']}"]
    lines.append(f"now: {story['status']} ({story['code']})")
    if delta := story["delta"]:
        lines += [
            "",
            f"DELTA {delta['event']} of delivery {delta['delivery']}: {delta['kind']}"
            f" (code {delta['reason_code'] or 'none'}), received {delta['received_on']}",
            *_dwellings("before", delta["before"]),
            *_dwellings("after", delta["after"]),
        ]
    for decision in story["decisions"]:
        replays = "replays to the same" if decision["replays"] else "DOES NOT REPLAY"
        lines += [
            "",
            f"DECISION {decision['seq']} on {decision['decided_on']}: {decision['outcome']}"
            f" ({decision['code']}), by {decision['decided_by']},"
            f" rule of {decision['rule_version']}, {replays}",
        ]
        for ground in decision["grounds"]:
            facts = ", ".join(f"{key}={value}" for key, value in ground["facts"].items())
            result = ground["result"].replace("_", " ")
            lines.append(f"  {result:>8}  {ground['law']}: {ground['condition']}")
            if facts:
                lines.append(f"            {facts}")
        if decision["question"]:
            lines.append(f"  question  {decision['question']}")
        lines += [
            f"    effect  {effect['kind']} {effect['record']} {_flat(effect['data'])}"
            for effect in decision["effects"]
        ]
    for effect in story["effects"]:
        done, result = effect["effect"], _flat(effect["result"])
        lines += ["", f"EFFECT {done['kind']} {done['record']} at {effect['done_at']} {result}"]
        lines.append(f"  undone by  {effect['inverse']['kind']} {effect['inverse']['record']}")
    for question in story["questions"]:
        lines += ["", f"QUESTION ({question['status']}): {question['text']}"]
    for letter in story["letters"]:
        lines += [
            "",
            f"LETTER {letter['letter']} by {letter['channel']} {letter['recipient']}:"
            f" {letter['status']} {letter['code']} {letter['reference']}",
            f"  {letter['subject']}",
        ]
    lines += ["", "HISTORY"]
    lines += [
        f"  {step['at'][:19]}  {step['from']} -> {step['to']}  {step['code']}  by {step['by']}"
        for step in story["history"]
    ]
    return lines


def _dwellings(when: str, person: dict[str, Any] | None) -> list[str]:
    if person is None:
        return [f"  {when}: not registered"]
    name = person["name"]
    born = "-".join(f"{part:02d}" for part in person.get("born", {}).values()) or "unknown"
    lines = [f"  {when}: {name.get('given', '')} {name['family']}, born {born}"]
    for dwelling in person.get("dwellings", []):
        address = dwelling["address"]
        current = "current" if dwelling.get("current", True) else "former"
        lines.append(
            f"    {current}: {address.get('street', '')} {address.get('number', '')}"
            f"{address.get('suffix', '')}, {address.get('postcode', '')} {address.get('town', '')},"
            f" moved in {dwelling.get('moved_in', 'unknown')}"
        )
    return lines


def _flat(data: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in data.items())


def letter(
    service: Annotated[str, typer.Argument(help="For example resident_parking.")],
    out: Annotated[Path, typer.Option(help="Folder for the three forms.")] = Path(),
    municipality: Annotated[
        str, typer.Option("--municipality", "-m", help="With its own templates.")
    ] = "",
) -> None:
    """Render a service's letter with made-up data as PDF, text and HTML."""
    known = all_services()
    if service not in known:
        raise PermanentError("service.unknown", service, f"There are: {', '.join(known)}.")
    if municipality:
        open_municipality(municipality, settings())  # or a clear error
    folders = [settings().folder(municipality) / "templates"] if municipality else []
    rendered = LetterRenderer([*folders, TEMPLATES]).render(sample_content(known[service]))
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{service}.pdf").write_bytes(rendered.pdf)
    (out / f"{service}.txt").write_text(rendered.text, encoding="utf-8")
    (out / f"{service}.html").write_text(rendered.html, encoding="utf-8")
    typer.echo(f"{rendered.subject}\n{out / service}.pdf, .txt, .html")


def check(municipality: Municipality = "") -> None:
    """Check settings, profile, zone list and templates; every error at once."""
    wanted = [municipality] if municipality else municipalities(settings())
    if not wanted:
        typer.echo(f"There is no municipality in {settings().home}: antragslos new-municipality M")
        raise typer.Exit(1)
    bad = False
    for slug in wanted:
        problems = check_municipality(slug, settings())
        bad = bad or bool(problems)
        typer.echo(f"{slug}: {'ready' if not problems else f'{len(problems)} problems'}")
        for problem in problems:
            typer.echo(f"  {problem}")
    if bad:
        raise typer.Exit(1)


def console() -> Console:
    # Not a terminal: no wrapping of ids in the middle.
    return Console(width=None if Console().is_terminal else 160, highlight=False)
