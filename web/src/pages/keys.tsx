// API keys: made with a scope and an end, shown once, revoked.
import { useState } from 'preact/hooks';
import { post, remove } from '../api';
import { act, Editor, useAll } from '../editor';
import { Button, errorAt, Loading, ProblemBox, SelectField, TextField, When } from '../ui';
import { Once } from './once';

interface Key {
  id: string;
  name: string;
  scope: string;
  key?: string;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

function NewKey({ onMade, onClose }: { onMade: (key: Key) => void; onClose: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState('write');
  const [days, setDays] = useState('');
  let made: Key;
  const save = async () => {
    made = await post<Key>('/api_keys', {
      name: name.trim(),
      scope,
      ...(days ? { expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString() } : {}),
    });
  };
  return (
    <Editor title="New API key" yes="Make" save={save} onDone={() => onMade(made)} onClose={onClose}>
      {(error) => (
        <>
          <TextField
            label="Name"
            value={name}
            onValue={setName}
            error={errorAt(error, '#/name')}
            input={{ required: true, maxLength: 100, placeholder: 'laptop' }}
          />
          <SelectField
            label="May"
            value={scope}
            onValue={setScope}
            options={[
              ['read', 'read'],
              ['write', 'read and write'],
              ['admin', 'administer'],
            ]}
          />
          <SelectField
            label="Ends"
            value={days}
            onValue={setDays}
            error={errorAt(error, '#/expires_at')}
            options={[
              ['', 'never'],
              ['30', 'in 30 days'],
              ['90', 'in 90 days'],
              ['365', 'in a year'],
            ]}
          />
        </>
      )}
    </Editor>
  );
}

export function Keys() {
  const [turn, setTurn] = useState(0);
  const keys = useAll<Key>('/api_keys', turn);
  const [making, setMaking] = useState(false);
  const [text, setText] = useState('');
  const again = () => setTurn((n) => n + 1);
  const revoke = (one: Key) =>
    act(() => remove(`/api_keys/${one.id}`), 'Revoked.', again, {
      title: `Revoke “${one.name}”?`,
      text: 'Whatever uses it is refused within a second.',
      yes: 'Revoke',
    });
  const living = keys.rows?.filter((one) => !one.revoked_at);
  return (
    <>
      <div class="bar">
        <p class="sub">For scripts, the command line and Prometheus. A key’s text is shown once.</p>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          New key
        </Button>
      </div>
      {keys.error !== undefined && <ProblemBox error={keys.error} />}
      {!living ? (
        !keys.error && <Loading />
      ) : (
        <div class="card flat scroll-in" tabIndex={0} role="region" aria-label="API keys">
          <table class="rows-of">
            <thead>
              <tr>
                <th>Name</th>
                <th>May</th>
                <th>Last used</th>
                <th>Ends</th>
                <th>Made</th>
                <th>
                  <span class="offscreen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {living.map((one) => (
                <tr key={one.id}>
                  <td class="text">
                    <strong>
                      <bdi>{one.name}</bdi>
                    </strong>
                  </td>
                  <td>{one.scope}</td>
                  <td>{one.last_used_at ? <When at={one.last_used_at} relative /> : 'never'}</td>
                  <td>{one.expires_at ? <When at={one.expires_at} /> : 'never'}</td>
                  <td>
                    <When at={one.created_at} />
                  </td>
                  <td class="act">
                    <Button onClick={() => void revoke(one)}>Revoke</Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {making && (
        <NewKey
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMaking(false);
            setText(key.key ?? '');
            again();
          }}
        />
      )}
      {text && (
        <Once title="Your new key" lead="Keep it now: it is not shown again." text={text} onClose={() => setText('')} />
      )}
    </>
  );
}
