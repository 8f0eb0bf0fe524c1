// A monitor's definition as fields: what most people set stands open, what few set stands under "More", and the rest
// can be written as the API's JSON. The server judges; its words are shown at the field they name.
import { useState } from 'preact/hooks';
import type { Monitor } from '../types';
import { CheckField, errorAt, SelectField, TextField } from '../ui';

export interface Draft {
  name: string;
  interval: string; // seconds
  timeout: string; // seconds; '' means the kind's default
  failures: string;
  tags: string;
  status: string;
  contains: string;
  warnMs: string;
  days: string;
  options: string;
  expect: string;
  warn: string;
  badge: boolean;
  report: boolean;
  showTarget: boolean;
}

const kIntervals: [string, string][] = [
  ['10', '10 seconds'],
  ['30', '30 seconds'],
  ['60', '1 minute'],
  ['300', '5 minutes'],
  ['600', '10 minutes'],
  ['1800', '30 minutes'],
  ['3600', '1 hour'],
  ['21600', '6 hours'],
  ['86400', '1 day'],
];

export const emptyDraft = (): Draft => ({
  name: '',
  interval: '60',
  timeout: '',
  failures: '3',
  tags: '',
  status: '',
  contains: '',
  warnMs: '',
  days: '',
  options: '',
  expect: '',
  warn: '',
  badge: true,
  report: true,
  showTarget: false,
});

// Secrets read as null beside "…_set": left out here, so that saving keeps them.
function withoutSecrets(key: string, value: unknown, owner: Record<string, unknown>): unknown {
  if (value === null && owner[`${key}_set`] === true) return undefined;
  return key.endsWith('_set') && typeof value === 'boolean' ? undefined : value;
}

function pretty(value: Record<string, unknown>): string {
  if (Object.keys(value).length === 0) return '';
  return JSON.stringify(
    value,
    function (this: Record<string, unknown>, key, one) {
      return withoutSecrets(key, one, this);
    },
    2,
  );
}

export function draftOf(monitor: Monitor): Draft {
  return {
    ...emptyDraft(),
    name: monitor.name,
    interval: String(monitor.interval_s),
    timeout: String(monitor.timeout_ms / 1000),
    failures: String(monitor.confirm.failures),
    tags: monitor.tags.join(', '),
    options: pretty(monitor.options),
    expect: pretty(monitor.expect),
    warn: pretty(monitor.warn),
    badge: monitor.public.badge,
    report: monitor.public.report,
    showTarget: monitor.public.show_target,
  };
}

export class NotJson extends Error {
  constructor(
    readonly field: string,
    why: string,
  ) {
    super(`${field}: ${why}`);
  }
}

