// What changes while one looks. Server-sent events where they are; without them pages ask again every 15 s. One
// connection a browser: tabs elect a leader by a lock and share by a channel (plain http has no locks: one a tab).
// Events are hints: whoever hears one asks the API again.
import { effect, signal } from '@preact/signals';
import { session } from './api';

export interface Change {
  monitor: string;
  from: string;
  to: string;
  at: string;
  cause: string;
}
type Listener = (change: Change | null) => void; // null: time to ask again

const kPollMs = 15_000;
const kLivePollMs = 60_000;
export const live = signal<'events' | 'polling'>('polling');
const listeners = new Set<Listener>();
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('everup.live') : null;

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(change: Change | null): void {
  for (const listener of listeners) listener(change);
}

let lastPoll = Date.now();
setInterval(() => {
  const due = live.value === 'events' ? kLivePollMs : kPollMs;
  if (document.hidden || !session.value || Date.now() - lastPoll < due) return;
  lastPoll = Date.now();
  tell(null);
}, 1000);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && Date.now() - lastPoll > kPollMs) {
    lastPoll = Date.now();
    tell(null);
  }
});

// The monitor comes as an id or as an object with its name; the new state as "state" or "to".
function changeOf(data: Record<string, unknown>): Change {
  const monitor = data['monitor'] as string | { id: string };
  return {
    monitor: typeof monitor === 'string' ? monitor : monitor.id,
    from: String(data['from']),
    to: String(data['to'] ?? data['state']),
    at: String(data['at']),
    cause: String(data['cause'] ?? ''),
  };
}

let source: EventSource | null = null;
let holding = false; // this tab has the lock
function open(): void {
  source = new EventSource('/api/v1/events');
  source.onopen = () => {
    live.value = 'events';
    channel?.postMessage({ live: true });
  };
  source.onerror = () => {
    live.value = 'polling'; // it tries again by itself unless the server has no such path
    channel?.postMessage({ live: false });
  };
  source.addEventListener('state', (event) => {
    try {
      const change = changeOf(JSON.parse((event as MessageEvent<string>).data));
      tell(change);
      channel?.postMessage({ change });
    } catch {
      tell(null);
    }
  });
  source.addEventListener('reset', () => tell(null));
}

if (channel) {
  channel.onmessage = ({ data }) => {
    if (data.change) tell(data.change);
    if (data.live !== undefined) live.value = data.live ? 'events' : 'polling';
    if (data.hello && source) channel.postMessage({ live: source.readyState === EventSource.OPEN });
  };
}

effect(() => {
  const signedIn = Boolean(session.value);
  if (!signedIn) {
    source?.close();
    source = null;
    return;
  }
  if (source) return;
  if (holding || !navigator.locks || !channel) return open();
  channel.postMessage({ hello: true });
  void navigator.locks.request('everup.live', () => {
    holding = true;
    if (session.value) open();
    return new Promise<void>(() => undefined); // kept until the tab goes
  });
});
