// Asking the API from a component: an answer, an error, and `again`. A newer question aborts the older one; what is
// shown stays until the new answer is there.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get } from './api';
import { listen } from './live';

export interface Asked<T> {
  data: T | undefined;
  error: unknown;
  again: () => void;
  set: (data: T) => void;
}

// `path` null asks nothing. With `follows`, it asks again whenever something may have changed.
export function useGet<T>(path: string | null, follows?: (monitor: string) => boolean): Asked<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: unknown }>({ path });
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const wanted = useRef(follows);
  wanted.current = follows;

  useEffect(() => {
    if (path === null) return undefined;
    const abort = new AbortController();
    get<T>(path, abort.signal)
      .then((data) => setState({ path, data }))
      .catch((error) => {
        if (error.name === 'AbortError') return;
        setState((before) =>
          before.path === path && before.data !== undefined ? { ...before, error } : { path, error },
        );
      });
    return () => abort.abort();
  }, [path, turn]);

  useEffect(() => {
    if (!wanted.current) return undefined;
    return listen((change) => {
      if (change === null || wanted.current?.(change.monitor)) again();
    });
  }, [again]);

  const current = state.path === path ? state : undefined;
  return { data: current?.data, error: current?.error, again, set: (data) => setState({ path, data }) };
}
