// One monitor: how it is, how it was, what the last looks saw, and what it shows to the world.
import { useEffect, useState } from 'preact/hooks';
import { each, get, mayWrite, type Page, post, Problem, query, remove } from '../api';
import { PhaseBar, PhaseLegend, phaseText } from '../phases';
import { causeText, CertificateFacts, ResultView, verdictOf } from '../result';
import { go } from '../route';
import { useKeys } from '../shortcuts';
import { type Day, daysOf, timeline } from '../spans';
import { Strip } from '../strip';
import { TlsFacts } from '../tls';
import { ago, clockTime, dateTime, dayStarts, duration, latency, ms, now, percent, shortDay, zone } from '../time';
import type { Monitor, Result, Uptime } from '../types';
import {
  Button,
  Card,
  complain,
  confirmed,
  CopyButton,
  Icon,
  Loading,
  Mark,
  ProblemBox,
  say,
  stateName,
  When,
} from '../ui';
import { useGet } from '../use';
import { BadgeBuilder } from './badge';
import { Chart } from './chart';
import { MonitorIncidents } from './monitor_incidents';

// ---- the head
function Actions({ monitor, again }: { monitor: Monitor; again: () => void }) {
  const [checking, setChecking] = useState(false);
  const check = async () => {
    if (checking) return;
    setChecking(true);
    try {
      const result = await post<Result & { status?: string }>(`/monitors/${monitor.id}/check`);
      if (result.status === 'queued') say('It is being checked; the result will be among the others.');
      else
        say(
          `${stateName(verdictOf(result))}: ${causeText(result)}, ${latency(result.latency_ms)}`,
          result.verdict === 'down' ? 'bad' : 'good',
        );
      again();
    } catch (error) {
      complain(error);
    } finally {
      setChecking(false);
    }
  };
  const turn = async () => {
    try {
      await post(`/monitors/${monitor.id}/${monitor.paused ? 'resume' : 'pause'}`);
      again();
    } catch (error) {
      complain(error);
    }
  };
  const destroy = async () => {
    const sure = await confirmed(
      `Delete “${monitor.name}”?`,
      'Its history, report and badges go with it. This cannot be undone.',
      'Delete',
    );
    if (!sure) return;
    const failed = await each(
      [monitor.id],
      (id) => remove(`/monitors/${id}`),
      () => undefined,
    );
    if (failed[0]) return complain(failed[0].error);
    say(`${monitor.name} is deleted.`);
    go('/app/');
  };
  useKeys({ c: () => void check(), e: () => go(`/app/monitors/${monitor.id}/edit`) });
  if (!mayWrite()) return null;
  return (
    <div class="actions">
      <Button icon="refresh" busy={checking} disabled={monitor.paused} onClick={() => void check()}>
        Check now
      </Button>
      <Button icon={monitor.paused ? 'play' : 'pause'} onClick={() => void turn()}>
        {monitor.paused ? 'Resume' : 'Pause'}
      </Button>
      <a class="button" href={`/app/monitors/${monitor.id}/edit`}>
        <Icon name="edit" />
        <span>Edit</span>
      </a>
      <Button icon="trash" kind="danger" label="Delete" onClick={() => void destroy()} />
    </div>
  );
}

function nextLook(monitor: Monitor): string {
  if (monitor.paused) return 'Paused';
  if (!monitor.next_check_at) return '–';
  const interval = monitor.interval_s * 1000;
  let left = ms(monitor.next_check_at) - now.value;
  if (left < 0) left = interval - (-left % interval); // slots come at a fixed beat
  return left < 1000 ? 'now' : `in ${duration(left)}`;
}

