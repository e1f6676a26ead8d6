import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createCork } from '../../../src/server/live/cork.ts';
import { newPayload, type Payload } from '../../../src/server/live/payload.ts';
import { writeFrames } from '../../../src/server/live/writeFrames.ts';

const write = (stream: Writable, id: string, payloads: Payload[]) => {
  const name = JSON.stringify(id);
  writeFrames(stream, name, Buffer.byteLength(name), payloads);
};
const payloadOf = (n: number, text: string) =>
  newPayload(BigInt(n), 'cursor', JSON.stringify({ data: { n, text } }));

test('Frames of every length that has another header, with ids of all kinds, are read by a WebSocket client as they were meant.', async () => {
  const http = createServer();
  const wss = new WebSocketServer({ noServer: true });
  const opened = new Promise<Socket>((resolve) => {
    http.on('upgrade', (req, socket, head) =>
      wss.handleUpgrade(req, socket, head, () => resolve(socket as Socket)),
    );
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const received: unknown[] = [];
  client.on('message', (data) => received.push(JSON.parse(String(data))));
  const stream = await opened;
  const ids = ['1', 'a"quoted\\id', 'ünï🎾', 'x'.repeat(300)];
  // Around 126 and 65,536 bytes, and where frames begin to be shared.
  const lengths = [0, 1, 20, ...range(60, 100), ...range(4_000, 4_100), ...range(65_430, 65_490), 1_000_000];
  const sent: unknown[] = [];
  for (const id of ids) {
    for (const [n, length] of lengths.entries()) {
      write(stream, id, [payloadOf(n, 'y'.repeat(length))]);
      sent.push({ id, type: 'next', payload: { data: { n, text: 'y'.repeat(length) } } });
    }
  }
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(sent.length);
  expect(received).toEqual(sent);
  client.terminate();
  http.close();
});

test('What is written to a client in one turn of the event loop leaves in one write.', async () => {
  const writes: number[] = [];
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      writes.push(1);
      done();
    },
    writev(chunks, done) {
      writes.push(chunks.length);
      done();
    },
  });
  const cork = createCork();
  for (const id of ['a', 'b', 'c']) {
    cork(stream);
    write(stream, id, [payloadOf(1, ''), payloadOf(2, '')]);
  }
  expect(writes).toEqual([]);
  await new Promise((done) => setTimeout(done, 5));
  expect(writes).toEqual([6]);
});

test('A crowd of clients does not hold up what comes next.', async () => {
  let written = 0;
  const crowd = Array.from(
    { length: 40 },
    () =>
      new Writable({
        write(_chunk, _encoding, done) {
          for (const since = performance.now(); performance.now() - since < 1; );
          written++;
          done();
        },
      }),
  );
  const cork = createCork();
  for (const stream of crowd) {
    cork(stream);
    write(stream, 'a', [payloadOf(1, '')]);
  }
  const before = await new Promise<number>((done) => setImmediate(() => done(written)));
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(crowd.length);
  await expect.poll(() => written).toBe(crowd.length);
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}
