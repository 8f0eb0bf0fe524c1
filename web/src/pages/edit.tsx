// Changing a monitor. Only what differs is sent, with the tag that was read: who saves second is told.
import { useEffect, useState } from 'preact/hooks';
import { ask, Problem } from '../api';
import { go } from '../route';
import type { Monitor } from '../types';
import { Button, errorAt, Loading, ProblemBox, say, TextField } from '../ui';
import { useGet } from '../use';
import { bodyOf, type Draft, draftOf, MonitorForm } from './form';

const kSimple = ['status', 'contains', 'warnMs', 'days'] as const;

function Form({ monitor, again }: { monitor: Monitor; again: () => void }) {
  const [target, setTarget] = useState(monitor.target);
  const [draft, setDraft] = useState<Draft>(draftOf(monitor));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const save = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const whole: Record<string, unknown> = {
        ...bodyOf(draft, monitor.kind, true),
        ...(target !== monitor.target ? { target } : {}),
      };
      const before = monitor as unknown as Record<string, unknown>;
      const shown = draftOf(monitor);
      const same = (name: string, value: unknown) =>
        name === 'options' || name === 'expect' || name === 'warn'
          ? draft[name] === shown[name] && !kSimple.some((field) => draft[field])
          : name === 'confirm'
            ? draft.failures === shown.failures
            : JSON.stringify(value) === JSON.stringify(before[name]);
      const changed = Object.fromEntries(Object.entries(whole).filter(([name, value]) => !same(name, value)));
      // A merge patch adds keys; what was taken away must be named null.
      for (const name of ['options', 'expect', 'warn'] as const) {
        const now = changed[name] as Record<string, unknown> | undefined;
        if (now) for (const key of Object.keys(monitor[name])) if (!(key in now)) now[key] = null;
      }
      if (Object.keys(changed).length > 0) {
        await ask('PATCH', `/monitors/${monitor.id}`, changed, { etag: `"r${monitor.revision}"` });
        say('Saved. It is looked at again right away.');
      }
      go(`/app/monitors/${monitor.id}`);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const stale = error instanceof Problem && error.status === 412;
  return (
    <form onSubmit={(event) => void save(event)}>
      {stale ? (
        <div class="box warn" role="alert">
          <p>Somebody changed this monitor meanwhile.</p>
          <Button onClick={again}>Load the new version</Button>
        </div>
      ) : (
        <ProblemBox error={error} />
      )}
      <TextField
        label="Address"
        value={target}
        onValue={setTarget}
        error={errorAt(error, '#/target')}
        input={{ spellcheck: false, maxLength: 2048, required: true }}
      />
      <MonitorForm draft={draft} kind={monitor.kind} error={error} onChange={setDraft} simple={false} />
      <footer>
        <a class="button quiet" href={`/app/monitors/${monitor.id}`}>
          Cancel
        </a>
        <Button submit kind="primary" busy={busy}>
          Save
        </Button>
      </footer>
    </form>
  );
}

export function EditPage({ rest }: { rest: string[] }) {
  const { data, error, again } = useGet<Monitor>(`/monitors/${encodeURIComponent(rest[0] ?? '')}`);
  useEffect(() => void (document.title = `Edit ${data?.name ?? ''} · Everup`), [data]);
  if (!data) return error ? <ProblemBox error={error} /> : <Loading />;
  return (
    <div class="page narrow">
      <header class="page-head">
        <h1>
          Edit <bdi>{data.name}</bdi>
        </h1>
      </header>
      {data.secrets_lost && (
        <p class="box bad">The key that sealed its secrets is gone: set its passwords and tokens again.</p>
      )}
      <Form key={data.revision} monitor={data} again={again} />
    </div>
  );
}
