import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { Refused } from '../core/errors.ts';
import type { Authenticator } from './authenticate.ts';
import { type Caller, expired } from './callers.ts';

/** Twice within the five seconds in which a withdrawn right must take effect, when nothing is heard of it. */
const everyMs = 2_000;

/** A caller who stays: an open WebSocket or event stream. */
export interface Session {
  /** As of the last check; running streams read it anew for each event. */
  caller: Caller;
  close(): void;
}

export interface Sessions {
  /**
   * Refuses one more than the limit for a credential.
   * @param end is called once, when the credential no longer holds.
   */
  open(caller: Caller, end: (refusal: Refused) => void): Session;
  /** Looks at once whether all may still do what they could. */
  check(): void;
  /** Calls with the sessions whose rights are others than before. */
  onChange(listener: (changed: ReadonlySet<Session>) => void): void;
  stop(): void;
}

export interface SessionsOptions {
  authenticator: Authenticator;
  clock: Clock;
  log: Logger;
  /** Open at a time with one credential; without one, they share a limit. */
  maxPerKey: number;
  /** What a change of the caller means to running streams: the same text, no change. */
  rightsOf: (caller: Caller) => string;
}

/** Sessions of one credential: one question, and one answer for all. */
interface Holder {
  caller: Caller;
  rights: string;
  sessions: Map<Session, (refusal: Refused) => void>;
}

/** Authenticates everyone with an open stream again, every other second and in one go. */
export function createSessions({
  authenticator,
  clock,
  log,
  maxPerKey,
  rightsOf,
}: SessionsOptions): Sessions {
  const holders = new Map<string, Holder>();
  const listeners: ((changed: ReadonlySet<Session>) => void)[] = [];
  let checking = false;
  let again = false;
  let reachable = true;

  function end(holder: Holder, refusal: Refused): void {
    for (const [session, whenOver] of holder.sessions) {
      session.close();
      whenOver(refusal);
    }
  }

  async function check(): Promise<void> {
    const now = clock.now();
    for (const holder of holders.values()) {
      const { expiresAt, identity } = holder.caller;
      if (expiresAt && expiresAt <= now)
        end(holder, expired(identity?.kind === 'token' ? 'token' : 'API key'));
    }
    const asked = [...holders.values()].filter(({ caller }) => caller.identity);
    if (asked.length === 0) return;
    const answers = await authenticator.stillValid(asked.map(({ caller }) => caller));
    const changed = new Set<Session>();
    for (const [n, holder] of asked.entries()) {
      const answer = answers[n] as Caller | Refused;
      if (answer instanceof Refused) {
        end(holder, answer);
        continue;
      }
      holder.caller = answer;
      for (const session of holder.sessions.keys()) session.caller = answer;
      const rights = rightsOf(answer);
      if (rights === holder.rights) continue;
      holder.rights = rights;
      for (const session of holder.sessions.keys()) changed.add(session);
    }
    if (changed.size > 0) for (const listener of listeners) listener(changed);
  }

  async function checkAll(): Promise<void> {
    if (holders.size === 0) return;
    again = checking;
    if (checking) return;
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
    if (again) await checkAll();
  }

  const timer = setInterval(() => void checkAll(), everyMs);
  timer.unref();

  return {
    open(caller, whenOver) {
      const key = JSON.stringify(caller.identity);
      let holder = holders.get(key);
      if (!holder) {
        holder = { caller, rights: rightsOf(caller), sessions: new Map() };
        holders.set(key, holder);
      }
      const { sessions } = holder;
      if (sessions.size >= maxPerKey)
        throw new Refused(
          'LIMIT_EXCEEDED',
          `This credential has too many open streams: at most ${maxPerKey}.`,
          {
            limit: 'socketsPerKey',
            max: maxPerKey,
          },
        );
      const session: Session = {
        caller: holder.caller,
        close() {
          if (sessions.delete(session) && sessions.size === 0) holders.delete(key);
        },
      };
      sessions.set(session, whenOver);
      return session;
    },
    check: () => void checkAll(),
    onChange: (listener) => void listeners.push(listener),
    stop: () => clearInterval(timer),
  };
}
