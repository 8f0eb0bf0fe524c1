// The small parts that every page is made of. Nothing here knows a page or asks the server.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Problem } from './api';
import { ago, dateTime, ms, zone } from './time';
import type { State, Verdict } from './types';

// ---- icons: 16 px, drawn with the text's colour
const kIcons = {
  monitors: 'M2 12.5V9M6 12.5V6M10 12.5V8M14 12.5V3.5',
  incidents: 'M8 2 14.5 13.5H1.5ZM8 6.5V9.5M8 11.4V11.5',
  maintenance: 'M10.2 2.3A3.6 3.6 0 0 0 6.3 7.2L2 11.5 4.5 14 8.8 9.7A3.6 3.6 0 0 0 13.7 5.8L11.4 8 8.6 7.4 8 4.6Z',
  alerting: 'M8 1.8V3M3.5 11.5H12.5C11.5 10.4 11.6 9 11.6 7A3.6 3.6 0 0 0 4.4 7C4.4 9 4.5 10.4 3.5 11.5ZM6.7 13.6H9.3',
  settings: 'M2 4.5H8M12 4.5H14M2 11.5H4M8 11.5H14M10 2.7V6.3M6 9.7V13.3',
  health: 'M1.5 8H4.5L6.5 3.5 9.5 12.5 11.5 8H14.5',
  plus: 'M8 3V13M3 8H13',
  search: 'M7 2.5A4.5 4.5 0 1 1 7 11.5 4.5 4.5 0 0 1 7 2.5ZM10.4 10.4 14 14',
  close: 'M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5',
  menu: 'M2 4H14M2 8H14M2 12H14',
  pause: 'M5.5 3.5V12.5M10.5 3.5V12.5',
  play: 'M5 3V13L13 8Z',
  refresh: 'M13.5 8A5.5 5.5 0 1 1 11.8 4M13.5 2V5H10.5',
  edit: 'M3 13 3.5 10.5 10.8 3.2 12.8 5.2 5.5 12.5ZM9.5 4.5 11.5 6.5',
  trash: 'M2.5 4.5H13.5M6 4V2.5H10V4M4 4.5 4.6 13.5H11.4L12 4.5M6.7 7V11M9.3 7V11',
  link: 'M6.5 9.5 9.5 6.5M7 4.5 8.5 3A3 3 0 0 1 13 7.5L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.5 7',
  copy: 'M5.5 5.5H13.5V13.5H5.5ZM10.5 5.5V2.5H2.5V10.5H5.5',
  check: 'M3 8.5 6.5 12 13 4.5',
  back: 'M10 3 5 8 10 13',
  lock: 'M3.5 7.5H12.5V13.5H3.5ZM5.5 7.5V5A2.5 2.5 0 0 1 10.5 5V7.5',
  person: 'M8 2.5A2.7 2.7 0 1 1 8 7.9 2.7 2.7 0 0 1 8 2.5ZM2.8 13.7C3.3 11.2 5.3 9.9 8 9.9S12.7 11.2 13.2 13.7',
};
export type IconName = keyof typeof kIcons;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={kIcons[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.4"
        stroke-linejoin="round"
        stroke-linecap="round"
      />
    </svg>
  );
}

// ---- states: a shape and a colour each, so that neither stands alone
const kStateMarks: Record<string, string> = {
  up: 'M3.2 8.4 6.6 11.8 12.8 4.8',
  degraded: 'M2.5 9.5C4.5 5.5 6.2 5.5 8 8S11.5 10.5 13.5 6.5',
  down: 'M4 4 12 12M12 4 4 12',
  unknown: 'M5.6 6A2.4 2.4 0 1 1 8 8.8V9.8M8 12.3V12.4',
  inconclusive: 'M5.6 6A2.4 2.4 0 1 1 8 8.8V9.8M8 12.3V12.4',
  maintenance: 'M4 12 12 4M8.5 3.2A3.5 3.5 0 0 0 12.8 7.5',
  paused: 'M6 4.5V11.5M10 4.5V11.5',
};
const kStateNames: Record<string, string> = {
  up: 'Up',
  degraded: 'Degraded',
  down: 'Down',
  unknown: 'Unknown',
  inconclusive: 'Inconclusive',
  maintenance: 'Maintenance',
  paused: 'Paused',
  missed: 'Missed',
};
export const stateName = (state: string): string => kStateNames[state] ?? state;

