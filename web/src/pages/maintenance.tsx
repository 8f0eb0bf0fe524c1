// Maintenance: times that count neither as up nor as down. The next occurrences come from the server, which knows the
// zone's changes of the clock.
import { useEffect, useState } from 'preact/hooks';
import { mayWrite, type Page, patch, post, remove } from '../api';
import { act, Editor, useAll } from '../editor';
import { dateTime, duration, ms, now, zone } from '../time';
import { Button, Card, Choice, Empty, errorAt, Loading, ProblemBox, SelectField, TextField, When } from '../ui';
import { useGet } from '../use';

interface Window_ {
  id: string;
  name: string;
  match?: { monitors?: string[]; tags?: string[] } | null;
  starts_at: string;
  ends_at?: string | null;
  duration_s?: number;
  rrule?: string | null;
  timezone?: string;
}
type Occurrence = { from: string; to: string };

const kRules: [string, string][] = [
  ['', 'Once'],
  ['FREQ=DAILY', 'Every day'],
  ['FREQ=WEEKLY', 'Every week, that weekday'],
  ['FREQ=MONTHLY', 'Every month, that day'],
];

// "2026-11-22T08:30" as the person's zone has it.
function localInput(at: number): string {
  const p: Record<string, string> = {};
  for (const part of new Intl.DateTimeFormat('en-CA', {
    timeZone: zone.value,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at))
    p[part.type] = part.value;
  return `${p['year']}-${p['month']}-${p['day']}T${p['hour']}:${p['minute']}`;
}
function instantOf(text: string): string {
  const wall = Date.parse(text + ':00Z');
  if (Number.isNaN(wall)) return text; // the server says what is wrong with it
  let at = wall;
  for (let i = 0; i < 2; ++i) at += wall - Date.parse(localInput(at) + ':00Z');
  return new Date(at).toISOString();
}

function Edit({ window: old, onDone, onClose }: { window: Window_ | null; onDone: () => void; onClose: () => void }) {
  const [name, setName] = useState(old?.name ?? '');
  const [by, setBy] = useState(old?.match?.tags?.length ? 'tags' : old?.match?.monitors?.length ? 'monitors' : 'all');
  const [tags, setTags] = useState((old?.match?.tags ?? []).join(', '));
  const [start, setStart] = useState(
    localInput(old ? ms(old.starts_at) : Math.ceil(Date.now() / 3_600_000) * 3_600_000),
  );
  const lasts = old?.duration_s ?? (old?.ends_at ? (ms(old.ends_at) - ms(old.starts_at)) / 1000 : 3600);
  const [minutes, setMinutes] = useState(String(Math.round(lasts / 60)));
  const [rule, setRule] = useState(old?.rrule ?? '');
  const save = () => {
    const match =
      by === 'tags'
        ? {
            tags: tags
              .split(',')
              .map((tag) => tag.trim())
              .filter(Boolean),
            ...(old?.match?.monitors ? { monitors: null } : {}),
          }
        : by === 'monitors'
          ? old?.match
          : undefined;
    const starts = instantOf(start);
    const seconds = Math.round(Number(minutes) * 60);
    const draft: Record<string, unknown> = {
      name: name.trim() || 'Maintenance',
      ...(match ? { match } : old?.match ? { match: null } : {}),
      starts_at: starts,
    };
    if (rule)
      Object.assign(draft, {
        duration_s: seconds,
        rrule: rule,
        timezone: old?.timezone ?? zone.value,
        ...(old?.ends_at ? { ends_at: null } : {}),
      });
    else
      draft['ends_at'] = Number.isNaN(Date.parse(starts))
        ? starts
        : new Date(Date.parse(starts) + seconds * 1000).toISOString();
    if (!rule && old?.rrule) Object.assign(draft, { rrule: null, duration_s: null });
    return old ? patch(`/maintenance_windows/${old.id}`, draft) : post('/maintenance_windows', draft);
  };
  return (
    <Editor
      title={old ? 'Edit maintenance' : 'Plan maintenance'}
      yes={old ? 'Save' : 'Plan'}
      save={save}
      onDone={onDone}
      onClose={onClose}
    >
      {(error) => (
        <>
          <TextField
            label="Name"
            value={name}
            onValue={setName}
            error={errorAt(error, '#/name')}
            input={{ maxLength: 100, placeholder: 'Database upgrade' }}
          />
          <div class="grid2">
            <TextField
              label="Starts"
              type="datetime-local"
              value={start}
              onValue={setStart}
              error={errorAt(error, '#/starts_at')}
              hint={zone.value}
              input={{ required: true }}
            />
            <TextField
              label="Minutes"
              value={minutes}
              onValue={setMinutes}
              error={errorAt(error, '#/duration_s') ?? errorAt(error, '#/ends_at')}
              input={{ inputMode: 'numeric', required: true }}
            />
          </div>
          <SelectField
            label="Repeats"
            value={rule}
            onValue={setRule}
            error={errorAt(error, '#/rrule')}
            options={kRules.some(([value]) => value === rule) ? kRules : [...kRules, [rule, rule]]}
          />
          <div class="field">
            <span class="label">Monitors</span>
            <Choice
              label="Monitors"
              value={by}
              onValue={setBy}
              options={[
                ['all', 'All'],
                ['tags', 'By tag'],
                ...(old?.match?.monitors?.length
                  ? [['monitors', `${old.match.monitors.length} chosen`] as [string, string]]
                  : []),
              ]}
            />
          </div>
          {by === 'tags' && (
            <TextField
              label="Tags"
              value={tags}
              onValue={setTags}
              error={errorAt(error, '#/match')}
              input={{ placeholder: 'prod' }}
            />
          )}
          <p class="hint">
            Looks go on and are kept; the time counts neither as up nor as down. What is saved late begins when it is
            saved.
          </p>
        </>
      )}
    </Editor>
  );
}

function Next({ id }: { id: string }) {
  const { data } = useGet<Page<Occurrence> | { data: Occurrence[] }>(`/maintenance_windows/${id}/occurrences?limit=5`);
  if (!data) return null;
  return (
    <ul class="occurrences">
      {data.data.map((one) => (
        <li key={one.from}>
          <When at={one.from} /> <span class="muted">for {duration(ms(one.to) - ms(one.from))}</span>
        </li>
      ))}
      {data.data.length === 0 && <li class="muted">No further occurrence.</li>}
    </ul>
  );
}

function phase(one: Window_): string {
  if (one.rrule) return 'repeats';
  const end = one.ends_at ? ms(one.ends_at) : ms(one.starts_at) + (one.duration_s ?? 0) * 1000;
  return now.value < ms(one.starts_at) ? 'planned' : now.value < end ? 'now' : 'over';
}

export function MaintenancePage(_: { rest: string[] }) {
  const list = useAll<Window_>('/maintenance_windows');
  const [edited, setEdited] = useState<Window_ | 'new' | null>(null);
  useEffect(() => void (document.title = 'Maintenance · Everup'), []);
  const gone = (one: Window_) =>
    act(() => remove(`/maintenance_windows/${one.id}`), 'Deleted.', list.again, {
      title: `Delete “${one.name}”?`,
      text: 'Its time counts again from now on.',
      yes: 'Delete',
    });
  return (
    <div class="page">
      <header class="page-head">
        <h1>Maintenance</h1>
        {mayWrite() && (
          <Button kind="primary" icon="plus" onClick={() => setEdited('new')}>
            Plan maintenance
          </Button>
        )}
      </header>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : list.rows.length === 0 ? (
        <Empty icon="maintenance" title="Nothing is planned">
          <p>Planned work is told apart from outages: it counts neither as up nor as down.</p>
        </Empty>
      ) : (
        list.rows.map((one) => (
          <Card
            key={one.id}
            title={one.name}
            aside={
              mayWrite() && (
                <span>
                  <Button kind="quiet" icon="edit" onClick={() => setEdited(one)}>
                    Edit
                  </Button>
                  <Button kind="quiet" icon="trash" label={`Delete ${one.name}`} onClick={() => void gone(one)} />
                </span>
              )
            }
          >
            <p>
              <span class={`pill ${phase(one) === 'now' ? 't-maintenance b-maintenance' : ''}`}>{phase(one)}</span>{' '}
              {one.rrule ? (
                <code>{one.rrule}</code>
              ) : (
                <>
                  {dateTime(ms(one.starts_at))} {one.ends_at && <>– {dateTime(ms(one.ends_at))}</>}
                </>
              )}{' '}
              <span class="muted">
                {one.match?.tags?.length
                  ? `tagged ${one.match.tags.join(' or ')}`
                  : one.match?.monitors?.length
                    ? `${one.match.monitors.length} monitors`
                    : 'all monitors'}
              </span>
            </p>
            {one.rrule && <Next id={one.id} />}
          </Card>
        ))
      )}
      {edited && (
        <Edit
          window={edited === 'new' ? null : edited}
          onClose={() => setEdited(null)}
          onDone={() => {
            setEdited(null);
            list.again();
          }}
        />
      )}
    </div>
  );
}
