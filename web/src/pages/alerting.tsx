// Alerting: channels, policies, and every delivery with what the other side said.
import { useEffect } from 'preact/hooks';
import { areas } from '../areas';
import { More, Tabs, useList } from '../editor';
import { parameter, setQuery } from '../route';
import { Choice, Empty, Loading, ProblemBox } from '../ui';
import { Channels } from './channels';
import type { Delivery } from './incident_types';
import { DeliveryRow } from './incidents';
import { Policies } from './policies';

function Deliveries() {
  const state = parameter('state');
  const list = useList<Delivery>('/deliveries', { state: state || undefined });
  return (
    <>
      <div class="bar">
        <p class="sub">What was sent to whom, by which relay, and its answer word for word.</p>
        <Choice
          label="State"
          value={state}
          options={[
            ['', 'All'],
            ['pending', 'Pending'],
            ['sent', 'Sent'],
            ['failed', 'Failed'],
            ['dropped', 'Dropped'],
          ]}
          onValue={(one) => setQuery({ state: one || null })}
        />
      </div>
      {list.error !== undefined && <ProblemBox error={list.error} />}
      {!list.rows ? (
        !list.error && <Loading />
      ) : list.rows.length === 0 ? (
        <Empty icon="alerting" title="Nothing was sent">
          <p>Alerts and tests appear here as they leave.</p>
        </Empty>
      ) : (
        <ul class="card flat plain-list">
          {list.rows.map((one) => (
            <DeliveryRow key={one.id} one={one} />
          ))}
        </ul>
      )}
      <More more={list.more} />
    </>
  );
}

export function AlertingPage({ rest }: { rest: string[] }) {
  const here = rest[0] ?? 'channels';
  useEffect(() => void (document.title = 'Alerting · Everup'), []);
  const tabs = [
    { name: 'channels', text: 'Channels', there: areas.value['alerting'] !== false },
    { name: 'policies', text: 'Policies', there: areas.value['policies'] !== false },
    { name: 'deliveries', text: 'Deliveries', there: areas.value['deliveries'] !== false },
  ];
  return (
    <div class="page">
      <header class="page-head">
        <h1>Alerting</h1>
      </header>
      <Tabs base="/app/alerting" tabs={tabs} here={here} />
      {here === 'policies' ? <Policies /> : here === 'deliveries' ? <Deliveries /> : <Channels />}
    </div>
  );
}
