// A status page in Chromium without JavaScript against a real everup and a target that fails: seen within 5 s of what
// the API says, axe-core in both schemes at three widths, its password form, and strings that bite.
// Usage: node web/test/status.mjs PATH-TO-EVERUP [--shots DIR]
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { kEvil, startService, startTarget } from './service.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(join(here, '../node_modules/axe-core/axe.min.js'), 'utf8');
const shots = process.argv.includes('--shots') ? process.argv[process.argv.indexOf('--shots') + 1] : '';
if (shots) mkdirSync(shots, { recursive: true });

let passed = 0;
const failures = [];
function check(what, good, detail = '') {
  if (good) ++passed;
  else failures.push(what);
  if (!good) console.error(`FAILED ${what} ${detail}`);
}

const service = await startService(process.argv[2] ?? 'build/release/app/everup');
const good = await startTarget(), bad = await startTarget();
const quick = { interval_s: 1, timeout_ms: 1000, confirm: { failures: 2, successes: 1, retry_s: 1 } };
const make = (name, target, more = {}) => service.api('POST', '/monitors', { name, target, ...quick, ...more });
const shop = await make('Web shop', good.url), checkout = await make('Checkout', bad.url);
const mail = await make('Mail', good.url, { public: { report: true } });
const paused = await make('Archive', good.url, { paused: true });
const evil = await make(kEvil, good.url);
await service.api('POST', '/maintenance_windows', {
  name: 'Database upgrade',
  match: { monitors: [mail.id] },
  starts_at: new Date(Math.ceil(Date.now() / 1000) * 1000 + 86_400_000).toISOString(),
  ends_at: new Date(Math.ceil(Date.now() / 1000) * 1000 + 93_600_000).toISOString(),
});
const status = await service.api('POST', '/status_pages', {
  slug: 'shop',
  name: 'Example Shop',
  description: 'How our services are doing.',
  accent: '#123f5c',
  timezone: 'Europe/Prague',
  groups: [
    { name: 'Shop', monitors: [shop.id, checkout.id] },
    { name: 'Behind it', monitors: [mail.id, paused.id, evil.id] },
  ],
});
const url = `${service.base}/status/shop`;
const text = async (path = url) => (await fetch(path)).text();
async function until(what, look, limit_ms) {
  const begin = Date.now();
  for (;;) {
    if (await look()) return Date.now() - begin;
    if (Date.now() - begin > limit_ms) throw new Error(`${what}: not within ${limit_ms} ms`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
const state = async (id) => (await service.api('GET', `/monitors/${id}`)).state;
await until('up', async () => (await state(checkout.id)) === 'up', 30_000);
bad.fail();
await until('down', async () => (await state(checkout.id)) === 'down', 30_000);
const seen = await until('the page', async () => (await text()).includes('Some systems are down'), 6_000);
console.log(`down was on the page ${seen} ms after the API said so`);
check('a change is seen within 5 s', seen <= 5_000, `${seen} ms`);
let open = [];
await until('incident', async () => (open = (await service.api('GET', '/incidents?state=open')).data).length > 0, 30_000);
await service.api('POST', `/incidents/${open[0].id}/updates`, {
  text: 'The payment provider does not answer us. We are talking to them.',
  public: true,
});
await until('the update', async () => (await text()).includes('talking to them'), 6_000);

const executablePath = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const pages = { front: url, month: `${url}/history`, incident: `${url}/incidents/${open[0].id}`, missing: `${url}-not` };
for (const colorScheme of ['light', 'dark']) {
  for (const width of [320, 768, 1280]) {
    for (const [name, where] of Object.entries(pages)) {
      const what = `${name} ${colorScheme} ${width}`;
      const plain = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, javaScriptEnabled: false });
      const page = await plain.newPage();
      const asked = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('dialog', () => check(`${what}: no dialog`, false));
      await page.goto(where);
      check(`${what}: nothing else is asked for`, asked.filter((one) => !one.startsWith('data:')).length === 1, asked.join(' '));
      if (name === 'front') check(`${what}: a name is text`, (await page.getByText(kEvil, { exact: true }).count()) > 0);
      if (shots) await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      await plain.close();
      const scripted = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
      const other = await scripted.newPage();
      await other.goto(where);
      await other.evaluate(axe);
      const found = await other.evaluate(() =>
        window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
      );
      check(`${what}: axe`, found.violations.length === 0,
        found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 2).map((node) => node.html.slice(0, 120)).join(' | ')}`).join('; '));
      check(`${what}: no sideways scrolling`, await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      await scripted.close();
    }
  }
}

await service.api('PATCH', `/status_pages/${status.id}`, { password: 'open sesame', language: 'de', theme: 'dark' });
await until('the password', async () => (await fetch(url)).status === 401, 6_000);
const guest = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 768, height: 700 } });
const door = await guest.newPage();
await door.goto(url);
if (shots) await door.screenshot({ path: join(shots, 'locked.png') });
await door.fill('#password', 'guess');
await Promise.all([door.waitForNavigation(), door.click('button')]);
check('a wrong password is told', (await door.content()).includes('nicht das Passwort'));
await door.fill('#password', 'open sesame');
await Promise.all([door.waitForNavigation(), door.click('button')]);
check('the right one opens the page', (await door.content()).includes('Einige Systeme sind ausgefallen'));
if (shots) await door.screenshot({ path: join(shots, 'german-dark.png'), fullPage: true });

await browser.close();
good.stop();
bad.stop();
await service.stop();
console.log(`${passed} checks passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
