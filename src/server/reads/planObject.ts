import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  getNullableType,
  isEnumType,
} from 'graphql';
import type { OperationContext } from '../operationContext.ts';
import { collectFields, selectionsOf } from './collectFields.ts';
import { columnLeaf, idLeaf, type Leaf } from './leaf.ts';
import { item, leafItems, newAlias, type Plan, text } from './plan.ts';
import { pageItems } from './planPage.ts';
import { printerOf } from './printer.ts';
import { extensionsOf, modelOf, type Resolve, type Select, type Shape, shapeOf } from './shapeOf.ts';
import { commaSeparated, rowSql, rowsSql, type Sql, sql } from './sql.ts';
import {
  type Column,
  columnOf,
  columnSql,
  insideSql,
  joinSql,
  type Relation,
  relationOf,
  tableSql,
} from './tableOf.ts';
import { Unplanned } from './unplanned.ts';

/** A select list: the selection over the row `alias` of the type's model. Each field is a column, a leaf or a subselect. */
export function columnsSql(
  plan: Plan,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
  alias: string,
): Sql {
  const items = [...collectFields(plan.source, type, selectionsOf(nodes))].flatMap(([key, below]) => {
    const fieldName = below[0]?.name.value ?? '';
    if (fieldName === '__typename') return [item(text(type.name), key)];
    const field = type.getFields()[fieldName];
    if (!field) throw new Unplanned(`there is no field ${type.name}.${fieldName}`);
    const shape = shapeOf(plan.source.schema, type, field);
    const { permission } = extensionsOf(field);
    if (permission) plan.needs.add(permission);
    return fieldSql(plan, { shape, field, nodes: below, key, alias, model: modelOf(type) as string });
  });
  return commaSeparated(items);
}

interface Field {
  shape: Shape;
  field: GraphQLField;
  nodes: readonly FieldNode[];
  key: string;
  /** The row that has it. */
  alias: string;
  model: string;
}

function fieldSql(plan: Plan, { shape, field, nodes, key, alias, model }: Field): Sql[] {
  switch (shape.kind) {
    case 'column': {
      const column = columnSql(model, alias, shape.field);
      const leaf = columnLeaf(field.type, shape.column);
      if (leaf === null) return [item(plainSql(shape.column, column), key)];
      if (leaf) return leafItems(plan, leaf, [column], key);
      const { field: of } = shape;
      return valueSql(plan, { field, nodes, key, alias, model }, { [of]: true }, (row) => row[of]);
    }
    case 'id':
      return leafItems(plan, idLeaf(shape.type), [columnSql(model, alias, 'id')], key);
    case 'value':
      return valueSql(plan, { field, nodes, key, alias, model }, shape.select, shape.resolve);
    case 'row':
      return [item(rowSql(columnsSql(plan, shape.type, nodes, alias)), key)];
    case 'relation': {
      const other = newAlias(plan);
      const from = ` FROM ${tableSql(shape.relation.model)} ${other} WHERE ${insideSql(model, alias, shape.relation, other)}`;
      return [item(rowSql(sql(columnsSql(plan, shape.type, nodes, other), from)), key)];
    }
    case 'through': {
      const { relation, through } = shape;
      const [join, other] = [newAlias(plan), newAlias(plan)];
      const onward = relationOf(relation.model, through.to);
      const order = orderSql(relation.model, join, through.orderBy, { [through.to]: other });
      const from = ` FROM ${tableSql(relation.model)} ${join} JOIN ${tableSql(onward.model)} ${other} ON ${joinSql(relation.model, join, onward, other)} WHERE ${insideSql(model, alias, relation, join)} ORDER BY ${order} LIMIT ${through.take}`;
      return [item(rowsSql(sql(columnsSql(plan, shape.type, nodes, other), from)), key)];
    }
    case 'page': {
      const { relation } = shape;
      const inside = relation && ((other: string) => insideSql(model, alias, relation, other));
      return pageItems(plan, { ...shape, field, nodes, inside }, key);
    }
    default:
      throw new Unplanned(`${model}.${field.name} is not of a row`);
  }
}

/** An enum as the text it is: `row_to_json` looks its type up for each row. */
function plainSql({ type, list }: Column, column: string): string {
  return type === 'Enum' && !list ? `${column}::text` : column;
}

/** Prisma's `orderBy`, over the row and over rows that are joined to it. */
function orderSql(
  model: string,
  alias: string,
  orderBy: Record<string, unknown>[],
  joined: Record<string, string>,
): string {
  return orderBy
    .flatMap((one) => Object.entries(one))
    .map(([field, way]) => {
      if (way === 'asc' || way === 'desc')
        return `${columnSql(model, alias, field)} ${way === 'asc' ? 'ASC' : 'DESC'}`;
      const other = joined[field];
      if (!other) throw new Unplanned(`an order by ${field}`);
      return orderSql(relationOf(model, field).model, other, [way as Record<string, unknown>], {});
    })
    .join(', ');
}

