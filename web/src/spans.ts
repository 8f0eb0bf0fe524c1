// The timeline as the ledger has it, summed into days. Whole milliseconds, never samples: a day's figures are what its
// minutes were.
import { get, type Page, query } from './api';
import { percent } from './time';
import type { Span } from './types';

const kPagesMax = 8; // of 1000 spans

export interface Timeline {
  spans: { from: number; to: number; state: string; reason: string | null }[];
  cut: number | null; // more spans than were asked for: nothing is known from here on
  end: number;
}

export async function timeline(id: string, from: number, to: number, abort: AbortSignal): Promise<Timeline> {
  const out: Timeline = { spans: [], cut: null, end: from };
  let cursor: string | undefined;
  for (let i = 0; i < kPagesMax; ++i) {
    const page: Page<Span> = await get(
      `/monitors/${id}/spans` +
        query({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), limit: 1000, cursor }),
      abort,
    );
    for (const span of page.data) {
      const end = span.to === null ? to : Date.parse(span.to);
      out.spans.push({ from: Date.parse(span.from), to: end, state: span.state, reason: span.reason });
      out.end = Math.max(out.end, end);
    }
    if (page.next_cursor === null) return out;
    cursor = page.next_cursor;
  }
  out.cut = out.end;
  return out;
}

export interface Day {
  from: number;
  to: number;
  ms: Record<string, number>; // by state
  downs: number;
  state: string; // the worst that is worth a colour; 'none': not watched yet
  text: string;
}

function judged(day: Day): { percent: number | null; up: number; down: number } {
  const up = (day.ms['up'] ?? 0) + (day.ms['degraded'] ?? 0);
  const down = day.ms['down'] ?? 0;
  return { percent: up + down > 0 ? (100 * up) / (up + down) : null, up, down };
}

// Of the time that was judged.
export function downShare(day: Day): number {
  const { up, down } = judged(day);
  return up + down > 0 ? down / (up + down) : 0;
}

function worst(day: Day): string {
  const { up, down } = judged(day);
  if (down > 0) return 'down';
  if ((day.ms['degraded'] ?? 0) > 0) return 'degraded';
  const unknown = day.ms['unknown'] ?? 0;
  if (unknown > 0.05 * (up + unknown)) return 'unknown';
  if (up > 0) return 'up';
  for (const state of ['maintenance', 'paused', 'unknown']) if ((day.ms[state] ?? 0) > 0) return state;
  return 'none';
}

function spoken(milliseconds: number): string {
  const s = Math.round(milliseconds / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

export function daysOf(line: Timeline, starts: number[]): Day[] {
  const days: Day[] = [];
  let first = 0;
  for (let i = 0; i + 1 < starts.length; ++i) {
    const day: Day = { from: starts[i]!, to: starts[i + 1]!, ms: {}, downs: 0, state: 'none', text: '' };
    while (first < line.spans.length && line.spans[first]!.to <= day.from) ++first;
    for (let j = first; j < line.spans.length && line.spans[j]!.from < day.to; ++j) {
      const span = line.spans[j]!;
      const overlap = Math.min(span.to, day.to) - Math.max(span.from, day.from);
      if (overlap <= 0) continue;
      day.ms[span.state] = (day.ms[span.state] ?? 0) + overlap;
      if (span.state === 'down') ++day.downs;
    }
    day.state = worst(day);
    const { percent: share } = judged(day);
    const parts = day.state === 'none' ? ['not watched'] : [share === null ? 'nothing judged' : `${percent(share)} up`];
    for (const state of ['down', 'degraded', 'unknown', 'maintenance', 'paused']) {
      if ((day.ms[state] ?? 0) >= 500)
        parts.push(`${spoken(day.ms[state]!)} ${state === 'unknown' ? 'not known' : state}`);
    }
    day.text = parts.join(', ');
    days.push(day);
  }
  return days;
}
