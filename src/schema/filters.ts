import type { InputRef } from '@pothos/core';
import { Refused } from '../core/errors.ts';
import { type IdType, uuidOf } from '../core/ids.ts';
import { builder } from './builder.ts';

/** Conditions that filters are made of, and their reading in Prisma's shape. */

export const DateTimeFilter = builder.inputType('DateTimeFilter', {
  description: 'A span of time; every bound given must hold.',
  fields: (t) => ({
    gte: t.field({ type: 'DateTime', description: 'At this instant or later.' }),
    gt: t.field({ type: 'DateTime', description: 'Later than this instant.' }),
    lte: t.field({ type: 'DateTime', description: 'At this instant or earlier.' }),
    lt: t.field({ type: 'DateTime', description: 'Earlier than this instant.' }),
  }),
});

export const IdFilter = builder.inputType('IdFilter', {
  description: 'Which ids.',
  fields: (t) => ({
    eq: t.id({ description: 'This id.' }),
    in: t.idList({ description: 'One of these ids; at most 100.' }),
  }),
});

export const StringFilter = builder.inputType('StringFilter', {
  description: 'Which texts, compared exactly.',
  fields: (t) => ({
    eq: t.string({ description: 'This text.' }),
    in: t.stringList({ description: 'One of these texts; at most 100.' }),
  }),
});

export const BooleanFilter = builder.inputType('BooleanFilter', {
  description: 'Yes or no.',
  fields: (t) => ({ eq: t.boolean({ description: 'This one of the two.' }) }),
});

/** `{ eq, in }` over an enum. */
export function enumFilter<Ref>(name: string, type: Ref): InputRef<{ eq?: unknown; in?: unknown[] | null }> {
  return builder.inputType(name, {
    description: 'Which values.',
    fields: (t) => ({
      eq: t.field({ type: type as never, description: 'This value.' }),
      in: t.field({ type: [type] as never, description: 'One of these values.' }),
    }),
  }) as never;
}

type Given = Record<string, unknown> | null | undefined;

/** A null bound is as good as none. */
export function conditions(filter: Given): Record<string, unknown> | undefined {
  if (!filter) return undefined;
  const given = Object.entries(filter).filter(([, value]) => value != null);
  return Object.fromEntries(
    given.map(([name, value]) => [
      name === 'eq' ? 'equals' : name,
      Array.isArray(value) ? capped(value).map(storable) : storable(value),
    ]),
  );
}

/** What the database could not even be asked about is refused here, and is no error of ours. */
function storable(value: unknown): unknown {
  if (typeof value === 'string' && value.includes('\0'))
    throw new Refused('BAD_USER_INPUT', 'filter: A text must not contain a NUL character.');
  if (value instanceof Date && value.getUTCFullYear() < 1)
    throw new Refused('BAD_USER_INPUT', 'filter: There is no year 0.');
  return value;
}

function capped<Value>(values: Value[]): Value[] {
  if (values.length > 100)
    throw new Refused(
      'BAD_USER_INPUT',
      `filter: A list may hold at most 100 values, this one holds ${values.length}.`,
    );
  return values;
}

/** The same over public ids; an id of another type matches nothing. */
export function idConditions(type: IdType, filter: Given): Record<string, unknown> | undefined {
  if (!filter) return undefined;
  const uuids = (ids: unknown[]) => capped(ids as string[]).flatMap((id) => uuidOf(type, id) ?? []);
  const among = filter.in == null ? null : uuids(filter.in as unknown[]);
  if (filter.eq == null) return among ? { in: among } : undefined;
  return { in: uuids([filter.eq]).filter((uuid) => !among || among.includes(uuid)) };
}
