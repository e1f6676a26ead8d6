import type { InputFieldMap, InputRef } from '@pothos/core';
import type { Permission } from '../core/permissions.ts';
import type { VisibleModel } from '../core/visible.ts';
import type { builder } from './builder.ts';

type Schema = (typeof builder)['$inferSchemaTypes'];
type Model = VisibleModel;
type Direction = 'asc' | 'desc';
type QueryFields = PothosSchemaTypes.QueryFieldBuilder<Schema, Schema['Root']>;

/** A condition in Prisma's shape. */
export type Where = Record<string, unknown>;

/** A list: which rows, in which orders. Shared by the root field and every object that has such a list. */
export interface List<M extends Model> {
  model: M;
  /** Unique column or compound key that cursors hold. */
  cursor: string;
  filter?: {
    type: InputRef<unknown>;
    where: (filter: never) => Where;
    /** Permissions that conditions need: each would tell what a field with that permission hides. */
    needs?: Record<string, Permission>;
  };
  /** Rows that the list never holds, whoever looks. */
  always?: Where;
  /** Arguments of this list alone. */
  args?: { fields: (t: QueryFields) => InputFieldMap; where: (args: never) => Where };
  /** Free text to rows; `words` are lists of beginnings, of which one must be met whole. */
  search?: {
    description: string;
    where: (text: string) => Where;
    words: (text: string) => { gte: string; lt: string }[][];
  };
  /** How an index serves each condition, and the column of an object that has such a list. Short tables need none. */
  served?: Record<string, Serving>;
  order: {
    type?: InputRef<unknown>;
    columns: Record<string, string>;
    /** Permissions that orders need, as those of conditions. */
    needs?: Record<string, Permission>;
    default: { column: string; direction: Direction };
  };
}

/** What a list is asked with, before its conditions are read. */
export interface PageArgs {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
  filter?: unknown;
  search?: string | null;
  orderBy?: { field: string; direction: 'ASC' | 'DESC' } | null;
}

/**
 * What an index makes of a condition.
 *
 * - `key`: names single rows, such as an e-mail address; serves every order and any other condition.
 * - `span`: bounds on the column of the same name, of use where the list is in the order of that column.
 * - `part`: the rows with one value, kept in these orders, by an index (workspace, value, order, id). `few` is a value
 *   with as many rows as one person brings about: they may be looked through for other conditions. Rows of a part that
 *   lie behind another table, such as a tag's customers, are said with `behind`.
 */
export type Serving =
  | { as: 'key' }
  | { as: 'span' }
  | { as: 'part'; orders: readonly string[]; few?: boolean; behind?: 'tags' | 'segments' };
