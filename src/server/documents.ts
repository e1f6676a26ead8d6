import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  type OperationTypeNode,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { createCache } from './cache.ts';
import { checkDocument, checkTokens } from './limits.ts';

/** A document that may be executed, and which of its operations. */
export interface Operation {
  document: DocumentNode;
  type: OperationTypeNode;
  operationName: string | undefined;
  variables: Record<string, unknown> | undefined;
}

export interface Documents {
  /** Throws a GraphQLError for a syntax error or a limit. */
  parse(text: string): DocumentNode;
  /** What is wrong with it; `open` says whether the caller may look at the schema. */
  validate(document: DocumentNode, open: boolean): readonly GraphQLError[];
  /** The document of a text that was valid before, for this caller too; undefined for any other. */
  known(text: string, open: boolean): DocumentNode | undefined;
}

/** Characters of source in the cache. A parsed document takes some fifty times its text. */
const maxCachedText = 1_000_000;
const maxErrors = 20;
const maxMessage = 500;

/**
 * Reads documents for every transport. Only what parsed and is valid is kept, and errors are made anew for
 * each caller: one transport marks them in ways that are wrong on another.
 */
export function createDocuments(schema: GraphQLSchema): Documents {
  const valid = createCache<{ document: DocumentNode; closed: boolean }>({ maxWeight: maxCachedText });

  return {
    parse(text) {
      const known = valid.get(text);
      if (known) return known.document;
      checkTokens(text);
      const document = parse(text);
      checkDocument(document);
      return document;
    },
    validate(document, open) {
      const text = document.loc?.source.body ?? '';
      const known = valid.get(text);
      if (known?.document === document && (open || known.closed)) return [];
      const rules = open ? specifiedRules : [...specifiedRules, closedSchema];
      const errors = validate(schema, document, rules, { maxErrors, hideSuggestions: !open });
      if (errors.length === 0)
        valid.set(text, { document, closed: !open || known?.closed === true }, text.length);
      return errors.map(shortened);
    },
    known(text, open) {
      const known = valid.get(text);
      return known && (open || known.closed) ? known.document : undefined;
    },
  };
}

/** Some messages repeat what was sent, which may be long. */
function shortened(error: GraphQLError): GraphQLError {
  if (error.message.length <= maxMessage) return error;
  const { nodes, source, positions, extensions } = error;
  return new GraphQLError(`${error.message.slice(0, maxMessage)}…`, { nodes, source, positions, extensions });
}

/** Of a closed schema one may ask whether a type exists, as any error message tells anyway, and no more. */
const closedSchema: ValidationRule = (context) => ({
  Field(node) {
    const name = node.name.value;
    const parent = context.getParentType()?.name;
    if (name !== '__schema' && (parent !== '__Type' || ['name', 'kind', '__typename'].includes(name))) return;
    context.reportError(
      new GraphQLError('The schema is shown to signed-in callers only.', {
        nodes: node,
        extensions: { code: 'UNAUTHENTICATED' },
      }),
    );
  },
});
