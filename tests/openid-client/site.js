// SPDX-License-Identifier: Apache-2.0
// A clinic that lets people in with the portal's sign-in, by openid-client. It sends its requests ahead.
//
// node site.js FILE, a JSON object: id, secret, issuer, origin (its own), certificate and key (paths, PEM), button (HTML),
// style (CSS). The issuer's authority is in NODE_EXTRA_CA_CERTS.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import * as openid from "openid-client";

const HIGH = "urn:latchkey:acr:high";
const { id, secret, issuer, origin, certificate, key, button, style } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const provider = await openid.discovery(new URL(issuer), id, secret);
openid.enableNonRepudiationChecks(provider);
/** By the cookie: what the site remembers of a visitor who is on the way, and who he is when he has come back. */
const visits = new Map();

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  answer(request, response).catch((error) => page(response, `<p data-refused>${escaped(error.code ?? error.message)}</p>`));
}).listen(new URL(origin).port, "127.0.0.1", () => console.log("listening"));

async function answer(request, response) {
  const address = new URL(request.url, origin);
  const cookie = /(?:^|; )clinic-visit=([^;]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
  switch (`${request.method} ${address.pathname}`) {
    case "GET /":
      return page(response, visits.get(cookie)?.person ? whoItIs(visits.get(cookie).person) : button);
    case "GET /enter":
      return enter(response);
    case "GET /back":
      return back(response, cookie, address);
    case "POST /leave":
      return leave(response, cookie);
    default:
      return response.writeHead(404).end();
  }
}

async function enter(response) {
  const visit = {
    verifier: openid.randomPKCECodeVerifier(),
    state: openid.randomState(),
    nonce: openid.randomNonce(),
  };
  const address = await openid.buildAuthorizationUrlWithPAR(provider, {
    redirect_uri: `${origin}/back`,
    scope: "openid profile personal_number",
    acr_values: HIGH,
    code_challenge: await openid.calculatePKCECodeChallenge(visit.verifier),
    code_challenge_method: "S256",
    state: visit.state,
    nonce: visit.nonce,
  });
  const cookie = randomUUID();
  visits.set(cookie, visit);
  response.setHeader("Set-Cookie", `clinic-visit=${cookie}; Path=/; Secure; HttpOnly; SameSite=Lax`);
  redirect(response, address);
}

async function back(response, cookie, address) {
  const visit = visits.get(cookie);
  visits.delete(cookie);
  const tokens = await openid.authorizationCodeGrant(provider, address, {
    pkceCodeVerifier: visit?.verifier,
    expectedState: visit?.state,
    expectedNonce: visit?.nonce,
    idTokenExpected: true,
  });
  const { acr, sub } = tokens.claims();
  if (acr !== HIGH) throw new Error(`the level is ${acr}`);
  const { name, personal_number } = await openid.fetchUserInfo(provider, tokens.access_token, sub);
  visits.set(cookie, { person: { name, personal_number, acr, sub }, ticket: tokens.id_token });
  redirect(response, `${origin}/`);
}

/** Ends the site's own session, then the portal's. */
function leave(response, cookie) {
  const ticket = visits.get(cookie)?.ticket;
  visits.delete(cookie);
  redirect(response, openid.buildEndSessionUrl(provider, { id_token_hint: ticket, post_logout_redirect_uri: `${origin}/` }));
}

function whoItIs(person) {
  const rows = Object.entries(person).map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`);
  return `<dl>${rows.join("")}</dl><form method="post" action="/leave"><button>Sign out</button></form>`;
}

function page(response, content) {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end(`<!DOCTYPE html><html lang="en"><title>An invented clinic</title><style>${style}</style>
<main><h1>An invented clinic</h1>${content}</main></html>`);
}

function redirect(response, address) {
  response.writeHead(303, { Location: String(address) }).end();
}

function escaped(text) {
  return String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
