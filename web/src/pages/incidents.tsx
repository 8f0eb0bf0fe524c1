// Incidents: what went down, since when, what it looked like, who was told and what they answered; acknowledging,
// notes, the root cause.
import { useEffect, useState } from 'preact/hooks';
import { mayWrite, type Page, patch, post, Problem } from '../api';
import { act, More, useList } from '../editor';
import { EvidenceView, ResultView } from '../result';
import type { Evidence, Result } from '../types';
import { parameter, setQuery } from '../route';
import { duration, ms, now, words } from '../time';
import { Button, Card, CheckField, Choice, Empty, Icon, Loading, ProblemBox, SelectField, StateWord, TextField, When } from '../ui';
import { useGet } from '../use';
import { type Delivery, type Incident, nameOf } from './incident_types';

const kStates: Record<string, [string, string]> = {
  open: ['down', 'Open'],
  acknowledged: ['degraded', 'Acknowledged'],
  resolved: ['up', 'Resolved'],
};

export function IncidentState({ state }: { state: string }) {
  const [tone, text] = kStates[state] ?? ['unknown', state];
  return <span class={`pill t-${tone} b-${tone}`}>{text}</span>;
}

const lasted = (one: Incident): string =>
  duration((one.ended_at ? ms(one.ended_at) : now.value) - ms(one.started_at)) + (one.ended_at ? '' : ' so far');

function List() {
  const state = parameter('state');
  const list = useList<Incident>('/incidents', { state: state || undefined });
  return (
    <div class="page">
      <header class="page-head">
        <h1>Incidents</h1>
        <Choice
          label="State"
          value={state}
          options={[
            ['', 'All'],
            ['open', 'Open'],
            ['acknowledged', 'Acknowledged'],
            ['resolved', 'Resolved'],
          ]}
          onValue={(one) => setQuery({ state: one || null })}
        />
      </header>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : list.rows.length === 0 ? (
        <Empty icon="check" title={state ? 'None' : 'No incident yet'}>
          <p>An incident opens when looks fail often enough in a row, and closes when the target is well again.</p>
        </Empty>
      ) : (
        <ul class="incident-list">
          {list.rows.map((one) => (
            <li key={one.id} class={one.state}>
              <IncidentState state={one.state} />
              <div>
                <a href={`/app/incidents/${encodeURIComponent(one.id)}`}>
                  <bdi>{one.monitor.name}</bdi>
                </a>
                <p>
                  <bdi>{one.detail || words(one.cause)}</bdi>
                </p>
              </div>
              <p class="muted num">
                <When at={one.started_at} />
                <br />
                {lasted(one)}
              </p>
            </li>
          ))}
        </ul>
      )}
      <More more={list.more} />
    </div>
  );
}

function Attempts({ one }: { one: Delivery }) {
  return (
    <ul class="attempts">
      {one.attempts.map((attempt, i) => (
        <li key={i}>
          <When at={attempt.at} />{' '}
          {attempt.result && (
            <b class={attempt.result === 'sent' || attempt.result === 'accepted' ? 't-up' : 't-down'}>
              {attempt.result}
            </b>
          )}
          {attempt.relay && (
            <>
              {' '}
              by <code>{attempt.relay}</code>
            </>
          )}
          {attempt.tls && <span class="muted"> {attempt.tls}</span>}
          {attempt.reply && (
            <p class="mono">
              <bdi>{attempt.reply}</bdi>
            </p>
          )}
        </li>
      ))}
      {one.attempts.length === 0 && one.state === 'pending' && <li class="muted">Not tried yet.</li>}
    </ul>
  );
}

export function DeliveryRow({ one, name }: { one: Delivery; name?: string }) {
  const tone = one.state === 'sent' ? 'up' : one.state === 'failed' ? 'down' : 'unknown';
  return (
    <li class="delivery">
      <p>
        <span class={`pill t-${tone} b-${tone}`}>{one.state}</span>{' '}
        <strong>
          <bdi>{one.channel_name || name || nameOf(one.channel)}</bdi>
        </strong>
        {one.kind && <span class="muted"> {one.kind}</span>}
        {one.step ? <span class="muted"> step {one.step}</span> : null}
      </p>
      {one.reason && (
        <p class="muted">
          <bdi>{one.reason}</bdi>
        </p>
      )}
      <Attempts one={one} />
      {one.message_id && (
        <p class="hint mono">
          <bdi>{one.message_id}</bdi>
        </p>
      )}
    </li>
  );
}

function Told({ id, proof }: { id: string; proof: Delivery[] | undefined }) {
  const { data } = useGet<Page<Delivery>>(proof ? null : `/deliveries?incident=${encodeURIComponent(id)}`, () => true);
  const told = proof ?? data?.data;
  if (!told) return null;
  return (
    <Card title="Who was told">
      {told.length === 0 ? (
        <p class="muted">Nobody: no policy covers this, or nothing was due yet.</p>
      ) : (
        <ul class="plain-list">
          {told.map((one) => (
            <DeliveryRow key={one.id} one={one} />
          ))}
        </ul>
      )}
    </Card>
  );
}

const kStages: [string, string][] = [
  ['', 'Nothing new of that'],
  ['investigating', 'Investigating'],
  ['identified', 'Identified'],
  ['monitoring', 'Monitoring'],
];

