#!/bin/sh
# matrix.sh quick|full   Compiles the implementation alone: every feature switch of the header's >>config section by
# itself, in pairs and all together, in every language version, with every compiler that is here.
set -u
cd "$(dirname "$0")/../.." || exit 1
mode=${1:-quick}
dir=build/matrix
zig=build/node/node_modules/.bin/zig
export ZIG_GLOBAL_CACHE_DIR=$PWD/build/zig-cache
mkdir -p $dir
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

job() { printf '%s\t%s\n' "$1" "$2" >>$dir/jobs; } # label, command
# $1 compiler command, $2 language version, $3 defines, $4 source, $5 what to do
jobs=0
compile() {
  jobs=$((jobs + 1))
  set -- "$1" "$2" "$3" "$4" "$(echo "$5" | sed "s|OBJECT|$dir/$jobs.o|")"
  case $2 in
    *++*) job "$1 $2$3 $4" "$1 -std=$2 $WARN $INC$3 $5 $dir/$4.cc" ;;
    *) job "$1 $2$3 $4" "$1 -std=$2 $WARN_C $INC$3 $5 $dir/$4.c" ;;
  esac
}
skipped=0
have() { command -v "$1" >/dev/null 2>&1 || { echo "missing: $1"; skipped=$((skipped + 1)); return 1; }; }

syntax=-fsyntax-only object='-Os -c -o OBJECT'
arm0='arm-none-eabi-gcc -mthumb -mcpu=cortex-m0plus' arm4='arm-none-eabi-gcc -mthumb -mcpu=cortex-m4'
if [ "$mode" = quick ]; then
  compile "$CC" c99 '' twice "$object"
  compile "$CC" c99 "$all" impl "$object"
  for s in $switches; do compile "$CC" c99 " -D$s=1" impl "$syntax"; done
  ! have "$CXX" || { compile "$CXX" c++11 '' impl "$syntax"; compile "$CXX" c++20 "$all" impl "$syntax"; }
  ! have clang || { compile clang c17 '' impl "$syntax"; compile clang c11 "$all" impl "$syntax"; }
  ! have arm-none-eabi-gcc || compile "$arm0" c99 '' impl "$object"
else
  compilers=
  ! have gcc || compilers="gcc"
  ! have clang || compilers="$compilers clang"
  ! have $zig || compilers="$compilers zig"
  ! have arm-none-eabi-gcc || compilers="$compilers arm0 arm4"
  for compiler in $compilers; do
    for std in c99 c11 c17 c++11 c++20; do
      do=$object
      case $compiler$std in
        gccc++*) cc=g++ ;; clangc++*) cc=clang++ ;;
        zigc++*) cc="$zig c++" ;; zig*) cc="$zig cc" ;;
        arm0*) cc=$arm0 ;; arm4*) cc=$arm4 ;; *) cc=$compiler ;;
      esac
      case $compiler$std in arm*c++*) cc="arm-none-eabi-g++${cc#arm-none-eabi-gcc}" ;; esac
      compile "$cc" $std '' impl "$do"
      compile "$cc" $std '' twice "$do"
      compile "$cc" $std "$all" impl "$do"
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
  label=${0%%	*} command=${0#*	} log=$(mktemp)
  if eval "$command" >"$log" 2>&1; then echo "ok   $label"; else { echo "FAIL $label"; head -n 30 "$log"; }; fi
  rm -f "$log"' <$dir/jobs >$dir/result
rm -f $dir/*.o
grep -v '^ok ' $dir/result
set -- $switches
passed=$(grep -c '^ok ' $dir/result)
failed=$(($(wc -l <$dir/jobs) - passed))
[ $# -gt 0 ] || { echo "no feature switch found in the >>config section"; failed=$((failed + 1)); }
for s in $documented; do
  echo "$tested" | grep -qx "$s" || echo "note: $s stands in >>config, but no directive tests it"
done
echo "$# switches, $((passed + failed)) compilations"
echo "PASSED $passed FAILED $failed SKIPPED $skipped"
[ $failed = 0 ]
