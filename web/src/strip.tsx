// Ninety days in one line: a bar a day, one path a state, so a strip is a handful of nodes. One tab stop; arrows go by
// days, Page keys by weeks; every day says its figures. States differ by shape as well: down hangs full and dark,
// degraded is notched, not known is dotted.
import { useMemo, useState } from 'preact/hooks';
import { type Day, downShare } from './spans';
import { dayName, shortDay } from './time';

const kPitch = 10;
const kWidth = 7;
const kHeight = 36;

function bar(day: Day, i: number): string {
  const x = i * kPitch + 1;
  return `M${x} 2h${kWidth}v${kHeight - 4}h-${kWidth}z`;
}

// The part of a day that was down grows from the bottom, at least so much that one sees it.
function downPart(day: Day, i: number): string {
  const height = Math.max(5, Math.round((kHeight - 4) * downShare(day)));
  return `M${i * kPitch + 1} ${kHeight - 2}h${kWidth}v-${height}h-${kWidth}z`;
}

export function Strip({ days, label }: { days: Day[]; label: string }) {
  const [at, setAt] = useState(days.length - 1);
  const [shown, setShown] = useState(false);
  const paths = useMemo(() => {
    const out: Record<string, string> = {};
    days.forEach((day, i) => {
      const base = day.state !== 'down' ? day.state : downShare(day) < 1 ? 'mostly' : 'none';
      out[base] = (out[base] ?? '') + bar(day, i);
      if (day.state === 'down') out['down'] = (out['down'] ?? '') + downPart(day, i);
      if (day.state === 'degraded')
        out['notch'] = (out['notch'] ?? '') + `M${i * kPitch + 1} ${kHeight - 10}h${kWidth}v8h-${kWidth}z`;
    });
    return out;
  }, [days]);
  const day = days[Math.min(at, days.length - 1)];
  const move = (to: number) => {
    setAt(Math.max(0, Math.min(days.length - 1, to)));
    setShown(true);
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -days.length, End: days.length }[
      event.key
    ];
    if (step === undefined) return;
    event.preventDefault();
    move(at + step);
  };
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    move(Math.floor(((event.clientX - box.left) / box.width) * days.length));
  };
  if (!day) return null;
  const where = (100 * (at + 0.5)) / days.length;
  return (
    <div class="strip">
      <div
        class="strip-box"
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={days.length - 1}
        aria-valuenow={at}
        aria-valuetext={`${dayName(day.from + 43_200_000)}: ${day.text}`}
        aria-orientation="horizontal"
        onKeyDown={keys}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setShown(false)}
        onBlur={() => setShown(false)}
        onFocus={() => setShown(true)}
      >
        <svg viewBox={`0 0 ${days.length * kPitch} ${kHeight}`} preserveAspectRatio="none" aria-hidden="true">
          {Object.entries(paths).map(([state, path]) => (
            <path key={state} class={`d-${state}`} d={path} />
          ))}
          {shown && <rect class="here" x={at * kPitch} y="0.5" width={kWidth + 2} height={kHeight - 1} rx="1" />}
        </svg>
        {shown && (
          <div class="tip" style={{ left: `${Math.min(86, Math.max(14, where))}%` }}>
            <strong>{dayName(day.from + 43_200_000)}</strong>
            {day.text}
          </div>
        )}
      </div>
      <div class="strip-ends muted">
        <span>{shortDay(days[0]!.from + 43_200_000)}</span>
        <ul class="legend states">
          {['up', 'degraded', 'down', 'unknown', 'none'].map((state) => (
            <li key={state}>
              <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
                <path class={`d-${state}`} d="M0 0h10v10h-10z" />
              </svg>
              {{ up: 'Up', degraded: 'Degraded', down: 'Down', unknown: 'Not known', none: 'Not watched' }[state]}
            </li>
          ))}
        </ul>
        <span>Today</span>
      </div>
    </div>
  );
}
