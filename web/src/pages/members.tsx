// Who works in the account: members with their roles, and open invitations.
import { useState } from 'preact/hooks';
import { mayAdminister, patch, post, remove, session } from '../api';
import { act, Editor, useAll } from '../editor';
import { Button, errorAt, Loading, ProblemBox, SelectField, TextField, When } from '../ui';
import { Once } from './once';

interface Member {
  id: string;
  email: string;
  role: string;
  status?: 'active' | 'invited';
  two_factor?: boolean;
  expires_at?: string | null;
  link?: string;
}
const kRoles: [string, string][] = [
  ['viewer', 'viewer: sees'],
  ['editor', 'editor: changes monitors'],
  ['admin', 'admin: also members and keys'],
  ['owner', 'owner: everything'],
];

function Invite({ onMade, onClose }: { onMade: (member: Member) => void; onClose: () => void }) {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState('editor');
  let made: Member;
  return (
    <Editor
      title="Invite"
      yes="Invite"
      onClose={onClose}
      onDone={() => onMade(made)}
      save={async () => void (made = await post<Member>('/members', { email: email.trim(), role }))}
    >
      {(error) => (
        <>
          <TextField
            label="E-mail"
            type="email"
            value={email}
            onValue={setEmail}
            error={errorAt(error, '#/email')}
            input={{ required: true }}
          />
          <SelectField label="Role" value={role} onValue={setRole} options={kRoles} error={errorAt(error, '#/role')} />
        </>
      )}
    </Editor>
  );
}

export function Members() {
  const [turn, setTurn] = useState(0);
  const again = () => setTurn((n) => n + 1);
  const list = useAll<Member>('/members', turn);
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState('');
  const gone = (one: Member) =>
    act(() => remove(`/members/${one.id}`), one.status === 'invited' ? 'The invitation is void.' : 'Removed.', again, {
      title: `Remove ${one.email}?`,
      text: 'Sessions of this person in this account end at once.',
      yes: 'Remove',
    });
  return (
    <>
      <div class="bar">
        <p class="sub">Who works in this account.</p>
        {mayAdminister() && (
          <Button kind="primary" icon="plus" onClick={() => setInviting(true)}>
            Invite
          </Button>
        )}
      </div>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : (
        <div class="card flat scroll-in" tabIndex={0} role="region" aria-label="Members">
          <table class="rows-of">
            <thead>
              <tr>
                <th>E-mail</th>
                <th>Role</th>
                <th>State</th>
                <th>
                  <span class="offscreen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.rows.map((one) => (
                <tr key={one.id}>
                  <td class="text">
                    <strong>
                      <bdi>{one.email}</bdi>
                    </strong>
                    {one.id === session.value?.user.id && <span class="muted"> you</span>}
                  </td>
                  <td>
                    {mayAdminister() && one.status !== 'invited' && one.id !== session.value?.user.id ? (
                      <select
                        aria-label={`Role of ${one.email}`}
                        value={one.role}
                        onChange={(event) =>
                          void act(
                            () => patch(`/members/${one.id}`, { role: event.currentTarget.value }),
                            'Changed.',
                            again,
                          )
                        }
                      >
                        {kRoles.map(([value]) => (
                          <option key={value} value={value}>
                            {value}
                          </option>
                        ))}
                      </select>
                    ) : (
                      one.role
                    )}
                  </td>
                  <td>
                    {one.status === 'invited' ? (
                      <>
                        invited
                        {one.expires_at && (
                          <>
                            , until <When at={one.expires_at} />
                          </>
                        )}
                      </>
                    ) : one.two_factor ? (
                      <span class="t-up">two factors</span>
                    ) : (
                      'password'
                    )}
                  </td>
                  <td class="act">
                    {mayAdminister() && one.id !== session.value?.user.id && (
                      <Button onClick={() => void gone(one)}>Remove</Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {inviting && (
        <Invite
          onClose={() => setInviting(false)}
          onMade={(made) => {
            setInviting(false);
            if (made.link) setLink(made.link);
            again();
          }}
        />
      )}
      {link && (
        <Once
          title="Invitation"
          lead="Give this link to the person you invite; it works once."
          text={link}
          onClose={() => setLink('')}
        />
      )}
    </>
  );
}
