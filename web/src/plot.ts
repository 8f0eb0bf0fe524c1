// The latency chart: uPlot, loaded only with a monitor's page, drawn in the scheme's own colours. Behind the lines
// stand the spans in which the monitor was not up.
import uPlot from 'uplot';
import { clockTime, dateTime, hourMinute, latency, shortDay, zone } from './time';
import type { Series } from './types';
import type { Timeline } from './spans';

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const kShaded: Record<string, [string, number]> = {
  down: ['--down', 0.2],
  degraded: ['--degraded', 0.16],
  unknown: ['--unknown', 0.16],
  maintenance: ['--maintenance', 0.16],
  paused: ['--paused', 0.1],
};

function shade(u: uPlot, line: Timeline | undefined): void {
  if (!line) return;
  const { ctx, bbox } = u;
  ctx.save();
  for (const span of line.spans) {
    const look = kShaded[span.state];
    if (!look) continue;
    const from = Math.max(bbox.left, u.valToPos(span.from / 1000, 'x', true));
    const to = Math.min(bbox.left + bbox.width, u.valToPos(span.to / 1000, 'x', true));
    if (to < bbox.left || from > bbox.left + bbox.width) continue;
    ctx.globalAlpha = look[1];
    ctx.fillStyle = colour(look[0]);
    ctx.fillRect(from, bbox.top, Math.max(1, to - from), bbox.height);
  }
  ctx.restore();
}

export interface PlotInput {
  series: Series;
  line: Timeline | undefined;
  range: [number, number];
  onPoint: (index: number | null) => void;
}

// Draws into `box`; the returned function takes it away.
export function draw(box: HTMLElement, input: PlotInput): () => void {
  const { series, line, range, onPoint } = input;
  const font = '12px system-ui, sans-serif';
  const long = range[1] - range[0] > 2 * 86_400;
  const tick = (value: number) => (long ? shortDay(value * 1000) : hourMinute(value * 1000));
  const one = (label: string, name: string, width: number): uPlot.Series => ({
    label,
    stroke: colour(name),
    width,
    points: { show: series.t.length < 40, size: 4 },
    spanGaps: false,
    value: (_, v) => latency(v),
  });
  const axis = {
    stroke: colour('--muted'),
    font,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const options: uPlot.Options = {
    width: box.clientWidth,
    height: 240,
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), zone.value),
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: true, range: () => range },
      y: { range: (_, __, max) => [0, Math.max(1, (max ?? 1) * 1.12)] },
    },
    axes: [
      { ...axis, values: (_, values) => values.map(tick), space: 70, size: 28 },
      { ...axis, values: (_, values) => values.map((v) => latency(v)), size: 62 },
    ],
    series: [
      { value: (_, v) => (v ? `${dateTime(v * 1000)} ${clockTime(v * 1000)}` : '') },
      one('p99', '--p99', 1),
      one('p95', '--p95', 1),
      one('p50', '--p50', 2),
    ],
    hooks: { drawClear: [(u) => shade(u, line)], setCursor: [(u) => onPoint(u.cursor.idx ?? null)] },
  };
  const plot = new uPlot(options, [series.t, series.p99, series.p95, series.p50] as uPlot.AlignedData, box);
  const resized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 240 }));
  resized.observe(box);
  return () => {
    resized.disconnect();
    plot.destroy();
  };
}
