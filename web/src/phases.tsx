// Where a look's time went: a bar of phases, on a scale that its neighbours share. The figures stand beside it as text
// for those who cannot see colours.
import { latency } from './time';
import { kPhases, type Phases } from './types';

const kNames: Record<(typeof kPhases)[number], string> = {
  dns: 'DNS',
  connect: 'Connect',
  tls: 'TLS',
  wait: 'Wait',
  transfer: 'Transfer',
};

export const phaseText = (phases: Phases): string =>
  kPhases
    .filter((name) => phases[name] !== undefined)
    .map((name) => `${kNames[name]} ${latency(phases[name])}`)
    .join(', ');

export function PhaseBar({ phases, scale }: { phases: Phases; scale: number }) {
  let x = 0;
  const shown = kPhases
    .map((name) => {
      const width = (100 * (phases[name] ?? 0)) / Math.max(scale, 0.001);
      const part = { name, x, width };
      x += width;
      return part;
    })
    .filter((part) => part.width > 0.05);
  return (
    <svg class="phases" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      {shown.map((part) => (
        <rect key={part.name} class={`p-${part.name}`} x={part.x} y="0" width={Math.max(part.width, 0.6)} height="8" />
      ))}
    </svg>
  );
}

export function PhaseLegend() {
  return (
    <ul class="legend">
      {kPhases.map((name) => (
        <li key={name}>
          <i class={`p-${name}`} />
          {kNames[name]}
        </li>
      ))}
    </ul>
  );
}

export function PhaseTable({ phases }: { phases: Phases }) {
  const total = kPhases.reduce((sum, name) => sum + (phases[name] ?? 0), 0);
  let before = 0;
  return (
    <table class="waterfall">
      <thead class="offscreen">
        <tr>
          <th>Phase</th>
          <th>Share</th>
          <th>Time</th>
        </tr>
      </thead>
      <tbody>
        {kPhases
          .filter((name) => phases[name] !== undefined)
          .map((name) => {
            const value = phases[name]!;
            const x = (100 * before) / Math.max(total, 0.001);
            before += value;
            return (
              <tr key={name}>
                <th scope="row">{kNames[name]}</th>
                <td>
                  <svg class="phases" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect
                      class={`p-${name}`}
                      x={x}
                      y="0"
                      width={Math.max((100 * value) / Math.max(total, 0.001), 0.6)}
                      height="8"
                    />
                  </svg>
                </td>
                <td>{latency(value)}</td>
              </tr>
            );
          })}
      </tbody>
    </table>
  );
}
