import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { Refused } from '../core/errors.ts';
import type { Authenticator } from './authenticate.ts';
import { type Caller, expired } from './callers.ts';

/** Twice within the five seconds in which a withdrawn right must take effect. */
const everyMs = 2_000;

/** A caller who stays: an open WebSocket or event stream. */
export interface Session {
  /** As of the last check; running streams read it anew for each event. */
  readonly caller: Caller;
  close(): void;
}

export interface Sessions {
  /** @param end is called once, when the credential no longer holds. */
  open(caller: Caller, end: (refusal: Refused) => void): Session;
  stop(): void;
}

interface Entry {
  caller: Caller;
  end: (refusal: Refused) => void;
}

/**
 * Authenticates everyone with an open stream again, every other second and in one go: sessions of the
 * same credential are one question.
 */
export function createSessions(authenticator: Authenticator, clock: Clock, log: Logger): Sessions {
  const open = new Set<Entry>();
  let checking = false;
  let reachable = true;

  function end(entry: Entry, refusal: Refused): void {
    if (open.delete(entry)) entry.end(refusal);
  }

  async function check(): Promise<void> {
    const now = clock.now();
    for (const entry of open) {
      const { expiresAt, identity } = entry.caller;
      if (expiresAt && expiresAt <= now)
        end(entry, expired(identity?.kind === 'token' ? 'token' : 'API key'));
    }
    const groups = Map.groupBy(open, (entry) => JSON.stringify(entry.caller.identity));
    const entries = [...groups.values()];
    const answers = await authenticator.stillValid(entries.map(([first]) => (first as Entry).caller));
    answers.forEach((answer, n) => {
      for (const entry of entries[n] ?? []) {
        if (answer instanceof Refused) end(entry, answer);
        else entry.caller = answer;
      }
    });
  }

  const timer = setInterval(async () => {
    if (checking || open.size === 0) return;
    checking = true;
    try {
      await check();
      reachable = true;
    } catch (error) {
      // Without the database no stream delivers anything, so nobody sees what they should not.
      if (reachable) log.warn({ error }, 'open streams cannot be authenticated again; trying on');
      reachable = false;
    } finally {
      checking = false;
    }
  }, everyMs);
  timer.unref();

  return {
    open(caller, whenOver) {
      const entry: Entry = { caller, end: whenOver };
      if (caller.identity) open.add(entry);
      return {
        get caller() {
          return entry.caller;
        },
        close: () => void open.delete(entry),
      };
    },
    stop: () => clearInterval(timer),
  };
}
