#!/bin/sh
# matrix.sh quick|full   Compiles the implementation alone: every feature switch of the header's >>config section by
# itself, in pairs and all together, in every language version, with every compiler that is here.
set -u
: "${CC:=cc}" "${CXX:=c++}" "${WARN:=-Wall -Wextra -Werror}" "${WARN_C:=$WARN}" "${INC:=-I. -isystem build/include}"
cd "$(dirname "$0")/../.." || exit 1
mode=${1:-quick}
mkdir -p build
dir=$(mktemp -d build/matrix.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
zig=build/node/node_modules/.bin/zig
export ZIG_GLOBAL_CACHE_DIR="$PWD/build/zig-cache" ZIG_LOCAL_CACHE_DIR="$PWD/build/zig-cache"
: >$dir/jobs
printf '#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n' | tee $dir/impl.c >$dir/impl.cc
printf '#include "mcptools.h"\n#include "mcptools.h"\n#define MCPTOOLS_IMPLEMENTATION\n#include "mcptools.h"\n' |
  tee $dir/twice.c >$dir/twice.cc

# A switch is documented in >>config and tested by a directive somewhere.
documented=$(sed -n '/^\/\* >>config/,/^\/\* >>[^c]/p' mcptools.h | grep -oE '\bMCPT_(NO|ONLY)_[A-Z0-9_]+' | sort -u)
tested=$(grep -E '^[ 	]*#[ 	]*(el)?if' mcptools.h | grep -oE '\bMCPT_(NO|ONLY)_[A-Z0-9_]+' | sort -u)
switches=
for s in $documented; do
  ! echo "$tested" | grep -qx "$s" || switches="$switches $s"
done
all=$(for s in $switches; do case $s in MCPT_NO_*) printf -- ' -D%s=1' "$s" ;; esac; done)

jobs=0
job() { jobs=$((jobs + 1)); printf '%s\t%s\t%s\n' $jobs "$1" "$2" >>$dir/jobs; } # label, command
compile() { # compiler command, language version, defines, source, what to do
  set -- "$1" "$2" "$3" "$4" "$(echo "$5" | sed "s|OBJECT|$dir/$jobs.o|")"
  label="$1 $2$3 $4"
  [ "$3" != "$all" ] || label="$1 $2 (every switch) $4"
  case $2 in
    *++*) job "$label" "$1 -std=$2 $WARN $INC$3 $5 $dir/$4.cc" ;;
    *) job "$label" "$1 -std=$2 $WARN_C $INC$3 $5 $dir/$4.c" ;;
  esac
}
skipped=0
have() { command -v "$1" >/dev/null 2>&1 || { echo "missing: $1"; skipped=$((skipped + 1)); return 1; }; }

syntax=-fsyntax-only object='-Os -c -o OBJECT'
m0=' -mthumb -mcpu=cortex-m0plus' m4=' -mthumb -mcpu=cortex-m4'
if [ "$mode" = quick ]; then
  compile "$CC" c99 '' twice "$object"
  compile "$CC" c99 "$all" impl "$object"
  for s in $switches; do compile "$CC" c99 " -D$s=1" impl "$syntax"; done
  ! have "$CXX" || { compile "$CXX" c++11 '' impl "$syntax"; compile "$CXX" c++20 "$all" impl "$syntax"; }
  ! have clang || { compile clang c17 '' impl "$syntax"; compile clang c11 "$all" impl "$syntax"; }
  ! have arm-none-eabi-gcc || compile "arm-none-eabi-gcc$m0" c99 '' impl "$object"
else
  compilers=
  ! have gcc || compilers="gcc"
  ! have clang || compilers="$compilers clang"
  ! have $zig || compilers="$compilers zig"
  ! have arm-none-eabi-gcc || compilers="$compilers arm0 arm4"
  for compiler in $compilers; do
    for std in c99 c11 c17 c++11 c++20; do
      case $compiler$std in
        gccc++*) cc=g++ ;; clangc++*) cc=clang++ ;; zigc++*) cc="$zig c++" ;; zig*) cc="$zig cc" ;;
        arm0c++*) cc=arm-none-eabi-g++$m0 ;; arm4c++*) cc=arm-none-eabi-g++$m4 ;;
        arm0*) cc=arm-none-eabi-gcc$m0 ;; arm4*) cc=arm-none-eabi-gcc$m4 ;; *) cc=$compiler ;;
      esac
      compile "$cc" $std '' impl "$object"
      compile "$cc" $std '' twice "$object"
      compile "$cc" $std "$all" impl "$object"
      # what a switch leaves out does not depend on the language version: one of C and one of C++ will do; what only
      # optimisation finds neither; zig is clang, and has no -fsyntax-only
      case $compiler$std in gccc99 | arm0c99) do=$object ;; zigc99) do='-c -o OBJECT' ;; zig*) continue ;; *c99 | *c++11) do=$syntax ;; *) continue ;; esac
      for s in $switches; do compile "$cc" $std " -D$s=1" impl "$do"; done
    done
  done
  for a in $switches; do
    for b in $switches; do
      [ "$a" = "$b" ] || [ "$(printf '%s\n' "$a" "$b" | sort | head -n 1)" = "$b" ] ||
        compile gcc c99 " -D$a=1 -D$b=1" impl "$syntax"
    done
  done
  for flags in -fshort-enums -funsigned-char -fsigned-char; do compile gcc c99 '' impl "$flags $object"; done
fi

export dir
# shellcheck disable=SC2016  # the inner shell expands
xargs -P "$(getconf _NPROCESSORS_ONLN)" -d '\n' -n 1 sh -c '
  number=${0%%	*} rest=${0#*	}
  label=${rest%%	*} command=${rest#*	} log=$dir/$number.log
  if eval "$command" >"$log" 2>&1; then echo "ok   $label"; else echo "FAIL $label"; fi >"$dir/$number.result"
  ' <$dir/jobs
cat $dir/*.result >$dir/all
grep -v '^ok ' $dir/all && # and each thing that the compilers say once, with the number of times they say it
  sed -n 's/^[^ ]*mcptools\.h:\([0-9]*\):[0-9]*: \(fatal \)*error: /mcptools.h:\1: /p; /^[^ ]*: error: /p; /undefined reference/p' $dir/*.log |
  sort | uniq -c | sort -k1,1nr -k2 | head -n 40
set -- $switches
passed=$(grep -c '^ok ' $dir/all)
failed=$(($(wc -l <$dir/jobs) - passed))
[ $# -gt 0 ] || { echo "no feature switch found in the >>config section"; failed=$((failed + 1)); }
for s in $documented; do
  echo "$tested" | grep -qx "$s" || echo "note: $s stands in >>config, but no directive tests it"
done
echo "$# switches, $((passed + failed)) compilations"
echo "PASSED $passed FAILED $failed SKIPPED $skipped"
[ $failed = 0 ]
