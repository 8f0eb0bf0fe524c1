// Runs before the first paint: sets the chosen colour scheme, so that a dark room stays dark.
try {
  const chosen = localStorage.getItem('everup.theme');
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset['theme'] = chosen;
} catch {
  // Storage may be forbidden; the system's scheme is used.
}
export {};
