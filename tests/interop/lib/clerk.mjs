// A stand-in for Clerk: of its frontend API the authorization server metadata and the key set, of its backend API the verification of
// opaque tokens. As its documentation describes them: errors are {"errors":[...]}, an unknown token is a 404.
import { createServer } from "node:http";
import { load } from "./harness.mjs";

const jose = await import(load.resolve("jose"));

// keys: of the set, by kid. tokens: opaque ones, each what is said about it. secret: the backend's. metadata, fail: answers in their place.
export async function clerk({ host = "clerk.example.com", secret = "sk_test_stand_in" } = {}) {
  const self = { issuer: `https://${host}`, publishable: `pk_test_${Buffer.from(`${host}$`).toString("base64")}`, secret, keys: {}, tokens: {}, asked: [], metadata: null, fail: null };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const { pathname } = new URL(request.url, self.url);
    self.asked.push(pathname);
    const answer = (status, value, headers = {}) => response.writeHead(status, { "Content-Type": "application/json", ...headers })
      .end(typeof value === "string" ? value : JSON.stringify(value));
    const error = (status, code) => answer(status, { errors: [{ message: code, long_message: code, code }], clerk_trace_id: "0" });
    if (self.fail) return answer(self.fail.status, self.fail.body ?? "", self.fail.headers);
    if (pathname === "/.well-known/oauth-authorization-server") return answer(200, self.metadata ?? self.document);
    if (pathname === "/.well-known/jwks.json")
      return answer(200, { keys: await Promise.all(Object.entries(self.keys).map(async ([kid, key]) => ({ use: "sig", kty: "RSA", kid, alg: "RS256", ...await jose.exportJWK(key.publicKey) }))) });
    if (pathname === "/oauth_applications/access_tokens/verify" && request.method === "POST") {
      if (request.headers.authorization !== `Bearer ${self.secret}`) return error(401, "clerk_key_invalid");
      const found = self.tokens[JSON.parse(body).access_token];
      return found ? answer(200, { object: "clerk_idp_oauth_access_token", id: "oat_0", client_id: "app", type: "oauth:access_token", subject: "user_1", scopes: ["read", "write"], revoked: false,
        revocation_reason: null, expired: false, expiration: Date.now() + 86400000, created_at: Date.now(), updated_at: Date.now(), ...found }) : error(404, "oauth_access_token_not_found");
    }
    error(404, "resource_not_found");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  self.url = `http://127.0.0.1:${server.address().port}`;
  const at = (path) => `${self.url}${path}`;
  // All that Clerk says, with a member that nobody knows; spaced, so that a relay that writes it anew is seen.
  self.document = JSON.stringify({
    issuer: self.url, authorization_endpoint: at("/oauth/authorize"), token_endpoint: at("/oauth/token"), revocation_endpoint: at("/oauth/token/revoke"),
    introspection_endpoint: at("/oauth/token_info"), userinfo_endpoint: at("/oauth/userinfo"), jwks_uri: at("/.well-known/jwks.json"), registration_endpoint: at("/oauth/register"),
    scopes_supported: ["openid", "profile", "email", "public_metadata", "private_metadata"], response_types_supported: ["code"], response_modes_supported: ["form_post", "query"],
    grant_types_supported: ["authorization_code", "refresh_token"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "none", "client_secret_post"], claims_supported: ["aud", "sub", "iss"], code_challenge_methods_supported: ["S256"],
    backchannel_logout_supported: false, x_new: { deep: [1, "2.50"], "ü": null } }, null, 1).replace("\"2.50\"", "2.50");
  // An access token as a JSON Web Token: no audience; a session token has typ JWT.
  self.jwt = (kid, { header = {}, key = self.keys[kid], exp = "5m", ...claims } = {}) => new jose.SignJWT({
    iss: self.issuer, sub: "user_1", client_id: "app", scope: "read write", jti: `oat_${crypto.randomUUID()}`, ...claims,
  }).setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid, ...header }).setIssuedAt().setNotBefore("-1m").setExpirationTime(exp).sign(key.privateKey);
  self.rotate = async (kid) => { self.keys[kid] = await jose.generateKeyPair("RS256", { modulusLength: 2048 }); };
  self.close = () => server.close();
  await self.rotate("ins_1");
  return self;
}
