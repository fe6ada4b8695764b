"""``secondlook models``: what is known, cached and runnable."""

from pathlib import Path
from typing import Annotated

import typer

from secondlook import interrupts, provision
from secondlook.console import DataDir, err, out, say
from secondlook.screen import Downloads, make_bars, show_models
from secondlook.settings import load_settings

models_app = typer.Typer(help="List the known models; `pull` or `add` one.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, data_dir: DataDir = None) -> None:
    """List what is known, cached and runnable."""
    if context.invoked_subcommand:
        return
    found = provision.list_models(load_settings(data_dir=data_dir))
    show_models(out, [one.cells for one in found], [f"{one.name}: {one.note}" for one in found if one.note])


@models_app.command()
def pull(
    name: str,
    revision: Annotated[str, typer.Option(help="The hub's commit; needed where none is pinned.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Download a known model, with its hash checked; a download that broke goes on where it stopped."""
    interrupts.explain("The part that was downloaded is kept. Run the same command again to continue.")
    with Downloads(make_bars(err)) as heard:
        folder = provision.pull_model(load_settings(data_dir=data_dir), name, revision=revision, progress=heard)
    say(f"{name} is in {folder}")


@models_app.command()
def add(name: str, folder: Path, data_dir: DataDir = None) -> None:
    """Take a model from a local folder: tokenizer.json, with config.json and model.safetensors or with model.onnx."""
    say(f"{name} is in {provision.add_model(load_settings(data_dir=data_dir), name, folder)}")
