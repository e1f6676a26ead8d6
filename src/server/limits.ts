import {
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';

/**
 * What one document may ask before anything is executed. Generous for what people and generators write;
 * page sizes are counted by the schema itself. Validation costs time in the square of repeats, hence those.
 */
export const limits = {
  /** Lexical tokens of the document. */
  tokens: 10_000,
  /** Brackets inside each other, of any kind. */
  brackets: 100,
  /** Fields inside each other. */
  depth: 20,
  /** Fields at the root. */
  rootFields: 50,
  /** Fields with an alias. */
  aliases: 100,
  /** Fields, fragments written out. */
  fields: 3_000,
  /** Directives in the document. */
  directives: 100,
  /** How often one field with subfields, or fragments, may stand side by side. */
  repeats: 50,
  /** How often one field without subfields may. */
  leafRepeats: 100,
  /** Operations and fragments. */
  definitions: 100,
  /** Lists and objects inside each other, in the variables. */
  nesting: 100,
  /** Operations at a time on one WebSocket, beside its subscriptions. */
  operations: 200,
} as const;

/** Names the limit and its value, so that the caller can tell what to change. */
export function limitExceeded(limit: keyof typeof limits, what: string): GraphQLError {
  const max = limits[limit];
  return new GraphQLError(`${what}: at most ${max} (${limit}).`, {
    extensions: { code: 'LIMIT_EXCEEDED', limit, max },
  });
}

/** One subscription more than a WebSocket may have (LIVE_SUBSCRIPTIONS_PER_SOCKET). */
export function subscriptionsExceeded(max: number): GraphQLError {
  return new GraphQLError(`This socket has too many subscriptions: at most ${max}.`, {
    extensions: { code: 'LIMIT_EXCEEDED', limit: 'subscriptionsPerSocket', max },
  });
}

/** Before parsing, which recurses: too many tokens or directives, or brackets so deep that the stack would not hold them. */
export function checkTokens(text: string): void {
  const lexer = new Lexer(new Source(text));
  let open = 0;
  let directives = 0;
  for (let tokens = 0; ; tokens++) {
    if (tokens > limits.tokens) throw limitExceeded('tokens', 'The document has too many tokens');
    const { kind } = lexer.advance();
    if (kind === TokenKind.EOF) return;
    if (kind === TokenKind.BRACE_L || kind === TokenKind.BRACKET_L || kind === TokenKind.PAREN_L) open++;
    else if (kind === TokenKind.BRACE_R || kind === TokenKind.BRACKET_R || kind === TokenKind.PAREN_R) open--;
    else if (kind === TokenKind.AT) directives++;
    if (directives > limits.directives)
      throw limitExceeded('directives', 'The document has too many directives');
    if (open > limits.brackets) throw limitExceeded('brackets', 'The document nests brackets too deeply');
  }
}

/**
 * After parsing: walks each operation as execution would, with fragments written out and fields of one
 * name merged, and stops at the first limit. So a bomb of fragments costs no more than a document at the
 * limit. Circles of fragments are left to validation, which names them.
 */
export function checkDocument(document: DocumentNode): void {
  if (document.definitions.length > limits.definitions)
    throw limitExceeded('definitions', 'The document has too many operations and fragments');
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  let visits = 0;

  function measure(definition: DefinitionNode): void {
    if (!('selectionSet' in definition) || !definition.selectionSet) return;
    let fields = 0;
    let aliases = 0;

    function merge(sets: readonly SelectionSetNode[], depth: number, path: ReadonlySet<string>): void {
      if (depth > limits.depth) throw limitExceeded('depth', 'The document nests fields too deeply');
      const groups = new Map<string, { sets: SelectionSetNode[]; leaves: number }>();
      const spread = new Set<string>();
      let spreads = 0;

      function collect(set: SelectionSetNode): void {
        for (const selection of set.selections) {
          if (++visits > limits.fields * 3)
            throw limitExceeded('fields', 'The document selects too many fields');
          if (selection.kind === Kind.FIELD) {
            if (++fields > limits.fields)
              throw limitExceeded('fields', 'The document selects too many fields');
            if (selection.alias && ++aliases > limits.aliases)
              throw limitExceeded('aliases', 'The document has too many aliases');
            const name = selection.alias?.value ?? selection.name.value;
            const group = groups.get(name) ?? { sets: [], leaves: 0 };
            groups.set(name, group);
            if (selection.selectionSet) group.sets.push(selection.selectionSet);
            else group.leaves++;
            const what = `The document repeats the field "${name.slice(0, 50)}" too often`;
            if (group.sets.length > limits.repeats) throw limitExceeded('repeats', what);
            if (group.leaves > limits.leafRepeats) throw limitExceeded('leafRepeats', what);
          } else if (selection.kind === Kind.INLINE_FRAGMENT) {
            collect(selection.selectionSet);
          } else {
            const name = selection.name.value;
            const fragment = fragments.get(name);
            if (!fragment || spread.has(name) || path.has(name)) continue;
            if (++spreads > limits.repeats)
              throw limitExceeded('repeats', 'The document spreads too many fragments side by side');
            spread.add(name);
            collect(fragment.selectionSet);
          }
        }
      }
      for (const set of sets) collect(set);

      if (depth === 1 && groups.size > limits.rootFields && definition.kind === Kind.OPERATION_DEFINITION) {
        throw limitExceeded('rootFields', 'The document asks for too many fields at the root');
      }
      const inside = spread.size > 0 ? new Set([...path, ...spread]) : path;
      for (const group of groups.values()) if (group.sets.length > 0) merge(group.sets, depth + 1, inside);
    }

    merge([definition.selectionSet], 1, new Set());
  }

  document.definitions.forEach(measure);
}

/** Refuses JSON that nests more deeply than any honest input, without recursing itself. */
export function checkNesting(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.nesting) throw limitExceeded('nesting', 'The variables nest too deeply');
    level = level.flatMap((item) => (item !== null && typeof item === 'object' ? Object.values(item) : []));
  }
}
