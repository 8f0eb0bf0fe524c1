// The API's nouns, as openapi.yaml has them; only what the pages read.
export type State = 'up' | 'degraded' | 'down' | 'unknown' | 'maintenance' | 'paused';
export type Verdict = 'up' | 'degraded' | 'down' | 'inconclusive';
export const kKinds = ['http', 'https', 'smtp', 'smtps', 'tls', 'tcp', 'dns', 'ping', 'heartbeat'] as const;
export const kStates: State[] = ['down', 'unknown', 'degraded', 'up', 'maintenance', 'paused'];

export interface Certificate {
  subject: string;
  issuer: string;
  names: string[];
  sha256: string;
  not_before: string;
  not_after: string;
  verify_error?: string;
}

export interface TranscriptLine {
  at_ms: number;
  dir: 'in' | 'out' | 'note';
  tls: boolean;
  text: string;
}

interface Opinion {
  ok: boolean;
  cause: string;
  detail: string;
}
export interface TlsReport {
  protocols?: Record<string, string>;
  negotiated?: { version: string | null; cipher: string | null; alpn: string | null };
  trust?: Opinion | null;
  hostname?: Opinion | null;
  heartbleed?: { verdict: string; reason?: string } | null;
  findings?: { id: string; severity: string; text: string; fix?: string }[];
  grade?: string | null;
  grade_reasons?: string[];
}

export interface Evidence {
  address?: string;
  addresses_tried?: string[];
  hops?: unknown[];
  head?: string;
  body_excerpt?: string;
  certificate?: Certificate;
  tls?: TlsReport;
  transcript?: TranscriptLine[];
}

export const kPhases = ['dns', 'connect', 'tls', 'wait', 'transfer'] as const;
export type Phases = Partial<Record<(typeof kPhases)[number], number>>;

export interface Result {
  id?: string;
  at: string;
  trigger: string;
  look?: number;
  verdict: Verdict | null;
  cause: string;
  detail: string | null;
  latency_ms: number | null;
  phases_ms: Phases;
  code: number | null;
  evidence?: Evidence;
}

export interface Monitor {
  id: string;
  name: string;
  slug: string;
  target: string;
  kind: string;
  interval_s: number;
  timeout_ms: number;
  confirm: { failures: number; successes: number; retry_s: number | number[] };
  options: Record<string, unknown>;
  expect: Record<string, unknown>;
  warn: Record<string, unknown>;
  tags: string[];
  paused: boolean;
  timezone: string;
  public: { badge: boolean; report: boolean; show_target: boolean };
  state: State;
  since: string | null;
  suspect_since: string | null;
  last_checked_at: string | null;
  next_check_at: string | null;
  last_result: Result | null;
  uptime_30d?: number | null;
  secrets_lost?: boolean;
  alert_policies?: string[];
  heartbeat_url?: string;
  badge_token: string;
  report_token: string;
  revision: number;
  created_at: string;
}

export interface Uptime {
  from: string;
  to: string;
  as_of: string;
  up_s: number;
  degraded_s: number;
  down_s: number;
  unknown_s: number;
  maintenance_s: number;
  paused_s: number;
  before_creation_s: number;
  uptime_percent: number | null;
  worst_percent: number | null;
  best_percent: number | null;
  coverage_percent: number | null;
  display: string;
  incidents: number;
  longest_down_s: number;
}

export interface Span {
  from: string;
  to: string | null;
  state: State | 'before_creation';
  reason: string | null;
  incident: string | null;
}

export interface Series {
  step_s: number;
  t: number[];
  p50: (number | null)[];
  p95: (number | null)[];
  p99: (number | null)[];
  up: (number | null)[];
  checks: number[];
}
