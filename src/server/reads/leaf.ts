import { type GraphQLLeafType, type GraphQLOutputType, getNamedType, isEnumType } from 'graphql';
import { type IdType, prefixes } from '../../core/ids.ts';
import type { OperationContext } from '../operationContext.ts';
import { isPlainEnum } from './shapeOf.ts';
import type { Column } from './tableOf.ts';
import { Unplanned } from './unplanned.ts';

/**
 * A place in the database's JSON that JavaScript fills. What it is made of stands there as one token or as several:
 * texts, numbers, booleans or null. `before` is what comes before the value: the key, and what every value begins with.
 */
export type Leaf =
  | { kind: 'id'; columns: 1; before: string }
  /** The value stays as it is, up to the mark that closes it: brackets that cost the database nothing. */
  | { kind: 'open'; columns: 1; before: string }
  | { kind: 'close'; columns: 1; before: string }
  | {
      kind: 'token';
      columns: 1;
      before: string;
      print(text: string, start: number, end: number, ctx: OperationContext): string;
    }
  | {
      kind: 'row';
      columns: number;
      before: string;
      print(tokens: readonly string[], ctx: OperationContext): string;
    };

export const isNull = (text: string, start: number): boolean => text.charCodeAt(start) === 110;

/** Types that print what the column holds as it is, if it is a column of such a type. */
const same: Record<string, readonly string[]> = {
  ID: ['String', 'Char'],
  String: ['String', 'Char'],
  Boolean: ['Boolean'],
  Int: ['Int', 'SmallInt'],
  Decimal: ['String'],
  CurrencyCode: ['String', 'Char'],
  TimeZone: ['String'],
};

/** How a column becomes a leaf of this type: null when the database's JSON is the answer already. */
export function columnLeaf(outputType: GraphQLOutputType, column: Column): Leaf | null | undefined {
  const type = getNamedType(outputType) as GraphQLLeafType;
  if (same[type.name]?.includes(column.type)) return null;
  if (type.name === 'DateTime' && column.type === 'Timestamptz') return instant;
  if (type.name === 'Date' && column.type === 'Date') return day;
  if (isEnumType(type) && column.type === 'Enum' && isPlainEnum(type)) return null;
  return undefined;
}

/** The prefix stands before every value; what follows is written by `finish`. */
export const idLeaf = (type: IdType): Leaf => ({ kind: 'id', columns: 1, before: `"${prefixes[type]}_` });

/** `"2026-11-21T09:30:00.5+00:00"` -> `"2026-11-21T09:30:00.500Z"`; other years than these four digits are left to JavaScript. */
const instant: Leaf = {
  kind: 'token',
  columns: 1,
  before: '',
  print(text, start, end) {
    if (isNull(text, start)) return 'null';
    const digits = end - start - 28;
    // A year of four digits, UTC, and nothing behind it.
    if (text[start + 5] !== '-' || text[end - 7] !== '+' || digits > 3 || digits < -1)
      throw new Unplanned('a time out of range');
    const time = text.slice(start, end - 7);
    return digits === 3 ? `${time}Z"` : `${time}${digits === 2 ? '0' : digits === 1 ? '00' : '.000'}Z"`;
  },
};

const day: Leaf = {
  kind: 'token',
  columns: 1,
  before: '',
  print(text, start, end) {
    if (!isNull(text, start) && end - start !== 12) throw new Unplanned('a day out of range');
    return text.slice(start, end);
  },
};
