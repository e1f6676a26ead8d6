import type { FieldRef, InputFieldMap, InputRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { InvalidInput } from '../core/errors.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { answered, type Schema } from './read.ts';

export type InputFields = PothosSchemaTypes.InputFieldBuilder<Schema, 'InputObject'>;

interface PayloadField<Row> {
  field: string;
  type: unknown;
  description: string;
  nullable?: boolean;
  /** What of the verb's result it shows; the whole of it unless said otherwise. */
  of?: (row: Row) => unknown;
}

interface MutationOptions<Row> {
  description: string;
  /** Fields of `XInput`; what they mean is checked by the verb. */
  input: (t: InputFields) => InputFieldMap;
  /** The payload's field, named after its object; or several, where there is more to say. */
  payload: PayloadField<Row> | readonly PayloadField<Row>[];
  /** Classes of failures besides InvalidInput, which every mutation can answer. */
  failures: (abstract new (
    ...args: never[]
  ) => Error)[];
  run: (ctx: GraphQLContext, input: never) => Promise<Row>;
}

/**
 * One mutation: `createBooking(input: CreateBookingInput!): CreateBookingResult`, a union of
 * `CreateBookingPayload` and the failures that a caller can act on. The verb does the work.
 */
export function mutation<Row>(name: string, options: MutationOptions<Row>): void {
  const Name = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const input: InputRef<unknown> = builder.inputType(`${Name}Input`, {
    description: `What ${name} needs.`,
    fields: options.input as never,
  }) as never;
  const payload = builder.objectRef<{ row: Row }>(`${Name}Payload`).implement({
    description: `What ${name} did.`,
    fields: (t) =>
      Object.fromEntries(
        [options.payload]
          .flat()
          .map(({ field, type, description, nullable = false, of }: PayloadField<Row>) => [
            field,
            t.field({
              type: type as never,
              description,
              nullable,
              resolve: ((
                { row }: { row: Row },
                _args: object,
                ctx: GraphQLContext,
                info: GraphQLResolveInfo,
              ) => {
                const shown = of ? of(row) : row;
                const one = shown as { id?: unknown } | null;
                return typeof one?.id === 'string' ? answered(type, one as { id: string }, ctx, info) : shown;
              }) as never,
            } as never) as FieldRef<Schema, unknown>,
          ]),
      ),
  });
  builder.mutationField(
    name,
    (t) =>
      t.field({
        type: payload,
        nullable: true,
        description: options.description,
        args: { input: t.arg({ type: input as never, required: true, description: 'What to do.' }) },
        errors: {
          types: [InvalidInput, ...options.failures] as never,
          union: { description: `What became of ${name}: the payload when it was done, or why it was not.` },
        },
        resolve: async (_root: unknown, args: unknown, ctx: GraphQLContext) => ({
          row: await options.run(ctx, (args as { input: never }).input),
        }),
      } as never) as never,
  );
}

/** The field that every creating or charging input has. */
export function idempotencyKeyField(t: InputFields) {
  return t.string({
    description:
      'Makes a repeated call harmless: the first effect is answered again. Any text up to 255 characters; kept for 24 hours.',
  });
}
