import { z } from 'zod';
import type { Connection } from '../connection.ts';
import { OutsideFailure } from '../failure.ts';
import type { OutsideRequest } from '../http.ts';
import type { Settings } from './settings.ts';

export type At = Connection<Settings>;

/** Ids are strings, mostly. */
export const id = z.union([z.string(), z.number()]).transform(String);
export const textOf = z
  .union([z.string(), z.number(), z.null()])
  .optional()
  .transform((value) => (value == null ? '' : String(value)));
/** Counts are texts too; null for what is none. */
export const count = textOf.transform((text) => (/^\d+$/.test(text) ? Number(text) : null));
export const anything = z.unknown();

type Request = Pick<OutsideRequest, 'method' | 'json'> & { path: string };

/** One call of API v3. Its 403 means many things: this says which. */
export async function api<Schema extends z.ZodType>(
  c: At,
  { path, ...request }: Request,
  schema: Schema,
): Promise<z.output<Schema>> {
  const call = (to: string, what: Omit<Request, 'path'>, as: z.ZodType) =>
    c.call(
      {
        ...what,
        url: `${c.settings.apiUrl}/api/3${to}`,
        headers: { 'Api-Token': c.settings.apiKey },
        meaning,
      },
      as,
    );
  try {
    return (await call(path, request, schema)) as z.output<Schema>;
  } catch (error) {
    if (!isRefusal(error) || path === '/users/me') throw error;
    // A key that does not work, a user who may not do this, or one of those that pass? Asking once tells.
    await call('/users/me', { method: 'GET' }, anything);
    return (await call(path, request, schema).catch((again: unknown) => {
      if (!isRefusal(again)) throw again;
      throw new OutsideFailure(
        'REJECTED',
        'ActiveCampaign answered 403: the user of this API key may not do this.',
        { status: 403, answer: again.answer },
      );
    })) as z.output<Schema>;
  }
}

const isRefusal = (error: unknown): error is OutsideFailure =>
  error instanceof OutsideFailure && error.status === 403 && error.kind === 'UNAUTHORIZED';

/** 403 may say that there is none, 422 names what is wrong, 400 of an import says when there are too many. */
function meaning(error: OutsideFailure): OutsideFailure {
  const more = { status: error.status ?? 0, answer: error.answer };
  if (error.status === 403 && /No Result found/i.test(error.answer))
    return new OutsideFailure('NOT_FOUND', 'ActiveCampaign answered 403: there is none.', more);
  if (error.status === 403 && /Could not create/i.test(error.answer))
    return new OutsideFailure('REJECTED', 'ActiveCampaign answered 403: it could not create it.', more);
  if (error.status === 400 && /rate limit exceeded/i.test(error.answer))
    return new OutsideFailure('RATE_LIMITED', 'ActiveCampaign takes no more imports this minute.', {
      ...more,
      retryAfterMs: 15_000,
    });
  if (error.kind !== 'REJECTED') return error;
  const said = errors.safeParse(jsonOf(error.answer));
  const what = said.success
    ? said.data.errors
        .map((one) =>
          typeof one === 'string'
            ? one
            : [one.code, one.title, one.source?.pointer].filter(Boolean).join(' '),
        )
        .join('; ')
    : '';
  return what
    ? new OutsideFailure('REJECTED', `ActiveCampaign answered ${error.status}: ${what}`, more)
    : error;
}

const errors = z.object({
  errors: z.array(
    z.union([
      z.string(),
      z.object({
        code: z.string().optional(),
        title: z.string().optional(),
        source: z.object({ pointer: z.string().optional() }).optional(),
      }),
    ]),
  ),
});

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const pageSize = 100;

/** A page of a list that counts from 0; the cursor is the offset. */
export async function listed<Schema extends z.ZodType>(
  c: At,
  path: string,
  name: string,
  item: Schema,
  after: string | null,
  query: Record<string, string> = {},
): Promise<{ items: z.output<Schema>[]; next: string | null }> {
  const offset = Number(after ?? 0);
  const asked = new URLSearchParams({ ...query, limit: String(pageSize), offset: String(offset) });
  const answer = await api(
    c,
    { method: 'GET', path: `${path}?${asked}` },
    z.object({ [name]: z.array(item) }).loose(),
  );
  const items = (answer as Record<string, z.output<Schema>[]>)[name] as z.output<Schema>[];
  return { items, next: items.length < pageSize ? null : String(offset + items.length) };
}
