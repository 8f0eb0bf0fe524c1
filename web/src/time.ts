// Instants in words, in the zone that the person chose. One clock ticks for all; days begin where the zone says.
import { computed, signal } from '@preact/signals';

export function stored(name: string): string {
  try {
    return localStorage.getItem(name) ?? '';
  } catch {
    return ''; // storage may be forbidden
  }
}

export function store(name: string, value: string): void {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // kept for this page only
  }
}

export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

export const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
export const chosenZone = signal(stored('everup.zone')); // '' means local
export const zone = computed(() => chosenZone.value || localZone);

export function chooseZone(name: string): void {
  chosenZone.value = name;
  store('everup.zone', name);
}

export const theme = signal(stored('everup.theme')); // '' means the system's
export function chooseTheme(name: string): void {
  theme.value = name;
  store('everup.theme', name);
  if (name) document.documentElement.dataset['theme'] = name;
  else delete document.documentElement.dataset['theme'];
}

const formats = new Map<string, Intl.DateTimeFormat>();
function format(options: Intl.DateTimeFormatOptions, zoneName: string): Intl.DateTimeFormat {
  const key = zoneName + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zoneName });
    formats.set(key, made);
  }
  return made;
}

export const ms = (iso: string): number => Date.parse(iso);

export function dateTime(at: number, seconds = false): string {
  return format(
    {
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      ...(seconds ? { second: '2-digit' as const } : {}),
    },
    zone.value,
  ).format(at);
}
export const clockTime = (at: number): string =>
  format({ hour: '2-digit', minute: '2-digit', second: '2-digit' }, zone.value).format(at);
export const dayName = (at: number): string =>
  format({ day: 'numeric', month: 'short', year: 'numeric' }, zone.value).format(at);
export const shortDay = (at: number): string => format({ day: 'numeric', month: 'short' }, zone.value).format(at);
export const hourMinute = (at: number): string => format({ hour: '2-digit', minute: '2-digit' }, zone.value).format(at);
export const zoneMark = (at: number): string =>
  format({ timeZoneName: 'short', hour: '2-digit' }, zone.value)
    .formatToParts(at)
    .find((part) => part.type === 'timeZoneName')?.value ?? zone.value;

// "3 d 4 h", "12 min 5 s", "0 s": at most two units.
export function duration(milliseconds: number): string {
  const s = Math.max(0, Math.floor(milliseconds / 1000));
  const d = Math.floor(s / 86400),
    h = Math.floor(s / 3600) % 24,
    m = Math.floor(s / 60) % 60;
  if (d > 0) return h > 0 && d < 30 ? `${d} d ${h} h` : `${d} d`;
  if (h > 0) return m > 0 ? `${h} h ${m} min` : `${h} h`;
  if (m > 0) return s % 60 > 0 && m < 10 ? `${m} min ${s % 60} s` : `${m} min`;
  return `${s} s`;
}

export const ago = (iso: string): string => `${duration(now.value - ms(iso))} ago`;

export function latency(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0 ms';
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 100) return `${Math.round(value)} ms`;
  return value >= 10 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`;
}

// Percentages are floored, never rounded up: 99.9996 is not 100.
export function percent(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return '–';
  if (value === 100) return '100%';
  const scale = 10 ** digits;
  return `${(Math.floor(value * scale + 1e-6) / scale).toFixed(digits)}%`;
}

// Milliseconds that the zone is ahead of UTC at an instant.
function offset(at: number, zoneName: string): number {
  const p: Record<string, number> = {};
  const made = format(
    {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      hourCycle: 'h23',
    },
    zoneName,
  );
  for (const part of made.formatToParts(at)) p[part.type] = Number(part.value);
  const wall = Date.UTC(p['year']!, p['month']! - 1, p['day']!, p['hour']!, p['minute']!, p['second']!);
  return wall - Math.floor(at / 1000) * 1000;
}

// Where the days begin, oldest first: `count` days that end with today, and the instant where today ends. A day has
// 23, 24 or 25 hours.
export function dayStarts(count: number, at: number, zoneName = zone.value): number[] {
  const wall = at + offset(at, zoneName);
  const midnight = Math.floor(wall / 86_400_000) * 86_400_000;
  const out: number[] = [];
  for (let i = count - 1; i >= -1; --i) {
    const wanted = midnight - i * 86_400_000;
    const guess = wanted - offset(wanted, zoneName);
    out.push(wanted - offset(guess, zoneName));
  }
  return out;
}

const kWords: Record<string, string> = {
  dns: 'DNS',
  tls: 'TLS',
  http: 'HTTP',
  smtp: 'SMTP',
  tcp: 'TCP',
  json: 'JSON',
  mx: 'MX',
  starttls: 'STARTTLS',
};
// "tls_wrong_host" → "TLS wrong host"
export function words(slug: string): string {
  const out = slug
    .split('_')
    .map((word) => kWords[word] ?? word)
    .join(' ');
  return out.charAt(0).toUpperCase() + out.slice(1);
}
