import { EventEmitter } from 'node:events';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Event } from './database.ts';

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
  /** The new events themselves, where this process gave them their places; they stay in it. */
  moved?: Moved;
}

/** All events of a workspace between two positions. */
export interface Moved {
  /** The workspace has none behind this position but these. */
  after: bigint;
  events: readonly Event[];
}

/** One channel, in one hash slot: on a cluster it lives on one node, and both connections go there. */
const channel = 'frontdesk:{events}';

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

/**
 * A bus over Redis. Own hints are delivered at once, without the round trip; while Redis is away only those are.
 *
 * One connection a process: with RESP3 a connection that listens may speak too. Sharded pub/sub, so that on a cluster a
 * hint goes through the one node that has the channel, not through all of them; a node that has it no longer says
 * where it went, and the connection follows.
 */
export function openRedisBus(url: string, log: Logger): Bus {
  const local = openLocalBus();
  const origin = `${process.pid}-${Math.random().toString(36).slice(2)}`;
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    autoResubscribe: false,
    commandTimeout: 2_000,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 2_000) * (0.5 + Math.random() / 2),
  });
  const { host, port } = redis.options;
  let sending = true;
  let receiving = false;
  let sharded = true;
  let reported = true;
  let closed = false;

  const healthy = () => sending && receiving && redis.status === 'ready';
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

  /** Whether another node of the cluster has the channel: then the connection goes there. */
  function moved({ message }: Error): boolean {
    const at = /^MOVED \d+ (\S*):(\d+)$/.exec(message);
    if (!at) return false;
    redis.options.host = at[1] || redis.options.host;
    redis.options.port = Number(at[2]);
    redis.disconnect(true);
    return true;
  }

  /** Listens in the way that this server knows; asked anew at each connection, since it may be another by then. */
  async function listen(): Promise<void> {
    try {
      sharded = true;
      await redis.ssubscribe(channel).catch((error: Error) => {
        if (!/unknown command/i.test(error.message)) throw error;
        sharded = false;
        return redis.subscribe(channel);
      });
      sent();
      received();
    } catch (error) {
      if (!moved(error as Error)) received((error as Error).message);
    }
  }

  const hear = (_: string, text: string) => {
    const message = parse(text);
    if (message && message.origin !== origin && !closed) local.publish(message);
  };
  redis.on('message', hear).on('smessage', hear);
  redis.on('ready', () => void listen());
  redis.on('error', (error: Error) => {
    // A node that was moved to and cannot be reached may be gone: the one in the URL knows where the channel is now.
    Object.assign(redis.options, { host, port });
    note(error.message);
  });
  redis.on('close', () => received('connection closed'));
  // The cluster has given the channel to another node: the next connection is told which.
  redis.on('moved', () => {
    if (receiving) redis.disconnect(true);
  });

  return {
    publish: (hint) => {
      local.publish(hint);
      const { workspaceId, position } = hint;
      const text = JSON.stringify({ workspaceId, position, origin });
      const said = sharded ? redis.spublish(channel, text) : redis.publish(channel, text);
      said.then(
        () => sent(),
        (error: Error) => {
          if (!moved(error)) sent(error.message);
        },
      );
    },
    listen: local.listen,
    state: () => (healthy() ? 'ok' : 'degraded'),
    close: async () => {
      closed = true;
      redis.disconnect();
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
