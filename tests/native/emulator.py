"""Runs a static Linux program on an emulated Sapphire Rapids, which has AVX-512 VNNI and AVX-VNNI.

    python tests/native/emulator.py PROGRAM [ARGUMENT...]

Needs the package ``bochscpu-python`` (requirements/emulator.txt) and a C compiler; ``make emulator`` prepares it. The
emulated processor has the program's memory, flat, and no devices: system calls of the program end in ``Kernel``, which
knows those that the C library makes on the way to ``main``, ``write`` and ``exit``.
"""

import ctypes
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

MEMORY = 512 << 20
PAGE = 4096
PAGE_TABLES, GATE, RESULT = 0x1000, 0x8000, 0x9000
STACK, HEAP = 0x7000000, 0x8000000
PROCESSOR = "_Z28create_sapphire_rapids_cpuidP8BX_CPU_C"
SHIM = """
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// The package always asks for a processor without VNNI; this one answers in its place.
void *_Z23create_corei3_cnl_cpuidP8BX_CPU_C(void *cpu) {
  void *library = dlopen(getenv("EMULATOR_LIBRARY"), RTLD_NOW | RTLD_NOLOAD);
  return ((void *(*)(void *))dlsym(library, getenv("EMULATOR_PROCESSOR")))(cpu);
}
// Names of a C library newer than that of Debian 12.
unsigned long __isoc23_strtoul(const char *s, char **end, int base) { return strtoul(s, end, base); }
unsigned long long __isoc23_strtoull(const char *s, char **end, int base) { return strtoull(s, end, base); }
long __isoc23_strtol(const char *s, char **end, int base) { return strtol(s, end, base); }
long long __isoc23_strtoll(const char *s, char **end, int base) { return strtoll(s, end, base); }
int __isoc23_sscanf(const char *s, const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  int count = vsscanf(s, format, rest);
  va_end(rest);
  return count;
}
"""
GATE_CODE = bytes.fromhex(
    "3d9e000000"  # cmp eax, 158 (arch_prctl, which sets the base of FS)
    "7509"  # jne +9
    "f3480faed6"  # wrfsbase rsi
    "31c0ffe1"  # xor eax, eax; jmp rcx
    "4889042500900000"  # mov [RESULT], rax
    "0fae3c2500900000"  # clflush [RESULT], which calls Kernel.call
    "488b042500900000"  # mov rax, [RESULT]
    "ffe1"  # jmp rcx
)
NOT_IMPLEMENTED, NO_ENTRY, BAD_FILE = -38, -2, -9
PLAIN_ANSWERS = {
    **dict.fromkeys((10, 11, 13, 14, 28), 0),  # mprotect, munmap, rt_sigaction, rt_sigprocmask, madvise
    **dict.fromkeys((5, 262), BAD_FILE),  # fstat, newfstatat
    **dict.fromkeys((89, 267), NO_ENTRY),  # readlink, readlinkat
    218: 1,  # set_tid_address
}


class Memory:
    """The physical memory of the emulated machine, which lies in this process."""

    def __init__(self, bochs: ModuleType) -> None:
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        self._base = int(libc.mmap(None, MEMORY, 3, 0x22, -1, 0))  # read and write; private, of no file
        for at in range(0, MEMORY, PAGE):
            bochs.memory.page_insert(at, self._base + at)
        levels = (PAGE_TABLES, PAGE_TABLES + PAGE, PAGE_TABLES + 2 * PAGE)
        self.put(levels[0], levels[1] | 7)
        self.put(levels[1], levels[2] | 7)
        for number in range(MEMORY >> 21):  # pages of 2 MiB, each at its own address
            self.put(levels[2] + 8 * number, (number << 21) | 0x87)

    def write(self, at: int, content: bytes) -> None:
        """Copy bytes to an address."""
        ctypes.memmove(self._base + at, content, len(content))

    def put(self, at: int, *numbers: int) -> None:
        """Write numbers of 64 bits, negative ones too."""
        self.write(at, struct.pack(f"<{len(numbers)}Q", *(one & (2**64 - 1) for one in numbers)))

    def read(self, at: int, size: int) -> bytes:
        """The bytes at an address."""
        return ctypes.string_at(self._base + at, size)


class Program:
    """A static ELF program in memory, with its arguments on the stack."""

    def __init__(self, path: Path, arguments: list[str], memory: Memory) -> None:
        image = path.read_bytes()
        self.entry, table = struct.unpack_from("<QQ", image, 24)
        size, count = struct.unpack_from("<HH", image, 54)
        self.end, headers = 0, 0
        for number in range(count):
            kind, _, offset, at, _, stored, whole, _ = struct.unpack_from("<IIQQQQQQ", image, table + number * size)
            if kind == 1:
                memory.write(at, image[offset : offset + stored])
                self.end = max(self.end, at + whole)
                headers = at + table if offset == 0 else headers
        pointers, at = [], STACK
        for argument in arguments:
            pointers.append(at)
            memory.write(at, argument.encode() + b"\0")
            at += len(argument.encode()) + 1
        seed = (at + 15) & ~15
        memory.write(seed, bytes(range(16)))
        auxiliary = (3, headers, 4, size, 5, count, 6, PAGE, 9, self.entry, 25, seed, 0, 0)
        words = (len(arguments), *pointers, 0, 0, *auxiliary)
        self.stack = (STACK - 8 * len(words) - 256) & ~15
        memory.put(self.stack, *words)


