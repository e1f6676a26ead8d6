import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql';
import type { IdType } from '../../core/ids.ts';
import { prefixes } from '../../core/ids.ts';
import type { Permission } from '../../core/permissions.ts';
import type { ListQuery, ReadDeclaration } from '../../schema/read.ts';
import type { OperationContext } from '../operationContext.ts';
import { type Column, columnOf, type Relation, relationOf } from './tableOf.ts';
import { Unplanned } from './unplanned.ts';

/** A pure resolver: the value that a field has, from the columns that it declares. */
export type Resolve = (row: never, args: object, ctx: OperationContext) => unknown;
/** Columns, and rows of relations, that a resolver reads: a selection in Prisma's shape. */
export type Select = Record<string, true | { select: Select; orderBy?: object; take?: number }>;

/** How a field becomes part of a statement. */
export type Shape =
  | { kind: 'column'; column: Column; field: string }
  | { kind: 'id'; type: IdType }
  | { kind: 'value'; select: Select; resolve: Resolve }
  /** Another type over the same row. */
  | { kind: 'row'; type: GraphQLObjectType }
  | { kind: 'relation'; type: GraphQLObjectType; relation: Relation }
  | {
      kind: 'through';
      type: GraphQLObjectType;
      relation: Relation;
      through: NonNullable<ReadDeclaration['through']>;
    }
  | { kind: 'page'; type: GraphQLObjectType; read: Page; relation: Relation | null }
  /** By the argument `id`, or by an id that the parent has. */
  | { kind: 'one'; type: GraphQLObjectType; model: string; idOf: ((parent: never) => string) | null }
  | { kind: 'node' }
  /** Known from the request alone, without a row. */
  | { kind: 'known'; resolve: Resolve };

export type Page = ReadDeclaration &
  Required<Pick<ReadDeclaration, 'model' | 'list' | 'query'>> & { query: ListQuery };

interface Extensions {
  read?: ReadDeclaration;
  permission?: Permission;
  pothosExposedField?: string;
  pothosPrismaSelect?: unknown;
  pothosPrismaModel?: string;
  pothosOriginalResolve?: Resolve;
  pothosArgMappers?: unknown[];
  pothosOptions?: { authScopes?: unknown };
}
export const extensionsOf = (of: { extensions: unknown }): Extensions => of.extensions as Extensions;

/** The model whose rows an object type shows; undefined for types that are made of something else. */
export const modelOf = (type: GraphQLObjectType): string | undefined => extensionsOf(type).pothosPrismaModel;

/**
 * What the declaration of a field says about how to plan it. Throws `Unplanned` for a field that says too little:
 * such a field, and with it the root field in which it is asked for, is left to its resolver.
 */
