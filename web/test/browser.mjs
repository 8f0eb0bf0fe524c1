// The dashboard in Chromium against a real everup: signing in, pasting a first monitor, seeing it go down, hostile
// strings, everything by keyboard, ten thousand rows, and axe-core over every page in both schemes and three widths.
// Usage: node web/test/browser.mjs PATH-TO-EVERUP [--quick] [--shots DIR]
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { kEvil, startService, startTarget } from './service.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(join(here, '../node_modules/axe-core/axe.min.js'), 'utf8');
const binary = process.argv[2] ?? 'build/release/app/everup';
const quick = process.argv.includes('--quick'); // without axe over every page
const shots = process.argv.includes('--shots') ? process.argv[process.argv.indexOf('--shots') + 1] : null;
if (shots) mkdirSync(shots, { recursive: true });

let passed = 0;
const failures = [];
function check(what, good, detail = '') {
  if (good) ++passed;
  else failures.push(`${what}${detail ? `: ${detail}` : ''}`);
  if (!good) console.error(`FAILED ${what} ${detail}`);
}

const target = await startTarget();
const service = await startService(binary);
const executablePath = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('dialog', (dialog) => {
    check('no dialog', false, dialog.message());
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => check('no script error', false, error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedHTML/i.test(message.text())) check('no policy report', false, message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(service.base) && !request.url().startsWith('data:'))
      check('no third party', false, request.url());
  });
  return { context, page };
}

async function signIn(page) {
  await page.goto(`${service.base}/app/`);
  await page.getByLabel('E-mail').fill(service.email);
  await page.getByLabel('Password').fill(service.password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Monitors' }).waitFor();
}

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  return found.violations.map(
    (one) =>
      `${one.id} (${one.nodes.length}×: ${one.nodes[0].target} ${one.nodes[0].failureSummary.split('\n')[1]?.trim()})`,
  );
}

// ---- a person's first minutes
const { context, page } = await open();
await page.goto(`${service.base}/app/`);
await page.getByLabel('E-mail').waitFor();
check('sign-in has no violations', (await violations(page)).length === 0, (await violations(page)).join('; '));
await signIn(page);
await page.getByRole('link', { name: 'Watch the first one' }).click();
await page.getByLabel('Address').fill(target.url);
await page.getByRole('button', { name: 'Test now' }).click();
await page.locator('.result .state', { hasText: 'Up' }).waitFor();
check('the test shows phases', (await page.locator('.waterfall tr').count()) >= 2);
await page.getByRole('button', { name: 'Name, interval, conditions …' }).click();
await page.getByLabel('Name (optional)').fill('First');
await page.getByLabel('Look every').selectOption('10');
await page.getByRole('button', { name: 'Start watching' }).click();
await page.getByRole('heading', { name: 'First' }).waitFor();
await page.locator('.now strong', { hasText: 'Up' }).waitFor();
check('the body of the target is text', (await page.locator('main img:not(.badge-preview img)').count()) === 0);
const id = new URL(page.url()).pathname.split('/').pop();

// Down is seen without a reload, with what the target said; and up again.
await service.api('PATCH', `/monitors/${id}`, { interval_s: 2, confirm: { failures: 2, successes: 1, retry_s: 1 } });
target.fail();
await page.locator('.now strong', { hasText: 'Down' }).waitFor({ timeout: 60_000 });
check('the cause is told', (await page.locator('.now .why').innerText()).includes('503'));
target.heal();
await page.locator('.now strong', { hasText: 'Up' }).waitFor({ timeout: 60_000 });
await page.reload();
await page.getByRole('heading', { name: 'What the last failure looked like' }).waitFor();
const body = await page.getByLabel('Body', { exact: true }).first().innerText();
check('evidence is shown as it is', body.includes(kEvil), body);

// The badge's snippet is what a reader needs, and the image is there.
await page.getByRole('radio', { name: 'AsciiDoc' }).check();
check('AsciiDoc snippet', (await page.getByLabel('Badge in AsciiDoc').innerText()).startsWith('image:http'));
check(
  'the badge loads',
  await page.locator('.badge-preview img').evaluate((img) => img.complete && img.naturalWidth > 20),
);