class Kernel:
    """Answers the system calls of one program."""

    def __init__(self, memory: Memory, end: int) -> None:
        self._memory, self._break, self._heap = memory, (end + PAGE - 1) & -PAGE, HEAP
        self.code: int | None = None

    def call(self, session: Any, *_: int) -> None:
        """The hook of the gate: reads the registers, and leaves the result where the gate finds it."""
        cpu = session.cpu
        self._memory.put(RESULT, self._answer(session, cpu.rax, cpu.rdi, cpu.rsi, cpu.rdx))

    def _answer(self, session: Any, number: int, first: int, second: int, third: int) -> int:
        match number:
            case 1:  # write
                result = self._show(second, third)
            case 20:  # writev
                parts = struct.unpack(f"<{2 * third}Q", self._memory.read(second, 16 * third))
                result = sum(map(self._show, parts[::2], parts[1::2]))
            case 12:  # brk
                result = self._break = max(self._break, first)
            case 9:  # mmap
                result, self._heap = self._heap, self._heap + ((second + PAGE - 1) & -PAGE)
            case 228:  # clock_gettime
                self._memory.put(second, *divmod(time.monotonic_ns(), 10**9))
                result = 0
            case 60 | 231:  # exit, exit_group
                self.code, result = first, 0
                session.stop()
            case _:
                result = PLAIN_ANSWERS.get(number, NOT_IMPLEMENTED)
        return result

    def _show(self, at: int, size: int) -> int:
        sys.stdout.buffer.write(self._memory.read(at, size))
        sys.stdout.buffer.flush()
        return size


def emulate(path: Path, arguments: list[str]) -> int:
    """The exit code of the program; 99 when the processor stopped it."""
    import bochscpu
    import bochscpu.cpu
    import bochscpu.memory

    memory = Memory(bochscpu)
    memory.write(GATE, GATE_CODE)
    program = Program(path, [path.name, *arguments], memory)
    kernel = Kernel(memory, program.end)
    state = bochscpu.State()
    bochscpu.cpu.set_long_mode(state)
    state.cr0, state.cr3 = 0x80000033, PAGE_TABLES  # paging, protection, floating point
    state.cr4 = 1 << 5 | 1 << 9 | 1 << 10 | 1 << 16 | 1 << 18  # long pages, SSE, its exceptions, FSGSBASE, XSAVE
    state.xcr0, state.efer = 0xE7, 0xD01  # all vectors of AVX-512; long mode with system calls
    state.lstar, state.star = GATE, 0x10 << 32
    state.cs = _make_segment(bochscpu, 0x10, 0xA09B)
    state.ss = state.ds = state.es = state.fs = state.gs = _make_segment(bochscpu, 0x18, 0xC093)
    state.rip, state.rsp, state.rflags, state.mxcsr, state.fpcw = program.entry, program.stack, 2, 0x1F80, 0x37F
    session = bochscpu.Session()
    session.missing_page_handler = lambda at: print(f"no memory at {at:#x}", file=sys.stderr)
    session.cpu.state = state
    hook = bochscpu.Hook()
    hook.clflush = kernel.call

    def fail(session: Any, cpu: int, vector: int, code: int) -> None:
        print(f"exception {vector} ({code}) at {session.cpu.rip:#x}", file=sys.stderr)
        session.stop()

    hook.exception = fail
    session.run([hook])
    return 99 if kernel.code is None else kernel.code


def _make_segment(bochs: ModuleType, selector: int, attributes: int) -> Any:
    segment = bochs.Segment()
    segment.base, segment.limit, segment.present = 0, 2**32 - 1, True
    segment.selector, segment.attr = selector, attributes
    return segment


def main() -> None:
    """Build the shim, start again with it, emulate."""
    import importlib.util

    if "EMULATOR_LIBRARY" in os.environ:
        code = emulate(Path(sys.argv[1]), sys.argv[2:])
        sys.stdout.flush()
        os._exit(code)  # the package fails when it is taken down
    spec = importlib.util.find_spec("bochscpu")
    if spec is None or spec.origin is None:
        raise SystemExit("bochscpu-python is not installed here: run `make emulator`")
    [library] = Path(spec.origin).parent.glob("_bochscpu.*.so")
    with tempfile.TemporaryDirectory() as scratch:
        source, shim = Path(scratch) / "shim.c", Path(scratch) / "shim.so"
        source.write_text(SHIM, encoding="utf-8")
        command = ["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", str(source), "-o", str(shim)]
        subprocess.run(command, check=True)
        added = {"EMULATOR_LIBRARY": str(library), "EMULATOR_PROCESSOR": PROCESSOR, "LD_PRELOAD": str(shim)}
        raise SystemExit(
            subprocess.run([sys.executable, *sys.argv], env={**os.environ, **added}, check=False).returncode
        )


if __name__ == "__main__":
    main()
