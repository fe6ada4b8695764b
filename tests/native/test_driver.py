"""The native encoder runs clean under sanitizers, and on an emulated processor with VNNI as the portable units do."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from secondlook.models.native_session import LIBRARY
from tests.house.yard import ROOT

pytestmark = [
    pytest.mark.native,
    pytest.mark.process,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler"),
]

HERE = Path(__file__).parent
EMULATOR = ROOT / "build" / "emulator" / "bin" / "python"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The build hook, which knows the units and their flags."""
    spec = importlib.util.spec_from_file_location("secondlook_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_driver(build: ModuleType, folder: Path, *flags: str) -> Path:
    """The driver with every unit in it; the flags come last, and so win."""
    units = {**build.UNITS, **build.PORTABLE}
    marks = tuple(f"-DSECONDLOOK_HAS_{name.upper()}" for name in units)
    sources = {LIBRARY.parent / f"{name}.cpp": own for name, own in units.items()}
    sources |= {LIBRARY.parent / "library.cpp": marks, HERE / "driver.cpp": (f"-I{LIBRARY.parent}",)}
    objects = [folder / f"{source.stem}.o" for source in sources]
    for (source, own), target in zip(sources.items(), objects, strict=True):
        subprocess.run(["g++", *build.FLAGS, *own, *flags, "-Werror", "-c", source, "-o", target], check=True)
    subprocess.run(["g++", *flags, *objects, "-o", folder / "driver"], check=True)
    return folder / "driver"


def test_sanitizers_find_nothing(build: ModuleType, tmp_path: Path) -> None:
    """Sequences of 1 to 512 tokens, alone and in company, on every unit of this processor."""
    driver = compile_driver(build, tmp_path, "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    ran = subprocess.run([driver], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "avx2 " in ran.stdout or "portable_int8 " in ran.stdout


@pytest.mark.skipif(not EMULATOR.is_file(), reason="`make emulator` prepares it")
@pytest.mark.parametrize("unit", ["avx512", "avxvnni", "avx2"])
def test_an_emulated_processor_computes_what_the_portable_units_do(
    build: ModuleType, tmp_path: Path, unit: str
) -> None:
    """AVX-512 VNNI and AVX-VNNI on a machine with neither."""
    driver = compile_driver(build, tmp_path, "-static")
    command = [EMULATOR, HERE / "emulator.py", driver, "17", unit]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count(": ok") == 5


def test_clang_builds_it_without_a_warning(build: ModuleType, tmp_path: Path) -> None:
    compilers = [name for name in ("clang++", "clang++-14") if shutil.which(name)]
    if not compilers:
        pytest.skip("there is no clang")
    for name, flags in {**build.UNITS, **build.PORTABLE, "library": ()}.items():
        source = LIBRARY.parent / f"{name}.cpp"
        command = [compilers[0], *build.FLAGS, *flags, "-Werror", "-c", source, "-o", tmp_path / f"{name}.o"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
