import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { isPublic } from '../../src/integrations/addresses.ts';
import { send } from '../../src/integrations/http.ts';

let reached = 0;
const server = createServer((_req, res) => {
  reached++;
  res.end('{}');
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
afterAll(() => server.close());
const { port } = server.address() as AddressInfo;

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.31.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:0:7f00:1::',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'not an address',
])('%s is not public.', (address) => {
  expect(isPublic(address)).toBe(false);
});

test.each(['1.1.1.1', '93.184.216.34', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])(
  '%s is public.',
  (address) => {
    expect(isPublic(address)).toBe(true);
  },
);

test('A private address is not called, in whatever form it is written, nor by a name that leads to one.', async () => {
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0x7f000001',
    '2130706433',
    '127.1',
    '0177.0.0.1',
    'localhost',
    'localhost.',
  ])
    await expect(
      send({ method: 'GET', url: `https://${host}:${port}/` }, { allowPrivatePeers: false }),
      host,
    ).rejects.toMatchObject({
      kind: expect.stringMatching(/REJECTED|UNAVAILABLE/),
      message: expect.not.stringMatching(/certificate|SSL|EPROTO/i),
    });
  expect(reached).toBe(0);
  // With the setting for tests they are.
  await send({ method: 'GET', url: `http://127.0.0.1:${port}/` }, { allowPrivatePeers: true });
  expect(reached).toBe(1);
});

test('Without TLS nothing is called.', async () => {
  for (const url of ['http://example.com/', 'ftp://example.com/', 'file:///etc/passwd', 'no url'])
    await expect(send({ method: 'GET', url }, { allowPrivatePeers: false })).rejects.toMatchObject({
      kind: 'REJECTED',
    });
});
