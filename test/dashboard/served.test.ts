import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../src/schema/schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startInProcess } from '../support/gateway.ts';
import { distFolder, ensureBuilt } from './ensureBuilt.ts';

let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;

beforeAll(async () => {
  await ensureBuilt();
  database = await createTestDatabase();
  gateway = await startInProcess({ databaseUrl: database.url, schema });
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** Sent as it stands: no client that tidies a path up. */
function send(path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((done, fail) => {
    request({ hostname, port, path, method, headers }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.once('end', () =>
        done({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }),
      );
    })
      .once('error', fail)
      .end();
  });
}

const page = async () => (await send('/')).body.toString();
const assetsOf = (html: string) =>
  [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!);

describe('The dashboard over HTTP', () => {
  test('every page is the same document, under a policy that lets in nothing foreign and is new each time.', async () => {
    const nonces = new Set<string>();
    for (const path of ['/', '/activity', '/customers', '/leads', '/customers/cus_01k', '/?day=2026-01-01']) {
      const { status, headers, body } = await send(path);
      const policy = String(headers['content-security-policy']);
      const nonce = /style-src 'self' 'nonce-([\w+/=]+)'/.exec(policy)?.[1] ?? '';
      nonces.add(nonce);
      expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/html; charset=utf-8']);
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      const given = [...body.toString().matchAll(/nonce="([^"]*)"/g)].map(([, value]) => value);
      expect(given.length).toBeGreaterThan(2);
      expect(new Set(given)).toEqual(new Set([nonce]));
    }
    expect(nonces.size).toBe(6);
  });

  test('its files have their types, are kept for ever, and are compressed for who can read that.', async () => {
    const assets = assetsOf(await page());
    expect(assets.some((path) => path.endsWith('.js')) && assets.some((path) => path.endsWith('.css'))).toBe(
      true,
    );
    for (const path of assets) {
      const plain = await send(path);
      const type = path.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8';
      expect([plain.status, plain.headers['content-type'], plain.headers['content-encoding']]).toEqual([
        200,
        type,
        undefined,
      ]);
      expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      const br = await send(path, 'GET', { 'accept-encoding': 'gzip, deflate, br' });
      const gz = await send(path, 'GET', { 'accept-encoding': 'gzip, br;q=0' });
      if (plain.body.length <= 1_000) continue;
      expect([br.headers['content-encoding'], gz.headers['content-encoding']]).toEqual(['br', 'gzip']);
      expect(brotliDecompressSync(br.body).equals(plain.body)).toBe(true);
      expect(gunzipSync(gz.body).equals(plain.body)).toBe(true);
    }
    expect((await send('/favicon.svg')).headers['content-type']).toBe('image/svg+xml');
  });

  test('HEAD answers as GET would, without the body; what changes something is refused.', async () => {
    const [asset] = assetsOf(await page());
    for (const path of ['/', asset!]) {
      const [got, asked] = [await send(path), await send(path, 'HEAD')];
      expect([asked.status, asked.body.length]).toEqual([200, 0]);
      expect(asked.headers['content-length']).toBe(String(got.body.length));
      const refused = await send(path, 'POST');
      expect([refused.status, refused.headers.allow]).toEqual([405, 'GET']);
    }
  });

  test('no path leads out of its folder, and what does not exist is 404 as before.', async () => {
    for (const path of [
      '/../package.json',
      '/assets/../../package.json',
      '/assets/..%2f..%2fpackage.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/assets//etc/passwd',
      '/assets/..\\..\\package.json',
      '/assets/',
      '/assets',
      '/index.html',
      '/manifest.json',
      '/assets/nothing.js',
      '/customers/a/b',
      '/customers/../leads',
      '/leads/',
      '/unknown',
    ]) {
      const { status, headers } = await send(path);
      expect([path, status, headers['content-type']]).toEqual([path, 404, 'application/json; charset=utf-8']);
    }
  });
});

test('The first screen needs less than 200 KB of JavaScript, compressed.', async () => {
  const first = assetsOf(await page()).filter((path) => path.endsWith('.js'));
  const sizes = first.map((path) => gzipSync(readFileSync(join(distFolder, path)), { level: 9 }).length);
  const all = readdirSync(join(distFolder, 'assets')).filter((name) => name.endsWith('.js'));
  expect(first.length).toBeGreaterThan(0);
  // The other pages come when they are asked for.
  expect(all.length).toBeGreaterThan(first.length + 4);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000);
});
