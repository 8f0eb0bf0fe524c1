// Channels: where alerts go. A test is a real delivery; its attempts and the other side's words are shown as they come.
import { useEffect, useState } from 'preact/hooks';
import { get, mayWrite, type Page, patch, post, remove } from '../api';
import { act, Editor, useAll } from '../editor';
import { Button, CopyButton, Dialog, Empty, errorAt, Loading, ProblemBox, SelectField, TextField } from '../ui';
import type { Delivery } from './incident_types';
import { DeliveryRow } from './incidents';

export interface Channel {
  id: string;
  name: string;
  kind: 'email' | 'webhook' | 'slack' | 'pagerduty' | 'template';
  to?: string;
  url?: string;
  body?: string;
  new_secret?: string; // of a webhook, told once
  enabled: boolean;
  last_error?: string | { detail?: string } | null;
  quiet_hours?: { from: string; to: string } | null;
}

const kKinds: [Channel['kind'], string][] = [
  ['email', 'E-mail'],
  ['webhook', 'Webhook (signed JSON)'],
  ['slack', 'Slack and compatible'],
  ['pagerduty', 'PagerDuty'],
  ['template', 'Any HTTP API (template)'],
];

function Edit({
  channel,
  onDone,
  onClose,
}: {
  channel: Channel | null;
  onDone: (made: Channel) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(channel?.name ?? '');
  const [kind, setKind] = useState<Channel['kind']>(channel?.kind ?? 'email');
  const [place, setPlace] = useState(channel?.to ?? channel?.url ?? '');
  const [key, setKey] = useState('');
  const [body, setBody] = useState(channel?.body ?? '');
  const [from, setFrom] = useState(channel?.quiet_hours?.from ?? '');
  const [to, setTo] = useState(channel?.quiet_hours?.to ?? '');
  let made: Channel;
  const save = async () => {
    const draft: Record<string, unknown> = { name: name.trim() || place.trim() || kind };
    if (!channel) draft['kind'] = kind;
    if (kind === 'email') draft['to'] = place.trim();
    else if (kind !== 'pagerduty') draft['url'] = place.trim();
    if (kind === 'pagerduty' && key) draft['routing_key'] = key;
    if (kind === 'template') draft['body'] = body;
    if (from && to) draft['quiet_hours'] = { from, to };
    else if (channel?.quiet_hours) draft['quiet_hours'] = null;
    made = channel ? await patch<Channel>(`/channels/${channel.id}`, draft) : await post<Channel>('/channels', draft);
  };
  return (
    <Editor
      title={channel ? 'Edit channel' : 'New channel'}
      yes={channel ? 'Save' : 'Add'}
      save={save}
      onDone={() => onDone(made)}
      onClose={onClose}
    >
      {(error) => (
        <>
          {!channel && (
            <SelectField label="Kind" value={kind} options={kKinds} onValue={(v) => setKind(v as Channel['kind'])} />
          )}
          {kind === 'email' && (
            <TextField
              label="Address"
              type="email"
              value={place}
              onValue={setPlace}
              error={errorAt(error, '#/to')}
              input={{ required: true, placeholder: 'ops@example.com' }}
            />
          )}
          {['webhook', 'slack', 'template'].includes(kind) && (
            <TextField
              label="URL"
              value={place}
              onValue={setPlace}
              error={errorAt(error, '#/url')}
              input={{ required: true, placeholder: 'https://', spellcheck: false }}
            />
          )}
          {kind === 'pagerduty' && (
            <TextField
              label="Routing key"
              type="password"
              value={key}
              onValue={setKey}
              error={errorAt(error, '#/routing_key')}
              hint={channel ? 'Left empty, the present one stays.' : 'Of an Events API v2 integration.'}
              input={{ autocomplete: 'off' }}
            />
          )}
          {kind === 'template' && (
            <TextField
              label="Body"
              rows={5}
              value={body}
              onValue={setBody}
              error={errorAt(error, '#/body')}
              hint={
                <>
                  Fields like <code>{'{{monitor.name}}'}</code> are filled in.
                </>
              }
            />
          )}
          <TextField
            label="Name"
            optional
            value={name}
            onValue={setName}
            error={errorAt(error, '#/name')}
            input={{ maxLength: 100 }}
          />
          <div class="grid2">
            <TextField
              label="Quiet from"
              optional
              value={from}
              onValue={setFrom}
              error={errorAt(error, '#/quiet_hours/from')}
              input={{ placeholder: '22:00' }}
            />
            <TextField
              label="Quiet to"
              optional
              value={to}
              onValue={setTo}
              error={errorAt(error, '#/quiet_hours/to')}
              input={{ placeholder: '07:00' }}
              hint="Down is told even then."
            />
          </div>
        </>
      )}
    </Editor>
  );
}

// The test's delivery, asked for once a second until it has ended, at most a minute.
function Test({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const [delivery, setDelivery] = useState<Delivery>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const abort = new AbortController();
    const follow = async () => {
      let one = await post<Delivery & { delivery?: string }>(`/channels/${channel.id}/test`);
      const id = one.id ?? one.delivery;
      for (let i = 0; i < 60 && id && !abort.signal.aborted; ++i) {
        if (one.attempts) setDelivery(one);
        if (one.state && one.state !== 'pending') return;
        await new Promise((go) => setTimeout(go, 1000));
        const page = await get<Page<Delivery>>(`/deliveries?id=${encodeURIComponent(id)}`, abort.signal);
        one = page.data[0] ?? one;
      }
    };
    follow().catch((problem) => problem.name !== 'AbortError' && setError(problem));
    return () => abort.abort();
  }, [channel.id]);
  return (
    <Dialog title={`Test of ${channel.name}`} onClose={onClose}>
      <ProblemBox error={error} />
      {delivery ? (
        <ul aria-live="polite">
          <DeliveryRow one={delivery} name={channel.name} />
        </ul>
      ) : (
        !error && <Loading />
      )}
      <footer>
        <Button onClick={onClose}>Close</Button>
      </footer>
    </Dialog>
  );
}

