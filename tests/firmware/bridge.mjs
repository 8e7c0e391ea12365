// bridge.mjs SOCKET   Standard input and output of an MCP client to the UART of an emulated board. EOT comes first: what an
// earlier client left on the line ends there (examples/firmware/device.c).
import { connect } from "node:net";

const uart = connect(process.argv[2], () => { uart.write("\x04"); process.stdin.pipe(uart); });
uart.pipe(process.stdout);
uart.on("close", () => process.exit(0));
uart.on("error", (error) => { console.error(String(error)); process.exit(1); });
