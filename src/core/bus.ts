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
  const sender = new Redis(url, options);
  const receiver = new Redis(url, { ...options, enableOfflineQueue: true, maxRetriesPerRequest: null });
  let healthy = true;

  const note = (now: boolean, reason?: string) => {
    if (now === healthy) return;
    healthy = now;
    if (now) log.info('bus: Redis is back');
    else log.warn({ reason }, 'bus: Redis is away, readers poll');
  };
  for (const client of [sender, receiver]) {
    client.on('error', (error: Error) => note(false, error.message));
    client.on('close', () => note(false, 'connection closed'));
  }
  receiver.on('ready', () => note(true));
  // ioredis subscribes again by itself after a reconnect.
  void receiver.subscribe(channel).catch((error: Error) => note(false, error.message));
  receiver.on('message', (_, text: string) => {
    const message = JSON.parse(text) as Hint & { origin: string };
    if (message.origin !== origin) local.publish(message);
  });

  return {
    publish: (hint) => {
      local.publish(hint);
      sender.publish(channel, JSON.stringify({ ...hint, origin })).catch((error: Error) => note(false, error.message));
    },
    listen: local.listen,
    state: () => (healthy && sender.status === 'ready' && receiver.status === 'ready' ? 'ok' : 'degraded'),
    close: async () => {
      sender.disconnect();
      receiver.disconnect();
    },
  };
}
