// Signing in. The code of an authenticator app is asked only when the server wants one.
import { useEffect, useState } from 'preact/hooks';
import { post, Problem, session, type Session } from '../api';
import { Button, ProblemBox, TextField } from '../ui';

export function SignIn() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [wantsCode, setWantsCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => void (document.title = 'Sign in · Everup'), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      session.value = await post<Session>('/session', {
        email,
        password,
        ...(code ? { code: code.replace(/\s/g, '') } : {}),
      });
    } catch (problem) {
      const asks =
        problem instanceof Problem &&
        (/code|totp/.test(problem.code) || problem.errors.some((one) => one.pointer === '#/code'));
      if (asks && !wantsCode) setWantsCode(true);
      else if (problem instanceof Problem && problem.status === 404) {
        setError(new Error('This server has no accounts with passwords. Use the command line or the API with a key.'));
      } else setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const insecure = location.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(location.host);
  return (
    <main class="alone">
      <form class="sign-in" onSubmit={(event) => void submit(event)}>
        <h1>
          <svg class="logo" viewBox="0 0 32 32" width="36" height="36" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M8 23.5V18.5M16 23.5V13.5M24 23.5V8.5" />
          </svg>
          Sign in to Everup
        </h1>
        {insecure && (
          <p class="box warn">This page came over plain http: passwords can be read on the way. Put https before it.</p>
        )}
        <ProblemBox error={error} />
        <TextField
          label="E-mail"
          type="email"
          value={email}
          onValue={setEmail}
          input={{ autocomplete: 'username', required: true, autofocus: true }}
        />
        <TextField
          label="Password"
          type="password"
          value={password}
          onValue={setPassword}
          input={{ autocomplete: 'current-password', required: true }}
        />
        {wantsCode && (
          <TextField
            label="Code"
            value={code}
            onValue={setCode}
            hint="From your authenticator app, or a recovery code."
            input={{ autocomplete: 'one-time-code', inputMode: 'numeric', required: true, autofocus: true }}
          />
        )}
        <Button submit kind="primary" busy={busy}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
