// Settings: API keys, members, one's own sessions, and what was changed by whom.
import { useEffect } from 'preact/hooks';
import { areas } from '../areas';
import { More, Tabs, useList } from '../editor';
import { Loading, ProblemBox, When } from '../ui';
import { Keys } from './keys';
import { Members } from './members';
import { Sessions } from './sessions';

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
      {!list.rows ? (
        !list.error && <Loading />
      ) : (
        <div class="card flat scroll-in" tabIndex={0} role="region" aria-label="Audit log">
          <table class="rows-of">
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                <th>Changes</th>
              </tr>
            </thead>
            <tbody>
              {list.rows.map((one) => (
                <tr key={one.id}>
                  <td>
                    <When at={one.at} />
                  </td>
                  <td class="text">
                    <bdi>{one.actor_name || one.actor}</bdi>
                    {one.network && <p class="muted mono">{one.network}</p>}
                  </td>
                  <td>
                    <code>{one.action}</code>
                    {one.object && (
                      <p class="muted mono">
                        <bdi>{one.object}</bdi>
                      </p>
                    )}
                  </td>
                  <td class="text">
                    {one.before || one.after ? (
                      <details>
                        <summary>Before and after</summary>
                        <pre class="raw" tabIndex={0} aria-label="Before">
                          {JSON.stringify(one.before, null, 2)}
                        </pre>
                        <pre class="raw" tabIndex={0} aria-label="After">
                          {JSON.stringify(one.after, null, 2)}
                        </pre>
                      </details>
                    ) : (
                      ''
                    )}
                  </td>
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
  const tabs = [
    { name: 'keys', text: 'API keys', there: areas.value['keys'] !== false },
    { name: 'members', text: 'Members', there: areas.value['members'] === true },
    { name: 'sessions', text: 'Sessions and password', there: areas.value['sessions'] === true },
    { name: 'audit', text: 'Audit log', there: areas.value['audit'] === true },
  ];
  const here = rest[0] ?? tabs.find((tab) => tab.there)?.name ?? 'keys';
  return (
    <div class="page">
      <header class="page-head">
        <h1>Settings</h1>
      </header>
      <Tabs base="/app/settings" tabs={tabs} here={here} />
      {here === 'members' ? <Members /> : here === 'sessions' ? <Sessions /> : here === 'audit' ? <Audit /> : <Keys />}
    </div>
  );
}
