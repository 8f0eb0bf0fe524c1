// All monitors. Searching, filtering and sorting are the server's; here are only the rows one sees (a window over
// fixed heights), so a hundred thousand scroll like ten. Every filter stands in the address.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { each, get, mayWrite, type Page, post, query, remove } from '../api';
import { listen } from '../live';
import { PhaseBar, phaseText } from '../phases';
import { go, parameter, search, setQuery } from '../route';
import { useKeys } from '../shortcuts';
import { duration, latency, ms, now, percent, words } from '../time';
import { kKinds, kStates, type Monitor, type Result, type State } from '../types';
import { Button, confirmed, Empty, Icon, Loading, Mark, ProblemBox, say, stateName } from '../ui';
import { type Filter, Rows } from './list_rows';

const kOver = 8; // rows drawn beyond the window
const kNear = 40; // rows before the end at which the next page is asked

const rowHeight = (): number => (innerWidth <= 720 ? 60 : 48);

function useFilter(): Filter {
  const key = search.value.toString();
  return useMemo(
    () => ({
      q: parameter('q'),
      tag: search.value.getAll('tag'),
      state: parameter('state'),
      kind: parameter('kind'),
      sort: parameter('sort'),
    }),
    [key],
  );
}

// ---- the head: search, state chips with how many need attention, kind, sort
const kAttention: State[] = ['down', 'unknown', 'degraded'];
function useAttention(): Record<string, string> {
  const [counts, setCounts] = useState<Record<string, string>>({});
  useEffect(() => {
    const abort = new AbortController();
    const count = async () => {
      for (const state of kAttention) {
        const page = await get<Page<Monitor>>('/monitors' + query({ state, limit: 100 }), abort.signal);
        const text = page.next_cursor ? `${page.data.length}+` : String(page.data.length);
        setCounts((before) => ({ ...before, [state]: text }));
      }
    };
    const ask = () => void count().catch(() => undefined); // the list itself shows what is wrong
    ask();
    let timer = 0;
    const stop = listen(() => {
      clearTimeout(timer);
      timer = window.setTimeout(ask, 1500);
    });
    return () => {
      abort.abort();
      clearTimeout(timer);
      stop();
    };
  }, []);
  return counts;
}

function States({ state }: { state: string }) {
  const counts = useAttention();
  const choose = (one: string) => setQuery({ state: one === state ? null : one });
  return (
    <div class="chips" role="group" aria-label="State">
      <button type="button" class="chip" aria-pressed={state === ''} onClick={() => setQuery({ state: null })}>
        All
      </button>
      {kStates
        .filter((one) => one !== 'maintenance' || state === one || counts[one])
        .map((one) => (
          <button
            key={one}
            type="button"
            class={`chip s-${one}`}
            aria-pressed={state === one}
            onClick={() => choose(one)}
          >
            <Mark state={one} />
            {stateName(one)}
            {counts[one] !== undefined && counts[one] !== '0' && <b>{counts[one]}</b>}
          </button>
        ))}
    </div>
  );
}

function Search({ q }: { q: string }) {
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(q);
  const timer = useRef(0);
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    if (!search.value.has('find')) return;
    setQuery({ find: null });
    box.current?.focus();
  });
  useKeys({
    '/': () => {
      box.current?.focus();
      box.current?.select();
    },
  });
  const change = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setQuery({ q: value.trim() || null }), 180);
  };
  return (
    <div class="search">
      <Icon name="search" />
      <input
        ref={box}
        type="search"
        value={text}
        placeholder="Search name, slug or target"
        maxLength={200}
        aria-label="Search monitors"
        aria-keyshortcuts="/"
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && (text ? change('') : event.currentTarget.blur())}
      />
      {!text && <kbd aria-hidden="true">/</kbd>}
    </div>
  );
}