// What is wrong is said at its field, and saving sends what changed.
await page.goto(`${service.base}/app/monitors/${id}/edit`);
await page.getByLabel('Expect').fill('{"status": 7}');
await page.getByRole('button', { name: 'Save' }).click();
check('the field is named', (await page.locator('.field.wrong .error').innerText()).includes('status codes'));
await page.getByLabel('Expect').fill('');
await page.getByLabel('Tags').fill('core, web');
await page.getByRole('button', { name: 'Save' }).click();
await page.getByRole('link', { name: 'core' }).waitFor();

// ---- incidents and alerting, where the server has them
const has = (path) =>
  service.api('GET', path).then(
    () => true,
    () => false,
  );
const found = []; // pages of what came to be
if (await has('/incidents')) {
  await page.goto(`${service.base}/app/incidents`);
  await page.locator('.incident-list a').first().click();
  await page.getByRole('heading', { name: 'Notes' }).waitFor();
  found.push(new URL(page.url()).pathname.slice('/app/'.length));
  await page.getByLabel('New note').fill(kEvil);
  await page.getByRole('button', { name: 'Add' }).click();
  await page.locator('.note-text', { hasText: 'alert(1)' }).waitFor();
  check('a note is text', (await page.locator('.notes').innerText()).includes(kEvil));
  await page.getByRole('button', { name: 'Write' }).click();
  await page.getByLabel('What was it?').fill('The target was told to fail.');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.note-text', { hasText: 'told to fail' }).waitFor();
}
if (await has('/channels')) {
  await page.goto(`${service.base}/app/alerting/channels`);
  await page.getByRole('button', { name: 'New channel' }).click();
  await page.getByLabel('Address').fill('ops@example.org');
  await page.getByLabel('Name').fill('Ops');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('cell', { name: 'Ops', exact: true }).waitFor();
  await page.goto(`${service.base}/app/alerting/policies`);
  await page.getByRole('button', { name: 'New policy' }).click();
  await page.getByLabel('Name').fill('Everything');
  await page.getByRole('dialog').getByLabel('Ops').check();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('heading', { name: 'Everything' }).waitFor();
  check('a policy says whom it tells', (await page.locator('.flow').innerText()).includes('Ops'));
}
if (await has('/maintenance_windows')) {
  await page.goto(`${service.base}/app/maintenance`);
  await page.getByRole('button', { name: 'Plan maintenance' }).click();
  await page.getByLabel('Name').fill('Upgrade');
  await page.getByLabel('Repeats').selectOption('FREQ=DAILY');
  await page.getByRole('button', { name: 'Plan', exact: true }).click();
  await page.getByRole('heading', { name: 'Upgrade' }).waitFor();
  await page.locator('.occurrences li').nth(4).waitFor();
}
if (await has('/status_pages')) {
  await page.goto(`${service.base}/app/status-pages`);
  await page.getByRole('button', { name: 'New status page' }).click();
  await page.getByLabel('Name').fill('Shop status');
  await page.getByRole('dialog').getByRole('checkbox').first().check();
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'Shop status' }).waitFor();
  const shown = await page.request.get(`${service.base}/status/shop-status`);
  check('a status page is read where its editor says', shown.status() === 200);
}

// ---- hostile names
const names = [
  kEvil,
  '"><svg/onload=alert(3)>',
  '{{constructor.constructor("alert(4)")()}}',
  'javascript:alert(5)',
  'Ünïcödé 🎉 漢字',
  'x'.repeat(100),
  '</title><script>alert(6)</script>',
  '&lt;b&gt;',
];
for (const name of names) await service.api('POST', '/monitors', { target: target.url, name, paused: true });
await page.goto(`${service.base}/app/?state=paused`);
await page
  .locator('.rows .row')
  .nth(names.length - 1)
  .waitFor();
const shown = await page.locator('.rows .c-name a').allInnerTexts();
for (const name of names) check('a name is shown as it is', shown.includes(name), name);
await page.getByRole('link', { name: names[6] }).click();
await page.getByRole('heading', { name: names[6] }).waitFor();
check('the title is text', (await page.title()).startsWith(names[6]));

