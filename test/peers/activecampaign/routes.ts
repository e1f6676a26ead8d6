import type { PeerAnswer, PeerRequest } from '../httpPeer.ts';
import type { Account } from './account.ts';
import { badRequest, Refused } from './refuse.ts';

export interface ApiRequest {
  params: Record<string, string>;
  query: URLSearchParams;
  body: string;
}

/** By method and path under /api/3: `'GET /contacts/:id'`. Anything but a refusal is answered 200 unless it says else. */
export type Routes = Record<string, (account: Account, request: ApiRequest) => PeerAnswer>;

/** Answers by the first route that fits. */
export function routed(routes: Routes) {
  const known = Object.entries(routes).map(([name, answer]) => {
    const [method, path] = name.split(' ') as [string, string];
    return { method, answer, path: new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`) };
  });
  return (account: Account, { method, url, body }: PeerRequest): PeerAnswer => {
    const path = url.pathname.slice('/api/3'.length);
    const found = known.filter((route) => route.path.test(path));
    const route = found.find((one) => one.method === method);
    if (!route)
      return {
        status: found.length > 0 ? 405 : 404,
        body: { message: `No route found for "${method} ${path}"` },
      };
    const params = Object.fromEntries(
      Object.entries(route.path.exec(path)!.groups ?? {}).map(([key, value]) => [
        key,
        decodeURIComponent(value),
      ]),
    );
    try {
      return route.answer(account, { params, query: url.searchParams, body });
    } catch (error) {
      if (error instanceof Refused) return error.answer;
      throw error;
    }
  };
}

/** What stands under the name of the resource in the body; 400 `{}` when it is not there. */
export function bodyOf(request: ApiRequest, resource: string): Record<string, unknown> {
  const body = json(request)[resource];
  if (typeof body !== 'object' || body === null) throw badRequest();
  return body as Record<string, unknown>;
}

export function json({ body }: ApiRequest): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(body);
    if (typeof read === 'object' && read !== null) return read as Record<string, unknown>;
  } catch {
    // said below
  }
  throw badRequest();
}

/** Everything ends as a string here, numbers and flags too. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A page, by `limit` (20, at most 100) and `offset`; `meta.total` is a string. */
export function page<R>(
  name: string,
  rows: R[],
  query: URLSearchParams,
  shown: (row: R) => unknown,
  side = {},
): PeerAnswer {
  const number = (key: string, fallback: number) => {
    const value = Number.parseInt(query.get(key) ?? '', 10);
    return value >= 0 ? value : fallback;
  };
  const offset = number('offset', 0);
  const some = rows.slice(offset, offset + Math.min(number('limit', 20), 100));
  return { status: 200, body: { ...side, [name]: some.map(shown), meta: { total: String(rows.length) } } };
}

/** `links` to what belongs to a row, as each row carries them. */
export function links(account: Account, resource: string, id: string, names: string[]) {
  return Object.fromEntries(names.map((name) => [name, `${account.url}/api/3/${resource}/${id}/${name}`]));
}