const kSorts: [string, string][] = [
  ['', 'Usual order'],
  ['state', 'Worst first'],
  ['name', 'Name'],
  ['since', 'Latest change'],
  ['created_at', 'Oldest first'],
];
function Filters({ filter }: { filter: Filter }) {
  return (
    <div class="filters">
      <Search q={filter.q} />
      <select aria-label="Kind" value={filter.kind} onChange={(e) => setQuery({ kind: e.currentTarget.value || null })}>
        <option value="">All kinds</option>
        {kKinds.map((kind) => (
          <option key={kind} value={kind}>
            {kind}
          </option>
        ))}
      </select>
      <select
        aria-label="Order"
        value={filter.sort}
        onChange={(e) => setQuery({ sort: e.currentTarget.value || null })}
      >
        {kSorts.map(([sort, text]) => (
          <option key={sort} value={sort}>
            {text}
          </option>
        ))}
      </select>
      {filter.tag.map((tag) => (
        <button
          key={tag}
          type="button"
          class="tag on"
          aria-label={`Take away the tag ${tag}`}
          onClick={() => setQuery({ tag: filter.tag.filter((one) => one !== tag) })}
        >
          {tag} <Icon name="close" />
        </button>
      ))}
      <States state={filter.state} />
    </div>
  );
}

// ---- one row
function Look({ result, kind }: { result: Result | null; kind: string }) {
  if (!result) return <span class="muted">{kind === 'heartbeat' ? 'No call yet' : 'Not checked yet'}</span>;
  if (result.verdict === 'up' && result.latency_ms !== null) {
    return (
      <span class="look" title={phaseText(result.phases_ms)}>
        <span class="num">{latency(result.latency_ms)}</span>
        <PhaseBar phases={result.phases_ms} scale={Math.max(result.latency_ms, 250)} />
      </span>
    );
  }
  const text = result.detail || words(result.cause);
  return (
    <span class={`look cause t-${result.verdict ?? 'unknown'}`} title={text}>
      {text}
    </span>
  );
}

