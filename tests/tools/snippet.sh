#!/bin/sh
# snippet.sh WORDS DECLARATIONS FLAG...   README.md's C block in which WORDS stand, behind DECLARATIONS of what the reader brings
# (C, without the header's include), must compile with FLAGs; for blocks that need more than tests/tools/lint.py has.
set -u
cd "$(dirname "$0")/../.." || exit 1
words=$1 declarations=$2
shift 2
mkdir -p build/snippets
file=build/snippets/$(echo "$words" | tr -c 'a-z0-9\n' _).c
{
  printf '#include "mcptools.h"\n%s\n' "$declarations"
  awk -v words="$words" '/^```c/ { inside = 1; block = ""; next } /^```/ { if (inside && index(block, words)) printf "%s", block; inside = 0 }
    inside { block = block $0 "\n" }' README.md
} >"$file"
grep -qF "$words" "$file" || { echo "README.md has no block with $words"; exit 1; }
exec "${CC:-cc}" -std=c99 -Wall -Wextra -Werror -fsyntax-only -I. "$@" "$file"
