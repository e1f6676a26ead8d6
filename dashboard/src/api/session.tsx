import { createContext, type ReactNode, useContext } from 'react';
import { Provider } from 'urql';
import type { Permission, SignInQuery } from '../generated/graphql.ts';
import { createFeed, type Feed } from './feed.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { graphql } from './graphql.ts';
import { Problem } from './problem.ts';
import { createStore } from './store.ts';

const storageKey = 'frontdesk-key';

export type Viewer = NonNullable<SignInQuery['viewer']>;

/** Who is signed in, and what they work with. */
export interface Session {
  viewer: Viewer;
  gateway: Gateway;
  feed: Feed;
  may(permission: Permission): boolean;
}

export const currentSession = createStore<Session | null>(null);

/** Why the gateway ended the last session; null when whoever was signed in left by themselves. */
export const farewell = createStore<string | null>(null);

const whoAmI = graphql(`
  query SignIn { viewer { kind role permissions workspace { name timeZone currency } user { displayName } } }
`);

/** The key is kept for this tab alone. */
export const rememberedKey = () => sessionStorage.getItem(storageKey);

/** Throws a Problem when the key is not accepted, or cannot be used here. */
export async function signIn(key: string): Promise<void> {
  const gateway = createGateway(key);
  try {
    const { viewer } = await gateway.ask(whoAmI, {});
    if (!viewer) throw new Problem('UNAUTHENTICATED', 'This key is not known.');
    if (viewer.kind === 'CUSTOMER')
      throw new Problem('FORBIDDEN', 'The dashboard is for those who work here, not for customers.');
    const may = (permission: Permission) => viewer.permissions.includes(permission);
    if (!may('ACTIVITIES_READ'))
      throw new Problem('FORBIDDEN', 'This key may not read activities, which the dashboard lives on.');
    sessionStorage.setItem(storageKey, key);
    farewell.set(null);
    currentSession.set({ viewer, gateway, feed: createFeed(gateway), may });
    gateway.connection.listen(() => {
      const connection = gateway.connection.get();
      // What is on the page is no longer for whoever sits before it.
      if (connection.state === 'ended' && currentSession.get()?.gateway === gateway)
        signOut(connection.words);
    });
  } catch (error) {
    gateway.close();
    if (error instanceof Problem && error.code === 'KEY_EXPIRED') sessionStorage.removeItem(storageKey);
    if (error instanceof Problem && error.code === 'UNAUTHENTICATED') {
      sessionStorage.removeItem(storageKey);
      throw new Problem(error.code, 'This key is not known, or no longer valid.');
    }
    throw error;
  }
}

export function signOut(because: string | null = null): void {
  const session = currentSession.get();
  sessionStorage.removeItem(storageKey);
  farewell.set(because);
  currentSession.set(null);
  session?.feed.stop();
  session?.gateway.close();
}

const SessionContext = createContext<Session | null>(null);

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return (
    <Provider value={session.gateway.urql}>
      <SessionContext value={session}>{children}</SessionContext>
    </Provider>
  );
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('Nobody is signed in here.');
  return session;
}
