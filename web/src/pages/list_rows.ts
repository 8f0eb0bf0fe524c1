// The list's rows as the server gives them: pages by cursor, as many as were scrolled to. A page can be asked again
// without the others; rows that moved between pages meanwhile are shown once. At most kPagesMax pages are kept.
import { signal } from '@preact/signals';
import { get, type Page, Problem, query } from '../api';
import type { Monitor } from '../types';

const kPageRows = 100;
const kPagesMax = 1200; // 120 000 rows

interface Loaded {
  cursor: string | null;
  rows: Monitor[];
  next: string | null;
}

export interface Filter {
  q: string;
  tag: string[];
  state: string;
  kind: string;
  sort: string;
}

// A busy server is asked twice more before it is said.
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; ++tries) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 503 || tries === 3) throw error;
      await new Promise((go) => setTimeout(go, 1000 * Math.max(1, Math.min(5, error.retryAfterS))));
    }
  }
}

export class Rows {
  readonly rows = signal<Monitor[]>([]);
  readonly more = signal(true);
  readonly busy = signal(false);
  readonly error = signal<unknown>(undefined);
  private pages: Loaded[] = [];
  private abort = new AbortController();

  constructor(readonly filter: Filter) {}

  close(): void {
    this.abort.abort();
  }

  private async page(cursor: string | null): Promise<Loaded> {
    const { q, tag, state, kind, sort } = this.filter;
    // Unasked, the whole list comes worst first; what is searched comes as an index has it: fast at any size.
    const order = sort || (q || state || kind || tag.length > 0 ? undefined : 'state');
    const path =
      '/monitors' +
      query({ q, tag, state, kind, sort: order, include: 'uptime_30d', limit: kPageRows, cursor: cursor ?? undefined });
    const made = await patiently(() => get<Page<Monitor>>(path, this.abort.signal));
    return { cursor, rows: made.data, next: made.next_cursor };
  }

  private publish(): void {
    const seen = new Set<string>();
    this.rows.value = this.pages.flatMap((page) => page.rows).filter((row) => !seen.has(row.id) && seen.add(row.id));
    const last = this.pages.at(-1);
    this.more.value = last ? last.next !== null && this.pages.length < kPagesMax : true;
  }

  private async guarded(run: () => Promise<void>): Promise<void> {
    if (this.busy.value) return;
    this.busy.value = true;
    try {
      await run();
      this.error.value = undefined;
    } catch (error) {
      if ((error as Error).name !== 'AbortError') this.error.value = error;
    } finally {
      this.busy.value = false;
    }
  }

  loadMore(): Promise<void> {
    return this.guarded(async () => {
      const last = this.pages.at(-1);
      if (last && last.next === null) return;
      this.pages.push(await this.page(last ? last.next : null));
      this.publish();
    });
  }

  // Asks the pages again that hold the rows from `first` to `last`.
  refresh(first: number, last: number): Promise<void> {
    return this.guarded(async () => {
      const from = Math.floor(Math.max(0, first) / kPageRows);
      const to = Math.min(Math.floor(Math.max(0, last) / kPageRows), this.pages.length - 1);
      for (let i = from; i <= to; ++i) this.pages[i] = await this.page(this.pages[i]!.cursor);
      this.publish();
    });
  }

  // Shows a state at once; what else changed comes with the next refresh.
  patch(id: string, changes: Partial<Monitor>): void {
    for (const page of this.pages) {
      const at = page.rows.findIndex((row) => row.id === id);
      if (at >= 0) page.rows[at] = { ...page.rows[at]!, ...changes };
    }
    this.publish();
  }

  drop(ids: Set<string>): void {
    for (const page of this.pages) page.rows = page.rows.filter((row) => !ids.has(row.id));
    this.publish();
  }
}
