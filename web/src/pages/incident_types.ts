// Incidents and deliveries as the API has them.
import type { Evidence } from '../types';

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
  evidence?: Evidence | null;
  last_good?: Evidence | null;
  acknowledged_by?: string | { email?: string } | null;
  root_cause?: string | null;
  updates?: { at: string; by: string | { email?: string } | null; text: string; public: boolean }[];
  deliveries?: string[];
}

export interface Delivery {
  id: string;
  incident: string | { id: string } | null;
  channel: string | { id: string; name?: string } | null;
  step?: number;
  state: 'pending' | 'sent' | 'failed' | string;
  attempts: { at: string; relay?: string | null; reply?: string | null; tls?: string | null; result?: string }[];
  message_id?: string | null;
}

// Some servers answer an id, others a small object; both are shown.
export const nameOf = (one: unknown): string => {
  if (typeof one === 'string') return one;
  const object = one as { email?: string; name?: string; id?: string } | null | undefined;
  return object?.email ?? object?.name ?? object?.id ?? '';
};
export const idOf = (one: unknown): string => (typeof one === 'string' ? one : ((one as { id?: string } | null)?.id ?? ''));
