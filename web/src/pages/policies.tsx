// Alert policies: of which monitors, for what, whom, after how long. Steps go on until somebody acknowledges.
import { useState } from 'preact/hooks';
import { mayWrite, patch, post, remove } from '../api';
import { act, Editor, useAll } from '../editor';
import { Button, CheckField, Choice, Empty, errorAt, Icon, Loading, ProblemBox, SelectField, TextField } from '../ui';
import { duration } from '../time';
import { type Channel, useChannels } from './channels';

interface Step {
  delay_s: number;
  channels: string[];
}
interface Policy {
  id: string;
  name: string;
  match?: { tags?: string[]; monitors?: string[] } | null;
  on?: string[];
  steps: Step[];
  remind_s?: number;
}

const kOn: [string, string][] = [
  ['down', 'Down and up again'],
  ['unknown', 'Not known for long'],
  ['degraded', 'Degraded'],
  ['certificate', 'Certificate ends soon'],
  ['security', 'Security findings'],
];

function Steps({
  steps,
  channels,
  onChange,
  error,
}: {
  steps: Step[];
  channels: Channel[];
  onChange: (s: Step[]) => void;
  error: unknown;
}) {
  const set = (i: number, changes: Partial<Step>) =>
    onChange(steps.map((step, j) => (i === j ? { ...step, ...changes } : step)));
  return (
    <fieldset class="steps">
      <legend>Steps</legend>
      {steps.map((step, i) => (
        <div key={i} class="step">
          <SelectField
            label={i === 0 ? 'First, after' : 'Then, after'}
            value={String(step.delay_s)}
            error={errorAt(error, `#/steps/${i}/delay_s`)}
            options={[
              ['0', 'at once'],
              ['60', '1 minute'],
              ['300', '5 minutes'],
              ['900', '15 minutes'],
              ['1800', '30 minutes'],
              ['3600', '1 hour'],
              ...([0, 60, 300, 900, 1800, 3600].includes(step.delay_s)
                ? []
                : [[String(step.delay_s), duration(step.delay_s * 1000)] as [string, string]]),
            ]}
            onValue={(value) => set(i, { delay_s: Number(value) })}
          />
          <div role="group" aria-label={`Channels of step ${i + 1}`}>
            {channels.map((one) => (
              <CheckField
                key={one.id}
                label={one.name}
                checked={step.channels.includes(one.id)}
                onValue={(on) =>
                  set(i, { channels: on ? [...step.channels, one.id] : step.channels.filter((id) => id !== one.id) })
                }
              />
            ))}
          </div>
          {steps.length > 1 && (
            <Button
              kind="quiet"
              icon="trash"
              label={`Take step ${i + 1} away`}
              onClick={() => onChange(steps.filter((_, j) => j !== i))}
            />
          )}
        </div>
      ))}
      {steps.length < 10 && (
        <Button kind="quiet" icon="plus" onClick={() => onChange([...steps, { delay_s: 900, channels: [] }])}>
          Another step
        </Button>
      )}
    </fieldset>
  );
}

