// Latency over time: a range to choose, three quantiles, what was not up behind them, and the same as a table.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { query } from '../api';
import { timeline, type Timeline } from '../spans';
import { parameter, setQuery } from '../route';
import { dateTime, latency, now, percent, theme, zone } from '../time';
import type { Monitor, Series } from '../types';
import { Card, Choice, ProblemBox } from '../ui';
import { useGet } from '../use';

const kRanges: [string, string][] = [
  ['1h', '1 h'],
  ['6h', '6 h'],
  ['24h', '24 h'],
  ['7d', '7 d'],
  ['30d', '30 d'],
  ['90d', '90 d'],
];
const kSeconds: Record<string, number> = {
  '1h': 3600,
  '6h': 21_600,
  '24h': 86_400,
  '7d': 604_800,
  '30d': 2_592_000,
  '90d': 7_776_000,
};

function useTimeline(id: string, from: number, to: number): Timeline | undefined {
  const [line, setLine] = useState<Timeline>();
  useEffect(() => {
    const abort = new AbortController();
    timeline(id, from * 1000, to * 1000, abort.signal).then(setLine, () => setLine(undefined));
    return () => abort.abort();
  }, [id, from, to]);
  return line;
}

function useDark(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)');
    const change = () => setTurn((n) => n + 1);
    media.addEventListener('change', change);
    return () => media.removeEventListener('change', change);
  }, []);
  return turn;
}

function AsTable({ series }: { series: Series }) {
  const rows = series.t.map((t, i) => i).filter((i) => (series.checks[i] ?? 0) > 0);
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label="Latency as a table">
      <table class="rows-of">
        <thead>
          <tr>
            <th>From</th>
            <th>p50</th>
            <th>p95</th>
            <th>p99</th>
            <th>Up</th>
            <th>Looks</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((i) => (
            <tr key={i}>
              <td class="num">{dateTime(series.t[i]! * 1000)}</td>
              <td class="num">{latency(series.p50[i])}</td>
              <td class="num">{latency(series.p95[i])}</td>
              <td class="num">{latency(series.p99[i])}</td>
              <td class="num">{series.up[i] === null ? '–' : percent(100 * series.up[i]!, 1)}</td>
              <td class="num">{series.checks[i]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Chart({ monitor }: { monitor: Monitor }) {
  const name = kSeconds[parameter('range')] ? parameter('range') : '24h';
  const seconds = kSeconds[name]!;
  const minute = Math.floor(now.value / 60_000);
  const to = useMemo(
    () => (Math.floor(Date.now() / 60_000) + 1) * 60,
    [name, Math.floor(minute / Math.max(1, seconds / 18_000))],
  );
  const from = to - seconds;
  const asked = useGet<Series>(`/monitors/${monitor.id}/series` + query({ from, to }));
  const line = useTimeline(monitor.id, from, to);
  const box = useRef<HTMLDivElement>(null);
  const [point, setPoint] = useState<number | null>(null);
  const kept = useRef<Series | undefined>(undefined);
  if (asked.data) kept.current = asked.data;
  const series = asked.data ?? kept.current;
  const dark = useDark();
  useEffect(() => {
    if (!series || !box.current) return undefined;
    let end: (() => void) | undefined;
    let gone = false;
    void import('../plot').then(({ draw }) => {
      if (!gone && box.current)
        end = draw(box.current, { series, line, range: [series.t[0] ?? from, to], onPoint: setPoint });
    });
    return () => {
      gone = true;
      end?.();
    };
  }, [series, line, theme.value, zone.value, dark]);
  const nothing = series && series.checks.every((n) => n === 0);
  const i = point;
  return (
    <Card
      title="Response time"
      aside={
        <Choice
          label="Range"
          value={name}
          options={kRanges}
          onValue={(range) => setQuery({ range: range === '24h' ? null : range })}
        />
      }
    >
      {asked.error !== undefined && <ProblemBox error={asked.error} />}
      <figure>
        <div class="plot" ref={box} aria-hidden="true" />
        {nothing && <p class="over muted">No look in this range.</p>}
        <figcaption class="legend">
          <span>
            <i class="q-50" />
            p50 {series && i !== null ? latency(series.p50[i]) : ''}
          </span>
          <span>
            <i class="q-95" />
            p95 {series && i !== null ? latency(series.p95[i]) : ''}
          </span>
          <span>
            <i class="q-99" />
            p99 {series && i !== null ? latency(series.p99[i]) : ''}
          </span>
          <span class="push num">
            {series && i !== null && series.t[i]
              ? `${dateTime(series.t[i]! * 1000)} · ${series.checks[i]} looks`
              : 'Shaded: not up'}
          </span>
        </figcaption>
      </figure>
      {series && !nothing && (
        <details>
          <summary>As a table</summary>
          <AsTable series={series} />
        </details>
      )}
    </Card>
  );
}
