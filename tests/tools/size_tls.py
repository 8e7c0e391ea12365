#!/usr/bin/env python3
"""What TLS costs on Cortex-M4: size_tls.py [--update]. Builds BearSSL and mbedTLS 2.28 from Debian's sources, links tests/size/tls/*.c
with each, and prints flash by part and RAM as a Markdown table; --update puts it into README.md at <!-- tls-size -->.
Ends in "PASSED n FAILED m"."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import readme
from size import FLAGS, GCC, LINK, flash_by_object, heading, run

OUT = Path("build/size/tls")
CPU = "-mcpu=cortex-m4"
SMALL = ["-DMCPT_BEARSSL_NO_RSA=1", "-DMCPT_BEARSSL_NO_SHA384=1", "-DMCPT_BEARSSL_EC=&br_ec_p256_m31"]
MBED = ['-DMBEDTLS_CONFIG_FILE="tests/size/tls/mbedtls_config.h"']
IN, OUTGOING = 2048 + 325, 1024 + 85
KINDS = {  # name: (source package, port, what the port is compiled with, which files of the library)
    "BearSSL, P-256": ("bearssl", "bearssl", ["-DLIBRARY_BEARSSL=1", *SMALL], "src/**/*.c"),
    "BearSSL, P-256, P-384, RSA, SHA-384": ("bearssl", "bearssl", ["-DLIBRARY_BEARSSL=1"], "src/**/*.c"),
    "mbedTLS 2.28 with both halves, P-256": ("mbedtls", "mbedtls", ["-DLIBRARY_MBEDTLS=1", *MBED], "library/*.c"),
}


def library(package, defines, files):
    """An archive of everything the package compiles to; the linker takes what it needs."""
    src, where = Path("build/src") / package, OUT / package
    where.mkdir(parents=True, exist_ok=True)
    includes = ["-I.", f"-I{src}/inc", f"-I{src}/src", f"-I{src}/include", "-DBR_USE_URANDOM=0", "-DBR_USE_UNIX_TIME=0"]
    def compile_one(source):
        out = where / ("_".join(source.relative_to(src).parts) + ".o")
        if not out.exists():
            run(GCC, CPU, *FLAGS, "-w", *includes, *defines, "-c", source, "-o", out)
        return out
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, sorted(src.glob(files))))
    archive = where / "library.a"
    archive.unlink(missing_ok=True)
    run("arm-none-eabi-ar", "rcs", archive, *objects)
    return archive, src


def compile_port(where, source, flags):
    out = where / (Path(source).stem + ".o")
    run(GCC, CPU, *FLAGS, "-DMCPT_TLS_12", *flags, "-c", source, "-o", out)
    return out


def measure(name):
    package, port, defines, files = KINDS[name]
    archive, src = library(package, MBED if package == "mbedtls" else [], files)
    where = OUT / re.sub(r"\W+", "-", name)
    where.mkdir(parents=True, exist_ok=True)
    flags = ["-isystem", f"{src}/{'inc' if package == 'bearssl' else 'include'}", *defines]
    objects = [compile_port(where, f"port/{p}.c", flags) for p in ("tls", f"tls_{port}")]
    core = compile_port(where, OUT / "mcptools.c", [])
    result = {}
    for source in sorted(Path("tests/size/tls").glob("*.c")):
        if source.stem == "ram":
            continue
        program = compile_port(where, source, flags)
        run(GCC, CPU, *FLAGS, *LINK, f"-Wl,-Map={where / 'map'}", program, *objects, core, archive, "-o", where / "elf")
        sizes = flash_by_object(where / "map")
        result[heading(source, "row")] = (sum(n for o, n in sizes.items() if "library.a(" in o), sum(sizes.get(str(o), 0) for o in objects))
    nm = run("arm-none-eabi-nm", "-S", compile_port(where, "tests/size/tls/ram.c", flags))
    ram = {found[2]: int(found[1], 16) for found in re.finditer(r"^\S+ (\S+) \w ram_(\w+)$", nm, re.M)}
    return result, ram


def main():
    os.chdir(Path(__file__).resolve().parents[2])
    if subprocess.run(["tests/tools/need-source.sh", "bearssl", "mbedtls"], check=False).returncode:
        print("PASSED 0 FAILED 0 SKIPPED 1 (needs the sources of bearssl and mbedtls)")
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "mcptools.c").write_text('#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n', encoding="utf-8")
    lines = ["| Cortex-M4, `-Os` | flash: library | flash: port | RAM of a connection, records of 2 KB in and 1 KB out |", "|---|---:|---:|---:|"]
    for name in KINDS:
        result, ram = measure(name)
        buffers = IN + OUTGOING
        for row, (lib, port) in result.items():
            fixed = ram["server" if row.startswith("server") else "client"]
            what = f"{fixed + buffers:,}" if name.startswith("BearSSL") else f"{fixed + ram['records']:,} and the heap of a handshake"
            lines.append(f"| {name}: {row} | {lib:,} | {port:,} | {what} |")
    text = "\n".join(lines)
    print(text)
    if "--update" in sys.argv:
        readme.replace("tls-size", text)
    print(f"PASSED {len(lines) - 2} FAILED 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