function Edit({
  policy,
  channels,
  onDone,
  onClose,
}: {
  policy: Policy | null;
  channels: Channel[];
  onDone: () => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(policy?.name ?? '');
  const [by, setBy] = useState(
    policy?.match?.monitors?.length ? 'monitors' : policy?.match?.tags?.length ? 'tags' : 'all',
  );
  const [tags, setTags] = useState((policy?.match?.tags ?? []).join(', '));
  const [on, setOn] = useState(policy?.on ?? ['down', 'unknown', 'certificate', 'security']);
  const [steps, setSteps] = useState<Step[]>(
    policy?.steps ?? [{ delay_s: 0, channels: channels.slice(0, 1).map((one) => one.id) }],
  );
  const [remind, setRemind] = useState(String(policy?.remind_s ?? 0));
  const save = () => {
    const match =
      by === 'all'
        ? null
        : by === 'tags'
          ? {
              tags: tags
                .split(',')
                .map((tag) => tag.trim())
                .filter(Boolean),
              ...(policy?.match?.monitors ? { monitors: null } : {}),
            }
          : policy?.match;
    const draft = {
      name: name.trim() || 'Alerts',
      ...(match || policy ? { match } : {}),
      on,
      steps,
      remind_s: Number(remind),
    };
    return policy ? patch(`/alert_policies/${policy.id}`, draft) : post('/alert_policies', draft);
  };
  return (
    <Editor
      title={policy ? 'Edit policy' : 'New policy'}
      yes={policy ? 'Save' : 'Add'}
      wide
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
            input={{ maxLength: 100, placeholder: 'Alerts' }}
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
                ...(policy?.match?.monitors?.length
                  ? [['monitors', `${policy.match.monitors.length} chosen`] as [string, string]]
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
              input={{ placeholder: 'prod, web' }}
              hint="A monitor with any of them."
            />
          )}
          <fieldset class="steps">
            <legend>Tell about</legend>
            <div class="grid2">
              {kOn.map(([key, text]) => (
                <CheckField
                  key={key}
                  label={text}
                  checked={on.includes(key)}
                  onValue={(yes) => setOn(yes ? [...on, key] : on.filter((one) => one !== key))}
                />
              ))}
            </div>
          </fieldset>
          <Steps steps={steps} channels={channels} onChange={setSteps} error={error} />
          <SelectField
            label="Remind"
            value={remind}
            onValue={setRemind}
            error={errorAt(error, '#/remind_s')}
            options={[
              ['0', 'never'],
              ['900', 'every 15 minutes'],
              ['3600', 'every hour'],
              ['14400', 'every 4 hours'],
              ['86400', 'every day'],
              ...(['0', '900', '3600', '14400', '86400'].includes(remind)
                ? []
                : [[remind, `every ${duration(Number(remind) * 1000)}`] as [string, string]]),
            ]}
          />
        </>
      )}
    </Editor>
  );
}

function matched(policy: Policy): string {
  if (policy.match?.tags?.length) return `tagged ${policy.match.tags.join(' or ')}`;
  if (policy.match?.monitors?.length) return `${policy.match.monitors.length} monitors`;
  return 'all monitors';
}

export function Policies() {
  const list = useAll<Policy>('/alert_policies');
  const channels = useChannels();
  const [edited, setEdited] = useState<Policy | 'new' | null>(null);
  const names = new Map(channels.rows?.map((one) => [one.id, one.name]));
  const gone = (one: Policy) =>
    act(() => remove(`/alert_policies/${one.id}`), 'Deleted.', list.again, {
      title: `Delete “${one.name}”?`,
      text: 'What it covered may then tell nobody.',
      yes: 'Delete',
    });
  return (
    <>
      <div class="bar">
        <p class="sub">Who is told about what, and who next when nobody acknowledges.</p>
        {mayWrite() && (
          <Button kind="primary" icon="plus" onClick={() => setEdited('new')}>
            New policy
          </Button>
        )}
      </div>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : list.rows.length === 0 ? (
        <Empty icon="alerting" title="No policy yet">
          <p>Until there is one, the owners are mailed about every monitor.</p>
        </Empty>
      ) : (
        list.rows.map((one) => (
          <section key={one.id} class="card policy" aria-label={one.name}>
            <header>
              <h2>
                <bdi>{one.name}</bdi>
              </h2>
              {mayWrite() && (
                <span>
                  <Button kind="quiet" icon="edit" onClick={() => setEdited(one)}>
                    Edit
                  </Button>
                  <Button kind="quiet" icon="trash" label={`Delete ${one.name}`} onClick={() => void gone(one)} />
                </span>
              )}
            </header>
            <p class="muted">
              For {matched(one)}; {(one.on ?? []).join(', ')}.
            </p>
            <ol class="flow">
              {one.steps.map((step, i) => (
                <li key={i}>
                  <span class="muted">{step.delay_s === 0 ? 'at once' : `after ${duration(step.delay_s * 1000)}`}</span>
                  {step.channels.map((id) => (
                    <span key={id} class="tag">
                      {names.get(id) ?? id}
                    </span>
                  ))}
                </li>
              ))}
              {one.remind_s ? (
                <li>
                  <Icon name="refresh" />{' '}
                  <span class="muted">every {duration(one.remind_s * 1000)} until acknowledged</span>
                </li>
              ) : null}
            </ol>
          </section>
        ))
      )}
      {edited && channels.rows && (
        <Edit
          policy={edited === 'new' ? null : edited}
          channels={channels.rows}
          onClose={() => setEdited(null)}
          onDone={() => {
            setEdited(null);
            list.again();
          }}
        />
      )}
    </>
  );
}