function Notes({ incident, again }: { incident: Incident; again: () => void }) {
  const [text, setText] = useState('');
  const [shown, setShown] = useState(false);
  const [stage, setStage] = useState('');
  const send = (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    void act(
      () => post(`/incidents/${incident.id}/updates`, { text: text.trim(), public: shown, stage: stage || null }),
      '',
      () => {
        setText('');
        setStage('');
        again();
      },
    );
  };
  return (
    <Card title="Notes">
      <ol class="notes">
        {(incident.updates ?? []).map((update, i) => (
          <li key={i}>
            <p class="muted">
              <When at={update.at} /> {nameOf(update.by)}
              {update.stage && <span class="pill">{update.stage}</span>}
              {update.public && <span class="pill">public</span>}
            </p>
            <p class="note-text">
              <bdi>{update.text}</bdi>
            </p>
          </li>
        ))}
      </ol>
      {mayWrite() && (
        <form onSubmit={send}>
          <TextField label="New note" rows={3} value={text} onValue={setText} />
          <SelectField label="How far you are" value={stage} onValue={setStage} options={kStages} />
          <CheckField label="Show it on status pages" checked={shown} onValue={setShown} />
          <Button submit disabled={!text.trim()}>
            Add
          </Button>
        </form>
      )}
    </Card>
  );
}

function RootCause({ incident, again }: { incident: Incident; again: () => void }) {
  const [text, setText] = useState<string | null>(null);
  const saved = incident.root_cause ?? '';
  return (
    <Card
      title="Root cause"
      aside={
        mayWrite() &&
        text === null && (
          <Button kind="quiet" icon="edit" onClick={() => setText(saved)}>
            {saved ? 'Change' : 'Write'}
          </Button>
        )
      }
    >
      {text === null ? (
        <p class={saved ? 'note-text' : 'muted'}>
          <bdi>{saved || 'Not written yet.'}</bdi>
        </p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void act(
              () => patch(`/incidents/${incident.id}`, { root_cause: text }),
              'Saved.',
              () => {
                setText(null);
                again();
              },
            );
          }}
        >
          <TextField label="What was it?" rows={4} value={text} onValue={setText} />
          <footer>
            <Button onClick={() => setText(null)}>Cancel</Button>
            <Button submit kind="primary">
              Save
            </Button>
          </footer>
        </form>
      )}
    </Card>
  );
}

function Look({ title, kept, state }: { title: string; kept: Result | Evidence; state: string }) {
  return (
    <div>
      <h3>{title}</h3>
      {'verdict' in kept ? (
        <ResultView result={kept} />
      ) : (
        <>
          <StateWord state={state} />
          <EvidenceView evidence={kept} />
        </>
      )}
    </div>
  );
}

function One({ id }: { id: string }) {
  const { data: incident, error, again } = useGet<Incident>(`/incidents/${encodeURIComponent(id)}`, () => true);
  useEffect(() => void (document.title = `${incident?.monitor.name ?? 'Incident'} · Everup`), [incident]);
  if (!incident) {
    if (error instanceof Problem && error.status === 404) {
      return (
        <div class="empty">
          <h1>No such incident</h1>
          <p>
            <a href="/app/incidents">All incidents</a>
          </p>
        </div>
      );
    }
    return error ? <ProblemBox error={error} /> : <Loading />;
  }
  const acknowledge = () =>
    void act(() => post(`/incidents/${incident.id}/acknowledge`), 'Acknowledged: no more reminders.', again);
  return (
    <div class="page wide">
      <p class="crumb">
        <a href="/app/incidents">
          <Icon name="back" /> Incidents
        </a>
      </p>
      <header class="page-head">
        <h1>
          <bdi>{incident.detail || words(incident.cause)}</bdi>
        </h1>
        {mayWrite() && incident.state === 'open' && (
          <Button kind="primary" icon="check" onClick={acknowledge}>
            Acknowledge
          </Button>
        )}
      </header>
      <section class={`now b-${kStates[incident.state]?.[0] ?? 'unknown'}`} aria-label="In short">
        <div class="now-state">
          <IncidentState state={incident.state} />
          <strong>
            <a href={`/app/monitors/${incident.monitor.id}`}>
              <bdi>{incident.monitor.name}</bdi>
            </a>
          </strong>
        </div>
        <dl>
          <div>
            <dt>Began</dt>
            <dd>
              <When at={incident.started_at} />
            </dd>
          </div>
          {incident.confirmed_at && (
            <div>
              <dt>Settled</dt>
              <dd>
                <When at={incident.confirmed_at} />
              </dd>
            </div>
          )}
          <div>
            <dt>{incident.ended_at ? 'Ended' : 'Lasts'}</dt>
            <dd>{incident.ended_at ? <When at={incident.ended_at} /> : lasted(incident)}</dd>
          </div>
          {incident.ended_at && (
            <div>
              <dt>Lasted</dt>
              <dd>{lasted(incident)}</dd>
            </div>
          )}
          {incident.acknowledged_by && (
            <div>
              <dt>Acknowledged by</dt>
              <dd>{nameOf(incident.acknowledged_by)}</dd>
            </div>
          )}
        </dl>
      </section>
      <div class="columns">
        <div>
          {incident.evidence && (
            <Card title="What it looked like">
              <div class="beside">
                <Look title="It failed" kept={incident.evidence} state="down" />
                {incident.last_good && <Look title="Last good" kept={incident.last_good} state="up" />}
              </div>
            </Card>
          )}
          <Notes incident={incident} again={again} />
        </div>
        <div>
          <RootCause incident={incident} again={again} />
          <Told id={incident.id} proof={incident.proof} />
        </div>
      </div>
    </div>
  );
}

export function IncidentsPage({ rest }: { rest: string[] }) {
  useEffect(() => void (document.title = 'Incidents · Everup'), []);
  return rest[0] ? <One id={rest[0]} /> : <List />;
}
