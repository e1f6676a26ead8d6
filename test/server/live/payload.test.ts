import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createOutbox, type Outbox, type Outgoing } from '../../../src/server/live/outbox.ts';
import { newPayload, type Payload } from '../../../src/server/live/payload.ts';

const clientOf = (stream: Writable): Outgoing => ({ stream, waiting: null });
const always = () => true;
const put = (outbox: Outbox<Outgoing>, client: Outgoing, id: string, payloads: Payload[]) => {
  const name = JSON.stringify(id);
  outbox.put(client, { id: name, idLength: Buffer.byteLength(name), payloads });
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
  const to = clientOf(await opened);
  const outbox = createOutbox(always);
  const ids = ['1', 'a"quoted\\id', 'ünï🎾', 'x'.repeat(300)];
  // Around 126 and 65,536 bytes, and where frames begin to be shared.
  const lengths = [0, 1, 20, ...range(60, 100), ...range(4_000, 4_100), ...range(65_430, 65_490), 1_000_000];
  const sent: unknown[] = [];
  for (const id of ids) {
    for (const [n, length] of lengths.entries()) {
      put(outbox, to, id, [payloadOf(n, 'y'.repeat(length))]);
      // Some alone, some together with those behind them.
      if (n % 3 === 0) outbox.flush(to);
      sent.push({ id, type: 'next', payload: { data: { n, text: 'y'.repeat(length) } } });
    }
  }
  await expect.poll(() => received.length, { timeout: 20_000 }).toBe(sent.length);
  expect(received).toEqual(sent);
  client.terminate();
  http.close();
});

/** A stream that tells of each write. */
function stream(wrote: (chunks: number, bytes: number) => void): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      wrote(1, chunk.length);
      done();
    },
    writev(chunks, done) {
      wrote(chunks.length, 0);
      done();
    },
  });
}

test('What is for a client in one turn of the event loop leaves in one write, and in one piece where it is small.', async () => {
  const writes: number[] = [];
  const client = clientOf(stream((chunks) => writes.push(chunks)));
  const outbox = createOutbox(always);
  const some = async (texts: string[]) => {
    for (const id of ['a', 'b', 'c'])
      put(
        outbox,
        client,
        id,
        texts.map((text, n) => payloadOf(n, text)),
      );
    expect(client.waiting).toHaveLength(3);
    await new Promise((done) => setTimeout(done, 5));
    expect(client.waiting).toBeNull();
  };
  await some(['', 'x']);
  expect(writes.splice(0)).toEqual([1]);
  // Head and body of each large one, and what is small between two of them.
  await some(['', 'x'.repeat(5_000)]);
  expect(writes.splice(0)).toEqual([6]);
  put(outbox, client, 'a', [payloadOf(1, '')]);
  outbox.flush(client);
  expect(writes).toEqual([1]);
});

test('A client that takes nothing any more is written nothing.', () => {
  const writes: number[] = [];
  const client = clientOf(stream((chunks) => writes.push(chunks)));
  const outbox = createOutbox(() => false);
  put(outbox, client, 'a', [payloadOf(1, '')]);
  outbox.flush(client);
  expect([client.waiting, writes]).toEqual([null, []]);
});

test('A crowd of clients does not hold up what comes next.', async () => {
  let written = 0;
  const crowd = Array.from({ length: 40 }, () =>
    clientOf(
      stream(() => {
        for (const since = performance.now(); performance.now() - since < 1; );
        written++;
      }),
    ),
  );
  const outbox = createOutbox(always);
  for (const client of crowd) put(outbox, client, 'a', [payloadOf(1, '')]);
  const before = await new Promise<number>((done) => setImmediate(() => done(written)));
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(crowd.length);
  await expect.poll(() => written).toBe(crowd.length);
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}
