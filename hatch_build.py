"""Builds the native encoder and the dashboard into the package, each where it can be built; neither has to be there."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path("src/secondlook/models/native")
LIBRARY = "libsecondlook.so"
PAGES = Path("src/secondlook/dashboard/static")
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fvisibility=hidden", "-Wno-uninitialized", "-Wno-maybe-uninitialized")
UNITS = {
    "library.cpp": (),
    "avx2.cpp": ("-mavx2", "-mfma"),
    "avx512.cpp": ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mfma"),
}
"""Source files, each compiled for its own instruction set; which one runs is chosen when the program runs."""


class NativeBuildHook(BuildHookInterface):
    """Compiles, or says why not; a package without the library is slower, never broken."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the library beside its sources, and mark the wheel as made for this platform."""
        if self.target_name != "wheel":
            return
        if version != "editable":  # `make ui` builds those of a checkout
            self._add_pages(build_data)
        folder = Path(self.root) / NATIVE
        problem = compile_library(folder)
        if problem:
            print(f"The native encoder is left out ({problem}); ONNX Runtime serves.", file=sys.stderr)
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform_tag()}"
        build_data["artifacts"].append(f"{NATIVE}/{LIBRARY}")

    def _add_pages(self, build_data: dict[str, Any]) -> None:
        """The dashboard, built anew; if it cannot be, the one that is there, or none."""
        problem = build_pages(Path(self.root) / "ui" / "build.py")
        if problem:
            print(f"The dashboard is not built ({problem}); the API works without it.", file=sys.stderr)
        if (Path(self.root) / PAGES / "index.html").is_file():
            build_data["artifacts"].append(f"{PAGES}/**")


def build_pages(script: Path) -> str:
    """Why the dashboard is not built, or nothing if it is."""
    spec = importlib.util.spec_from_file_location("secondlook_ui_build", script)
    if not script.is_file() or spec is None or spec.loader is None:
        return "its sources are not here"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.build())


def compile_library(folder: Path) -> str:
    """Why there is no library, or nothing if there is one now."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"it runs on Linux on x86-64, this is {sys.platform} on {platform.machine()}"
    compiler = os.environ.get("CXX") or next((one for one in ("g++", "c++", "clang++") if shutil.which(one)), "")
    if not compiler:
        return "there is no C++ compiler"
    with tempfile.TemporaryDirectory() as made:
        objects = [str(Path(made) / f"{name}.o") for name in UNITS]
        commands = [
            [compiler, *FLAGS, *flags, "-c", str(folder / name), "-o", target]
            for (name, flags), target in zip(UNITS.items(), objects, strict=True)
        ]
        built = Path(made) / LIBRARY
        linked = [compiler, "-shared", "-static-libstdc++", "-static-libgcc", *objects, "-o", str(built)]
        for command in (*commands, linked):
            try:
                subprocess.run(command, check=True, capture_output=True, text=True)
            except (OSError, subprocess.CalledProcessError) as error:
                detail = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
                return f"{compiler} failed: {detail[0] if detail else 'no message'}"
        scratch = folder / f"{LIBRARY}.new"
        shutil.copyfile(built, scratch)
        scratch.replace(folder / LIBRARY)
    return ""


def _platform_tag() -> str:
    """manylinux of the C library that this machine has, which the library needs at most."""
    name, version = platform.libc_ver()
    if name != "glibc":
        return "linux_x86_64"
    major, minor = version.split(".")[:2]
    return f"manylinux_{major}_{minor}_x86_64"
