// One's own door: open sessions, the password, a second factor.
import { useState } from 'preact/hooks';
import { post, remove, session, type Session } from '../api';
import { act, Editor, useAll } from '../editor';
import { Button, Card, errorAt, Loading, ProblemBox, say, TextField, When } from '../ui';
import { Once } from './once';

interface Open {
  id: string;
  current: boolean;
  created_at: string;
  seen_at: string;
  expires_at: string;
  network: string;
  agent: string;
}

function browserOf(agent: string): string {
  const name = /(Firefox|Edg|OPR|Chrome|Safari|curl)[/ ]([\d]+)/.exec(agent);
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(agent)?.[1];
  return [name ? `${name[1]!.replace('Edg', 'Edge').replace('OPR', 'Opera')} ${name[2]}` : agent.slice(0, 60), system]
    .filter(Boolean)
    .join(', ');
}

// For password managers: whose password this is.
const Whose = () => (
  <input type="email" hidden readOnly autocomplete="username" value={session.value?.user.email ?? ''} />
);

function Password() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [error, setError] = useState<unknown>();
  const save = (event: Event) => {
    event.preventDefault();
    setError(undefined);
    const change = async () => {
      session.value = await post<Session>('/me/password', { current_password: current, new_password: next });
    };
    change().then(() => {
      setCurrent('');
      setNext('');
      return act(
        async () => undefined,
        'Changed. All other sessions have ended.',
        () => undefined,
      );
    }, setError);
  };
  return (
    <Card title="Password">
      <form onSubmit={save} class="narrow-form">
        <ProblemBox error={error} />
        <Whose />
        <TextField
          label="Present password"
          type="password"
          value={current}
          onValue={setCurrent}
          error={errorAt(error, '#/current_password')}
          input={{ autocomplete: 'current-password', required: true }}
        />
        <TextField
          label="New password"
          type="password"
          value={next}
          onValue={setNext}
          error={errorAt(error, '#/new_password')}
          hint="At least 8 characters."
          input={{ autocomplete: 'new-password', required: true }}
        />
        <Button submit>Change it</Button>
      </form>
    </Card>
  );
}

// A second factor: the code to scan, the first code, the recovery codes – each told once.
function Factor() {
  const [step, setStep] = useState<'' | 'password' | 'remove'>('');
  const [password, setPassword] = useState('');
  const [offer, setOffer] = useState<{ secret: string; uri: string; qr_svg: string } | null>(null);
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<string[] | null>(null);
  const end = () => {
    setStep('');
    setPassword('');
    setCode('');
    setOffer(null);
  };
  const ask = async () => {
    if (step === 'remove') return post('/me/totp/remove', { password });
    return setOffer(await post<{ secret: string; uri: string; qr_svg: string }>('/me/totp', { password }));
  };
  return (
    <Card title="Second factor">
      <p class="muted">A code from an authenticator app beside the password.</p>
      <p class="row-of">
        <Button onClick={() => setStep('password')}>Set up</Button>
        <Button kind="quiet" onClick={() => setStep('remove')}>
          Remove
        </Button>
      </p>
      {step && !offer && (
        <Editor
          title={step === 'remove' ? 'Remove the second factor' : 'Set up a second factor'}
          yes={step === 'remove' ? 'Remove' : 'Go on'}
          save={ask}
          onClose={end}
          onDone={() => step === 'remove' && (say('Removed.'), end())}
        >
          {(error) => (
            <>
              <Whose />
              <TextField
                label="Your password"
                type="password"
                value={password}
                onValue={setPassword}
                error={errorAt(error, '#/password')}
                input={{ autocomplete: 'current-password', required: true }}
              />
            </>
          )}
        </Editor>
      )}
      {offer && (
        <Editor
          title="Scan this"
          yes="Confirm"
          onClose={end}
          onDone={end}
          save={async () =>
            setCodes(
              (await post<{ recovery_codes: string[] }>('/me/totp/confirm', { code: code.replace(/\s/g, '') }))
                .recovery_codes,
            )
          }
        >
          {(error) => (
            <>
              <p class="qr">
                <img
                  src={`data:image/svg+xml;utf8,${encodeURIComponent(offer.qr_svg)}`}
                  alt="QR code for an authenticator app"
                  width="200"
                  height="200"
                />
              </p>
              <p class="hint">
                Or type it: <code>{offer.secret}</code>
              </p>
              <TextField
                label="The code it shows"
                value={code}
                onValue={setCode}
                error={errorAt(error, '#/code')}
                input={{ autocomplete: 'one-time-code', inputMode: 'numeric', required: true }}
              />
            </>
          )}
        </Editor>
      )}
      {codes && (
        <Once
          title="Recovery codes"
          lead="Each opens the door once when the app is lost. Keep them now."
          text={codes.join('\n')}
          onClose={() => setCodes(null)}
        />
      )}
    </Card>
  );
}

export function Sessions() {
  const [turn, setTurn] = useState(0);
  const list = useAll<Open>('/sessions', turn);
  return (
    <>
      <p class="sub">Where you are signed in.</p>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : (
        <div class="card flat scroll-in" tabIndex={0} role="region" aria-label="Sessions">
          <table class="rows-of">
            <thead>
              <tr>
                <th>Browser</th>
                <th>Network</th>
                <th>Seen</th>
                <th>Since</th>
                <th>
                  <span class="offscreen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.rows.map((one) => (
                <tr key={one.id}>
                  <td class="text">
                    <bdi title={one.agent}>{browserOf(one.agent)}</bdi>
                    {one.current && <span class="pill t-up b-up">this one</span>}
                  </td>
                  <td>
                    <code>{one.network}</code>
                  </td>
                  <td>
                    <When at={one.seen_at} relative />
                  </td>
                  <td>
                    <When at={one.created_at} />
                  </td>
                  <td class="act">
                    {!one.current && (
                      <Button
                        onClick={() =>
                          void act(
                            () => remove(`/sessions/${one.id}`),
                            'Ended.',
                            () => setTurn((n) => n + 1),
                          )
                        }
                      >
                        End
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Password />
      <Factor />
    </>
  );
}