function Now({ monitor }: { monitor: Monitor }) {
  const last = monitor.last_result;
  return (
    <section class={`now b-${monitor.state}`} aria-label="Now">
      <div class="now-state">
        <Mark state={monitor.state} />
        <div>
          <strong class={`t-${monitor.state}`} role="status">
            {stateName(monitor.state)}
          </strong>
          <p class="muted">
            {monitor.since ? (
              <>
                for {duration(now.value - ms(monitor.since))}, since <When at={monitor.since} />
              </>
            ) : (
              'Not looked at yet'
            )}
          </p>
        </div>
      </div>
      <dl>
        <div>
          <dt>Last look</dt>
          <dd>{last ? `${latency(last.latency_ms)}${last.code ? ` · ${last.code}` : ''}` : '–'}</dd>
          <dd class="muted">{last ? ago(last.at) : ''}</dd>
        </div>
        <div>
          <dt>Next look</dt>
          <dd>{nextLook(monitor)}</dd>
          <dd class="muted">every {duration(monitor.interval_s * 1000)}</dd>
        </div>
        <div>
          <dt>Settled after</dt>
          <dd>{monitor.confirm.failures} looks</dd>
          <dd class="muted">{monitor.confirm.successes} to recover</dd>
        </div>
      </dl>
      {monitor.suspect_since && (
        <p class="box warn">
          Looks fail since {clockTime(ms(monitor.suspect_since))}; not settled yet – it is being looked at again.
        </p>
      )}
      {last && last.verdict !== 'up' && (
        <p class={`why t-${verdictOf(last)}`}>
          <bdi>{causeText(last)}</bdi>
        </p>
      )}
    </section>
  );
}