function parsed(field: string, text: string): Record<string, unknown> {
  if (!text.trim()) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new NotJson(field, (error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NotJson(field, 'is not an object');
  return value as Record<string, unknown>;
}

const splitTags = (text: string): string[] => [
  ...new Set(
    text
      .split(/[,\n]/)
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];

// What is sent. Simple fields win over the same key in the JSON below them.
export function bodyOf(draft: Draft, kind: string, old = false): Record<string, unknown> {
  const expect = parsed('expect', draft.expect);
  const warn = parsed('warn', draft.warn);
  const web = kind === 'http' || kind === 'https';
  if (web && draft.status.trim()) expect['status'] = draft.status.trim();
  if (web && draft.contains) expect['body_contains'] = draft.contains;
  if (draft.warnMs.trim()) warn['latency_ms_max'] = Number(draft.warnMs);
  if (draft.days.trim()) warn['certificate_days_min'] = Number(draft.days);
  return {
    ...(draft.name.trim() ? { name: draft.name.trim() } : {}),
    interval_s: Number(draft.interval),
    ...(draft.failures !== '3' || old ? { confirm: { failures: Number(draft.failures) } } : {}),
    ...(draft.timeout.trim() ? { timeout_ms: Math.round(Number(draft.timeout) * 1000) } : {}),
    tags: splitTags(draft.tags),
    options: parsed('options', draft.options),
    expect,
    warn,
    public: { badge: draft.badge, report: draft.report, show_target: draft.showTarget },
  };
}

export interface FormProps {
  draft: Draft;
  kind: string;
  error: unknown;
  onChange: (draft: Draft) => void;
  simple: boolean; // a new monitor: the four simple conditions instead of JSON first
}

const kHasCertificate = ['https', 'smtp', 'smtps', 'tls'];

function Conditions({ draft, kind, error, set }: FormProps & { set: (changes: Partial<Draft>) => void }) {
  const web = kind === 'http' || kind === 'https';
  return (
    <div class="grid2">
      {web && (
        <TextField
          label="Good status codes"
          optional
          value={draft.status}
          onValue={(status) => set({ status })}
          input={{ placeholder: '200-299' }}
          error={errorAt(error, '#/expect/status')}
          hint="Others are down."
        />
      )}
      {web && (
        <TextField
          label="Page contains"
          optional
          value={draft.contains}
          onValue={(contains) => set({ contains })}
          error={errorAt(error, '#/expect/body_contains')}
          hint="Without this text it is down."
        />
      )}
      <TextField
        label="Slow above"
        optional
        value={draft.warnMs}
        onValue={(warnMs) => set({ warnMs })}
        input={{ inputMode: 'numeric', placeholder: 'ms' }}
        error={errorAt(error, '#/warn/latency_ms_max')}
        hint="Milliseconds; slower is degraded."
      />
      {kHasCertificate.includes(kind) && (
        <TextField
          label="Certificate warning"
          optional
          value={draft.days}
          onValue={(days) => set({ days })}
          input={{ inputMode: 'numeric', placeholder: 'days' }}
          error={errorAt(error, '#/warn/certificate_days_min')}
          hint="Days before it expires; then degraded."
        />
      )}
    </div>
  );
}

function Json({ draft, error, set }: { draft: Draft; error: unknown; set: (changes: Partial<Draft>) => void }) {
  const at = (field: string) =>
    error instanceof NotJson && error.field === field ? error.message : errorAt(error, `#/${field}`);
  return (
    <>
      <TextField
        label="Options"
        rows={4}
        value={draft.options}
        onValue={(options) => set({ options })}
        error={at('options')}
        hint={
          <>
            How to ask: headers, method, auth, starttls … as in the{' '}
            <a href="/api/v1/openapi.json" target="_blank">
              API
            </a>
            . Secrets that are set stay unless you write new ones.
          </>
        }
      />
      <TextField
        label="Expect"
        rows={4}
        value={draft.expect}
        onValue={(expect) => set({ expect })}
        error={at('expect')}
        hint="What a good answer is. A broken one is down."
      />
      <TextField
        label="Warn"
        rows={3}
        value={draft.warn}
        onValue={(warn) => set({ warn })}
        error={at('warn')}
        hint="The same keys; a broken one is degraded."
      />
    </>
  );
}

export function MonitorForm(props: FormProps) {
  const { draft, error, onChange, simple } = props;
  const [json, setJson] = useState(!simple);
  const set = (changes: Partial<Draft>) => onChange({ ...draft, ...changes });
  const intervals = kIntervals.some(([value]) => value === draft.interval)
    ? kIntervals
    : [[draft.interval, `${draft.interval} seconds`] as [string, string], ...kIntervals];
  return (
    <>
      <div class="grid2">
        <TextField
          label="Name"
          optional={simple}
          value={draft.name}
          onValue={(name) => set({ name })}
          input={{ maxLength: 100, placeholder: simple ? 'the host' : '' }}
          error={errorAt(error, '#/name')}
        />
        <TextField
          label="Tags"
          optional
          value={draft.tags}
          onValue={(tags) => set({ tags })}
          error={errorAt(error, '#/tags')}
          input={{ placeholder: 'prod, web' }}
        />
        <SelectField
          label="Look every"
          value={draft.interval}
          options={intervals}
          onValue={(interval) => set({ interval })}
          error={errorAt(error, '#/interval_s')}
        />
        <TextField
          label="Give up after"
          optional
          value={draft.timeout}
          onValue={(timeout) => set({ timeout })}
          input={{ inputMode: 'numeric', placeholder: 'seconds' }}
          error={errorAt(error, '#/timeout_ms')}
        />
        <SelectField
          label="Down after"
          value={draft.failures}
          options={Array.from({ length: 10 }, (_, i) => [
            String(i + 1),
            i === 0 ? 'the first failing look' : `${i + 1} failing looks`,
          ])}
          onValue={(failures) => set({ failures })}
          error={errorAt(error, '#/confirm')}
        />
      </div>
      {simple && <Conditions {...props} set={set} />}
      <details open={json} onToggle={(event) => setJson(event.currentTarget.open)}>
        <summary>All options as JSON</summary>
        <Json draft={draft} error={error} set={set} />
      </details>
      <details>
        <summary>Public links</summary>
        <CheckField label="Badge" checked={draft.badge} onValue={(badge) => set({ badge })} />
        <CheckField label="Report page" checked={draft.report} onValue={(report) => set({ report })} />
        <CheckField
          label="Show the target on the report"
          checked={draft.showTarget}
          onValue={(on) => set({ showTarget: on })}
          hint="Otherwise strangers see the name and the figures only."
        />
      </details>
    </>
  );
}
