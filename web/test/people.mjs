// People in Chromium against a real everup: the set-up link and sign-in without JavaScript, an invitation, what a
// dashboard on an allowed origin may do with the session, what the page of a stranger in the same browser may not, and
// axe-core over the pages before the dashboard.
// Usage: node web/test/people.mjs PATH-TO-EVERUP
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(join(here, '../node_modules/axe-core/axe.min.js'), 'utf8');
const binary = process.argv[2] ?? 'build/release/app/everup';
const password = 'correct horse';

let passed = 0;
const failures = [];
function check(what, good, detail = '') {
  if (good) ++passed;
  else failures.push(what);
  if (!good) console.error(`FAILED ${what} ${detail}`);
}

// ---- a service that nobody owns yet, and pages on two other origins
const blank = () => new Promise((done) => {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>elsewhere</title><form method=post></form>');
  });
  server.listen(0, '127.0.0.1', () => done(server));
});
const friend = await blank(), stranger = await blank();
const at = (server, host = '127.0.0.1') => `http://${host}:${server.address().port}`;

const home = mkdtempSync(join(tmpdir(), 'everup-people-')), data = join(home, 'data');
mkdirSync(data);
const root = userInfo().uid === 0;
if (root) {
  const id = (flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
  for (const path of [home, data]) chownSync(path, id('-u'), id('-g'));
}
const env = { ...process.env, EVERUP_DATA_DIR: data, EVERUP_ALLOW_TARGETS: 'private loopback', EVERUP_RATE_LIMIT: '0',
  EVERUP_LISTEN: '127.0.0.1:0', EVERUP_CORS_ORIGINS: at(friend), ...(root ? { EVERUP_USER: 'nobody' } : {}) };
const child = spawn(binary, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
process.on('exit', () => child.kill('SIGINT'));
const base = await new Promise((done, fail) => {
  let seen = '';
  const limit = setTimeout(() => fail(new Error(`it did not start within 60 s:\n${seen}`)), 60_000);
  child.on('exit', (code) => fail(new Error(`everup ended with ${code}:\n${seen}`)));
  child.stderr.on('data', (bytes) => {
    seen += bytes;
    const found = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(seen);
    if (!found) return;
    clearTimeout(limit);
    done(found[1]);
  });
});
const link = base + new URL(readFileSync(join(data, 'setup-link'), 'utf8').trim()).pathname;

const executablePath = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

async function send(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`#${name}`, value);
  await Promise.all([page.waitForNavigation(), page.click('button')]);
}

// ---- axe over the pages before the dashboard
async function accessible(path, what) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [320, 1280]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
      const page = await context.newPage();
      await page.goto(path);
      await page.evaluate(axe);
      const found = await page.evaluate(() => window.axe.run());
      check(`${what}: axe, ${colorScheme}, ${width} px`, found.violations.length === 0, found.violations.map((one) => one.id).join(' '));
      check(`${what}: no sideways scrolling at ${width} px`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      await context.close();
    }
  }
}
await accessible(link, 'set-up');
await accessible(`${base}/sign-in`, 'sign-in');
await accessible(`${base}/setup/nothing`, 'a dead link');

// ---- without JavaScript
const plain = await browser.newContext({ javaScriptEnabled: false });
const page = await plain.newPage();
await page.goto(link);
await send(page, { email: 'ann@example.org', password: 'short123' });
check('the set-up form leads to the dashboard', page.url() === `${base}/app/`, page.url());
const [cookie] = await plain.cookies();
check('its cookie', cookie?.name === '__Host-everup' && cookie.secure && cookie.httpOnly && cookie.sameSite === 'Lax', JSON.stringify(cookie));
check('the link works once', (await page.goto(link)).status() === 404);
spawnSync(binary, ['user', 'password', '--email', 'ann@example.org', '--password-file', '-'], { env, input: `${password}\n` });
await page.goto(`${base}/sign-in`);
await send(page, { email: 'ann@example.org', password: 'short123' });
check('a wrong password is told', (await page.textContent('[role=alert]'))?.includes('wrong') === true);
await send(page, { password });
check('the right one leads to the dashboard', page.url() === `${base}/app/`, page.url());

// ---- a dashboard on an allowed origin
const context = await browser.newContext();
const away = await context.newPage();
await away.goto(at(friend));
const allowed = await away.evaluate(async ([base, password]) => {
  const ask = async (method, path, body, headers = {}) => {
    const init = { method, credentials: 'include', headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers } };
    const response = await fetch(base + path, { ...init, ...(body ? { body: JSON.stringify(body) } : {}) });
    return { status: response.status, body: await response.json() };
  };
  const signedIn = await ask('POST', '/api/v1/session', { email: 'ann@example.org', password });
  const session = await ask('GET', '/api/v1/session');
  const target = { target: 'http://127.0.0.1:9/' };
  const without = await ask('POST', '/api/v1/monitors', target);
  const csrf = { 'x-csrf-token': session.body.csrf_token };
  const made = await ask('POST', '/api/v1/monitors', target, csrf);
  const invited = await ask('POST', '/api/v1/members', { email: 'bob@example.org', role: 'viewer' }, csrf);
  return { statuses: [signedIn.status, session.status, without.status, made.status], cookies: document.cookie, link: invited.body.link };
}, [base, password]);
check('an allowed origin signs in, reads and changes with the token', String(allowed.statuses) === '200,200,403,201', String(allowed.statuses));
check('no script sees the cookie', allowed.cookies === '');

// ---- the page of a stranger in that browser: another port is the same site, another name is another one
for (const evil of [at(stranger), at(stranger, 'localhost')]) {
  await away.goto(evil);
  const tries = await away.evaluate(async (base) => {
    const ask = (path, init) => fetch(base + path, { credentials: 'include', ...init }).then((r) => r.type, () => 'blocked');
    const body = '{"target":"http://127.0.0.1:66/"}';
    return [await ask('/api/v1/session'), await ask('/api/v1/monitors'), await ask('/api/v1/session', { method: 'DELETE' }),
      await ask('/api/v1/monitors', { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
      await ask('/api/v1/monitors', { method: 'POST', mode: 'no-cors', body: new Blob([body], { type: 'text/plain' }) })];
  }, base);
  check(`${evil} reads nothing`, String(tries) === 'blocked,blocked,blocked,blocked,opaque', String(tries));
  for (const action of ['/sign-in', '/api/v1/monitors/mon_x/pause']) {
    await away.goto(evil);
    const [answer] = await Promise.all([away.waitForNavigation(), away.evaluate((to) => {
      document.forms[0].action = to;
      document.forms[0].submit();
    }, base + action)]);
    check(`a form of ${evil} to ${action} is refused`, [401, 403].includes(answer.status()), String(answer.status()));
  }
}
const after = await away.goto(`${base}/api/v1/monitors`);
const monitors = (await after.json()).data;
check('nothing was changed and nobody signed out', after.status() === 200 && monitors.length === 1, JSON.stringify(monitors));

// ---- an invitation
await accessible(allowed.link, 'invitation');
const guest = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
await guest.goto(allowed.link);
await send(guest, { password: 'battery staple' });
const who = await (await guest.goto(`${base}/api/v1/session`)).json();
check('an invited person is in, with his role', who.user?.email === 'bob@example.org' && who.role === 'viewer', JSON.stringify(who));

await browser.close();
friend.close();
stranger.close();
child.removeAllListeners('exit');
const ended = new Promise((done) => child.on('exit', done));
child.kill('SIGINT');
await ended;
rmSync(home, { recursive: true, force: true });
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
