// The one way to the server: JSON in and out, problems as exceptions, the session's CSRF token on whatever changes
// something. At most one answer is awaited by a caller; an aborted one throws AbortError. Texts from the server are
// data: they are shown as text nodes, never parsed.
import { signal } from '@preact/signals';

export interface FieldError {
  pointer?: string;
  parameter?: string;
  code: string;
  detail: string;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly errors: FieldError[] = [],
    readonly retryAfterS = 0,
    readonly requestId = '',
  ) {
    super(detail);
  }
}

export interface Session {
  user: { id: string; email: string };
  account: { id: string; name: string };
  role: string;
  csrf_token: string;
}

// undefined: not asked yet; null: nobody is signed in.
export const session = signal<Session | null | undefined>(undefined);
// Why the last try to reach the server failed; empty when it answers.
export const unreachable = signal('');

export const mayWrite = (): boolean => session.value?.role !== 'viewer';
export const mayAdminister = (): boolean => ['owner', 'admin'].includes(session.value?.role ?? '');

export interface Asking {
  signal?: AbortSignal;
  etag?: string;
  key?: string; // Idempotency-Key
}

function headersOf(method: string, body: unknown, asking: Asking): Record<string, string> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (body !== undefined) {
    headers['Content-Type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  }
  if (asking.etag) headers['If-Match'] = asking.etag;
  if (asking.key) headers['Idempotency-Key'] = asking.key;
  if (method !== 'GET' && session.value) headers['X-CSRF-Token'] = session.value.csrf_token;
  return headers;
}

async function problemOf(response: Response): Promise<Problem> {
  const retry = Number(response.headers.get('Retry-After') ?? 0) || 0;
  try {
    const p = await response.json();
    return new Problem(
      response.status,
      String(p.code),
      String(p.detail || p.title),
      p.errors ?? [],
      retry,
      String(p.request_id ?? ''),
    );
  } catch {
    return new Problem(response.status, 'unreadable', `The server answered ${response.status}.`, [], retry);
  }
}

async function answerOf(method: string, path: string, body: unknown, asking: Asking): Promise<Response> {
  try {
    const init: RequestInit = { method, headers: headersOf(method, body, asking), credentials: 'same-origin' };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (asking.signal) init.signal = asking.signal;
    const response = await fetch('/api/v1' + path, init);
    unreachable.value = '';
    return response;
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    unreachable.value = 'The server cannot be reached.';
    throw new Problem(0, 'unreachable', 'The server cannot be reached.');
  }
}

export async function ask<T>(method: string, path: string, body?: unknown, asking: Asking = {}): Promise<T> {
  const response = await answerOf(method, path, body, asking);
  if (response.status === 204) return undefined as T;
  if (response.ok) return (await response.json()) as T;
  const problem = await problemOf(response);
  if (problem.status === 401 && session.value) session.value = null;
  throw problem;
}

export const get = <T>(path: string, abort?: AbortSignal): Promise<T> =>
  ask<T>('GET', path, undefined, abort ? { signal: abort } : {});
export const post = <T>(path: string, body?: unknown, asking?: Asking): Promise<T> =>
  ask<T>('POST', path, body ?? {}, asking);
export const patch = <T>(path: string, body: unknown): Promise<T> => ask<T>('PATCH', path, body);
export const remove = (path: string): Promise<void> => ask<void>('DELETE', path);

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

// "a=1&b=2" of what is set; lists repeat their name.
export function query(values: Record<string, string | number | string[] | undefined>): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (Array.isArray(value)) for (const one of value) out.append(name, one);
    else if (value !== undefined && value !== '') out.set(name, String(value));
  }
  const text = out.toString();
  return text ? '?' + text : '';
}

// Runs `each` for all items, four at a time, and waits when the server asks for patience. Returns what failed.
export async function each<T>(items: T[], run: (item: T) => Promise<unknown>, done: (count: number) => void) {
  const failed: { item: T; error: Error }[] = [];
  let next = 0;
  let finished = 0;
  const one = async (item: T, tries: number): Promise<void> => {
    try {
      await run(item);
    } catch (error) {
      const patient = error instanceof Problem && (error.status === 429 || error.status === 503) && tries < 5;
      if (!patient) return void failed.push({ item, error: error as Error });
      await new Promise((go) => setTimeout(go, 1000 * Math.max(1, (error as Problem).retryAfterS)));
      await one(item, tries + 1);
    }
  };
  const lane = async () => {
    while (next < items.length) {
      await one(items[next++] as T, 0);
      done(++finished);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return failed;
}

export async function findSession(): Promise<void> {
  try {
    session.value = await get<Session>('/session');
  } catch (error) {
    if ((error as Problem).status === 0) throw error;
    session.value = null;
  }
}