export function Mark({ state }: { state: State | Verdict | string }) {
  return (
    <svg class={`mark s-${state}`} viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" focusable="false">
      <circle cx="8" cy="8" r="8" />
      <path d={kStateMarks[state] ?? kStateMarks['unknown']!} />
    </svg>
  );
}

export function StateWord({ state, big }: { state: string; big?: boolean }) {
  return (
    <span class={`state t-${state}${big ? ' big' : ''}`}>
      <Mark state={state} />
      {stateName(state)}
    </span>
  );
}

// ---- time
export function When({ at, relative }: { at: string | null; relative?: boolean }) {
  if (!at) return <span class="muted">–</span>;
  return (
    <time dateTime={at} title={`${dateTime(ms(at), true)} (${zone.value})`}>
      {relative ? ago(at) : dateTime(ms(at))}
    </time>
  );
}

// ---- buttons
export interface ButtonProps {
  icon?: IconName;
  label?: string; // when there is no text
  kind?: 'primary' | 'danger' | 'quiet';
  busy?: boolean;
  disabled?: boolean;
  submit?: boolean;
  pressed?: boolean;
  onClick?: (event: MouseEvent) => void;
  children?: ComponentChildren;
}
export function Button(props: ButtonProps) {
  const { icon, label, kind, busy, disabled, submit, pressed, onClick, children } = props;
  return (
    <button
      type={submit ? 'submit' : 'button'}
      class={`button ${kind ?? ''} ${children ? '' : 'square'}`}
      disabled={disabled || busy}
      aria-busy={busy}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {children && <span>{children}</span>}
    </button>
  );
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http has no clipboard: a selected text area is what is left.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'offscreen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

export function CopyButton({ text, children }: { text: string; children?: ComponentChildren }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    const done = await copyText(text);
    setCopied(done);
    say(done ? 'Copied.' : 'Could not copy; select the text instead.', done ? 'good' : 'bad');
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <Button icon={copied ? 'check' : 'copy'} kind="quiet" onClick={copy}>
      {children ?? 'Copy'}
    </Button>
  );
}

