// Everup's own health: is it ready, how late are its looks, what did it miss, what waits. Figures beyond readiness come
// from /metrics, which answers operators only; where it does not, that is said.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api';
import { duration, words } from '../time';
import { Card, Loading, Mark, ProblemBox } from '../ui';

interface Ready {
  status: string;
  checks: Record<string, string>;
}
type Samples = Map<string, { labels: string; value: number }[]>;

function parse(text: string): Samples {
  const out: Samples = new Map();
  for (const line of text.split('\n')) {
    const found = /^([a-z_:][\w:]*)(\{.*\})? (\S+)/i.exec(line);
    if (!found) continue;
    const list = out.get(found[1]!) ?? [];
    list.push({ labels: found[2] ?? '', value: Number(found[3]) });
    out.set(found[1]!, list);
  }
  return out;
}

const sum = (samples: Samples, name: string): number | null => {
  const list = samples.get(name);
  return list ? list.reduce((total, one) => total + one.value, 0) : null;
};

// The upper bound of the bucket that holds the quantile.
function quantile(samples: Samples, name: string, q: number): number | null {
  const buckets = (samples.get(`${name}_bucket`) ?? []).map((one) => ({
    le: /le="([^"]+)"/.exec(one.labels)?.[1] ?? '',
    value: one.value,
  }));
  const total = Math.max(0, ...buckets.map((one) => one.value));
  if (total === 0) return null;
  const found = buckets.find((one) => one.value >= q * total);
  return found ? (found.le === '+Inf' ? Infinity : Number(found.le)) : null;
}

const seconds = (value: number | null): string => {
  if (value === null) return '–';
  if (value === Infinity) return '> 60 s';
  return value < 1 ? `≤ ${Math.round(value * 1000)} ms` : value < 60 ? `≤ ${value} s` : duration(value * 1000);
};
const bytes = (value: number | null): string =>
  value === null
    ? '–'
    : value < 1024
      ? `${value} B`
      : value < 1_048_576
        ? `${(value / 1024).toFixed(1)} KiB`
        : `${(value / 1_048_576).toFixed(1)} MiB`;
const count = (value: number | null): string => (value === null ? '–' : value.toLocaleString('en-GB'));

function figures(s: Samples): [string, string, string][] {
  return [
    ['Looks in flight', count(sum(s, 'everup_checks_in_flight')), 'now'],
    ['Looks done', count(sum(s, 'everup_checks_total')), 'since the start'],
    [
      'Lateness, half of them',
      seconds(quantile(s, 'everup_schedule_lateness_seconds', 0.5)),
      'from the slot to the start',
    ],
    [
      'Lateness, 99 of 100',
      seconds(quantile(s, 'everup_schedule_lateness_seconds', 0.99)),
      'from the slot to the start',
    ],
    ['Missed slots', count(sum(s, 'everup_missed_total')), 'each with its reason'],
    ['Results stored', count(sum(s, 'everup_results_written_total')), 'since the start'],
    ['Waiting on disk', bytes(sum(s, 'everup_spool_bytes')), 'while the database is away'],
    ['Shards owned', count(sum(s, 'everup_shards_owned')), 'of 256'],
    ['Alerts waiting', count(sum(s, 'everup_outbox_pending')), 'to be handed over'],
    ['Oldest of them', seconds(sum(s, 'everup_outbox_oldest_seconds')), ''],
    ['Live browsers', count(sum(s, 'everup_sse_clients')), ''],
  ];
}

async function asked(path: string): Promise<Response> {
  return fetch(path, { credentials: 'same-origin' });
}

export function HealthPage(_: { rest: string[] }) {
  const [ready, setReady] = useState<Ready>();
  const [samples, setSamples] = useState<Samples | null>();
  const [version, setVersion] = useState<{ version: string; revision: string }>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    document.title = 'Service health · Everup';
    const ask = async () => {
      try {
        setReady(await (await asked('/readyz')).json());
        const metrics = await asked('/metrics');
        setSamples(metrics.ok ? parse(await metrics.text()) : null);
        setVersion(await get('/version'));
        setError(undefined);
      } catch (problem) {
        setError(problem);
      }
    };
    void ask();
    const timer = setInterval(() => !document.hidden && void ask(), 5000);
    return () => clearInterval(timer);
  }, []);
  const fine = (word: string) => word === 'ok' || word === 'none' || word === 'fine';
  return (
    <div class="page">
      <header class="page-head">
        <h1>Service health</h1>
        {version && (
          <span class="muted">
            Everup {version.version} <code>{version.revision.slice(0, 10)}</code>
          </span>
        )}
      </header>
      <ProblemBox error={error} />
      {!ready ? (
        !error && <Loading />
      ) : (
        <Card title={ready.status === 'ready' ? 'Everything works' : words(ready.status)}>
          <ul class="checks">
            {Object.entries(ready.checks).map(([name, word]) => (
              <li key={name}>
                <Mark state={fine(word) ? 'up' : 'degraded'} />
                <strong>{words(name)}</strong>
                <span class={fine(word) ? 'muted' : 't-degraded'}>{word}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {samples === null && (
        <p class="box">
          Lateness, missed slots and queues are for operators: <code>/metrics</code> answers to this machine itself or
          with the metrics token.
        </p>
      )}
      {samples && (
        <dl class="figures health">
          {figures(samples)
            .filter(([, value]) => value !== '–')
            .map(([name, value, hint]) => (
              <div class="figure" key={name}>
                <dt>{name}</dt>
                <dd class="big num">{value}</dd>
                <dd class="muted">{hint}</dd>
              </div>
            ))}
        </dl>
      )}
    </div>
  );
}
