import { GraphQLError, getOperationAST } from 'graphql';
import type { Caller } from './callers.ts';
import type { Operation } from './documents.ts';
import { checkNesting } from './limits.ts';
import type { Params } from './params.ts';
import { publicError } from './publicError.ts';
import type { Services } from './services.ts';

export type { Operation };

/** Reads and validates what a WebSocket or an event stream asks. Answers errors, never throws. */
export function prepareOperation(
  services: Services,
  params: Params,
  caller: Caller,
  requestId: string,
): Operation | GraphQLError[] {
  try {
    checkNesting(params.variables);
    const document = services.documents.parse(params.query);
    const errors = services.documents.validate(document, schemaIsOpen(services, caller));
    if (errors.length > 0) return errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED'));
    const operation = getOperationAST(document, params.operationName);
    if (!operation)
      return [
        coded(
          new GraphQLError('Say which operation to run: `operationName` names none, or not one.'),
          'OPERATION_RESOLUTION_FAILURE',
        ),
      ];
    const { operationName, variables } = params;
    return {
      document,
      type: operation.operation,
      operationName: operationName ?? undefined,
      variables: variables ?? undefined,
    };
  } catch (error) {
    if (error instanceof GraphQLError) return [coded(error, 'GRAPHQL_PARSE_FAILED')];
    return [publicError(error, { requestId, log: services.log, operationName: params.operationName })];
  }
}

/** Those who cannot sign in see no schema, unless the query page is on and shows it to everyone. */
export function schemaIsOpen(services: Services, caller: Caller): boolean {
  return services.config.graphiql || caller.viewer.kind !== 'anonymous';
}

function coded(error: GraphQLError, code: string): GraphQLError {
  error.extensions.code ??= code;
  return error;
}
