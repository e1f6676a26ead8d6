import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';

const ping = 9;
const pong = 10;
const text = 1;

export interface Counting {
  send(message: object): void;
  close(): void;
}

/**
 * A WebSocket client that counts frames by their headers and looks into none: a thousand of them must take less of the
 * machine than the server that they measure, which clients of a library do not.
 */
export async function countFrames(
  url: string,
  protocol: string,
  onFrame: (length: number) => void,
): Promise<Counting> {
  const asked = request(url.replace(/^ws/, 'http'), {
    agent: false,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': protocol,
    },
  });
  asked.end();
  const [, socket, head] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket, Buffer];
  socket.setNoDelay();
  socket.on('error', () => {});
  /** What clients send is masked; with nothing but zeros it stays as it is. */
  const write = (opcode: number, data: Buffer) => {
    const mask = [0, 0, 0, 0];
    const size = data.length < 126 ? [data.length | 128] : [126 | 128, data.length >> 8, data.length & 255];
    socket.write(Buffer.concat([Buffer.from([opcode | 128, ...size, ...mask]), data]));
  };

  /** Bytes of a payload that are still to come. */
  let left = 0;
  let rest: Buffer | null = null;
  const read = (came: Buffer) => {
    const chunk = rest ? Buffer.concat([rest, came]) : came;
    rest = null;
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      const short = (chunk[at + 1] ?? 0) & 127;
      const size = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (chunk.length - at < size) {
        rest = chunk.subarray(at);
        return;
      }
      left =
        size === 2 ? short : size === 4 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
      const opcode = (chunk[at] as number) & 15;
      if (opcode === ping) write(pong, Buffer.alloc(0));
      if (opcode === text) onFrame(left);
      at += size;
    }
  };
  if (head.length > 0) read(head);
  socket.on('data', read);
  return {
    send: (message) => write(text, Buffer.from(JSON.stringify(message))),
    close: () => socket.destroy(),
  };
}
