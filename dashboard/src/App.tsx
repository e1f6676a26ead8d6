import { MantineProvider } from '@mantine/core';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { currentSession, farewell, rememberedKey, SessionProvider, signIn } from './api/session.tsx';
import { useStore } from './api/store.ts';
import { router } from './router.tsx';
import { nonce } from './shell/nonce.ts';
import { SignIn } from './shell/SignIn.tsx';
import { schemeManager, theme } from './theme.ts';

export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={schemeManager}
      getStyleNonce={() => nonce ?? ''}
    >
      <Entrance />
    </MantineProvider>
  );
}

/** The dashboard for whoever is signed in, the door for everybody else. */
function Entrance() {
  const session = useStore(currentSession);
  const because = useStore(farewell);
  const [returning, setReturning] = useState(rememberedKey() !== null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    const key = rememberedKey();
    if (!key || currentSession.get()) return;
    signIn(key)
      .catch((error: Error) => setProblem(error.message))
      .finally(() => setReturning(false));
  }, []);

  if (session)
    return (
      <SessionProvider session={session}>
        <RouterProvider router={router} />
      </SessionProvider>
    );
  return returning ? <div className="door" aria-busy="true" /> : <SignIn problem={because ?? problem} />;
}