function Secret({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <Dialog title="The webhook’s secret" onClose={onClose}>
      <p>Requests are signed with it. It is shown this once.</p>
      <pre class="raw" tabIndex={0}>
        {text}
      </pre>
      <footer>
        <CopyButton text={text} />
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </footer>
    </Dialog>
  );
}

const errorText = (error: Channel['last_error']): string => (typeof error === 'string' ? error : (error?.detail ?? ''));

export function Channels() {
  const list = useAll<Channel>('/channels');
  const [edited, setEdited] = useState<Channel | 'new' | null>(null);
  const [tested, setTested] = useState<Channel | null>(null);
  const [secret, setSecret] = useState('');
  const done = (made: Channel) => {
    setEdited(null);
    if (made.new_secret) setSecret(made.new_secret);
    list.again();
  };
  const gone = (one: Channel) =>
    act(() => remove(`/channels/${one.id}`), 'Deleted.', list.again, {
      title: `Delete “${one.name}”?`,
      text: 'Nothing is sent there any more.',
      yes: 'Delete',
    });
  return (
    <>
      <div class="bar">
        <p class="sub">Where alerts go. Try one: what the other side answers is shown.</p>
        {mayWrite() && (
          <Button kind="primary" icon="plus" onClick={() => setEdited('new')}>
            New channel
          </Button>
        )}
      </div>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : list.rows.length === 0 ? (
        <Empty icon="alerting" title="No channel yet">
          <p>Add an address or a webhook.</p>
        </Empty>
      ) : (
        <div class="card flat scroll-in" tabIndex={0} role="region" aria-label="Channels">
          <table class="rows-of">
            <thead>
              <tr>
                <th>Name</th>
                <th>Kind</th>
                <th>To</th>
                <th>State</th>
                <th>
                  <span class="offscreen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.rows.map((one) => (
                <tr key={one.id}>
                  <td>
                    <strong>
                      <bdi>{one.name}</bdi>
                    </strong>
                  </td>
                  <td>{one.kind}</td>
                  <td class="text">
                    <bdi>{one.to ?? one.url ?? ''}</bdi>
                  </td>
                  <td>
                    {one.enabled ? <span class="t-up">on</span> : <span class="muted">off</span>}
                    {errorText(one.last_error) && (
                      <p class="error">
                        <bdi>{errorText(one.last_error)}</bdi>
                      </p>
                    )}
                  </td>
                  <td class="act">
                    {mayWrite() && (
                      <>
                        <Button onClick={() => setTested(one)}>Test</Button>
                        <Button
                          onClick={() =>
                            void act(() => patch(`/channels/${one.id}`, { enabled: !one.enabled }), '', list.again)
                          }
                        >
                          {one.enabled ? 'Turn off' : 'Turn on'}
                        </Button>
                        <Button icon="edit" label={`Edit ${one.name}`} kind="quiet" onClick={() => setEdited(one)} />
                        <Button icon="trash" label={`Delete ${one.name}`} kind="quiet" onClick={() => void gone(one)} />
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {edited && <Edit channel={edited === 'new' ? null : edited} onDone={done} onClose={() => setEdited(null)} />}
      {tested && <Test channel={tested} onClose={() => setTested(null)} />}
      {secret && <Secret text={secret} onClose={() => setSecret('')} />}
    </>
  );
}

export const useChannels = () => useAll<Channel>('/channels');
