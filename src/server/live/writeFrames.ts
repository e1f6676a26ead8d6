import type { Writable } from 'node:stream';
import { frameOf, type Payload } from './payload.ts';

/** From this size on clients share the bytes of a frame rather than being given copies. */
const sharedFrom = 4_096;

/**
 * Writes events to the connection below a WebSocket: frames are made once for all clients, and only the id of the
 * operation is their own. `id` is JSON of `idLength` bytes.
 */
export function writeFrames(
  stream: Writable,
  id: string,
  idLength: number,
  payloads: readonly Payload[],
): void {
  for (const payload of payloads) {
    const { bytes, gap } = frameOf(payload, idLength);
    if (bytes.length < sharedFrom) {
      const own = Buffer.allocUnsafe(bytes.length);
      bytes.copy(own);
      own.write(id, gap);
      stream.write(own);
    } else {
      const head = Buffer.allocUnsafe(gap + idLength);
      bytes.copy(head, 0, 0, gap);
      head.write(id, gap);
      stream.write(head);
      stream.write(bytes.subarray(gap + idLength));
    }
  }
}
