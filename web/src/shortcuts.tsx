// Keys: one listener; a page says what its keys do while it is shown. Never while one types, never with a modifier.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { go } from './route';
import { session } from './api';
import { store, stored } from './time';
import { CheckField, Dialog } from './ui';

export const shortcutsOpen = signal(false);
export type Keys = Record<string, () => void>;
const pages: Keys[] = [];

const kShown: [string, string][] = [
  ['/', 'Search monitors'],
  ['n', 'New monitor'],
  ['j', 'Next row'],
  ['k', 'Previous row'],
  ['Enter', 'Open the row'],
  ['x', 'Select the row'],
  ['g m', 'Go to monitors'],
  ['g i', 'Go to incidents'],
  ['c', 'Check now (on a monitor’s page)'],
  ['e', 'Edit (on a monitor’s page)'],
  ['?', 'This list'],
];

export function useKeys(keys: Keys): void {
  useEffect(() => {
    pages.push(keys);
    return () => void pages.splice(pages.indexOf(keys), 1);
  });
}

export const keysOn = signal(stored('everup.keys') !== 'off');

function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return Boolean(element?.closest?.('input:not([type=checkbox]):not([type=radio]), textarea, select, dialog'));
}

let afterG = 0;
const kGlobal: Keys = {
  '?': () => (shortcutsOpen.value = true),
  n: () => go('/app/monitors/new'),
  '/': () => go('/app/?find=1'),
};
const kPlaces: Keys = { m: () => go('/app/'), i: () => go('/app/incidents') };

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !session.value || !keysOn.value) return;
  if (event.key === 'Enter' && (event.target as Element).closest?.('a, button, summary, label, input')) return;
  const wentG = Date.now() - afterG < 1200;
  afterG = event.key === 'g' ? Date.now() : 0;
  const keys = wentG ? [kPlaces] : [...pages.toReversed(), kGlobal];
  const found = keys.find((one) => one[event.key]);
  if (!found) return;
  event.preventDefault();
  found[event.key]!();
});

export function Shortcuts() {
  if (!shortcutsOpen.value) return null;
  return (
    <Dialog title="Keyboard" onClose={() => (shortcutsOpen.value = false)}>
      <dl class="keys">
        {kShown.map(([key, text]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <CheckField
        label="Use these keys"
        checked={keysOn.value}
        onValue={(on) => {
          keysOn.value = on;
          store('everup.keys', on ? '' : 'off');
        }}
      />
    </Dialog>
  );
}
