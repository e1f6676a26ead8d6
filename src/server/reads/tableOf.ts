import { tables } from '../../generated/tables.ts';
import { name, workspaceSql } from './sql.ts';
import { Unplanned } from './unplanned.ts';

export interface Column {
  column: string;
  /** As Prisma's schema names it: the native type, or `Enum`. */
  type: string;
  list: boolean;
  required: boolean;
}
export interface Relation {
  model: string;
  list: boolean;
  required: boolean;
  /** Columns of this side that equal those of the other, in order. */
  from: readonly string[];
  to: readonly string[];
}
export interface Table {
  table: string;
  columns: Record<string, Column>;
  relations: Record<string, Relation>;
}

/** What the database calls a model, its columns and the keys of its relations. */
export function tableOf(model: string): Table {
  const table = (tables as unknown as Record<string, Table>)[model];
  if (!table) throw new Unplanned(`there is no model ${model}`);
  return table;
}

export function columnOf(model: string, field: string): Column {
  const { columns } = tableOf(model);
  if (!Object.hasOwn(columns, field)) throw new Unplanned(`${model}.${field} is no column`);
  return columns[field] as Column;
}

export function relationOf(model: string, field: string): Relation {
  const { relations } = tableOf(model);
  if (!Object.hasOwn(relations, field)) throw new Unplanned(`${model}.${field} is no relation`);
  return relations[field] as Relation;
}

export const tableSql = (model: string): string => name(tableOf(model).table);

/** `t0."first_name"` */
export function columnSql(model: string, alias: string, field: string): string {
  return `${alias}.${name(columnOf(model, field).column)}`;
}

/** That the row `other` is one of those to which `relation` leads from the row `alias`. */
export function joinSql(model: string, alias: string, relation: Relation, other: string): string {
  return relation.from
    .map((from, at) => {
      const to = relation.to[at] as string;
      return `${columnSql(relation.model, other, to)} = ${columnSql(model, alias, from)}`;
    })
    .join(' AND ');
}

/**
 * The same in a subselect for each row of `alias`. All rows of a statement are of one workspace, so its parameter stands
 * for that of the row: what does not depend on the row is made ready once, not for each.
 */
export function insideSql(model: string, alias: string, relation: Relation, other: string): string {
  return relation.from
    .map((from, at) => {
      const left = columnSql(relation.model, other, relation.to[at] as string);
      const both = from === 'workspaceId' && relation.to[at] === 'workspaceId';
      return `${left} = ${both ? workspaceSql : columnSql(model, alias, from)}`;
    })
    .join(' AND ');
}

const comparable: Record<string, string | null> = {
  Uuid: 'uuid',
  String: 'text',
  Timestamptz: 'timestamptz',
  Date: 'date',
  Boolean: 'boolean',
  Int: 'integer',
  SmallInt: 'integer',
  BigInt: 'bigint',
  // Their place tells.
  Char: null,
  Enum: null,
};

/** The type of a parameter that is compared with the column; null where PostgreSQL finds it out. */
export function typeSql({ type }: Column): string | null {
  const known = comparable[type];
  if (known === undefined) throw new Unplanned(`columns of type ${type} are not compared`);
  return known;
}
