import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { anonymous, nowhere } from '../core/context.ts';
import { hashOf } from '../core/crypto.ts';
import type { Database } from '../core/database.ts';
import { Refused } from '../core/errors.ts';
import { createCache } from './cache.ts';
import { type Caller, expired, findCallers, type Identity } from './callers.ts';
import type { VerifyToken } from './verifyToken.ts';
import { within } from './within.ts';

/** How long an answer is believed. With the check of open streams it bounds how long a revoked key works. */
const ttlMs = 2_000;
const maxCached = 10_000;
const usedEveryMs = 60_000;
/** The database or the token issuer hang by then. */
const timeoutMs = 10_000;
/** Callers looked up in one statement. */
const batch = 1_000;

export interface Authenticator {
  /** Who sent this credential. Refuses a credential that is unknown, revoked, expired or of somebody who may not sign in. */
  authenticate(credential: string | null): Promise<Caller>;
  /** The same callers as they are now, or the refusal for those whose credential no longer holds. */
  stillValid(callers: readonly Caller[]): Promise<(Caller | Refused)[]>;
}

/** Somebody without a credential: has no rights, sees no rows, and may ask `{ __typename }`. */
export const nobody: Caller = {
  viewer: anonymous,
  workspace: nowhere,
  identity: null,
  expiresAt: null,
  lastUsedAt: null,
};

const isToken = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;

/** Turns credentials into callers, by the database and the token issuer's keys. */
export function createAuthenticator(services: {
  db: Database;
  clock: Clock;
  log: Logger;
  verifyToken: VerifyToken;
}): Authenticator {
  const { db, clock, log } = services;
  const recent = createCache<Promise<Caller>>({ maxWeight: maxCached, ttlMs });

  async function lookUp(credential: string): Promise<Caller> {
    const identity: Identity = isToken.test(credential)
      ? await services.verifyToken(credential)
      : { kind: 'apiKey', hash: hashOf(credential) };
    const [caller] = await findCallers(db, [identity], clock.now());
    if (!caller || caller instanceof Refused) throw caller;
    noteUse(caller);
    return caller;
  }

  /** Not awaited: that a key was used is worth no caller's time. */
  function noteUse({ viewer, lastUsedAt }: Caller): void {
    const now = clock.now();
    const before = new Date(now.getTime() - usedEveryMs);
    if (viewer.kind !== 'apiKey' || (lastUsedAt && lastUsedAt > before)) return;
    const stale = { OR: [{ lastUsedAt: null }, { lastUsedAt: { lte: before } }] };
    db.apiKey
      .updateMany({ where: { id: viewer.id, ...stale }, data: { lastUsedAt: now } })
      .catch((error: unknown) => log.debug({ error }, 'the use of an API key was not noted'));
  }

  return {
    async authenticate(credential) {
      if (credential === null) return nobody;
      const key = hashOf(credential);
      let found = recent.get(key);
      if (!found) {
        found = within(timeoutMs, lookUp(credential), () => {
          throw new Refused('UNAVAILABLE', 'Who you are cannot be checked at present; try again.');
        });
        recent.set(key, found);
        found.catch(() => recent.delete(key));
      }
      const caller = await found;
      if (caller.expiresAt && caller.expiresAt <= clock.now())
        throw expired(caller.identity?.kind === 'token' ? 'token' : 'API key');
      return caller;
    },
    async stillValid(callers) {
      const answers: (Caller | Refused)[] = [];
      for (let start = 0; start < callers.length; start += batch) {
        const identities = callers.slice(start, start + batch).map((caller) => caller.identity as Identity);
        answers.push(...(await findCallers(db, identities, clock.now())));
      }
      return answers;
    },
  };
}
