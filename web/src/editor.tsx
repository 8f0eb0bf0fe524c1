// Saving from a dialog: one try at a time, problems shown where they belong, closed when it worked.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Page, query } from './api';
import { Button, complain, confirmed, Dialog, ProblemBox, say } from './ui';
import { useGet } from './use';

export interface EditorProps {
  title: string;
  yes: string;
  wide?: boolean;
  save: () => Promise<unknown>;
  onDone: () => void; // it was saved
  onClose: () => void;
  children: (error: unknown) => ComponentChildren;
}

export function Editor({ title, yes, wide, save, onDone, onClose, children }: EditorProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await save();
      onDone();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide ?? false}>
      <form onSubmit={(event) => void submit(event)}>
        <ProblemBox error={error} />
        {children(error)}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button submit kind="primary" busy={busy}>
            {yes}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

// Asks, acts, tells; then `again`.
export async function act(
  run: () => Promise<unknown>,
  done: string,
  again: () => void,
  ask?: { title: string; text: string; yes: string },
): Promise<void> {
  if (ask && !(await confirmed(ask.title, ask.text, ask.yes))) return;
  try {
    await run();
    if (done) say(done);
    again();
  } catch (error) {
    complain(error);
  }
}

// A list that grows: asks for more rows of the same list, up to the server's 200 at once.
export function useList<T>(path: string | null, values: Record<string, string | undefined> = {}) {
  const [limit, setLimit] = useState(50);
  const asked = useGet<Page<T>>(path === null ? null : path + query({ ...values, limit }), () => true);
  const more = asked.data?.next_cursor && limit < 200 ? () => setLimit(200) : undefined;
  return { ...asked, rows: asked.data?.data, more };
}

// A short list that comes whole; asked again when `turn` changes.
export function useAll<T>(path: string, turn = 0) {
  const asked = useGet<Page<T>>(path);
  useEffect(() => {
    if (turn > 0) asked.again();
  }, [turn]);
  return { ...asked, rows: asked.data?.data };
}

export function More({ more }: { more: (() => void) | undefined }) {
  return more ? (
    <Button kind="quiet" onClick={more}>
      Show more
    </Button>
  ) : null;
}

export interface Tab {
  name: string;
  text: string;
  there: boolean;
}
export function Tabs({ base, tabs, here }: { base: string; tabs: Tab[]; here: string }) {
  return (
    <nav class="tabs" aria-label="Within this page">
      {tabs
        .filter((tab) => tab.there)
        .map((tab) => (
          <a key={tab.name} href={`${base}/${tab.name}`} aria-current={tab.name === here ? 'page' : undefined}>
            {tab.text}
          </a>
        ))}
    </nav>
  );
}
