"""Builds the native encoder and the dashboard into the package, each where it can be built; neither has to be there."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path("src/secondlook/models/native")
LIBRARY = "libsecondlook.so"
PAGES = Path("src/secondlook/dashboard/static")
FLAGS = ("-std=c++17", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra")
UNITS = {
    "avx512": ("-O3", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mfma"),
    "avxvnni": ("-O3", "-mavx2", "-mfma"),
    "avx2": ("-O3", "-mavx2", "-mfma"),
}
"""Instruction sets with a source file each and its flags; the program chooses one when it runs. The build goes
on without a unit that the compiler cannot build."""
PORTABLE = {"portable_int8": ("-O1",), "portable_int7": ("-O1",)}
"""Plain C++ that the others are compared with; never chosen to serve."""


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
    with tempfile.TemporaryDirectory() as scratch:
        build = Path(scratch)
        problems = _compile_all(compiler, folder, build, {**UNITS, **PORTABLE})
        missing = {name: problem for name, problem in problems.items() if problem}
        if len(missing.keys() & UNITS.keys()) == len(UNITS) or missing.keys() & PORTABLE.keys():
            return next(iter(missing.values()))
        for name, problem in missing.items():
            print(f"The native encoder is built without {name} ({problem}).", file=sys.stderr)
        present = [name for name in (*UNITS, *PORTABLE) if name not in missing]
        marks = tuple(f"-DSECONDLOOK_HAS_{name.upper()}" for name in present)
        objects = [str(build / f"{name}.o") for name in (*present, "library")]
        static = ("-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL")
        linked = [compiler, "-shared", *static, *objects, "-o", str(build / LIBRARY)]
        problem = _compile_all(compiler, folder, build, {"library": ("-O3", *marks)})["library"] or _run(linked)
        if problem:
            return problem
        replacement = folder / f"{LIBRARY}.new"
        shutil.copyfile(build / LIBRARY, replacement)
        replacement.replace(folder / LIBRARY)
    return ""


def _compile_all(compiler: str, folder: Path, build: Path, units: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Compiles the sources of those names at once; of each, why it failed, or nothing."""
    commands = [
        [compiler, *FLAGS, *flags, "-c", str(folder / f"{name}.cpp"), "-o", str(build / f"{name}.o")]
        for name, flags in units.items()
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(units, pool.map(_run, commands), strict=True))


def _run(command: list[str]) -> str:
    """Why the command failed, or nothing."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return f"{command[0]} failed: {detail[0] if detail else 'no message'}"
    return ""


def _platform_tag() -> str:
    """manylinux of the C library that this machine has, which the library needs at most."""
    name, version = platform.libc_ver()
    if name != "glibc":
        return "linux_x86_64"
    major, minor = version.split(".")[:2]
    return f"manylinux_{major}_{minor}_x86_64"