interface RowProps {
  row: Monitor;
  index: number;
  top: number;
  height: number;
  current: boolean;
  selected: boolean;
  onSelect: (range: boolean) => void;
  tags: string[];
}
function Row({ row, index, top, height, current, selected, onSelect, tags }: RowProps) {
  const target = row.target.replace(/^https?:\/\//, '');
  return (
    <div
      role="row"
      class={`row${current ? ' current' : ''}${selected ? ' selected' : ''}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
    >
      <span role="cell" class="c-box">
        <input
          type="checkbox"
          checked={selected}
          aria-label={`Select ${row.name}`}
          onClick={(event) => onSelect(event.shiftKey)}
        />
      </span>
      <span role="cell" class="c-state" title={stateName(row.state)}>
        <Mark state={row.state} />
        <span class="offscreen">{stateName(row.state)}</span>
      </span>
      <span role="cell" class="c-name">
        <a href={`/app/monitors/${encodeURIComponent(row.id)}`}>
          <bdi>{row.name}</bdi>
        </a>
        {row.suspect_since && (
          <span class="suspect" title="Failing looks that are not settled yet">
            checking again
          </span>
        )}
        <small>
          <bdi>{target}</bdi>
        </small>
      </span>
      <span role="cell" class="c-tags">
        {row.tags.slice(0, 3).map((tag) => (
          <button
            key={tag}
            type="button"
            class="tag"
            aria-label={`Only the tag ${tag}`}
            onClick={() => !tags.includes(tag) && setQuery({ tag: [...tags, tag] })}
          >
            {tag}
          </button>
        ))}
        {row.tags.length > 3 && <span class="muted">+{row.tags.length - 3}</span>}
      </span>
      <span role="cell" class="c-look">
        <Look result={row.last_result} kind={row.kind} />
      </span>
      <span role="cell" class="c-uptime num">
        {percent(row.uptime_30d, 2)}
      </span>
      <span role="cell" class="c-since num">
        {row.since ? duration(now.value - ms(row.since)) : '–'}
      </span>
    </div>
  );
}

// ---- the bar over selected rows
function Bulk({ ids, onDone, drop }: { ids: string[]; onDone: () => void; drop: (ids: Set<string>) => void }) {
  const [progress, setProgress] = useState<number | null>(null);
  const run = async (what: string, act: (id: string) => Promise<unknown>) => {
    setProgress(0);
    const failed = await each(ids, act, setProgress);
    setProgress(null);
    const done = ids.length - failed.length;
    if (failed[0]) say(`${done} of ${ids.length} ${what}; ${failed.length} failed: ${failed[0].error.message}`, 'bad');
    else say(`${done} ${what}.`);
    return new Set(failed.map((one) => one.item));
  };
  const destroy = async () => {
    const many = ids.length === 1 ? 'this monitor' : `${ids.length} monitors`;
    if (
      !(await confirmed(`Delete ${many}?`, 'History, reports and badges go with it. This cannot be undone.', 'Delete'))
    )
      return;
    const failed = await run('deleted', (id) => remove(`/monitors/${id}`));
    drop(new Set(ids.filter((id) => !failed.has(id))));
    onDone();
  };
  const act = async (verb: 'pause' | 'resume') => {
    await run(verb === 'pause' ? 'paused' : 'resumed', (id) => post(`/monitors/${id}/${verb}`));
    onDone();
  };
  const busy = progress !== null;
  return (
    <div class="bulk" role="region" aria-label="Selected monitors">
      <strong>{busy ? `${progress} of ${ids.length}` : `${ids.length} selected`}</strong>
      <Button icon="pause" disabled={busy} onClick={() => void act('pause')}>
        Pause
      </Button>
      <Button icon="play" disabled={busy} onClick={() => void act('resume')}>
        Resume
      </Button>
      <Button icon="trash" kind="danger" disabled={busy} onClick={() => void destroy()}>
        Delete
      </Button>
      <Button kind="quiet" icon="close" disabled={busy} onClick={onDone}>
        Clear
      </Button>
    </div>
  );
}

// ---- what the window shows
function useWindow(total: number, height: number) {
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, last: 30 });
  useLayoutEffect(() => {
    let frame = 0;
    const measure = () => {
      frame = 0;
      const top = box.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / height) - kOver);
      const last = Math.min(total, Math.ceil((innerHeight - top) / height) + kOver);
      setRange((before) => (before.first === first && before.last === last ? before : { first, last }));
    };
    const soon = () => (frame ||= requestAnimationFrame(measure));
    measure();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [total, height]);
  return { box, ...range };
}

function useRows(filter: Filter): Rows {
  const rows = useMemo(() => new Rows(filter), [filter]);
  useEffect(() => {
    void rows.loadMore();
    return () => rows.close();
  }, [rows]);
  return rows;
}

function Nothing({ filter }: { filter: Filter }) {
  const filtered = filter.q || filter.tag.length || filter.state || filter.kind;
  if (filtered) {
    return (
      <Empty icon="search" title="No monitor fits">
        <p>Nothing has all of what you ask for.</p>
        <Button onClick={() => setQuery({ q: null, tag: null, state: null, kind: null })}>Show all monitors</Button>
      </Empty>
    );
  }
  return (
    <Empty icon="monitors" title="Nothing is watched yet">
      <p>Paste an address – a page, an API, a mail server, a name in DNS – and Everup looks at it once a minute.</p>
      <a class="button primary" href="/app/monitors/new">
        <Icon name="plus" />
        <span>Watch the first one</span>
      </a>
    </Empty>
  );
}

function useHeight(): number {
  const [height, setHeight] = useState(rowHeight());
  useEffect(() => {
    const measure = () => setHeight(rowHeight());
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);
  return height;
}

// Rows that are marked, and the one that keys act on.
function useSelection(all: Monitor[]) {
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [current, setCurrent] = useState(-1);
  const last = useRef(-1);
  const toggle = (index: number, range: boolean) => {
    const next = new Set(selected);
    const on = !next.has(all[index]!.id);
    const from = range && last.current >= 0 ? Math.min(last.current, index) : index;
    const to = range && last.current >= 0 ? Math.max(last.current, index) : index;
    for (let i = from; i <= to; ++i) next[on ? 'add' : 'delete'](all[i]!.id);
    last.current = index;
    setSelected(next);
  };
  const all_ = () => setSelected(selected.size > 0 ? new Set() : new Set(all.map((row) => row.id)));
  return { selected, toggle, toggleAll: all_, clear: () => setSelected(new Set<string>()), current, setCurrent };
}

function Table({ rows, filter }: { rows: Rows; filter: Filter }) {
  const all = rows.rows.value;
  const height = useHeight();
  const { box, first, last } = useWindow(all.length, height);
  const selection = useSelection(all);
  const { current, setCurrent } = selection;

  useEffect(() => {
    if (rows.more.value && last > all.length - kNear && all.length > 0 && !rows.error.value) void rows.loadMore();
  }, [last, all.length]);
  useEffect(() => {
    let timer = 0;
    const stop = listen((change) => {
      if (change) rows.patch(change.monitor, { state: change.to as State, since: change.at });
      clearTimeout(timer);
      timer = window.setTimeout(() => void rows.refresh(first, last), change ? 1200 : 0);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [rows, first, last]);

  const move = (by: number) => {
    const next = Math.min(all.length - 1, Math.max(0, current + by));
    setCurrent(next);
    const top = (box.current?.getBoundingClientRect().top ?? 0) + next * height;
    if (top < 140) scrollBy(0, top - 140);
    else if (top + height > innerHeight - 80) scrollBy(0, top + height - innerHeight + 80);
  };
  const at = all[current];
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ...(at ? { Enter: () => go(`/app/monitors/${at.id}`), x: () => selection.toggle(current, false) } : {}),
  });

  const clear = () => {
    selection.clear();
    void rows.refresh(first, last);
  };
  return (
    <>
      <div class="list" role="table" aria-label="Monitors" aria-rowcount={rows.more.value ? -1 : all.length + 1}>
        <div role="rowgroup" class="head">
          <div role="row" class="row" aria-rowindex={1}>
            <span role="columnheader" class="c-box">
              <input
                type="checkbox"
                aria-label="Select all that are loaded"
                checked={selection.selected.size > 0}
                onClick={selection.toggleAll}
              />
            </span>
            <span role="columnheader" class="c-state">
              <span class="offscreen">State</span>
            </span>
            <span role="columnheader" class="c-name">
              Monitor
            </span>
            <span role="columnheader" class="c-tags">
              Tags
            </span>
            <span role="columnheader" class="c-look">
              Last look
            </span>
            <span role="columnheader" class="c-uptime">
              30 days
            </span>
            <span role="columnheader" class="c-since">
              For
            </span>
          </div>
        </div>
        <div role="rowgroup" class="rows" ref={box} style={{ height: `${all.length * height}px` }}>
          {all.slice(first, last).map((row, i) => (
            <Row
              key={row.id}
              row={row}
              index={first + i}
              top={(first + i) * height}
              height={height}
              tags={filter.tag}
              current={first + i === current}
              selected={selection.selected.has(row.id)}
              onSelect={(range) => selection.toggle(first + i, range)}
            />
          ))}
        </div>
      </div>
      <p class="end muted">
        {rows.more.value ? 'Loading more…' : `${all.length} ${all.length === 1 ? 'monitor' : 'monitors'}`}
      </p>
      {selection.selected.size > 0 && mayWrite() && (
        <Bulk ids={[...selection.selected]} onDone={clear} drop={(ids) => rows.drop(ids)} />
      )}
      <p class="offscreen" role="status">
        {at ? `${at.name}, ${stateName(at.state)}` : ''}
      </p>
    </>
  );
}

export function ListPage() {
  const filter = useFilter();
  const rows = useRows(filter);
  useEffect(() => void (document.title = 'Monitors · Everup'), []);
  const empty = rows.rows.value.length === 0;
  return (
    <div class="page wide">
      <header class="page-head">
        <h1>Monitors</h1>
        {mayWrite() && (
          <a class="button primary" href="/app/monitors/new" aria-keyshortcuts="n">
            <Icon name="plus" />
            <span>New monitor</span>
          </a>
        )}
      </header>
      <Filters filter={filter} />
      {rows.error.value !== undefined && (
        <ProblemBox error={rows.error.value}>
          <Button onClick={() => void rows.loadMore()}>Try again</Button>
        </ProblemBox>
      )}
      {empty ? (
        rows.more.value ? (
          !rows.error.value && <Loading />
        ) : (
          <Nothing filter={filter} />
        )
      ) : (
        <Table key={search.value.toString()} rows={rows} filter={filter} />
      )}
    </div>
  );
}
