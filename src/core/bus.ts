import { EventEmitter } from 'node:events';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';

/**
 * Carries hints between processes: "workspace W has events up to position P". A hint only wakes readers
 * up; what they read is the log. A lost hint costs a poll interval, never an event.
 */
export interface Bus {
  publish(hint: Hint): void;
  /** Returns the function that ends the listening. */
  listen(listener: (hint: Hint) => void): () => void;
  /** `degraded`: other processes cannot be reached at present; readers poll. */
  state(): 'ok' | 'degraded';
  close(): Promise<void>;
}

export interface Hint {
  workspaceId: string;
  /** Decimal, since JSON has no big integers. */
  position: string;
}

const channel = 'frontdesk:events';

/** A bus inside one process, for a gateway that runs alone. Several processes without Redis follow the log by polling. */
export function openLocalBus(): Bus {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    publish: (hint) => emitter.emit('hint', hint),
    listen: (listener) => {
      emitter.on('hint', listener);
      return () => emitter.off('hint', listener);
    },
    state: () => 'ok',
    close: async () => {},
  };
}

/** A bus over Redis. Own hints are delivered at once, without the round trip; while Redis is away only those are. */
export function openRedisBus(url: string, log: Logger): Bus {
  const local = openLocalBus();
  const origin = `${process.pid}-${Math.random().toString(36).slice(2)}`;
  const options = {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 2_000) * (0.5 + Math.random() / 2),
  };
  const sender = new Redis(url, { ...options, commandTimeout: 2_000 });
  const receiver = new Redis(url, { ...options, autoResubscribe: false });
  let sending = true;
  let receiving = false;
  let reported = true;
  let closed = false;

  const healthy = () => sending && receiving && sender.status === 'ready' && receiver.status === 'ready';
  /** Logs when it breaks and when it has come back. A connection that is not there yet has not broken. */
  const note = (failure?: string) => {
    if (closed || healthy() === reported || (reported && !failure)) return;
    reported = !reported;
    if (reported) log.info('bus: Redis is back');
    else log.warn({ reason: failure }, 'bus: Redis is away, readers poll');
  };
  const sent = (failure?: string) => {
    sending = failure === undefined;
    note(failure);
  };
  const received = (failure?: string) => {
    receiving = failure === undefined;
    note(failure);
  };
  sender.on('ready', () => sent());
  sender.on('error', (error: Error) => note(error.message));
  sender.on('close', () => note('connection closed'));
  receiver.on('ready', () => {
    receiver.subscribe(channel).then(
      () => received(),
      (error: Error) => received(error.message),
    );
  });
  receiver.on('error', (error: Error) => note(error.message));
  receiver.on('close', () => received('connection closed'));
  receiver.on('message', (_, text: string) => {
    const message = parse(text);
    if (message && message.origin !== origin && !closed) local.publish(message);
  });

  return {
    publish: (hint) => {
      local.publish(hint);
      sender.publish(channel, JSON.stringify({ ...hint, origin })).then(
        () => sent(),
        (error: Error) => sent(error.message),
      );
    },
    listen: local.listen,
    state: () => (healthy() ? 'ok' : 'degraded'),
    close: async () => {
      closed = true;
      sender.disconnect();
      receiver.disconnect();
    },
  };
}

/** Null for what is no hint: others may use the same Redis. */
function parse(text: string): (Hint & { origin: unknown }) | null {
  try {
    const message = JSON.parse(text);
    return typeof message.workspaceId === 'string' && /^\d{1,18}$/.test(message.position) ? message : null;
  } catch {
    return null;
  }
}
