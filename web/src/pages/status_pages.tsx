// Status pages: what everybody may see of the monitors, and where.
import { useEffect, useState } from 'preact/hooks';
import { mayWrite, type Page, patch, post, remove } from '../api';
import { act, Editor, useAll } from '../editor';
import type { Monitor } from '../types';
import { Button, Card, CheckField, Empty, errorAt, Loading, ProblemBox, SelectField, TextField } from '../ui';
import { useGet } from '../use';

interface Shown {
  monitor: string;
  name: string | null;
}
interface StatusPage {
  id: string;
  slug: string;
  name: string;
  description: string | null;
  domain: string | null;
  language: string;
  theme: string;
  window: string;
  accent: string | null;
  noindex: boolean;
  published: boolean;
  groups: { name: string; monitors: Shown[] }[];
  password_set: boolean;
  page_url: string;
}

const kLanguages: [string, string][] = [
  ['en', 'English'],
  ['de', 'Deutsch'],
  ['fr', 'Français'],
  ['cs', 'Čeština'],
];
const kThemes: [string, string][] = [
  ['auto', 'As the reader’s system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];
const kWindows: [string, string][] = ['24h', '7d', '30d', '90d', '365d'].map((one) => [one, one]);

const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);

interface Choice {
  group: string;
  name: string | null;
}
type Chosen = Map<string, Choice>;

// Groups in the order in which they first appear.
function groupsOf(chosen: Chosen): StatusPage['groups'] {
  const groups = new Map<string, Shown[]>();
  for (const [monitor, { group, name }] of chosen) {
    const inside = groups.get(group.trim()) ?? [];
    inside.push({ monitor, name });
    groups.set(group.trim(), inside);
  }
  return [...groups].map(([name, monitors]) => ({ name, monitors }));
}

function Monitors({ chosen, onChosen }: { chosen: Chosen; onChosen: (next: Chosen) => void }) {
  const { data, error } = useGet<Page<Monitor>>('/monitors?limit=200&sort=name');
  if (error) return <ProblemBox error={error} />;
  if (!data) return <Loading />;
  const put = (id: string, value: Choice | null) => {
    const next = new Map(chosen);
    if (value) next.set(id, value);
    else next.delete(id);
    onChosen(next);
  };
  return (
    <fieldset class="field">
      <legend class="label">Monitors</legend>
      {data.data.map((one) => {
        const choice = chosen.get(one.id);
        return (
          <div class="grid2" key={one.id}>
            <CheckField
              label={one.name}
              checked={choice !== undefined}
              onValue={(on) => put(one.id, on ? { group: [...chosen.values()].at(-1)?.group ?? '', name: null } : null)}
            />
            {choice && (
              <TextField
                label={`Group of ${one.name}`}
                value={choice.group}
                onValue={(group) => put(one.id, { ...choice, group })}
                input={{ maxLength: 100, placeholder: 'no group' }}
              />
            )}
          </div>
        );
      })}
      {data.data.length === 0 && <p class="hint">There are no monitors yet.</p>}
      {data.next_cursor && <p class="hint">These are the first 200; others are added by the API.</p>}
    </fieldset>
  );
}

function Edit({ page: old, onDone, onClose }: { page: StatusPage | null; onDone: () => void; onClose: () => void }) {
  const [name, setName] = useState(old?.name ?? '');
  const [slug, setSlug] = useState(old?.slug ?? '');
  const [description, setDescription] = useState(old?.description ?? '');
  const [domain, setDomain] = useState(old?.domain ?? '');
  const [language, setLanguage] = useState(old?.language ?? 'en');
  const [theme, setTheme] = useState(old?.theme ?? 'auto');
  const [days, setDays] = useState(old?.window ?? '90d');
  const [accent, setAccent] = useState(old?.accent ?? '');
  const [password, setPassword] = useState('');
  const [locked, setLocked] = useState(old?.password_set ?? false);
  const [published, setPublished] = useState(old?.published ?? true);
  const [hidden, setHidden] = useState(old?.noindex ?? false);
  const [chosen, setChosen] = useState<Chosen>(
    new Map(
      (old?.groups ?? []).flatMap((group) =>
        group.monitors.map((one) => [one.monitor, { group: group.name, name: one.name }] as [string, Choice]),
      ),
    ),
  );
  const save = () => {
    const draft = {
      name: name.trim(),
      slug: slug.trim() || slugOf(name),
      description: description.trim() || null,
      domain: domain.trim().toLowerCase() || null,
      language,
      theme,
      window: days,
      accent: accent.trim() || null,
      published,
      noindex: hidden,
      groups: groupsOf(chosen),
      ...(!locked ? { password: null } : password ? { password } : {}),
    };
    return old ? patch(`/status_pages/${old.id}`, draft) : post('/status_pages', draft);
  };
  return (
    <Editor
      title={old ? 'Edit status page' : 'New status page'}
      yes={old ? 'Save' : 'Create'}
      save={save}
      onDone={onDone}
      onClose={onClose}
    >
      {(error) => (
        <>
          <div class="grid2">
            <TextField
              label="Name"
              value={name}
              onValue={setName}
              error={errorAt(error, '#/name')}
              input={{ maxLength: 100, required: true, placeholder: 'Shop status' }}
            />
            <TextField
              label="Address"
              value={slug}
              onValue={setSlug}
              error={errorAt(error, '#/slug')}
              hint={`/status/${slug || slugOf(name) || '…'}`}
              input={{ maxLength: 64, placeholder: slugOf(name) }}
            />
          </div>
          <TextField
            label="Introduction"
            optional
            rows={2}
            value={description}
            onValue={setDescription}
            error={errorAt(error, '#/description')}
          />
          <Monitors chosen={chosen} onChosen={setChosen} />
          {errorAt(error, '#/groups') && <p class="bad">{errorAt(error, '#/groups')}</p>}
          <div class="grid2">
            <SelectField label="Language" value={language} onValue={setLanguage} options={kLanguages} />
            <SelectField label="Colours" value={theme} onValue={setTheme} options={kThemes} />
            <SelectField label="Uptime over" value={days} onValue={setDays} options={kWindows} />
            <TextField
              label="Colour of the head"
              optional
              value={accent}
              onValue={setAccent}
              error={errorAt(error, '#/accent')}
              input={{ placeholder: '#1a7f37', maxLength: 7 }}
            />
          </div>
          <TextField
            label="Own domain"
            optional
            value={domain}
            onValue={setDomain}
            error={errorAt(error, '#/domain')}
            hint="A name whose DNS leads to this server; the page is at its root."
            input={{ placeholder: 'status.example.com' }}
          />
          <CheckField label="Published" checked={published} onValue={setPublished} />
          <CheckField label="Keep search engines out" checked={hidden} onValue={setHidden} />
          <CheckField label="Ask for a password" checked={locked} onValue={setLocked} />
          {locked && (
            <TextField
              label="Password"
              type="password"
              value={password}
              onValue={setPassword}
              error={errorAt(error, '#/password')}
              hint={old?.password_set ? 'Leave empty to keep the present one.' : '8 characters or more.'}
              input={{ autocomplete: 'new-password' }}
            />
          )}
        </>
      )}
    </Editor>
  );
}

export function StatusPagesPage(_: { rest: string[] }) {
  const list = useAll<StatusPage>('/status_pages');
  const [edited, setEdited] = useState<StatusPage | 'new' | null>(null);
  useEffect(() => void (document.title = 'Status pages · Everup'), []);
  const gone = (one: StatusPage) =>
    act(() => remove(`/status_pages/${one.id}`), 'Deleted.', list.again, {
      title: `Delete “${one.name}”?`,
      text: 'Its address leads nowhere from now on.',
      yes: 'Delete',
    });
  return (
    <div class="page">
      <header class="page-head">
        <h1>Status pages</h1>
        {mayWrite() && (
          <Button kind="primary" icon="plus" onClick={() => setEdited('new')}>
            New status page
          </Button>
        )}
      </header>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : list.rows.length === 0 ? (
        <Empty icon="link" title="No status page yet">
          <p>A status page shows everybody who has its address how your monitors are, and what you say about it.</p>
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
              {one.published ? (
                <a href={one.page_url} target="_blank" rel="noopener">
                  {one.page_url}
                </a>
              ) : (
                <span class="pill">not published</span>
              )}{' '}
              <span class="muted">
                {one.groups.reduce((sum, group) => sum + group.monitors.length, 0)} monitors
                {one.password_set ? ', with a password' : ''}
              </span>
            </p>
          </Card>
        ))
      )}
      {edited && (
        <Edit
          page={edited === 'new' ? null : edited}
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
