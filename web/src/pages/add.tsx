// Watching something new: one field, what we take it for, a look at it before anything is saved.
import { useEffect, useRef, useState } from 'preact/hooks';
import { post, Problem } from '../api';
import { guess, kExamples } from '../guess';
import { ResultView } from '../result';
import { go } from '../route';
import type { Monitor, Result } from '../types';
import { Button, errorAt, Field, Icon, ProblemBox, say } from '../ui';
import { bodyOf, type Draft, emptyDraft, MonitorForm } from './form';

function Examples({ onPick }: { onPick: (target: string) => void }) {
  return (
    <ul class="examples">
      {kExamples.map(([target, what]) => (
        <li key={target}>
          <button type="button" onClick={() => onPick(target)}>
            <code>{target}</code>
            <span>{what}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Testing({ since }: { since: number }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(Math.round((Date.now() - since) / 1000)), 500);
    return () => clearInterval(timer);
  }, [since]);
  return (
    <p class="box" role="status">
      Looking… {seconds > 1 && `${seconds} s`}
    </p>
  );
}

export function AddPage(_: { rest: string[] }) {
  const [target, setTarget] = useState(new URLSearchParams(location.search).get('target') ?? '');
  const [draft, setDraft] = useState<Draft>(emptyDraft());
  const [more, setMore] = useState(false);
  const [error, setError] = useState<unknown>();
  const [testing, setTesting] = useState(0);
  const [result, setResult] = useState<Result | null>(null);
  const [saving, setSaving] = useState(false);
  const key = useRef(crypto.getRandomValues(new Uint32Array(4)).join('-'));
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'New monitor · Everup';
    box.current?.focus();
  }, []);
  const meant = guess(target);
  const body = () => ({ ...bodyOf(draft, meant?.kind ?? 'https'), target: target.trim() });

  const change = (text: string) => {
    setTarget(text);
    setResult(null);
    setError(undefined);
  };
  const test = async () => {
    setTesting(Date.now());
    setResult(null);
    setError(undefined);
    try {
      setResult(await post<Result>('/monitors/test', body()));
    } catch (problem) {
      setError(problem);
    } finally {
      setTesting(0);
    }
  };
  const save = async (event: Event) => {
    event.preventDefault();
    if (!target.trim()) return;
    setSaving(true);
    setError(undefined);
    try {
      const made = await post<Monitor>('/monitors', body(), { key: key.current });
      say(`${made.name} is watched from now on.`);
      go(`/app/monitors/${made.id}`);
    } catch (problem) {
      key.current = crypto.getRandomValues(new Uint32Array(4)).join('-');
      setError(problem);
    } finally {
      setSaving(false);
    }
  };
  const atTarget = errorAt(error, '#/target');
  const onlyTarget =
    error instanceof Problem && error.errors.length > 0 && error.errors.every((e) => e.pointer === '#/target');
  return (
    <div class="page narrow">
      <header class="page-head">
        <h1>Watch something</h1>
      </header>
      <form onSubmit={(event) => void save(event)}>
        <Field label="Address" error={atTarget} hint={meant ? meant.text : 'Paste a URL or a host.'}>
          {(ids) => (
            <div class="one-field">
              <input
                {...ids}
                type="text"
                ref={box}
                value={target}
                spellcheck={false}
                autocomplete="off"
                autocapitalize="off"
                placeholder="https://shop.example/health"
                maxLength={2048}
                onInput={(event) => change(event.currentTarget.value)}
              />
              <Button busy={testing > 0} disabled={!meant} onClick={() => void test()}>
                Test now
              </Button>
            </div>
          )}
        </Field>
        {!target && <Examples onPick={change} />}
        {testing > 0 && <Testing since={testing} />}
        {!onlyTarget && <ProblemBox error={error} />}
        {result && (
          <section class="card" aria-label="Result of the test" aria-live="polite">
            <ResultView result={result} title="just now, nothing saved" />
          </section>
        )}
        {meant &&
          (more ? (
            <MonitorForm draft={draft} kind={meant.kind} error={error} onChange={setDraft} simple />
          ) : (
            <button type="button" class="plain more" onClick={() => setMore(true)}>
              Name, interval, conditions …
            </button>
          ))}
        {meant && (
          <footer>
            <a class="button quiet" href="/app/">
              Cancel
            </a>
            <Button submit kind="primary" busy={saving} icon="plus">
              Start watching
            </Button>
          </footer>
        )}
      </form>
      {!meant && (
        <p class="hint">
          <Icon name="lock" /> Nothing is sent anywhere until you test or save.
        </p>
      )}
    </div>
  );
}