// ---- figures
const kWindows: [string, string][] = [
  ['24h', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['90d', '90 days'],
  ['365d', '1 year'],
];
// Without any policy the owners are told of everything; with some, a monitor that none of them means is told to nobody.
function Untold() {
  const { data } = useGet<Page<unknown>>('/alert_policies?limit=1');
  if (!data?.data.length) return null;
  return (
    <p class="box warn">
      No policy tells anyone when this goes down. <a href="/app/alerting/policies">Make one</a>
    </p>
  );
}

function Figure({ id, name, text }: { id: string; name: string; text: string }) {
  const { data } = useGet<Uptime>(`/monitors/${id}/uptime?window=${name}`, (changed) => changed === id);
  const covered = data?.coverage_percent ?? null;
  const bounds = data && data.uptime_percent !== null && data.worst_percent !== data.best_percent;
  return (
    <div class="figure">
      <dt>{text}</dt>
      <dd class={`big num${data?.uptime_percent === null ? ' muted' : ''}`}>
        {data ? (data.uptime_percent === null ? 'No data' : data.display) : '…'}
      </dd>
      <dd class="muted num">
        {data &&
          data.uptime_percent !== null &&
          (data.down_s > 0 ? `${data.incidents}× down, ${duration(data.down_s * 1000)}` : 'never down')}
      </dd>
      <dd
        class="muted num"
        title="How much of the time was watched; and what uptime would be had the rest been down, or up"
      >
        {covered !== null && `${percent(covered, covered >= 99.95 ? 0 : 1)} watched`}
      </dd>
      {bounds && <dd class="muted num">at least {percent(data.worst_percent, 2)}</dd>}
    </div>
  );
}

function useDays(id: string, beat: string): Day[] | undefined {
  const [days, setDays] = useState<Day[]>();
  const today = shortDay(now.value);
  useEffect(() => {
    const abort = new AbortController();
    const starts = dayStarts(90, Date.now());
    const end = Math.min(starts.at(-1)!, Date.now());
    timeline(id, starts[0]!, end, abort.signal).then(
      (line) => setDays(daysOf(line, starts)),
      () => undefined,
    );
    return () => abort.abort();
  }, [id, zone.value, today, beat]);
  return days;
}

// ---- the last looks
function Looks({ id }: { id: string }) {
  const [limit, setLimit] = useState(20);
  const { data, error } = useGet<Page<Result>>(`/monitors/${id}/results` + query({ limit }), (m) => m === id);
  const [open, setOpen] = useState<string | null>(null);
  if (!data) return <Card title="Last looks">{error ? <ProblemBox error={error} /> : <Loading />}</Card>;
  const scale = Math.max(1, ...data.data.map((r) => Object.values(r.phases_ms).reduce((a, b) => a + b, 0)));
  return (
    <Card title="Last looks" aside={<PhaseLegend />}>
      {data.data.length === 0 && <p class="muted">Nothing yet; the first look comes within seconds.</p>}
      <ul class="looks">
        {data.data.map((r) => {
          const key = r.id ?? r.at;
          return (
            <li key={key}>
              <button type="button" aria-expanded={open === key} onClick={() => setOpen(open === key ? null : key)}>
                <Mark state={verdictOf(r)} />
                <span class="offscreen">{stateName(verdictOf(r))}</span>
                <time dateTime={r.at} class="num" title={dateTime(ms(r.at), true)}>
                  {clockTime(ms(r.at))}
                </time>
                <span class="num">{latency(r.latency_ms)}</span>
                <span class="share" title={phaseText(r.phases_ms)}>
                  <PhaseBar phases={r.phases_ms} scale={scale} />
                </span>
                <span class={`what t-${verdictOf(r)}`}>
                  <bdi>{r.verdict === 'up' ? (r.code ?? 'ok') : causeText(r)}</bdi>
                </span>
                <span class="muted trigger">
                  {r.trigger === 'slot'
                    ? ''
                    : ({ confirm: 're-check', created: 'first', manual: 'by hand' }[r.trigger] ?? r.trigger)}
                </span>
              </button>
              {open === key && <ResultView result={r} title={dateTime(ms(r.at), true)} />}
            </li>
          );
        })}
      </ul>
      {data.next_cursor && limit < 200 && (
        <Button kind="quiet" onClick={() => setLimit(limit * 2 + 10)}>
          Show more
        </Button>
      )}
    </Card>
  );
}

// ---- evidence: the last failure beside the last good look
interface Pair {
  bad: Result | undefined;
  good: Result | undefined;
  certificate: Result | undefined;
  tls: Result | undefined;
}
function useEvidence(id: string, beat: string): Pair | undefined {
  const [pair, setPair] = useState<Pair>();
  useEffect(() => {
    const abort = new AbortController();
    get<Page<Result>>(`/monitors/${id}/results?limit=500&include=evidence`, abort.signal).then(
      ({ data }) => {
        const kept = data.filter((r) => r.evidence && Object.keys(r.evidence).length > 0);
        setPair({
          bad: kept.find((r) => r.verdict !== 'up'),
          good: kept.find((r) => r.verdict === 'up'),
          certificate: kept.find((r) => r.evidence?.certificate),
          tls: kept.find((r) => r.evidence?.tls?.protocols),
        });
      },
      () => undefined,
    );
    return () => abort.abort();
  }, [id, beat]);
  return pair;
}

function Evidences({ pair }: { pair: Pair }) {
  if (!pair.bad) return null;
  return (
    <Card title="What the last failure looked like">
      <div class="beside">
        <div>
          <h3>Failure, {dateTime(ms(pair.bad.at), true)}</h3>
          <ResultView result={pair.bad} />
        </div>
        {pair.good && (
          <div>
            <h3>Last good, {dateTime(ms(pair.good.at), true)}</h3>
            <ResultView result={pair.good} />
          </div>
        )}
      </div>
    </Card>
  );
}

function Definition({ monitor }: { monitor: Monitor }) {
  const extra = { ...monitor.options, ...monitor.expect, ...monitor.warn };
  return (
    <Card title="Definition" aside={mayWrite() && <a href={`/app/monitors/${monitor.id}/edit`}>Edit</a>}>
      <dl class="facts">
        <dt>Kind</dt>
        <dd>{monitor.kind}</dd>
        <dt>Gives up after</dt>
        <dd>{duration(monitor.timeout_ms)}</dd>
        <dt>Slug</dt>
        <dd>
          <code>{monitor.slug}</code>
        </dd>
        <dt>Report zone</dt>
        <dd>{monitor.timezone}</dd>
        <dt>Watched since</dt>
        <dd>
          <When at={monitor.created_at} />
        </dd>
        <dt>Revision</dt>
        <dd>{monitor.revision}</dd>
      </dl>
      {Object.keys(extra).length > 0 && (
        <details>
          <summary>Conditions</summary>
          <pre class="raw" tabIndex={0} aria-label="Conditions">
            {JSON.stringify({ options: monitor.options, expect: monitor.expect, warn: monitor.warn }, null, 2)}
          </pre>
        </details>
      )}
    </Card>
  );
}

function Heartbeat({ url }: { url: string }) {
  return (
    <Card title="Your job calls this" aside={<CopyButton text={url} />}>
      <pre class="raw" tabIndex={0} aria-label="Address of the heartbeat">{`curl -fsS -m 10 --retry 5 ${url}`}</pre>
      <p class="hint">
        At its end, whatever the method; <code>/fail</code> and <code>/start</code> behind it tell more.
      </p>
    </Card>
  );
}

function Report({ monitor, again }: { monitor: Monitor; again: () => void }) {
  const path = `/report/${monitor.report_token}`;
  if (!monitor.public.report || !monitor.report_token)
    return (
      <Card title="Public report">
        <p class="muted">The report is off.</p>
      </Card>
    );
  const rotate = async () => {
    const sure = await confirmed(
      'New public addresses?',
      'Report and badge get new addresses; the old ones answer 404 at once, wherever they are embedded.',
      'Make new ones',
    );
    if (!sure) return;
    post(`/monitors/${monitor.id}/rotate_tokens`, { badge: true, report: true }).then(again, complain);
  };
  return (
    <Card title="Public report">
      <p class="report-link">
        <a href={path} target="_blank" rel="noopener">
          Open the report
        </a>
        <CopyButton text={location.origin + path}>Copy the link</CopyButton>
      </p>
      <p class="hint">
        Anyone with the link sees name, states and figures
        {monitor.public.show_target ? ', and the target' : ', never the target'}.
      </p>
      {mayWrite() && (
        <button type="button" class="plain" onClick={() => void rotate()}>
          New addresses …
        </button>
      )}
    </Card>
  );
}

export function MonitorPage({ rest }: { rest: string[] }) {
  const id = rest[0] ?? '';
  const {
    data: monitor,
    error,
    again,
  } = useGet<Monitor>(`/monitors/${encodeURIComponent(id)}`, (changed) => changed === id);
  useEffect(() => void (document.title = `${monitor?.name ?? 'Monitor'} · Everup`), [monitor?.name]);
  // A young or fast monitor changes quickly: ask again when the next look should be in.
  useEffect(() => {
    if (!monitor || monitor.paused) return undefined;
    const timer = setTimeout(again, Math.max(3000, Math.min(60_000, monitor.interval_s * 1000)));
    return () => clearTimeout(timer);
  }, [monitor]);
  const beat = `${monitor?.state ?? ''}${monitor?.revision ?? ''}${Math.floor(now.value / 300_000)}`;
  const known = monitor?.id ?? '';
  const days = useDays(known || id, beat);
  const pair = useEvidence(known || id, beat);
  if (!monitor) {
    if (error instanceof Problem && error.status === 404) {
      return (
        <div class="empty">
          <h1>No such monitor</h1>
          <p>
            It may have been deleted. <a href="/app/">All monitors</a>
          </p>
        </div>
      );
    }
    return error ? (
      <ProblemBox error={error}>
        <Button onClick={again}>Try again</Button>
      </ProblemBox>
    ) : (
      <Loading />
    );
  }
  return (
    <div class="page wide">
      <p class="crumb">
        <a href="/app/">
          <Icon name="back" /> Monitors
        </a>
      </p>
      <header class="page-head">
        <div class="titled">
          <h1>
            <bdi>{monitor.name}</bdi>
          </h1>
          <p>
            <code>
              <bdi>{monitor.target}</bdi>
            </code>
            {monitor.tags.map((tag) => (
              <a key={tag} class="tag" href={'/app/' + query({ tag: [tag] })}>
                {tag}
              </a>
            ))}
          </p>
        </div>
        <Actions monitor={monitor} again={again} />
      </header>
      {monitor.secrets_lost && (
        <p class="box bad">The key that sealed its secrets is gone: set its passwords and tokens again.</p>
      )}
      {monitor.alert_policies?.length === 0 && <Untold />}
      <Now monitor={monitor} />
      <dl class="figures">
        {kWindows.map(([name, text]) => (
          <Figure key={name} id={monitor.id} name={name} text={text} />
        ))}
      </dl>
      <Card title="90 days">{days ? <Strip days={days} label="Uptime of the last 90 days" /> : <Loading />}</Card>
      <div class="columns">
        <div>
          <Chart monitor={monitor} />
          <Looks id={monitor.id} />
          {pair && <Evidences pair={pair} />}
        </div>
        <div>
          {monitor.heartbeat_url && <Heartbeat url={monitor.heartbeat_url} />}
          <MonitorIncidents id={monitor.id} />
          {pair?.tls?.evidence?.tls && (
            <Card title="TLS">
              <TlsFacts report={pair.tls.evidence.tls} />
            </Card>
          )}
          {pair?.certificate?.evidence?.certificate && (
            <Card title="Certificate">
              <CertificateFacts certificate={pair.certificate.evidence.certificate} />
            </Card>
          )}
          <Report monitor={monitor} again={again} />
          <BadgeBuilder monitor={monitor} />
          <Definition monitor={monitor} />
        </div>
      </div>
    </div>
  );
}
