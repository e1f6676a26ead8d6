import { type Asked, name, parameter } from './sql.ts';
import { columnOf, columnSql, joinSql, relationOf, tableOf, typeSql } from './tableOf.ts';
import { Unplanned } from './unplanned.ts';

type Where = Record<string, unknown>;

/**
 * A condition in Prisma's shape as SQL over the row `alias`: what `visible`, filters and search are made of. Knows
 * the operators that they use and what each means to Prisma, and refuses any other.
 */
export function whereSql(asked: Asked, model: string, alias: string, where: Where): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(where)) {
    if (value === undefined) continue;
    if (key === 'AND') parts.push(...each(value).map((one) => whereSql(asked, model, alias, one)));
    else if (key === 'NOT')
      parts.push(...each(value).map((one) => `NOT (${whereSql(asked, model, alias, one)})`));
    else if (key === 'OR') {
      const any = each(value).map((one) => whereSql(asked, model, alias, one));
      parts.push(any.length === 0 ? 'FALSE' : `(${any.join(' OR ')})`);
    } else if (Object.hasOwn(tableOf(model).relations, key))
      parts.push(relationSql(asked, model, alias, key, value));
    else parts.push(...comparisons(asked, model, alias, key, value));
  }
  if (parts.length === 0) return 'TRUE';
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' AND ')})`;
}

const each = (value: unknown): Where[] => [value].flat() as Where[];

function isConditions(value: unknown): value is Where {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !Array.isArray(value);
}

const order: Record<string, string> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

function comparisons(asked: Asked, model: string, alias: string, key: string, condition: unknown): string[] {
  const column = columnOf(model, key);
  const left = columnSql(model, alias, key);
  const given = isConditions(condition) ? condition : { equals: condition };
  const send = (value: unknown, type: string | null) => {
    // How many rows there are differs from value to value.
    if (key !== 'workspaceId' && key !== 'id') asked.steady = false;
    return parameter(asked, value, type);
  };
  const one = (value: unknown) => send(storable(value), typeSql(column));
  return Object.entries(given).flatMap(([operator, value]) => {
    if (value === undefined) return [];
    if (value === null) {
      if (operator === 'equals') return `${left} IS NULL`;
      if (operator === 'not') return `${left} IS NOT NULL`;
      throw new Unplanned(`${operator} null`);
    }
    if (operator === 'equals') return `${left} = ${one(value)}`;
    if (operator in order) return `${left} ${order[operator]} ${one(value)}`;
    if (operator === 'in' && Array.isArray(value)) {
      if (value.length === 0) return 'FALSE';
      // An index that is ordered behind this column serves the order too, if there is just one value.
      if (value.length === 1) return `${left} = ${one(value[0])}`;
      const type = typeSql(column);
      return `${left} = ANY (${send(value.map(storable), type && `${type}[]`)})`;
    }
    if (operator === 'contains' && typeof value === 'string')
      return `${left} LIKE ${send(`%${storable(value)}%`, 'text')}`;
    if (operator === 'startsWith' && typeof value === 'string')
      return `${left} LIKE ${send(`${storable(value)}%`, 'text')}`;
    throw new Unplanned(`the operator ${operator}`);
  });
}

/** Values as the driver sends them. What PostgreSQL reads differently than JavaScript writes it is left to Prisma. */
function storable(value: unknown): unknown {
  if (value instanceof Date) {
    const text = value.toISOString();
    if (text.length !== 24 || text.startsWith('0000')) throw new Unplanned('a year out of range');
    return text;
  }
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed()) throw new Unplanned('a text that cannot be stored');
    return value;
  }
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return value;
  throw new Unplanned('a value of another kind');
}

function relationSql(asked: Asked, model: string, alias: string, field: string, condition: unknown): string {
  const relation = relationOf(model, field);
  if (!isConditions(condition)) throw new Unplanned(`${field} null`);
  const exists = (where: Where, negated = false) => {
    const other = `w${++asked.aliases}`;
    const inner = whereSql(asked, relation.model, other, where);
    return `EXISTS (SELECT FROM ${name(tableOf(relation.model).table)} ${other} WHERE ${joinSql(model, alias, relation, other)} AND ${negated ? `NOT (${inner})` : inner})`;
  };
  if (!relation.list) {
    const { is, isNot } = condition;
    if (isConditions(isNot)) return `NOT ${exists(isNot)}`;
    if (is !== undefined && !isConditions(is)) throw new Unplanned(`${field} is null`);
    return exists((is as Where | undefined) ?? condition);
  }
  return Object.entries(condition)
    .map(([operator, where]) => {
      if (operator === 'some') return exists(where as Where);
      if (operator === 'none') return `NOT ${exists(where as Where)}`;
      if (operator === 'every') return `NOT ${exists(where as Where, true)}`;
      throw new Unplanned(`the operator ${operator}`);
    })
    .join(' AND ');
}
