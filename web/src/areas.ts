// Which parts this server has: a part that answers 404 (not built in) or 403 (not for this role) is not offered.
import { signal } from '@preact/signals';
import { get, Problem } from './api';

export const areas = signal<Record<string, boolean>>({});
const kAsked: Record<string, string> = {
  incidents: '/incidents?limit=1',
  maintenance: '/maintenance_windows',
  'status-pages': '/status_pages',
  alerting: '/channels',
  policies: '/alert_policies',
  deliveries: '/deliveries?limit=1',
  members: '/members',
  sessions: '/sessions',
  audit: '/audit_log?limit=1',
  keys: '/api_keys',
};

async function answers(path: string): Promise<boolean> {
  try {
    await get(path);
    return true;
  } catch (error) {
    return !(error instanceof Problem && [403, 404, 405].includes(error.status));
  }
}

export async function findAreas(): Promise<void> {
  await Promise.all(
    Object.entries(kAsked).map(async ([area, path]) => {
      const there = await answers(path);
      areas.value = { ...areas.value, [area]: there };
    }),
  );
}
