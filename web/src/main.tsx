// The dashboard's shell: who is signed in, where one can go, what is said. Pages beyond the list load when visited.
import { effect } from '@preact/signals';
import { type ComponentType, render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { findSession, remove, session, unreachable } from './api';
import { live } from './live';
import { ListPage } from './pages/list';
import { SignIn } from './pages/sign_in';
import { go, parts } from './route';
import { Shortcuts, shortcutsOpen } from './shortcuts';
import { chooseTheme, chooseZone, chosenZone, localZone, theme } from './time';
import { Button, Dialog, Icon, type IconName, Loading, ProblemBox, Questions, Toasts } from './ui';
import { areas, findAreas } from './areas';

type Page = ComponentType<{ rest: string[] }>;
const kPages: Record<string, () => Promise<Page>> = {
  add: async () => (await import('./pages/add')).AddPage,
  monitor: async () => (await import('./pages/monitor')).MonitorPage,
  edit: async () => (await import('./pages/edit')).EditPage,
  incidents: async () => (await import('./pages/incidents')).IncidentsPage,
  maintenance: async () => (await import('./pages/maintenance')).MaintenancePage,
  'status-pages': async () => (await import('./pages/status_pages')).StatusPagesPage,
  alerting: async () => (await import('./pages/alerting')).AlertingPage,
  settings: async () => (await import('./pages/settings')).SettingsPage,
  health: async () => (await import('./pages/health')).HealthPage,
};

function pageOf(path: string[]): string {
  const [area, id, part] = path;
  if (area === undefined || (area === 'monitors' && id === undefined)) return 'list';
  if (area === 'monitors') return id === 'new' ? 'add' : part === 'edit' ? 'edit' : 'monitor';
  return area in kPages ? area : 'missing';
}

const loaded = new Map<string, Page>();
function Lazy({ name, rest }: { name: string; rest: string[] }) {
  const [, setTurn] = useState(0);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    setError(undefined);
    if (loaded.has(name)) return;
    kPages[name]!().then((page) => {
      loaded.set(name, page);
      setTurn((n) => n + 1);
    }, setError);
  }, [name]);
  if (error) {
    return (
      <ProblemBox error={new Error('This page could not be loaded; Everup may have been updated.')}>
        <Button onClick={() => location.reload()}>Reload</Button>
      </ProblemBox>
    );
  }
  const Made = loaded.get(name);
  return Made ? <Made rest={rest} /> : <Loading />;
}

function Missing() {
  useEffect(() => void (document.title = 'Not found · Everup'), []);
  return (
    <div class="empty">
      <h1>Nothing is here</h1>
      <p>
        The address leads to no page. <a href="/app/">All monitors</a>
      </p>
    </div>
  );
}

function Display({ onClose }: { onClose: () => void }) {
  const zones = Intl.supportedValuesOf('timeZone');
  return (
    <Dialog title="Display" onClose={onClose}>
      <div class="field">
        <label for="scheme">Colours</label>
        <select id="scheme" value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value)}>
          <option value="">As the system</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </div>
      <div class="field">
        <label for="zone">Time zone</label>
        <select id="zone" value={chosenZone.value} onChange={(event) => chooseZone(event.currentTarget.value)}>
          <option value="">This computer’s ({localZone})</option>
          <option value="UTC">UTC</option>
          {zones.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <p class="hint">Days in strips and charts begin and end in this zone.</p>
      </div>
    </Dialog>
  );
}

interface Place {
  area: string;
  href: string;
  icon: IconName;
  text: string;
}
const kPlaces: Place[] = [
  { area: 'monitors', href: '/app/', icon: 'monitors', text: 'Monitors' },
  { area: 'incidents', href: '/app/incidents', icon: 'incidents', text: 'Incidents' },
  { area: 'maintenance', href: '/app/maintenance', icon: 'maintenance', text: 'Maintenance' },
  { area: 'status-pages', href: '/app/status-pages', icon: 'link', text: 'Status pages' },
  { area: 'alerting', href: '/app/alerting', icon: 'alerting', text: 'Alerting' },
  { area: 'settings', href: '/app/settings', icon: 'settings', text: 'Settings' },
  { area: 'health', href: '/app/health', icon: 'health', text: 'Service health' },
];

async function signOut(): Promise<void> {
  try {
    await remove('/session');
  } finally {
    session.value = null;
    go('/app/', true);
  }
}

function Aside({ open, onDone }: { open: boolean; onDone: () => void }) {
  const [display, setDisplay] = useState(false);
  const here = parts.value[0] ?? 'monitors';
  return (
    <nav class={`aside${open ? ' open' : ''}`} id="places" aria-label="Main">
      <ul>
        {kPlaces
          .filter((place) => areas.value[place.area] !== false)
          .map((place) => (
            <li key={place.area}>
              <a href={place.href} aria-current={here === place.area ? 'page' : undefined} onClick={onDone}>
                <Icon name={place.icon} />
                {place.text}
              </a>
            </li>
          ))}
      </ul>
      <div class="foot">
        <p class="live" title={live.value === 'events' ? 'Changes arrive as they happen' : 'Asked again every 15 s'}>
          <i class={unreachable.value ? 'off' : live.value} />
          {unreachable.value ? 'Not connected' : live.value === 'events' ? 'Live' : 'Every 15 s'}
        </p>
        <button type="button" class="plain" onClick={() => setDisplay(true)}>
          Display and time zone
        </button>
        <button type="button" class="plain" onClick={() => (shortcutsOpen.value = true)}>
          Keyboard <kbd>?</kbd>
        </button>
        <p class="who" title={session.value?.user.email}>
          {session.value?.user.email}
        </p>
        <button type="button" class="plain" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
      {display && <Display onClose={() => setDisplay(false)} />}
    </nav>
  );
}

function Shell() {
  const [open, setOpen] = useState(false);
  const name = pageOf(parts.value);
  const path = parts.value.join('/');
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    // A new page is where reading goes on, unless the page itself has put the focus somewhere.
    const main = document.getElementById('main');
    if (!first.current && main && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/app/">
          <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M8 23.5V18.5M16 23.5V13.5M24 23.5V8.5" />
          </svg>
          Everup
        </a>
        <span class="account">{session.value?.account.name}</span>
        <button
          type="button"
          class="button quiet square menu"
          aria-expanded={open}
          aria-controls="places"
          aria-label="Menu"
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? 'close' : 'menu'} />
        </button>
      </header>
      <Aside open={open} onDone={() => setOpen(false)} />
      <main id="main" tabIndex={-1}>
        {unreachable.value && (
          <p class="box bad" role="alert">
            {unreachable.value} What you see may be old.
          </p>
        )}
        {name === 'list' ? (
          <ListPage />
        ) : name === 'missing' ? (
          <Missing />
        ) : (
          <Lazy key={name} name={name} rest={parts.value.slice(1)} />
        )}
      </main>
    </div>
  );
}

function App() {
  const [error, setError] = useState<unknown>();
  const begin = () => {
    setError(undefined);
    findSession().catch(setError);
  };
  useEffect(begin, []);
  if (error) {
    return (
      <main class="alone">
        <ProblemBox error={error}>
          <Button onClick={begin}>Try again</Button>
        </ProblemBox>
      </main>
    );
  }
  if (session.value === undefined)
    return (
      <main class="alone">
        <Loading />
      </main>
    );
  return (
    <>
      {session.value ? <Shell /> : <SignIn />}
      <Shortcuts />
      <Questions />
      <Toasts />
    </>
  );
}

effect(() => {
  if (session.value) void findAreas();
});
render(<App />, document.getElementById('app')!);
