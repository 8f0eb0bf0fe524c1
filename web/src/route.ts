// Where we are: the address bar is the only state of navigation, so every view can be linked and reloaded.
import { computed, signal } from '@preact/signals';

const kBase = '/app/';
const here = signal(new URL(location.href));

export const parts = computed(() =>
  here.value.pathname
    .slice(kBase.length)
    .split('/')
    .filter(Boolean)
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part; // a broken escape is shown as it is
      }
    }),
);
export const search = computed(() => here.value.searchParams);
export const parameter = (name: string): string => search.value.get(name) ?? '';

export function go(path: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  const before = here.value.pathname;
  here.value = new URL(location.href);
  if (before !== here.value.pathname) scrollTo(0, 0);
}

// Changes query parameters of this page; null takes one away.
export function setQuery(changes: Record<string, string | string[] | null>): void {
  const url = new URL(here.value);
  for (const [name, value] of Object.entries(changes)) {
    url.searchParams.delete(name);
    for (const one of Array.isArray(value) ? value : value ? [value] : []) url.searchParams.append(name, one);
  }
  go(url.pathname + url.search, true);
}

function followed(event: MouseEvent): HTMLAnchorElement | null {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return null;
  const link = (event.target as Element).closest?.('a');
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return null;
  return link.pathname.startsWith(kBase) ? link : null;
}

addEventListener('popstate', () => (here.value = new URL(location.href)));
document.addEventListener('click', (event) => {
  const link = followed(event);
  if (!link) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
});
