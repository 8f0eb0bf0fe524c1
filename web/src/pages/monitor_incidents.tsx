// The last incidents of one monitor, where the server keeps incidents.
import type { Page } from '../api';
import { areas } from '../areas';
import { duration, ms, now } from '../time';
import { Card, When } from '../ui';
import { useGet } from '../use';
import type { Incident } from './incident_types';

export function MonitorIncidents({ id }: { id: string }) {
  const there = areas.value['incidents'] === true;
  const { data } = useGet<Page<Incident>>(
    there ? `/monitors/${id}/incidents?limit=5` : null,
    (changed) => changed === id,
  );
  if (!there || !data) return null;
  return (
    <Card title="Incidents">
      {data.data.length === 0 && <p class="muted">None so far.</p>}
      <ul class="plain-list">
        {data.data.map((one) => (
          <li key={one.id}>
            <a href={`/app/incidents/${one.id}`}>
              <bdi>{one.detail || one.cause}</bdi>
            </a>
            <p class="muted">
              <When at={one.started_at} />,{' '}
              {duration((one.ended_at ? ms(one.ended_at) : now.value) - ms(one.started_at))}
              {one.ended_at ? '' : ' so far'}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}
