import { type GraphQLLeafType, type GraphQLOutputType, getNamedType, isEnumType } from 'graphql';
import { encodeId, type IdType } from '../../core/ids.ts';
import type { OperationContext } from '../graphqlContext.ts';
import { isPlainEnum } from './shapeOf.ts';
import type { Column } from './tableOf.ts';
import { Unplanned } from './unplanned.ts';

/**
 * A place in the database's JSON that JavaScript fills. `tokens` are the columns that it is made of as they stand in
 * the JSON; the answer is JSON again.
 */
export interface Leaf {
  columns: number;
  print(tokens: readonly string[], ctx: OperationContext): string;
}

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

export function idLeaf(type: IdType): Leaf {
  return { columns: 1, print: ([token = 'null']) => (token === 'null' ? token : `"${encodeId(type, token, 1)}"`) };
}

/** `"2026-11-21T09:30:00.5+00:00"` -> `"2026-11-21T09:30:00.500Z"`; other years than these four digits are left to JavaScript. */
const instant: Leaf = {
  columns: 1,
  print: ([token = 'null']) => {
    if (token === 'null') return token;
    if (token.length === 27 && token[5] === '-' && token[20] === '+') return `${token.slice(0, 20)}.000Z"`;
    const [, seconds, fraction] = /^("\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{1,3})\+00:00"$/.exec(token) ?? [];
    if (!seconds || !fraction) throw new Unplanned('a time out of range');
    return `${seconds}.${fraction.padEnd(3, '0')}Z"`;
  },
};

const day: Leaf = {
  columns: 1,
  print: ([token = 'null']) => {
    if (token === 'null' || token.length === 12) return token;
    throw new Unplanned('a day out of range');
  },
};
