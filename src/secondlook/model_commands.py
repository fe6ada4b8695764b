"""``secondlook models``: what is known, cached and runnable."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from secondlook import bootstrap, interrupts, provision
from secondlook.console import AsJson, DataDir, err, out, say, say_json
from secondlook.screen import Downloads, make_bars, show_models, show_units
from secondlook.settings import load_settings

models_app = typer.Typer(help="List, download, add and check models.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the known models: what they are, and which can be used. Nothing is created."""
    if context.invoked_subcommand:
        return
    settings = load_settings(data_dir=data_dir)
    if data_dir:  # without one, the models that could be downloaded are worth listing
        bootstrap.check_data(settings)
    found = provision.list_models(settings)
    if as_json:
        say_json([{**asdict(one), "status": one.status} for one in found])
    else:
        show_models(out, found)


@models_app.command()
def pull(
    name: str,
    revision: Annotated[
        str, typer.Option(help="The commit on the hub. Required for models without a pinned one.")
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Download a known model and check its hash. An interrupted download continues where it stopped."""
    interrupts.explain("The part that was downloaded is kept. Run the same command again to continue.")
    with Downloads(make_bars(err)) as heard:
        folder = provision.pull_model(load_settings(data_dir=data_dir), name, revision=revision, progress=heard)
    say(f"{name} is in {folder}")


@models_app.command()
def add(name: str, folder: Path, data_dir: DataDir = None) -> None:
    """Add a model from a local folder with tokenizer.json, and config.json and model.safetensors, or model.onnx."""
    say(f"{name} is in {provision.add_model(load_settings(data_dir=data_dir), name, folder)}")


@models_app.command()
def check(data_dir: DataDir = None) -> None:
    """Compare every unit of the native encoder that this processor supports with plain arithmetic, and time it.

    Exits with 1 when one disagrees.
    """
    with Downloads(make_bars(err)) as heard:
        found = provision.check_native(load_settings(data_dir=data_dir), progress=heard)
    if not found:
        say("The native encoder is not built for this machine. ONNX Runtime serves instead.")
        return
    show_units(out, found)
    if not any(one.serves for one in found):
        say("This processor has no AVX2. ONNX Runtime serves instead.")
    if not all(one.agrees for one in found):
        raise typer.Exit(1)