export function shapeOf(schema: GraphQLSchema, type: GraphQLObjectType, field: GraphQLField): Shape {
  const { read, permission, pothosExposedField, pothosPrismaSelect, pothosOptions, pothosArgMappers } =
    extensionsOf(field);
  const named = getNamedType(field.type);
  const model = modelOf(type);
  const opaque = (why: string) => new Unplanned(`${type.name}.${field.name} ${why}`);

  if (pothosOptions?.authScopes && !permission) throw opaque('has rights of its own kind');
  if (isObjectType(named) && extensionsOf(named).pothosOptions?.authScopes)
    throw opaque('has a guarded type');
  if (pothosArgMappers?.length) throw opaque('reads its arguments in its own way');

  if (read?.shape === 'node') return { kind: 'node' };
  if (isObjectType(named) && read?.model) {
    if (read.shape === 'one') {
      if (modelOf(named) !== read.model) throw opaque('leads to another model');
      return { kind: 'one', type: named, model: read.model, idOf: read.idOf ?? null };
    }
    if (read.shape === 'page') {
      const { list, query } = read;
      if (!list || !query || list.model !== read.model) throw opaque('says no list');
      const node = getNamedType(named.getFields().nodes?.type);
      if (!isObjectType(node) || modelOf(node) !== read.model) throw opaque('leads to another model');
      const relation = read.relation ? relationOf(model ?? '', read.relation) : null;
      if (relation ? !relation.list || relation.model !== read.model : model) throw opaque('leads elsewhere');
      return { kind: 'page', type: node, read: read as Page, relation };
    }
    if (modelOf(named) !== read.model || !model) throw opaque('leads to another model');
    const relation = relationOf(model, read.relation ?? '');
    if (read.shape === 'relation' && !relation.list && relation.model === read.model)
      return { kind: 'relation', type: named, relation };
    if (read.shape === 'through' && read.through && relation.list) {
      if (relationOf(relation.model, read.through.to).model !== read.model) throw opaque('leads elsewhere');
      return { kind: 'through', type: named, relation, through: read.through };
    }
    throw opaque('does not say how');
  }
  if (read && !['computed', 'money', 'known'].includes(read.shape)) throw opaque('is declared opaque');
  if (field.args.length > 0) throw opaque('takes arguments');
  if (model && pothosExposedField && !read) return columnShape(model, pothosExposedField, field);
  if (model && field.name === 'id' && type.name in prefixes) return { kind: 'id', type: type.name as IdType };
  if (model && isObjectType(named) && modelOf(named) === model && typeof pothosPrismaSelect === 'function')
    return { kind: 'row', type: named };

  const resolve = resolverOf(field);
  if (model && read && isSelect(pothosPrismaSelect)) {
    checkSelect(model, pothosPrismaSelect);
    const declared = read.columns && [...read.columns].sort().join();
    if (declared !== undefined && declared !== Object.keys(pothosPrismaSelect).sort().join())
      throw opaque('reads other columns than it declares');
    checkValue(schema, named as GraphQLObjectType);
    return { kind: 'value', select: pothosPrismaSelect, resolve };
  }
  // At the root it must be said: the resolver of an undeclared field may do anything.
  if (read?.shape === 'known' || (!model && type !== schema.getQueryType()))
    return { kind: 'known', resolve };
  throw opaque('does not say what it reads');
}

function columnShape(model: string, exposed: string, field: GraphQLField): Shape {
  const column = columnOf(model, exposed);
  const type = getNullableType(field.type);
  if (isListType(type) || !isLeafType(type) || column.list) {
    return { kind: 'value', select: { [exposed]: true }, resolve: (row) => row[exposed] };
  }
  return { kind: 'column', column, field: exposed };
}

/** The resolver as it was written, without what plugins put around it: rights and cost are checked before. */
export function resolverOf(field: GraphQLField): Resolve {
  const { pothosExposedField, pothosOriginalResolve } = extensionsOf(field);
  if (pothosExposedField) return (row) => row[pothosExposedField];
  if (!pothosOriginalResolve) throw new Unplanned(`${field.name} has no resolver of its own`);
  return pothosOriginalResolve;
}

function isSelect(select: unknown): select is Select {
  return typeof select === 'object' && select !== null && Object.keys(select).length > 0;
}

function checkSelect(model: string, select: Select): void {
  for (const [field, inner] of Object.entries(select)) {
    if (inner === true) columnOf(model, field);
    else checkSelect(relationOf(model, field).model, inner.select);
  }
}

/** A value is a leaf, or an object of leaves without rows behind it. */
function checkValue(schema: GraphQLSchema, type: GraphQLObjectType): void {
  if (isLeafType(type)) return;
  if (!isObjectType(type) || modelOf(type)) throw new Unplanned(`${type} is no value`);
  for (const field of Object.values(type.getFields())) {
    if (!isLeafType(getNamedType(field.type))) throw new Unplanned(`${type.name}.${field.name} is no leaf`);
    shapeOf(schema, type, field);
  }
}

/** Whether the database's label is the name in the API for every value. */
export function isPlainEnum(type: unknown): boolean {
  return isEnumType(type) && type.getValues().every(({ name, value }) => name === value);
}
