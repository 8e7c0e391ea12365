// jose on Node: "ALG TOKENS", tokens verified per second of processor time, with the tokens of build/o/tests/bench/tokens. tokens.mjs SECONDS PROGRAM
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
const [, , seconds, program] = process.argv;
const load = createRequire(`${process.env.NODE_MODULES}/any.js`);
const { createLocalJWKSet, jwtVerify } = await import(load.resolve("jose"));
for (const alg of ["RS256", "PS256", "ES256"]) {
  const [token, set, issuer, audience] = execFileSync(program, ["0", alg], { encoding: "utf8" }).trim().split("\n");
  const keys = createLocalJWKSet(JSON.parse(set));
  const verify = () => jwtVerify(token, keys, { issuer, audience, typ: "at+jwt", requiredClaims: ["sub", "exp"] });
  for (let i = 0; i < 200; i++) await verify();
  const begin = process.cpuUsage(), spent = () => { const { user, system } = process.cpuUsage(begin); return (user + system) / 1e6; };
  let n = 0;
  while (spent() < seconds) { for (let i = 0; i < 10; i++, n++) await verify(); }
  console.log(alg, Math.round(n / spent()));
}