/** A field whose resolver needs columns: they are read, and the resolver is asked when the row is there. */
function valueSql(
  plan: Plan,
  { field, nodes, key, alias, model }: Omit<Field, 'shape'>,
  select: Select,
  resolve: Resolve,
): Sql[] {
  const print = printerOf(plan.source, field.type, nodes, plan.needs);
  const columns = Object.entries(select).map(([of, inner]) => ({
    of,
    text: inner === true ? tokenSql(model, alias, of) : related(plan, model, alias, of, inner),
    parse: parserOf(model, of, inner),
  }));
  const printRow: Print = (tokens, ctx) => {
    const row: Record<string, unknown> = {};
    for (let at = 0; at < columns.length; at++) {
      const { of, parse } = columns[at] as (typeof columns)[number];
      row[of] = parse(tokens[at] as string);
    }
    return print(resolve(row as never, {}, ctx), ctx);
  };
  const leaf: Leaf = {
    kind: 'row',
    columns: columns.length,
    before: '',
    print: isSmall(field, columns.length, resolve) ? remembered(printRow) : printRow,
  };
  return leafItems(
    plan,
    leaf,
    columns.map((column) => column.text),
    key,
  );
}

/** Whether the value is one of a few names and follows from one column alone. */
function isSmall(field: GraphQLField, columns: number, resolve: Resolve): boolean {
  return columns === 1 && resolve.length === 1 && isEnumType(getNullableType(field.type));
}

type Print = (tokens: readonly string[], ctx: OperationContext) => string;

const mostRemembered = 1_000;

/** A resolver is pure: what it made of a token it need not make again. */
function remembered(printRow: Print): Print {
  const known = new Map<string, string>();
  return (tokens, ctx) => {
    const token = tokens[0] as string;
    let text = known.get(token);
    if (text === undefined) {
      text = printRow(tokens, ctx);
      if (known.size >= mostRemembered) known.clear();
      known.set(token, text);
    }
    return text;
  };
}

/** A column such that its JSON is one token: text, number, boolean or null. */
function tokenSql(model: string, alias: string, field: string): string {
  const { type, list } = columnOf(model, field);
  const column = plainSql(columnOf(model, field), columnSql(model, alias, field));
  if (list) return `array_to_json(${column})::text`;
  return type === 'Json' ? `${column}::text` : column;
}

/** Rows of a relation as one token: a text that holds JSON. */
function related(
  plan: Plan,
  model: string,
  alias: string,
  field: string,
  inner: Exclude<Select[string], true>,
): Sql {
  const relation: Relation = relationOf(model, field);
  const other = newAlias(plan);
  const columns = commaSeparated(
    Object.entries(inner.select).map(([of, below]) => {
      if (below !== true) throw new Unplanned(`${model}.${field} reads too far`);
      const { type } = columnOf(relation.model, of);
      const column = columnSql(relation.model, other, of);
      return item(type === 'BigInt' ? `${column}::text` : column, of);
    }),
  );
  const order = inner.orderBy
    ? ` ORDER BY ${orderSql(relation.model, other, [inner.orderBy].flat() as never, {})}`
    : '';
  const limit = inner.take === undefined ? '' : ` LIMIT ${inner.take}`;
  const from = ` FROM ${tableSql(relation.model)} ${other} WHERE ${insideSql(model, alias, relation, other)}${order}${limit}`;
  const select = sql(columns, from);
  return relation.list ? sql('array_to_json(', rowsSql(select), ')::text') : sql(rowSql(select), '::text');
}

/** From a token to what Prisma would hand the resolver. */
function parserOf(model: string, field: string, inner: Select[string]): (token: string) => unknown {
  if (inner === true) {
    const column = columnOf(model, field);
    const parse = valueParser(column);
    if (column.list) return (token) => (twice(token) as unknown[] | null)?.map(parse) ?? null;
    return column.type === 'Json'
      ? twice
      : (token) => (token === 'null' ? null : parse(column.type === 'BigInt' ? token : tokenValue(token)));
  }
  const relation = relationOf(model, field);
  const parsers = Object.keys(inner.select).map(
    (of) => [of, valueParser(columnOf(relation.model, of))] as const,
  );
  const row = (value: Record<string, unknown>) =>
    Object.fromEntries(parsers.map(([of, parse]) => [of, value[of] === null ? null : parse(value[of])]));
  return (token) => {
    const value = twice(token) as Record<string, unknown> | Record<string, unknown>[] | null;
    return Array.isArray(value) ? value.map(row) : value && row(value);
  };
}

/** The value of a token; of most texts it is what stands between the quotation marks. */
function tokenValue(token: string): unknown {
  return token.startsWith('"') && !token.includes('\\') ? token.slice(1, -1) : JSON.parse(token);
}

/** JSON in a text in JSON. */
function twice(token: string): unknown {
  return token === 'null' ? null : JSON.parse(JSON.parse(token));
}

function valueParser({ type }: Column): (value: unknown) => unknown {
  if (type === 'BigInt') return (value) => BigInt(value as string);
  if (type === 'Timestamptz' || type === 'Date') {
    return (value) => {
      const date = new Date(value as string);
      if (Number.isNaN(date.getTime())) throw new Unplanned('a time out of range');
      return date;
    };
  }
  if (['Float', 'Decimal', 'Bytes', 'DoublePrecision', 'Real'].includes(type))
    throw new Unplanned(`columns of type ${type} are not read`);
  return (value) => value;
}
