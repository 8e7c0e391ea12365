#!/bin/sh
# ram.sh   The RAM of a server on a 32-bit target, by the constants of the header. From the environment: RX TX TOK
# CONNECTIONS SESSIONS LISTENERS SLOTS SLOT_SIZE REPLAY RATES VERDICTS.
set -eu
cd "$(dirname "$0")/../.."
: "${RX:=1024}" "${TX:=1024}" "${TOK:=64}" "${CONNECTIONS:=1}" "${SESSIONS:=0}" "${LISTENERS:=0}" "${SLOTS:=0}" \
  "${SLOT_SIZE:=1024}" "${REPLAY:=0}" "${RATES:=0}" "${VERDICTS:=0}"
mkdir -p build/size
printf '#include "mcptools.h"\nextern char conn[];\nextern char hub[];\nchar conn[MCPT_RAM_CONN(%s, %s, %s)];\n' "$RX" "$TX" "$TOK" >build/size/calc.c
printf 'char hub[MCPT_RAM_HUB(%s, %s, %s, %s, %s, %s, %s, %s)];\n' \
  "$SESSIONS" "$REPLAY" "$LISTENERS" "$SLOTS" "$SLOT_SIZE" "$([ "$SLOTS" = 0 ] && echo 0 || echo "$TOK")" "$RATES" "$VERDICTS" >>build/size/calc.c
arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -std=c99 -fno-common -I. -c build/size/calc.c -o build/size/calc.o
set -- $(arm-none-eabi-nm -S -td build/size/calc.o | awk '/ conn$/ { c = $2 } / hub$/ { h = $2 } END { print c + 0, h + 0 }')
echo "one connection: $1 bytes; shared: $2 bytes; $CONNECTIONS connections in all: $(($1 * CONNECTIONS + $2)) bytes"
