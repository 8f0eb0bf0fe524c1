// A real everup for the browser run: its own data directory and private PostgreSQL, an account, a target that can be
// stopped, and hostile to whoever shows its words. A server without sign-in is put behind a front that brings the key
// and plays the session; one that has it is used as it is.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export const kEvil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

export async function startTarget() {
  let well = true;
  const server = http.createServer((request, response) => {
    response.writeHead(well ? 200 : 503, { 'content-type': 'text/html', 'x-evil': kEvil, connection: 'close' });
    response.end(`${kEvil}\n</pre></script>\u202e`);
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}/`,
    fail: () => (well = false),
    heal: () => (well = true),
    stop: () => server.close(),
  };
}

function until(child, text) {
  return new Promise((done, fail) => {
    let seen = '';
    const limit = setTimeout(() => fail(new Error(`no "${text}" within 60 s:\n${seen}`)), 60_000);
    const look = (bytes) => {
      seen += bytes;
      if (!seen.includes(text)) return;
      clearTimeout(limit);
      done(seen);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('exit', (code) => fail(new Error(`everup ended with ${code}:\n${seen}`)));
  });
}

// Adds the key to API calls and answers /session, for servers that have none.
async function startFront(port, key) {
  const session = {
    user: { id: 'usr_test', email: 'you@example.org' },
    account: { id: 'acc_test', name: 'Example' },
    role: 'owner',
    csrf_token: 'test',
  };
  let signedIn = false;
  const front = http.createServer((request, response) => {
    if (request.url === '/api/v1/session') {
      if (request.method === 'POST') signedIn = true;
      if (request.method === 'DELETE') signedIn = false;
      response.writeHead(request.method === 'DELETE' ? 204 : signedIn ? 200 : 401, {
        'content-type': 'application/json',
      });
      const body = signedIn ? session : { code: 'unauthorized', detail: 'sign in', title: 'x', status: 401 };
      return response.end(request.method === 'DELETE' ? undefined : JSON.stringify(body));
    }
    const headers = { ...request.headers };
    if (request.url.startsWith('/api/')) headers.authorization = `Bearer ${key}`;
    const onward = http.request(
      { host: '127.0.0.1', port, path: request.url, method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  return { port: await listening(front), stop: () => front.close() };
}

export async function startService(binary) {
  const home = mkdtempSync(join(tmpdir(), 'everup-web-'));
  const data = join(home, 'data');
  const root = userInfo().uid === 0;
  mkdirSync(data);
  if (root) {
    const id = (flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
    for (const path of [home, data]) chownSync(path, id('-u'), id('-g'));
  }
  const env = {
    ...process.env,
    EVERUP_DATA_DIR: data,
    EVERUP_ALLOW_TARGETS: 'private loopback',
    EVERUP_RATE_LIMIT: '0',
    EVERUP_LISTEN: '127.0.0.1:0',
    ...(root ? { EVERUP_USER: 'nobody' } : {}),
  };
  const child = spawn(binary, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  process.on('exit', () => child.kill('SIGINT'));
  const said = await until(child, 'listens on');
  const port = Number(/listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)[1]);
  const password = 'correct horse battery staple';
  const file = join(home, 'password');
  writeFileSync(file, password + '\n', { mode: 0o644 });
  const run = (...args) => spawnSync(binary, args, { env, encoding: 'utf8' });
  const account = run('account', 'create', '--email', 'you@example.org', '--password-file', file);
  if (account.status !== 0) throw new Error(`account: ${account.stderr}`);
  const key = run('key', 'create', '--name', 'test', '--scope', 'admin').stdout.trim();
  const asked = await fetch(`http://127.0.0.1:${port}/api/v1/session`);
  const front = asked.status === 404 ? await startFront(port, key) : null;
  const base = `http://127.0.0.1:${front ? front.port : port}`;
  const api = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const stop = async () => {
    front?.stop();
    child.removeAllListeners('exit');
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGINT');
    await gone;
    rmSync(home, { recursive: true, force: true });
  };
  return { base, api, email: 'you@example.org', password, real: front === null, stop };
}
