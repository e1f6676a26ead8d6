import type { VariableValues } from 'graphql';
import type { OperationContext } from '../operationContext.ts';

type Variables = NonNullable<VariableValues>;

/** One request for a plan: who asks, with which variables, and the values that its statement is sent with. */
export interface Asked {
  ctx: OperationContext;
  variables: Variables;
  values: unknown[];
  /** Numbers for the aliases of tables in conditions. */
  aliases: number;
  /** Whether every value is a workspace or one row's id, so that one plan serves all of them. */
  steady: boolean;
}

/** SQL that is known once a selection is, with gaps for what depends on the request. */
export type Sql = readonly (string | Gap)[];
export type Gap = (asked: Asked) => string;

/** Joins pieces; neighbours that are plain text become one. */
export function sql(...pieces: (string | Gap | Sql)[]): Sql {
  const joined: (string | Gap)[] = [];
  for (const piece of pieces.flat(2) as (string | Gap)[]) {
    const last = joined.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return joined;
}

export function commaSeparated(pieces: readonly Sql[]): Sql {
  return sql(...pieces.flatMap((piece, at) => (at === 0 ? [piece] : [', ', piece])));
}

/** The first value of every statement. */
export const workspaceSql = '$1::uuid';

export function fill(text: Sql, asked: Asked): string {
  let filled = '';
  for (const piece of text) filled += typeof piece === 'string' ? piece : piece(asked);
  return filled;
}

/** A parameter, with a cast where its place does not tell its type. A uuid is sent once: the workspace stands in every condition. */
export function parameter(asked: Asked, value: unknown, type: string | null): string {
  const known = type === 'uuid' ? asked.values.indexOf(value) : -1;
  const at = known >= 0 ? known + 1 : asked.values.push(value);
  return type ? `$${at}::${type}` : `$${at}`;
}

export const name = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;

/** One row as JSON, null when there is none. */
export const rowSql = (select: Sql): Sql => sql('(SELECT row_to_json(x) FROM (SELECT ', select, ') x)');
/** Rows as a JSON array. */
export const rowsSql = (select: Sql): Sql => sql('array(SELECT row_to_json(x) FROM (SELECT ', select, ') x)');
