// Incidents and deliveries as the API has them.
import type { Evidence, Result } from '../types';

export interface Incident {
  id: string;
  monitor: { id: string; name: string };
  state: 'open' | 'acknowledged' | 'resolved';
  cause: string;
  detail: string | null;
  started_at: string;
  confirmed_at: string | null;
  ended_at: string | null;
  down_s: number | null;
  evidence?: Result | Evidence | null; // a whole look, or what was kept of it
  last_good?: Result | Evidence | null;
  acknowledged_by?: string | { email?: string } | null;
  root_cause?: string | null;
  updates?: { at: string; by: string | { email?: string } | null; text: string; public: boolean; stage?: string | null }[];
  deliveries?: string[];
  proof?: Delivery[];
}

export interface Delivery {
  id: string;
  incident: string | { id: string } | null;
  channel: string | { id: string; name?: string } | null;
  channel_name?: string;
  kind?: string;
  reason?: string | null;
  created_at?: string;
  step?: number;
  state: string; // pending, sent, failed, dropped
  attempts: { at: string; relay?: string | null; reply?: string | null; tls?: string | null; result?: string }[];
  message_id?: string | null;
}

// Some servers answer an id, others a small object; both are shown.
export const nameOf = (one: unknown): string => {
  if (typeof one === 'string') return one;
  const object = one as { email?: string; name?: string; id?: string } | null | undefined;
  return object?.email ?? object?.name ?? object?.id ?? '';
};
export const idOf = (one: unknown): string =>
  typeof one === 'string' ? one : ((one as { id?: string } | null)?.id ?? '');
