import type { Writable } from 'node:stream';
import { frameOf, type Payload } from './payload.ts';

/** How long clients are written to before others get their turn: a crowd of them must not hold up what comes next. */
const turnMs = 2;
/** From this size on clients share the bytes of a frame rather than being given copies. */
const sharedFrom = 4_096;

/** A client with what waits to be written to it. */
export interface Outgoing {
  /** The connection below its WebSocket: frames are made once for all clients. */
  readonly stream: Writable;
  /** Null while nothing waits: most clients are idle most of the time. */
  waiting: Waiting[] | null;
}

/** Events for one subscription of a client. */
export interface Waiting {
  /** The id of the client's operation as JSON: all of a frame that is its own. */
  readonly id: string;
  /** Bytes of that. */
  readonly idLength: number;
  readonly payloads: readonly Payload[];
}

/**
 * Collects what is written to clients until the end of this turn of the event loop: one write for each, however much it
 * is. Where there are many of them, the last ones have to wait some turns, and collect on.
 */
export interface Outbox<Client extends Outgoing> {
  put(client: Client, waiting: Waiting): void;
  /** Writes at once: whoever writes past the outbox comes behind what is in it. */
  flush(client: Client): void;
}

/** @param takes whether the client may be written to; asked when its turn has come. */
export function createOutbox<Client extends Outgoing>(takes: (client: Client) => boolean): Outbox<Client> {
  const clients = new Set<Client>();

  function flush(client: Client): void {
    const { stream, waiting } = client;
    if (!waiting) return;
    clients.delete(client);
    client.waiting = null;
    if (takes(client)) writeFrames(stream, waiting);
  }

  function release(): void {
    const until = performance.now() + turnMs;
    for (const client of clients) {
      flush(client);
      if (performance.now() > until) break;
    }
    if (clients.size > 0) setImmediate(release);
  }

  return {
    put(client, waiting) {
      if (client.waiting) {
        client.waiting.push(waiting);
        return;
      }
      client.waiting = [waiting];
      if (clients.size === 0) setImmediate(release);
      clients.add(client);
    },
    flush,
  };
}

/** Small frames leave as one piece of bytes, larger ones beside it. */
function writeFrames(stream: Writable, waiting: readonly Waiting[]): void {
  let own = Buffer.allocUnsafe(sizeOfCopies(waiting));
  let filled = 0;
  let corked = false;
  for (const { id, idLength, payloads } of waiting) {
    for (const payload of payloads) {
      const { bytes, gap } = frameOf(payload, idLength);
      const isShared = bytes.length >= sharedFrom;
      filled += bytes.copy(own, filled, 0, isShared ? gap : bytes.length);
      own.write(id, filled - (isShared ? 0 : bytes.length - gap));
      if (!isShared) continue;
      if (!corked) stream.cork();
      corked = true;
      filled += idLength;
      stream.write(own.subarray(0, filled));
      stream.write(bytes.subarray(gap + idLength));
      own = own.subarray(filled);
      filled = 0;
    }
  }
  if (filled > 0) stream.write(own);
  if (corked) stream.uncork();
}

function sizeOfCopies(waiting: readonly Waiting[]): number {
  let size = 0;
  for (const { idLength, payloads } of waiting) {
    for (const payload of payloads) {
      const { bytes, gap } = frameOf(payload, idLength);
      size += bytes.length < sharedFrom ? bytes.length : gap + idLength;
    }
  }
  return size;
}