// ---- by keyboard only
await page.goto(`${service.base}/app/`);
await page.locator('.rows .row').first().waitFor();
await page.keyboard.press('?');
await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
await page.keyboard.press('Escape');
await page.getByRole('dialog').waitFor({ state: 'detached' });
await page.keyboard.press('/');
await page.keyboard.type('First');
await page.waitForURL(/q=First/);
await page.locator('.rows .row').first().waitFor();
await page.waitForFunction(() => document.querySelectorAll('.rows .row').length === 1);
await page.keyboard.press('Escape');
await page.keyboard.press('Escape');
await page.waitForURL((url) => !url.search.includes('q='));
await page.evaluate(() => document.activeElement?.blur());
await page.locator('.rows .row').nth(3).waitFor();
await page.keyboard.press('j');
await page.keyboard.press('j');
await page.keyboard.press('k');
check('j and k move', (await page.locator('.row.current').count()) === 1);
await page.keyboard.press('x');
await page.getByRole('region', { name: 'Selected monitors' }).waitFor();
await page.keyboard.press('Enter');
await page.waitForURL(/monitors\/mon_/);
await page.keyboard.press('n');
await page.getByLabel('Address').waitFor();
await page.keyboard.type(target.url);
await page.keyboard.press('Enter');
await page.waitForURL(/monitors\/mon_/);
await page.locator('.strip-box').focus();
await page.keyboard.press('ArrowLeft');
check('a day is told', /:/.test(await page.locator('.strip-box').getAttribute('aria-valuetext')));

// ---- every page, both schemes, three widths
const paths = [
  '',
  '?q=nothing-like-it',
  'monitors/new',
  `monitors/${id}`,
  `monitors/${id}/edit`,
  'incidents',
  'maintenance',
  'status-pages',
  'alerting/channels',
  'alerting/policies',
  'alerting/deliveries',
  'settings/keys',
  'settings/members',
  'settings/sessions',
  'settings/audit',
  'health',
  'nowhere',
  ...found,
];
const state = await context.storageState();
for (const colorScheme of quick ? [] : ['light', 'dark']) {
  const one = await open({ colorScheme, storageState: state });
  for (const path of paths) {
    for (const width of [1280, 768, 320]) {
      await one.page.setViewportSize({ width, height: 800 });
      if (width === 1280) await one.page.goto(`${service.base}/app/${path}`);
      await one.page.locator('main h1, main .box').first().waitFor();
      await one.page.waitForLoadState('networkidle');
      const found = await violations(one.page);
      check(`axe: /app/${path} ${colorScheme} ${width}`, found.length === 0, found.join('; '));
      const wide = await one.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      check(`no sideways scrolling: /app/${path} ${width}`, wide <= 0, `${wide} px`);
      if (shots)
        await one.page.screenshot({
          path: join(shots, `${path.replace(/\W+/g, '_') || 'list'}-${colorScheme}-${width}.png`),
          fullPage: true,
        });
    }
  }
  await one.context.close();
}

// ---- ten thousand rows
for (let i = 0; i < 2; ++i) {
  await service.api('POST', '/monitors/bulk', {
    monitors: Array.from({ length: 5000 }, (_, j) => ({
      target: target.url,
      name: `node ${String(i * 5000 + j).padStart(5, '0')}`,
      interval_s: 86_400,
      paused: true,
    })),
  });
}
const large = await open({ storageState: state });
const began = Date.now();
await large.page.goto(`${service.base}/app/?sort=name`);
await large.page.locator('.rows .row').first().waitFor();
console.log(`the list of 10 000 monitors was there after ${Date.now() - began} ms`);
for (let rows = 100; rows <= 500; rows += 100) {
  await large.page.waitForFunction((n) => document.querySelector('.rows').clientHeight >= 48 * n, rows);
  await large.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
}
check('only what one sees is in the page', (await large.page.locator('.rows .row').count()) < 80);
await large.page.goto(`${service.base}/app/?q=node+09999`);
await large.page.getByRole('link', { name: 'node 09999' }).waitFor();

// ---- out
await page.goto(`${service.base}/app/`);
await page.getByRole('button', { name: 'Sign out' }).click();
await page.getByLabel('E-mail').waitFor();
check('signed out', true);

await browser.close();
await service.stop();
target.stop();
console.log(
  `${passed} passed, ${failures.length} failed${service.real ? '' : ' (this server has no sign-in: it was played)'}`,
);
process.exit(failures.length > 0 ? 1 : 0);
