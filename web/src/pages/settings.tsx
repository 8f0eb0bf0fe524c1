// Settings: API keys, members, one's own sessions and password, and what was changed by whom.
import { useEffect, useState } from 'preact/hooks';
import { mayAdminister, post, remove, patch, session, type Session } from '../api';
import { areas } from '../areas';
import { act, Editor, More, Tabs, useAll, useList } from '../editor';
import { Button, Card, CopyButton, Dialog, errorAt, Loading, ProblemBox, say, SelectField, TextField, When } from '../ui';

// ---- keys
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

function Once({ title, text, lead, onClose }: { title: string; text: string; lead: string; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{lead}</p>
      <pre class="raw once" tabIndex={0}>{text}</pre>
      <footer><CopyButton text={text} /><Button kind="primary" onClick={onClose}>Done</Button></footer>
    </Dialog>
  );
}

function NewKey({ onMade, onClose }: { onMade: (key: Key) => void; onClose: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState('write');
  const [days, setDays] = useState('');
  let made: Key;
  const save = async () => {
    made = await post<Key>('/api_keys', { name: name.trim(), scope,
      ...(days ? { expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString() } : {}) });
  };
  return (
    <Editor title="New API key" yes="Make" save={save} onDone={() => onMade(made)} onClose={onClose}>
      {(error) => (
        <>
          <TextField label="Name" value={name} onValue={setName} error={errorAt(error, '#/name')} input={{ required: true, maxLength: 100, placeholder: 'laptop' }} />
          <SelectField label="May" value={scope} onValue={setScope} options={[['read', 'read'], ['write', 'read and write'], ['admin', 'administer']]} />
          <SelectField label="Ends" value={days} onValue={setDays} error={errorAt(error, '#/expires_at')}
            options={[['', 'never'], ['30', 'in 30 days'], ['90', 'in 90 days'], ['365', 'in a year']]} />
        </>
      )}
    </Editor>
  );
}

function Keys() {
  const [turn, setTurn] = useState(0);
  const keys = useAll<Key>('/api_keys', turn);
  const [making, setMaking] = useState(false);
  const [text, setText] = useState('');
  const again = () => setTurn((n) => n + 1);
  const revoke = (one: Key) => act(() => remove(`/api_keys/${one.id}`), 'Revoked.', again,
    { title: `Revoke “${one.name}”?`, text: 'Whatever uses it is refused within a second.', yes: 'Revoke' });
  const living = keys.rows?.filter((one) => !one.revoked_at);
  return (
    <>
      <div class="bar"><p class="sub">For scripts, the command line and Prometheus. A key’s text is shown once.</p>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>New key</Button></div>
      {keys.error !== undefined && <ProblemBox error={keys.error} />}
      {!living ? !keys.error && <Loading /> : (
        <div class="card flat scroll-in">
          <table class="rows-of">
            <thead><tr><th>Name</th><th>May</th><th>Last used</th><th>Ends</th><th>Made</th><th><span class="offscreen">Actions</span></th></tr></thead>
            <tbody>
              {living.map((one) => (
                <tr key={one.id}>
                  <td class="text"><strong><bdi>{one.name}</bdi></strong></td>
                  <td>{one.scope}</td>
                  <td>{one.last_used_at ? <When at={one.last_used_at} relative /> : 'never'}</td>
                  <td>{one.expires_at ? <When at={one.expires_at} /> : 'never'}</td>
                  <td><When at={one.created_at} /></td>
                  <td class="act"><Button onClick={() => void revoke(one)}>Revoke</Button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {making && <NewKey onClose={() => setMaking(false)} onMade={(key) => {
        setMaking(false);
        setText(key.key ?? '');
        again();
      }} />}
      {text && <Once title="Your new key" lead="Keep it now: it is not shown again." text={text} onClose={() => setText('')} />}
    </>
  );
}

// ---- members
interface Member {
  id: string;
  email: string;
  role: string;
  status?: 'active' | 'invited';
  two_factor?: boolean;
  expires_at?: string | null;
  link?: string;
}
const kRoles: [string, string][] = [['viewer', 'viewer: sees'], ['editor', 'editor: changes monitors'], ['admin', 'admin: also members and keys'],
  ['owner', 'owner: everything']];

function Invite({ onMade, onClose }: { onMade: (member: Member) => void; onClose: () => void }) {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState('editor');
  let made: Member;
  return (
    <Editor title="Invite" yes="Invite" onClose={onClose} onDone={() => onMade(made)}
      save={async () => void (made = await post<Member>('/members', { email: email.trim(), role }))}>
      {(error) => (
        <>
          <TextField label="E-mail" type="email" value={email} onValue={setEmail} error={errorAt(error, '#/email')} input={{ required: true }} />
          <SelectField label="Role" value={role} onValue={setRole} options={kRoles} error={errorAt(error, '#/role')} />
        </>
      )}
    </Editor>
  );
}

function Members() {
  const [turn, setTurn] = useState(0);
  const again = () => setTurn((n) => n + 1);
  const list = useAll<Member>('/members', turn);
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState('');
  const gone = (one: Member) => act(() => remove(`/members/${one.id}`), one.status === 'invited' ? 'The invitation is void.' : 'Removed.', again,
    { title: `Remove ${one.email}?`, text: 'Sessions of this person in this account end at once.', yes: 'Remove' });
  return (
    <>
      <div class="bar"><p class="sub">Who works in this account.</p>
        {mayAdminister() && <Button kind="primary" icon="plus" onClick={() => setInviting(true)}>Invite</Button>}</div>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? !list.error && <Loading /> : (
        <div class="card flat scroll-in">
          <table class="rows-of">
            <thead><tr><th>E-mail</th><th>Role</th><th>State</th><th><span class="offscreen">Actions</span></th></tr></thead>
            <tbody>
              {list.rows.map((one) => (
                <tr key={one.id}>
                  <td class="text"><strong><bdi>{one.email}</bdi></strong>{one.id === session.value?.user.id && <span class="muted"> you</span>}</td>
                  <td>{mayAdminister() && one.status !== 'invited' && one.id !== session.value?.user.id ? (
                    <select aria-label={`Role of ${one.email}`} value={one.role}
                      onChange={(event) => void act(() => patch(`/members/${one.id}`, { role: event.currentTarget.value }), 'Changed.', again)}>
                      {kRoles.map(([value]) => <option key={value} value={value}>{value}</option>)}
                    </select>
                  ) : one.role}</td>
                  <td>{one.status === 'invited' ? <>invited{one.expires_at && <>, until <When at={one.expires_at} /></>}</>
                    : one.two_factor ? <span class="t-up">two factors</span> : 'password'}</td>
                  <td class="act">{mayAdminister() && one.id !== session.value?.user.id && <Button onClick={() => void gone(one)}>Remove</Button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {inviting && <Invite onClose={() => setInviting(false)} onMade={(made) => {
        setInviting(false);
        if (made.link) setLink(made.link);
        again();
      }} />}
      {link && <Once title="Invitation" lead="Give this link to the person you invite; it works once." text={link} onClose={() => setLink('')} />}
    </>
  );
}

// ---- sessions and password
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
  return [name ? `${name[1]!.replace('Edg', 'Edge').replace('OPR', 'Opera')} ${name[2]}` : agent.slice(0, 60), system].filter(Boolean).join(', ');
}

// For password managers: whose password this is.
const Whose = () => <input type="email" hidden readOnly autocomplete="username" value={session.value?.user.email ?? ''} />;

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
      return act(async () => undefined, 'Changed. All other sessions have ended.', () => undefined);
    }, setError);
  };
  return (
    <Card title="Password">
      <form onSubmit={save} class="narrow-form">
        <ProblemBox error={error} />
        <Whose />
        <TextField label="Present password" type="password" value={current} onValue={setCurrent} error={errorAt(error, '#/current_password')} input={{ autocomplete: 'current-password', required: true }} />
        <TextField label="New password" type="password" value={next} onValue={setNext} error={errorAt(error, '#/new_password')} hint="At least 8 characters." input={{ autocomplete: 'new-password', required: true }} />
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
      <p class="row-of"><Button onClick={() => setStep('password')}>Set up</Button><Button kind="quiet" onClick={() => setStep('remove')}>Remove</Button></p>
      {step && !offer && (
        <Editor title={step === 'remove' ? 'Remove the second factor' : 'Set up a second factor'} yes={step === 'remove' ? 'Remove' : 'Go on'}
          save={ask} onClose={end} onDone={() => step === 'remove' && (say('Removed.'), end())}>
          {(error) => (
            <>
              <Whose />
              <TextField label="Your password" type="password" value={password} onValue={setPassword}
                error={errorAt(error, '#/password')} input={{ autocomplete: 'current-password', required: true }} />
            </>
          )}
        </Editor>
      )}
      {offer && (
        <Editor title="Scan this" yes="Confirm" onClose={end} onDone={end}
          save={async () => setCodes((await post<{ recovery_codes: string[] }>('/me/totp/confirm', { code: code.replace(/\s/g, '') })).recovery_codes)}>
          {(error) => (
            <>
              <p class="qr"><img src={`data:image/svg+xml;utf8,${encodeURIComponent(offer.qr_svg)}`} alt="QR code for an authenticator app" width="200" height="200" /></p>
              <p class="hint">Or type it: <code>{offer.secret}</code></p>
              <TextField label="The code it shows" value={code} onValue={setCode} error={errorAt(error, '#/code')} input={{ autocomplete: 'one-time-code', inputMode: 'numeric', required: true }} />
            </>
          )}
        </Editor>
      )}
      {codes && <Once title="Recovery codes" lead="Each opens the door once when the app is lost. Keep them now." text={codes.join('\n')} onClose={() => setCodes(null)} />}
    </Card>
  );
}

function Sessions() {
  const [turn, setTurn] = useState(0);
  const list = useAll<Open>('/sessions', turn);
  return (
    <>
      <p class="sub">Where you are signed in.</p>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? !list.error && <Loading /> : (
        <div class="card flat scroll-in">
          <table class="rows-of">
            <thead><tr><th>Browser</th><th>Network</th><th>Seen</th><th>Since</th><th><span class="offscreen">Actions</span></th></tr></thead>
            <tbody>
              {list.rows.map((one) => (
                <tr key={one.id}>
                  <td class="text"><bdi title={one.agent}>{browserOf(one.agent)}</bdi>{one.current && <span class="pill t-up b-up">this one</span>}</td>
                  <td><code>{one.network}</code></td>
                  <td><When at={one.seen_at} relative /></td>
                  <td><When at={one.created_at} /></td>
                  <td class="act">{!one.current && <Button onClick={() => void act(() => remove(`/sessions/${one.id}`), 'Ended.', () => setTurn((n) => n + 1))}>End</Button>}</td>
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

// ---- audit
interface Change {
  id: string;
  at: string;
  actor: string;
  actor_name?: string;
  action: string;
  object?: string;
  network?: string;
  before?: unknown;
  after?: unknown;
}
function Audit() {
  const list = useList<Change>('/audit_log');
  return (
    <>
      <p class="sub">Every change: who, what, when, from which network. Secrets never stand here.</p>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? !list.error && <Loading /> : (
        <div class="card flat scroll-in">
          <table class="rows-of">
            <thead><tr><th>When</th><th>Who</th><th>What</th><th>Changes</th></tr></thead>
            <tbody>
              {list.rows.map((one) => (
                <tr key={one.id}>
                  <td><When at={one.at} /></td>
                  <td class="text"><bdi>{one.actor_name || one.actor}</bdi>{one.network && <p class="muted mono">{one.network}</p>}</td>
                  <td><code>{one.action}</code>{one.object && <p class="muted mono"><bdi>{one.object}</bdi></p>}</td>
                  <td class="text">{(one.before || one.after) ? (
                    <details><summary>Before and after</summary>
                      <pre class="raw" tabIndex={0} aria-label="Before">{JSON.stringify(one.before, null, 2)}</pre>
                      <pre class="raw" tabIndex={0} aria-label="After">{JSON.stringify(one.after, null, 2)}</pre></details>
                  ) : ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More more={list.more} />
    </>
  );
}

export function SettingsPage({ rest }: { rest: string[] }) {
  useEffect(() => void (document.title = 'Settings · Everup'), []);
  const tabs = [{ name: 'keys', text: 'API keys', there: areas.value['keys'] !== false },
    { name: 'members', text: 'Members', there: areas.value['members'] === true },
    { name: 'sessions', text: 'Sessions and password', there: areas.value['sessions'] === true },
    { name: 'audit', text: 'Audit log', there: areas.value['audit'] === true }];
  const here = rest[0] ?? tabs.find((tab) => tab.there)?.name ?? 'keys';
  return (
    <div class="page">
      <header class="page-head"><h1>Settings</h1></header>
      <Tabs base="/app/settings" tabs={tabs} here={here} />
      {here === 'members' ? <Members /> : here === 'sessions' ? <Sessions /> : here === 'audit' ? <Audit /> : <Keys />}
    </div>
  );
}