// ---- fields
export interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  optional?: boolean;
  children: (ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }) => ComponentChildren;
}
export function Field({ label, hint, error, optional, children }: FieldProps) {
  const id = useId();
  const described = [error && `${id}-e`, hint && `${id}-h`].filter(Boolean).join(' ');
  return (
    <div class={`field${error ? ' wrong' : ''}`}>
      <label for={id}>
        {label}
        {optional && <span class="muted"> (optional)</span>}
      </label>
      {children({
        id,
        ...(described ? { 'aria-describedby': described } : {}),
        ...(error ? { 'aria-invalid': true } : {}),
      })}
      {error && (
        <p class="error" id={`${id}-e`}>
          {error}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-h`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export interface TextProps extends Omit<FieldProps, 'children'> {
  value: string;
  onValue: (value: string) => void;
  type?: 'text' | 'email' | 'password' | 'url' | 'number' | 'datetime-local';
  rows?: number;
  input?: {
    autocomplete?: string;
    required?: boolean;
    autofocus?: boolean;
    inputMode?: 'numeric' | 'url';
    maxLength?: number;
    min?: number;
    max?: number;
    placeholder?: string;
    spellcheck?: boolean;
  };
}
export function TextField({ value, onValue, type, rows, input, ...field }: TextProps) {
  const { autofocus, ...rest } = input ?? {};
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (autofocus) box.current?.focus();
  }, []);
  const attributes = { ...rest, type: type ?? 'text', value } as JSX.IntrinsicElements['input'];
  return (
    <Field {...field}>
      {(ids) =>
        rows ? (
          <textarea
            {...ids}
            rows={rows}
            value={value}
            spellcheck={false}
            onInput={(event) => onValue(event.currentTarget.value)}
          />
        ) : (
          <input {...ids} {...attributes} ref={box} onInput={(event) => onValue(event.currentTarget.value)} />
        )
      }
    </Field>
  );
}

export interface SelectProps extends Omit<FieldProps, 'children'> {
  value: string;
  onValue: (value: string) => void;
  options: [value: string, text: string][];
}
export function SelectField({ value, onValue, options, ...field }: SelectProps) {
  return (
    <Field {...field}>
      {(ids) => (
        <select {...ids} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map(([option, text]) => (
            <option key={option} value={option} selected={option === value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function CheckField(props: { label: string; checked: boolean; onValue: (on: boolean) => void; hint?: string }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.checked} onChange={(event) => props.onValue(event.currentTarget.checked)} />
      <span>
        {props.label}
        {props.hint && <small>{props.hint}</small>}
      </span>
    </label>
  );
}

// ---- segmented choice: one tab stop, arrows choose
export function Choice(props: {
  label: string;
  value: string;
  options: [string, string][];
  onValue: (v: string) => void;
}) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="offscreen">{props.label}</legend>
      {props.options.map(([value, text]) => (
        <label key={value}>
          <input type="radio" name={name} checked={props.value === value} onChange={() => props.onValue(value)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

// ---- what went wrong
export function ProblemBox({ error, children }: { error: unknown; children?: ComponentChildren }) {
  if (!error) return null;
  const problem = error instanceof Problem ? error : null;
  return (
    <div class="box bad" role="alert">
      <p>
        <strong>{problem ? problem.message : String((error as Error).message ?? error)}</strong>
      </p>
      {problem && problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((one, i) => (
            <li key={i}>
              <code>{one.pointer ?? one.parameter ?? ''}</code> {one.detail}
            </li>
          ))}
        </ul>
      )}
      {children}
    </div>
  );
}

// The text for a field out of a 422, found by its JSON pointer.
export function errorAt(error: unknown, pointer: string): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  return error.errors.find((one) => one.pointer === pointer || one.pointer?.startsWith(pointer + '/'))?.detail;
}

export const Loading = () => (
  <p class="loading muted" role="status">
    Loading…
  </p>
);

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Card(props: { title: string; id?: string; aside?: ComponentChildren; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="card" aria-labelledby={id} id={props.id}>
      <header>
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

// ---- toasts: said politely, gone after a while, at most four
interface Toast {
  id: number;
  text: string;
  kind: 'good' | 'bad';
}
const toasts = signal<Toast[]>([]);
let nextToast = 1;
export function say(text: string, kind: 'good' | 'bad' = 'good'): void {
  const id = nextToast++;
  toasts.value = [...toasts.value.slice(-3), { id, text, kind }];
  setTimeout(() => (toasts.value = toasts.value.filter((one) => one.id !== id)), kind === 'bad' ? 9000 : 4000);
}
export const complain = (error: unknown): void => {
  if ((error as Error).name !== 'AbortError') say((error as Error).message, 'bad');
};
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => (
        <p key={one.id} class={one.kind}>
          {one.text}
        </p>
      ))}
    </div>
  );
}

// ---- dialogs: the browser's own, so focus and Escape are right
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.showModal();
    box.current?.querySelector<HTMLElement>('form input, form select, form textarea, footer .primary')?.focus();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={box}
      class={props.wide ? 'wide' : ''}
      aria-labelledby={id}
      onClose={props.onClose}
      onClick={(event) => event.target === box.current && box.current?.close()}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{props.title}</h2>
          <Button icon="close" kind="quiet" label="Close" onClick={() => box.current?.close()} />
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

interface Question {
  title: string;
  text: string;
  yes: string;
  answer: (yes: boolean) => void;
}
const question = signal<Question | null>(null);
export function confirmed(title: string, text: string, yes: string): Promise<boolean> {
  return new Promise((answer) => (question.value = { title, text, yes, answer }));
}
export function Questions() {
  const asked = question.value;
  if (!asked) return null;
  const end = (yes: boolean) => {
    question.value = null;
    asked.answer(yes);
  };
  return (
    <Dialog title={asked.title} onClose={() => end(false)}>
      <p>{asked.text}</p>
      <footer>
        <Button onClick={() => end(false)}>Cancel</Button>
        <Button kind="danger" onClick={() => end(true)}>
          {asked.yes}
        </Button>
      </footer>
    </Dialog>
  );
}
