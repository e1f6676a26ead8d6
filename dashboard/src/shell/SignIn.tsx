import './SignIn.css';
import { Alert, Button, PasswordInput } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { rememberedKey, signIn } from '../api/session.tsx';
import { Brand } from './Brand.tsx';

export function SignIn({ problem: given }: { problem: string | null }) {
  // It is still there when the gateway could not be reached.
  const [key, setKey] = useState(rememberedKey() ?? '');
  const [problem, setProblem] = useState(given);
  const [busy, setBusy] = useState(false);

  async function enter(event: FormEvent) {
    event.preventDefault();
    const trimmed = key.trim();
    if (!trimmed) return setProblem('Enter a key first.');
    setBusy(true);
    setProblem(null);
    await signIn(trimmed).catch((error: Error) => setProblem(error.message));
    setBusy(false);
  }

  return (
    <main className="door">
      <form className="door-card" onSubmit={enter}>
        <Brand size={40} />
        <h1>Sign in to Frontdesk</h1>
        <p className="muted">With the API key of your business.</p>
        {problem && (
          <Alert color="red" icon={<IconAlertCircle />} role="alert">
            {problem}
          </Alert>
        )}
        <PasswordInput
          label="API key"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          autoComplete="current-password"
          data-autofocus
          autoFocus
          spellCheck={false}
          size="md"
        />
        <Button type="submit" loading={busy} size="md" fullWidth>
          Sign in
        </Button>
        <p className="hint">
          The first key is printed when Frontdesk is first started. The dashboard keeps it for this tab only
          and forgets it when the tab is closed.
        </p>
      </form>
    </main>
  );
}
